#include "ecg/corpus/packed_signals.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/calibration_sets.h"
#include "ecg/corpus/text_column.h"
#include "ecg/file/csv_reader.h"
#include "ecg/file/file.h"
#include "ecg/file/mapped_file.h"
#include "ecg/file/npy.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "ecg/status/status_macros.h"
#include "nlohmann/json.hpp"

namespace ecg {

namespace packed_signals_internal {

absl::StatusOr<Part> Part::Open(const std::filesystem::path& folder) {
  absl::StatusOr<Part> signals = OpenFolder(folder);
  if (signals.ok()) return signals;
  return WithContext(signals.status(), absl::StrCat("cannot open the packed signals in ", folder.string(),
                                                    "; delete the folder to rebuild it"));
}

int Part::samples(int record) const {
  return samples_ > 0 ? samples_ : static_cast<int>((Offset(record + 1) - Offset(record)) / kLeads);
}

std::span<const int16_t> Part::signal(int record) const {
  return {digital_ + Offset(record), digital_ + Offset(record + 1)};
}

void Part::WillRead(int record) const {
  const std::span<const int16_t> samples = signal(record);
  file_.WillRead({reinterpret_cast<const char*>(samples.data()), samples.size_bytes()});
}

absl::StatusOr<Part> Part::OpenFolder(const std::filesystem::path& folder) {
  Part signals;
  ECG_RETURN_IF_ERROR(signals.ReadCorpus(folder / kCorpusFile));
  ECG_RETURN_IF_ERROR(signals.ReadRecords(folder / kRecordsFile));
  std::vector<int64_t> shape = {signals.records(), kLeads, signals.samples_};
  if (signals.samples_ <= 0) {
    ECG_RETURN_IF_ERROR(signals.ReadOffsets(folder / kOffsetsFile));
    shape = {signals.Offset(signals.records())};
  }
  ECG_ASSIGN_OR_RETURN(signals.file_, MappedFile::Open(folder / kSignalsFile));
  ECG_ASSIGN_OR_RETURN(const absl::string_view elements,
                       Elements(signals.file_.bytes(), kSignalsFile, "<i2", sizeof(int16_t), shape));
  signals.digital_ = reinterpret_cast<const int16_t*>(elements.data());
  return signals;
}

absl::StatusOr<absl::string_view> Part::Elements(absl::string_view bytes, absl::string_view name,
                                                 absl::string_view dtype, size_t element_bytes,
                                                 const std::vector<int64_t>& shape) {
  ECG_ASSIGN_OR_RETURN(const NpyHeader header, ParseNpyHeader(bytes));
  size_t expected = element_bytes;
  for (const int64_t size : shape) expected *= size;
  expected += header.bytes;
  if (header.dtype != dtype || header.shape != shape || bytes.size() != expected) {
    return absl::DataLossError(absl::StrCat(name, " holds ", header.dtype, " [", absl::StrJoin(header.shape, ", "),
                                            "] in ", bytes.size(), " bytes; the other files promise ", dtype, " [",
                                            absl::StrJoin(shape, ", "), "] in ", expected));
  }
  return bytes.substr(header.bytes);
}

absl::Status Part::ReadOffsets(const std::filesystem::path& path) {
  ECG_ASSIGN_OR_RETURN(offsets_file_, MappedFile::Open(path));
  ECG_ASSIGN_OR_RETURN(const absl::string_view elements,
                       Elements(offsets_file_.bytes(), kOffsetsFile, "<i8", sizeof(int64_t), {records() + 1}));
  offsets_ = reinterpret_cast<const int64_t*>(elements.data());
  for (int record = 0; record < records(); ++record) {
    const int64_t size = offsets_[record + 1] - offsets_[record];
    if (offsets_[0] != 0 || size < 0 || size % kLeads != 0 || (size == 0 && !reasons_.contains(record))) {
      return absl::DataLossError(absl::StrCat(path.string(), ": record ", id(record), " from ", offsets_[record],
                                              " to ", offsets_[record + 1], " is no place for ", kLeads, " leads"));
    }
  }
  offsets_file_.Release();
  return absl::OkStatus();
}

absl::Status Part::ReadCorpus(const std::filesystem::path& path) {
  ECG_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    const std::string format = json.at("format");
    if (format != kFormat) {
      return absl::FailedPreconditionError(
          absl::StrCat(path.string(), " has the format \"", format, "\", not \"", kFormat, "\""));
    }
    json.at("dataset").get_to(dataset_);
    json.at("version").get_to(version_);
    json.at("synthetic").get_to(synthetic_);
    json.at("sampling_frequency_hz").get_to(sampling_frequency_hz_);
    json.at("samples").get_to(samples_);
    json.at("source_digest").get_to(source_digest_);
    if (json.at("leads") != nlohmann::json(std::vector<std::string>(kLeadNames.begin(), kLeadNames.end()))) {
      return absl::DataLossError(absl::StrCat(path.string(), " has leads in another order"));
    }
  } catch (const nlohmann::json::exception& error) {
    return absl::DataLossError(absl::StrCat(path.string(), ": ", error.what()));
  }
  return absl::OkStatus();
}

absl::Status Part::ReadRecords(const std::filesystem::path& path) {
  ECG_ASSIGN_OR_RETURN(CsvReader table, CsvReader::Open(path));
  ECG_ASSIGN_OR_RETURN(const int id, table.Column("id"));
  ECG_ASSIGN_OR_RETURN(const int state, table.Column("state"));
  ECG_ASSIGN_OR_RETURN(const int reason, table.Column("reason"));
  std::array<int, kLeads> gain;
  std::array<int, kLeads> baseline;
  for (int lead = 0; lead < kLeads; ++lead) {
    ECG_ASSIGN_OR_RETURN(gain[lead], table.Column(absl::StrCat("gain_", kLeadNames[lead])));
    ECG_ASSIGN_OR_RETURN(baseline[lead], table.Column(absl::StrCat("baseline_", kLeadNames[lead])));
  }
  // Most records have the calibrations of the record before, whose texts need not be read again.
  std::string texts, last_texts;
  int last_set = -1;
  while (table.Next()) {
    const bool is_usable = table.at(state) != kSkipped;
    if (!is_usable) reasons_.emplace(records(), table.at(reason));
    ids_.Add(table.at(id));
    texts = is_usable ? "" : kSkipped;
    for (int lead = 0; lead < kLeads && is_usable; ++lead) {
      absl::StrAppend(&texts, table.at(gain[lead]), ",", table.at(baseline[lead]), ",");
    }
    if (last_set >= 0 && texts == last_texts) {
      calibration_sets_.push_back(last_set);
      continue;
    }
    std::array<Calibration, kLeads> calibrations;
    for (int lead = 0; lead < kLeads && is_usable; ++lead) {
      if (!absl::SimpleAtod(table.at(gain[lead]), &calibrations[lead].gain)) {
        return table.ErrorAt(gain[lead], "not a number");
      }
      if (!absl::SimpleAtoi(table.at(baseline[lead]), &calibrations[lead].baseline)) {
        return table.ErrorAt(baseline[lead], "not an integer");
      }
    }
    last_set = calibrations_.Add(calibrations);
    last_texts = texts;
    calibration_sets_.push_back(last_set);
  }
  return table.status();
}

}  // namespace packed_signals_internal

absl::StatusOr<PackedSignals> PackedSignals::Open(const std::filesystem::path& folder) {
  PackedSignals signals;
  ECG_ASSIGN_OR_RETURN(Part part, Part::Open(folder));
  signals.Append(std::move(part));
  return signals;
}

absl::StatusOr<PackedSignals> PackedSignals::Open(const std::vector<std::filesystem::path>& folders) {
  PackedSignals signals;
  for (const std::filesystem::path& folder : folders) {
    ECG_ASSIGN_OR_RETURN(Part part, Part::Open(folder));
    if (!signals.parts_.empty() && part.source_digest() != signals.source_digest()) {
      return absl::FailedPreconditionError(
          absl::StrCat(folder.string(), " holds records of another state of the corpus than ", folders[0].string()));
    }
    signals.Append(std::move(part));
  }
  return signals;
}

std::span<const int16_t> PackedSignals::lead(int record, int lead) const {
  const size_t length = samples(record);
  return signal(record).subspan(lead * length, length);
}

std::string PackedSignals::reason(int record) const {
  const auto found = In(record).reasons().find(RowOf(record));
  return found == In(record).reasons().end() ? "" : found->second;
}

void PackedSignals::Release() const {
  for (const Part& part : parts_) part.Release();
}

std::vector<int> PackedSignals::unusable() const {
  std::vector<int> result;
  for (size_t part = 0; part < parts_.size(); ++part) {
    for (const auto& [row, reason] : parts_[part].reasons()) result.push_back(first_[part] + row);
  }
  return result;
}

void PackedSignals::Append(Part part) {
  first_.push_back(first_.back() + part.records());
  parts_.push_back(std::move(part));
}

size_t PackedSignals::PartOf(int record) const {
  if (parts_.size() == 1) return 0;
  return std::upper_bound(first_.begin(), first_.end(), record) - first_.begin() - 1;
}

}  // namespace ecg
