#include "ecg/model/attention_head.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "ecg/model/classifier.h"
#include "ecg/model/head.h"
#include "ecg/model/network.h"
#include "ecg/model/resnet.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

constexpr int kFeatures = 6, kTimes = 9, kClasses = 3;

spec::AttentionHead SpecOf(bool gated, int heads) {
  spec::AttentionHead spec;
  spec.set_hidden_dim(4);
  spec.set_gated(gated);
  spec.set_heads(heads);
  return spec;
}

// The logits of one record, [F, T], by the equations of the paper, number by number.
std::vector<double> LogitsOf(const AttentionHead& head, const torch::Tensor& record, bool gated, int heads) {
  const auto weights = head.named_parameters();
  const auto at = [&](const char* name, int row, int column) {
    return weights[name].index({row, column}).item<double>();
  };
  const auto product = [&](const std::string& layer, int row, int time) {
    double sum = weights[layer + ".bias"][row].item<double>();
    for (int f = 0; f < kFeatures; ++f) {
      sum += at((layer + ".weight").c_str(), row, f) * record.index({f, time}).item<double>();
    }
    return sum;
  };
  std::vector<double> pooled;
  for (int k = 0; k < heads; ++k) {
    std::vector<double> attention;
    double total = 0;
    for (int t = 0; t < kTimes; ++t) {
      double score = 0;
      for (int i = 0; i < 4; ++i) {
        const double gate = gated ? 1 / (1 + std::exp(-product("gate", i, t))) : 1;
        score += at("score.weight", k, i) * std::tanh(product("value", i, t)) * gate;
      }
      attention.push_back(std::exp(score));
      total += attention.back();
    }
    for (int f = 0; f < kFeatures; ++f) {
      double sum = 0;
      for (int t = 0; t < kTimes; ++t) sum += attention[t] / total * record.index({f, t}).item<double>();
      pooled.push_back(sum);
    }
  }
  std::vector<double> logits;
  for (int c = 0; c < kClasses; ++c) {
    double sum = weights["fc.bias"][c].item<double>();
    for (size_t f = 0; f < pooled.size(); ++f) sum += at("fc.weight", c, static_cast<int>(f)) * pooled[f];
    logits.push_back(sum);
  }
  return logits;
}

TEST(AttentionHeadTest, WeightsTheFeaturesOfEachTimeAsThePaperDoes) {
  torch::manual_seed(1);
  for (const bool gated : {true, false}) {
    for (const int heads : {1, 3}) {
      AttentionHead head(SpecOf(gated, heads), kFeatures, kClasses);
      EXPECT_EQ(head.named_parameters().contains("gate.weight"), gated);
      const torch::Tensor sequence = 3 * torch::randn({2, kFeatures, kTimes});
      const torch::Tensor logits = head.forward(sequence);
      ASSERT_EQ(logits.sizes(), torch::IntArrayRef({2, kClasses}));
      for (int record = 0; record < 2; ++record) {
        const std::vector<double> expected = LogitsOf(head, sequence[record], gated, heads);
        for (int c = 0; c < kClasses; ++c) {
          EXPECT_NEAR(logits.index({record, c}).item<double>(), expected[c], 1e-5) << gated << heads;
        }
      }
    }
  }
}

TEST(AttentionHeadTest, HasWeightsThatSumToOneOverTime) {
  torch::manual_seed(1);
  AttentionHead head(SpecOf(/*gated=*/true, /*heads=*/2), kFeatures, kClasses);
  const torch::Tensor weights = head.Weights(5 * torch::randn({4, kFeatures, kTimes}));
  ASSERT_EQ(weights.sizes(), torch::IntArrayRef({4, 2, kTimes}));
  EXPECT_TRUE(weights.sum(-1).allclose(torch::ones({4, 2})));
  EXPECT_TRUE(weights.gt(0).all().item<bool>());
  EXPECT_FALSE(weights.select(1, 0).allclose(weights.select(1, 1)));
}

TEST(AttentionHeadTest, DropsPooledFeaturesInTrainingOnly) {
  torch::manual_seed(1);
  spec::AttentionHead spec = SpecOf(/*gated=*/true, /*heads=*/1);
  spec.set_dropout(0.5);
  AttentionHead head(spec, kFeatures, kClasses);
  const torch::Tensor sequence = torch::randn({2, kFeatures, kTimes});
  EXPECT_FALSE(head.forward(sequence).equal(head.forward(sequence)));
  head.eval();
  EXPECT_TRUE(head.forward(sequence).equal(head.forward(sequence)));
}

TEST(AttentionHeadTest, IsALinearHeadOfTheMeanWhereAllTimesMatterAlike) {
  torch::manual_seed(1);
  spec::Model model;
  Classifier<ResNet<BasicBlock>, AttentionHead> attention(model, /*leads=*/12, kClasses);
  Classifier<ResNet<BasicBlock>, LinearHead> linear(model, /*leads=*/12, kClasses);
  attention.eval();
  linear.eval();
  const torch::NoGradGuard no_grad;
  auto from = attention.named_parameters();
  from["prediction_heads.score.weight"].zero_();
  for (auto& item : linear.named_parameters()) item.value().copy_(from[item.key()]);
  const torch::Tensor signals = torch::randn({2, 12, 250});
  EXPECT_TRUE(attention.forward(signals).allclose(linear.forward(signals), 1e-4, 1e-5));
}

}  // namespace
}  // namespace ecg
