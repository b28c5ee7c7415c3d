#include "ecg/signal/digitise.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/random/random.h"
#include "ecg/signal/signal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

TEST(DigitiseTest, KeepsEveryAmplitudeToWithinAFractionOfTheRange) {
  Random random({1});
  for (const double range_mv : {1e-6, 0.05, 3.0, 40.0, 1900.0}) {
    for (const double middle_mv : {0.0, -7.7, 49.0}) {
      std::vector<double> mv;
      for (int sample = 0; sample < 500; ++sample) mv.push_back(middle_mv + (random.Uniform() - 0.5) * range_mv);
      std::vector<int16_t> digital(mv.size());
      const absl::StatusOr<Calibration> calibration = Digitise(mv, digital.data());
      ASSERT_TRUE(calibration.ok()) << calibration.status();
      for (size_t sample = 0; sample < mv.size(); ++sample) {
        EXPECT_NEAR(calibration->ToMv(digital[sample]), mv[sample], std::max(range_mv / 131'000, 0.51e-6));
      }
    }
  }
}

TEST(DigitiseTest, KeepsAConstantLead) {
  for (const double constant : {0.0, 0.25, -1000.0}) {
    const std::vector<double> mv(3, constant);
    std::vector<int16_t> digital(3);
    EXPECT_NEAR(Digitise(mv, digital.data())->ToMv(digital[2]), constant, 1e-9);
  }
}

TEST(DigitiseTest, RefusesWhatIsNoAmplitude) {
  std::vector<int16_t> digital(2);
  const auto error = [&](double second) {
    return std::string(Digitise(std::vector<double>{0, second}, digital.data()).status().message());
  };
  EXPECT_EQ(error(std::numeric_limits<double>::quiet_NaN()), "sample 1 is nan mV");
  EXPECT_EQ(error(-std::numeric_limits<double>::infinity()), "sample 1 is -inf mV");
  EXPECT_THAT(error(1e6), HasSubstr("sample 1 is 1e+06 mV"));
}

}  // namespace
}  // namespace ecg
