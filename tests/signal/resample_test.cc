#include "ecg/signal/resample.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <numbers>
#include <vector>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

Strip Sampled(double hz, size_t samples, const std::function<double(double)>& signal) {
  Strip strip = {.sampling_frequency_hz = hz, .channels = {{.name = "II", .mv = {}}}};
  for (size_t i = 0; i < samples; ++i) {
    strip.channels[0].mv.push_back(static_cast<float>(signal(static_cast<double>(i) / hz)));
  }
  return strip;
}

// LargestError returns the largest difference to `signal`, `margin` seconds away from the ends.
double LargestError(const Strip& strip, double margin, const std::function<double(double)>& signal) {
  double largest = 0;
  for (size_t i = 0; i < strip.samples(); ++i) {
    const double at = static_cast<double>(i) / strip.sampling_frequency_hz;
    const double left = static_cast<double>(strip.samples()) / strip.sampling_frequency_hz - at;
    if (at < margin || left < margin) continue;
    largest = std::max(largest, std::abs(strip.channels[0].mv[i] - signal(at)));
  }
  return largest;
}

struct Rates {
  double from, to;
};
constexpr Rates kRates[] = {{500, 100}, {100, 500},  {1000, 500},    {500, 1000},     {257, 500},    {360, 500},
                            {500, 360}, {8000, 500}, {512.508, 500}, {513.625, 1000}, {599.88, 100}, {300, 500},
                            {240, 500}, {128, 500},  {800, 100},     {500, 512.508},  {100, 8000}};

TEST(ResampleTest, KeepsSinesUpToMostOfTheLowerNyquistFrequency) {
  for (const auto& [from, to] : kRates) {
    const double nyquist = std::min(from, to) / 2;
    for (const double part : {0.01, 0.1, 0.37, 0.6, 0.85}) {
      const auto sine = [&](double t) { return std::sin(2 * std::numbers::pi * part * nyquist * t + 0.4); };
      const size_t samples = static_cast<size_t>(4 * from);
      const Strip resampled = Resample(Sampled(from, samples, sine), to).value();
      EXPECT_LT(LargestError(resampled, 50 / nyquist, sine), 5e-5) << from << " to " << to << " Hz, " << part << " N";
    }
  }
}

TEST(ResampleTest, DampsWhatTheNewFrequencyCannotRepresent) {
  for (const auto& [from, to] : kRates) {
    if (from <= to) continue;
    for (double hz = to / 2; hz < from / 2; hz += std::max(1.0, (from - to) / 14)) {
      const auto sine = [&](double t) { return std::sin(2 * std::numbers::pi * hz * t + 0.4); };
      const Strip resampled = Resample(Sampled(from, static_cast<size_t>(4 * from), sine), to).value();
      EXPECT_LT(LargestError(resampled, 100 / to, [](double) { return 0; }), 5e-5)
          << from << " to " << to << " Hz, " << hz << " Hz";
    }
  }
}

TEST(ResampleTest, KeepsABandLimitedSignalUpToItsEnds) {
  // Waves like P, R, S and T, of Gaussians that are wide enough to have next to nothing above 42 Hz.
  const auto beat = [](double t) {
    const auto wave = [&](double at, double width, double mv) { return mv * std::exp(-std::pow((t - at) / width, 2)); };
    return wave(0.3, 0.03, 0.15) + wave(0.5, 0.03, 1.2) + wave(0.56, 0.03, -0.3) + wave(0.8, 0.06, 0.3) + 0.1 * t;
  };
  for (const auto& [from, to] : kRates) {
    const Strip resampled = Resample(Sampled(from, static_cast<size_t>(1.2 * from), beat), to).value();
    EXPECT_LT(LargestError(resampled, 0, beat), 3e-5) << from << " to " << to << " Hz";
  }
}

TEST(ResampleTest, CoversTheSameTimeAndKeepsTheRest) {
  Strip strip = Sampled(500, 5000, [](double) { return 0.25; });
  strip.kind = Strip::Kind::kRepresentativeBeat;
  strip.start_seconds = 2;
  strip.channels[0].step_mv = 0.005;
  const Strip resampled = Resample(strip, 100).value();
  EXPECT_EQ(resampled.samples(), 1000u);
  EXPECT_EQ(resampled.sampling_frequency_hz, 100);
  EXPECT_EQ(resampled.kind, strip.kind);
  EXPECT_EQ(resampled.start_seconds, 2);
  EXPECT_EQ(resampled.channels[0].name, "II");
  EXPECT_EQ(resampled.channels[0].step_mv, 0.005);
  for (const float mv : resampled.channels[0].mv) EXPECT_NEAR(mv, 0.25, 1e-7);
  EXPECT_EQ(Resample(resampled, 500)->samples(), 5000u);
  EXPECT_EQ(Resample(Sampled(512.508, 15360, [](double) { return 0; }), 500)->samples(), 14986u);
  EXPECT_EQ(Resample(strip, 500)->channels[0].mv, strip.channels[0].mv);
}

TEST(ResampleTest, KeepsMissingSamplesMissingAndTheirNeighboursSmooth) {
  const auto ramp = [](double t) { return t; };
  Strip strip = Sampled(100, 100, ramp);
  for (size_t i = 40; i < 60; ++i) strip.channels[0].mv[i] = kNaN;
  strip.channels[0].mv[0] = strip.channels[0].mv[99] = kNaN;
  const Strip resampled = Resample(strip, 500).value();
  const std::vector<float>& mv = resampled.channels[0].mv;
  for (size_t i = 0; i < mv.size(); ++i) {
    const double at = static_cast<double>(i) / 5;
    const bool is_missing = at < 0.5 || (at >= 39.5 && at < 59.5) || at >= 98.5;
    EXPECT_EQ(std::isnan(mv[i]), is_missing) << i;
    if (is_missing) continue;
    EXPECT_NEAR(mv[i], at / 100, 1e-5) << i;
  }
}

TEST(ResampleTest, ResamplesASingleSampleAndNone) {
  EXPECT_EQ(Resample(Sampled(100, 1, [](double) { return 3; }), 300)->channels[0].mv, std::vector<float>(3, 3));
  EXPECT_EQ(Resample(Sampled(100, 0, [](double) { return 3; }), 300)->samples(), 0u);
}

TEST(ResampleTest, RefusesFrequenciesThatCannotBe) {
  const Strip strip = Sampled(500, 10, [](double) { return 0; });
  EXPECT_THAT(Resample(strip, 0).status().message(), HasSubstr("from 500 to 0 Hz"));
  EXPECT_FALSE(Resample(strip, 1e12).ok());
  EXPECT_FALSE(Resample(strip, std::nan("")).ok());
}

}  // namespace
}  // namespace ecg
