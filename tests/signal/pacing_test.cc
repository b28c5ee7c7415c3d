#include "ecg/signal/pacing.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "ecg/file/csv.h"
#include "ecg/random/random.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/read_recording.h"
#include "ecg/signal/recording.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::IsEmpty;

// Beats returns 12 leads of 10 s with a QRS complex of `width_seconds` and 1.5 mV in each second, and with noise of
// `noise_mv`.
Strip Beats(double hz, double width_seconds, double noise_mv = 0.005) {
  Strip strip;
  strip.sampling_frequency_hz = hz;
  Random random({7});
  for (int lead = 0; lead < kLeads; ++lead) {
    Channel& channel = strip.channels.emplace_back();
    channel.name = std::string(kLeadNames[lead]);
    for (int i = 0; i < 10 * hz; ++i) {
      const double phase = std::fmod(i / hz, 1.0) - 0.5;
      const double sigma = width_seconds / 5;
      channel.mv.push_back(static_cast<float>(1.5 * std::exp(-phase * phase / (2 * sigma * sigma)) +
                                              noise_mv * std::sqrt(12.0) * (random.Uniform() - 0.5)));
    }
  }
  return strip;
}

// Pace adds a pulse of `mv` and `samples` samples 0.16 s before each beat.
void Pace(Strip& strip, double mv, int samples) {
  for (Channel& channel : strip.channels) {
    for (int beat = 0; beat < 10; ++beat) {
      const int start = static_cast<int>((beat + 0.34) * strip.sampling_frequency_hz);
      for (int i = 0; i < samples; ++i) channel.mv[start + i] += static_cast<float>(mv);
    }
  }
}

TEST(PacingTest, FindsEachPulseOfAPacemaker) {
  for (const double hz : {500.0, 1000.0}) {
    for (const double mv : {-0.6, 0.5, 2.0}) {
      Strip strip = Beats(hz, 0.14);
      Pace(strip, mv, hz == 500 ? 1 : 2);
      const std::vector<double> seconds = PacingSpikes(strip);
      ASSERT_EQ(seconds.size(), 10u) << hz << " Hz, " << mv << " mV";
      for (int beat = 0; beat < 10; ++beat) EXPECT_NEAR(seconds[beat], beat + 0.34, 0.005);
      EXPECT_TRUE(IsPaced(strip));
    }
  }
}

TEST(PacingTest, FindsNothingInNarrowComplexesAndNoise) {
  for (const double hz : {500.0, 1000.0}) {
    EXPECT_THAT(PacingSpikes(Beats(hz, 0.06)), IsEmpty()) << "a narrow QRS complex";
    EXPECT_THAT(PacingSpikes(Beats(hz, 0.1, 0.15)), IsEmpty()) << "noise of 0.15 mV";
  }
}

TEST(PacingTest, DoesNotTakeOneArtefactOrASingleLeadForAPacemaker) {
  Strip artefact = Beats(500, 0.1);
  for (Channel& channel : artefact.channels) channel.mv[1234] += 2;
  EXPECT_EQ(PacingSpikes(artefact).size(), 1u);
  EXPECT_FALSE(IsPaced(artefact));
  Strip one_lead = Beats(500, 0.1);
  Strip paced = one_lead;
  Pace(paced, 2, 1);
  one_lead.channels[3] = paced.channels[3];
  EXPECT_FALSE(IsPaced(one_lead));
}

TEST(PacingTest, SaysNothingOfRatesThatHoldNoSpikes) {
  Strip strip = Beats(250, 0.14);
  Pace(strip, 2, 1);
  EXPECT_FALSE(IsPaced(strip));
  EXPECT_FALSE(IsPaced(Strip()));
}

TEST(PacingTest, TellsPtbXlsPacedRecordsFromTheOthers) {
  const char* shared = std::getenv("ECG_SHARED_DIR");
  if (shared == nullptr) GTEST_SKIP() << "set ECG_SHARED_DIR to the folder with ptbxl-first500";
  const std::filesystem::path folder = std::filesystem::path(shared) / "ptbxl-first500";
  const CsvTable table = CsvTable::Read(folder / "ptbxl_database.csv").value();
  const int codes = table.Column("scp_codes").value(), path = table.Column("filename_hr").value();
  int paced[2] = {}, all[2] = {};
  for (int row = 0; row < table.rows(); ++row) {
    const absl::StatusOr<Recording> recording = ReadRecording(folder / table.at(row, path));
    ASSERT_TRUE(recording.ok()) << recording.status();
    const bool truth = absl::StrContains(table.at(row, codes), "'PACE'");
    ++all[truth];
    paced[truth] += IsPaced(recording->strips[0]);
  }
  EXPECT_EQ(all[1], 6);
  EXPECT_EQ(paced[1], 6);
  EXPECT_EQ(all[0], 494);
  EXPECT_EQ(paced[0], 0);
}

}  // namespace
}  // namespace ecg
