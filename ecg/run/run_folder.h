// run_folder.h
//
// The folder of a run, and the rules by which a run is resumed.
//
//   spec.textproto      the spec as it was run, every default filled in
//   run.json            the configuration and the results of the run (proto/run.proto), written when all but the
//                       report is there
//   history.csv         a row for each epoch
//   events.out.tfevents.*   the curves for TensorBoard (event_log.h)
//   predictions.csv     targets and probabilities of the test records
//   validation_predictions.csv   those of the validation records
//   model.safetensors   the best weights, with classes, leads and scaling as metadata
//   features.safetensors   where the training records lie in the space of the network's features (feature_space.h)
//   model.onnx          the same network for ONNX Runtime, from millivolts to probabilities
//   report.html         all of it for people, in one page (ecg/report/run_report.h)
//   corpus.textproto    which records the run was begun on
//   checkpoints/        what --resume continues from
//   members/            of an ensemble, such files of each member, in 1/, 2/, ... (ecg/ensemble)
//
//   const RunFolder folder("runs/resnet18_all/1");
//   ECG_RETURN_IF_ERROR(folder.CheckNew());
//   ECG_RETURN_IF_ERROR(folder.Start(spec::Experiment(), run::CorpusIdentity()));

#ifndef ECG_RUN_RUN_FOLDER_H_
#define ECG_RUN_RUN_FOLDER_H_

#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/run/comparable_spec.h"
#include "ecg/spec/parse.h"
#include "ecg/spec/resolve.h"
#include "ecg/status/status_macros.h"
#include "google/protobuf/text_format.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"

namespace ecg {

// RunFolder names the files of a run.
class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path spec() const { return path_ / "spec.textproto"; }
  std::filesystem::path run() const { return path_ / "run.json"; }
  std::filesystem::path history() const { return path_ / "history.csv"; }
  std::filesystem::path predictions() const { return path_ / "predictions.csv"; }
  std::filesystem::path validation_predictions() const { return path_ / "validation_predictions.csv"; }
  std::filesystem::path model() const { return path_ / "model.safetensors"; }
  std::filesystem::path features() const { return path_ / "features.safetensors"; }
  std::filesystem::path onnx() const { return path_ / "model.onnx"; }
  std::filesystem::path report() const { return path_ / "report.html"; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  std::filesystem::path corpus() const { return path_ / "corpus.textproto"; }
  std::filesystem::path members() const { return path_ / "members"; }

  // member returns the folder of member number `number` of an ensemble, from 1 on.
  RunFolder member(int number) const { return RunFolder(members() / absl::StrCat(number)); }

  // CheckOneNetwork refuses the folder of an ensemble, for `what`, which needs the weights of one network.
  absl::Status CheckOneNetwork(absl::string_view what) const {
    std::error_code error;
    if (!std::filesystem::exists(members(), error)) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(path_.string(), " holds an ensemble of several networks, and ",
                                                      what, " needs a run of one. Pass the run of a member; run.json ",
                                                      "names them"));
  }

  // CheckNew returns an error if a new run cannot be written here. It changes nothing.
  absl::Status CheckNew() const {
    std::error_code error;
    if (std::filesystem::exists(spec(), error)) {
      return absl::AlreadyExistsError(
          absl::StrCat(path_.string(), " already holds a run. Pass --resume to continue it, or another --output_dir"));
    }
    if (std::filesystem::exists(checkpoints(), error)) {
      return absl::AlreadyExistsError(
          absl::StrCat(path_.string(),
                       " holds checkpoints without a spec.textproto, of a run that failed at its start. "
                       "Delete it, or pass another --output_dir"));
    }
    std::filesystem::path existing = std::filesystem::absolute(path_);
    while (!std::filesystem::exists(existing, error)) existing = existing.parent_path();
    if (!std::filesystem::is_directory(existing, error)) {
      return absl::FailedPreconditionError(absl::StrCat("cannot write the run to ", path_.string(), ": ",
                                                        existing.string(), " is a file, not a folder"));
    }
    if (access(existing.c_str(), W_OK | X_OK) != 0) return ErrnoError("write the run to", path_);
    return absl::OkStatus();
  }

  // Start makes the folder and keeps `corpus` and `spec` in it; the spec, written last, makes it a run.
  absl::Status Start(const spec::Experiment& spec, const run::CorpusIdentity& corpus) const {
    ECG_RETURN_IF_ERROR(MakeDirectories(path_));
    std::string text;
    google::protobuf::TextFormat::PrintToString(corpus, &text);
    ECG_RETURN_IF_ERROR(WriteFile(this->corpus(), text));
    return WriteFile(this->spec(), ToText(spec));
  }

  // ReadSpec returns the spec of the run that is here.
  absl::StatusOr<spec::Experiment> ReadSpec() const {
    absl::StatusOr<std::string> text = ReadFile(spec());
    if (!text.ok()) {
      return absl::NotFoundError(absl::StrCat("there is no run in ", path_.string(), " (no spec.textproto)"));
    }
    return ParseExperiment(*text, spec().string());
  }

  // ReadSpecWithClasses returns the spec of a run that was trained with labels, whose model predicts classes.
  absl::StatusOr<spec::Experiment> ReadSpecWithClasses() const {
    ECG_ASSIGN_OR_RETURN(spec::Experiment spec, ReadSpec());
    if (!spec.training().has_self_supervised()) return spec;
    return absl::InvalidArgumentError(absl::StrCat("the run in ", path_.string(),
                                                   " was trained without labels, so that it predicts no classes. ",
                                                   "Fine-tune it, with training.start_from, and pass that run"));
  }

  // ReadCorpus returns which records the run was begun on. A run of an older version does not say: NotFoundError.
  absl::StatusOr<run::CorpusIdentity> ReadCorpus() const {
    ECG_ASSIGN_OR_RETURN(const std::string text, ReadFile(corpus()));
    run::CorpusIdentity identity;
    if (!google::protobuf::TextFormat::ParseFromString(text, &identity)) {
      return absl::DataLossError(absl::StrCat(corpus().string(), " does not say which records the run is about"));
    }
    return identity;
  }

 private:
  std::filesystem::path path_;
};

// CheckSameExperiment makes sure that a run which began with the spec `before` can be resumed with `now`: that they
// differ at most in what ComparableSpec leaves out, in how to test and what to write, in early stopping, and in the
// number of epochs, unless the learning rate `depends_on_epochs` or the last ones are averaged.
inline absl::Status CheckSameExperiment(const spec::Experiment& before, const spec::Experiment& now,
                                        bool depends_on_epochs) {
  const auto comparable = [depends_on_epochs](const spec::Experiment& spec) {
    spec::Experiment result = ComparableSpec(spec);
    result.mutable_evaluation()->clear_bootstrap();
    result.mutable_evaluation()->clear_batch_windows();
    result.clear_result_writer();
    const bool averages_last = result.training().averaged_weights().last_epochs() > 0;
    if (!depends_on_epochs && !averages_last) result.mutable_training()->clear_epochs();
    result.mutable_training()->clear_early_stopping();
    return result;
  };
  const std::string differences = SpecDifferences(comparable(before), comparable(now));
  if (differences.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "cannot resume a run with another spec; it would not be the same experiment:\n", differences,
      "Only training.epochs (unless the schedule or averaged_weights depends on it), training.early_stopping, "
      "evaluation.bootstrap, "
      "evaluation.batch_windows, result_writer and runtime may change. Start a new run in another --output_dir"));
}

}  // namespace ecg

#endif  // ECG_RUN_RUN_FOLDER_H_
