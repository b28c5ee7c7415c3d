// console.h
//
// The output of a training: a line for each finished epoch, and on a terminal a progress bar for the current one.
//
//   Console console(/*epochs=*/20, /*crops_per_step=*/128, "macro ROC-AUC");
//   console.BeginEpoch(/*epoch=*/3, /*steps=*/10);
//   console.EndStep(/*loss_per_crop=*/9.8);
//   console.EndTraining();
//   ECG_RETURN_IF_ERROR(console.EndEpoch(state));
//
// prints
//
//   epoch  3/20  train loss 9.81, macro ROC-AUC 0.7514  validation loss 9.02, macro ROC-AUC 0.8120 (best)  9.1 s, ...

#ifndef ECG_TERMINAL_CONSOLE_H_
#define ECG_TERMINAL_CONSOLE_H_

#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "ecg/terminal/progress.h"
#include "proto/run.pb.h"

namespace ecg {

// EpochLine returns the line for the last epoch of `state`.
inline std::string EpochLine(const run::TrainingState& state, int epochs, absl::string_view score_name) {
  const run::Epoch& epoch = *state.history().rbegin();
  const int width = static_cast<int>(std::to_string(epochs).size());
  std::string line = absl::StrFormat("epoch %*d/%d  train loss %.4g, %s %.4f", width, epoch.epoch(), epochs,
                                     epoch.train_loss(), score_name, epoch.train_score());
  if (epoch.has_validation_score()) {
    absl::StrAppendFormat(&line, "  validation loss %.4g, %s %.4f%s", epoch.validation_loss(), score_name,
                          epoch.validation_score(), state.best_epoch() == epoch.epoch() ? " (best)" : "");
  }
  absl::StrAppendFormat(&line, "  %.1f s, %.0f crops/s", epoch.seconds(), epoch.crops() / epoch.training_seconds());
  return line;
}

// Console is a callback of Trainer that prints to stdout, and progress bars to stderr.
class Console {
 public:
  // `epochs` is the maximum; `crops_per_step` is the batch size.
  Console(int epochs, int crops_per_step, absl::string_view score_name)
      : epochs_(epochs), crops_per_step_(crops_per_step), score_name_(score_name) {}

  void BeginEpoch(int epoch, int steps) {
    bar_ = std::make_unique<Progress>(absl::StrFormat("epoch %d/%d", epoch, epochs_), int64_t{steps} * crops_per_step_,
                                      "crops");
  }

  void EndStep(double loss_per_crop) { bar_->Advance(crops_per_step_, absl::StrFormat("loss %.4g", loss_per_crop)); }

  // EndTraining removes the bar: validation, which follows in the epoch, has its own.
  void EndTraining() { bar_.reset(); }

  absl::Status EndEpoch(const run::TrainingState& state) {
    std::puts(EpochLine(state, epochs_, score_name_).c_str());
    std::fflush(stdout);
    return absl::OkStatus();
  }

 private:
  const int epochs_;
  const int crops_per_step_;
  const std::string score_name_;
  std::unique_ptr<Progress> bar_;
};

}  // namespace ecg

#endif  // ECG_TERMINAL_CONSOLE_H_
