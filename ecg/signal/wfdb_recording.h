// wfdb_recording.h
//
// A record in the format of PhysioNet's WFDB software, with all of its signals, as a Recording.
//
//   ECG_ASSIGN_OR_RETURN(const Recording recording, Wfdb::Read(RecordingFile{"00001_hr.hea", header}));
//
// wfdb.h says what is read. Beyond that, the rate may be fractional, samples may be missing, and the age, sex and time
// of the header are read. Signals that are no voltage are left out.

#ifndef ECG_SIGNAL_WFDB_RECORDING_H_
#define ECG_SIGNAL_WFDB_RECORDING_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_fields.h"
#include "ecg/signal/recording_format.h"
#include "ecg/signal/wfdb.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// Wfdb is a RecordingFormat, whose files are headers.
class Wfdb {
 public:
  static constexpr absl::string_view kName = "WFDB";

  // Recognises tells whether `file` is called .hea, or is a header.
  static bool Recognises(const RecordingFile& file) {
    return absl::EqualsIgnoreCase(file.path.extension().string(), ".hea") || ParseWfdbHeader(file.bytes, "").ok();
  }

  // Read reads the header, and the samples in the files beside file.path.
  static absl::StatusOr<Recording> Read(const RecordingFile& file) {
    ECG_ASSIGN_OR_RETURN(WfdbHeader header, ParseWfdbHeader(file.bytes, "header"));
    wfdb_internal::ForgetPlaceholders(&header);
    if (file.path.empty()) return absl::InvalidArgumentError("its samples lie in a file beside the header; read that");
    Recording recording;
    recording.format = std::string(kName);
    ReadComments(header, &recording);
    std::vector<std::string> files;
    for (const WfdbSignal& signal : header.signals) {
      if (!signal.problem.ok() || signal.samples_per_frame != 1) {
        recording.notes.push_back(absl::StrCat(
            "the signal ", signal.description, " is left out: ",
            signal.problem.ok() ? "it has several samples a frame" : std::string(signal.problem.message())));
      }
      if (std::find(files.begin(), files.end(), signal.file) == files.end()) files.push_back(signal.file);
    }
    Strip strip;
    strip.sampling_frequency_hz = header.sampling_frequency_hz;
    strip.channels.resize(header.signals.size());
    for (const std::string& name : files) {
      ECG_RETURN_IF_ERROR(ReadGroup(header, name, file.path.parent_path() / name, &strip));
    }
    std::erase_if(strip.channels, [](const Channel& channel) { return channel.mv.empty(); });
    if (strip.channels.empty()) return absl::DataLossError("no signal can be read");
    recording.strips.push_back(std::move(strip));
    return recording;
  }

 private:
  static void ReadComments(const WfdbHeader& header, Recording* recording) {
    const std::vector<std::string> date = absl::StrSplit(header.date, '/');
    int day = 0, month = 0, year = 0;
    if (date.size() == 3 && absl::SimpleAtoi(date[0], &day) && absl::SimpleAtoi(date[1], &month) &&
        absl::SimpleAtoi(date[2], &year)) {
      recording->recorded_at = IsoTime(IsoDate(year, month, day), header.time);
    }
    for (const std::string& comment : header.comments) {
      const std::vector<std::string> words = absl::StrSplit(comment, absl::MaxSplits(':', 1));
      if (words.size() != 2) continue;
      double age = 0;
      if (absl::EqualsIgnoreCase(words[0], "age") && absl::SimpleAtod(words[1], &age)) {
        recording->age_years = AgeInYears(age, "");
      }
      if (absl::EqualsIgnoreCase(words[0], "sex")) recording->sex = SexFromWord(words[1]);
    }
  }

  static absl::Status ReadGroup(const WfdbHeader& header, const std::string& file, const std::filesystem::path& path,
                                Strip* strip) {
    const auto is_read = [](const WfdbSignal& signal) { return signal.problem.ok() && signal.samples_per_frame == 1; };
    ECG_ASSIGN_OR_RETURN(wfdb_internal::Group group, wfdb_internal::MakeGroup(header, file, path.string()));
    if (std::none_of(group.signals.begin(), group.signals.end(),
                     [&](const auto* signal) { return is_read(*signal); })) {
      return absl::OkStatus();
    }
    for (const WfdbSignal* signal : group.signals) {
      if (is_read(*signal)) group.frames = std::max(group.frames, int64_t{header.samples} + signal->skew);
    }
    ECG_ASSIGN_OR_RETURN(const wfdb_internal::GroupFile samples, wfdb_internal::ReadGroupFile(group, path));
    int64_t position = 0;  // in a frame
    for (const WfdbSignal* signal : group.signals) {
      if (is_read(*signal)) {
        const std::vector<int32_t> stored = wfdb_internal::Decode(samples, group, position);
        const absl::Status status = wfdb_internal::CheckStored(*signal, stored, header.samples);
        if (!status.ok()) return WithContext(status, absl::StrCat(path.string(), ": signal ", signal->description));
        strip->channels[signal - header.signals.data()] = MakeChannel(
            signal->description, std::span(stored).subspan(signal->skew, header.samples), 1 / signal->calibration.gain,
            signal->calibration.baseline, wfdb_internal::MissingSample(*signal));
      }
      position += signal->samples_per_frame;
    }
    return absl::OkStatus();
  }
};

static_assert(RecordingFormat<Wfdb>);

}  // namespace ecg

#endif  // ECG_SIGNAL_WFDB_RECORDING_H_
