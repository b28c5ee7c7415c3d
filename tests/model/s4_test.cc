#include "ecg/model/s4.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>

#include "ecg/model/classifier.h"
#include "ecg/model/layers.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

spec::Model Small() {
  spec::Model model;
  model.mutable_s4()->set_layers(2);
  model.mutable_s4()->set_channels(16);
  return model;
}

TEST(S4Test, HasThePublishedSize) {
  Classifier<S4> network(spec::Model(), /*leads=*/12, /*classes=*/71);
  EXPECT_EQ(ParameterCount(network), 2'183'239);
  int64_t multiply_adds = 0;
  for (const Layer& layer : LayersOf(network, torch::zeros({1, 12, 250}))) multiply_adds += layer.multiply_adds;
  EXPECT_EQ(multiply_adds, 250 * 12 * 512 + 4 * 250 * 512 * 1024 + 512 * 71);
}

TEST(S4Test, HasAFiniteState) {
  const Classifier<S4> network(Small(), /*leads=*/12, /*classes=*/71);
  for (const auto& [name, tensor] : StateOf(network)) EXPECT_TRUE(tensor.isfinite().all().item<bool>()) << name;
}

TEST(S4Test, DropsWholeChannelsInTrainingOnly) {
  torch::manual_seed(1);
  const torch::Tensor x = torch::ones({8, 20, 64});
  const torch::Tensor dropped = DropChannels(x, 0.25, /*is_training=*/true);
  // All samples of a channel are alike, and what is left is scaled.
  EXPECT_TRUE(dropped.eq(dropped.slice(1, 0, 1)).all().item<bool>());
  EXPECT_TRUE((dropped.eq(0) | dropped.sub(1 / 0.75f).abs().lt(1e-6)).all().item<bool>());
  EXPECT_NEAR(dropped.eq(0).to(torch::kFloat32).mean().item<double>(), 0.25, 0.1);
  EXPECT_TRUE(DropChannels(x, 0.25, /*is_training=*/false).is_same(x));
}

TEST(S4Test, HasOptionsForTheKernelSizeAndForTheStateMatrix) {
  spec::Model model = Small();
  model.mutable_s4()->set_kernel_size(5);
  model.mutable_s4()->set_state_matrix(spec::S4::DIAGONAL);
  model.mutable_s4()->set_causal(true);
  Classifier<S4> network(model, /*leads=*/3, /*classes=*/2);
  EXPECT_EQ(network.named_parameters()["encoder.weight"].sizes(), torch::IntArrayRef({16, 3, 5}));
  EXPECT_EQ(network.named_parameters()["s4_layers.1.kernel.kernel.C"].sizes(), torch::IntArrayRef({1, 16, 4, 2}));
  EXPECT_FALSE(network.named_buffers().contains("s4_layers.0.kernel.kernel.P"));
  EXPECT_EQ(network.forward(torch::randn({4, 3, 77})).sizes(), torch::IntArrayRef({4, 2}));
}

TEST(S4Test, IsTheSameInEveryBatch) {
  torch::manual_seed(1);
  Classifier<S4> network(Small(), /*leads=*/3, /*classes=*/2);
  network.eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor signals = torch::randn({4, 3, 100});
  EXPECT_TRUE(network.forward(signals)[2].allclose(network.forward(signals.slice(0, 2, 3))[0], 1e-4, 1e-5));
}

}  // namespace
}  // namespace ecg
