#include "ecg/corpus/pack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <future>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/calibration_sets.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/file/csv.h"
#include "ecg/file/file.h"
#include "ecg/file/file_lock.h"
#include "ecg/file/mapped_file.h"
#include "ecg/file/npy.h"
#include "ecg/file/path.h"
#include "ecg/file/sha256.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/progress.h"
#include "nlohmann/json.hpp"
#include "proto/experiment.pb.h"

namespace ecg {

namespace {

// Source is what is packed.
struct Source {
  const Corpus& corpus;
  const SignalReader& read;
};

// Range is the records of a part, `begin` to before `end`; within a part they are counted from 0.
struct Range {
  size_t begin = 0, end = 0;

  size_t size() const { return end - begin; }
};

// RecordStates is what reading each record of a part had for a result. All methods are thread-safe, but each record is
// of one thread.
class RecordStates {
 public:
  explicit RecordStates(size_t records) : states_(records), roundings_mv_(records), calibration_sets_(records) {}

  // SetRead says that a record was read.
  void SetRead(size_t record, const Signal& signal) {
    states_[record] = signal.checksums_verified ? PackedSignals::kVerified : PackedSignals::kUnverified;
    roundings_mv_[record] = signal.rounding_mv;
    const std::lock_guard lock(mutex_);
    calibration_sets_[record] = calibrations_.Add(signal.calibration);
  }

  // SetSkipped says why a record could not be read.
  void SetSkipped(size_t record, std::string reason) {
    states_[record] = PackedSignals::kSkipped;
    const std::lock_guard lock(mutex_);
    reasons_[record] = std::move(reason);
  }

  // are_all_skipped is true where no record could be read.
  bool are_all_skipped() const { return reasons_.size() == states_.size(); }

  absl::string_view state(size_t record) const { return states_[record]; }
  // reason is empty if the record was read.
  absl::string_view reason(size_t record) const {
    const auto found = reasons_.find(record);
    return found == reasons_.end() ? absl::string_view() : found->second;
  }
  double rounding_mv(size_t record) const { return roundings_mv_[record]; }
  // calibration has the defaults if the record was not read.
  Calibration calibration(size_t record, int lead) const {
    return reasons_.contains(record) ? Calibration() : calibrations_.at(calibration_sets_[record], lead);
  }

 private:
  std::vector<const char*> states_;
  std::vector<double> roundings_mv_;
  std::vector<int> calibration_sets_;
  std::mutex mutex_;  // of what follows
  std::map<size_t, std::string> reasons_;
  CalibrationSets calibrations_;
};

absl::Status BadRecordError(absl::string_view id, absl::string_view reason) {
  return absl::DataLossError(
      absl::StrCat("record ", id, ": ", reason, "; fix it, or leave such records out with bad_records: SKIP"));
}

absl::Status NothingReadError(const Corpus& corpus, absl::string_view first_reason) {
  return absl::DataLossError(absl::StrCat("none of the ", corpus.records.size(), " records in ",
                                          corpus.data_dir.string(), " can be read; the first: ", first_reason));
}

// The file of samples, written by several threads. If all records have the same length, each has a fixed offset, and a
// bad record stays zeros. Otherwise records follow one another, so threads write in record order.
class SignalsFile {
 public:
  ~SignalsFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  absl::Status Create(const std::filesystem::path& folder, const Corpus& corpus, size_t records) {
    folder_ = folder;
    path_ = folder / PackedSignals::kSignalsFile;
    samples_ = corpus.samples;
    header_ = samples_ > 0 ? FormatNpyHeader("<i2", {static_cast<int64_t>(records), kLeads, corpus.samples})
                           : FormatNpyHeader("<i2", {0});  // padded to the same size for any number of samples
    descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor_ < 0 || ftruncate(descriptor_, header_.size() + sizeof(int16_t) * Offset(records)) != 0) {
      return ErrnoError("write", path_);
    }
    return Write(header_, 0);
  }

  // WriteRecord writes the samples of `record`; none if it could not be read. Call it once for each record, from
  // threads that take the records in order.
  absl::Status WriteRecord(size_t record, std::span<const int16_t> digital) {
    int64_t offset = Offset(record);
    if (samples_ == 0) {
      std::unique_lock lock(mutex_);
      turn_.wait(lock, [&] { return offsets_.size() == record + 1; });
      offset = offsets_.back();
      offsets_.push_back(offset + static_cast<int64_t>(digital.size()));
      lock.unlock();
      turn_.notify_all();
    }
    return Write(absl::string_view(reinterpret_cast<const char*>(digital.data()), digital.size_bytes()),
                 header_.size() + sizeof(int16_t) * offset);
  }

  // Finish flushes everything to disk.
  absl::Status Finish() {
    if (samples_ == 0) {
      ECG_RETURN_IF_ERROR(Write(FormatNpyHeader("<i2", {offsets_.back()}), 0));
      ECG_RETURN_IF_ERROR(WriteFile(
          folder_ / PackedSignals::kOffsetsFile,
          absl::StrCat(FormatNpyHeader("<i8", {static_cast<int64_t>(offsets_.size())}),
                       absl::string_view(reinterpret_cast<const char*>(offsets_.data()), 8 * offsets_.size()))));
    }
    return fsync(descriptor_) == 0 ? absl::OkStatus() : ErrnoError("write", path_);
  }

 private:
  // The offset of a record, in samples, if all have the same length.
  int64_t Offset(size_t record) const { return static_cast<int64_t>(record) * kLeads * samples_; }

  absl::Status Write(absl::string_view bytes, off_t offset) {
    while (!bytes.empty()) {
      const ssize_t count = pwrite(descriptor_, bytes.data(), bytes.size(), offset);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return ErrnoError("write", path_);
      bytes.remove_prefix(count);
      offset += count;
    }
    return absl::OkStatus();
  }

  std::filesystem::path folder_, path_;
  std::string header_;
  int samples_ = 0;
  int descriptor_ = -1;
  std::mutex mutex_;
  std::condition_variable turn_;
  std::vector<int64_t> offsets_ = {0};  // one more than the records written so far
};

// Writes the samples of the records of `range` of `source` to `folder`, and sets the state of each.
absl::Status WriteSignals(const Source& source, const Range& range, const std::filesystem::path& folder,
                          const PackOptions& options, RecordStates& states) {
  const Corpus& corpus = source.corpus;
  const size_t records = range.size();
  SignalsFile file;
  ECG_RETURN_IF_ERROR(file.Create(folder, corpus, records));
  const std::string which = records == corpus.records.size()
                                ? ""
                                : absl::StrCat(" from record ", range.begin + 1, " of ", corpus.records.size());
  Progress progress(absl::StrCat("packing ", corpus.dataset, which), static_cast<int64_t>(records), "records");

  // Threads take records in order and finish what they took, so the error returned is that of the first bad record,
  // whatever the number of threads.
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  std::mutex mutex;
  size_t first_bad = records;
  absl::Status error;
  const auto read_one = [&](size_t record) -> absl::Status {
    absl::StatusOr<Signal> signal = source.read(static_cast<int>(range.begin + record));
    if (signal.ok() && (signal->digital.size() != size_t{kLeads} * signal->samples || signal->samples == 0 ||
                        (corpus.samples > 0 && signal->samples != corpus.samples))) {
      signal =
          absl::InvalidArgumentError(absl::StrCat(signal->samples, " samples, where the corpus has ", corpus.samples));
    }
    ECG_RETURN_IF_ERROR(
        file.WriteRecord(record, signal.ok() ? std::span<const int16_t>(signal->digital) : std::span<const int16_t>()));
    if (signal.ok()) {
      states.SetRead(record, *signal);
      return absl::OkStatus();
    }
    states.SetSkipped(record, std::string(signal.status().message()));
    if (options.bad_records == spec::Data::SKIP) return absl::OkStatus();
    return BadRecordError(corpus.records.ids()[range.begin + record], signal.status().message());
  };
  const auto read = [&] {
    while (!failed) {
      const size_t record = next++;
      if (record >= records) return;
      if (absl::Status status = read_one(record); !status.ok()) {
        const std::lock_guard lock(mutex);
        if (record < first_bad) {
          first_bad = record;
          error = std::move(status);
        }
        failed = true;
      }
      progress.Advance();
    }
  };
  {
    const size_t threads = options.threads > 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
    std::vector<std::jthread> others;
    for (size_t thread = 1; thread < std::min(threads, records); ++thread) others.emplace_back(read);
    read();
  }
  if (!error.ok()) return error;
  // Of a whole corpus; a part of it may hold nothing but bad records.
  if (records == corpus.records.size() && states.are_all_skipped()) {
    return NothingReadError(corpus, records > 0 ? states.reason(0) : "none");
  }
  return file.Finish();
}

// Writes records.csv.
absl::Status WriteRecords(const Corpus& corpus, const Range& range, const RecordStates& states,
                          const std::filesystem::path& path) {
  constexpr size_t kWrittenAtOnce = 1 << 20;
  ECG_ASSIGN_OR_RETURN(FileWriter file, FileWriter::Create(path));
  std::vector<std::string> row = {"id", "path", "fold", "state", "reason", "rounding_mv"};
  for (const absl::string_view lead : kLeadNames) {
    row.push_back(absl::StrCat("gain_", lead));
    row.push_back(absl::StrCat("baseline_", lead));
  }
  std::string text;
  AppendCsvRow(row, &text);
  for (size_t record = 0; record < range.size(); ++record) {
    const size_t in_corpus = range.begin + record;
    row = {std::string(corpus.records.ids()[in_corpus]), std::string(corpus.records.paths()[in_corpus]),
           absl::StrCat(corpus.records.fold(in_corpus)), std::string(states.state(record)),
           std::string(states.reason(record)),           absl::StrFormat("%.3g", states.rounding_mv(record))};
    for (int lead = 0; lead < kLeads; ++lead) {
      const Calibration calibration = states.calibration(record, lead);
      row.push_back(absl::StrFormat("%.17g", calibration.gain));
      row.push_back(absl::StrCat(calibration.baseline));
    }
    AppendCsvRow(row, &text);
    if (text.size() < kWrittenAtOnce) continue;
    ECG_RETURN_IF_ERROR(file.Append(text));
    text.clear();
  }
  ECG_RETURN_IF_ERROR(file.Append(text));
  return file.Commit();
}

std::string FormatCorpus(const Corpus& corpus, const Range& range, absl::string_view digest) {
  nlohmann::ordered_json json;
  json["format"] = PackedSignals::kFormat;
  json["dataset"] = corpus.dataset;
  json["version"] = corpus.version;
  json["synthetic"] = corpus.synthetic;
  json["data_dir"] = corpus.data_dir.string();
  json["sampling_frequency_hz"] = corpus.sampling_frequency_hz;
  json["records"] = range.size();
  json["leads"] = std::vector<std::string>(kLeadNames.begin(), kLeadNames.end());
  json["samples"] = corpus.samples;
  json["units"] = "mV = (sample - baseline) / gain";
  json["source_digest"] = std::string(digest);
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

// Refuses to replace a folder that holds anything but packed signals.
absl::Status CheckReplaceable(const std::filesystem::path& folder) {
  std::error_code error;
  if (!std::filesystem::exists(folder, error)) return absl::OkStatus();
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name != PackedSignals::kSignalsFile && name != PackedSignals::kOffsetsFile &&
        name != PackedSignals::kRecordsFile && name != PackedSignals::kCorpusFile) {
      return absl::FailedPreconditionError(
          absl::StrCat(folder.string(), " holds ", name, ", which is no part of packed signals; name another folder"));
    }
  }
  if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot read the folder ", folder.string()));
  return absl::OkStatus();
}

// If records differ in length, their size is not known, and running out of space is only noticed while writing.
absl::Status CheckSpace(const Corpus& corpus, size_t records, const std::filesystem::path& folder) {
  const uintmax_t needed = records * (sizeof(int16_t) * kLeads * corpus.samples + 1024) + (1 << 20);
  std::error_code error;
  const uintmax_t available = std::filesystem::space(folder, error).available;
  if (error || available >= needed) return absl::OkStatus();  // unknown: writing will tell
  return absl::ResourceExhaustedError(absl::StrCat("packed signals of ", needed / 1'000'000 + 1, " MB do not fit into ",
                                                   folder.string(), ", where ", available / 1'000'000, " MB are free"));
}

absl::Status SyncFolder(const std::filesystem::path& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return ErrnoError("sync", folder);
  fsync(descriptor);  // some file systems cannot, and need not
  close(descriptor);
  return absl::OkStatus();
}

// Writes packed signals of the records of `range` to the new folder `partial`.
absl::Status Write(const Source& source, const Range& range, absl::string_view digest,
                   const std::filesystem::path& partial, const PackOptions& options) {
  ECG_RETURN_IF_ERROR(MakeDirectories(partial));
  RecordStates states(range.size());
  ECG_RETURN_IF_ERROR(WriteSignals(source, range, partial, options, states));
  ECG_RETURN_IF_ERROR(WriteRecords(source.corpus, range, states, partial / PackedSignals::kRecordsFile));
  ECG_RETURN_IF_ERROR(WriteFile(partial / PackedSignals::kCorpusFile, FormatCorpus(source.corpus, range, digest)));
  return SyncFolder(partial);
}

// Renames the complete folder `partial` to `folder`, replacing what is there.
absl::Status Replace(const std::filesystem::path& partial, const std::filesystem::path& folder,
                     const std::filesystem::path& old) {
  std::error_code error;
  std::filesystem::rename(folder, old, error);  // fails when there is nothing to replace
  std::filesystem::rename(partial, folder, error);
  if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot make ", folder.string()));
  std::filesystem::remove_all(old, error);
  return SyncFolder(folder.parent_path());
}

// Opens `folders` if their source digest is `digest`.
absl::StatusOr<PackedSignals> OpenCurrent(const std::vector<std::filesystem::path>& folders, absl::string_view digest) {
  ECG_ASSIGN_OR_RETURN(PackedSignals signals, PackedSignals::Open(folders));
  if (signals.source_digest() != digest) return absl::NotFoundError("the source has changed");
  return signals;
}

// Refuses a record that is known to be unusable before anything is read.
absl::Status CheckProblems(const Corpus& corpus, const PackOptions& options) {
  if (options.bad_records == spec::Data::SKIP) return absl::OkStatus();
  for (size_t record = 0; record < corpus.records.size(); ++record) {
    const absl::string_view problem = corpus.records.problem(record);
    if (!problem.empty()) return BadRecordError(corpus.records.ids()[record], problem);
  }
  return absl::OkStatus();
}

// Packed signals of an earlier job may have skipped records that this one refuses.
absl::Status CheckRecords(const PackedSignals& signals, const PackOptions& options) {
  const std::vector<int> bad = signals.unusable();
  if (bad.empty() || options.bad_records == spec::Data::SKIP) return absl::OkStatus();
  return BadRecordError(signals.id(bad[0]), signals.reason(bad[0]));
}

// Beside returns the path beside `folder` that differs from it by a dot before and `suffix`.
std::filesystem::path Beside(const std::filesystem::path& folder, absl::string_view suffix) {
  return folder.parent_path() / absl::StrCat(".", folder.filename().string(), suffix);
}

// Writes packed signals of the records of `range` to `target`, if they are missing or their source has changed. Only
// who holds the lock of `target` may call it.
absl::Status PackPart(const Source& source, const Range& range, absl::string_view digest,
                      const std::filesystem::path& target, const PackOptions& options) {
  if (OpenCurrent({target}, digest).ok()) return absl::OkStatus();
  // Delete what a killed job left behind. We hold the lock, so no other process is packing.
  std::error_code error;
  std::filesystem::remove_all(Beside(target, ".partial"), error);
  std::filesystem::remove_all(Beside(target, ".old"), error);
  ECG_RETURN_IF_ERROR(CheckReplaceable(target));
  ECG_RETURN_IF_ERROR(CheckSpace(source.corpus, range.size(), target.parent_path()));
  absl::Status status = Write(source, range, digest, Beside(target, ".partial"), options);
  if (status.ok()) status = Replace(Beside(target, ".partial"), target, Beside(target, ".old"));
  if (!status.ok()) std::filesystem::remove_all(Beside(target, ".partial"), error);
  return status;
}

// Part is the records of a part and the folder that they are packed in.
struct Part {
  Range range;
  std::filesystem::path folder;
};

// PartsOf divides `records` records into as few parts as may be. A single one has `folder` itself, and others folders
// beside it, such as "folder-2-of-5".
std::vector<Part> PartsOf(size_t records, size_t records_per_part, const std::filesystem::path& folder) {
  if (records <= records_per_part) return {{{0, records}, folder}};
  const size_t count = (records + records_per_part - 1) / records_per_part;
  std::vector<Part> parts;
  for (size_t i = 0; i < count; ++i) {
    parts.push_back({{i * records_per_part, std::min(records, (i + 1) * records_per_part)},
                     folder.parent_path() / absl::StrCat(folder.filename().string(), "-", i + 1, "-of-", count)});
  }
  return parts;
}

// Packs what is missing of `parts`: first what no other process packs, and then what others have left, once they have
// ended.
absl::Status PackParts(const Source& source, const std::vector<Part>& parts, absl::string_view digest,
                       const PackOptions& options) {
  std::error_code error;
  size_t missing = 0;
  for (const Part& part : parts) missing += std::filesystem::exists(part.folder, error) ? 0 : part.range.size();
  ECG_RETURN_IF_ERROR(CheckSpace(source.corpus, missing, parts[0].folder.parent_path()));
  std::vector<const Part*> others;
  for (const Part& part : parts) {
    const absl::StatusOr<FileLock> lock =
        FileLock::TryAcquire(Beside(part.folder, ".lock"), "another process packs it");
    if (absl::IsAlreadyExists(lock.status())) {
      others.push_back(&part);
    } else {
      ECG_RETURN_IF_ERROR(lock.status());
      ECG_RETURN_IF_ERROR(PackPart(source, part.range, digest, part.folder, options));
    }
  }
  for (const Part* part : others) {
    ECG_ASSIGN_OR_RETURN(const FileLock lock,
                         FileLock::Acquire(Beside(part->folder, ".lock"),
                                           absl::StrCat("another process packs ", part->folder.string())));
    ECG_RETURN_IF_ERROR(PackPart(source, part->range, digest, part->folder, options));
  }
  return absl::OkStatus();
}

// Removes what was packed in `folder` when it had another number of parts. What is mapped of it stays readable.
void RemoveOtherParts(const std::vector<Part>& parts, const std::filesystem::path& folder) {
  const std::string name = folder.filename().string();
  std::vector<std::filesystem::path> old;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder.parent_path(), error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string found = entry->path().filename().string();
    int number = 0, count = 0, length = 0;
    const bool is_part = absl::StartsWith(found, name) &&
                         std::sscanf(found.c_str() + name.size(), "-%d-of-%d%n", &number, &count, &length) == 2 &&
                         name.size() + length == found.size();
    if (found != name && !is_part) continue;
    const auto is_it = [&](const Part& part) { return part.folder.filename() == entry->path().filename(); };
    if (std::ranges::none_of(parts, is_it) && CheckReplaceable(entry->path()).ok()) old.push_back(entry->path());
  }
  for (const std::filesystem::path& one : old) {
    std::filesystem::remove_all(one, error);
    std::filesystem::remove(Beside(one, ".lock"), error);
  }
}

}  // namespace

absl::StatusOr<std::string> SourceDigest(const Corpus& corpus) {
  constexpr size_t kDigestedAtOnce = 1 << 20, kRecordsAtOnce = 2048;
  Sha256 digest;
  digest.Update(absl::StrCat(PackedSignals::kFormat, "\n", corpus.dataset, "\n", corpus.sampling_frequency_hz, "\n",
                             corpus.samples, "\n"));
  if (!corpus.read_with.empty()) digest.Update(absl::StrCat(corpus.read_with, "\n"));
  for (const std::string& file : corpus.index_files) {
    ECG_ASSIGN_OR_RETURN(const MappedFile mapped, MappedFile::Open(corpus.data_dir / file));
    absl::string_view bytes = mapped.bytes();
    digest.Update(absl::StrCat(file, "\n", bytes.size(), "\n"));
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kDigestedAtOnce))) {
      digest.Update(bytes.substr(0, kDigestedAtOnce));
      mapped.Release();
    }
  }
  // Paths are looked up from the opened folder, whose own path need not be walked for each of millions of files.
  const std::filesystem::path folder = corpus.data_dir.empty() ? "." : corpus.data_dir;
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const auto describe = [&corpus, descriptor](size_t begin, size_t end) {
    std::string text;
    for (size_t record = begin; record < std::min(end, corpus.records.size()); ++record) {
      for (const std::string& extension : corpus.record_extensions) {
        const std::string path = absl::StrCat(corpus.records.paths()[record], extension);
        struct stat status = {};
        if (fstatat(descriptor, path.c_str(), &status, 0) != 0) status = {};
        absl::StrAppend(&text, corpus.records.ids()[record], "\n", path, "\n", status.st_size, "\n");
        absl::StrAppend(&text, status.st_mtim.tv_sec, ".", status.st_mtim.tv_nsec, "\n");
      }
    }
    return text;
  };
  // Looking the files up takes most of the time, so all cores do it; the digest takes their texts in order.
  const size_t threads = std::max(1u, std::thread::hardware_concurrency());
  for (size_t begin = 0; begin < corpus.records.size(); begin += threads * kRecordsAtOnce) {
    std::vector<std::future<std::string>> texts;
    for (size_t thread = 0; thread < threads; ++thread) {
      const size_t first = begin + thread * kRecordsAtOnce;
      texts.push_back(std::async(std::launch::async, describe, first, first + kRecordsAtOnce));
    }
    for (std::future<std::string>& text : texts) digest.Update(text.get());
  }
  if (descriptor >= 0) close(descriptor);
  return digest.Hex();
}

std::filesystem::path PackedFolder(const Corpus& corpus, const std::filesystem::path& cache_dir) {
  std::error_code error;
  std::filesystem::path source = std::filesystem::canonical(corpus.data_dir, error);
  if (error) source = corpus.data_dir;
  Sha256 digest;
  digest.Update(source.string());
  if (!corpus.read_with.empty()) digest.Update(absl::StrCat("\n", corpus.read_with));
  return cache_dir / "packed" /
         absl::StrCat(corpus.dataset, "-", corpus.sampling_frequency_hz, "hz-", digest.Hex().substr(0, 16));
}

absl::StatusOr<PackedSignals> Pack(const Corpus& corpus, const SignalReader& read, const std::filesystem::path& folder,
                                   const PackOptions& options) {
  ECG_RETURN_IF_ERROR(CheckProblems(corpus, options));
  const std::filesystem::path target = std::filesystem::absolute(folder / "").parent_path();
  const std::vector<Part> parts = PartsOf(corpus.records.size(), options.records_per_part, target);
  std::vector<std::filesystem::path> folders;
  for (const Part& part : parts) folders.push_back(part.folder);
  ECG_ASSIGN_OR_RETURN(const std::string digest, SourceDigest(corpus));
  ECG_RETURN_IF_ERROR(MakeDirectories(folders[0].parent_path()));
  absl::StatusOr<PackedSignals> signals = OpenCurrent(folders, digest);
  if (!signals.ok()) {
    ECG_RETURN_IF_ERROR(PackParts({corpus, read}, parts, digest, options));
    signals = PackedSignals::Open(folders);
    ECG_RETURN_IF_ERROR(signals.status());
    RemoveOtherParts(parts, target);
  }
  ECG_RETURN_IF_ERROR(CheckRecords(*signals, options));
  if (signals->unusable().size() == corpus.records.size()) {
    return NothingReadError(corpus, signals->reason(0));
  }
  return signals;
}

}  // namespace ecg
