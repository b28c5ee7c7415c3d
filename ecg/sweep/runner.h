// runner.h
//
// One worker of a sweep: runs what is not finished and not claimed by another worker, several runs at a time, and
// writes the results after each.
//
//   const auto command = [&](const PlannedRun& run, bool resume) {
//     std::vector<std::string> words = {"examples/resnet18_all", "--output_dir=" + folder.run(run).path().string()};
//     if (resume) words.push_back("--resume");
//     return words;
//   };
//   Results results("grid_resnet18", growing_plan);
//   const Runner::Options options = {.command = command, .jobs = 2};
//   ECG_RETURN_IF_ERROR(Runner(growing_plan, folder, options, results).Run());

#ifndef ECG_SWEEP_RUNNER_H_
#define ECG_SWEEP_RUNNER_H_

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/run/run_folder.h"
#include "ecg/sweep/claim.h"
#include "ecg/sweep/finished_run.h"
#include "ecg/sweep/live_block.h"
#include "ecg/sweep/plan.h"
#include "ecg/sweep/process.h"
#include "ecg/sweep/results.h"
#include "ecg/sweep/search.h"
#include "ecg/sweep/sweep_folder.h"
#include "ecg/sweep/time_left.h"
#include "ecg/terminal/progress.h"
#include "ecg/terminal/stopwatch.h"
#include "proto/sweep.pb.h"

namespace ecg {

// EpochsDone returns how many epochs the run in `folder` has finished.
int EpochsDone(const RunFolder& folder);

// Runner is the worker.
class Runner {
 public:
  struct Options {
    // The program of a run and its arguments; `resume` says that an earlier process started the run.
    std::function<std::vector<std::string>(const PlannedRun&, bool resume)> command;
    int jobs = 1;
    // How long a worker may show no sign of life before others take its runs over. The same for all workers.
    double lease_seconds = 60;
    // Whether to wait for what other workers run, and take it over if they die, where nothing else is left to do.
    bool waits = true;
  };

  // All arguments must outlive it. `search` proposes the runs of a sweep that is searched.
  Runner(Plan& plan, const SweepFolder& folder, const Options& options, Results& results, Search* search = nullptr);

  // Run runs what is not finished yet. A run that fails does not stop the others, and is not tried again by any worker
  // that is there by then; it is an error at the end.
  absl::Status Run();

 private:
  struct Running {
    const PlannedRun* run;
    Claim claim;  // outlives the process
    Process process;
    Stopwatch stopwatch;
    int epochs_before;
  };
  // A run that is claimed and can start.
  struct Ready {
    const PlannedRun* run;
    Claim claim;
    bool resume;
  };

  // Makes the runs that the plan has gained wait.
  void AddNewRuns();
  // Moves what waits, or failed, and is finished by now to the results. Tells of it, unless this is the beginning,
  // which shows its progress.
  absl::Status Collect(Progress* progress);
  absl::Status AddFinished(const PlannedRun& run, FinishedRun finished);
  // Reads the results of a finished run. One that cannot be used counts as failed; returns whether it can.
  absl::StatusOr<bool> ReadFinished(const PlannedRun& run);

  // Looks through what waits, and claims the next that can start.
  absl::StatusOr<std::optional<Ready>> ClaimNext();
  // Does what another worker's claim says, and returns whether the run waits no longer.
  absl::StatusOr<bool> TakeNote(const PlannedRun& run, const std::optional<SeenClaim>& seen, RunState& state);
  absl::Status LookAtOthers();
  absl::StatusOr<bool> Decide(bool wants_run);
  absl::Status FillSlots();
  absl::Status Start(Ready ready);
  absl::Status EndEnded(bool stopping);
  absl::Status End(Running& ended);
  void Fail(const PlannedRun& run, const std::string& line);
  absl::Status WriteResults();
  bool IsOver() const;

  void TellOfOther(const PlannedRun& run);
  std::string ScoreInWords(const PlannedRun& run) const;
  std::vector<std::string> Lines() const;
  std::string Elsewhere() const;

  Plan& plan_;
  const SweepFolder& folder_;
  const Options& options_;
  Results& results_;
  Search* const search_;
  Claims claims_;
  TimeLeft time_left_;
  LiveBlock live_;
  size_t known_runs_ = 0;                   // of the plan, its first ones
  std::vector<const PlannedRun*> waiting_;  // in order
  std::vector<Running> running_;
  std::vector<const PlannedRun*> failed_;
  // The number of the claim of each run that had failed before this worker began.
  std::map<std::string, int> retried_;
  std::map<std::string, SeenClaim> others_;  // what other workers run
  std::set<const PlannedRun*> dropped_;      // whose checkpoints a search needs no more
  double next_look_ = 0;                     // when to look for work again, in seconds since boot
  bool found_all_ = false;                   // the last look found nothing to start
  bool results_due_ = true;                  // the results do not have all that this worker has finished
  bool results_unsure_ = false;              // nor, maybe, what others have
};

}  // namespace ecg

#endif  // ECG_SWEEP_RUNNER_H_
