#include "ecg/model/contrastive_head.h"

#include <torch/nn/module.h>
#include <torch/optim/adam.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "ecg/model/classifier.h"
#include "ecg/model/network.h"
#include "ecg/model/s4_cpc.h"
#include "ecg/model/weights.h"
#include "ecg/parity/deterministic.h"
#include "ecg/parity/json_file.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "proto/experiment.pb.h"
#include "tests/model/pretext_network.h"

namespace ecg {
namespace {

// The network of tests/data/make_cpc.py.
spec::Model Small() {
  spec::Model model;
  spec::S4Cpc& backbone = *model.mutable_s4_cpc();
  backbone.set_convolutions(3);
  backbone.set_layers(2);
  backbone.set_channels(8);
  backbone.set_state_size(4);
  backbone.set_kernel_samples(40);
  model.mutable_contrastive_head()->set_steps(5);
  model.mutable_contrastive_head()->set_negatives(7);
  return model;
}

using Pretrained = Classifier<S4Cpc, ContrastiveHead>;

TEST(ContrastiveHeadTest, AgreesWithAnImplementationInPyTorch) {
  const absl::StatusOr<nlohmann::json> expected = ReadJson("tests/data/cpc.json");
  ASSERT_TRUE(expected.ok()) << expected.status();
  S4Cpc backbone(Small().s4_cpc(), /*leads=*/12);
  ContrastiveHead head(Small().contrastive_head(), /*feature_dim=*/8, /*encoding_dim=*/8);
  torch::nn::Module network;
  // As in Pretrained, where the negatives are drawn.
  network.register_module("backbone", std::shared_ptr<S4Cpc>(&backbone, [](S4Cpc*) {}));
  network.register_module("prediction_heads", std::shared_ptr<ContrastiveHead>(&head, [](ContrastiveHead*) {}));
  FillDeterministically(StateOf(network));
  network.eval();
  EXPECT_EQ(ParameterCount(network), expected->at("parameters").get<int64_t>());

  const torch::Tensor signals = DeterministicTensor("input", {2, 12, 60}).to(torch::kFloat32);
  const torch::Tensor negatives = torch::tensor(TableOf<int64_t>([&] {
                                                  nlohmann::json rows = nlohmann::json::array();
                                                  for (const auto& crop : expected->at("negatives"))
                                                    rows.insert(rows.end(), crop.begin(), crop.end());
                                                  return rows;
                                                }()),
                                                torch::kInt64)
                                      .view({2, 25, 7});
  const torch::Tensor encoding = backbone.Encode(signals);
  ASSERT_EQ(encoding.sizes(), torch::IntArrayRef({2, 30, 8}));
  const ContrastiveResult result = Contrast(head.forward(backbone.Context(encoding)), encoding, negatives, /*steps=*/5);
  for (int i = 0; i < 2; ++i) {
    EXPECT_NEAR(result.loss[i].item<double>() / expected->at("loss")[i].get<double>(), 1, 1e-5);
    EXPECT_NEAR(result.accuracy[i].item<double>(), expected->at("accuracy")[i].get<double>(), 1e-6);
  }
  result.loss.mean().backward();
  int compared = 0;
  for (const auto& item : network.named_parameters()) {
    const double norm = expected->at("gradient_l2_norm").at(item.key()).get<double>();
    EXPECT_NEAR(item.value().grad().norm().item<double>() / norm, 1, 1e-4) << item.key();
    ++compared;
  }
  EXPECT_EQ(compared, static_cast<int>(expected->at("gradient_l2_norm").size()));
}

TEST(ContrastiveHeadTest, DrawsNegativesFromAllOtherSamples) {
  torch::manual_seed(1);
  const torch::Tensor drawn = DrawNegatives(/*crops=*/3, /*samples=*/6, {.steps = 2, .negatives = 500}, torch::kCPU);
  ASSERT_EQ(drawn.sizes(), torch::IntArrayRef({3, 4, 500}));
  for (int64_t t = 0; t < 4; ++t) {
    for (int64_t sample = 0; sample < 6; ++sample) {
      const double share = drawn.select(1, t).eq(sample).to(torch::kFloat64).mean().item<double>();
      EXPECT_NEAR(share, sample == t + 2 ? 0 : 0.2, sample == t + 2 ? 0 : 0.05);
    }
  }
  EXPECT_FALSE(drawn[0].equal(drawn[1]));
  const torch::Tensor fixed = FixedNegatives(/*samples=*/6, {.steps = 2, .negatives = 500});
  EXPECT_TRUE(fixed.equal(FixedNegatives(6, {.steps = 2, .negatives = 500})));
  EXPECT_FALSE(fixed.eq(torch::arange(2, 6).view({1, 4, 1})).any().item<bool>());
}

TEST(ContrastiveHeadTest, AnEncodingThatIsTheSameEverywhereIsNotRight) {
  const torch::Tensor encoding = torch::ones({2, 10, 4});
  const ContrastiveResult result =
      Contrast(encoding, encoding, FixedNegatives(10, {.steps = 3, .negatives = 5}), /*steps=*/3);
  EXPECT_NEAR(result.loss[0].item<double>(), 7 * std::log(6), 1e-4);
  EXPECT_EQ(result.accuracy[0].item<double>(), 0);
}

TEST(ContrastiveHeadTest, EvaluatesWithTheSameNegativesAndTrainsWithOthers) {
  torch::manual_seed(1);
  Pretrained network(Small(), /*leads=*/12, /*classes=*/2);
  ExpectFixedChoicesInEvaluationOnly(network, torch::randn({3, 12, 80}));
  EXPECT_THROW(network.forward(torch::randn({3, 12, 8})), c10::Error);
}

TEST(ContrastiveHeadTest, LearnsToPredict) {
  torch::manual_seed(1);
  Pretrained network(Small(), /*leads=*/12, /*classes=*/2);
  // A rhythm of its own in each crop.
  const torch::Tensor phase = torch::arange(80).view({1, 1, 80}) * torch::linspace(0.1, 0.5, 8).view({8, 1, 1}) +
                              torch::linspace(0, 3, 12).view({1, 12, 1});
  const torch::Tensor signals = phase.sin();
  torch::optim::Adam adam(network.parameters(), 0.01);
  double first = 0, last = 0;
  for (int step = 0; step < 60; ++step) {
    adam.zero_grad();
    const torch::Tensor loss = network.forward(signals).select(1, 0).mean();
    loss.backward();
    adam.step();
    last = loss.item<double>();
    if (step == 0) first = last;
  }
  EXPECT_LT(last, 0.7 * first);
}

TEST(S4CpcTest, ItsContextSeesEarlierSamplesOnly) {
  torch::manual_seed(1);
  S4Cpc backbone(Small().s4_cpc(), /*leads=*/12);
  backbone.eval();
  const torch::NoGradGuard no_grad;
  torch::Tensor encoding = torch::randn({1, 30, 8});
  const torch::Tensor before = backbone.Context(encoding);
  encoding = encoding.clone();
  encoding.slice(1, 20).add_(1);
  const torch::Tensor after = backbone.Context(encoding);
  EXPECT_TRUE(before.slice(1, 0, 20).allclose(after.slice(1, 0, 20), 1e-4, 1e-5));
  EXPECT_FALSE(before.slice(1, 20).allclose(after.slice(1, 20), 1e-2, 1e-2));
}

TEST(S4CpcTest, HasThePublishedSize) {
  // Four convolutions with batch norm, four S4 layers with one C, and layer norms.
  const int64_t encoder = 12 * 512 * 3 + 3 * 512 * 512 + 4 * 2 * 512;
  const int64_t layer = 512 * 4 * 2 + 512 + 1024 * 512 + 1024 + 2 * 512;
  EXPECT_EQ(ParameterCount(S4Cpc(spec::S4Cpc(), /*leads=*/12)), encoder + 4 * layer);
  spec::Model model;
  model.mutable_s4_cpc();
  EXPECT_EQ(ParameterCount(Pretrained(model, 12, 2)), encoder + 4 * layer + 512 * 512);
}

}  // namespace
}  // namespace ecg
