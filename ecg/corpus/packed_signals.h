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

#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/calibration_sets.h"
#include "ecg/corpus/text_column.h"
#include "ecg/file/mapped_file.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"

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
  static absl::StatusOr<Part> Open(const std::filesystem::path& folder);

  int records() const { return static_cast<int>(ids_.size()); }
  int samples() const { return samples_; }
  int samples(int record) const;
  int sampling_frequency_hz() const { return sampling_frequency_hz_; }
  const std::string& dataset() const { return dataset_; }
  const std::string& version() const { return version_; }
  bool synthetic() const { return synthetic_; }
  const std::string& source_digest() const { return source_digest_; }
  std::span<const int16_t> signal(int record) const;
  Calibration calibration(int record, int lead) const { return calibrations_.at(calibration_sets_[record], lead); }
  std::string id(int record) const { return std::string(ids_[record]); }
  void WillRead(int record) const;
  void Release() const { file_.Release(); }
  // reasons returns why records are unusable, by record.
  const std::map<int, std::string>& reasons() const { return reasons_; }

 private:
  static_assert(std::endian::native == std::endian::little, "packed signals are little-endian");

  // The index in digital_ of the first sample of a record, or of the end.
  int64_t Offset(int64_t record) const { return samples_ > 0 ? record * kLeads * samples_ : offsets_[record]; }

  static absl::StatusOr<Part> OpenFolder(const std::filesystem::path& folder);

  // Returns the elements of the .npy file `name` with the contents `bytes`, which must be of `dtype` and `shape`.
  static absl::StatusOr<absl::string_view> Elements(absl::string_view bytes, absl::string_view name,
                                                    absl::string_view dtype, size_t element_bytes,
                                                    const std::vector<int64_t>& shape);

  absl::Status ReadOffsets(const std::filesystem::path& path);

  absl::Status ReadCorpus(const std::filesystem::path& path);

  absl::Status ReadRecords(const std::filesystem::path& path);

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
  static absl::StatusOr<PackedSignals> Open(const std::filesystem::path& folder);

  // Open opens the `folders`, at least one, of a corpus that was packed in parts, in the order of its records.
  static absl::StatusOr<PackedSignals> Open(const std::vector<std::filesystem::path>& folders);

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
  std::span<const int16_t> lead(int record, int lead) const;
  // calibration returns the gain and baseline of a lead.
  Calibration calibration(int record, int lead) const { return In(record).calibration(RowOf(record), lead); }
  // id returns the record's name in the corpus.
  std::string id(int record) const { return In(record).id(RowOf(record)); }
  // usable is false if the record could not be read.
  bool usable(int record) const { return !In(record).reasons().contains(RowOf(record)); }
  // reason returns why a record is unusable; empty if it is usable.
  std::string reason(int record) const;

  // WillRead asks the system to read the samples of a record ahead, which pays for random access.
  void WillRead(int record) const { In(record).WillRead(RowOf(record)); }

  // Release returns the memory of samples that were read to the system, which otherwise keeps them until memory is
  // short. Spans stay valid.
  void Release() const;

  // unusable returns the records that could not be read.
  std::vector<int> unusable() const;

 private:
  using Part = packed_signals_internal::Part;

  PackedSignals() = default;

  void Append(Part part);

  size_t PartOf(int record) const;
  const Part& In(int record) const { return parts_[PartOf(record)]; }
  int RowOf(int record) const { return record - first_[PartOf(record)]; }

  std::vector<Part> parts_;
  std::vector<int> first_ = {0};  // the first record of each part, and the number of all records
};

}  // namespace ecg

#endif  // ECG_CORPUS_PACKED_SIGNALS_H_
