// unisens.h
//
// UNISENS 2.0: a folder with unisens.xml, which describes the signals, and a file for each of them.
//
//   ECG_ASSIGN_OR_RETURN(const Recording recording, Unisens::Read(RecordingFile{"measurement/unisens.xml", bytes}));
//
// A signal entry of several channels is a strip. Its values are (sample - baseline) * lsbValue in the entry's unit,
// where lsbValue is 1 and baseline is adcZero, or 0, when they are not stated. Entries of other content than ECG are
// left out where some are ECG.
//
// Format: https://github.com/Unisens/unisens.org/tree/master/docs

#ifndef ECG_SIGNAL_UNISENS_H_
#define ECG_SIGNAL_UNISENS_H_

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_fields.h"
#include "ecg/signal/recording_format.h"
#include "ecg/signal/sample_text.h"
#include "ecg/signal/unit.h"
#include "ecg/signal/xml.h"
#include "ecg/status/status_macros.h"
#include "pugixml.hpp"

namespace ecg {

// Unisens is a RecordingFormat.
class Unisens {
 public:
  static constexpr absl::string_view kName = "UNISENS";

  // Recognises tells whether the outermost element is unisens.
  static bool Recognises(const RecordingFile& file) { return XmlRootName(file.bytes) == "unisens"; }

  // Read reads the entries' files, which lie in the folder of file.path.
  static absl::StatusOr<Recording> Read(const RecordingFile& file) {
    ECG_ASSIGN_OR_RETURN(const XmlDocument document, XmlDocument::Parse(file.bytes));
    const pugi::xml_node root = document.root();
    Recording recording;
    recording.format = absl::StrCat(kName, " ", XmlAttribute(root, "version"));
    recording.recorded_at = IsoTimestamp(XmlAttribute(root, "timestampStart"));
    for (const pugi::xml_node attribute : XmlDescendants(root, "customAttribute")) {
      if (XmlAttribute(attribute, "key") == "sensorType")
        recording.machine = std::string(XmlAttribute(attribute, "value"));
    }
    std::vector<pugi::xml_node> entries = XmlDescendants(root, "signalEntry");
    const auto is_ecg = [](pugi::xml_node entry) {
      return absl::StrContains(absl::AsciiStrToUpper(XmlAttribute(entry, "contentClass")), "ECG");
    };
    const bool some_are = std::any_of(entries.begin(), entries.end(), is_ecg);
    for (const pugi::xml_node entry : entries) {
      const absl::string_view id = XmlAttribute(entry, "id"), unit = XmlAttribute(entry, "unit");
      if (some_are ? !is_ecg(entry) : !unit.empty() && !UnitsPerMv(unit).ok()) {
        recording.notes.push_back(absl::StrCat("the entry ", id, " is left out: it is no ECG"));
        continue;
      }
      ECG_RETURN_IF_ERROR(WithContext(ReadEntry(file, entry, id, &recording), absl::StrCat("entry ", id)));
    }
    if (recording.strips.empty()) return absl::DataLossError("no signalEntry with samples");
    return recording;
  }

 private:
  // Type is how the samples of a binary file are stored.
  struct Type {
    absl::string_view name;
    size_t bytes;
    double (*value)(uint64_t bits);
  };

  template <typename Integer>
  static double Value(uint64_t bits) {
    return static_cast<double>(static_cast<Integer>(bits));
  }

  static absl::StatusOr<Type> FindType(absl::string_view name) {
    static constexpr Type kTypes[] = {
        {"int8", 1, Value<int8_t>},
        {"uint8", 1, Value<uint8_t>},
        {"int16", 2, Value<int16_t>},
        {"uint16", 2, Value<uint16_t>},
        {"int32", 4, Value<int32_t>},
        {"uint32", 4, Value<uint32_t>},
        {"float", 4, [](uint64_t bits) { return double{std::bit_cast<float>(static_cast<uint32_t>(bits))}; }},
        {"double", 8, [](uint64_t bits) { return std::bit_cast<double>(bits); }},
    };
    for (const Type& type : kTypes) {
      if (absl::EqualsIgnoreCase(name, type.name)) return type;
    }
    return absl::UnimplementedError(absl::StrCat("the dataType \"", name, "\" is not supported"));
  }

  static absl::Status ReadEntry(const RecordingFile& file, pugi::xml_node entry, absl::string_view id,
                                Recording* recording) {
    if (id.empty() || id.find_first_of("/\\") != id.npos || id[0] == '.') {
      return absl::InvalidArgumentError("the id is not the name of a file in the folder of unisens.xml");
    }
    Strip strip;
    ECG_ASSIGN_OR_RETURN(strip.sampling_frequency_hz, XmlNumber(XmlAttribute(entry, "sampleRate"), "sampleRate"));
    if (!(strip.sampling_frequency_hz > 0 && strip.sampling_frequency_hz <= 1e6)) {
      return absl::InvalidArgumentError(absl::StrCat("sampleRate is ", strip.sampling_frequency_hz));
    }
    const auto number = [&](absl::string_view name, double otherwise) -> absl::StatusOr<double> {
      const absl::string_view text = XmlAttribute(entry, name);
      return text.empty() ? otherwise : XmlNumber(text, name);
    };
    ECG_ASSIGN_OR_RETURN(const double step, number("lsbValue", 1));
    ECG_ASSIGN_OR_RETURN(const double zero, number("adcZero", 0));
    ECG_ASSIGN_OR_RETURN(const double baseline, number("baseline", zero));
    std::string unit(XmlAttribute(entry, "unit"));
    if (unit.empty()) unit = file.options.unit;
    if (unit.empty()) return absl::InvalidArgumentError("no unit; say which one with --unit=mV (or uV, V)");
    ECG_ASSIGN_OR_RETURN(const double units_per_mv, UnitsPerMv(unit));

    std::vector<std::string> names;
    for (const pugi::xml_node channel : XmlChildren(entry, "channel")) {
      names.emplace_back(XmlAttribute(channel, "name"));
      if (names.back().empty()) names.back() = absl::StrCat("CH", names.size());
    }
    if (names.empty()) names.emplace_back("CH1");
    if (file.path.empty()) return absl::InvalidArgumentError("its samples lie in a file beside unisens.xml; read that");
    ECG_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(file.path.parent_path() / std::string(id)));
    std::vector<std::vector<double>> channels(names.size());
    if (const pugi::xml_node csv = XmlChild(entry, "csvFileFormat")) {
      ECG_RETURN_IF_ERROR(ReadCsv(csv, bytes, &channels));
    } else if (XmlChild(entry, "xmlFileFormat") || XmlChild(entry, "customFileFormat")) {
      return absl::UnimplementedError("only binary files and CSV are supported");
    } else {
      ECG_RETURN_IF_ERROR(ReadBinary(entry, bytes, &channels, recording));
    }
    for (size_t i = 0; i < names.size(); ++i) {
      strip.channels.push_back(MakeChannel(names[i], channels[i], step / units_per_mv, baseline));
    }
    if (strip.samples() > 0) recording->strips.push_back(std::move(strip));
    return absl::OkStatus();
  }

  static absl::Status ReadBinary(pugi::xml_node entry, absl::string_view bytes,
                                 std::vector<std::vector<double>>* channels, Recording* recording) {
    ECG_ASSIGN_OR_RETURN(const Type type, FindType(XmlAttribute(entry, "dataType")));
    const bool big = absl::EqualsIgnoreCase(XmlAttribute(XmlChild(entry, "binFileFormat"), "endianess"), "BIG");
    const size_t frame = type.bytes * channels->size();
    if (bytes.size() % frame != 0) {
      recording->notes.push_back(absl::StrCat("the entry ", XmlAttribute(entry, "id"), " ends in ",
                                              bytes.size() % frame, " bytes that are not samples of all channels"));
    }
    const size_t samples = bytes.size() / frame;
    for (std::vector<double>& channel : *channels) channel.reserve(samples);
    size_t at = 0;
    for (size_t i = 0; i < samples; ++i) {
      for (std::vector<double>& channel : *channels) {
        uint64_t bits = 0;
        for (size_t byte = 0; byte < type.bytes; ++byte) {
          bits |= uint64_t{static_cast<uint8_t>(bytes[at + byte])} << 8 * (big ? type.bytes - 1 - byte : byte);
        }
        at += type.bytes;
        const double value = type.value(bits);
        channel.push_back(std::isfinite(value) ? value : NAN);
      }
    }
    return absl::OkStatus();
  }

  static absl::Status ReadCsv(pugi::xml_node format, absl::string_view text,
                              std::vector<std::vector<double>>* channels) {
    const absl::string_view separator = format.attribute("separator").value();
    const absl::string_view decimal = XmlAttribute(format, "decimalSeparator");
    int line_number = 0;
    for (absl::string_view line : absl::StrSplit(text, '\n')) {
      ++line_number;
      line = absl::StripAsciiWhitespace(line);
      if (line.empty()) continue;
      const std::vector<absl::string_view> fields = absl::StrSplit(line, separator.empty() ? ";" : separator);
      if (fields.size() != channels->size()) {
        return absl::DataLossError(absl::StrCat("line ", line_number, ": ", fields.size(), " fields, but there are ",
                                                channels->size(), " channels"));
      }
      for (size_t i = 0; i < fields.size(); ++i) {
        std::string field(absl::StripAsciiWhitespace(fields[i]));
        if (decimal == ",") absl::StrReplaceAll({{",", "."}}, &field);
        const absl::StatusOr<double> value = ParseSample(field);
        if (!value.ok()) return WithContext(value.status(), absl::StrCat("line ", line_number));
        (*channels)[i].push_back(*value);
      }
    }
    return absl::OkStatus();
  }
};

static_assert(RecordingFormat<Unisens>);

}  // namespace ecg

#endif  // ECG_SIGNAL_UNISENS_H_
