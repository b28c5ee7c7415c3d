// scp_ecg.h
//
// Recordings in SCP-ECG files (EN 1064, ISO 11073-91064) of version 1 and 2, compressed in any of the standard's ways
// or not.
//
//   ECG_ASSIGN_OR_RETURN(const std::string bytes, ReadFile("patient.scp"));
//   ECG_ASSIGN_OR_RETURN(Recording recording, ScpEcg::Read({.path = "patient.scp", .bytes = bytes}));
//
// A file is made of sections. Section 3 lists the leads, section 6 holds the rhythm, and section 5 the reference beat.
// The rhythm may be stored as what remains of it when the reference beat is subtracted from every normal beat (section
// 4 says where), and with a lower rate outside the QRS complexes ("bimodal"). Both are undone here: the beat is added,
// and between the averages that are stored outside the QRS complexes samples are interpolated linearly. The latter
// cannot bring back what the averages lost.
//
// A file has a checksum, and every section another. One that does not match is a note, not an error: programs that
// remove names from files rarely compute them anew.

#ifndef ECG_SIGNAL_SCP_ECG_H_
#define ECG_SIGNAL_SCP_ECG_H_

#include <algorithm>
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
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/file/byte_reader.h"
#include "ecg/file/crc_ccitt.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"
#include "ecg/signal/scp_huffman.h"
#include "ecg/signal/scp_lead.h"
#include "ecg/status/status_macros.h"

namespace ecg {

namespace scp_internal {

// kHeadBytes is the size of the head of the file's checksum and size, kSectionHeadBytes that of a section.
constexpr size_t kHeadBytes = 6;
constexpr size_t kSectionHeadBytes = 16;
constexpr size_t kPointerBytes = 10;

// Sections holds what is in the sections behind their heads, by number.
struct Sections {
  std::map<int, absl::string_view> content;
  // cut_short is the number of the section that the file ends in, or 0.
  int cut_short = 0;

  absl::string_view at(int number) const {
    const auto found = content.find(number);
    return found == content.end() ? absl::string_view() : found->second;
  }
};

// CheckCrc adds a note to `notes` when the checksum in front of `bytes` is not that of the bytes behind it.
inline void CheckCrc(absl::string_view bytes, absl::string_view what, std::vector<std::string>* notes) {
  const uint16_t stated = ByteReader(bytes).Read<uint16_t>();
  if (stated == 0) {
    notes->push_back(absl::StrCat(what, " states no checksum"));
    return;
  }
  const uint16_t computed = CrcCcitt(bytes.substr(2));
  if (stated == computed) return;
  notes->push_back(
      absl::StrFormat("%s states the checksum 0x%04X, but its content has 0x%04X: it was changed, or is "
                      "damaged",
                      what, stated, computed));
}

// FindSections follows the pointers in section 0.
inline absl::StatusOr<Sections> FindSections(absl::string_view bytes, std::vector<std::string>* notes) {
  ByteReader file(bytes);
  file.Take(2);
  const size_t stated_size = file.Read<uint32_t>();
  file.Take(4);
  const size_t size = file.Read<uint32_t>();
  file.Take(8);
  if (!file.ok() || size < kSectionHeadBytes || size - kSectionHeadBytes > file.left()) {
    return absl::DataLossError(absl::StrCat("section 0 of ", size, " bytes at byte 6, the file has ", bytes.size(),
                                            " bytes; it is cut short or damaged"));
  }
  if (stated_size == bytes.size()) {
    CheckCrc(bytes, "the file", notes);
  } else {
    notes->push_back(absl::StrCat("the file states ", stated_size, " bytes and has ", bytes.size()));
  }
  CheckCrc(bytes.substr(kHeadBytes, size), "section 0", notes);
  Sections sections;
  ByteReader pointers(file.Take(size - kSectionHeadBytes));
  while (pointers.left() >= kPointerBytes) {
    const int number = pointers.Read<uint16_t>();
    size_t length = pointers.Read<uint32_t>();
    const size_t index = pointers.Read<uint32_t>();            // counted from 1
    if (number == 0 || length <= kSectionHeadBytes) continue;  // the section is not used
    if (index < 1 || index - 1 > bytes.size() || bytes.size() - (index - 1) < kSectionHeadBytes) {
      notes->push_back(
          absl::StrCat("section ", number, " should be at byte ", index, ", the file has ", bytes.size(), " bytes"));
      continue;
    }
    const absl::string_view rest = bytes.substr(index - 1);
    const int own_number = LoadNumber<uint16_t>(rest.data() + 2, std::endian::little);
    if (own_number != number) {
      notes->push_back(
          absl::StrCat("section ", number, " expected at byte ", index, ", section ", own_number, " found there"));
      continue;
    }
    if (length > rest.size()) {
      notes->push_back(absl::StrCat("section ", number, " has ", length, " bytes, of which ", rest.size(),
                                    " are there; the file is cut short"));
      sections.cut_short = number;
      length = rest.size();
    } else {
      CheckCrc(rest.substr(0, length), absl::StrCat("section ", number), notes);
    }
    sections.content.emplace(number, rest.substr(kSectionHeadBytes, length - kSectionHeadBytes));
  }
  return sections;
}

// LeadDefinition is where a lead starts and ends, in samples; both are counted in.
struct LeadDefinition {
  int64_t first = 0;
  int64_t last = 0;
  std::string name;

  size_t samples() const { return last < first ? 0 : static_cast<size_t>(last - first + 1); }
};

// LeadList is the content of section 3.
struct LeadList {
  std::vector<LeadDefinition> leads;
  bool subtracts_beat = false;
};

inline absl::StatusOr<LeadList> ParseLeads(absl::string_view section) {
  ByteReader reader(section);
  const int count = reader.Read<uint8_t>();
  LeadList list;
  list.subtracts_beat = (reader.Read<uint8_t>() & 1) != 0;
  for (int i = 0; i < count; ++i) {
    LeadDefinition lead;
    lead.first = reader.Read<uint32_t>();
    lead.last = reader.Read<uint32_t>();
    const int code = reader.Read<uint8_t>();
    lead.name = ScpLeadName(code).value_or(absl::StrCat("lead ", i + 1));
    list.leads.push_back(std::move(lead));
  }
  if (!reader.ok() || count == 0) {
    return absl::DataLossError(absl::StrCat("section 3 lists ", count, " leads in ", section.size(),
                                            " bytes, 1 or more of 9 bytes each expected; it is missing, cut short or "
                                            "damaged"));
  }
  return list;
}

// Stretch is a part of the recording, in samples that are counted as in section 3; both ends are counted in.
struct Stretch {
  int64_t first = 0;
  int64_t last = 0;
};

// Beats is the content of section 4.
struct Beats {
  double reference_ms = 0;
  // reference_fiducial is the fiducial point in the reference beat, counted from 1.
  int64_t reference_fiducial = 0;
  struct Subtracted : Stretch {
    int64_t fiducial = 0;
  };
  // subtracted are the beats from which the reference beat was subtracted.
  std::vector<Subtracted> subtracted;
  // protected_zones are the QRS complexes, which keep their rate in bimodal compression.
  std::vector<Stretch> protected_zones;
};

inline absl::StatusOr<Beats> ParseBeats(absl::string_view section) {
  Beats beats;
  ByteReader reader(section);
  beats.reference_ms = reader.Read<uint16_t>();
  beats.reference_fiducial = reader.Read<uint16_t>();
  const int count = reader.Read<uint16_t>();
  for (int i = 0; i < count && reader.ok(); ++i) {
    const int type = reader.Read<uint16_t>();
    Beats::Subtracted beat;
    beat.first = reader.Read<uint32_t>();
    beat.fiducial = reader.Read<uint32_t>();
    beat.last = reader.Read<uint32_t>();
    if (type == 0 && beat.first >= 1 && beat.last >= beat.first) beats.subtracted.push_back(beat);
  }
  if (!reader.ok()) {
    return absl::DataLossError(absl::StrCat("section 4 lists ", count, " beats of 14 bytes each in ", section.size(),
                                            " bytes; the file is cut short or damaged"));
  }
  for (int i = 0; i < count && reader.left() >= 8; ++i) {
    Stretch zone;
    zone.first = reader.Read<uint32_t>();
    zone.last = reader.Read<uint32_t>();
    if (zone.first >= 1 && zone.last >= zone.first) beats.protected_zones.push_back(zone);
  }
  std::sort(beats.protected_zones.begin(), beats.protected_zones.end(),
            [](const Stretch& a, const Stretch& b) { return a.first < b.first; });
  return beats;
}

// Waveforms is the content of section 5 or 6.
struct Waveforms {
  double mv_per_step = 0;
  double interval_us = 0;
  int differences = 0;
  bool bimodal = false;
  // leads are the encoded samples.
  std::vector<absl::string_view> leads;
};

// ParseWaveforms reads section `number`, which must have `lead_count` leads.
inline absl::StatusOr<Waveforms> ParseWaveforms(const Sections& sections, int number, size_t lead_count) {
  const absl::string_view section = sections.at(number);
  ByteReader reader(section);
  Waveforms waveforms;
  waveforms.mv_per_step = reader.Read<uint16_t>() * 1e-6;
  waveforms.interval_us = reader.Read<uint16_t>();
  waveforms.differences = reader.Read<uint8_t>();
  waveforms.bimodal = reader.Read<uint8_t>() == 1 && number == 6;
  ByteReader without_sizes = reader;
  std::vector<size_t> sizes;
  for (size_t i = 0; i < lead_count; ++i) sizes.push_back(reader.Read<uint16_t>());
  const auto error = [&](const auto&... what) {
    return absl::DataLossError(absl::StrCat("section ", number, ": ", what..., "; the file is cut short or damaged"));
  };
  if (!reader.ok()) return error(section.size(), " bytes for ", lead_count, " leads");
  if (waveforms.mv_per_step == 0) return error("the amplitude of a step is 0 nV");
  if (waveforms.interval_us == 0) return error("the time between two samples is 0 us");
  if (waveforms.differences > 2) {
    return error("the samples are encoded as differences of order ", waveforms.differences, ", 0 to 2 expected");
  }
  size_t all = 0;
  for (const size_t size : sizes) all += size;
  if (all > reader.left() && sections.cut_short != number) {
    // Some devices leave the sizes out; their samples are not compressed.
    if (waveforms.differences != 0 || without_sizes.left() % (2 * lead_count) != 0) {
      return error("the leads have ", all, " bytes, of which ", reader.left(), " are there");
    }
    const size_t each = without_sizes.left() / lead_count;
    for (size_t i = 0; i < lead_count; ++i) waveforms.leads.push_back(without_sizes.Take(each));
    return waveforms;
  }
  for (const size_t size : sizes) waveforms.leads.push_back(reader.Take(std::min(size, reader.left())));
  return waveforms;
}

// UndoDifferences makes samples of first or second differences. The numbers of a damaged file may overflow, which is
// harmless without signs.
inline void UndoDifferences(int order, std::vector<int32_t>* values) {
  const auto at = [&](size_t i) { return static_cast<uint32_t>((*values)[i]); };
  for (size_t i = order; order > 0 && i < values->size(); ++i) {
    const uint32_t expected = order == 1 ? at(i - 1) : 2 * at(i - 1) - at(i - 2);
    (*values)[i] = static_cast<int32_t>(at(i) + expected);
  }
}

// Interpolate returns the samples of a lead that stores one sample for each in a zone, and outside the zones the
// average of every `rate` samples.
inline std::vector<double> Interpolate(const std::vector<int32_t>& stored, const LeadDefinition& lead,
                                       const std::vector<Stretch>& zones, int rate) {
  struct Anchor {
    double at, value;
  };
  std::vector<Anchor> anchors;
  anchors.reserve(stored.size());
  const int64_t samples = static_cast<int64_t>(lead.samples());
  int64_t at = 0;
  auto zone = zones.begin();
  for (const int32_t value : stored) {
    if (at >= samples) break;
    while (zone != zones.end() && lead.first + at > zone->last) ++zone;
    const int width = zone != zones.end() && lead.first + at >= zone->first ? 1 : rate;
    anchors.push_back({at + (width - 1) / 2.0, static_cast<double>(value)});
    at += width;
  }
  if (anchors.empty()) return {};
  std::vector<double> result(std::min(at, samples));
  size_t next = 0;
  for (size_t i = 0; i < result.size(); ++i) {
    while (next < anchors.size() && anchors[next].at < static_cast<double>(i)) ++next;
    if (next == 0 || next == anchors.size()) {
      result[i] = anchors[next == 0 ? 0 : next - 1].value;
      continue;
    }
    const Anchor &before = anchors[next - 1], &after = anchors[next];
    const double weight = (static_cast<double>(i) - before.at) / (after.at - before.at);
    result[i] = before.value + weight * (after.value - before.value);
  }
  return result;
}

// AddBeat adds the reference beat, in steps of the rhythm, to the beats of `rhythm` that it was subtracted from.
inline absl::Status AddBeat(const Beats& beats, const LeadDefinition& lead, const std::vector<double>& reference,
                            std::vector<double>* rhythm) {
  size_t added = 0;
  for (const Beats::Subtracted& beat : beats.subtracted) {
    const int64_t shift = beats.reference_fiducial - beat.fiducial - 1;  // from a sample to that of the reference beat
    const int64_t first = std::max({beat.first, lead.first, -shift});
    const int64_t end = std::min({beat.last + 1, lead.first + static_cast<int64_t>(rhythm->size()),
                                  static_cast<int64_t>(reference.size()) - shift});
    for (int64_t i = first; i < end; ++i) (*rhythm)[i - lead.first] += reference[i + shift];
    added += std::max<int64_t>(end - first, 0);
    if (added > 4 * rhythm->size()) {
      return absl::DataLossError("the beats in section 4 overlap; the file is damaged");
    }
  }
  return absl::OkStatus();
}

// File is what the sections of a file say about its leads.
struct File {
  Sections sections;
  ScpHuffman huffman;
  LeadList list;
  std::optional<Beats> beats;
  std::optional<Waveforms> reference;
  std::optional<Waveforms> rhythm;
};

inline absl::StatusOr<File> ParseFile(absl::string_view bytes, std::vector<std::string>* notes) {
  File file;
  ECG_ASSIGN_OR_RETURN(file.sections, FindSections(bytes, notes));
  if (const absl::string_view section = file.sections.at(2); !section.empty()) {
    ECG_ASSIGN_OR_RETURN(file.huffman, ScpHuffman::Parse(section));
  }
  ECG_ASSIGN_OR_RETURN(file.list, ParseLeads(file.sections.at(3)));
  if (const absl::string_view section = file.sections.at(4); !section.empty()) {
    ECG_ASSIGN_OR_RETURN(file.beats, ParseBeats(section));
  }
  if (!file.sections.at(5).empty()) {
    ECG_ASSIGN_OR_RETURN(file.reference, ParseWaveforms(file.sections, 5, file.list.leads.size()));
  }
  if (!file.sections.at(6).empty()) {
    ECG_ASSIGN_OR_RETURN(file.rhythm, ParseWaveforms(file.sections, 6, file.list.leads.size()));
  }
  if (!file.rhythm && !file.reference) {
    return absl::DataLossError("the file has no rhythm (section 6) and no reference beat (section 5)");
  }
  return file;
}

// DecodeReference returns the samples of the reference beat of one lead, in its own steps.
inline absl::StatusOr<std::vector<int32_t>> DecodeReference(const File& file, size_t lead) {
  const Waveforms& waveforms = *file.reference;
  // The length is stated in ms, rounded.
  const size_t most = file.beats && file.beats->reference_ms > 0
                          ? static_cast<size_t>(std::lround(1000 * file.beats->reference_ms / waveforms.interval_us))
                          : std::numeric_limits<size_t>::max();
  ECG_ASSIGN_OR_RETURN(std::vector<int32_t> samples, file.huffman.Decode(waveforms.leads[lead], most));
  UndoDifferences(waveforms.differences, &samples);
  return samples;
}

// RhythmRate is how much the rhythm was decimated, and the time between two of its samples when that is undone.
struct RhythmRate {
  int decimation = 1;
  double interval_us = 0;
};

inline absl::StatusOr<RhythmRate> FindRhythmRate(const File& file) {
  constexpr int kUsualDecimation = 4;
  const double stored_us = file.rhythm->interval_us;
  const double reference_us = file.reference ? file.reference->interval_us : 0;
  if (!file.rhythm->bimodal && !(file.list.subtracts_beat && stored_us > reference_us)) {
    return RhythmRate{.decimation = 1, .interval_us = stored_us};
  }
  if (reference_us == 0) return RhythmRate{.decimation = kUsualDecimation, .interval_us = stored_us / kUsualDecimation};
  if (stored_us == reference_us) return RhythmRate{.decimation = kUsualDecimation, .interval_us = stored_us};
  const int decimation = static_cast<int>(std::lround(stored_us / reference_us));
  if (decimation < 2 || decimation > 8) {
    return absl::DataLossError(absl::StrCat("the time between two samples is ", stored_us, " us in section 6 and ",
                                            reference_us, " us in section 5; a multiple expected"));
  }
  return RhythmRate{.decimation = decimation, .interval_us = reference_us};
}

// DecodeRhythm returns the samples of the rhythm of one lead, in its steps.
inline absl::StatusOr<std::vector<double>> DecodeRhythm(const File& file, const RhythmRate& rate, size_t lead) {
  const Waveforms& waveforms = *file.rhythm;
  const LeadDefinition& definition = file.list.leads[lead];
  ECG_ASSIGN_OR_RETURN(std::vector<int32_t> stored, file.huffman.Decode(waveforms.leads[lead], definition.samples()));
  UndoDifferences(waveforms.differences, &stored);
  std::vector<double> samples;
  if (rate.decimation > 1) {
    const std::vector<Stretch> none;
    if (waveforms.bimodal && (!file.beats || file.beats->protected_zones.empty())) {
      return absl::DataLossError("the rhythm is compressed bimodally, but section 4 has no protected zones");
    }
    samples = Interpolate(stored, definition, waveforms.bimodal ? file.beats->protected_zones : none, rate.decimation);
  } else {
    samples.assign(stored.begin(), stored.end());
  }
  if (!file.list.subtracts_beat || samples.empty()) return samples;
  if (!file.reference || !file.beats) {
    return absl::DataLossError("the reference beat is subtracted from the rhythm, but there is no section 4 or 5");
  }
  ECG_ASSIGN_OR_RETURN(const std::vector<int32_t> beat, DecodeReference(file, lead));
  std::vector<double> reference(beat.begin(), beat.end());
  for (double& value : reference) value *= file.reference->mv_per_step / waveforms.mv_per_step;
  ECG_RETURN_IF_ERROR(AddBeat(*file.beats, definition, reference, &samples));
  return samples;
}

// ToChannel makes mV of steps.
template <typename Steps>
Channel ToChannel(absl::string_view name, double mv_per_step, const Steps& steps) {
  Channel channel = {.name = std::string(name), .mv = {}, .step_mv = mv_per_step};
  channel.mv.reserve(steps.size());
  for (const auto step : steps) channel.mv.push_back(static_cast<float>(step * mv_per_step));
  return channel;
}

// ReadRhythm adds the rhythm: a strip for each sample that leads start at.
inline absl::Status ReadRhythm(const File& file, Recording* recording) {
  ECG_ASSIGN_OR_RETURN(const RhythmRate rate, FindRhythmRate(file));
  if (file.rhythm->bimodal) {
    recording->notes.push_back(absl::StrCat("outside the QRS complexes, averages of ", rate.decimation,
                                            " samples are stored; the samples between them are interpolated"));
  }
  std::map<int64_t, Strip> strips;
  std::map<std::string, std::vector<std::string>> shorter;
  for (size_t i = 0; i < file.list.leads.size(); ++i) {
    const LeadDefinition& lead = file.list.leads[i];
    absl::StatusOr<std::vector<double>> steps = DecodeRhythm(file, rate, i);
    if (!steps.ok()) return WithContext(steps.status(), absl::StrCat("rhythm of lead ", lead.name));
    if (steps->size() < lead.samples()) {
      shorter[absl::StrCat(steps->size(), " of the ", lead.samples(), " samples stated")].push_back(lead.name);
    }
    strips[lead.first].channels.push_back(ToChannel(lead.name, file.rhythm->mv_per_step, *steps));
  }
  for (const auto& [how, leads] : shorter) {
    recording->notes.push_back(absl::StrCat("the file holds ", how, " of ", absl::StrJoin(leads, ", ")));
  }
  const int64_t start = strips.begin()->first;
  for (auto& [first, strip] : strips) {
    strip.sampling_frequency_hz = 1e6 / rate.interval_us;
    strip.start_seconds = static_cast<double>(first - start) * rate.interval_us * 1e-6;
    strip.PadChannels();
    if (strip.samples() > 0) recording->strips.push_back(std::move(strip));
  }
  return absl::OkStatus();
}

inline absl::Status ReadReference(const File& file, Recording* recording) {
  Strip strip;
  strip.kind = Strip::Kind::kRepresentativeBeat;
  strip.sampling_frequency_hz = 1e6 / file.reference->interval_us;
  for (size_t i = 0; i < file.list.leads.size(); ++i) {
    absl::StatusOr<std::vector<int32_t>> steps = DecodeReference(file, i);
    const std::string& name = file.list.leads[i].name;
    if (!steps.ok()) return WithContext(steps.status(), absl::StrCat("reference beat of lead ", name));
    strip.channels.push_back(ToChannel(name, file.reference->mv_per_step, *steps));
  }
  strip.PadChannels();
  if (strip.samples() > 0) recording->strips.push_back(std::move(strip));
  return absl::OkStatus();
}

// Machine returns maker and model from the machine's description (tag 14).
inline std::string Machine(absl::string_view tag) {
  constexpr size_t kModelAt = 8, kModelBytes = 6, kStringsAt = 36;
  const std::string model = tag.size() < kModelAt ? "" : FixedText(tag.substr(kModelAt, kModelBytes));
  // Strings that end with NUL: the analysing program's revision, the serial number, two programs, and the maker.
  absl::string_view strings = tag.substr(std::min(tag.size(), kStringsAt));
  constexpr int kMaker = 4;
  for (int i = 0; i < kMaker; ++i) {
    const size_t end = strings.find('\0');
    strings = end == absl::string_view::npos ? "" : strings.substr(end + 1);
  }
  const std::string maker = FixedText(strings);
  return maker.empty() || model.empty() ? maker + model : absl::StrCat(maker, " ", model);
}

// Filters returns the filters in words; each is nothing when the file does not state it.
inline std::string Filters(std::optional<int> high_pass, std::optional<int> low_pass, std::optional<int> others) {
  std::vector<std::string> filters;
  if (high_pass.value_or(0) > 0) filters.push_back(absl::StrCat("high-pass ", *high_pass / 100.0, " Hz"));
  if (low_pass.value_or(0) > 0) filters.push_back(absl::StrCat("low-pass ", *low_pass, " Hz"));
  if ((others.value_or(0) & 1) != 0) filters.push_back("notch 60 Hz");
  if ((others.value_or(0) & 2) != 0) filters.push_back("notch 50 Hz");
  return absl::StrJoin(filters, ", ");
}

// ReadPatient reads section 1.
inline void ReadPatient(absl::string_view section, Recording* recording) {
  constexpr int kAge = 4, kSex = 8, kMachine = 14, kDate = 25, kTime = 26, kHighPass = 27, kLowPass = 28,
                kOtherFilters = 29, kEnd = 255;
  std::map<int, absl::string_view> tags;
  ByteReader reader(section);
  while (reader.left() >= 3) {
    const int tag = reader.Read<uint8_t>();
    const size_t size = reader.Read<uint16_t>();
    if (tag == kEnd || size > reader.left()) break;
    tags.emplace(tag, reader.Take(size));
  }
  const auto number = [&](int tag) -> std::optional<int> {
    const auto found = tags.find(tag);
    if (found == tags.end() || found->second.empty()) return std::nullopt;
    ByteReader value(found->second);
    return found->second.size() == 1 ? value.Read<uint8_t>() : value.Read<uint16_t>();
  };
  if (const absl::string_view age = tags[kAge]; age.size() >= 3) {
    constexpr double kPerYear[] = {0, 1, 12, 52.18, 365.25, 8766};  // years, months, weeks, days, hours
    const size_t unit = static_cast<uint8_t>(age[2]);
    if (unit >= 1 && unit < std::size(kPerYear)) recording->age_years = *number(kAge) / kPerYear[unit];
  }
  if (tags[kSex].size() == 1) {
    const int sex = *number(kSex);
    recording->sex = sex == 1 ? "male" : sex == 2 ? "female" : "";
  }
  recording->machine = Machine(tags[kMachine]);
  if (tags[kDate].size() >= 4) {
    ByteReader date(tags[kDate]);
    const int year = date.Read<uint16_t>(), month = date.Read<uint8_t>(), day = date.Read<uint8_t>();
    const bool is_date = year > 0 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
    if (is_date) recording->recorded_at = absl::StrFormat("%04d-%02d-%02d", year, month, day);
    if (is_date && tags[kTime].size() >= 3) {
      ByteReader time(tags[kTime]);
      const int hour = time.Read<uint8_t>(), minute = time.Read<uint8_t>(), second = time.Read<uint8_t>();
      absl::StrAppendFormat(&recording->recorded_at, "T%02d:%02d:%02d", hour, minute, second);
    }
  }
  recording->filters = Filters(number(kHighPass), number(kLowPass), number(kOtherFilters));
}

}  // namespace scp_internal

// ScpEcg reads SCP-ECG files.
struct ScpEcg {
  static constexpr absl::string_view kName = "SCP-ECG";

  static bool Recognises(const RecordingFile& file) {
    const absl::string_view bytes = file.bytes;
    if (bytes.size() < scp_internal::kHeadBytes + scp_internal::kSectionHeadBytes) return false;
    if (bytes.substr(16, 6) == "SCPECG") return true;
    // The name is missing in some files of version 1, which start like others: the file's size, then section 0.
    const auto number = [&](size_t at) { return LoadNumber<uint32_t>(bytes.data() + at, std::endian::little); };
    return number(2) == bytes.size() && (number(6) >> 16) == 0 && number(10) >= 136 && number(10) < 1000;
  }

  static absl::StatusOr<Recording> Read(const RecordingFile& file) {
    if (!Recognises(file)) return absl::DataLossError("not an SCP-ECG file: no SCPECG at byte 16");
    Recording recording;
    const int version = static_cast<uint8_t>(file.bytes[15]);
    recording.format = absl::StrFormat("SCP-ECG %d.%d", version / 10, version % 10);
    ECG_ASSIGN_OR_RETURN(const scp_internal::File parsed, scp_internal::ParseFile(file.bytes, &recording.notes));
    scp_internal::ReadPatient(parsed.sections.at(1), &recording);
    if (parsed.rhythm) ECG_RETURN_IF_ERROR(scp_internal::ReadRhythm(parsed, &recording));
    if (parsed.reference) ECG_RETURN_IF_ERROR(scp_internal::ReadReference(parsed, &recording));
    if (recording.strips.empty()) return absl::DataLossError("the leads have no samples; the file is cut short");
    return recording;
  }
};

static_assert(RecordingFormat<ScpEcg>);

}  // namespace ecg

#endif  // ECG_SIGNAL_SCP_ECG_H_
