#include "ecg/corpus/calibration_sets.h"

#include <array>
#include <utility>

#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

std::array<Calibration, kLeads> SomeCalibrations(int number) {
  std::array<Calibration, kLeads> calibrations;
  for (int lead = 0; lead < kLeads; ++lead) calibrations[lead] = {.gain = 1000.0 + lead, .baseline = lead * number};
  return calibrations;
}

TEST(CalibrationSetsTest, KeepEachDifferentSetOnce) {
  CalibrationSets sets;
  for (int i = 0; i < 10'000; ++i) EXPECT_EQ(sets.Add(SomeCalibrations(i % 1000)), i % 1000);
  EXPECT_EQ(sets.size(), 1000u);
  for (int lead = 0; lead < kLeads; ++lead) EXPECT_EQ(sets.at(999, lead), SomeCalibrations(999)[lead]);
}

TEST(CalibrationSetsTest, TellApartGainsThatDifferInTheLastBit) {
  CalibrationSets sets;
  std::array<Calibration, kLeads> calibrations;
  EXPECT_EQ(sets.Add(calibrations), 0);
  calibrations[11].gain = 1 + 0x1p-52;
  EXPECT_EQ(sets.Add(calibrations), 1);
  EXPECT_EQ(sets.at(1, 11).gain, 1 + 0x1p-52);
}

TEST(CalibrationSetsTest, GrowOnAfterTheyWereMoved) {
  CalibrationSets first;
  first.Add(SomeCalibrations(1));
  CalibrationSets second = std::move(first);
  EXPECT_EQ(second.Add(SomeCalibrations(2)), 1);
  EXPECT_EQ(second.Add(SomeCalibrations(1)), 0);
}

}  // namespace
}  // namespace ecg
