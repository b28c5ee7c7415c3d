#include "ecg/train/objective.h"

#include <torch/nn/functional/loss.h>
#include <torch/types.h>

#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

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

// Logits and targets whose losses were computed with NumPy in float64.
const torch::Tensor& SomeLogits() {
  static const torch::Tensor logits = torch::tensor({{2.0f, -1.0f, 0.5f}, {-3.0f, 0.0f, 1.5f}});
  return logits;
}
const torch::Tensor& SomeTargets() {
  static const torch::Tensor targets = torch::tensor({{1.0f, 0.0f, 0.0f}, {1.0f, 1.0f, 0.0f}});
  return targets;
}

// The loss of a multi_label of this text.
double LossOf(const std::string& text, const TrainingLabels& labels = {}) {
  spec::MultiLabel spec;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &spec)) << text;
  return MultiLabel(spec, labels).Loss(SomeLogits(), SomeTargets()).item<double>();
}

TEST(MultiLabelTest, LossIsTheSumOrTheMeanOfCrossEntropies) {
  EXPECT_NEAR(LossOf(""), 6.85741449, 1e-5);
  EXPECT_NEAR(LossOf("reduction: MEAN"), 1.14290242, 1e-6);
  EXPECT_NEAR(LossOf("label_smoothing: 0.1"), 6.75741449, 1e-5);
}

TEST(MultiLabelTest, WeighsClassesByTheirEffectiveNumberOfRecords) {
  const TrainingLabels labels = {.classes = {"a", "b", "c"}, .positives = {1000, 10, 0}, .records = 1000};
  EXPECT_NEAR(LossOf("effective_number_beta: 0.999", labels), 7.57221060, 1e-5);
  EXPECT_NEAR(LossOf("effective_number_beta: 0.999 focal { gamma: 0 }", labels), 7.57221060, 1e-5);
  EXPECT_NEAR(LossOf("effective_number_beta: 0.999 reduction: MEAN", labels), 7.57221060 / 6, 1e-6);
}

TEST(MultiLabelTest, HasTheFocalAndTheAsymmetricLoss) {
  EXPECT_NEAR(LossOf("focal {}"), 4.47871277, 1e-5);
  EXPECT_NEAR(LossOf("focal { gamma: 0 }"), 6.85741449, 1e-5);
  EXPECT_NEAR(LossOf("asymmetric {}"), 4.46699866, 1e-5);
  EXPECT_NEAR(LossOf("asymmetric { gamma_positive: 1 }"), 3.86404534, 1e-5);
  EXPECT_NEAR(LossOf("asymmetric { gamma_positive: 1 gamma_negative: 2 clip: 0 }"), 4.80305119, 1e-5);
}

TEST(MultiLabelTest, HasFiniteGradientsAtLargeLogits) {
  for (const char* text : {"focal { gamma: 0.5 }", "asymmetric { gamma_negative: 0.5 }", "asymmetric { clip: 0 }"}) {
    spec::MultiLabel spec;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &spec));
    for (const float target : {0.0f, 1.0f, 0.3f}) {
      const torch::Tensor logits = torch::tensor({-200.0f, -3.0f, 200.0f}).requires_grad_();
      const torch::Tensor loss = MultiLabel(spec).Loss(logits, torch::full({3}, target));
      loss.backward();
      EXPECT_TRUE(loss.isfinite().item<bool>()) << text << " " << target;
      EXPECT_TRUE(logits.grad().isfinite().all().item<bool>()) << text << " " << target << "\n" << logits.grad();
    }
  }
}

TEST(ObjectiveTest, LogitsAreTheInverseOfProbabilities) {
  const torch::Tensor logits = torch::randn({8, 3});
  EXPECT_TRUE(torch::allclose(MultiLabel::Logits(MultiLabel::Probabilities(logits)), logits, 1e-4, 1e-5));
  const torch::Tensor given = MultiClass::Logits(MultiClass::Probabilities(logits));
  EXPECT_TRUE(torch::allclose(MultiClass::Probabilities(given), MultiClass::Probabilities(logits), 1e-5, 1e-6));
}

TEST(ObjectiveTest, LogitsOfCertainProbabilitiesAreFiniteAndKeepTheirOrder) {
  // Single precision has no probability between that of 16.6 and 1.
  const torch::Tensor certain = torch::tensor({-200.0f, -80.0f, -30.0f, 0.0f, 16.0f, 200.0f}).unsqueeze(1);
  const torch::Tensor logits = MultiLabel::Logits(MultiLabel::Probabilities(certain));
  EXPECT_TRUE(logits.isfinite().all().item<bool>()) << logits;
  EXPECT_TRUE((logits.slice(0, 1) > logits.slice(0, 0, -1)).all().item<bool>()) << logits;
  for (const float target : {0.0f, 1.0f}) {
    EXPECT_TRUE(MultiLabel().Loss(logits, torch::full_like(logits, target)).isfinite().item<bool>()) << target;
  }
  const torch::Tensor classes = MultiClass::Logits(MultiClass::Probabilities(torch::tensor({{300.0f, 0.0f}})));
  EXPECT_TRUE(MultiClass::Loss(classes, torch::tensor({{1.0f, 0.0f}})).isfinite().item<bool>()) << classes;
}

}  // namespace
}  // namespace ecg
