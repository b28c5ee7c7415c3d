// packed_signals.h
//
// The signals of a corpus in a memory-mapped file, or in several where it is large. Access is random; only pages that
// are used are read, and the system can drop them again when memory is short. A file lies in a folder of its own:
//
//   signals.npy   int16 [records, leads, samples]; numpy.load(..., mmap_mode="r") reads it
//   offsets.npy   only where records differ in length: signals.npy is then int16 [all samples], of which
//                 [offsets[r], offsets[r + 1]) are record r's [leads, samples]
//   records.csv   a row for each record: id, path, fold, state, reason, the largest rounding error in mV, gain and
//                 baseline of each lead
//   corpus.json   dataset, version, sampling frequency, lead order, digest of the source, ...; `samples` is 0 where
//                 records differ in length
//
//   ECG_ASSIGN_OR_RETURN(PackedSignals signals, PackedSignals::Open(folder));
//   std::span<const int16_t> lead_ii = signals.lead(record, 1);
//
// pack.h writes such folders.

#ifndef ECG_CORPUS_PACKED_SIGNALS_H_
#define ECG_CORPUS_PACKED_SIGNALS_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <map>
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

// PackedFolderFormat is how the folders are written.
struct PackedFolderFormat {
  // The files of a folder.
  static constexpr char kSignalsFile[] = "signals.npy";
  static constexpr char kOffsetsFile[] = "offsets.npy";
  static constexpr char kRecordsFile[] = "records.csv";
  static constexpr char kCorpusFile[] = "corpus.json";
  // kFormat is the format version in corpus.json.
  static constexpr char kFormat[] = "ecg packed signals 2";
  // The states of a record in records.csv: the checksums of all leads match; some lead has no checksum in the source;
  // the record could not be read, and its samples are zeros, or none if records differ in length.
  static constexpr char kVerified[] = "verified";
  static constexpr char kUnverified[] = "unverified";
  static constexpr char kSkipped[] = "skipped";
};

namespace packed_signals_internal {

// Part is the records of one folder, counted from 0. Its methods are those of PackedSignals.
class Part : public PackedFolderFormat {
 public:
  static absl::StatusOr<Part> Open(const std::filesystem::path& folder) {
    absl::StatusOr<Part> signals = OpenFolder(folder);
    if (signals.ok()) return signals;
    return WithContext(signals.status(), absl::StrCat("cannot open the packed signals in ", folder.string(),
                                                      "; delete the folder to rebuild it"));
  }

  int records() const { return static_cast<int>(ids_.size()); }
  int samples() const { return samples_; }
  int samples(int record) const {
    return samples_ > 0 ? samples_ : static_cast<int>((Offset(record + 1) - Offset(record)) / kLeads);
  }
  int sampling_frequency_hz() const { return sampling_frequency_hz_; }
  const std::string& dataset() const { return dataset_; }
  const std::string& version() const { return version_; }
  bool synthetic() const { return synthetic_; }
  const std::string& source_digest() const { return source_digest_; }
  std::span<const int16_t> signal(int record) const {
    return {digital_ + Offset(record), digital_ + Offset(record + 1)};
  }
  Calibration calibration(int record, int lead) const { return calibrations_.at(calibration_sets_[record], lead); }
  std::string id(int record) const { return std::string(ids_[record]); }
  void WillRead(int record) const {
    const std::span<const int16_t> samples = signal(record);
    file_.WillRead({reinterpret_cast<const char*>(samples.data()), samples.size_bytes()});
  }
  void Release() const { file_.Release(); }
  // reasons returns why records are unusable, by record.
  const std::map<int, std::string>& reasons() const { return reasons_; }

 private:
  static_assert(std::endian::native == std::endian::little, "packed signals are little-endian");

  // The index in digital_ of the first sample of a record, or of the end.
  int64_t Offset(int64_t record) const { return samples_ > 0 ? record * kLeads * samples_ : offsets_[record]; }

  static absl::StatusOr<Part> OpenFolder(const std::filesystem::path& folder) {
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

  // Returns the elements of the .npy file `name` with the contents `bytes`, which must be of `dtype` and `shape`.
  static absl::StatusOr<absl::string_view> Elements(absl::string_view bytes, absl::string_view name,
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

  absl::Status ReadOffsets(const std::filesystem::path& path) {
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

  absl::Status ReadCorpus(const std::filesystem::path& path) {
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

  absl::Status ReadRecords(const std::filesystem::path& path) {
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

  std::string dataset_;
  std::string version_;
  bool synthetic_ = false;
  int sampling_frequency_hz_ = 0;
  int samples_ = 0;
  std::string source_digest_;
  TextColumn ids_;
  std::map<int, std::string> reasons_;  // of the unusable records
  CalibrationSets calibrations_;
  std::vector<int> calibration_sets_;  // of each record
  MappedFile offsets_file_;            // only where records differ in length, as its elements:
  const int64_t* offsets_ = nullptr;   // [records + 1]
  MappedFile file_;
  const int16_t* digital_ = nullptr;  // in file_
};

}  // namespace packed_signals_internal

// PackedSignals is an open folder of packed signals, or several as one. Records are numbered as in Corpus::records.
// Spans stay valid until it is destroyed, even if it is moved. All methods are thread-safe.
class PackedSignals : public PackedFolderFormat {
 public:
  // Open opens `folder`, and checks that its files are consistent.
  static absl::StatusOr<PackedSignals> Open(const std::filesystem::path& folder) {
    PackedSignals signals;
    ECG_ASSIGN_OR_RETURN(Part part, Part::Open(folder));
    signals.Append(std::move(part));
    return signals;
  }

  // Open opens the `folders`, at least one, of a corpus that was packed in parts, in the order of its records.
  static absl::StatusOr<PackedSignals> Open(const std::vector<std::filesystem::path>& folders) {
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

  // records returns the number of records, including unusable ones.
  int records() const { return first_.back(); }
  // leads returns the number of leads: 12, in the order of kLeadNames.
  int leads() const { return kLeads; }
  // samples returns the number of samples per lead, or 0 if records differ in length.
  int samples() const { return parts_[0].samples(); }
  // samples returns the number of samples per lead of a record.
  int samples(int record) const { return In(record).samples(RowOf(record)); }
  // sampling_frequency_hz returns the sampling frequency in Hz.
  int sampling_frequency_hz() const { return parts_[0].sampling_frequency_hz(); }
  // dataset returns the name of the corpus.
  const std::string& dataset() const { return parts_[0].dataset(); }
  // version returns the release of the corpus.
  const std::string& version() const { return parts_[0].version(); }
  // synthetic is true for simulated records.
  bool synthetic() const { return parts_[0].synthetic(); }
  // source_digest identifies the files that the signals were packed from.
  const std::string& source_digest() const { return parts_[0].source_digest(); }

  // signal returns the samples of a record, [leads, samples]; zeros or none if it is unusable.
  std::span<const int16_t> signal(int record) const { return In(record).signal(RowOf(record)); }
  // lead returns the samples of one lead of a record, [samples].
  std::span<const int16_t> lead(int record, int lead) const {
    const size_t length = samples(record);
    return signal(record).subspan(lead * length, length);
  }
  // calibration returns the gain and baseline of a lead.
  Calibration calibration(int record, int lead) const { return In(record).calibration(RowOf(record), lead); }
  // id returns the record's name in the corpus.
  std::string id(int record) const { return In(record).id(RowOf(record)); }
  // usable is false if the record could not be read.
  bool usable(int record) const { return !In(record).reasons().contains(RowOf(record)); }
  // reason returns why a record is unusable; empty if it is usable.
  std::string reason(int record) const {
    const auto found = In(record).reasons().find(RowOf(record));
    return found == In(record).reasons().end() ? "" : found->second;
  }

  // WillRead asks the system to read the samples of a record ahead, which pays for random access.
  void WillRead(int record) const { In(record).WillRead(RowOf(record)); }

  // Release returns the memory of samples that were read to the system, which otherwise keeps them until memory is
  // short. Spans stay valid.
  void Release() const {
    for (const Part& part : parts_) part.Release();
  }

  // unusable returns the records that could not be read.
  std::vector<int> unusable() const {
    std::vector<int> result;
    for (size_t part = 0; part < parts_.size(); ++part) {
      for (const auto& [row, reason] : parts_[part].reasons()) result.push_back(first_[part] + row);
    }
    return result;
  }

 private:
  using Part = packed_signals_internal::Part;

  PackedSignals() = default;

  void Append(Part part) {
    first_.push_back(first_.back() + part.records());
    parts_.push_back(std::move(part));
  }

  size_t PartOf(int record) const {
    if (parts_.size() == 1) return 0;
    return std::upper_bound(first_.begin(), first_.end(), record) - first_.begin() - 1;
  }
  const Part& In(int record) const { return parts_[PartOf(record)]; }
  int RowOf(int record) const { return record - first_[PartOf(record)]; }

  std::vector<Part> parts_;
  std::vector<int> first_ = {0};  // the first record of each part, and the number of all records
};

}  // namespace ecg

#endif  // ECG_CORPUS_PACKED_SIGNALS_H_
