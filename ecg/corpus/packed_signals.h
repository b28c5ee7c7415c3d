// packed_signals.h
//
// The signals of a corpus in one memory-mapped file. Access is random; only pages that are used are read, and the
// system can drop them again when memory is short.
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
// pack.h writes such a folder.

#ifndef ECG_CORPUS_PACKED_SIGNALS_H_
#define ECG_CORPUS_PACKED_SIGNALS_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
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
#include "ecg/file/csv.h"
#include "ecg/file/file.h"
#include "ecg/file/mapped_file.h"
#include "ecg/file/npy.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "ecg/status/status_macros.h"
#include "nlohmann/json.hpp"

namespace ecg {

// PackedSignals is an open folder of packed signals. Records are numbered as in Corpus::records. Spans stay valid until
// it is destroyed, even if it is moved. All methods are thread-safe.
class PackedSignals {
 public:
  // The files of the folder.
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

  // Open opens `folder`, and checks that its files are consistent.
  static absl::StatusOr<PackedSignals> Open(const std::filesystem::path& folder) {
    absl::StatusOr<PackedSignals> signals = OpenFolder(folder);
    if (signals.ok()) return signals;
    return WithContext(signals.status(), absl::StrCat("cannot open the packed signals in ", folder.string(),
                                                      "; delete the folder to rebuild it"));
  }

  // records returns the number of records, including unusable ones.
  int records() const { return static_cast<int>(records_.size()); }
  // leads returns the number of leads: 12, in the order of kLeadNames.
  int leads() const { return kLeads; }
  // samples returns the number of samples per lead, or 0 if records differ in length.
  int samples() const { return samples_; }
  // samples returns the number of samples per lead of a record.
  int samples(int record) const { return static_cast<int>((offsets_[record + 1] - offsets_[record]) / kLeads); }
  // sampling_frequency_hz returns the sampling frequency in Hz.
  int sampling_frequency_hz() const { return sampling_frequency_hz_; }
  // dataset returns the name of the corpus.
  const std::string& dataset() const { return dataset_; }
  // version returns the release of the corpus.
  const std::string& version() const { return version_; }
  // synthetic is true for simulated records.
  bool synthetic() const { return synthetic_; }
  // source_digest identifies the files that the signals were packed from.
  const std::string& source_digest() const { return source_digest_; }

  // signal returns the samples of a record, [leads, samples]; zeros or none if it is unusable.
  std::span<const int16_t> signal(int record) const {
    return {digital_ + offsets_[record], digital_ + offsets_[record + 1]};
  }
  // lead returns the samples of one lead of a record, [samples].
  std::span<const int16_t> lead(int record, int lead) const {
    const size_t length = samples(record);
    return signal(record).subspan(lead * length, length);
  }
  // calibration returns the gain and baseline of a lead.
  const Calibration& calibration(int record, int lead) const { return records_[record].calibration[lead]; }
  // id returns the record's name in the corpus.
  const std::string& id(int record) const { return records_[record].id; }
  // usable is false if the record could not be read.
  bool usable(int record) const { return records_[record].usable; }
  // reason returns why a record is unusable.
  const std::string& reason(int record) const { return records_[record].reason; }

  // WillRead asks the system to read the samples of a record ahead, which pays for random access.
  void WillRead(int record) const {
    const std::span<const int16_t> samples = signal(record);
    file_.WillRead({reinterpret_cast<const char*>(samples.data()), samples.size_bytes()});
  }

  // Release returns the memory of samples that were read to the system, which otherwise keeps them until memory is
  // short. Spans stay valid.
  void Release() const { file_.Release(); }

  // unusable returns the records that could not be read.
  std::vector<int> unusable() const {
    std::vector<int> result;
    for (int record = 0; record < records(); ++record) {
      if (!usable(record)) result.push_back(record);
    }
    return result;
  }

 private:
  static_assert(std::endian::native == std::endian::little, "packed signals are little-endian");

  struct PackedRecord {
    std::string id;
    bool usable = true;
    std::string reason;
    std::array<Calibration, kLeads> calibration;
  };

  static absl::StatusOr<PackedSignals> OpenFolder(const std::filesystem::path& folder) {
    PackedSignals signals;
    ECG_RETURN_IF_ERROR(signals.ReadCorpus(folder / kCorpusFile));
    ECG_RETURN_IF_ERROR(signals.ReadRecords(folder / kRecordsFile));
    std::vector<int64_t> shape = {signals.records(), kLeads, signals.samples_};
    if (signals.samples_ > 0) {
      for (int64_t record = 0; record <= shape[0]; ++record) {
        signals.offsets_.push_back(record * kLeads * signals.samples_);
      }
    } else {
      ECG_RETURN_IF_ERROR(signals.ReadOffsets(folder / kOffsetsFile));
      shape = {signals.offsets_.back()};
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
    ECG_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
    ECG_ASSIGN_OR_RETURN(const absl::string_view elements,
                         Elements(bytes, kOffsetsFile, "<i8", sizeof(int64_t), {records() + 1}));
    offsets_.resize(records() + 1);
    std::memcpy(offsets_.data(), elements.data(), elements.size());
    for (int record = 0; record < records(); ++record) {
      const int64_t size = offsets_[record + 1] - offsets_[record];
      if (offsets_[0] != 0 || size < 0 || size % kLeads != 0 || (size == 0 && usable(record))) {
        return absl::DataLossError(absl::StrCat(path.string(), ": record ", id(record), " from ", offsets_[record],
                                                " to ", offsets_[record + 1], " is no place for ", kLeads, " leads"));
      }
    }
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
    ECG_ASSIGN_OR_RETURN(const CsvTable table, CsvTable::Read(path));
    ECG_ASSIGN_OR_RETURN(const int id, table.Column("id"));
    ECG_ASSIGN_OR_RETURN(const int state, table.Column("state"));
    ECG_ASSIGN_OR_RETURN(const int reason, table.Column("reason"));
    std::array<int, kLeads> gain;
    std::array<int, kLeads> baseline;
    for (int lead = 0; lead < kLeads; ++lead) {
      ECG_ASSIGN_OR_RETURN(gain[lead], table.Column(absl::StrCat("gain_", kLeadNames[lead])));
      ECG_ASSIGN_OR_RETURN(baseline[lead], table.Column(absl::StrCat("baseline_", kLeadNames[lead])));
    }
    records_.resize(table.rows());
    for (int row = 0; row < table.rows(); ++row) {
      PackedRecord& record = records_[row];
      record.id = table.at(row, id);
      record.usable = table.at(row, state) != kSkipped;
      record.reason = table.at(row, reason);
      for (int lead = 0; lead < kLeads && record.usable; ++lead) {
        Calibration& calibration = record.calibration[lead];
        if (!absl::SimpleAtod(table.at(row, gain[lead]), &calibration.gain)) {
          return table.ErrorAt(row, gain[lead], "not a number");
        }
        if (!absl::SimpleAtoi(table.at(row, baseline[lead]), &calibration.baseline)) {
          return table.ErrorAt(row, baseline[lead], "not an integer");
        }
      }
    }
    return absl::OkStatus();
  }

  std::string dataset_;
  std::string version_;
  bool synthetic_ = false;
  int sampling_frequency_hz_ = 0;
  int samples_ = 0;
  std::string source_digest_;
  std::vector<PackedRecord> records_;
  std::vector<int64_t> offsets_;  // [records + 1], index in digital_ of each record's first sample, and the end
  MappedFile file_;
  const int16_t* digital_ = nullptr;  // in file_
};

}  // namespace ecg

#endif  // ECG_CORPUS_PACKED_SIGNALS_H_
