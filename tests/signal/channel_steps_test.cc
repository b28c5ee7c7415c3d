#include "ecg/signal/channel_steps.h"

#include <limits>
#include <vector>

#include "ecg/signal/recording.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

Channel With(const std::vector<float>& mv, double step_mv) { return {.name = "I", .mv = mv, .step_mv = step_mv}; }

TEST(ChannelStepsTest, KeepsTheChannelsOwnStepWhereItSuffices) {
  EXPECT_EQ(StepFor(With({1, -2}, 0.005)).value(), 0.005);
  EXPECT_EQ(StepFor(With({1, -2}, 0)).value(), 0.001);
  EXPECT_EQ(StepFor(With({kNaN, -163.835f}, 0.005)).value(), 0.005);
  EXPECT_DOUBLE_EQ(StepFor(With({327.67f}, 0.005)).value(), static_cast<double>(327.67f) / 32767);
  EXPECT_THAT(StepFor(With({0, -std::numeric_limits<float>::infinity()}, 0)).status().message(),
              HasSubstr("sample 1 of lead I is infinite"));
}

TEST(ChannelStepsTest, RoundsAndMarksWhatIsMissing) {
  EXPECT_THAT(ToSteps(With({0.0124f, -0.0126f, kNaN, 1000}, 0), 0.005), ElementsAre(2, -3, -32768, 32767));
}

}  // namespace
}  // namespace ecg
