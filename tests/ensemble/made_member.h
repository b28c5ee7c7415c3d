// made_member.h
//
// A made run (tests/predict/made_run.h) with all that a finished run has, for tests of ensembles.
//
//   ASSERT_EQ(MakeMember(folder, {.seed = 2}), absl::OkStatus());

#ifndef TESTS_ENSEMBLE_MADE_MEMBER_H_
#define TESTS_ENSEMBLE_MADE_MEMBER_H_

#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "ecg/file/file.h"
#include "ecg/model/any_network.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "ecg/onnx/export.h"
#include "ecg/run/model_metadata.h"
#include "ecg/run/predictions.h"
#include "ecg/run/run_folder.h"
#include "ecg/run/run_json.h"
#include "ecg/signal/lead.h"
#include "ecg/spec/resolve.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"
#include "tests/predict/made_run.h"

namespace ecg {

// MadeMember says in what a member differs from others.
struct MadeMember {
  int seed = 1;
  // The first of its 30 test records; the validation records are 1000 further.
  int first_record = 0;
  double crop_seconds = 2.5;
  std::function<void(ModelMetadata&)> change = [](ModelMetadata&) {};
};

// WriteMadePredictions writes predictions of 30 records, whose targets depend only on the record.
inline absl::Status WriteMadePredictions(const std::filesystem::path& path, const std::vector<std::string>& classes,
                                         int first, int seed) {
  std::vector<std::string> records;
  std::vector<uint8_t> targets;
  std::vector<float> probabilities;
  std::mt19937 random(seed);
  for (int record = first; record < first + 30; ++record) {
    records.push_back(absl::StrCat(record));
    for (size_t k = 0; k < classes.size(); ++k) {
      targets.push_back((record + k) % 3 == 0);
      const auto noise = static_cast<float>(random() % 1000) / 1000;
      probabilities.push_back(0.02f + 0.6f * noise + (targets.back() == 1 ? 0.3f : 0.f));
    }
  }
  return WritePredictions(path, records, classes, targets, probabilities);
}

// MakeMember makes a finished run in `folder`.
inline absl::Status MakeMember(const std::filesystem::path& folder, const MadeMember& member) {
  ECG_RETURN_IF_ERROR(MakeRun(folder));
  const RunFolder run(folder);
  ECG_ASSIGN_OR_RETURN(spec::Experiment spec, run.ReadSpec());
  ECG_ASSIGN_OR_RETURN(ModelMetadata model, ModelMetadata::Read(run.model()));
  spec.mutable_data()->set_crop_seconds(member.crop_seconds);
  spec.mutable_runtime()->set_seed(member.seed);
  model.crop_samples = static_cast<int>(member.crop_seconds * model.sampling_frequency_hz);
  model.window_stride_samples = model.crop_samples / 2;
  member.change(model);
  ECG_RETURN_IF_ERROR(WriteFile(run.spec(), ToText(spec)));

  torch::manual_seed(member.seed);
  ECG_ASSIGN_OR_RETURN(const std::shared_ptr<Network> network,
                       AnyNetwork(spec.model(), kLeads, static_cast<int>(model.classes.size())));
  // First weights alone hardly tell one signal from another.
  const torch::NoGradGuard no_grad;
  for (torch::Tensor& weights : network->parameters()) weights.mul_(3);
  ECG_RETURN_IF_ERROR(WriteTensors(run.model(), StateOf(*network), model.ToMap()));
  ECG_RETURN_IF_ERROR(
      ExportOnnx(run.onnx(), *network, [](const torch::Tensor& logits) { return logits.sigmoid(); },
                 {.leads = kLeads, .samples = model.crop_samples, .scaler = model.scaler, .metadata = model.ToMap()}));

  ECG_RETURN_IF_ERROR(
      WriteMadePredictions(run.predictions(), model.classes, member.first_record, /*seed=*/member.seed));
  ECG_RETURN_IF_ERROR(WriteMadePredictions(run.validation_predictions(), model.classes, member.first_record + 1000,
                                           /*seed=*/member.seed + 100));
  run::Run json;
  json.set_name(model.name);
  json.set_dataset("PTB-XL");
  json.set_synthetic(true);
  json.set_parameters(100);
  json.mutable_records()->set_test(30);
  *json.mutable_spec() = spec;
  ECG_ASSIGN_OR_RETURN(const std::string text, RunJson(json));
  return WriteFile(run.run(), text);
}

}  // namespace ecg

#endif  // TESTS_ENSEMBLE_MADE_MEMBER_H_
