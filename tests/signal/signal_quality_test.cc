#include "ecg/signal/signal_quality.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ecg/random/random.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Ten seconds at 500 Hz of narrow peaks of 1 mV on a slow sine.
Signal Clean() {
  Signal signal;
  signal.sampling_frequency_hz = 500;
  signal.samples = 5000;
  signal.calibration.fill({.gain = 1000, .baseline = 0});
  for (int lead = 0; lead < kLeads; ++lead) {
    for (int i = 0; i < signal.samples; ++i) {
      const double distance = (i % 400 - 200) / 10.0;
      signal.digital.push_back(static_cast<int16_t>(1000 * std::exp(-distance * distance) + 200 * std::sin(i / 400.0)));
    }
  }
  return signal;
}

TEST(QualityWarningsTest, HaveNothingAgainstACleanSignal) { EXPECT_THAT(QualityWarnings(Clean()), IsEmpty()); }

TEST(QualityWarningsTest, NameAFlatLead) {
  Signal signal = Clean();
  for (int i = 0; i < signal.samples; ++i) signal.digital[7 * signal.samples + i] = static_cast<int16_t>(40 + i % 3);
  EXPECT_THAT(QualityWarnings(signal), ElementsAre("flat, within 0.02 mV: V2"));
}

TEST(QualityWarningsTest, NameAllLeadsOfAFaultInOneSentence) {
  Signal signal = Clean();
  std::fill(signal.digital.begin(), signal.digital.end(), int16_t{0});
  EXPECT_THAT(QualityWarnings(signal), ElementsAre("flat, within 0.02 mV: I to V6"));
}

TEST(QualityWarningsTest, NameALeadThatIsCutOffAtTheTopOfItsBeats) {
  Signal signal = Clean();
  for (int i = 0; i < signal.samples; ++i) {
    int16_t& sample = signal.digital[i];
    sample = std::min<int16_t>(sample, 500);
  }
  EXPECT_THAT(QualityWarnings(signal), ElementsAre(HasSubstr("clipped, up to")));
}

TEST(QualityWarningsTest, DoNotTakeAConstantEndForClipping) {
  Signal signal = Clean();
  for (int i = 4900; i < signal.samples; ++i) signal.digital[i] = 1300;
  EXPECT_THAT(QualityWarnings(signal), IsEmpty());
}

TEST(QualityWarningsTest, NameANoisyLeadWithTheStrengthOfItsNoise) {
  Signal signal = Clean();
  Random random({1});
  // The sum of four uniform draws has a variance of 1/3: a standard deviation of 50 uV.
  for (int i = 0; i < signal.samples; ++i) {
    double draw = -2;
    for (int k = 0; k < 4; ++k) draw += random.Uniform();
    signal.digital[11 * signal.samples + i] += static_cast<int16_t>(std::lround(50 * draw * std::sqrt(3)));
  }
  EXPECT_THAT(QualityWarnings(signal), ElementsAre(AllOf(HasSubstr("noisy, up to 0.0"), HasSubstr(": V6"))));
  EXPECT_NEAR(NoiseMv(signal.lead(11), signal.calibration[11], 500), 0.050, 0.005);
}

}  // namespace
}  // namespace ecg
