#include "ecg/model/efficientnet.h"

#include <torch/types.h>

#include <string>

#include "absl/status/status.h"
#include "ecg/model/mobile.h"
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
