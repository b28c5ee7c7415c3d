#include "ecg/model/output_bias.h"

#include <torch/nn/modules/linear.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "ecg/model/any_network.h"
#include "ecg/model/network.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

TEST(OutputBiasTest, CountsHalfARecordMoreOfEachKind) {
  const torch::Tensor frequencies = ClassFrequencies({0, 9, 19}, /*records=*/19);
  EXPECT_TRUE(frequencies.allclose(torch::tensor({0.5 / 20, 9.5 / 20, 19.5 / 20}, torch::kFloat32)));
  EXPECT_TRUE(torch::logit(frequencies).isfinite().all().item<bool>());
}

TEST(OutputBiasTest, MovesTheMeanProbabilitiesToTheFrequencies) {
  const std::vector<int64_t> positives = {1, 20, 80};
  const torch::Tensor logits = torch::logit(ClassFrequencies(positives, 100));
  spec::Model resnet, xresnet, fcn, s4;
  resnet.mutable_resnet();
  xresnet.mutable_xresnet()->set_depth(spec::XResNet::XRESNET_18);
  fcn.mutable_fcn();
  s4.mutable_s4()->set_channels(16);
  for (const spec::Model& model : {resnet, xresnet, fcn, s4}) {
    torch::manual_seed(1);
    const auto network = AnyNetwork(model, /*leads=*/12, /*classes=*/3).value();
    network->eval();
    const torch::NoGradGuard no_grad;
    const torch::Tensor signals = torch::randn({4, 12, 500});
    const torch::Tensor before = network->forward(signals);
    torch::Tensor bias;
    for (const torch::Tensor& parameter : network->parameters()) {
      if (parameter.sizes() == logits.sizes()) bias = parameter.clone();
    }
    ASSERT_EQ(SetOutputBias(*network, logits), absl::OkStatus());
    EXPECT_TRUE(network->forward(signals).allclose(before - bias + logits, 1e-4, 1e-4)) << model.ShortDebugString();
  }
}

TEST(OutputBiasTest, RefusesANetworkWithoutABias) {
  const torch::nn::Linear layer(torch::nn::LinearOptions(3, 2).bias(false));
  EXPECT_EQ(SetOutputBias(*layer, torch::zeros({2})).message(),
            "the network has no bias of 2 classes, so training.prior_bias has no effect; leave it out");
}

}  // namespace
}  // namespace ecg
