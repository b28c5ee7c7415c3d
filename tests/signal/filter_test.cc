#include "ecg/signal/filter.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

// Signal is what the expected values were computed of, with scipy 1.17.
std::vector<double> Signal() {
  std::vector<double> x;
  for (int i = 0; i < 200; ++i)
    x.push_back(std::sin(0.3 * i) + 0.5 * std::cos(1.7 * i) + (i == 30 ? 2.0 : 0) + i / 50.0);
  return x;
}

// kTolerance is 1e-9 of the largest sample.
constexpr double kTolerance = 5e-9;

constexpr std::array<size_t, 9> kAt = {0, 1, 2, 30, 60, 100, 150, 198, 199};

TEST(FilterTest, AgreesWithScipyOnBandPasses) {
  struct Expected {
    int order;
    double low, high, hz;
    std::array<double, 9> values;
  };
  const Expected all[] = {
      {1,
       5,
       15,
       250,
       {0.121140605457, 0.2164496041009, 0.3213595750285, 0.5562752183253, -0.5636665460486, -0.7455020180297,
        0.6405686993645, 0.4663242687465, 0.3722356625685}},
      {2,
       0.05,
       150,
       1000,
       {-4.633279879756, -4.679614685325, -4.577895587528, -3.538319339883, -4.78594429146, -4.278794102982,
        -1.581609757645, -1.193706247865, -1.257923303077}},
      {3,
       0.5,
       40,
       500,
       {-0.194322234179, -0.06771131031377, 0.0533800129568, 0.3222857076265, -0.9486919754869, -1.114544081966,
        0.3981167761907, -0.6369827928041, -0.8498908261603}},
      {4,
       1,
       30,
       360,
       {0.2033287067676, 0.3325078695523, 0.4541049971951, 0.674794714659, -0.7000010495938, -0.9277320950955,
        0.7293315357252, 0.1660874572669, -0.0366465037119}},
      {5,
       0.5,
       100,
       500,
       {-0.3230822113446, -0.4973782217036, -0.4010998371108, 0.7282832803631, -0.9727591668189, -0.9595467620462,
        0.9683837691356, 0.2559435403363, 0.2216642437496}},
      {3,
       0.5,
       45,
       100,
       {-0.1623323454949, -0.4113752911414, -0.5436633866775, 2.367889986668, -0.6574017533041, -0.3944493796083,
        0.387962101505, -0.5169937623981, -0.1039903518472}},
      {2,
       30,
       60,
       512.508,
       {0.01224010026663, -0.07703923110898, -0.1241219602876, 0.3058817173056, -0.08593820419278, -0.1246355230563,
        0.1061249935052, -0.07599083933697, -0.05402469188546}},
  };
  for (const Expected& expected : all) {
    const auto sections =
        ButterworthBandPass({.order = expected.order, .low_hz = expected.low, .high_hz = expected.high}, expected.hz);
    ASSERT_TRUE(sections.ok()) << sections.status();
    EXPECT_EQ(sections->size(), static_cast<size_t>(expected.order));
    const std::vector<double> filtered = FilterZeroPhase(*sections, Signal());
    for (size_t i = 0; i < kAt.size(); ++i) {
      EXPECT_NEAR(filtered[kAt[i]], expected.values[i], kTolerance)
          << "order " << expected.order << " sample " << kAt[i];
    }
  }
}

TEST(FilterTest, AgreesWithScipyOnNotches) {
  struct Expected {
    double notch, quality, hz;
    std::array<double, 9> values;
  };
  const Expected all[] = {
      {50,
       30,
       500,
       {0.4681609672647, 0.2385798731378, 0.1326103536713, 3.347017944891, 0.4693819981656, 1.453130011378,
        3.387300099079, 3.778507572155, 4.205385767667}},
      {60,
       10,
       360,
       {0.4814017380664, 0.2903375966523, 0.1781161057951, 3.281689987571, 0.4787222791411, 1.479859138608,
        3.424228975611, 3.831701542308, 4.277831965317}},
  };
  for (const Expected& expected : all) {
    const std::vector<double> filtered =
        FilterZeroPhase(Notch(expected.notch, expected.quality, expected.hz).value(), Signal());
    for (size_t i = 0; i < kAt.size(); ++i) EXPECT_NEAR(filtered[kAt[i]], expected.values[i], kTolerance) << kAt[i];
  }
}

TEST(FilterTest, KeepsMissingSamplesAndFiltersWhatLiesBetween) {
  const auto sections = ButterworthBandPass({}, 500).value();
  const std::vector<double> x = Signal();
  Strip strip = {.sampling_frequency_hz = 500, .channels = {{.name = "I", .mv = {x.begin(), x.end()}}}};
  std::vector<float>& mv = strip.channels[0].mv;
  mv[0] = mv[80] = std::numeric_limits<float>::quiet_NaN();
  FilterZeroPhase(sections, &strip);
  EXPECT_TRUE(std::isnan(mv[0]));
  EXPECT_TRUE(std::isnan(mv[80]));
  const std::vector<double> part = FilterZeroPhase(sections, std::vector<double>(x.begin() + 81, x.end()));
  for (size_t i = 81; i < x.size(); ++i) EXPECT_NEAR(mv[i], part[i - 81], 1e-5);
}

TEST(FilterTest, FiltersShortSignals) {
  const auto sections = ButterworthBandPass({}, 500).value();
  EXPECT_TRUE(FilterZeroPhase(sections, std::vector<double>()).empty());
  for (const double y : FilterZeroPhase(sections, std::vector<double>{5})) EXPECT_NEAR(y, 0, 1e-9);
  for (const double y : FilterZeroPhase(sections, std::vector<double>{5, 5, 5})) EXPECT_NEAR(y, 0, 1e-9);
}

TEST(FilterTest, RefusesWhatIsOutsideTheSpectrum) {
  EXPECT_THAT(ButterworthBandPass({.high_hz = 250}, 500).status().message(), HasSubstr("between 0 and 250 Hz"));
  EXPECT_FALSE(ButterworthBandPass({.low_hz = 0}, 500).ok());
  EXPECT_FALSE(ButterworthBandPass({.low_hz = 50}, 500).ok());
  EXPECT_FALSE(ButterworthBandPass({.order = 0}, 500).ok());
  EXPECT_FALSE(Notch(60, 30, 120).ok());
  EXPECT_FALSE(Notch(60, 0, 500).ok());
}

}  // namespace
}  // namespace ecg
