// Properties of the residual networks of the PTB-XL benchmark: XResNet, InceptionTime, WangResNet and WideResNet.

#include "ecg/model/xresnet.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>

#include "ecg/model/classifier.h"
#include "ecg/model/inception_time.h"
#include "ecg/model/network.h"
#include "ecg/model/residual.h"
#include "ecg/model/resnet.h"
#include "ecg/model/wang_resnet.h"
#include "ecg/model/weights.h"
#include "ecg/model/wide_resnet.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

// The kernel size of the convolution `name` of `network`.
int64_t KernelOf(const Network& network, const std::string& name) {
  return StateOf(network).at(name + ".weight").size(2);
}

TEST(XResNetTest, InitialisesBlocksAsTheirShortcutsIfAsked) {
  torch::manual_seed(1);
  const torch::Tensor x = torch::randn({2, 64, 25});
  XResNetBlock<1> block(/*in=*/64, /*width=*/64, /*stride=*/1, {.zero_init_residual = true});
  EXPECT_TRUE(block.forward(x).equal(x.relu()));
  XResNetBlock<4> striding(/*in=*/64, /*width=*/16, /*stride=*/2, {.zero_init_residual = true});
  // The last of 25 samples has no neighbour to be averaged with.
  EXPECT_TRUE(striding.forward(x).select(2, 12).allclose(x.select(2, 24).relu()));
  XResNetBlock<1> not_asked(/*in=*/64, /*width=*/64, /*stride=*/1, {});
  EXPECT_FALSE(not_asked.forward(x).allclose(x.relu()));
}

TEST(XResNetTest, InitialisesConvolutionsAndHeadKaimingNormalByFanIn) {
  torch::manual_seed(1);
  spec::Model model;
  model.mutable_xresnet()->set_depth(spec::XResNet::XRESNET_50);
  const Classifier<XResNet> network(model, /*leads=*/12, /*classes=*/71);
  const NamedTensors state = StateOf(network);
  EXPECT_NEAR(state.at("7.2.convs.1.0.weight").std().item<double>(), std::sqrt(2. / (64 * 5)), 1e-3);
  EXPECT_NEAR(state.at("8.4.weight").std().item<double>(), std::sqrt(2. / 512), 1e-3);
  EXPECT_TRUE(state.at("8.8.bias").equal(torch::zeros({71})));
  EXPECT_TRUE(state.at("7.2.convs.2.1.weight").equal(torch::ones({256})));
}

TEST(XResNetTest, SavesConvolutionsUnderTwoNamesAndTrainsThemOnce) {
  spec::Model model;
  model.mutable_xresnet()->set_depth(spec::XResNet::XRESNET_18);
  Classifier<XResNet> network(model, /*leads=*/12, /*classes=*/71);
  network.to(torch::kFloat64);  // gives all tensors other memory
  const NamedTensors state = StateOf(network);
  for (const std::string name : {"0.0.weight", "1.1.bias", "1.1.running_var", "1.1.num_batches_tracked"}) {
    EXPECT_TRUE(state.at("5.0.convs." + name).is_alias_of(state.at("5.0.convpath.0." + name))) << name;
  }
  EXPECT_TRUE(network.named_parameters().contains("5.0.convs.0.0.weight"));
  EXPECT_FALSE(network.named_parameters().contains("5.0.convpath.0.0.0.weight"));
}

TEST(XResNetTest, HasSqueezeAndExcitationInEachBlockIfAsked) {
  spec::Model model;
  for (const auto& [depth, block, channels, squeezed] :
       {std::tuple{spec::XResNet::XRESNET_18, "4.1", 64, 8}, {spec::XResNet::XRESNET_50, "7.2", 256, 16}}) {
    model.mutable_xresnet()->set_depth(depth);
    model.mutable_xresnet()->set_squeeze_excitation(true);
    const Classifier<XResNet> with(model, /*leads=*/12, /*classes=*/71);
    model.mutable_xresnet()->set_squeeze_excitation(false);
    const Classifier<XResNet> without(model, /*leads=*/12, /*classes=*/71);
    NamedTensors state = StateOf(with);
    EXPECT_EQ(state.at(std::string(block) + ".se_module.fc1.weight").sizes(),
              torch::IntArrayRef({squeezed, channels, 1}));
    EXPECT_EQ(state.at(std::string(block) + ".se_module.fc2.weight").sizes(),
              torch::IntArrayRef({channels, squeezed, 1}));
    // All other names and shapes stay.
    std::erase_if(state, [](const auto& item) { return item.first.find(".se_module.") != std::string::npos; });
    EXPECT_EQ(state.size(), StateOf(without).size());
    for (const auto& [name, tensor] : StateOf(without)) EXPECT_EQ(state.at(name).sizes(), tensor.sizes()) << name;
  }
}

TEST(XResNetTest, ScalesTheOutputOfABlockBeforeItsShortcutIsAdded) {
  torch::manual_seed(1);
  const torch::Tensor x = torch::randn({2, 64, 25});
  XResNetBlock<1> block(/*in=*/64, /*width=*/64, /*stride=*/1, {.squeeze_excitation = true});
  XResNetBlock<1> plain(/*in=*/64, /*width=*/64, /*stride=*/1, {});
  const torch::NoGradGuard no_grad;
  const auto from = block.named_parameters();
  for (auto& item : plain.named_parameters()) item.value().copy_(from[item.key()]);
  // A gate of 1/2, whatever the means.
  from["se_module.fc2.weight"].zero_();
  from["se_module.fc2.bias"].zero_();
  // Without ReLU, plain is convolutions(x) + x.
  plain.named_parameters()["convs.1.1.bias"].add_(100);
  const torch::Tensor convolutions = plain.forward(x) - 100 - x;
  EXPECT_TRUE(block.forward(x).allclose((convolutions / 2 + x).relu(), 1e-3, 1e-3));
}

TEST(InceptionTimeTest, MakesKernelSizesOdd) {
  spec::Model model;
  for (const auto& [spec, kernels] : {std::pair{40, std::array{39, 19, 9}}, {63, {63, 31, 15}}, {8, {7, 3, 1}}}) {
    model.mutable_inception_time()->set_kernel_size(spec);
    const Classifier<InceptionTime> network(model, /*leads=*/12, /*classes=*/3);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(KernelOf(network, "layers.0.im.0.convs." + std::to_string(i)), kernels[i]) << spec;
    }
  }
}

TEST(WangResNetTest, HasLargeKernelsInTheFirstBlockOfAStageOnly) {
  spec::Model model;
  model.mutable_wang_resnet()->set_depth(spec::WangResNet::RESNET_18);
  model.mutable_wang_resnet()->set_kernel_size(9);
  const Classifier<WangResNet<BasicBlock>> network(model, /*leads=*/12, /*classes=*/3);
  EXPECT_EQ(KernelOf(network, "0"), 9);
  for (const std::string stage : {"4", "7"}) {
    EXPECT_EQ(KernelOf(network, stage + ".0.conv1"), 9);
    EXPECT_EQ(KernelOf(network, stage + ".0.conv2"), 5);
    EXPECT_EQ(KernelOf(network, stage + ".1.conv1"), 3);
    EXPECT_EQ(KernelOf(network, stage + ".1.conv2"), 3);
  }
}

TEST(WideResNetTest, AcceptsEveryLengthWithEveryOddKernelSize) {
  spec::Model model;
  for (const int kernel : {1, 3, 5, 7, 9}) {
    model.mutable_wide_resnet()->set_kernel_size(kernel);
    Classifier<WideResNet> network(model, /*leads=*/12, /*classes=*/3);
    network.eval();
    for (const int samples : {1, 249, 250}) {
      EXPECT_EQ(network.forward(torch::zeros({1, 12, samples})).sizes(), torch::IntArrayRef({1, 3})) << kernel;
    }
  }
}

TEST(ResidualTest, RoundsHalfAKernelSizeUpToAnOddNumber) {
  EXPECT_EQ(HalfKernel(1), 1);
  EXPECT_EQ(HalfKernel(3), 3);
  EXPECT_EQ(HalfKernel(5), 3);
  EXPECT_EQ(HalfKernel(7), 5);
  EXPECT_EQ(HalfKernel(9), 5);
}

}  // namespace
}  // namespace ecg
