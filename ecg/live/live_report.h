// live_report.h
//
// What a training shows on its live page: a callback, which also stops the training after the epoch in which the page
// asks for it, as early stopping does, so that the run is tested and leaves all its files.
//
//   ECG_ASSIGN_OR_RETURN(const std::unique_ptr<LiveServer> live, LiveServer::Start(std::nullopt));
//   LiveReport report(*live);
//   report.Begin("resnet18_all", "runs/resnet18_all/1");
//   report.Describe("network 4,022,471 parameters", "macro ROC-AUC", /*epochs=*/20);
//   report.End("test macro ROC-AUC 0.9081");

#ifndef ECG_LIVE_LIVE_REPORT_H_
#define ECG_LIVE_LIVE_REPORT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "ecg/live/live_server.h"
#include "ecg/terminal/stopwatch.h"
#include "proto/run.pb.h"

namespace ecg {

// LiveReport is a small value, copies of which show on the same page. The server must outlive them.
class LiveReport {
 public:
  explicit LiveReport(LiveServer& server) : server_(&server) {}

  // Begin shows the run's name and folder.
  void Begin(absl::string_view name, absl::string_view folder);

  // Describe shows `summary`, some lines about data and network, and tells what is drawn.
  void Describe(absl::string_view summary, absl::string_view score_name, int epochs);

  // End shows the result, or why there is none.
  void End(absl::string_view result);
  void Fail(const absl::Status& status);

  template <typename TrainingProgress>
  void BeginTraining(const TrainingProgress& progress) {
    ShowHistory(progress.state);
  }

  template <typename TrainingProgress>
  void BeginEpoch(const TrainingProgress& progress) {
    ShowStage("training");
    ShowStep(progress.epoch, 0, progress.steps, 0);
  }

  template <typename TrainingProgress>
  void EndStep(const TrainingProgress& progress) {
    if (progress.step < progress.steps && since_shown_.seconds() < 0.5) return;
    ShowStep(progress.epoch, progress.step, progress.steps, progress.loss);
    since_shown_ = Stopwatch();
  }

  template <typename TrainingProgress>
  void EndBatches(const TrainingProgress&) {
    ShowStage("validating");
  }

  // EndEpoch asks to stop only where there are weights that validated, which a training must end with.
  template <typename TrainingProgress>
  bool EndEpoch(const TrainingProgress& progress) {
    ShowHistory(progress.state);
    return server_->stop_requested() && progress.state.has_best_epoch();
  }

  template <typename TrainingProgress>
  void EndTraining(const TrainingProgress&) {
    ShowStage("testing");
  }

 private:
  void ShowHistory(const run::TrainingState& state);
  void ShowStep(int epoch, int step, int steps, double loss);
  void ShowStage(absl::string_view stage);

  LiveServer* server_;
  Stopwatch since_shown_;
};

}  // namespace ecg

#endif  // ECG_LIVE_LIVE_REPORT_H_
