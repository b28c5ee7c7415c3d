// sweep_folder.h
//
// The folder that a sweep leaves, and what of it is done already.
//
//   learning_rate=0.01,batch_size=64/   a run's folder (ecg/run/run_folder.h), with log.txt, what the run
//   printed results.csv, results.md             written anew after each run chosen.textproto                    the
//   settings that were chosen data.textproto                      what records the runs share

#ifndef ECG_SWEEP_SWEEP_FOLDER_H_
#define ECG_SWEEP_SWEEP_FOLDER_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/file/file.h"
#include "ecg/file/file_lock.h"
#include "ecg/run/run_folder.h"
#include "ecg/spec/resolve.h"
#include "ecg/status/status_macros.h"
#include "ecg/sweep/plan.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "proto/experiment.pb.h"
#include "proto/sweep.pb.h"

namespace ecg {

// RunState is how far a run is.
enum class RunState { kNew, kBegun, kFinished };

// WhatIsComputed returns `spec` without what does not change a result: where the work is done and where data lie.
inline spec::Experiment WhatIsComputed(spec::Experiment spec) {
  spec = Resolve(std::move(spec));
  const int64_t seed = spec.runtime().seed();
  spec.clear_description();
  spec.clear_runtime();
  spec.mutable_runtime()->set_seed(seed);
  spec.mutable_data()->clear_data_dir();
  return spec;
}

// SweepFolder names the files of a sweep.
class SweepFolder {
 public:
  explicit SweepFolder(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path data() const { return path_ / "data.textproto"; }
  std::filesystem::path results_csv() const { return path_ / "results.csv"; }
  std::filesystem::path results_md() const { return path_ / "results.md"; }
  RunFolder run(const PlannedRun& run) const { return RunFolder(path_ / run.name); }
  std::filesystem::path log(const PlannedRun& run) const { return path_ / run.name / "log.txt"; }

  // Lock makes the folder, and sees to it that nobody else sweeps into it while the lock is held.
  absl::StatusOr<FileLock> Lock() const {
    ECG_RETURN_IF_ERROR(MakeDirectories(path_));
    return FileLock::TryAcquire(path_ / ".lock", absl::StrCat("another process sweeps into ", path_.string(),
                                                              "; wait for it, or pass another --output_dir"));
  }

  // Start keeps `data` in the folder, and fails where the runs that are there use other records.
  absl::Status Start(const spec::SweptData& data) const {
    const absl::StatusOr<std::string> text = ReadFile(this->data());
    spec::SweptData before;
    if (text.ok() && google::protobuf::TextFormat::ParseFromString(*text, &before)) {
      if (google::protobuf::util::MessageDifferencer::Equals(before, data)) return absl::OkStatus();
      return absl::FailedPreconditionError(absl::StrCat(path_.string(), " holds runs with ", InWords(before), ", not ",
                                                        InWords(data), "; pass another --output_dir"));
    }
    std::string printed;
    google::protobuf::TextFormat::PrintToString(data, &printed);
    return WriteFile(this->data(), printed);
  }

  // StateOf tells how far `run` is. Fails where its folder holds a run of something else.
  absl::StatusOr<RunState> StateOf(const PlannedRun& run) const {
    const RunFolder folder = this->run(run);
    std::error_code error;
    if (!std::filesystem::exists(folder.spec(), error)) return RunState::kNew;
    ECG_ASSIGN_OR_RETURN(const spec::Experiment found, folder.ReadSpec());
    google::protobuf::util::MessageDifferencer differencer;
    std::string differences;
    differencer.ReportDifferencesToString(&differences);
    if (!differencer.Compare(WhatIsComputed(found), WhatIsComputed(run.spec))) {
      return absl::FailedPreconditionError(absl::StrCat(folder.path().string(), " holds a run under other settings:\n",
                                                        differences, "Pass another --output_dir, or delete that run"));
    }
    return std::filesystem::exists(folder.run(), error) ? RunState::kFinished : RunState::kBegun;
  }

 private:
  static std::string InWords(const spec::SweptData& data) {
    if (data.has_demo_records()) return absl::StrCat("--demo_records=", data.demo_records());
    return data.has_data_dir() ? absl::StrCat("--data_dir=", data.data_dir()) : "neither --data_dir nor --demo_records";
  }

  std::filesystem::path path_;
};

}  // namespace ecg

#endif  // ECG_SWEEP_SWEEP_FOLDER_H_
