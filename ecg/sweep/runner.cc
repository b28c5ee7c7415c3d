#include "ecg/sweep/runner.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <set>
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
#include "ecg/sweep/claim.h"
#include "ecg/sweep/deadline.h"
#include "ecg/sweep/finished_run.h"
#include "ecg/sweep/go_on.h"
#include "ecg/sweep/plan.h"
#include "ecg/sweep/process.h"
#include "ecg/sweep/results.h"
#include "ecg/sweep/search.h"
#include "ecg/sweep/sweep_folder.h"
#include "ecg/sweep/table.h"
#include "ecg/terminal/progress.h"
#include "ecg/terminal/stopwatch.h"

namespace ecg {
namespace {

// The claim on writing the results. The name of a run has = in it.
constexpr char kResultsClaim[] = "results";

// How often a worker with nothing to do looks at the folder.
constexpr double kLookSeconds = 1;

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

// DropCheckpoints deletes the tensors that only more training would need, four fifths of what a finished run takes on
// disk. Its weights are in model.safetensors. Errors are ignored.
void DropCheckpoints(const RunFolder& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder.checkpoints(), ignored)) {
    if (entry.path().extension() == ".safetensors") std::filesystem::remove(entry.path(), ignored);
  }
}

// The last lines of a log, indented.
std::string LastLines(const std::filesystem::path& log) {
  constexpr size_t kLines = 5;
  std::vector<std::string> lines = absl::StrSplit(ReadFile(log).value_or(""), '\n', absl::SkipWhitespace());
  if (lines.size() > kLines) lines.erase(lines.begin(), lines.end() - kLines);
  return absl::StrCat("    ", absl::StrJoin(lines, "\n    "));
}

}  // namespace

int EpochsDone(const RunFolder& folder) {
  const absl::StatusOr<CsvTable> history = CsvTable::Read(folder.history());
  return history.ok() ? history->rows() : 0;
}

Runner::Runner(Plan& plan, const SweepFolder& folder, const Options& options, Results& results, Search* search)
    : plan_(plan),
      folder_(folder),
      options_(options),
      results_(results),
      search_(search),
      claims_(folder.claims(), options.lease_seconds) {}

absl::Status Runner::Run() {
  if (search_ != nullptr) ECG_RETURN_IF_ERROR(search_->Read(plan_));
  AddNewRuns();
  // What failed before this worker was started is tried again.
  for (const std::string& name : claims_.Names()) {
    ECG_ASSIGN_OR_RETURN(const std::optional<SeenClaim> seen, claims_.Look(name));
    if (seen && seen->failed()) retried_[name] = seen->number;
  }
  {
    Progress progress("reading finished runs", plan_.runs.size(), "runs");
    ECG_RETURN_IF_ERROR(Collect(&progress));
  }
  if (!results_.finished().empty()) {
    live_.Print(absl::StrCat(results_.finished().size(), " of ", plan_.runs.size(), " runs were finished before"));
  }

  const StopSignal stop;
  bool stopping = false;
  while (true) {
    if (stop.received() && !stopping) {
      stopping = true;
      for (const Running& one : running_) one.process.Stop();
    }
    ECG_RETURN_IF_ERROR(EndEnded(stopping));
    if (!stopping) ECG_RETURN_IF_ERROR(FillSlots());
    if (results_due_ || (running_.empty() && results_unsure_)) ECG_RETURN_IF_ERROR(WriteResults());
    if (live_.on_terminal()) live_.Draw(Lines());
    if (running_.empty() && (stopping || IsOver())) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  if (stopping) {
    return absl::CancelledError(absl::StrCat("stopped; ", results_.finished().size(), " of ", plan_.runs.size(),
                                             " runs are finished, and the same command continues with the others"));
  }
  if (!waiting_.empty()) {
    live_.Print(absl::StrCat("Nothing is left to start. ", Elsewhere()));
  }
  if (failed_.empty()) return absl::OkStatus();
  std::vector<std::string> names;
  for (const PlannedRun* run : failed_) names.push_back(run->name);
  const std::string message =
      absl::StrCat(failed_.size(), " of ", plan_.runs.size(), " runs failed: ", absl::StrJoin(names, " "),
                   "; the same command runs them again");
  // A search is made to try what may fail, such as a learning rate at which training diverges.
  if (search_ != nullptr && !plan_.is_open && !results_.finished().empty()) {
    live_.Print(message);
    return absl::OkStatus();
  }
  return absl::InternalError(message);
}

void Runner::AddNewRuns() {
  for (; known_runs_ < plan_.runs.size(); ++known_runs_) waiting_.push_back(&plan_.runs[known_runs_]);
}

absl::Status Runner::Collect(Progress* progress) {
  std::set<const PlannedRun*> added, unusable;
  for (const std::vector<const PlannedRun*>& runs : {waiting_, failed_}) {
    for (const PlannedRun* run : runs) {
      ECG_ASSIGN_OR_RETURN(const RunState state, folder_.StateOf(*run));
      if (state == RunState::kFinished) {
        ECG_ASSIGN_OR_RETURN(const bool is_usable, ReadFinished(*run));
        (is_usable ? added : unusable).insert(run);
        if (is_usable && progress == nullptr) TellOfOther(*run);
      }
      if (progress != nullptr) progress->Advance();
    }
  }
  std::erase_if(waiting_, [&](const PlannedRun* run) { return added.count(run) + unusable.count(run) > 0; });
  std::erase_if(failed_, [&](const PlannedRun* run) { return added.count(run) > 0; });
  for (const PlannedRun* run : added) plan_.failed.erase(run->name);
  return absl::OkStatus();
}

absl::StatusOr<bool> Runner::ReadFinished(const PlannedRun& run) {
  absl::StatusOr<FinishedRun> finished = FinishedRun::Read(folder_.run(run));
  if (finished.ok()) {
    ECG_RETURN_IF_ERROR(AddFinished(run, *std::move(finished)));
    return true;
  }
  if (std::ranges::count(failed_, &run) == 0) {
    Fail(run, absl::StrCat(run.name, ": cannot be used, ", finished.status().message(),
                           "; delete its folder to run it again"));
  }
  return false;
}

// Fails where its records are not those of another run on the same corpus: an environment variable may have changed
// since.
absl::Status Runner::AddFinished(const PlannedRun& run, FinishedRun finished) {
  for (const auto& [name, other] : results_.finished()) {
    if (other.corpus != finished.corpus || other.data_dir == finished.data_dir) continue;
    // Machines may have the same records in different folders.
    if (!finished.records.empty() && other.records == finished.records) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(run.name, " was run on the records in ", finished.data_dir, ", but ", name, " on those in ",
                     other.data_dir, "; pass another --output_dir, or delete the runs on the wrong records"));
  }
  time_left_.Add(run, finished.seconds);
  return results_.Add(run, std::move(finished));
}

absl::StatusOr<bool> Runner::TakeNote(const PlannedRun& run, const std::optional<SeenClaim>& seen, RunState& state) {
  if (seen && !seen->is_free) {
    others_[run.name] = *seen;
    return false;
  }
  ECG_ASSIGN_OR_RETURN(state, folder_.StateOf(run));
  if (state == RunState::kFinished) {
    ECG_ASSIGN_OR_RETURN(const bool is_usable, ReadFinished(run));
    if (is_usable) TellOfOther(run);
    results_unsure_ = true;
    return true;
  }
  if (!seen || !seen->failed()) return false;
  const auto retried = retried_.find(run.name);
  if (retried != retried_.end() && retried->second == seen->number) return false;
  Fail(run, absl::StrCat(run.name, ": failed on ", WorkerInWords(seen->claim), ", ", seen->claim.reason(),
                         "; its output is in ", folder_.log(run).string()));
  return true;
}

absl::StatusOr<std::optional<Runner::Ready>> Runner::ClaimNext() {
  others_.clear();
  for (size_t i = 0; i < waiting_.size();) {
    const PlannedRun& run = *waiting_[i];
    RunState state = RunState::kNew;
    ECG_ASSIGN_OR_RETURN(const std::optional<SeenClaim> seen, claims_.Look(run.name));
    ECG_ASSIGN_OR_RETURN(const bool is_past, TakeNote(run, seen, state));
    if (is_past) {
      waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
      continue;
    }
    if (seen && !seen->is_free) {
      ++i;
      continue;
    }
    ECG_ASSIGN_OR_RETURN(std::optional<Claim> claim, claims_.Take(run.name, seen));
    if (!claim) {
      ++i;  // another was faster
      continue;
    }
    // It may have been finished since.
    ECG_ASSIGN_OR_RETURN(state, folder_.StateOf(run));
    if (state == RunState::kFinished) {
      ECG_RETURN_IF_ERROR(claim->Finish());
      continue;  // and is taken note of
    }
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
    return std::optional<Ready>({&run, *std::move(claim), state == RunState::kStarted});
  }
  return std::optional<Ready>();
}

absl::Status Runner::LookAtOthers() {
  others_.clear();
  std::set<std::string> claimed;
  for (std::string& name : claims_.Names()) claimed.insert(std::move(name));
  for (const PlannedRun* run : waiting_) {
    if (claimed.count(run->name) == 0) continue;
    ECG_ASSIGN_OR_RETURN(const std::optional<SeenClaim> seen, claims_.Look(run->name));
    if (seen && !seen->is_free) others_[run->name] = *seen;
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Runner::Decide(bool wants_run) {
  const bool was_open = plan_.is_open;
  ECG_ASSIGN_OR_RETURN(const bool has_grown, search_->Decide(plan_, results_.finished(), wants_run));
  if (plan_.is_open != was_open) results_due_ = true;
  AddNewRuns();
  for (const PlannedRun& run : plan_.runs) {
    if (results_.finished().count(run.name) == 0 || search_->GoesOn(run)) continue;
    if (dropped_.insert(&run).second) DropCheckpoints(folder_.run(run));
  }
  return has_grown;
}

absl::Status Runner::FillSlots() {
  if (BootSeconds() < next_look_) return absl::OkStatus();
  found_all_ = false;
  const size_t jobs = options_.jobs;
  while (running_.size() < jobs) {
    ECG_ASSIGN_OR_RETURN(std::optional<Ready> ready, ClaimNext());
    if (ready) {
      ECG_RETURN_IF_ERROR(Start(*std::move(ready)));
      continue;
    }
    if (search_ != nullptr) {
      ECG_ASSIGN_OR_RETURN(const bool has_grown, Decide(/*wants_run=*/true));
      if (has_grown) continue;
    }
    found_all_ = true;
    break;
  }
  if (running_.size() == jobs) ECG_RETURN_IF_ERROR(LookAtOthers());
  next_look_ = BootSeconds() + kLookSeconds;
  return absl::OkStatus();
}

absl::Status Runner::Start(Ready ready) {
  const PlannedRun& run = *ready.run;
  const RunFolder run_folder = folder_.run(run);
  if (!ready.resume && run.goes_on_from != nullptr) {
    ECG_RETURN_IF_ERROR(GoOn(folder_.run(*run.goes_on_from), run.spec.training().epochs(), run_folder));
    ready.resume = true;
  }
  ECG_RETURN_IF_ERROR(MakeDirectories(run_folder.path()));
  ECG_ASSIGN_OR_RETURN(Process process,
                       Process::Start(options_.command(run, ready.resume), folder_.log(run), &ready.claim.deadline()));
  running_.push_back({&run, std::move(ready.claim), std::move(process), Stopwatch(), EpochsDone(run_folder)});
  if (!live_.on_terminal()) live_.Print(absl::StrCat(run.name, ready.resume ? ": resumed" : ": started"));
  return absl::OkStatus();
}

absl::Status Runner::EndEnded(bool stopping) {
  for (size_t i = 0; i < running_.size();) {
    if (!running_[i].process.Ended()) {
      ++i;
      continue;
    }
    Running ended = std::move(running_[i]);
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
    next_look_ = 0;
    if (!stopping || ended.process.failure().empty()) ECG_RETURN_IF_ERROR(End(ended));
  }
  return absl::OkStatus();
}

absl::Status Runner::End(Running& ended) {
  const PlannedRun& run = *ended.run;
  if (!ended.claim.held()) {
    live_.Print(absl::StrCat(run.name, ": given up. This worker stood still for too long, or could not write to ",
                             folder_.claims().string(), ", so that another worker may have taken it over"));
    waiting_.insert(waiting_.begin(), &run);
    return absl::OkStatus();
  }
  const std::string failure = ended.process.failure();
  absl::StatusOr<FinishedRun> finished = absl::InternalError(failure);
  if (failure.empty()) finished = FinishedRun::Read(folder_.run(run));
  if (!finished.ok()) {
    const std::string reason(finished.status().message());
    ECG_RETURN_IF_ERROR(ended.claim.Fail(reason));
    Fail(run, absl::StrCat(run.name, ": failed, ", reason, "; the end of ", folder_.log(run).string(), ":\n",
                           LastLines(folder_.log(run))));
    return absl::OkStatus();
  }
  if (search_ == nullptr || !search_->GoesOn(run)) DropCheckpoints(folder_.run(run));
  if (run.goes_on_from != nullptr) DropCheckpoints(folder_.run(*run.goes_on_from));
  ECG_RETURN_IF_ERROR(AddFinished(run, *std::move(finished)));
  ECG_RETURN_IF_ERROR(ended.claim.Finish());
  results_due_ = true;
  live_.Print(absl::StrFormat("%s, %s (%d of %d)", ScoreInWords(run), Duration(ended.stopwatch.seconds()),
                              results_.finished().size(), plan_.runs.size()));
  return absl::OkStatus();
}

void Runner::Fail(const PlannedRun& run, const std::string& line) {
  failed_.push_back(&run);
  if (search_ != nullptr) {
    plan_.failed.insert(run.name);
    results_due_ = true;
  }
  live_.Print(line);
}

absl::Status Runner::WriteResults() {
  ECG_ASSIGN_OR_RETURN(const std::optional<SeenClaim> seen, claims_.Look(kResultsClaim));
  if (seen && !seen->is_free) return absl::OkStatus();  // later
  ECG_ASSIGN_OR_RETURN(std::optional<Claim> claim, claims_.Take(kResultsClaim, seen));
  if (!claim) return absl::OkStatus();
  ECG_RETURN_IF_ERROR(Collect(nullptr));
  if (search_ != nullptr) ECG_RETURN_IF_ERROR(Decide(/*wants_run=*/false).status());
  if (!claim->held()) return absl::OkStatus();
  ECG_RETURN_IF_ERROR(results_.Write(folder_));
  results_due_ = results_unsure_ = false;
  return claim->GiveBack();
}

bool Runner::IsOver() const {
  if (results_due_ || results_unsure_) return false;
  if (!found_all_) return waiting_.empty() && search_ == nullptr;
  // With nothing left to start: what waits is run by others.
  return waiting_.empty() || (!options_.waits && others_.size() == waiting_.size());
}

void Runner::TellOfOther(const PlannedRun& run) {
  live_.Print(absl::StrCat(ScoreInWords(run), ", by another worker (", results_.finished().size(), " of ",
                           plan_.runs.size(), ")"));
}

std::string Runner::ScoreInWords(const PlannedRun& run) const {
  const FinishedRun& finished = results_.finished().at(run.name);
  std::string text =
      absl::StrFormat("%s: validation %s %.4f", run.name, finished.score_name, finished.validation_score);
  // Where the validation score chooses, the test scores of all candidates must not be seen.
  if (AxesWithUse(plan_.sweep, spec::Axis::CHOSEN).empty()) {
    absl::StrAppendFormat(&text, ", test %.4f", finished.test.score);
  }
  return text;
}

// What the terminal shows: the progress of the sweep, and a line for each run in progress.
std::vector<std::string> Runner::Lines() const {
  double seconds = 0;
  bool known = true;
  for (const PlannedRun* run : waiting_) {
    const std::optional<double> of_run = time_left_.Of(*run);
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
  const size_t at_once = options_.jobs + others_.size();
  lines[0] = absl::StrFormat("%d of %d runs finished%s%s", results_.finished().size(), plan_.runs.size(),
                             failed_.empty() ? "" : absl::StrCat(", ", failed_.size(), " failed"),
                             known && !plan_.is_open
                                 ? absl::StrCat(", about ", Duration(seconds / static_cast<double>(at_once)), " left")
                                 : "");
  if (!others_.empty()) lines.push_back(absl::StrCat("  ", Elsewhere()));
  return lines;
}

// What other workers do, in a line.
std::string Runner::Elsewhere() const {
  std::map<std::string, std::vector<std::string>> by_worker;
  for (const auto& [name, seen] : others_) by_worker[WorkerInWords(seen.claim)].push_back(name);
  return absl::StrCat("Other workers: ", absl::StrJoin(by_worker, "; ", [](std::string* text, const auto& worker) {
                        absl::StrAppend(text, worker.first, " ", absl::StrJoin(worker.second, " "));
                      }));
}

}  // namespace ecg
