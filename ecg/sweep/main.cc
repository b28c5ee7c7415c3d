#include "ecg/sweep/main.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/command_line/command_line.h"
#include "ecg/device/library_settings.h"
#include "ecg/distributed/membership.h"
#include "ecg/file/path.h"
#include "ecg/run/run_json.h"
#include "ecg/spec/check.h"
#include "ecg/spec/compiled.h"
#include "ecg/spec/embedded_spec.h"
#include "ecg/spec/parse.h"
#include "ecg/spec/settings.h"
#include "ecg/status/status_macros.h"
#include "ecg/sweep/claim.h"
#include "ecg/sweep/parse_sweep.h"
#include "ecg/sweep/plan.h"
#include "ecg/sweep/results.h"
#include "ecg/sweep/runner.h"
#include "ecg/sweep/search.h"
#include "ecg/sweep/sweep_folder.h"
#include "ecg/sweep/time_left.h"
#include "ecg/terminal/progress.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"
#include "proto/sweep.pb.h"

namespace ecg {

namespace {

// SweepFlags are the flags on the command line.
struct SweepFlags {
  std::string data_dir;
  std::string output_dir;
  std::string device;
  std::string settings;
  std::vector<std::string> set;
  std::vector<std::string> only;
  int demo_records = 0;
  int jobs = 1;
  double lease_seconds = 60;
  bool no_wait = false;
  bool list = false;
};

// ProgramPath returns the path of `program`, as the build names it, where the program that the build names `own` was
// started as `typed`.
std::filesystem::path ProgramPath(absl::string_view typed, const std::string& own, const std::string& program) {
  std::error_code error;
  const std::filesystem::path self = absl::StrContains(typed, '/')
                                         ? std::filesystem::absolute(std::string(typed))
                                         : std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path from_self =
      std::filesystem::path(program).lexically_relative(std::filesystem::path(own).parent_path());
  return (self.parent_path() / from_self).lexically_normal();
}

// ListRuns prints the state of every run, which worker has claimed it, and an estimate of the time that the others
// take.
absl::Status ListRuns(const Plan& plan, const SweepFolder& folder, int jobs) {
  TimeLeft time;
  Claims claims(folder.claims(), /*lease_seconds=*/60);  // it takes none
  std::vector<RunState> states;
  std::vector<std::string> notes;
  for (const PlannedRun& run : plan.runs) {
    ECG_ASSIGN_OR_RETURN(states.emplace_back(), folder.StateOf(run));
    std::string& note = notes.emplace_back();
    if (states.back() == RunState::kStarted) {
      note = absl::StrCat("  ", EpochsDone(folder.run(run)), " of ", run.spec.training().epochs(), " epochs");
    }
    if (states.back() != RunState::kFinished) {
      ECG_ASSIGN_OR_RETURN(const std::optional<SeenClaim> seen, claims.Look(run.name));
      if (seen && !seen->is_free) absl::StrAppend(&note, "  claimed by ", WorkerInWords(seen->claim));
      if (seen && seen->failed()) absl::StrAppend(&note, "  failed on ", WorkerInWords(seen->claim));
    }
    if (states.back() != RunState::kFinished) continue;
    ECG_ASSIGN_OR_RETURN(const run::Run done, ReadRun(folder.run(run).run()));
    const double seconds =
        done.timing().data_seconds() + done.timing().training_seconds() + done.timing().test_seconds();
    note = absl::StrFormat("  validation %s %.4f, %s", done.validation().score_name(), done.validation().score(),
                           Duration(seconds));
    time.Add(run, seconds);
  }
  double seconds = 0;
  size_t finished = 0;
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    const char* words[] = {"not started", "started", "finished"};
    std::printf("%-11s  %s%s\n", words[static_cast<int>(states[i])], plan.runs[i].name.c_str(), notes[i].c_str());
    if (states[i] == RunState::kFinished) ++finished;
    if (states[i] != RunState::kFinished) seconds += time.Of(plan.runs[i]).value_or(0);
  }
  std::string line = absl::StrCat(finished, " of ", plan.runs.size(), " runs are finished");
  if (finished > 0 && finished < plan.runs.size()) {
    absl::StrAppend(&line, "; the others should take about ", Duration(seconds / jobs));
  }
  std::puts(absl::StrCat(line, " (", folder.path().string(), ")").c_str());
  return absl::OkStatus();
}

// ReadExperiments returns the experiments of `embedded`, which was started as `typed`. Their programs must be built.
absl::StatusOr<std::vector<SweepExperiment>> ReadExperiments(const EmbeddedSweep& embedded, absl::string_view typed) {
  std::vector<SweepExperiment> experiments;
  for (const EmbeddedSweep::Experiment& one : embedded.experiments) {
    SweepExperiment& experiment = experiments.emplace_back();
    experiment.name = std::string(one.spec.name);
    experiment.program = ProgramPath(typed, embedded.program, one.program).string();
    ECG_ASSIGN_OR_RETURN(experiment.spec, ParseExperiment(one.spec.text, one.spec.file));
    std::error_code error;
    if (!std::filesystem::exists(experiment.program, error)) {
      return absl::NotFoundError(absl::StrCat("the program of the experiment ", experiment.name, " is not at ",
                                              experiment.program,
                                              "; start the sweep where it was built, with bazel run"));
    }
  }
  return experiments;
}

// CheckData makes sure that the flags name the records of `experiments` at most once.
absl::Status CheckData(const SweepFlags& flags, const std::vector<SweepExperiment>& experiments) {
  if (!flags.data_dir.empty() && flags.demo_records > 0) {
    return absl::InvalidArgumentError("--data_dir and --demo_records exclude each other; pass one of them");
  }
  std::set<std::string> datasets;
  for (const SweepExperiment& experiment : experiments) {
    datasets.insert(CompiledChoices(experiment.spec)["data.dataset"].value);
  }
  if (flags.data_dir.empty() || datasets.size() < 2) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--data_dir names one folder, but this sweep reads ", absl::StrJoin(datasets, " and "),
                   "; name the folders with the environment variables that --help of the experiments lists"));
}

// SettingsPath returns the file of settings that the runs start from; empty where there is none.
std::string SettingsPath(const spec::Sweep& sweep, const SweepFlags& flags) {
  const std::string file = flags.settings.empty() ? sweep.settings_file() : flags.settings;
  return file.empty() ? "" : std::filesystem::absolute(UserPath(file)).string();
}

// ReadChanges returns what the flags, and the file `settings`, change in all runs.
absl::StatusOr<SweepChanges> ReadChanges(const SweepFlags& flags, const std::string& settings) {
  SweepChanges changes = {.settings = std::nullopt, .set = flags.set, .only = flags.only};
  if (settings.empty()) return changes;
  absl::StatusOr<spec::Experiment> read = ReadSettings(settings);
  if (read.ok()) {
    changes.settings = *std::move(read);
  } else if (absl::IsNotFound(read.status()) && flags.list) {
    std::fputs(absl::StrCat("There are no settings yet: there is no ", settings, "\n").c_str(), stderr);
  } else {
    return WithContext(read.status(),
                       "this sweep starts from the settings of another, which must be run first; or "
                       "pass --settings=FILE");
  }
  return changes;
}

// RunArguments returns the arguments that every run gets.
std::vector<std::string> RunArguments(const SweepFlags& flags, const std::string& settings,
                                      const spec::SweptData& data) {
  std::vector<std::string> arguments;
  if (!settings.empty()) arguments.push_back(absl::StrCat("--settings=", settings));
  if (!flags.device.empty()) arguments.push_back(absl::StrCat("--device=", flags.device));
  if (flags.jobs > 1) {
    // Runs at the same time share the cores.
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    arguments.push_back(absl::StrCat("--set=runtime.threads=", std::max(1, cores / flags.jobs)));
  }
  if (data.has_data_dir()) arguments.push_back(absl::StrCat("--data_dir=", data.data_dir()));
  if (data.has_demo_records()) arguments.push_back(absl::StrCat("--demo_records=", data.demo_records()));
  return arguments;
}

// RunSweep does what `flags` ask of the sweep `embedded`, which was started as `typed`.
absl::Status RunSweep(const EmbeddedSweep& embedded, const SweepFlags& flags, absl::string_view typed) {
  ECG_ASSIGN_OR_RETURN(const std::vector<SweepExperiment> experiments, ReadExperiments(embedded, typed));
  ECG_RETURN_IF_ERROR(CheckData(flags, experiments));
  ECG_ASSIGN_OR_RETURN(const spec::Sweep sweep, ParseSweep(embedded.sweep.text, embedded.sweep.file, experiments));
  const std::string settings = SettingsPath(sweep, flags);
  ECG_ASSIGN_OR_RETURN(const SweepChanges changes, ReadChanges(flags, settings));
  std::vector<Problem> problems;
  Plan plan = MakePlan(sweep, experiments, changes, &problems);
  if (!problems.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(
        problems, "\n", [](std::string* text, const Problem& problem) { absl::StrAppend(text, problem.message); }));
  }

  const std::string name(embedded.sweep.name);
  const SweepFolder folder(
      std::filesystem::absolute(flags.output_dir.empty() ? UserPath("runs") / name : UserPath(flags.output_dir)));
  std::optional<Search> search;
  if (plan.is_searched()) {
    ECG_ASSIGN_OR_RETURN(search, Search::Create(sweep, experiments, changes, folder.search()));
  }
  if (flags.list) {
    if (search) ECG_RETURN_IF_ERROR(search->Read(plan));
    return ListRuns(plan, folder, flags.jobs);
  }

  spec::SweptData data;
  if (!flags.data_dir.empty()) data.set_data_dir(std::filesystem::absolute(UserPath(flags.data_dir)).string());
  if (flags.demo_records > 0) data.set_demo_records(flags.demo_records);
  ECG_RETURN_IF_ERROR(folder.Start(data));
  // Each run would do so itself, and start again for it. OpenBLAS, which this program does not have, is left to them.
  SetPassiveWaiting();
  // Where srun or mpirun has started several workers, each run is still one process.
  LeaveGroupOfEnvironment();

  const std::vector<std::string> arguments = RunArguments(flags, settings, data);
  const auto command = [&](const PlannedRun& run, bool resume) {
    std::vector<std::string> words = {run.experiment->program,
                                      absl::StrCat("--output_dir=", folder.run(run).path().string())};
    words.insert(words.end(), arguments.begin(), arguments.end());
    for (const std::string& assignment : run.set) words.push_back(absl::StrCat("--set=", assignment));
    if (resume) words.push_back("--resume");
    return words;
  };
  Results results(name, plan);
  const Runner::Options options = {
      .command = command, .jobs = flags.jobs, .lease_seconds = flags.lease_seconds, .waits = !flags.no_wait};
  const absl::Status status = Runner(plan, folder, options, results, search ? &*search : nullptr).Run();
  if (absl::IsCancelled(status)) return status;
  std::printf("\n%s\nThis is in %s\n", results.Markdown().c_str(), folder.results_md().c_str());
  std::fflush(stdout);
  return status;
}

}  // namespace

int SweepMain(const EmbeddedSweep& embedded, int argc, char** argv) {
  SweepFlags flags;
  const std::string name(embedded.sweep.name), file(embedded.sweep.file);
  CLI::App app(absl::StrCat("Runs the sweep ", name, ", built from ", file,
                            ". Finished runs are not run again: after an interruption, the same command continues. "
                            "The same command on several machines, with the same --output_dir on a file system that "
                            "they share, divides the runs among them."),
               name);
  app.add_option("--output_dir", flags.output_dir,
                 absl::StrCat("Folder for the runs and the results; default runs/", name))
      ->type_name("FOLDER");
  app.add_option("--jobs", flags.jobs, "Runs at the same time, which share the cores and the device; default 1")
      ->check(CLI::Range(1, 1024));
  app.add_option("--lease_seconds", flags.lease_seconds,
                 "How long another worker may show no sign of life before its runs are taken over; the same for all "
                 "workers, default 60")
      ->check(CLI::Range(1.0, 86400.0));
  app.add_flag("--no_wait", flags.no_wait,
               "End when there is no run left to start, rather than when other workers have finished theirs");
  app.add_flag("--list", flags.list, "Print the state of each run and an estimate of the time left, and exit");
  app.add_option("--settings", flags.settings,
                 "Settings that all runs start from, such as another sweep's chosen.textproto")
      ->type_name("FILE");
  Repeatable(
      app.add_option("--set", flags.set, "Override a value in every run, such as training.epochs=2; may be repeated")
          ->type_name("PATH=VALUE"));
  Repeatable(
      app.add_option(
             "--only", flags.only,
             "Only the runs with this value of an axis, such as learning_rate=0.01; may be repeated, for other axes "
             "or for several values of one")
          ->type_name("AXIS=VALUE"));
  app.add_option("--device", flags.device, "cpu, cuda or cuda:N, for every run")->type_name("DEVICE");
  app.add_option("--data_dir", flags.data_dir, "Folder of the corpus, for every run")->type_name("FOLDER");
  app.add_option("--demo_records", flags.demo_records,
                 "Use a synthetic corpus with this number of records in every run")
      ->check(CLI::PositiveNumber);
  if (const std::optional<int> exit_status = ParseFlags(app, argc, argv)) return *exit_status;
  try {
    return ExitStatus(RunSweep(embedded, flags, argv[0]));
  } catch (const std::exception& error) {
    return ExitStatus(absl::InternalError(error.what()));
  }
}

}  // namespace ecg
