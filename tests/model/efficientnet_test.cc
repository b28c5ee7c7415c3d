#include "ecg/model/efficientnet.h"

#include <torch/torch.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ecg/model/mobile.h"
#include "ecg/nn/convolution.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

spec::EfficientNet SpecOfLength(int sequence_length) {
  spec::EfficientNet spec;
  spec.set_feature_dim(5);
  spec.set_sequence_length(sequence_length);
  return spec;
}

TEST(EfficientNetTest, RefusesCropsOfAnotherLengthAndSaysWhatToWrite) {
  EfficientNet network(SpecOfLength(1250), /*leads=*/12);
  EXPECT_TRUE(network.CheckSamples(1250).ok());
  const std::string message(network.CheckSamples(1000).message());
  EXPECT_NE(message.find("model.efficientnet.sequence_length is 1250"), std::string::npos) << message;
  EXPECT_NE(message.find("make it 1000"), std::string::npos) << message;
  EXPECT_THROW(network.forward(torch::zeros({2, 12, 1000})), c10::Error);
}

TEST(EfficientNetTest, AcceptsEveryLengthThatIsLongEnoughForTheDeepestLayers) {
  EfficientNet network(SpecOfLength(0), /*leads=*/12);
  network.eval();
  for (const int samples : {1, 31, 32, 33, 250, 1000, 1250}) {
    EXPECT_TRUE(network.CheckSamples(samples).ok()) << samples;
    EXPECT_EQ(network.forward(torch::zeros({2, 12, samples})).sizes(), torch::IntArrayRef({2, 5})) << samples;
  }
  EXPECT_FALSE(network.CheckSamples(30).ok());
  EXPECT_THROW(network.forward(torch::zeros({2, 12, 30})), c10::Error);
}

TEST(EfficientNetTest, PadsByTheLengthOfTheCrop) {
  const auto sums = [](int kernel, std::vector<float> x, int samples) {
    Conv1d convolution(torch::nn::Conv1dOptions(1, 1, kernel).stride(2).bias(false));
    torch::nn::init::ones_(convolution->weight);
    const torch::Tensor signal = torch::tensor(x).view({1, 1, -1});
    const torch::Tensor out = efficientnet_internal::ConvolveSame(convolution, signal, samples).detach().flatten();
    return std::vector<float>(out.data_ptr<float>(), out.data_ptr<float>() + out.numel());
  };
  // Even: one zero more after the signal than before it.
  EXPECT_EQ(sums(3, {1, 2, 3, 4}, 1250), (std::vector<float>{1 + 2 + 3, 3 + 4}));
  EXPECT_EQ(sums(5, {1, 2, 3, 4}, 1250), (std::vector<float>{1 + 2 + 3 + 4, 2 + 3 + 4}));
  EXPECT_EQ(sums(3, {1, 2, 3, 4, 5}, 1250), (std::vector<float>{1 + 2 + 3, 3 + 4 + 5}));
  // Odd: equal numbers of zeros before and after.
  EXPECT_EQ(sums(3, {1, 2, 3, 4}, 1251), (std::vector<float>{1 + 2, 2 + 3 + 4}));
  EXPECT_EQ(sums(5, {1, 2, 3, 4, 5}, 1251), (std::vector<float>{1 + 2 + 3, 1 + 2 + 3 + 4 + 5, 3 + 4 + 5}));
}

TEST(EfficientNetTest, IsDeterministicInEvaluation) {
  torch::manual_seed(1);
  EfficientNet network(SpecOfLength(0), /*leads=*/12);
  const torch::Tensor signals = torch::randn({4, 12, 64});
  EXPECT_FALSE(network.forward(signals).equal(network.forward(signals)));
  network.eval();
  EXPECT_TRUE(network.forward(signals).equal(network.forward(signals)));
}

TEST(MobileTest, RoundsChannelsToMultiplesOfEightButDownByAtMostATenth) {
  EXPECT_EQ(RoundedChannels(4), 8);
  EXPECT_EQ(RoundedChannels(32 * 1.1), 32);
  EXPECT_EQ(RoundedChannels(32 * 1.2), 40);
  EXPECT_EQ(RoundedChannels(18), 24);  // 16 is nearest
  for (int channels = 8; channels < 3000; ++channels) {
    const int rounded = RoundedChannels(channels);
    EXPECT_EQ(rounded % 8, 0) << channels;
    EXPECT_GE(rounded, 0.9 * channels) << channels;
    EXPECT_LE(rounded, channels + 7) << channels;
  }
}

}  // namespace
}  // namespace ecg
