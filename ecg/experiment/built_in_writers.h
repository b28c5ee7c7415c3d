// built_in_writers.h
//
// What every run leaves beside its weights: predictions.csv, model.onnx and report.html.

#ifndef ECG_EXPERIMENT_BUILT_IN_WRITERS_H_
#define ECG_EXPERIMENT_BUILT_IN_WRITERS_H_

#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/experiment/result_writer.h"
#include "ecg/file/file.h"
#include "ecg/onnx/export.h"
#include "ecg/report/run_report.h"
#include "ecg/run/model_metadata.h"
#include "ecg/run/predictions.h"
#include "ecg/run/run_folder.h"
#include "ecg/signal/lead.h"

namespace ecg {

// WritePredictionsOf writes predictions.csv.
inline absl::Status WritePredictionsOf(const CompletedRun& run) {
  return WritePredictions(RunFolder(run.folder).predictions(), run.test_records, run.metadata.classes, run.test.targets,
                          run.test.probabilities);
}

// WriteOnnxOf writes model.onnx. If a user's part uses an operation that cannot be exported, it prints a message
// instead: the run is valid without the file.
inline absl::Status WriteOnnxOf(const CompletedRun& run) {
  if (run.metadata.depends_on_batch) {
    std::fprintf(stderr,
                 "the network's output for a window depends on the other windows of its batch: here and with "
                 "model.onnx, a batch is all windows of one record\n");
  }
  const OnnxOptions options = {.leads = kLeads,
                               .samples = run.metadata.crop_samples,
                               .scaler = run.metadata.scaler,
                               .metadata = run.metadata.ToMap()};
  const absl::Status status = ExportOnnx(
      RunFolder(run.folder).onnx(), run.network,
      [&run](const torch::Tensor& logits) { return run.objective.Probabilities(logits); }, options);
  if (!absl::IsUnimplemented(status)) return status;
  std::fprintf(stderr, "there will be no model.onnx: %s\n", std::string(status.message()).c_str());
  return absl::OkStatus();
}

// WriteReportOf writes report.html, which is made of the other files: they must be there. If it cannot be made or
// written, it prints a message instead: the run is valid without the file.
inline void WriteReportOf(const CompletedRun& run) {
  const absl::StatusOr<std::string> page = RunReport(run.folder);
  const absl::Status status = page.ok() ? WriteFile(RunFolder(run.folder).report(), *page) : page.status();
  if (status.ok()) return;
  std::fprintf(stderr, "there will be no report.html: %s\n", std::string(status.message()).c_str());
}

}  // namespace ecg

#endif  // ECG_EXPERIMENT_BUILT_IN_WRITERS_H_
