// shared_recordings.h
//
// Compares what a reader makes of real files with what independent readers made of them, in NAME.expected.json beside
// each file of the folder formats/ in $ECG_SHARED_DIR.

#ifndef TESTS_SIGNAL_SHARED_RECORDINGS_H_
#define TESTS_SIGNAL_SHARED_RECORDINGS_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ecg/file/file.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace ecg {

// SharedRecording is a real file and what is expected of it.
struct SharedRecording {
  std::filesystem::path path;
  std::string bytes;
  nlohmann::json expected;

  RecordingFile file() const { return {.path = path, .bytes = bytes}; }
};

// SharedRecordings returns the files in the folder `name` of the formats; none when $ECG_SHARED_DIR is not set.
inline std::vector<SharedRecording> SharedRecordings(const std::string& name) {
  std::vector<SharedRecording> recordings;
  const char* shared = std::getenv("ECG_SHARED_DIR");
  if (shared == nullptr) return recordings;
  const std::filesystem::path folder = std::filesystem::path(shared) / "formats" / name;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".json" || !entry.is_regular_file()) continue;
    const std::filesystem::path expected =
        entry.path().parent_path() / (entry.path().stem().string() + ".expected.json");
    std::ifstream json(expected);
    if (!json) continue;
    recordings.push_back({entry.path(), ReadFile(entry.path()).value(), nlohmann::json::parse(json)});
  }
  std::sort(recordings.begin(), recordings.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return recordings;
}

// Joined returns the strips of one kind; those that go on after a gap are one.
inline std::vector<Strip> Joined(const Recording& recording, Strip::Kind kind) {
  std::vector<Strip> joined;
  const auto goes_on = [](const Strip& a, const Strip& b) {
    if (a.sampling_frequency_hz != b.sampling_frequency_hz || a.channels.size() != b.channels.size()) return false;
    for (size_t i = 0; i < a.channels.size(); ++i) {
      if (a.channels[i].name != b.channels[i].name) return false;
    }
    return true;
  };
  for (const Strip& strip : recording.strips) {
    if (strip.kind != kind) continue;
    const auto before =
        std::find_if(joined.begin(), joined.end(), [&](const Strip& other) { return goes_on(other, strip); });
    if (before == joined.end()) {
      joined.push_back(strip);
      continue;
    }
    for (size_t i = 0; i < strip.channels.size(); ++i) {
      std::vector<float>& mv = before->channels[i].mv;
      mv.insert(mv.end(), strip.channels[i].mv.begin(), strip.channels[i].mv.end());
    }
  }
  return joined;
}

// ExpectChannel compares one lead: its name, its first samples, and what is computed of all that are not missing. The
// expected values are rounded to 6 or 7 digits behind the point.
inline void ExpectChannel(const Channel& channel, const nlohmann::json& expected) {
  SCOPED_TRACE(channel.name);
  EXPECT_EQ(channel.name, LeadName(expected["name"].get<std::string>()));
  double sum = 0, squares = 0, least = std::numeric_limits<double>::infinity(), most = -least;
  size_t count = 0;
  for (const float mv : channel.mv) {
    if (std::isnan(mv)) continue;
    ++count;
    sum += mv;
    squares += static_cast<double>(mv) * mv;
    least = std::min<double>(least, mv);
    most = std::max<double>(most, mv);
  }
  ASSERT_GT(count, 0u);
  const double tolerance = 2e-6 + 1e-6 * std::max(std::abs(least), std::abs(most));
  const double mean = sum / static_cast<double>(count);
  EXPECT_NEAR(mean, expected["mean_mV"].get<double>(), tolerance);
  EXPECT_NEAR(std::sqrt(std::max(0.0, squares / static_cast<double>(count) - mean * mean)),
              expected["std_mV"].get<double>(), tolerance);
  if (expected.contains("min_mV")) {
    EXPECT_NEAR(least, expected["min_mV"].get<double>(), tolerance);
    EXPECT_NEAR(most, expected["max_mV"].get<double>(), tolerance);
  }
  if (expected.contains("uV_per_lsb") && !channel.derived && channel.step_mv != 0) {
    const double step_mv = std::abs(expected["uV_per_lsb"].get<double>()) / 1000;
    EXPECT_NEAR(channel.step_mv, step_mv, 1e-9 * step_mv + 1e-12);
  }
  const nlohmann::json& first = expected["first10_mV"];
  ASSERT_GE(channel.mv.size(), first.size());
  for (size_t i = 0; i < first.size(); ++i) {
    if (!first[i].is_number()) continue;
    EXPECT_NEAR(channel.mv[i], first[i].get<double>(), tolerance) << "sample " << i;
  }
}

// ExpectRecording compares the strips of `recording` with the groups of `expected`.
inline void ExpectRecording(const Recording& recording, const nlohmann::json& expected) {
  for (const Strip::Kind kind : {Strip::Kind::kRhythm, Strip::Kind::kRepresentativeBeat}) {
    const std::vector<Strip> strips = Joined(recording, kind);
    std::vector<nlohmann::json> groups;
    for (const nlohmann::json& group : expected["groups"]) {
      // All stored samples, of which the machine's calibration pulse is no recording.
      if (group["kind"] == "rhythm_with_calibration_tail") continue;
      const bool is_rhythm = group["kind"].get<std::string>().rfind("rhythm", 0) == 0;
      if (is_rhythm == (kind == Strip::Kind::kRhythm)) groups.push_back(group);
    }
    ASSERT_EQ(strips.size(), groups.size());
    for (size_t i = 0; i < groups.size(); ++i) {
      const double hz = groups[i]["sampling_frequency_Hz"].get<double>();
      EXPECT_NEAR(strips[i].sampling_frequency_hz, hz, 1e-9 * hz);
      EXPECT_EQ(strips[i].samples(), groups[i]["samples_per_lead"].get<size_t>());
      const nlohmann::json& leads = groups[i]["leads"];
      ASSERT_EQ(strips[i].channels.size(), leads.size());
      for (size_t lead = 0; lead < leads.size(); ++lead) ExpectChannel(strips[i].channels[lead], leads[lead]);
    }
  }
}

// ExpectSameStrip compares what was written and read again: samples to half a step.
inline void ExpectSameStrip(const Strip& strip, const Strip& expected) {
  EXPECT_NEAR(strip.sampling_frequency_hz, expected.sampling_frequency_hz, 1e-6 * expected.sampling_frequency_hz);
  EXPECT_NEAR(strip.start_seconds, expected.start_seconds, 1e-6);
  EXPECT_EQ(strip.kind, expected.kind);
  ASSERT_EQ(strip.channels.size(), expected.channels.size());
  for (size_t c = 0; c < strip.channels.size(); ++c) {
    const Channel &channel = strip.channels[c], &other = expected.channels[c];
    SCOPED_TRACE(other.name);
    EXPECT_EQ(channel.name, other.name);
    ASSERT_EQ(channel.mv.size(), other.mv.size());
    for (size_t i = 0; i < channel.mv.size(); ++i) {
      ASSERT_EQ(std::isnan(channel.mv[i]), std::isnan(other.mv[i])) << "sample " << i;
      if (std::isnan(other.mv[i])) continue;
      ASSERT_NEAR(channel.mv[i], other.mv[i], 0.5001 * channel.step_mv + 1e-6 * std::abs(other.mv[i]))
          << "sample " << i;
    }
  }
}

// ExpectSharedRecordings reads all files in the folder `name` with a format, and returns how many there are.
template <RecordingFormat Format>
size_t ExpectSharedRecordings(const std::string& name) {
  const std::vector<SharedRecording> recordings = SharedRecordings(name);
  for (const SharedRecording& recording : recordings) {
    SCOPED_TRACE(recording.path.filename().string());
    EXPECT_TRUE(Format::Recognises(recording.file()));
    const absl::StatusOr<Recording> read = Format::Read(recording.file());
    EXPECT_TRUE(read.ok()) << read.status();
    if (read.ok() && !recording.expected.contains("tolerance")) ExpectRecording(*read, recording.expected);
  }
  return recordings.size();
}

}  // namespace ecg

#endif  // TESTS_SIGNAL_SHARED_RECORDINGS_H_
