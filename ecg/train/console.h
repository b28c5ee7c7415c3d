// console.h
//
// The output of a training: a line for each finished epoch, and on a terminal a progress bar for the current one.
//
//   callbacks.push_back(Callbacks::Erase(Console(/*crops_per_step=*/64, "macro ROC-AUC")));
//
// prints
//
//   epoch  3/20  train loss 9.81, macro ROC-AUC 0.7514  validation loss 9.02, macro ROC-AUC 0.8120 (best)  9.1 s, ...

#ifndef ECG_TRAIN_CONSOLE_H_
#define ECG_TRAIN_CONSOLE_H_

#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "ecg/terminal/progress.h"
#include "ecg/train/callback.h"
#include "proto/run.pb.h"

namespace ecg {

// EpochLine returns the line for the last epoch of `state`.
inline std::string EpochLine(const run::TrainingState& state, int epochs, absl::string_view score_name) {
  const run::Epoch& epoch = *state.history().rbegin();
  const int width = static_cast<int>(std::to_string(epochs).size());
  std::string line = absl::StrFormat("epoch %*d/%d  train loss %.4g", width, epoch.epoch(), epochs, epoch.train_loss());
  if (epoch.has_train_score()) absl::StrAppendFormat(&line, ", %s %.4f", score_name, epoch.train_score());
  if (epoch.has_validation_score()) {
    const bool all = epoch.validation_scored_classes() == epoch.classes();
    absl::StrAppendFormat(&line, "  validation loss %.4g, %s %.4f%s%s", epoch.validation_loss(), score_name,
                          epoch.validation_score(),
                          all ? "" : absl::StrFormat(" of %d classes", epoch.validation_scored_classes()),
                          state.best_epoch() == epoch.epoch() ? " (best)" : "");
  }
  absl::StrAppendFormat(&line, "  %.1f s, %.0f crops/s", epoch.seconds(), epoch.crops() / epoch.training_seconds());
  return line;
}

// Console is a callback that writes to stdout, and its bars to stderr.
class Console {
 public:
  // `crops_per_step` is the number of crops whose gradients make a step.
  Console(int crops_per_step, absl::string_view score_name)
      : crops_per_step_(crops_per_step), score_name_(score_name) {}

  void BeginEpoch(const TrainingProgress& progress) {
    bar_ = std::make_unique<Progress>(absl::StrFormat("epoch %d/%d", progress.epoch, progress.epochs),
                                      int64_t{progress.steps} * crops_per_step_, "crops");
  }

  void EndStep(const TrainingProgress& progress) {
    bar_->Advance(crops_per_step_, absl::StrFormat("loss %.4g", progress.loss));
  }

  // EndBatches takes the bar away: validation has its own.
  void EndBatches(const TrainingProgress&) { bar_.reset(); }

  void EndEpoch(const TrainingProgress& progress) {
    std::puts(EpochLine(progress.state, progress.epochs, score_name_).c_str());
    std::fflush(stdout);
  }

 private:
  int crops_per_step_;
  std::string score_name_;
  std::unique_ptr<Progress> bar_;
};

}  // namespace ecg

#endif  // ECG_TRAIN_CONSOLE_H_
