#include "ecg/signal/dicom_writer.h"

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ecg/signal/dicom.h"
#include "ecg/signal/edf.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/scp_ecg.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/signal/shared_recordings.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

Channel Lead(const std::string& name, size_t samples, double step_mv) {
  Channel channel = {.name = name, .mv = {}, .step_mv = step_mv};
  for (size_t i = 0; i < samples; ++i) {
    const double step = std::round(400 * std::sin(0.05 * static_cast<double>(i)));
    channel.mv.push_back(static_cast<float>(step * (step_mv > 0 ? step_mv : 0.0013)));
  }
  return channel;
}

absl::StatusOr<Recording> WrittenAndRead(const Recording& recording) {
  const absl::StatusOr<std::string> bytes = FormatDicom(recording);
  if (!bytes.ok()) return bytes.status();
  EXPECT_EQ(bytes->size() % 2, 0u);
  return Dicom::Read({.path = "", .bytes = *bytes});
}

TEST(DicomWriterTest, KeepsStepsNamesKindsAndWhatIsKnown) {
  Recording recording;
  recording.machine = "Some Machine";
  recording.recorded_at = "2021-05-01T13:14:15.25";
  recording.sex = "male";
  recording.age_years = 65;
  recording.filters = "high-pass 0.05 Hz, low-pass 150 Hz, notch 50 Hz";
  recording.strips.push_back(
      {.sampling_frequency_hz = 500, .channels = {Lead("II", 5000, 0.00488), Lead("aVR", 5000, 0)}});
  recording.strips.push_back(
      {.kind = Strip::Kind::kRepresentativeBeat, .sampling_frequency_hz = 500, .channels = {Lead("II", 601, 0.0025)}});
  recording.strips[0].channels[0].mv[7] = std::numeric_limits<float>::quiet_NaN();
  const absl::StatusOr<Recording> read = WrittenAndRead(recording);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(read->notes.empty());
  EXPECT_EQ(read->format, "DICOM 12-lead ECG");
  EXPECT_EQ(read->machine, recording.machine);
  EXPECT_EQ(read->recorded_at, recording.recorded_at);
  EXPECT_EQ(read->sex, "male");
  EXPECT_EQ(read->age_years, 65);
  EXPECT_EQ(read->filters, recording.filters);
  ASSERT_EQ(read->strips.size(), 2u);
  for (size_t i = 0; i < 2; ++i) ExpectSameStrip(read->strips[i], recording.strips[i]);
  EXPECT_DOUBLE_EQ(read->strips[0].channels[0].step_mv, 0.00488);
  EXPECT_EQ(FormatDicom(recording).value(), FormatDicom(recording).value());
}

TEST(DicomWriterTest, TakesTheStorageClassThatHoldsTheStrips) {
  const auto format = [](const std::string& name, size_t samples, double hz) {
    Recording recording;
    recording.strips.push_back({.sampling_frequency_hz = hz, .channels = {Lead(name, samples, 0.005)}});
    return WrittenAndRead(recording).value();
  };
  EXPECT_EQ(format("V1", 5000, 500).format, "DICOM 12-lead ECG");
  EXPECT_EQ(format("V1", 20000, 500).format, "DICOM ambulatory ECG");
  EXPECT_EQ(format("V3R", 5000, 500).format, "DICOM general ECG");
  EXPECT_EQ(format("V3R", 5000, 500).strips[0].channels[0].name, "V3R");
  EXPECT_EQ(format("my own lead", 5000, 500).strips[0].channels[0].name, "my own lead");
  EXPECT_EQ(format("V1", 15360, 512.508).strips[0].sampling_frequency_hz, 512.508);
}

TEST(DicomWriterTest, RefusesWhatHasNoSamples) {
  EXPECT_THAT(FormatDicom(Recording()).status().message(), HasSubstr("no samples"));
}

template <typename Format>
void ExpectRealFilesKept(const std::string& folder) {
  for (const SharedRecording& file : SharedRecordings(folder)) {
    SCOPED_TRACE(file.path.filename().string());
    const Recording recording = Format::Read(file.file()).value();
    const absl::StatusOr<Recording> read = WrittenAndRead(recording);
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_EQ(read->strips.size(), recording.strips.size());
    for (size_t i = 0; i < read->strips.size(); ++i) ExpectSameStrip(read->strips[i], recording.strips[i]);
  }
}

TEST(DicomWriterTest, KeepsRealFiles) {
  if (SharedRecordings("edf").empty()) GTEST_SKIP() << "ECG_SHARED_DIR is not set";
  ExpectRealFilesKept<ScpEcg>("scp");
  ExpectRealFilesKept<Dicom>("dicom");
  ExpectRealFilesKept<Edf>("edf");
}

}  // namespace
}  // namespace ecg
