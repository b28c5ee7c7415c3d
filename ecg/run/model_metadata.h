// model_metadata.h
//
// The metadata of model.safetensors and model.onnx: what a network was trained on, and what its input and output mean.

#ifndef ECG_RUN_MODEL_METADATA_H_
#define ECG_RUN_MODEL_METADATA_H_

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "ecg/corpus/scaler.h"
#include "ecg/file/safetensors.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// ModelMetadata is that of one network.
struct ModelMetadata {
  // name is the experiment's.
  std::string name;
  // classes are what the logits are about, and leads the order of the input's, each in order.
  std::vector<std::string> classes, leads;
  int sampling_frequency_hz = 0;
  int crop_samples = 0;
  // scaler standardises the input.
  Scaler scaler;
  // synthetic is true when the records were computed, so that the network knows nothing of people.
  bool synthetic = false;
  // window_stride_samples is the distance of the windows that cover a record, and aggregation how their outputs become
  // one: "maximum", "mean_logit", ... Both are absent in files of older versions.
  int window_stride_samples = 0;
  std::string aggregation = {};
  // depends_on_batch is true when a record's output depends on what else is in its batch, as of a transformer that
  // attends along the batch: then a batch must be all windows of one record, in order.
  bool depends_on_batch = false;

  // ToMap returns all of it as a file of weights carries it.
  std::map<std::string, std::string> ToMap() const {
    return {{"name", name},
            {"classes", absl::StrJoin(classes, ",")},
            {"leads", absl::StrJoin(leads, ",")},
            {"sampling_frequency_hz", absl::StrCat(sampling_frequency_hz)},
            {"crop_samples", absl::StrCat(crop_samples)},
            {"mean_mv", absl::StrFormat("%.17g", scaler.mean_mv)},
            {"standard_deviation_mv", absl::StrFormat("%.17g", scaler.standard_deviation_mv)},
            {"synthetic", synthetic ? "true" : "false"},
            {"window_stride_samples", absl::StrCat(window_stride_samples)},
            {"aggregation", aggregation},
            {"depends_on_batch", depends_on_batch ? "true" : "false"}};
  }

  // Read returns what the weights at `path` say, and is an error where they lack any of it.
  static absl::StatusOr<ModelMetadata> Read(const std::filesystem::path& path) {
    ECG_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
    ModelMetadata model;
    for (const char* key : {"name", "classes", "leads", "sampling_frequency_hz", "crop_samples", "mean_mv",
                            "standard_deviation_mv", "synthetic"}) {
      if (!file.metadata().contains(key)) {
        return absl::InvalidArgumentError(absl::StrCat(path.string(), " does not say its ", key,
                                                       ", as weights that a run left do; expected a run's folder"));
      }
    }
    const auto said = [&](const char* key) -> const std::string& { return file.metadata().at(key); };
    if (!absl::SimpleAtoi(said("sampling_frequency_hz"), &model.sampling_frequency_hz) ||
        !absl::SimpleAtoi(said("crop_samples"), &model.crop_samples) ||
        !absl::SimpleAtod(said("mean_mv"), &model.scaler.mean_mv) ||
        !absl::SimpleAtod(said("standard_deviation_mv"), &model.scaler.standard_deviation_mv)) {
      return absl::InvalidArgumentError(
          absl::StrCat(path.string(), ": of sampling_frequency_hz, crop_samples, mean_mv and standard_deviation_mv in ",
                       "its metadata, one is not a number"));
    }
    model.name = said("name");
    model.classes = absl::StrSplit(said("classes"), ',');
    model.leads = absl::StrSplit(said("leads"), ',');
    model.synthetic = said("synthetic") == "true";
    const auto maybe = [&](const char* key) { return file.metadata().contains(key) ? said(key) : std::string(); };
    (void)absl::SimpleAtoi(maybe("window_stride_samples"), &model.window_stride_samples);
    model.aggregation = maybe("aggregation");
    model.depends_on_batch = maybe("depends_on_batch") == "true";
    return model;
  }
};

}  // namespace ecg

#endif  // ECG_RUN_MODEL_METADATA_H_
