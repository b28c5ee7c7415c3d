#include "ecg/signal/wfdb_writer.h"

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "ecg/file/file.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "ecg/signal/wfdb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

Signal MakeSignal() {
  Signal signal = {.sampling_frequency_hz = 500, .samples = 4, .digital = {}, .calibration = {}};
  for (int lead = 0; lead < kLeads; ++lead) {
    signal.calibration[lead] = {.gain = lead == 3 ? 1.0 / 3 : 1000, .baseline = -lead};
    for (const int sample : {-115 - lead, 32767, -32767, 0}) signal.digital.push_back(sample);
  }
  return signal;
}

TEST(WfdbWriterTest, WritesTheLinesThatPtbXlHas) {
  const WfdbFiles files = FormatWfdb(MakeSignal(), "00001_hr").value();
  // The sum of -115, 32767, -32767 and 0 is -115; modulo 65536 it is 65421.
  EXPECT_THAT(files.header, StartsWith("00001_hr 12 500 4\n"
                                       "00001_hr.dat 16 1000(0)/mV 16 0 -115 65421 0 I\n"
                                       "00001_hr.dat 16 1000(-1)/mV 16 0 -116 65420 0 II\n"));
  ASSERT_EQ(files.samples.size(), 2u * 4 * kLeads);
  EXPECT_EQ(files.samples.substr(0, 4), "\x8d\xff\x8c\xff");                // -115 of I, -116 of II
  EXPECT_EQ(files.samples.substr(2 * kLeads, 2), std::string("\xff\x7f"));  // 32767 of I
}

TEST(WfdbWriterTest, ReadsBackWhatItWrites) {
  const std::filesystem::path folder = testing::TempDir();
  const Signal signal = MakeSignal();
  const WfdbFiles files = FormatWfdb(signal, "back").value();
  ASSERT_TRUE(WriteFile(folder / "back.hea", files.header).ok());
  ASSERT_TRUE(WriteFile(folder / "back.dat", files.samples).ok());
  const absl::StatusOr<Signal> read = ReadWfdb(folder / "back");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->digital, signal.digital);
  EXPECT_EQ(read->calibration, signal.calibration);
  EXPECT_EQ(read->sampling_frequency_hz, 500);
  EXPECT_TRUE(read->checksums_verified);
}

TEST(WfdbWriterTest, RefusesTheSampleThatMeansMissing) {
  Signal signal = MakeSignal();
  signal.digital[4 * 5 + 2] = -32768;
  EXPECT_THAT(std::string(FormatWfdb(signal, "r").status().message()),
              HasSubstr("record r, lead aVF: the sample -32768"));
}

}  // namespace
}  // namespace ecg
