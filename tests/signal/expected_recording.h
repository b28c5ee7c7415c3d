// What independent readers found in files of a folder $ECG_SHARED_DIR/formats/FORMAT, against what ours finds.
//
//   TEST(MuseXmlTest, ReadsTheFilesAsIndependentReadersDo) { ExpectRecordings<MuseXml>("muse", ".xml"); }

#ifndef TESTS_SIGNAL_EXPECTED_RECORDING_H_
#define TESTS_SIGNAL_EXPECTED_RECORDING_H_

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ecg/file/file.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace ecg {

// ExpectChannel compares one channel: name, step, first samples, mean, deviation and range.
inline void ExpectChannel(const Channel& channel, const nlohmann::json& lead) {
  SCOPED_TRACE(lead["name"].get<std::string>());
  EXPECT_EQ(channel.name, LeadName(lead["name"].get<std::string>()));
  EXPECT_FALSE(channel.derived);
  double sum = 0, squares = 0, count = 0, least = INFINITY, most = -INFINITY;
  for (const float mv : channel.mv) {
    if (std::isnan(mv)) continue;
    ++count;
    sum += mv;
    squares += double{mv} * mv;
    least = std::min<double>(least, mv);
    most = std::max<double>(most, mv);
  }
  const double mean = sum / count;
  const double tolerance = 1e-6 + 2e-7 * std::max(std::abs(least), std::abs(most));
  EXPECT_NEAR(mean, lead["mean_mV"].get<double>(), tolerance);
  EXPECT_NEAR(std::sqrt(std::max(0.0, squares / count - mean * mean)), lead["std_mV"].get<double>(), 2 * tolerance);
  EXPECT_NEAR(least, lead["min_mV"].get<double>(), tolerance);
  EXPECT_NEAR(most, lead["max_mV"].get<double>(), tolerance);
  const std::vector<double> first = lead["first10_mV"];
  for (size_t i = 0; i < first.size() && i < channel.mv.size(); ++i)
    EXPECT_NEAR(channel.mv[i], first[i], tolerance) << i;
}

// ExpectRecording compares all strips of `recording`: those of the same kind are in the same order.
inline void ExpectRecording(const Recording& recording, const nlohmann::json& expected) {
  for (const Strip::Kind kind : {Strip::Kind::kRhythm, Strip::Kind::kRepresentativeBeat}) {
    std::vector<const Strip*> strips;
    for (const Strip& strip : recording.strips) {
      if (strip.kind == kind) strips.push_back(&strip);
    }
    std::vector<nlohmann::json> groups;
    for (const nlohmann::json& group : expected["groups"]) {
      const std::string name = group["kind"];
      if (name == "rhythm_with_calibration_tail") continue;
      if ((name == "median") == (kind == Strip::Kind::kRepresentativeBeat)) groups.push_back(group);
    }
    ASSERT_EQ(strips.size(), groups.size());
    for (size_t i = 0; i < strips.size(); ++i) {
      SCOPED_TRACE(groups[i]["kind"].get<std::string>());
      EXPECT_NEAR(strips[i]->sampling_frequency_hz, groups[i]["sampling_frequency_Hz"].get<double>(), 1e-9);
      EXPECT_EQ(strips[i]->samples(), groups[i]["samples_per_lead"].get<size_t>());
      ASSERT_EQ(strips[i]->channels.size(), groups[i]["leads"].size());
      for (size_t lead = 0; lead < groups[i]["leads"].size(); ++lead) {
        ExpectChannel(strips[i]->channels[lead], groups[i]["leads"][lead]);
      }
    }
  }
}

// ExpectRecordings compares every file with the extension `extension` in the folder `folder` of formats, or skips the
// test.
template <RecordingFormat Format>
void ExpectRecordings(const std::string& folder, const std::string& extension) {
  const char* shared = std::getenv("ECG_SHARED_DIR");
  if (shared == nullptr || !std::filesystem::exists(std::filesystem::path(shared) / "formats" / folder)) {
    GTEST_SKIP() << "set ECG_SHARED_DIR to a folder with formats/" << folder << " to run this test";
  }
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(shared) / "formats" / folder)) {
    const std::string name = entry.path().string();
    if (!absl::EndsWith(name, ".expected.json")) continue;
    SCOPED_TRACE(name);
    ++files;
    const nlohmann::json expected = nlohmann::json::parse(ReadFile(name).value());
    const std::string path =
        absl::StrCat(name.substr(0, name.size() - std::string(".expected.json").size()), extension);
    const std::string bytes = ReadFile(path).value();
    const RecordingFile file = {.path = path, .bytes = bytes};
    EXPECT_TRUE(Format::Recognises(file));
    const absl::StatusOr<Recording> recording = Format::Read(file);
    ASSERT_TRUE(recording.ok()) << recording.status();
    ExpectRecording(*recording, expected);
  }
  EXPECT_GT(files, 0);
}

}  // namespace ecg

#endif  // TESTS_SIGNAL_EXPECTED_RECORDING_H_
