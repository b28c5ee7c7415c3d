// demo.h
//
// A synthetic corpus in PTB-XL's layout, for trying everything without the real one: records of a heart model whose
// beats, rhythm, axis, intervals and waves follow the statements that each record carries (heart_model.h,
// demo_signs.h).
//
//   ECG_RETURN_IF_ERROR(MakeDemo({.records = 1000, .seed = 1}, "/data/demo"));
//   ECG_ASSIGN_OR_RETURN(std::filesystem::path data_dir, CachedDemo(1000, 1, CacheDirectory()));
//
// The folder holds ptbxl_database.csv, scp_statements.csv, records500, records100, and SYNTHETIC.txt, by which a reader
// knows that no person was recorded.

#ifndef ECG_CORPUS_DEMO_H_
#define ECG_CORPUS_DEMO_H_

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "ecg/corpus/demo_records.h"
#include "ecg/corpus/demo_signs.h"
#include "ecg/corpus/heart_model.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/corpus/scp_statements.h"
#include "ecg/file/csv.h"
#include "ecg/file/file.h"
#include "ecg/random/random.h"
#include "ecg/report/progress.h"
#include "ecg/signal/wfdb_writer.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// kDemoVersion counts the changes of what is generated, so that a cached corpus of an older generator is not taken for
// one of this generator.
inline constexpr int kDemoVersion = 3;

// DemoOptions says which corpus is made.
struct DemoOptions {
  // records is how many there are, from 1 to 99,999.
  int records = 1000;
  // seed decides every random draw.
  uint64_t seed = 1;
  // threads is how many work at once; 0 means one for each core. The corpus does not depend on it.
  int threads = 0;
};

namespace demo_internal {

// WriteUnsynced writes a file of the unfinished folder. Waiting for the disk after each of thousands of small files
// would take most of the time; they are renamed together, and can be made again.
inline absl::Status WriteUnsynced(const std::filesystem::path& path, absl::string_view bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wbx");
  if (file == nullptr) return ErrnoError("write", path);
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  const absl::Status error = written ? absl::OkStatus() : ErrnoError("write", path);
  if (std::fclose(file) != 0 && error.ok()) return ErrnoError("write", path);
  return error;
}

// RecordPath returns a record's path in the corpus, without extension, such as "records500/00000/00001_hr".
inline std::string RecordPath(int ecg_id, int rate_hz) {
  return absl::StrFormat("records%d/%05d/%05d_%s", rate_hz, ecg_id / 1000 * 1000, ecg_id, rate_hz == 500 ? "hr" : "lr");
}

// WriteRecord writes the two files of a record, at `rate_hz`.
inline absl::Status WriteRecord(const HeartRecorder& recorder, int ecg_id, int rate_hz,
                                const std::filesystem::path& directory) {
  const std::string path = RecordPath(ecg_id, rate_hz);
  ECG_ASSIGN_OR_RETURN(const WfdbFiles files,
                       FormatWfdb(recorder.Digitize(rate_hz), std::filesystem::path(path).filename().string()));
  ECG_RETURN_IF_ERROR(WriteUnsynced(directory / (path + ".hea"), files.header));
  return WriteUnsynced(directory / (path + ".dat"), files.samples);
}

// Each record has two streams of random numbers, so that its noise is known without its beats.
inline Random HeartRandom(uint64_t seed, int ecg_id) { return Random({seed, static_cast<uint64_t>(ecg_id), 0}); }
inline Random NoiseRandom(uint64_t seed, int ecg_id) { return Random({seed, static_cast<uint64_t>(ecg_id), 1}); }

// DrawnNoise is a record's noise, and what PTB-XL's columns say of it.
struct DrawnNoise {
  Noise noise;
  bool drifts = false;
  bool noisy = false;
};

// DrawNoise draws a record's noise: one record in ten drifts, one in ten is noisy, and in one in ten an electrode
// moves.
inline DrawnNoise DrawNoise(Random random) {
  DrawnNoise drawn;
  drawn.drifts = random.Uniform() < 0.1;
  drawn.noisy = random.Uniform() < 0.1;
  drawn.noise.wander = drawn.drifts ? 0.08f : Between(random, 0.01, 0.04);
  drawn.noise.muscle = drawn.noisy ? 0.018f : Between(random, 0.004, 0.012);
  drawn.noise.mains = Between(random, 0.001, 0.008);
  drawn.noise.electrode_motion = random.Uniform() < 0.1 ? Between(random, -0.3, 0.3) : 0;
  return drawn;
}

// StatementsCsv returns scp_statements.csv, with PTB-XL's columns; those about other standards are empty.
inline std::string StatementsCsv() {
  std::string csv;
  AppendCsvRow(
      {"", "description", "diagnostic", "form", "rhythm", "diagnostic_class", "diagnostic_subclass",
       "Statement Category", "SCP-ECG Statement Description", "AHA code", "aECG REFID", "CDISC Code", "DICOM Code"},
      &csv);
  for (const ScpStatement& statement : kScpStatements) {
    const auto flag = [&](char kind) { return std::string(statement.Is(kind) ? "1.0" : ""); };
    AppendCsvRow({std::string(statement.code), std::string(statement.description), flag('d'), flag('f'), flag('r'),
                  std::string(statement.diagnostic_class), std::string(statement.diagnostic_subclass), "",
                  std::string(statement.description), "", "", "", ""},
                 &csv);
  }
  return csv;
}

// DatabaseCsv returns ptbxl_database.csv, with PTB-XL's 28 columns.
inline std::string DatabaseCsv(const std::vector<DemoRecord>& records, uint64_t seed) {
  std::string csv;
  AppendCsvRow({"ecg_id",
                "patient_id",
                "age",
                "sex",
                "height",
                "weight",
                "nurse",
                "site",
                "device",
                "recording_date",
                "report",
                "scp_codes",
                "heart_axis",
                "infarction_stadium1",
                "infarction_stadium2",
                "validated_by",
                "second_opinion",
                "initial_autogenerated_report",
                "validated_by_human",
                "baseline_drift",
                "static_noise",
                "burst_noise",
                "electrodes_problems",
                "extra_beats",
                "pacemaker",
                "strat_fold",
                "filename_lr",
                "filename_hr"},
               &csv);
  const absl::CivilSecond first(2001, 1, 1);
  for (int ecg_id = 1; ecg_id <= static_cast<int>(records.size()); ++ecg_id) {
    const DemoRecord& record = records[ecg_id - 1];
    const DrawnNoise noise = DrawNoise(NoiseRandom(seed, ecg_id));
    std::vector<absl::string_view> descriptions;
    std::vector<std::string> codes;
    std::string axis, extra_beats, pacemaker;
    for (const int sign : record.statements) {
      const ScpStatement& statement = kScpStatements[sign];
      descriptions.push_back(statement.description);
      codes.push_back(absl::StrFormat("'%s': %s", statement.code, statement.Is('d') ? "100.0" : "0.0"));
      if (statement.code == "LAFB") axis = "ALAD";
      if (statement.code == "LPFB" || statement.code == "RVH") axis = "RAD";
      if (kDemoSigns[sign].parts == kEctopyPart) extra_beats = "ES";
      if (statement.code == "PACE") pacemaker = "ja, pacemaker";
    }
    AppendCsvRow({absl::StrCat(ecg_id),
                  absl::StrCat(record.patient, ".0"),
                  absl::StrCat(record.age, ".0"),
                  absl::StrCat(record.sex),
                  /*height=*/"",
                  /*weight=*/"",
                  /*nurse=*/"",
                  /*site=*/"",
                  "synthetic",
                  absl::StrReplaceAll(absl::FormatCivilTime(first + 7 * 3600 * int64_t{ecg_id}), {{"T", " "}}),
                  absl::StrCat("synthetic: ", absl::StrJoin(descriptions, ", ")),
                  absl::StrCat("{", absl::StrJoin(codes, ", "), "}"),
                  axis,
                  /*infarction_stadium1=*/"",
                  /*infarction_stadium2=*/"",
                  /*validated_by=*/"",
                  /*second_opinion=*/"False",
                  /*initial_autogenerated_report=*/"True",
                  /*validated_by_human=*/"False",
                  noise.drifts ? "alles" : "",
                  noise.noisy ? "alles" : "",
                  /*burst_noise=*/"",
                  noise.noise.electrode_motion != 0 ? "yes" : "",
                  extra_beats,
                  pacemaker,
                  absl::StrCat(record.fold),
                  RecordPath(ecg_id, 100),
                  RecordPath(ecg_id, 500)},
                 &csv);
  }
  return csv;
}

// SyntheticText returns what SYNTHETIC.txt says.
inline std::string SyntheticText(const DemoOptions& options) {
  return absl::StrCat(
      "These electrocardiograms are synthetic. No person was recorded, and nothing that is measured on them says\n"
      "anything about people.\n\n",
      "records: ", options.records, "\nseed: ", options.seed, "\ngenerator version: ", kDemoVersion, "\n\n",
      "The layout, the statements and their frequencies are those of PTB-XL (Wagner et al. 2020,\n"
      "doi:10.1038/s41597-020-0495-6); of rare statements there are more. The signals come from a dipole model of the\n"
      "heart (McSharry et al. 2003, doi:10.1109/TBME.2003.808805; Sameni et al. 2007, doi:10.1155/2007/43407) seen\n"
      "through the lead matrix of Dower et al. 1980 (Clinical Cardiology 3:87-95), with textbook signs of each\n"
      "statement, and drift, mains hum, muscle noise and moving electrodes on top.\n");
}

// UnfinishedFolder is a folder under a temporary name beside its own. It is removed unless it gets its name.
class UnfinishedFolder {
 public:
  // Create makes the folder, and its parents, for `path`.
  static absl::StatusOr<UnfinishedFolder> Create(const std::filesystem::path& path) {
    static std::atomic<int> count = 0;
    ECG_RETURN_IF_ERROR(MakeDirectories(path.parent_path()));
    UnfinishedFolder folder;
    folder.path_ =
        path.parent_path() / absl::StrCat(".", path.filename().string(), ".tmp", getpid(), "-", count.fetch_add(1));
    ECG_RETURN_IF_ERROR(MakeDirectories(folder.path_));
    return folder;
  }

  UnfinishedFolder(UnfinishedFolder&& other) noexcept { std::swap(path_, other.path_); }
  ~UnfinishedFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  // path returns where the folder is for now.
  const std::filesystem::path& path() const { return path_; }

  // Rename gives the folder its name, which may be that of an empty folder.
  absl::Status Rename(const std::filesystem::path& path) {
    std::error_code error;
    std::filesystem::rename(path_, path, error);
    if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot make the folder ", path.string()));
    path_.clear();
    return absl::OkStatus();
  }

 private:
  UnfinishedFolder() = default;

  std::filesystem::path path_;
};

}  // namespace demo_internal

// MakeDemo writes a corpus to `output_dir`, which must not exist, or be empty. The folder is there when it is complete,
// and not before. Progress is shown on a terminal.
inline absl::Status MakeDemo(const DemoOptions& options, const std::filesystem::path& output_dir) {
  if (options.records < 1 || options.records > 99'999) {
    return absl::InvalidArgumentError(
        absl::StrCat("a demo corpus has 1 to 99,999 records, not ", options.records, ": change the number of records"));
  }
  std::filesystem::path output = std::filesystem::absolute(output_dir).lexically_normal();
  if (!output.has_filename()) output = output.parent_path();  // "folder/"
  std::error_code error;
  if (std::filesystem::exists(output, error) &&
      !(std::filesystem::is_directory(output, error) && std::filesystem::is_empty(output, error))) {
    return absl::AlreadyExistsError(absl::StrCat("cannot make a demo corpus in ", output.string(),
                                                 ": something is there already; name a folder that does not exist, or "
                                                 "is empty"));
  }
  ECG_ASSIGN_OR_RETURN(demo_internal::UnfinishedFolder folder, demo_internal::UnfinishedFolder::Create(output));
  const std::filesystem::path directory = folder.path();
  for (int ecg_id = 0; ecg_id <= options.records; ecg_id += 1000) {
    for (const int rate_hz : {500, 100}) {
      ECG_RETURN_IF_ERROR(MakeDirectories((directory / demo_internal::RecordPath(ecg_id, rate_hz)).parent_path()));
    }
  }
  const std::vector<DemoRecord> records = DrawDemoRecords(options.records, options.seed);
  ECG_RETURN_IF_ERROR(
      demo_internal::WriteUnsynced(directory / PtbXl::kSyntheticFile, demo_internal::SyntheticText(options)));
  ECG_RETURN_IF_ERROR(demo_internal::WriteUnsynced(directory / PtbXl::kStatementsFile, demo_internal::StatementsCsv()));
  ECG_RETURN_IF_ERROR(demo_internal::WriteUnsynced(directory / PtbXl::kDatabaseFile,
                                                   demo_internal::DatabaseCsv(records, options.seed)));

  Progress progress("making the demo corpus", options.records, "records");
  std::atomic<int> next = 1;
  std::mutex mutex;
  absl::Status status;
  const auto work = [&] {
    HeartRecorder recorder;
    for (int ecg_id; (ecg_id = next.fetch_add(1)) <= options.records;) {
      Random heart_random = demo_internal::HeartRandom(options.seed, ecg_id);
      const Heart heart = DrawHeart(records[ecg_id - 1].statements, heart_random);
      recorder.Record(heart, demo_internal::DrawNoise(demo_internal::NoiseRandom(options.seed, ecg_id)).noise,
                      heart_random);
      for (const int rate_hz : {500, 100}) {
        if (absl::Status written = demo_internal::WriteRecord(recorder, ecg_id, rate_hz, directory); !written.ok()) {
          const std::lock_guard lock(mutex);
          status.Update(written);
          next = options.records + 1;
          return;
        }
      }
      progress.Advance();
    }
  };
  const int threads = options.threads > 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> workers;
  for (int worker = 1; worker < threads; ++worker) workers.emplace_back(work);
  work();
  for (std::thread& worker : workers) worker.join();
  ECG_RETURN_IF_ERROR(status);
  return folder.Rename(output);
}

// CachedDemo returns the folder of a corpus under `cache_dir`, and makes it when it is not there.
inline absl::StatusOr<std::filesystem::path> CachedDemo(int records, uint64_t seed,
                                                        const std::filesystem::path& cache_dir) {
  const std::filesystem::path directory =
      cache_dir / "demo" / absl::StrCat("ptbxl-", records, "-", seed, "-v", kDemoVersion);
  const auto is_there = [&] {
    std::error_code error;
    return std::filesystem::exists(directory / PtbXl::kSyntheticFile, error);
  };
  if (is_there()) return directory;
  const absl::Status made = MakeDemo({.records = records, .seed = seed}, directory);
  // Another process may have been quicker.
  if (!made.ok() && !is_there()) return made;
  return directory;
}

}  // namespace ecg

#endif  // ECG_CORPUS_DEMO_H_
