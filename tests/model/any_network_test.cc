// Every type of network trains: tested on the smallest published network of each C++ type that a spec can name.

#include "ecg/model/any_network.h"

#include <torch/torch.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "ecg/model/layers.h"
#include "ecg/model/network.h"
#include "ecg/nn/channels_last.h"
#include "ecg/parity/reference_models.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {

void PrintTo(const ReferenceModel& reference, std::ostream* out) { *out << reference.name; }

namespace {

class AnyNetworkTest : public testing::TestWithParam<ReferenceModel> {
 protected:
  // The network for three classes.
  static std::shared_ptr<Network> Make() { return AnyNetwork(SpecOf(GetParam()), /*leads=*/12, /*classes=*/3).value(); }
};

TEST_P(AnyNetworkTest, OverfitsASmallBatchAtEveryLengthAndInEveryLayout) {
  int lengths = 0;
  for (const int samples : {250, 1000, 1250}) {
    SCOPED_TRACE(samples);
    torch::manual_seed(1);
    const std::shared_ptr<Network> network = Make();
    if (const absl::Status status = network->CheckSamples(samples); !status.ok()) {
      EXPECT_FALSE(status.message().empty());
      continue;
    }
    ++lengths;
    const torch::Tensor signals = ChannelsLast(torch::randn({2, 12, samples}));
    const torch::Tensor targets = torch::tensor({{1.f, 0.f, 1.f}, {0.f, 1.f, 1.f}});
    torch::optim::Adam adam(network->parameters(), torch::optim::AdamOptions(1e-3));
    network->train();
    // Steps of recurrent networks are slow, so training stops once the loss has decreased enough.
    double first = 0, last = 0;
    for (int step = 0; step < 100 && last >= 0.8 * first; ++step) {
      adam.zero_grad();
      const torch::Tensor logits = network->forward(signals);
      ASSERT_EQ(logits.sizes(), torch::IntArrayRef({2, 3}));
      const torch::Tensor loss = torch::binary_cross_entropy_with_logits(logits, targets);
      loss.backward();
      adam.step();
      last = loss.item<double>();
      if (step == 0) first = last;
    }
    EXPECT_LT(last, 0.8 * first);

    network->eval();
    const torch::NoGradGuard no_grad;
    const torch::Tensor logits = network->forward(signals);
    EXPECT_EQ(logits.sizes(), torch::IntArrayRef({2, 3}));
    EXPECT_TRUE(logits.isfinite().all().item<bool>());
    const torch::Tensor plain = network->forward(signals.contiguous());
    EXPECT_TRUE(logits.allclose(plain, /*rtol=*/1e-3, /*atol=*/1e-4)) << logits << plain;
  }
  EXPECT_GT(lengths, 0);
}

TEST_P(AnyNetworkTest, HasLayersThatHoldEveryParameterOnce) {
  const std::shared_ptr<Network> network = Make();
  int64_t parameters = 0, multiply_adds = 0;
  for (const Layer& layer : LayersOf(*network, torch::zeros({1, 12, 1250}))) {
    parameters += layer.parameters;
    multiply_adds += layer.multiply_adds;
  }
  EXPECT_EQ(parameters, ParameterCount(*network));
  EXPECT_GT(multiply_adds, 0);
}

TEST_P(AnyNetworkTest, TakesAnyHeadWhereItHasFeatures) {
  spec::Model model = SpecOf(GetParam());
  if (model.has_fcn()) GTEST_SKIP() << "the last layer of this network gives the logits";
  model.mutable_linear_head();
  const std::shared_ptr<Network> network = AnyNetwork(model, /*leads=*/12, /*classes=*/3).value();
  network->eval();
  const torch::NoGradGuard no_grad;
  const int samples = network->CheckSamples(250).ok() ? 250 : 1250;
  EXPECT_EQ(network->forward(torch::randn({2, 12, samples})).sizes(), torch::IntArrayRef({2, 3}));
  const auto parameters = network->named_parameters();
  EXPECT_EQ(parameters["prediction_heads.fc.bias"].sizes(), torch::IntArrayRef({3}));
  for (const auto& item : parameters) {
    EXPECT_TRUE(item.key().starts_with("backbone.") || item.key().starts_with("prediction_heads.fc.")) << item.key();
  }
}

INSTANTIATE_TEST_SUITE_P(FirstOfEachType, AnyNetworkTest, testing::ValuesIn(FirstOfEachType()),
                         [](const testing::TestParamInfo<ReferenceModel>& info) {
                           std::string name(info.param.name.data(), info.param.name.size());
                           std::ranges::replace_if(
                               name, [](unsigned char c) { return !std::isalnum(c); }, '_');
                           return name;
                         });

TEST(AnyNetworkFactoryTest, RefusesASpecWithoutABackbone) {
  EXPECT_EQ(AnyNetwork(spec::Model(), /*leads=*/12, /*classes=*/3).status().message(), "no backbone is chosen");
}

TEST(AnyNetworkFactoryTest, RefusesUnsupportedLengths) {
  const auto refusal = [](const std::string& name, int samples) {
    spec::Model model = SpecOf(FindReferenceModel(name).value());
    if (model.has_efficientnet()) model.mutable_efficientnet()->set_sequence_length(1250);
    return AnyNetwork(model, /*leads=*/12, /*classes=*/3).value()->CheckSamples(samples);
  };
  EXPECT_EQ(refusal("effnet1d_b0", 1250), absl::OkStatus());
  EXPECT_FALSE(refusal("effnet1d_b0", 1000).ok());
  EXPECT_FALSE(refusal("transformer_d1_h1_dim32l", 1249).ok());
  EXPECT_FALSE(refusal("transformer_d1_h1_dim32c", 250).ok());
}

}  // namespace
}  // namespace ecg
