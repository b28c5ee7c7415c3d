// Every type of network trains: tested on the smallest published network of each C++ type that a spec can name.

#include "ecg/model/any_network.h"

#include <torch/optim/adam.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ecg/device/device.h"
#include "ecg/device/side_by_side.h"
#include "ecg/model/layers.h"
#include "ecg/model/network.h"
#include "ecg/nn/channels_last.h"
#include "ecg/nn/stochastic_depth.h"
#include "ecg/parity/reference_models.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
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

TEST_P(AnyNetworkTest, HasFeaturesOfEachTimeForAttention) {
  spec::Model model = SpecOf(GetParam());
  if (model.has_fcn()) GTEST_SKIP() << "the last layer of this network gives the logits";
  model.mutable_attention_head()->set_heads(2);
  torch::manual_seed(1);
  const std::shared_ptr<Network> network = AnyNetwork(model, /*leads=*/12, /*classes=*/3).value();
  const int samples = network->CheckSamples(250).ok() ? 250 : 1250;
  const torch::Tensor signals = torch::randn({4, 12, samples});
  const torch::Tensor logits = network->forward(ChannelsLast(signals));
  ASSERT_EQ(logits.sizes(), torch::IntArrayRef({4, 3}));
  // All parameters are trained, those of layers behind the backbone's own pooling too.
  logits.square().sum().backward();
  for (const auto& item : network->named_parameters()) EXPECT_TRUE(item.value().grad().defined()) << item.key();
}

TEST_P(AnyNetworkTest, GivesTheSameLogitsBesideOtherInputsAsAlone) {
  torch::manual_seed(1);
  const std::shared_ptr<Network> network = Make();
  network->eval();
  const int samples = network->CheckSamples(1250).ok() ? 1250 : 250;
  std::vector<torch::Tensor> inputs, logits(6);
  for (int i = 0; i < 6; ++i) inputs.push_back(ChannelsLast(torch::randn({1 + i % 3, 12, samples})));
  const int threads = at::get_num_threads();
  at::set_num_threads(2);
  ForEachSideBySide(Device(), 6, [&](int i) { logits[i] = network->forward(inputs[i]); });
  const torch::InferenceMode inference;
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(network->forward(inputs[i]).allclose(logits[i], 1e-5, 1e-6)) << i;
  at::set_num_threads(threads);
}

INSTANTIATE_TEST_SUITE_P(FirstOfEachType, AnyNetworkTest, testing::ValuesIn(FirstOfEachType()),
                         [](const testing::TestParamInfo<ReferenceModel>& info) {
                           std::string name(info.param.name.data(), info.param.name.size());
                           std::ranges::replace_if(
                               name, [](unsigned char c) { return !std::isalnum(c); }, '_');
                           return name;
                         });

// The backbones with the option stochastic_depth, by the names of their fields.
std::vector<std::string> WithStochasticDepth() {
  std::vector<std::string> names;
  const auto* backbones = spec::Model::descriptor()->FindOneofByName("backbone");
  for (int i = 0; i < backbones->field_count(); ++i) {
    const auto* field = backbones->field(i);
    if (field->message_type()->FindFieldByName("stochastic_depth") != nullptr) names.emplace_back(field->name());
  }
  return names;
}

class StochasticDepthTest : public testing::TestWithParam<std::string> {};

TEST_P(StochasticDepthTest, SkipsBlocksInTrainingOnlyAndByTheSeed) {
  const auto make = [](double stochastic_depth) {
    spec::Model model;
    const auto* field = model.GetDescriptor()->FindFieldByName(GetParam());
    auto* backbone = model.GetReflection()->MutableMessage(&model, field);
    const auto set = [backbone](const char* name, double value) {
      const auto* option = backbone->GetDescriptor()->FindFieldByName(name);
      if (option != nullptr) backbone->GetReflection()->SetDouble(backbone, option, value);
    };
    set("stochastic_depth", stochastic_depth);
    // Nothing else is random, and what is skipped counts.
    set("dropout", 0);
    set("layer_scale", 1);
    model.mutable_linear_head();
    torch::manual_seed(1);
    return AnyNetwork(model, /*leads=*/12, /*classes=*/3).value();
  };
  const std::shared_ptr<Network> network = make(0.5), plain = make(0);
  const torch::NoGradGuard no_grad;
  const torch::Tensor signals = torch::randn({8, 12, 250});
  // Not batch norm, nor dropout.
  const auto train_blocks = [](Network& module) {
    module.eval();
    for (const auto& part : module.modules()) {
      if (dynamic_cast<ResidualBlock*>(part.get()) == nullptr) continue;
      part->train();
      for (const auto& child : part->children()) child->eval();
    }
  };
  const auto logits = [&](Network& module, int seed) {
    torch::manual_seed(seed);
    return module.forward(signals);
  };
  network->eval();
  plain->eval();
  EXPECT_TRUE(logits(*network, 1).equal(logits(*plain, 2)));
  train_blocks(*network);
  train_blocks(*plain);
  EXPECT_TRUE(logits(*network, 1).equal(logits(*network, 1)));
  EXPECT_FALSE(logits(*network, 1).allclose(logits(*network, 2)));
  EXPECT_TRUE(logits(*plain, 1).equal(logits(*plain, 2)));
}

INSTANTIATE_TEST_SUITE_P(OfEachBackboneThatHasIt, StochasticDepthTest, testing::ValuesIn(WithStochasticDepth()));

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
