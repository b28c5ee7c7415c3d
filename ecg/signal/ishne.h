// ishne.h
//
// Recordings in ISHNE Holter files (Badilini 1998, "The ISHNE Holter Standard Output File Format").
//
//   ECG_ASSIGN_OR_RETURN(const std::string bytes, ReadFile("holter.ecg"));
//   ECG_ASSIGN_OR_RETURN(Recording recording, Ishne::Read({.path = "holter.ecg", .bytes = bytes}));
//
// A header of 522 bytes and a block of any size are followed by samples of 16 bits, all leads of a moment together.
// Writers disagree on whether the number of samples in the header counts one lead or all, so the file's size decides.

#ifndef ECG_SIGNAL_ISHNE_H_
#define ECG_SIGNAL_ISHNE_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "ecg/file/byte_reader.h"
#include "ecg/file/crc_ccitt.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"

namespace ecg {

// Ishne reads ISHNE Holter files.
struct Ishne {
  static constexpr absl::string_view kName = "ISHNE";

  static bool Recognises(const RecordingFile& file) { return absl::StartsWith(file.bytes, kMagic); }

  static absl::StatusOr<Recording> Read(const RecordingFile& file) {
    const absl::string_view bytes = file.bytes;
    if (!Recognises(file)) return absl::DataLossError("not an ISHNE file: no ISHNE1.0 at byte 0");
    if (bytes.size() < kHeadBytes) {
      return absl::DataLossError(
          absl::StrCat("a header of ", kHeadBytes, " bytes expected, ", bytes.size(), " found; the file is cut short"));
    }
    Recording recording;
    recording.format = "ISHNE 1.0";
    const Header header = ParseHeader(bytes, &recording);
    if (header.leads < 1 || header.leads > kMostLeads || header.hz < 1) {
      return absl::DataLossError(absl::StrCat(header.leads, " leads at ", header.hz, " Hz at bytes 156 and 272, 1 to ",
                                              kMostLeads, " leads expected; the file is damaged"));
    }
    for (size_t lead = 0; lead < header.leads; ++lead) {
      if (header.resolutions_nv[lead] > 0) continue;
      return absl::DataLossError(absl::StrCat("the step of lead ", lead + 1, " is ", header.resolutions_nv[lead],
                                              " nV, a positive number expected; the file is damaged"));
    }
    if (header.samples_at < kHeadBytes || header.samples_at >= bytes.size()) {
      return absl::DataLossError(absl::StrCat("the samples should be at byte ", header.samples_at, ", the file has ",
                                              bytes.size(), " bytes; it is cut short or damaged"));
    }
    CheckCrc(bytes.substr(0, header.samples_at), &recording.notes);
    const absl::string_view data = bytes.substr(header.samples_at);
    const size_t samples = data.size() / 2 / header.leads;
    if (samples == 0) return absl::DataLossError("no samples behind the header; the file is cut short");
    const uint64_t stated = header.stated_samples;
    if (stated != samples && stated != samples * header.leads) {
      recording.notes.push_back(
          absl::StrCat("the header states ", stated, " samples; the file holds ", samples, " of each lead"));
    }
    Strip strip = {.sampling_frequency_hz = static_cast<double>(header.hz), .channels = {}};
    for (size_t lead = 0; lead < header.leads; ++lead) strip.channels.push_back(ReadLead(data, header, lead, samples));
    recording.strips.push_back(std::move(strip));
    return recording;
  }

 private:
  static constexpr absl::string_view kMagic = "ISHNE1.0";
  static constexpr size_t kHeadBytes = 522;
  static constexpr size_t kMostLeads = 12;

  struct Header {
    uint64_t stated_samples = 0;
    size_t samples_at = 0;
    size_t leads = 0;
    std::array<int, kMostLeads> codes = {};
    std::array<int, kMostLeads> resolutions_nv = {};
    int hz = 0;
  };

  struct Day {
    int day = 0, month = 0, year = 0;
  };
  static std::optional<Day> ParseDay(ByteReader* reader) {
    Day day;
    day.day = reader->Read<int16_t>();
    day.month = reader->Read<int16_t>();
    day.year = reader->Read<int16_t>();
    if (day.day < 1 || day.day > 31 || day.month < 1 || day.month > 12 || day.year < 1 || day.year > 9999) {
      return std::nullopt;
    }
    return day;
  }

  static Header ParseHeader(absl::string_view bytes, Recording* recording) {
    Header header;
    ByteReader reader(bytes);
    reader.Take(14);  // magic number, checksum, size of the block
    header.stated_samples = reader.Read<uint32_t>();
    reader.Take(4);  // where the block is
    header.samples_at = reader.Read<uint32_t>();
    reader.Take(2 + 40 + 40 + 20);  // version, names, number
    const int sex = reader.Read<int16_t>();
    recording->sex = sex == 1 ? "male" : sex == 2 ? "female" : "";
    reader.Take(2);
    const std::optional<Day> born = ParseDay(&reader), recorded = ParseDay(&reader);
    reader.Take(6);  // when the file was made
    const int hour = reader.Read<int16_t>(), minute = reader.Read<int16_t>(), second = reader.Read<int16_t>();
    if (recorded) {
      recording->recorded_at = absl::StrFormat("%04d-%02d-%02d", recorded->year, recorded->month, recorded->day);
      if (hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60) {
        absl::StrAppendFormat(&recording->recorded_at, "T%02d:%02d:%02d", hour, minute, second);
      }
    }
    if (recorded && born && recorded->year >= born->year) {
      const bool had_birthday = std::pair(recorded->month, recorded->day) >= std::pair(born->month, born->day);
      recording->age_years = std::max(recorded->year - born->year - (had_birthday ? 0 : 1), 0);
    }
    header.leads = reader.Read<uint16_t>();
    for (int& code : header.codes) code = reader.Read<int16_t>();
    reader.Take(2 * kMostLeads);  // quality
    for (int& resolution : header.resolutions_nv) resolution = reader.Read<int16_t>();
    reader.Take(2);  // pacemaker
    recording->machine = FixedText(reader.Take(40));
    header.hz = reader.Read<uint16_t>();
    return header;
  }

  static void CheckCrc(absl::string_view head, std::vector<std::string>* notes) {
    const uint16_t stated = LoadNumber<uint16_t>(head.data() + kMagic.size(), std::endian::little);
    const uint16_t computed = CrcCcitt(head.substr(10));
    if (stated == 0) {
      notes->push_back("the header states no checksum");
    } else if (stated != computed) {
      notes->push_back(
          absl::StrFormat("the header states the checksum 0x%04X, but its content has 0x%04X: it was "
                          "changed, or is damaged",
                          stated, computed));
    }
  }

  static Channel ReadLead(absl::string_view data, const Header& header, size_t lead, size_t samples) {
    constexpr std::array<absl::string_view, 20> kNames = {"",    "bipolar", "X",   "Y",   "Z",  "I",  "II",
                                                          "III", "aVR",     "aVL", "aVF", "V1", "V2", "V3",
                                                          "V4",  "V5",      "V6",  "ES",  "AS", "AI"};
    const size_t code = static_cast<size_t>(std::max(header.codes[lead], 0));
    Channel channel;
    channel.name = code > 0 && code < kNames.size() ? std::string(kNames[code]) : absl::StrCat("lead ", lead + 1);
    channel.step_mv = header.resolutions_nv[lead] * 1e-6;
    channel.mv.reserve(samples);
    for (size_t i = 0; i < samples; ++i) {
      const int16_t step = LoadNumber<int16_t>(data.data() + 2 * (i * header.leads + lead), std::endian::little);
      constexpr int16_t kLeadFault = -32768;
      channel.mv.push_back(step == kLeadFault ? std::numeric_limits<float>::quiet_NaN()
                                              : static_cast<float>(step * channel.step_mv));
    }
    return channel;
  }
};

static_assert(RecordingFormat<Ishne>);

}  // namespace ecg

#endif  // ECG_SIGNAL_ISHNE_H_
