#include "ecg/signal/edf_writer.h"

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
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

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// Lead returns a lead of whole steps, or between them where `off_step` is not 0.
Channel Lead(const std::string& name, size_t samples, double step_mv, double off_step = 0) {
  Channel channel = {.name = name, .mv = {}, .step_mv = step_mv};
  for (size_t i = 0; i < samples; ++i) {
    const double step = std::round(400 * std::sin(0.05 * static_cast<double>(i)));
    channel.mv.push_back(static_cast<float>((step + off_step) * (step_mv > 0 ? step_mv : 0.0013)));
  }
  return channel;
}

absl::StatusOr<Recording> WrittenAndRead(const Recording& recording) {
  const absl::StatusOr<std::string> bytes = FormatEdf(recording);
  if (!bytes.ok()) return bytes.status();
  EXPECT_TRUE(Edf::Recognises({.path = "", .bytes = *bytes}));
  return Edf::Read({.path = "", .bytes = *bytes});
}

TEST(EdfWriterTest, KeepsStepsNamesAndWhatIsKnown) {
  Recording recording;
  recording.machine = "Some Machine";
  recording.recorded_at = "2021-05-01T13:14:15.25";
  recording.sex = "female";
  recording.filters = "high-pass 0.05 Hz, low-pass 150 Hz, notch 50 Hz";
  recording.strips.push_back(
      {.sampling_frequency_hz = 500,
       .channels = {Lead("II", 5000, 0.00488), Lead("V3R", 5000, 0.0025), Lead("X", 5000, 0.001)}});
  recording.annotations = {{1.5, 0.25, "Beat"}, {0, 0, "Start"}};
  recording.strips[0].channels[1].mv[7] = kNaN;
  const absl::StatusOr<Recording> read = WrittenAndRead(recording);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->format, "EDF+C");
  EXPECT_EQ(read->machine, recording.machine);
  EXPECT_EQ(read->recorded_at, recording.recorded_at);
  EXPECT_EQ(read->sex, recording.sex);
  EXPECT_EQ(read->filters, recording.filters);
  ASSERT_EQ(read->strips.size(), 1u);
  ExpectSameStrip(read->strips[0], recording.strips[0]);
  for (size_t c = 0; c < 3; ++c) {
    const Channel &channel = read->strips[0].channels[c], &other = recording.strips[0].channels[c];
    EXPECT_DOUBLE_EQ(channel.step_mv, other.step_mv);
    for (size_t i = 0; i < 5000; ++i) {
      if (std::isnan(other.mv[i])) continue;
      ASSERT_FLOAT_EQ(channel.mv[i], other.mv[i]) << other.name << " " << i;
    }
  }
  ASSERT_EQ(read->annotations.size(), 2u);
  EXPECT_EQ(read->annotations[0].text + read->annotations[1].text, "BeatStart");
  EXPECT_NEAR(read->annotations[0].start_seconds, 1.5, 1e-9);
  EXPECT_NEAR(read->annotations[0].duration_seconds, 0.25, 1e-9);
}

TEST(EdfWriterTest, RoundsToHalfAStepWhatHasNone) {
  Recording recording;
  recording.strips.push_back(
      {.sampling_frequency_hz = 500, .channels = {Lead("I", 777, 0, 0.3), Lead("V1", 777, 0.01, 0.4)}});
  for (float& mv : recording.strips[0].channels[0].mv) mv *= 1000;  // beyond 16 bits of 1 uV
  const absl::StatusOr<Recording> read = WrittenAndRead(recording);
  ASSERT_TRUE(read.ok()) << read.status();
  ExpectSameStrip(read->strips[0], recording.strips[0]);
}

TEST(EdfWriterTest, KeepsFractionalFrequenciesAndLengthsWithoutDivisors) {
  for (const double hz : {512.508, 599.880023995201, 128.0, 360.0, 1000.0}) {
    for (const size_t samples : {size_t{15359}, size_t{4999}, size_t{100003}, size_t{1}}) {
      Recording recording;
      recording.strips.push_back({.sampling_frequency_hz = hz, .channels = {Lead("I", samples, 0.005)}});
      const absl::StatusOr<Recording> read = WrittenAndRead(recording);
      ASSERT_TRUE(read.ok()) << read.status();
      // The header has 8 digits for the length of a record, of which short ones use few.
      if (samples > 1) ExpectSameStrip(read->strips[0], recording.strips[0]);
    }
  }
}

TEST(EdfWriterTest, WritesSeveralRatesAndInterruptions) {
  Recording recording;
  for (const double start : {0.0, 12.5}) {
    const size_t seconds = start == 0 ? 4 : 6;
    recording.strips.push_back(
        {.sampling_frequency_hz = 500, .start_seconds = start, .channels = {Lead("I", 500 * seconds, 0.005)}});
    recording.strips.push_back(
        {.sampling_frequency_hz = 125, .start_seconds = start, .channels = {Lead("V1", 125 * seconds, 0.005)}});
  }
  recording.strips.push_back(
      {.kind = Strip::Kind::kRepresentativeBeat, .sampling_frequency_hz = 500, .channels = {Lead("I", 600, 0.005)}});
  const absl::StatusOr<Recording> read = WrittenAndRead(recording);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->format, "EDF+D");
  ASSERT_EQ(read->strips.size(), 4u) << "representative beats are left out";
  for (size_t i = 0; i < 4; ++i) ExpectSameStrip(read->strips[i], recording.strips[i]);
}

TEST(EdfWriterTest, RefusesWhatEdfCannotHold) {
  Recording recording;
  EXPECT_THAT(FormatEdf(recording).status().message(), HasSubstr("no rhythm"));
  recording.strips.push_back({.sampling_frequency_hz = 500, .channels = {Lead("I", 500, 0.005)}});
  recording.strips.push_back({.sampling_frequency_hz = 500, .start_seconds = 2, .channels = {Lead("II", 500, 0.005)}});
  EXPECT_THAT(FormatEdf(recording).status().message(), HasSubstr("have other leads"));
  recording.strips[1] = {.sampling_frequency_hz = 250, .channels = {Lead("II", 400, 0.005)}};
  EXPECT_THAT(FormatEdf(recording).status().message(), HasSubstr("do not last for the same time"));
  recording.strips.pop_back();
  recording.strips[0].channels[0].mv[3] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(FormatEdf(recording).status().message(), HasSubstr("sample 3 of lead I is infinite"));
}

template <typename Format>
void ExpectRealFilesKept(const std::string& folder) {
  for (const SharedRecording& file : SharedRecordings(folder)) {
    SCOPED_TRACE(file.path.filename().string());
    const Recording recording = Format::Read(file.file()).value();
    const absl::StatusOr<Recording> read = WrittenAndRead(recording);
    ASSERT_TRUE(read.ok()) << read.status();
    std::vector<Strip> rhythm;
    for (const Strip& strip : recording.strips) {
      if (strip.kind == Strip::Kind::kRhythm) rhythm.push_back(strip);
    }
    ASSERT_EQ(read->strips.size(), rhythm.size());
    for (size_t i = 0; i < rhythm.size(); ++i) ExpectSameStrip(read->strips[i], rhythm[i]);
  }
}

TEST(EdfWriterTest, KeepsTheRhythmOfRealFiles) {
  if (SharedRecordings("edf").empty()) GTEST_SKIP() << "ECG_SHARED_DIR is not set";
  ExpectRealFilesKept<ScpEcg>("scp");
  ExpectRealFilesKept<Dicom>("dicom");
  ExpectRealFilesKept<Edf>("edf");
}

}  // namespace
}  // namespace ecg
