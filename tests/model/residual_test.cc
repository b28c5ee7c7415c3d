// Properties of individual families of residual networks. Parity with the reference and training are tested for all
// networks in parity_test.cc and any_network_test.cc.

#include "ecg/model/residual.h"

#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "ecg/model/lambda_resnet.h"
#include "ecg/model/network.h"
#include "ecg/model/nf_resnet.h"
#include "ecg/model/senet.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

static_assert(Backbone<SeNet> && Backbone<NfResNet<NfBottleneck>> && Backbone<LambdaResNet>);

TEST(ResidualTest, HasStridesFromTheSecondStageOn) {
  torch::nn::Module network;
  int channels = 12;
  auto stages = ResidualStages<NfBasicBlock>(network, channels, {1, 2, 1, 1});
  EXPECT_EQ(channels, 512);
  EXPECT_EQ(stages[1]->size(), 2);
  torch::Tensor x = torch::zeros({1, 12, 33});
  for (auto& stage : stages) x = stage->forward(x);
  EXPECT_EQ(x.sizes(), torch::IntArrayRef({1, 512, 5}));  // 33, 17, 9, 5
  EXPECT_TRUE(network.named_parameters().contains("layer2.1.conv2.gain"));
}

TEST(NfResNetTest, StandardisesWeightsOfAnyMeanAndScale) {
  ScaledStdConv1d convolution(8, 4, 3);
  {
    const torch::NoGradGuard no_grad;
    convolution->weight.mul_(50).add_(7);
    convolution->named_parameters()["gain"].copy_(torch::tensor({1.f, 2.f, 3.f, 4.f}).view({4, 1, 1}));
  }
  const torch::Tensor weight = convolution->StandardisedWeight();
  EXPECT_TRUE(weight.mean({1, 2}).allclose(torch::zeros({4}), 0, 1e-6)) << weight;
  const torch::Tensor squares = torch::tensor({1.f, 4.f, 9.f, 16.f}) * 23 / 24;
  EXPECT_TRUE(weight.square().sum({1, 2}).allclose(squares)) << weight;
}

TEST(SeNetTest, HasAOneDimensionalStemInSeNet154) {
  spec::SeNet spec;
  spec.set_architecture(spec::SeNet::SENET_154);
  SeNet network(spec, /*leads=*/12);
  network.eval();
  EXPECT_EQ(network.named_parameters()["layer0.conv1.weight"].sizes(), torch::IntArrayRef({64, 12, 3}));
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(network.forward(torch::ones({1, 12, 250})).isfinite().all().item<bool>());
}

TEST(LambdaResNetTest, StaysFiniteOnAmplitudesBeyondThoseOfItsRunningStatistics) {
  torch::manual_seed(1);
  spec::LambdaResNet spec;
  spec.set_depth(spec::LambdaResNet::LAMBDA_RESNET_50);
  LambdaResNet network(spec, /*leads=*/12);
  network.eval();
  const torch::NoGradGuard no_grad;
  for (const double amplitude : {1.0, 20.0, 1e6}) {
    EXPECT_TRUE(network.forward(amplitude * torch::randn({2, 12, 250})).isfinite().all().item<bool>()) << amplitude;
  }
}

}  // namespace
}  // namespace ecg
