// recording.h
//
// A recording as a file has it: whatever leads, rate, length and number of strips its machine wrote.
//
//   ECG_ASSIGN_OR_RETURN(Recording recording, ReadRecording("patient.xml"));
//   for (const Strip& strip : recording.strips) {
//     for (const Channel& channel : strip.channels) Plot(channel.name, channel.mv, strip.sampling_frequency_hz);
//   }
//
// A Recording keeps what was recorded; twelve_leads.h makes the Signal of a 12-lead electrocardiogram from it.

#ifndef ECG_SIGNAL_RECORDING_H_
#define ECG_SIGNAL_RECORDING_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace ecg {

// Channel is one lead of a strip.
struct Channel {
  // name is the lead: "aVR", "V3R". Spellings of the twelve standard leads are made one (kLeadNames, FindLead); any
  // other name is the file's own.
  std::string name;
  // mv holds the amplitudes in mV, NaN where the file says that a sample is missing. Single precision has 24 bits, as
  // many as any format stores.
  std::vector<float> mv;
  // step_mv is the amplitude of one digital step of the file, in mV; 0 where it has none, as in a table of numbers.
  double step_mv = 0;
  // derived is true when the file does not store the lead, and it was computed from others.
  bool derived = false;
};

// Strip is channels that were recorded at the same time, at one rate, for as long.
struct Strip {
  // Kind says what the strip shows.
  enum class Kind {
    kRhythm,              // what was recorded
    kRepresentativeBeat,  // one beat that the machine made as the average or median of many
  };

  Kind kind = Kind::kRhythm;
  // sampling_frequency_hz is the number of samples a second, which may be fractional (512.508).
  double sampling_frequency_hz = 0;
  // start_seconds is when the strip begins, counted from the first one's begin.
  double start_seconds = 0;
  // channels all have as many samples; a shorter one of the file ends in NaN.
  std::vector<Channel> channels;

  // samples returns the number of samples of each channel.
  size_t samples() const { return channels.empty() ? 0 : channels.front().mv.size(); }

  // PadChannels makes all channels as long as the longest, with NaN at their end.
  void PadChannels() {
    size_t most = 0;
    for (const Channel& channel : channels) most = std::max(most, channel.mv.size());
    for (Channel& channel : channels) channel.mv.resize(most, std::numeric_limits<float>::quiet_NaN());
  }

  // DropMissingEnd leaves out the samples at the end that are missing in all channels, and returns how many.
  size_t DropMissingEnd() {
    const size_t before = samples();
    size_t keep = 0;
    for (const Channel& channel : channels) {
      size_t end = channel.mv.size();
      while (end > keep && std::isnan(channel.mv[end - 1])) --end;
      keep = std::max(keep, end);
    }
    for (Channel& channel : channels) channel.mv.resize(std::min(keep, channel.mv.size()));
    return before - keep;
  }
};

// Annotation is a remark of the file on a moment or stretch of the recording.
struct Annotation {
  // start_seconds is counted from the begin of the first strip.
  double start_seconds = 0;
  // duration_seconds is 0 for a moment.
  double duration_seconds = 0;
  std::string text;
};

// Recording is the content of one file.
struct Recording {
  // format is the file's format and version, as people call it: "GE MUSE XML 7.1.0".
  std::string format;
  // machine is the maker and model of the recorder, as far as the file says it.
  std::string machine;
  // recorded_at is the begin in local time, ISO 8601 ("2008-07-10T16:54:57"); empty when not stated.
  std::string recorded_at;
  // sex is "male" or "female"; empty when not stated, or something else.
  std::string sex;
  // age_years is the patient's age; nothing when not stated.
  std::optional<double> age_years;
  // height_cm and weight_kg are the patient's; nothing when not stated.
  std::optional<double> height_cm;
  std::optional<double> weight_kg;
  // filters are those that the file says were applied, in words: "high-pass 0.05 Hz, low-pass 150 Hz, notch 50 Hz".
  std::string filters;
  // strips are in the file's order, rhythm before representative beats where the file has no order.
  std::vector<Strip> strips;
  // notes are what a user should know: channels that are left out and why, checksums that the file does not state,
  // samples that are missing at the end.
  std::vector<std::string> notes;
  // annotations are in the file's order.
  std::vector<Annotation> annotations;

  // FilterHz returns the frequency of the filter of a kind, "high-pass", "low-pass" or "notch", or nothing.
  std::optional<double> FilterHz(const std::string& kind) const {
    const size_t at = filters.find(kind + " ");
    if (at == std::string::npos) return std::nullopt;
    const double hz = std::strtod(filters.c_str() + at + kind.size(), nullptr);
    return hz > 0 ? std::optional<double>(hz) : std::nullopt;
  }
};

}  // namespace ecg

#endif  // ECG_SIGNAL_RECORDING_H_
