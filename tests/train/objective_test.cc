#include "ecg/train/objective.h"

#include <torch/torch.h>

#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(MultiClassTest, LossIsCrossEntropySummedOverTheBatch) {
  torch::manual_seed(1);
  const torch::Tensor logits = torch::randn({8, 3}), classes = torch::randint(3, {8}, torch::kInt64);
  const torch::Tensor loss = MultiClass::Loss(logits, torch::one_hot(classes, 3).to(torch::kFloat32));
  const torch::Tensor expected = torch::nn::functional::cross_entropy(
      logits, classes, torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum));
  EXPECT_NEAR(loss.item<double>(), expected.item<double>(), 1e-5);
}

TEST(ObjectiveTest, LogitsAreTheInverseOfProbabilities) {
  const torch::Tensor logits = torch::randn({8, 3});
  EXPECT_TRUE(torch::allclose(MultiLabel::Logits(MultiLabel::Probabilities(logits)), logits, 1e-4, 1e-5));
  const torch::Tensor given = MultiClass::Logits(MultiClass::Probabilities(logits));
  EXPECT_TRUE(torch::allclose(MultiClass::Probabilities(given), MultiClass::Probabilities(logits), 1e-5, 1e-6));
}

}  // namespace
}  // namespace ecg
