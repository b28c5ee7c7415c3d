#include "ecg/signal/digitise.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/random/random.h"
#include "ecg/signal/lead.h"
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

TEST(DigitiseLeadsTest, DigitisesEachLeadAndNamesTheOneThatCannotBe) {
  const auto fill = [](int lead, std::span<double> mv) {
    for (size_t sample = 0; sample < mv.size(); ++sample) mv[sample] = lead + 0.5 * sample;
    return absl::OkStatus();
  };
  const Signal signal = DigitiseLeads(/*sampling_frequency_hz=*/500, /*samples=*/3, fill).value();
  ASSERT_EQ(signal.samples, 3);
  for (int lead = 0; lead < kLeads; ++lead) {
    EXPECT_NEAR(signal.calibration[lead].ToMv(signal.lead(lead)[2]), lead + 1, 1e-4);
  }
  EXPECT_GT(signal.rounding_mv, 0);
  const auto infinite = [](int lead, std::span<double> mv) {
    if (lead == 6) mv[1] = std::numeric_limits<double>::infinity();
    return absl::OkStatus();
  };
  EXPECT_EQ(std::string(DigitiseLeads(500, 3, infinite).status().message()), "lead V1: sample 1 is inf mV");
}

TEST(FitTo16BitsTest, KeepsSamplesThatFitAndMovesThoseWhoseRangeDoes) {
  std::vector<int16_t> digital(3);
  const Calibration calibration = {.gain = 200, .baseline = 5};
  EXPECT_EQ(FitTo16Bits(std::vector<int32_t>{-32768, 0, 32767}, calibration, digital.data()).value(), calibration);
  EXPECT_THAT(digital, testing::ElementsAre(-32768, 0, 32767));
  const std::vector<int32_t> high = {100'000, 100'007, 165'000};
  const Calibration moved = FitTo16Bits(high, calibration, digital.data()).value();
  for (int sample = 0; sample < 3; ++sample) {
    EXPECT_EQ(moved.ToMv(digital[sample]), calibration.ToMv(high[sample]));
  }
}

TEST(FitTo16BitsTest, KeepsTheRestToWithinA131000thOfTheirRangeWhateverGainAndBaseline) {
  Random random({2});
  for (const double range : {65'600.0, 1e6, 4.2e9}) {
    for (const Calibration& calibration :
         {Calibration{.gain = 1000, .baseline = 0}, Calibration{.gain = -3e5, .baseline = 700'000}}) {
      std::vector<int32_t> samples = {static_cast<int32_t>(-range / 2), static_cast<int32_t>(range / 2)};
      for (int sample = 0; sample < 500; ++sample) {
        samples.push_back(static_cast<int32_t>((random.Uniform() - 0.5) * range));
      }
      std::vector<int16_t> digital(samples.size());
      const absl::StatusOr<Calibration> fitted = FitTo16Bits(samples, calibration, digital.data());
      ASSERT_TRUE(fitted.ok()) << fitted.status();
      const double tolerance_mv = range / std::abs(calibration.gain) / 131'000;
      EXPECT_LE(RoundingMv(*fitted), tolerance_mv);
      for (size_t sample = 0; sample < samples.size(); ++sample) {
        EXPECT_NEAR(fitted->ToMv(digital[sample]), calibration.ToMv(samples[sample]), tolerance_mv);
      }
    }
  }
}

}  // namespace
}  // namespace ecg
