// sweep_folder.h
//
// The folder of a sweep, and which of its runs are finished.
//
//   learning_rate=0.01,batch_size=64/   a run's folder (ecg/run/run_folder.h), with log.txt, the run's output
//   results.csv, results.md, results.html   written after each run
//   chosen.textproto                    the settings that were chosen
//   data.textproto                      the records that the runs share
//   claims/                             which worker runs what (claim.h)
//   search/                             what a search has decided (search.h)
//
//   const SweepFolder folder("runs/grid_resnet18");
//   ECG_RETURN_IF_ERROR(folder.Start(data));
//   ECG_ASSIGN_OR_RETURN(const RunState state, folder.StateOf(plan.runs[0]));

#ifndef ECG_SWEEP_SWEEP_FOLDER_H_
#define ECG_SWEEP_SWEEP_FOLDER_H_

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/file/file.h"
#include "ecg/run/comparable_spec.h"
#include "ecg/run/run_folder.h"
#include "ecg/status/status_macros.h"
#include "ecg/sweep/link_file.h"
#include "ecg/sweep/plan.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "proto/experiment.pb.h"
#include "proto/sweep.pb.h"

namespace ecg {

// RunState is the state of a run.
enum class RunState { kNew, kStarted, kFinished };

// SweepFolder names the files of a sweep.
class SweepFolder {
 public:
  explicit SweepFolder(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path data() const { return path_ / "data.textproto"; }
  std::filesystem::path claims() const { return path_ / "claims"; }
  std::filesystem::path search() const { return path_ / "search"; }
  std::filesystem::path results_csv() const { return path_ / "results.csv"; }
  std::filesystem::path results_md() const { return path_ / "results.md"; }
  std::filesystem::path results_html() const { return path_ / "results.html"; }
  RunFolder run(const PlannedRun& run) const { return RunFolder(path_ / run.name); }
  std::filesystem::path log(const PlannedRun& run) const { return path_ / run.name / "log.txt"; }

  // Start makes the folder and keeps `data` in it, and fails where the runs that are there use other records. Any
  // number of workers may do so at once.
  absl::Status Start(const spec::SweptData& data) const {
    ECG_RETURN_IF_ERROR(MakeDirectories(path_));
    std::string printed;
    google::protobuf::TextFormat::PrintToString(data, &printed);
    ECG_RETURN_IF_ERROR(LinkFile(this->data(), printed).status());
    ECG_ASSIGN_OR_RETURN(const std::string text, ReadFile(this->data()));
    spec::SweptData before;
    if (!google::protobuf::TextFormat::ParseFromString(text, &before)) {
      return absl::DataLossError(
          absl::StrCat(this->data().string(),
                       " does not say which records the runs use; delete it, if all of them use ", InWords(data)));
    }
    if (google::protobuf::util::MessageDifferencer::Equals(before, data)) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(path_.string(), " holds runs with ", InWords(before), ", not ",
                                                      InWords(data), "; pass another --output_dir"));
  }

  // StateOf returns the state of `run`. Fails where its folder holds a run of another spec.
  absl::StatusOr<RunState> StateOf(const PlannedRun& run) const {
    const RunFolder folder = this->run(run);
    AskServer(folder.path());
    std::error_code error;
    if (!std::filesystem::exists(folder.spec(), error)) return RunState::kNew;
    ECG_ASSIGN_OR_RETURN(const spec::Experiment found, folder.ReadSpec());
    const std::string differences = SpecDifferences(ComparableSpec(found), ComparableSpec(run.spec));
    if (!differences.empty()) {
      return absl::FailedPreconditionError(absl::StrCat(folder.path().string(), " holds a run with other settings:\n",
                                                        differences, "Pass another --output_dir, or delete that run"));
    }
    return std::filesystem::exists(folder.run(), error) ? RunState::kFinished : RunState::kStarted;
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
