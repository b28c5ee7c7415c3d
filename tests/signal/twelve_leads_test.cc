#include "ecg/signal/twelve_leads.h"

#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kSamples = 1000;

// Potentials of electrodes: beats that reach the legs and V6 upright, and the right arm inverse.
struct Electrodes {
  double right_arm = -0.5, left_arm = 0.2, left_leg = 0.4;
};

double Wave(int t) {
  const double phase = (t % 400 - 100) / 8.0;
  return std::exp(-phase * phase) - 0.2 * std::exp(-(phase - 3) * (phase - 3));
}

double T(int t) { return 0.3 * std::exp(-std::pow((t % 400 - 220) / 30.0, 2)); }

Channel Lead(absl::string_view name, double wave, double t_wave, double step_mv = 0.001) {
  Channel channel;
  channel.name = std::string(name);
  channel.step_mv = step_mv;
  for (int t = 0; t < kSamples; ++t) {
    channel.mv.push_back(static_cast<float>(std::round((wave * Wave(t) + t_wave * T(t)) / 0.001) * 0.001));
  }
  return channel;
}

Recording MakeRecording(const Electrodes& e, const std::vector<std::string>& names) {
  Strip strip;
  strip.sampling_frequency_hz = 500;
  for (const std::string& name : names) {
    const int lead = *FindLead(name);
    const double i = e.left_arm - e.right_arm, ii = e.left_leg - e.right_arm;
    const double limb[] = {i, ii, ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2};
    const double chest[] = {-0.4, 0.2, 0.6, 0.9, 1.0, 0.8};
    const double wave = lead < 6 ? limb[lead] : chest[lead - 6];
    strip.channels.push_back(Lead(name, wave, wave));
  }
  Recording recording;
  recording.strips.push_back(strip);
  return recording;
}

const std::vector<std::string>& Eight() {
  static const auto& names = *new std::vector<std::string>{"V6", "V5", "V4", "V3", "V2", "V1", "II", "I"};
  return names;
}

std::vector<std::string> All() { return std::vector<std::string>(kLeadNames.begin(), kLeadNames.end()); }

std::string Message(const Recording& recording) { return std::string(MakeTwelveLeads(recording).status().message()); }

TEST(TwelveLeadsTest, DerivesTheLimbLeadsThatAreAbsentAndSaysSo) {
  const Recording recording = MakeRecording({}, Eight());
  const TwelveLeads twelve = MakeTwelveLeads(recording).value();
  EXPECT_THAT(twelve.derived,
              ElementsAre("III = II - I", "aVR = -(I + II) / 2", "aVL = I - II / 2", "aVF = II - I / 2"));
  EXPECT_THAT(twelve.warnings, IsEmpty());
  EXPECT_THAT(twelve.notes, IsEmpty());
  const Signal& signal = twelve.signal;
  EXPECT_EQ(signal.sampling_frequency_hz, 500);
  EXPECT_EQ(signal.samples, kSamples);
  // Stored leads keep their samples.
  EXPECT_DOUBLE_EQ(signal.calibration[kLeadI].gain, 1000);
  EXPECT_EQ(signal.calibration[kLeadI].baseline, 0);
  EXPECT_LT(signal.rounding_mv, 1e-4);
  for (int t = 0; t < kSamples; ++t) {
    const double i = recording.strips[0].channels[7].mv[t], ii = recording.strips[0].channels[6].mv[t];
    const double expected[] = {i, ii, ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2};
    for (int lead = 0; lead < 6; ++lead) {
      EXPECT_NEAR(signal.calibration[lead].ToMv(signal.lead(lead)[t]), expected[lead], 2e-5) << lead;
    }
    EXPECT_NEAR(signal.calibration[kLeadV6].ToMv(signal.lead(kLeadV6)[t]), recording.strips[0].channels[0].mv[t], 1e-6);
  }
}

TEST(TwelveLeadsTest, DerivesLeadIFromIIAndIII) {
  std::vector<std::string> names = All();
  names.erase(names.begin());
  const TwelveLeads twelve = MakeTwelveLeads(MakeRecording({}, names)).value();
  EXPECT_THAT(twelve.derived, ElementsAre("I = II - III"));
  EXPECT_NEAR(twelve.signal.calibration[0].ToMv(twelve.signal.lead(0)[100]), 0.7 * Wave(100) + 0.7 * T(100), 0.002);
}

TEST(TwelveLeadsTest, TakesTheLongestRhythmStripThatHasAllLeads) {
  Recording recording = MakeRecording({}, All());
  Recording other = MakeRecording({}, {"I", "II"});
  recording.strips[0].kind = Strip::Kind::kRepresentativeBeat;
  recording.strips.push_back(other.strips[0]);
  EXPECT_THAT(Message(recording), HasSubstr("no rhythm strip has I, II and V1 to V6; missing: V1 to V6"));
  recording.strips.push_back(MakeRecording({}, Eight()).strips[0]);
  recording.strips.push_back(MakeRecording({}, All()).strips[0]);
  for (Channel& channel : recording.strips.back().channels) channel.mv.resize(10);
  EXPECT_EQ(MakeTwelveLeads(recording).value().signal.samples, kSamples);
}

TEST(TwelveLeadsTest, NamesTheLeadsThatAreMissing) {
  EXPECT_THAT(Message(MakeRecording({}, {"I", "II", "V1", "V2", "V3", "V5", "V6"})), HasSubstr("missing: V4"));
  EXPECT_THAT(Message(MakeRecording({}, {"II", "V1", "V2", "V3", "V4", "V5", "V6"})), HasSubstr("missing: I"));
  EXPECT_THAT(Message(Recording()), HasSubstr("the recording has no rhythm strip"));
  Recording twice = MakeRecording({}, All());
  twice.strips[0].channels.push_back(twice.strips[0].channels[1]);
  EXPECT_THAT(Message(twice), HasSubstr("two channels are called II"));
}

TEST(TwelveLeadsTest, ComparesStoredLimbLeadsWithTheirEquations) {
  Recording recording = MakeRecording({}, All());
  EXPECT_THAT(MakeTwelveLeads(recording).value().warnings, IsEmpty());
  for (float& mv : recording.strips[0].channels[4].mv) mv += 0.1f;
  EXPECT_THAT(MakeTwelveLeads(recording).value().warnings,
              ElementsAre("aVL is not I - II / 2: they differ by 0.100 mV on average, and at most 0.02 are expected"));
  std::swap(recording.strips[0].channels[2].name, recording.strips[0].channels[3].name);
  EXPECT_EQ(MakeTwelveLeads(recording).value().warnings.size(), 3);
}

TEST(TwelveLeadsTest, NamesElectrodesThatWereProbablyExchanged) {
  const auto warnings = [](const Electrodes& e) { return MakeTwelveLeads(MakeRecording(e, All())).value().warnings; };
  const Electrodes right;
  EXPECT_THAT(warnings(right), IsEmpty());
  EXPECT_THAT(warnings({.right_arm = right.left_arm, .left_arm = right.right_arm, .left_leg = right.left_leg}),
              ElementsAre(HasSubstr("aVL is the inverse of V6, as aVR should be: the electrodes of the arms")));
  EXPECT_THAT(warnings({.right_arm = right.left_leg, .left_arm = right.left_arm, .left_leg = right.right_arm}),
              ElementsAre(HasSubstr("the electrodes of right arm and left leg were probably reversed")));
  EXPECT_THAT(warnings({.right_arm = right.left_leg, .left_arm = right.left_arm, .left_leg = right.left_leg}),
              ElementsAre(HasSubstr("lead II is flat: the electrodes of right arm and right leg")));
  EXPECT_THAT(warnings({.right_arm = right.right_arm, .left_arm = right.left_leg, .left_leg = right.left_leg}),
              ElementsAre(HasSubstr("lead III is flat: the electrodes of left arm and right leg")));
}

TEST(TwelveLeadsTest, CutsEndsWhereAllLeadsAreMissingAndRefusesOtherGaps) {
  Recording recording = MakeRecording({}, Eight());
  for (Channel& channel : recording.strips[0].channels) {
    channel.mv[0] = NAN;
    for (int t = kSamples - 50; t < kSamples; ++t) channel.mv[t] = NAN;
  }
  const TwelveLeads twelve = MakeTwelveLeads(recording).value();
  EXPECT_EQ(twelve.signal.samples, kSamples - 51);
  EXPECT_THAT(twelve.notes,
              ElementsAre("0.002 s at the begin and 0.100 s at the end, where all leads are missing, are cut off"));
  recording.strips[0].channels[7].mv[501] = NAN;
  EXPECT_THAT(Message(recording), HasSubstr("lead I: 1 samples are missing, the first at 1 s"));
}

TEST(TwelveLeadsTest, RefusesARateThatIsNoWholeNumber) {
  Recording recording = MakeRecording({}, All());
  recording.strips[0].sampling_frequency_hz = 512.508;
  EXPECT_THAT(Message(recording), HasSubstr("512.508 samples a second, no whole number; resample it first"));
}

}  // namespace
}  // namespace ecg
