// made_run.h
//
// The folder of a run that was never trained: a small network with its first weights, for tests of what reads runs.
// What it would have for training records is made signals.
//
//   ASSERT_EQ(MakeRun(folder), absl::OkStatus());
//   const Predictor predictor = Predictor::Load(folder).value();

#ifndef TESTS_PREDICT_MADE_RUN_H_
#define TESTS_PREDICT_MADE_RUN_H_

#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "ecg/evaluation/feature_space.h"
#include "ecg/model/any_network.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "ecg/run/model_metadata.h"
#include "ecg/run/run_folder.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "ecg/spec/parse.h"
#include "ecg/spec/resolve.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"
#include "tests/predict/made_signal.h"

namespace ecg {

// MakeRun makes a run of five classes that reads windows of 2.5 s at 100 Hz. `data` is more of the spec's data, such as
// "preprocessing { band_pass {} }".
inline absl::Status MakeRun(const std::filesystem::path& folder, const std::string& data = "") {
  const std::string text = absl::StrCat(R"(
      data { ptb_xl { task: SUPERDIAGNOSTIC sampling_frequency_hz: 100 } split: 1 crop_seconds: 2.5 )",
                                        data, R"( }
      model { bi_lstm { hidden_dim: 8 } }
      training { multi_label {} epochs: 1 batch_size: 8 optimizer { learning_rate: 0.001 } })");
  ECG_ASSIGN_OR_RETURN(spec::Experiment spec, ParseExperiment(text, "made.textproto"));
  spec = Resolve(spec);
  const RunFolder run(folder);
  ECG_RETURN_IF_ERROR(run.Start(spec, run::CorpusIdentity()));
  const ModelMetadata metadata = {.name = "made",
                                  .classes = {"CD", "HYP", "MI", "NORM", "STTC"},
                                  .leads = {kLeadNames.begin(), kLeadNames.end()},
                                  .sampling_frequency_hz = 100,
                                  .crop_samples = 250,
                                  .scaler = {.mean_mv = 0, .standard_deviation_mv = 0.2},
                                  .synthetic = true,
                                  .window_stride_samples = 125,
                                  .aggregation = "maximum",
                                  .temperatures = {1, 1, 2, 1, 1},
                                  .thresholds = {0.5, 0.5, 0.5, 0.5, std::nan("")}};
  torch::manual_seed(1);
  ECG_ASSIGN_OR_RETURN(const std::shared_ptr<Network> network, AnyNetwork(spec.model(), kLeads, 5));
  ECG_RETURN_IF_ERROR(WriteTensors(run.model(), StateOf(*network), metadata.ToMap()));
  const torch::NoGradGuard no_grad;
  network->eval();
  // Such a signal has two windows, the second of which is half zeros.
  std::vector<torch::Tensor> windows;
  for (int number = 0; number < 60; ++number) {
    const Signal signal = MadeSignal(number, 250);
    const torch::Tensor whole = torch::tensor(signal.digital, torch::kFloat32).view({kLeads, 250}) / 1000 / 0.2;
    windows.push_back(whole);
    windows.push_back(torch::cat({whole.narrow(1, 125, 125), torch::zeros({kLeads, 125})}, 1));
  }
  const torch::Tensor features = network->ForwardWithFeatures(torch::stack(windows)).features.view({60, 2, -1}).mean(1);
  ECG_ASSIGN_OR_RETURN(const FeatureSpace space,
                       FeatureSpace::Fit(features.narrow(0, 0, 40), features.narrow(0, 40, 20)));
  return space.Write(run.features());
}

}  // namespace ecg

#endif  // TESTS_PREDICT_MADE_RUN_H_
