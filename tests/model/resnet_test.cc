#include "ecg/model/resnet.h"

#include <torch/optim/adam.h>
#include <torch/types.h>

#include <cmath>
#include <memory>

#include "ecg/model/classifier.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ResNet18 = ResNet<BasicBlock>;
static_assert(Backbone<ResNet18>);

std::shared_ptr<Classifier<ResNet18>> MakeClassifier(int classes = 71) {
  return std::make_shared<Classifier<ResNet18>>(spec::Model(), /*leads=*/12, classes);
}

TEST(ResNetTest, HasTheSizeOfTheReference) { EXPECT_EQ(ParameterCount(*MakeClassifier()), 4'022'471); }

TEST(ResNetTest, ReturnsALogitForEachCropAndClassAtAnyLength) {
  auto network = MakeClassifier(5);
  network->eval();
  for (const int samples : {250, 1000, 1250}) {
    EXPECT_EQ(network->forward(torch::zeros({2, 12, samples})).sizes(), torch::IntArrayRef({2, 5})) << samples;
  }
}

TEST(ResNetTest, InitialisesConvolutionsKaimingNormalByFanOut) {
  torch::manual_seed(1);
  auto network = MakeClassifier();
  const NamedTensors state = StateOf(*network);
  const torch::Tensor weight = state.at("backbone.layer4.1.conv2.weight");  // [512, 512, 3]
  EXPECT_NEAR(weight.std().item<double>(), std::sqrt(2.0 / (512 * 3)), 1e-4);
  EXPECT_NEAR(weight.mean().item<double>(), 0, 1e-4);
  EXPECT_TRUE(state.at("backbone.bn1.weight").equal(torch::ones({64})));
}

TEST(ResNetTest, OverfitsABatch) {
  torch::manual_seed(1);
  auto network = MakeClassifier(3);
  const torch::Tensor signals = torch::randn({4, 12, 250});
  const torch::Tensor targets = torch::tensor({{1.f, 0.f, 0.f}, {0.f, 1.f, 0.f}, {0.f, 0.f, 1.f}, {1.f, 1.f, 0.f}});
  torch::optim::Adam adam(network->parameters(), torch::optim::AdamOptions(1e-3));
  double first = 0, last = 0;
  for (int step = 0; step < 20; ++step) {
    adam.zero_grad();
    const torch::Tensor loss = torch::binary_cross_entropy_with_logits(network->forward(signals), targets);
    loss.backward();
    adam.step();
    (step == 0 ? first : last) = loss.item<double>();
  }
  EXPECT_LT(last, first / 2);
}

}  // namespace
}  // namespace ecg
