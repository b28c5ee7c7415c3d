// run_facts.h
//
// The parts of run.json that runs and external validations share.

#ifndef ECG_EXPERIMENT_RUN_FACTS_H_
#define ECG_EXPERIMENT_RUN_FACTS_H_

#include <sys/resource.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/scaler.h"
#include "ecg/device/cuda.h"
#include "ecg/device/device.h"
#include "ecg/device/threads.h"
#include "ecg/run/version.h"
#include "ecg/score/bootstrap.h"
#include "ecg/score/metric.h"
#include "ecg/score/named_score.h"
#include "ecg/signal/lead.h"
#include "ecg/status/status_macros.h"
#include "ecg/train/objective.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"

namespace ecg {

// RunFacts returns the description of a run of the experiment `name` on `corpus`, without scores.
inline run::Run RunFacts(absl::string_view name, const spec::Experiment& spec, const Corpus& corpus,
                         const Scaler& scaler, const Device& device) {
  run::Run run;
  run.set_name(std::string(name));
  run.set_dataset(corpus.dataset);
  run.set_dataset_version(corpus.version);
  run.set_data_dir(corpus.data_dir.string());
  run.set_synthetic(corpus.synthetic);
  run.set_mean_mv(scaler.mean_mv);
  run.set_standard_deviation_mv(scaler.standard_deviation_mv);
  run.set_device(device.torch.str());
  run.set_threads(torch::get_num_threads());
  for (const int processor : CpuAffinity()) run.add_processors(processor);
  run.set_keeps_freed_memory(DisableMallocTrimming());
  run.mutable_versions()->set_ecg(kVersion);
  run.mutable_versions()->set_libtorch(TORCH_VERSION);
  for (const auto lead : kLeadNames) run.add_leads(std::string(lead));
  *run.mutable_spec() = spec;
  return run;
}

// AddPeakMemory adds the peak memory of the process and of its CUDA device to `run`.
inline void AddPeakMemory(const Device& device, run::Run& run) {
  rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) == 0) run.set_peak_memory_bytes(usage.ru_maxrss * 1024.0);
  if (const std::optional<DeviceMemory> memory = MemoryOf(device.torch)) {
    run.set_peak_device_memory_bytes(static_cast<double>(memory->peak));
  }
}

// ScoreInterval returns the interval around the score of `predictions`, with as many resamples as `spec` wants.
inline absl::StatusOr<run::Bootstrap> ScoreInterval(const AnyObjective& objective, const Predictions& predictions,
                                                    const spec::Experiment& spec) {
  const spec::Bootstrap& bootstrap = spec.evaluation().bootstrap();
  ECG_ASSIGN_OR_RETURN(const BootstrapInterval interval,
                       objective.Interval(predictions, {.resamples = bootstrap.resamples(),
                                                        .seed = static_cast<uint64_t>(spec.runtime().seed()),
                                                        .low_quantile = bootstrap.low_quantile(),
                                                        .high_quantile = bootstrap.high_quantile()}));
  run::Bootstrap report;
  report.set_mean(interval.mean);
  report.set_low(interval.low);
  report.set_high(interval.high);
  report.set_resamples(interval.resamples);
  report.set_incomplete_resamples(interval.incomplete_resamples);
  return report;
}

// ReportOf returns every figure of `predictions`, with the metrics that the spec names.
inline absl::StatusOr<run::Scores> ReportOf(const AnyObjective& objective, const Predictions& predictions,
                                            const MetricList& metrics, absl::string_view what) {
  absl::StatusOr<run::Scores> scores = objective.Report(predictions);
  if (!scores.ok()) return WithContext(scores.status(), what);
  const auto figures = ComputeMetrics(metrics, predictions);
  if (!figures.ok()) return WithContext(figures.status(), what);
  scores->mutable_metrics()->insert(figures->begin(), figures->end());
  return scores;
}

}  // namespace ecg

#endif  // ECG_EXPERIMENT_RUN_FACTS_H_
