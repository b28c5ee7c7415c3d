#include "ecg/signal/recording.h"

#include <cmath>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

TEST(StripTest, PadsShorterChannels) {
  Strip strip = {.channels = {{.name = "I", .mv = {1, 2, 3}}, {.name = "II", .mv = {4}}}};
  strip.PadChannels();
  ASSERT_EQ(strip.channels[1].mv.size(), 3u);
  EXPECT_EQ(strip.channels[1].mv[0], 4);
  EXPECT_TRUE(std::isnan(strip.channels[1].mv[2]));
}

TEST(StripTest, DropsOnlyTheEndThatAllChannelsMiss) {
  Strip strip = {.channels = {{.name = "I", .mv = {1, kNaN, kNaN, kNaN}}, {.name = "II", .mv = {kNaN, 5, 6, kNaN}}}};
  EXPECT_EQ(strip.DropMissingEnd(), 1u);
  EXPECT_EQ(strip.samples(), 3u);
  EXPECT_EQ(strip.DropMissingEnd(), 0u);
  strip.channels.pop_back();
  EXPECT_EQ(strip.DropMissingEnd(), 2u);
  EXPECT_THAT(strip.channels[0].mv, ElementsAre(1));
  strip.channels[0].mv = {kNaN};
  EXPECT_EQ(strip.DropMissingEnd(), 1u);
  EXPECT_THAT(strip.channels[0].mv, IsEmpty());
}

}  // namespace
}  // namespace ecg
