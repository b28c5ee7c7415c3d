// mfer.h
//
// Recordings in MFER files (Medical waveform Format Encoding Rules, ISO 22077-1), of Japanese devices.
//
//   ECG_ASSIGN_OR_RETURN(const std::string bytes, ReadFile("patient.mwf"));
//   ECG_ASSIGN_OR_RETURN(Recording recording, Mfer::Read({.path = "patient.mwf", .bytes = bytes}));
//
// A file is a list of tags, each with a length and a value. Definitions (interval, step, type, block length) hold for
// all channels, and those of a channel in place of them. The samples lie in sequences, each of which has a block of
// every channel. Channels of one rate make a strip; samples of another tag with the same channels continue it.

#ifndef ECG_SIGNAL_MFER_H_
#define ECG_SIGNAL_MFER_H_

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "ecg/file/byte_reader.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"
#include "ecg/signal/scp_lead.h"
#include "ecg/status/status_macros.h"

namespace ecg {

namespace mfer_internal {

// The tags that are read.
enum Tag : int {
  kEnd = 0x00,
  kByteOrder = 0x01,
  kBlockLength = 0x04,
  kChannels = 0x05,
  kSequences = 0x06,
  kWaveformKind = 0x08,
  kLead = 0x09,
  kType = 0x0A,
  kInterval = 0x0B,
  kStep = 0x0C,
  kOffset = 0x0D,
  kCompression = 0x0E,
  kMissing = 0x12,
  kMachine = 0x17,
  kWaveform = 0x1E,
  kChannel = 0x3F,
  kLastTag = 0x80,
  kAge = 0x83,
  kSex = 0x84,
  kTime = 0x85,
};

// Item is a tag with its value.
struct Item {
  int tag = 0;
  size_t channel = 0;  // of kChannel
  absl::string_view value;
  bool is_whole = true;  // false where the file ends in the value
};

// NextItem removes the first item of `*bytes`, which must not be empty, and returns it.
inline absl::StatusOr<Item> NextItem(absl::string_view* bytes) {
  ByteReader reader(*bytes);
  Item item = {.tag = reader.Read<uint8_t>(), .value = {}};
  if (item.tag == kEnd || item.tag == kLastTag) {
    // Zeros fill up; the last tag has a length of 0.
    bytes->remove_prefix(1);
    return item;
  }
  if (item.tag == kChannel) {
    uint8_t part = 0x80;
    while ((part & 0x80) != 0 && reader.left() > 0) {
      part = reader.Read<uint8_t>();
      item.channel = (item.channel << 7 | (part & 0x7F)) & 0xFFFFFF;
    }
  }
  uint64_t length = reader.Read<uint8_t>();
  if (length == 0x80) {
    // Undefined: the value ends with two zeros.
    const size_t end = bytes->find(absl::string_view("\0\0", 2), reader.position());
    item.is_whole = end != absl::string_view::npos;
    item.value = bytes->substr(reader.position(), item.is_whole ? end - reader.position() : absl::string_view::npos);
    bytes->remove_prefix(item.is_whole ? end + 2 : bytes->size());
    return item;
  }
  if (length > 0x80) {
    const size_t count = length & 0x7F;
    if (count > 4) {
      return absl::DataLossError(absl::StrFormat(
          "tag %02X has a length of %u bytes, at most 4 expected; the file is damaged", item.tag, count));
    }
    length = 0;
    // Big endian whatever the byte order of the file is.
    for (size_t i = 0; i < count; ++i) length = length << 8 | reader.Read<uint8_t>();
  }
  if (!reader.ok()) {
    return absl::DataLossError(absl::StrFormat("tag %02X is cut short at the end of the file", item.tag));
  }
  item.is_whole = length <= reader.left();
  item.value = reader.Take(std::min<uint64_t>(length, reader.left()));
  bytes->remove_prefix(reader.position());
  return item;
}

// Definitions are what holds for a channel.
struct Definitions {
  double interval_seconds = 0.001;
  double mv_per_step = 0.001;
  bool is_voltage = true;
  int type = 0;
  uint64_t block_samples = 1;
  absl::string_view offset;
  absl::string_view missing;
  std::string name;
};

// Frame is what has been read so far.
struct Frame {
  std::endian order = std::endian::big;
  Definitions common;
  // channels holds the definitions of each channel, and what they were made of.
  std::map<size_t, std::vector<std::pair<int, absl::string_view>>> channels;
  uint64_t channel_count = 1;
  std::optional<uint64_t> sequences;
  bool is_beat = false;
  int compression = 0;
  // end_seconds is where the rhythm that has been read ends.
  double end_seconds = 0;
};

constexpr int kStatusType = 4;

// TypeBytes returns the size of a sample of a type, or 0 when the type is not known.
inline size_t TypeBytes(int type) {
  constexpr size_t kBytes[] = {2, 2, 4, 1, 2, 1, 4, 4, 8};
  return type >= 0 && type < static_cast<int>(std::size(kBytes)) ? kBytes[type] : 0;
}

// Sample returns the number at `at`, of a type that is known.
inline double Sample(const char* at, int type, std::endian order) {
  switch (type) {
    case 0:
      return LoadNumber<int16_t>(at, order);
    case 2:
      return LoadNumber<int32_t>(at, order);
    case 3:
      return LoadNumber<uint8_t>(at, order);
    case 5:
      return LoadNumber<int8_t>(at, order);
    case 6:
      return LoadNumber<uint32_t>(at, order);
    case 7:
      return LoadNumber<float>(at, order);
    case 8:
      return LoadNumber<double>(at, order);
    default:  // 1, and the status
      return LoadNumber<uint16_t>(at, order);
  }
}

// Unsigned returns a whole number of 1 to 8 bytes.
inline uint64_t Unsigned(absl::string_view value, std::endian order) {
  uint64_t number = 0;
  for (size_t i = 0; i < std::min<size_t>(value.size(), 8); ++i) {
    number = number << 8 | static_cast<uint8_t>(order == std::endian::big ? value[i] : value[value.size() - 1 - i]);
  }
  return number;
}

// Scaled is a number with a unit: mantissa times a power of ten.
struct Scaled {
  int unit = 0;
  double value = 0;
};

inline Scaled ParseScaled(absl::string_view value, std::endian order) {
  if (value.size() < 3) return {};
  const absl::string_view digits = value.substr(2, 4);
  const int64_t mantissa = static_cast<int64_t>(Unsigned(digits, order));
  return {static_cast<uint8_t>(value[0]), static_cast<double>(mantissa) * std::pow(10, static_cast<int8_t>(value[1]))};
}

// Define applies a definition to a channel, or to all.
inline absl::Status Define(int tag, absl::string_view value, std::endian order, Definitions* definitions) {
  constexpr int kHertz = 0, kSecond = 1, kVolt = 0;
  switch (tag) {
    case kBlockLength:
      definitions->block_samples = Unsigned(value, order);
      break;
    case kLead: {
      const size_t code = Unsigned(value.substr(0, 2), order);
      const std::string text = FixedText(value.substr(std::min<size_t>(value.size(), 2)));
      definitions->name = ScpLeadName(code).value_or(LeadName(text));
      break;
    }
    case kType:
      definitions->type = static_cast<int>(Unsigned(value, order) & 0xFF);
      if (TypeBytes(definitions->type) == 0) {
        return absl::UnimplementedError(absl::StrCat("samples of type ", definitions->type, ", 0 to 8 expected"));
      }
      break;
    case kInterval: {
      const Scaled interval = ParseScaled(value, order);
      const double seconds = interval.unit == kHertz ? 1 / interval.value : interval.value;
      if ((interval.unit != kHertz && interval.unit != kSecond) || !std::isfinite(seconds) || seconds <= 0) {
        return absl::DataLossError(absl::StrCat("the sampling interval is ", interval.value, " of unit ", interval.unit,
                                                "; a positive number of Hz or s expected"));
      }
      definitions->interval_seconds = seconds;
      break;
    }
    case kStep: {
      const Scaled step = ParseScaled(value, order);
      definitions->is_voltage = step.unit == kVolt;
      definitions->mv_per_step = step.value * 1000;
      break;
    }
    case kOffset:
      definitions->offset = value;
      break;
    case kMissing:
      definitions->missing = value;
      break;
    default:
      break;
  }
  return absl::OkStatus();
}

// ChannelDefinitions returns what holds for each channel of `frame`.
inline absl::StatusOr<std::vector<Definitions>> ChannelDefinitions(const Frame& frame) {
  std::vector<Definitions> all(frame.channel_count, frame.common);
  for (size_t i = 0; i < all.size(); ++i) {
    if (const auto found = frame.channels.find(i); found != frame.channels.end()) {
      for (const auto& [tag, value] : found->second) {
        absl::Status status = Define(tag, value, frame.order, &all[i]);
        if (!status.ok()) return WithContext(status, absl::StrCat("channel ", i + 1));
      }
    }
    if (all[i].name.empty()) all[i].name = absl::StrCat("channel ", i + 1);
  }
  return all;
}

// AppendBlock appends the samples of a block to a channel.
inline void AppendBlock(absl::string_view block, const Definitions& definitions, std::endian order, Channel* channel) {
  const size_t bytes = TypeBytes(definitions.type);
  const auto number = [&](absl::string_view value) -> std::optional<double> {
    if (value.size() < bytes) return std::nullopt;
    return Sample(value.data(), definitions.type, order);
  };
  const double offset = number(definitions.offset).value_or(0);
  const std::optional<double> missing = number(definitions.missing);
  for (; block.size() >= bytes; block.remove_prefix(bytes)) {
    const double step = Sample(block.data(), definitions.type, order);
    const bool is_missing = (missing && step == *missing) || !std::isfinite(step);
    channel->mv.push_back(is_missing ? std::numeric_limits<float>::quiet_NaN()
                                     : static_cast<float>((step - offset) * definitions.mv_per_step));
  }
}

// GoesOn returns the strip of `recording` that `strip` is the continuation of, or nothing.
inline Strip* GoesOn(const Strip& strip, Recording* recording) {
  for (Strip& before : recording->strips) {
    const double end = before.start_seconds + static_cast<double>(before.samples()) / before.sampling_frequency_hz;
    if (strip.kind == Strip::Kind::kRhythm && before.kind == strip.kind &&
        before.sampling_frequency_hz == strip.sampling_frequency_hz &&
        std::abs(end - strip.start_seconds) * strip.sampling_frequency_hz < 0.5 &&
        std::equal(before.channels.begin(), before.channels.end(), strip.channels.begin(), strip.channels.end(),
                   [](const Channel& a, const Channel& b) { return a.name == b.name && a.step_mv == b.step_mv; })) {
      return &before;
    }
  }
  return nullptr;
}

// AddStrips makes strips of the channels of a waveform, or appends them to those that they continue.
inline void AddStrips(const std::vector<Definitions>& definitions, std::vector<Channel> channels, Frame* state,
                      Recording* recording) {
  std::vector<std::string> others;
  std::vector<std::pair<double, Strip>> strips;  // by interval
  for (size_t c = 0; c < channels.size(); ++c) {
    const Definitions& own = definitions[c];
    if (!own.is_voltage || own.type == kStatusType || own.mv_per_step == 0 || channels[c].mv.empty()) {
      others.push_back(own.name);
      continue;
    }
    auto strip = std::find_if(strips.begin(), strips.end(),
                              [&](const auto& other) { return other.first == own.interval_seconds; });
    if (strip == strips.end()) strip = strips.insert(strips.end(), {own.interval_seconds, Strip()});
    strip->second.channels.push_back(std::move(channels[c]));
  }
  if (!others.empty()) {
    recording->notes.push_back(
        absl::StrCat("left out, as they are no voltages or have no samples: ", absl::StrJoin(others, ", ")));
  }
  double end = state->end_seconds;
  for (auto& [interval, strip] : strips) {
    strip.kind = state->is_beat ? Strip::Kind::kRepresentativeBeat : Strip::Kind::kRhythm;
    strip.sampling_frequency_hz = 1 / interval;
    // 0.002 s is 500 Hz, not 500.00000000000006.
    const double rounded = std::round(strip.sampling_frequency_hz * 1e6) / 1e6;
    if (std::abs(rounded * interval - 1) < 1e-12) strip.sampling_frequency_hz = rounded;
    strip.PadChannels();
    strip.start_seconds = state->is_beat ? 0 : state->end_seconds;
    end = std::max(end, strip.start_seconds + static_cast<double>(strip.samples()) / strip.sampling_frequency_hz);
    Strip* before = GoesOn(strip, recording);
    if (before == nullptr) {
      recording->strips.push_back(std::move(strip));
      continue;
    }
    for (size_t c = 0; c < strip.channels.size(); ++c) {
      std::vector<float>& mv = before->channels[c].mv;
      mv.insert(mv.end(), strip.channels[c].mv.begin(), strip.channels[c].mv.end());
    }
  }
  if (!state->is_beat) state->end_seconds = end;
}

// ReadWaveform adds the strips of a waveform, which starts where the rhythm before it ends.
inline absl::Status ReadWaveform(absl::string_view data, Frame* state, Recording* recording) {
  const Frame& frame = *state;
  if (frame.compression != 0) {
    return absl::UnimplementedError(absl::StrCat("the samples are compressed (", frame.compression, ")"));
  }
  ECG_ASSIGN_OR_RETURN(const std::vector<Definitions> definitions, ChannelDefinitions(frame));
  const size_t whole = data.size();
  std::vector<Channel> channels;
  uint64_t sequence_bytes = 0;
  for (const Definitions& channel : definitions) {
    channels.push_back({.name = channel.name, .mv = {}, .step_mv = std::abs(channel.mv_per_step)});
    sequence_bytes += std::min<uint64_t>(channel.block_samples, uint64_t{1} << 32) * TypeBytes(channel.type);
  }
  if (sequence_bytes == 0) return absl::DataLossError("the blocks have no samples; the file is damaged");
  // Where the number of sequences is not stated, there are as many as fit.
  const uint64_t sequences = frame.sequences.value_or(data.size() / sequence_bytes);
  for (uint64_t i = 0; i < sequences && !data.empty(); ++i) {
    for (size_t c = 0; c < channels.size(); ++c) {
      const uint64_t bytes = std::min<uint64_t>(definitions[c].block_samples, whole) * TypeBytes(definitions[c].type);
      const absl::string_view block = data.substr(0, std::min<uint64_t>(bytes, data.size()));
      AppendBlock(block, definitions[c], frame.order, &channels[c]);
      data.remove_prefix(block.size());
    }
  }
  if (sequences > whole / sequence_bytes) {
    recording->notes.push_back(absl::StrCat(sequences, " sequences of ", sequence_bytes, " bytes stated, ", whole,
                                            " bytes found: the file is cut short or damaged"));
  }
  AddStrips(definitions, std::move(channels), state, recording);
  return absl::OkStatus();
}

inline void ReadPatient(int tag, absl::string_view value, std::endian order, Recording* recording) {
  ByteReader reader(value, order);
  switch (tag) {
    case kMachine:
      recording->machine = absl::StrReplaceAll(FixedText(value), {{"^", " "}});
      break;
    case kAge:
      if (const int years = reader.Read<uint8_t>(); reader.ok() && years <= 150) recording->age_years = years;
      break;
    case kSex:
      if (const int sex = reader.Read<uint8_t>(); sex == 1 || sex == 2) recording->sex = sex == 1 ? "male" : "female";
      break;
    case kTime: {
      const int year = reader.Read<uint16_t>(), month = reader.Read<uint8_t>(), day = reader.Read<uint8_t>();
      const int hour = reader.Read<uint8_t>(), minute = reader.Read<uint8_t>(), second = reader.Read<uint8_t>();
      if (!reader.ok() || month < 1 || month > 12 || day < 1 || day > 31) break;
      recording->recorded_at = absl::StrFormat("%04d-%02d-%02dT%02d:%02d:%02d", year, month, day, hour, minute, second);
      break;
    }
    default:
      break;
  }
}

// ReadItem applies an item to `frame` or, when it holds samples, adds strips to `recording`.
inline absl::Status ReadItem(const Item& item, Frame* frame, Recording* recording) {
  constexpr uint64_t kMostChannels = 1024;
  switch (item.tag) {
    case kByteOrder:
      frame->order = Unsigned(item.value, std::endian::big) == 0 ? std::endian::big : std::endian::little;
      break;
    case kChannels:
      frame->channel_count = Unsigned(item.value, frame->order);
      frame->channels.clear();
      if (frame->channel_count < 1 || frame->channel_count > kMostChannels) {
        return absl::DataLossError(
            absl::StrCat(frame->channel_count, " channels, 1 to ", kMostChannels, " expected; the file is damaged"));
      }
      break;
    case kSequences:
      frame->sequences = Unsigned(item.value, frame->order);
      break;
    case kWaveformKind: {
      const std::string text = absl::AsciiStrToLower(item.value.substr(std::min<size_t>(item.value.size(), 2)));
      frame->is_beat = absl::StrContains(text, "averag") || absl::StrContains(text, "median") ||
                       absl::StrContains(text, "dominant") || absl::StrContains(text, "representative");
      break;
    }
    case kCompression:
      frame->compression = static_cast<int>(Unsigned(item.value.substr(0, 2), frame->order));
      break;
    case kChannel: {
      absl::string_view rest = item.value;
      while (!rest.empty()) {
        ECG_ASSIGN_OR_RETURN(const Item own, NextItem(&rest));
        if (own.tag != kEnd) frame->channels[item.channel].emplace_back(own.tag, own.value);
      }
      break;
    }
    case kWaveform:
      return ReadWaveform(item.value, frame, recording);
    default:
      ReadPatient(item.tag, item.value, frame->order, recording);
      return Define(item.tag, item.value, frame->order, &frame->common);
  }
  return absl::OkStatus();
}

}  // namespace mfer_internal

// Mfer reads MFER files.
struct Mfer {
  static constexpr absl::string_view kName = "MFER";

  // Recognises looks for the preamble, a tag @ with a text that starts with MFR.
  static bool Recognises(const RecordingFile& file) {
    const absl::string_view head = file.bytes.substr(0, 12);
    return absl::StartsWith(head, "@") && (absl::StrContains(head, "MFR") || absl::StrContains(head, "MFER"));
  }

  static absl::StatusOr<Recording> Read(const RecordingFile& file) {
    if (!Recognises(file)) return absl::DataLossError("not an MFER file: no preamble \"MFR\" at byte 0");
    Recording recording;
    recording.format = std::string(kName);
    mfer_internal::Frame frame;
    absl::string_view rest = file.bytes;
    while (!rest.empty()) {
      const size_t at = file.bytes.size() - rest.size();
      absl::StatusOr<mfer_internal::Item> item = mfer_internal::NextItem(&rest);
      absl::Status status = item.ok() ? mfer_internal::ReadItem(*item, &frame, &recording) : item.status();
      const bool is_last = !item.ok() || !item->is_whole || !status.ok();
      if (is_last && status.ok()) status = absl::DataLossError("the value is cut short");
      if (!is_last) {
        if (item->tag == mfer_internal::kLastTag) break;
        continue;
      }
      status = WithContext(status, absl::StrCat("byte ", at));
      if (recording.strips.empty()) return status;
      recording.notes.push_back(absl::StrCat(status.message(), "; what follows is left out"));
      break;
    }
    if (recording.strips.empty()) return absl::DataLossError("no samples of a voltage; the file may be cut short");
    return recording;
  }
};

static_assert(RecordingFormat<Mfer>);

}  // namespace ecg

#endif  // ECG_SIGNAL_MFER_H_
