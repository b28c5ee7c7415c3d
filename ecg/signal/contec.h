// contec.h
//
// Recordings of the Contec ECG90A electrocardiograph (.ECG).
//
//   ECG_ASSIGN_OR_RETURN(const std::string bytes, ReadFile("0000050.ECG"));
//   ECG_ASSIGN_OR_RETURN(Recording recording, Contec::Read({.path = "0000050.ECG", .bytes = bytes}));
//
// The format is not published; it is known from files (https://github.com/RigacciOrg/ecg-contec). A header of 43 bytes
// (number, time, name, sex, age, weight) is followed by rows of the eight leads II, III and V1 to V6 at 800 Hz, in 5 uV
// from 2048 on, and by 37 bytes of unknown meaning. A lead without an electrode has 0x6800; a row of zeros ends the
// recording.

#ifndef ECG_SIGNAL_CONTEC_H_
#define ECG_SIGNAL_CONTEC_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/file/byte_reader.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"

namespace ecg {

// Contec reads files of the Contec ECG90A.
struct Contec {
  static constexpr absl::string_view kName = "Contec ECG90A";

  // Recognises looks for the time, the only thing in the header that has a form.
  static bool Recognises(const RecordingFile& file) {
    constexpr absl::string_view kForm = "0000-00-00 00:00:00";
    const absl::string_view time = file.bytes.substr(std::min(kTimeAt, file.bytes.size()), kForm.size() + 1);
    if (time.size() != kForm.size() + 1 || time.back() != '\0') return false;
    for (size_t i = 0; i < kForm.size(); ++i) {
      if (kForm[i] == '0' ? !absl::ascii_isdigit(time[i]) : time[i] != kForm[i]) return false;
    }
    return true;
  }

  static absl::StatusOr<Recording> Read(const RecordingFile& file) {
    const absl::string_view bytes = file.bytes;
    if (!Recognises(file)) return absl::DataLossError("not a Contec file: no time at byte 10");
    if (bytes.size() < kHeadBytes + kRowBytes + kFootBytes) {
      return absl::DataLossError(absl::StrCat("no samples in ", bytes.size(), " bytes; the file is cut short"));
    }
    Recording recording;
    recording.format = std::string(kName);
    recording.machine = std::string(kName);
    ReadPatient(bytes, &recording);
    const size_t body = bytes.size() - kHeadBytes - kFootBytes;
    size_t rows = body / kRowBytes;
    if (body % kRowBytes != 0) recording.notes.push_back("the last row is not whole: the file is cut short");
    const absl::string_view data = bytes.substr(kHeadBytes, rows * kRowBytes);
    for (size_t row = 0; row < rows; ++row) {
      if (data.substr(row * kRowBytes, kRowBytes).find_first_not_of('\0') != absl::string_view::npos) continue;
      recording.notes.push_back(absl::StrCat("row ", row + 1, " of ", rows, " is zero, and ends the recording"));
      rows = row;
    }
    Strip strip = {.sampling_frequency_hz = 800, .channels = {}};
    std::vector<absl::string_view> without;
    for (size_t lead = 0; lead < kLeadsStored.size(); ++lead) {
      Channel channel = ReadLead(data, lead, rows);
      if (std::all_of(channel.mv.begin(), channel.mv.end(), [](float mv) { return std::isnan(mv); })) {
        without.push_back(kLeadsStored[lead]);
      } else {
        strip.channels.push_back(std::move(channel));
      }
    }
    if (!without.empty()) {
      recording.notes.push_back(absl::StrCat("left out, as no electrode was attached: ", absl::StrJoin(without, ", ")));
    }
    if (strip.samples() == 0) return absl::DataLossError("no lead has samples");
    recording.strips.push_back(std::move(strip));
    return recording;
  }

 private:
  static constexpr std::array<absl::string_view, 8> kLeadsStored = {"II", "III", "V1", "V2", "V3", "V4", "V5", "V6"};
  static constexpr size_t kTimeAt = 10, kSexAt = 40, kAgeAt = 41;
  static constexpr size_t kHeadBytes = 43, kFootBytes = 37, kRowBytes = 2 * kLeadsStored.size();

  static void ReadPatient(absl::string_view bytes, Recording* recording) {
    recording->recorded_at = std::string(bytes.substr(kTimeAt, 19));
    recording->recorded_at[10] = 'T';
    recording->sex = bytes[kSexAt] == 1 ? "male" : bytes[kSexAt] == 0 ? "female" : "";
    if (const int age = static_cast<uint8_t>(bytes[kAgeAt]); age > 0 && age <= 200) recording->age_years = age;
  }

  static Channel ReadLead(absl::string_view data, size_t lead, size_t rows) {
    constexpr uint16_t kNoElectrode = 0x6800;
    constexpr int kZero = 2048;
    Channel channel = {.name = std::string(kLeadsStored[lead]), .mv = {}, .step_mv = 0.005};
    channel.mv.reserve(rows);
    for (size_t row = 0; row < rows; ++row) {
      const uint16_t step = LoadNumber<uint16_t>(data.data() + row * kRowBytes + 2 * lead, std::endian::little);
      channel.mv.push_back(step == kNoElectrode ? std::numeric_limits<float>::quiet_NaN()
                                                : static_cast<float>((step - kZero) * channel.step_mv));
    }
    return channel;
  }
};

static_assert(RecordingFormat<Contec>);

}  // namespace ecg

#endif  // ECG_SIGNAL_CONTEC_H_
