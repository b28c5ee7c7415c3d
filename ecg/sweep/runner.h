// runner.h
//
// Runs the unfinished runs of a sweep, several at a time, and writes the results after each.
//
//   const auto command = [&](const PlannedRun& run, bool resume) {
//     std::vector<std::string> words = {"examples/resnet18_all", "--output_dir=" + folder.run(run).path().string()};
//     if (resume) words.push_back("--resume");
//     return words;
//   };
//   Results results("grid_resnet18", plan);
//   const Runner::Options options = {.command = command, .jobs = 2};
//   ECG_RETURN_IF_ERROR(Runner(plan, folder, options, results).Run());

#ifndef ECG_SWEEP_RUNNER_H_
#define ECG_SWEEP_RUNNER_H_

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
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
#include "absl/strings/str_split.h"
#include "ecg/file/csv.h"
#include "ecg/file/file.h"
#include "ecg/run/run_folder.h"
#include "ecg/status/status_macros.h"
#include "ecg/sweep/finished_run.h"
#include "ecg/sweep/live_block.h"
#include "ecg/sweep/plan.h"
#include "ecg/sweep/process.h"
#include "ecg/sweep/results.h"
#include "ecg/sweep/sweep_folder.h"
#include "ecg/sweep/table.h"
#include "ecg/sweep/time_left.h"
#include "ecg/terminal/progress.h"
#include "ecg/terminal/stopwatch.h"

namespace ecg {

// EpochsDone returns how many epochs the run in `folder` has finished.
inline int EpochsDone(const RunFolder& folder) {
  const absl::StatusOr<CsvTable> history = CsvTable::Read(folder.history());
  return history.ok() ? history->rows() : 0;
}

// DropCheckpoints deletes the tensors that only more training would need, four fifths of what a finished run takes on
// disk. Its weights are in model.safetensors. Errors are ignored.
inline void DropCheckpoints(const RunFolder& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder.checkpoints(), ignored)) {
    if (entry.path().extension() == ".safetensors") std::filesystem::remove(entry.path(), ignored);
  }
}

// StopSignal notes that this program was asked to end, by Ctrl-C or by the system.
class StopSignal {
 public:
  StopSignal() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
      struct sigaction action = {};
      action.sa_handler = [](int) { received_ = 1; };
      action.sa_flags = SA_RESETHAND;  // a second one ends the program at once
      sigaction(signal, &action, nullptr);
    }
  }
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  bool received() const { return received_ != 0; }

 private:
  static inline volatile sig_atomic_t received_ = 0;
};

// Runner runs one sweep.
class Runner {
 public:
  struct Options {
    // The program of a run and its arguments; `resume` says that an earlier process started the run.
    std::function<std::vector<std::string>(const PlannedRun&, bool resume)> command;
    int jobs = 1;
  };

  // All arguments must outlive it.
  Runner(const Plan& plan, const SweepFolder& folder, const Options& options, Results& results)
      : plan_(plan), folder_(folder), options_(options), results_(results) {}

  // Run runs what is not finished yet. A run that fails does not stop the others; it is an error at the end.
  absl::Status Run() {
    std::vector<Waiting> waiting;  // the next one last
    auto progress = std::make_optional<Progress>("reading finished runs", plan_.runs.size(), "runs");
    for (const PlannedRun& run : plan_.runs) {
      ECG_ASSIGN_OR_RETURN(const RunState state, folder_.StateOf(run));
      if (state == RunState::kFinished) {
        absl::StatusOr<FinishedRun> finished = FinishedRun::Read(folder_.run(run));
        if (!finished.ok()) {
          return WithContext(finished.status(), absl::StrCat("cannot use the finished run ", run.name,
                                                             "; delete its folder to run it again"));
        }
        ECG_RETURN_IF_ERROR(Add(run, *std::move(finished)));
      } else {
        waiting.push_back({&run, state == RunState::kStarted});
      }
      progress->Advance();
    }
    progress.reset();
    if (waiting.size() < plan_.runs.size()) {
      live_.Print(
          absl::StrCat(plan_.runs.size() - waiting.size(), " of ", plan_.runs.size(), " runs were finished before"));
    }
    std::ranges::reverse(waiting);
    ECG_RETURN_IF_ERROR(results_.Write(folder_));

    const StopSignal stop;
    bool stopping = false;
    while (!running_.empty() || (!waiting.empty() && !stopping)) {
      if (stop.received() && !stopping) {
        stopping = true;
        for (const Running& one : running_) one.process.Stop();
      }
      while (!stopping && !waiting.empty() && running_.size() < static_cast<size_t>(options_.jobs)) {
        ECG_RETURN_IF_ERROR(Start(waiting.back()));
        waiting.pop_back();
      }
      for (size_t i = 0; i < running_.size();) {
        if (!running_[i].process.Ended()) {
          ++i;
          continue;
        }
        const Running ended = std::move(running_[i]);
        running_.erase(running_.begin() + i);
        if (!stopping || ended.process.failure().empty()) ECG_RETURN_IF_ERROR(End(ended));
      }
      live_.Draw(Lines(waiting));
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    if (stopping) {
      return absl::CancelledError(absl::StrCat("stopped; ", results_.finished().size(), " of ", plan_.runs.size(),
                                               " runs are finished, and the same command continues with the others"));
    }
    if (failed_.empty()) return absl::OkStatus();
    return absl::InternalError(absl::StrCat(failed_.size(), " of ", plan_.runs.size(), " runs failed: ",
                                            absl::StrJoin(failed_, " "), "; the same command runs them again"));
  }

 private:
  struct Waiting {
    const PlannedRun* run;
    bool resume;
  };
  struct Running {
    const PlannedRun* run;
    Process process;
    Stopwatch stopwatch;
    int epochs_before;
  };

  // Adds a finished run to the results. Fails where its records are not those of another run on the same corpus: an
  // environment variable may have changed since.
  absl::Status Add(const PlannedRun& run, FinishedRun finished) {
    for (const auto& [name, other] : results_.finished()) {
      if (other.corpus != finished.corpus || other.data_dir == finished.data_dir) continue;
      return absl::FailedPreconditionError(
          absl::StrCat(run.name, " was run on the records in ", finished.data_dir, ", but ", name, " on those in ",
                       other.data_dir, "; pass another --output_dir, or delete the runs on the wrong records"));
    }
    time_left_.Add(run, finished.seconds);
    results_.Add(run, std::move(finished));
    return absl::OkStatus();
  }

  absl::Status Start(const Waiting& waiting) {
    const PlannedRun& run = *waiting.run;
    ECG_RETURN_IF_ERROR(MakeDirectories(folder_.run(run).path()));
    ECG_ASSIGN_OR_RETURN(Process process, Process::Start(options_.command(run, waiting.resume), folder_.log(run)));
    running_.push_back({&run, std::move(process), Stopwatch(), EpochsDone(folder_.run(run))});
    if (!live_.on_terminal()) live_.Print(absl::StrCat(run.name, waiting.resume ? ": resumed" : ": started"));
    return absl::OkStatus();
  }

  absl::Status End(const Running& ended) {
    const PlannedRun& run = *ended.run;
    std::string failure = ended.process.failure();
    absl::StatusOr<FinishedRun> finished = absl::InternalError(failure);
    if (failure.empty()) finished = FinishedRun::Read(folder_.run(run));
    if (!finished.ok()) {
      failed_.push_back(run.name);
      live_.Print(absl::StrCat(run.name, ": failed, ", std::string(finished.status().message()), "; the end of ",
                               folder_.log(run).string(), ":\n", LastLines(folder_.log(run))));
      return absl::OkStatus();
    }
    DropCheckpoints(folder_.run(run));
    std::string line =
        absl::StrFormat("%s: validation %s %.4f", run.name, finished->score_name, finished->validation_score);
    // Where the validation score chooses, the test scores of all candidates must not be seen.
    if (AxesWithUse(plan_.sweep, spec::Axis::CHOSEN).empty()) {
      absl::StrAppendFormat(&line, ", test %.4f", finished->test.score);
    }
    ECG_RETURN_IF_ERROR(Add(run, *std::move(finished)));
    live_.Print(absl::StrFormat("%s, %s (%d of %d)", line, Duration(ended.stopwatch.seconds()),
                                results_.finished().size(), plan_.runs.size()));
    return results_.Write(folder_);
  }

  // The last lines of a log, indented.
  static std::string LastLines(const std::filesystem::path& log) {
    constexpr size_t kLines = 5;
    std::vector<std::string> lines = absl::StrSplit(ReadFile(log).value_or(""), '\n', absl::SkipWhitespace());
    if (lines.size() > kLines) lines.erase(lines.begin(), lines.end() - kLines);
    return absl::StrCat("    ", absl::StrJoin(lines, "\n    "));
  }

  // What the terminal shows: the progress of the sweep, and a line for each run in progress.
  std::vector<std::string> Lines(const std::vector<Waiting>& waiting) const {
    double seconds = 0;
    bool known = true;
    for (const Waiting& one : waiting) {
      const std::optional<double> of_run = time_left_.Of(*one.run);
      known &= of_run.has_value();
      seconds += of_run.value_or(0);
    }
    std::vector<std::string> lines(1);
    for (const Running& one : running_) {
      const int epochs = one.run->spec.training().epochs(), done = EpochsDone(folder_.run(*one.run));
      const double spent = one.stopwatch.seconds();
      lines.push_back(
          absl::StrFormat("  %s  epoch %d/%d, %s", one.run->name, std::min(done + 1, epochs), epochs, Duration(spent)));
      const std::optional<double> whole = time_left_.Of(*one.run);
      known &= whole.has_value();
      seconds += std::max(0.0, whole.value_or(0) * (epochs - one.epochs_before) / epochs - spent);
    }
    lines[0] = absl::StrFormat("%d of %d runs finished%s%s", results_.finished().size(), plan_.runs.size(),
                               failed_.empty() ? "" : absl::StrCat(", ", failed_.size(), " failed"),
                               known ? absl::StrCat(", about ", Duration(seconds / options_.jobs), " left") : "");
    return lines;
  }

  const Plan& plan_;
  const SweepFolder& folder_;
  const Options& options_;
  Results& results_;
  TimeLeft time_left_;
  LiveBlock live_;
  std::vector<Running> running_;
  std::vector<std::string> failed_;
};

}  // namespace ecg

#endif  // ECG_SWEEP_RUNNER_H_
