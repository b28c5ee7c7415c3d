// model_metadata.h
//
// The model metadata in model.safetensors: all that is needed to use the weights without the run's folder.
//
//   ECG_ASSIGN_OR_RETURN(const ModelMetadata model, ModelMetadata::Read("runs/resnet18_all/1/model.safetensors"));
//   std::cout << absl::StrJoin(model.classes, ", ");

#ifndef ECG_RUN_MODEL_METADATA_H_
#define ECG_RUN_MODEL_METADATA_H_

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/scaler.h"
#include "ecg/file/safetensors.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"

namespace ecg {

// ModelMetadata describes the training data, the input and the output of a network.
struct ModelMetadata {
  // name is the experiment's.
  std::string name = {};
  // classes are those of the logits, and leads those of the input, both in order.
  std::vector<std::string> classes = {}, leads = {};
  int sampling_frequency_hz = 0;
  int crop_samples = 0;
  // scaler standardises the input.
  Scaler scaler = {};
  // preprocessing says in words what was done to the signals before (docs/onnx.md); empty where they are as recorded.
  std::string preprocessing = {};
  // synthetic is true when the network was trained on synthetic records.
  bool synthetic = false;
  // window_stride_samples is the distance of the windows that cover a record, and aggregation how their outputs become
  // one: "maximum", "mean_logit", ... Both are absent in files of older versions.
  int window_stride_samples = 0;
  std::string aggregation = {};
  // depends_on_batch is true when a record's output depends on what else is in its batch, as of a transformer that
  // attends along the batch: then a batch must be all windows of one record, in order.
  bool depends_on_batch = false;
  // reads_demographics is true when the network reads age, sex, height and weight beside the signals.
  bool reads_demographics = false;
  // refuses are the kinds of recordings that the model refuses (spec::Prediction): "POOR_SIGNAL", ...
  std::vector<std::string> refuses = {};
  // temperatures and thresholds are one for each class, chosen on the validation records (calibration.h): a class's
  // logit divided by its temperature gives a calibrated probability, and a class is reported where its probability, not
  // calibrated, is at least its threshold. A threshold is NaN where validation had no positive. Both are empty for
  // networks that choose one of several classes, and in files of older versions.
  std::vector<double> temperatures = {}, thresholds = {};
  // training_ages is the least and the greatest age of the training records, in years; the latter is infinite where the
  // corpus does not tell high ages. Nothing where it states no ages, and in files of older versions.
  std::optional<std::pair<double, double>> training_ages = {};
  // members is the number of networks of an ensemble (ecg/ensemble), and 0 for a single one; members_mean is what the
  // mean of their probabilities is of, "probability" or "logit". Then crop_samples is the longest window of a member,
  // and what the members do not share (window_stride_samples, aggregation) is absent.
  int members = 0;
  std::string members_mean = {};

  // Refuses returns whether recordings of a kind are refused.
  bool Refuses(spec::Prediction::Unsuitable kind) const {
    return std::ranges::count(refuses, spec::Prediction::Unsuitable_Name(kind)) > 0;
  }

  // ToMap returns all of it as key and value.
  std::map<std::string, std::string> ToMap() const {
    std::map<std::string, std::string> map = {
        {"name", name},
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
    if (reads_demographics) map["reads_demographics"] = "true";
    if (!refuses.empty()) map["refuses"] = absl::StrJoin(refuses, ",");
    if (!preprocessing.empty()) map["preprocessing"] = preprocessing;
    if (!temperatures.empty()) map["temperatures"] = Joined(temperatures);
    if (!thresholds.empty()) map["thresholds"] = Joined(thresholds);
    if (training_ages) map["training_ages"] = absl::StrCat(training_ages->first, ",", training_ages->second);
    if (members > 0) {
      map["members"] = absl::StrCat(members);
      map["members_mean"] = members_mean;
    }
    return map;
  }

  // Read reads the metadata of the weights at `path`. Fails where a key is missing.
  static absl::StatusOr<ModelMetadata> Read(const std::filesystem::path& path) {
    ECG_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
    ModelMetadata model;
    for (const char* key : {"name", "classes", "leads", "sampling_frequency_hz", "crop_samples", "mean_mv",
                            "standard_deviation_mv", "synthetic"}) {
      if (!file.metadata().contains(key)) {
        return absl::InvalidArgumentError(
            absl::StrCat(path.string(), " has no ", key, " in its metadata; expected the model.safetensors of a run"));
      }
    }
    const auto value = [&](const char* key) -> const std::string& { return file.metadata().at(key); };
    if (!absl::SimpleAtoi(value("sampling_frequency_hz"), &model.sampling_frequency_hz) ||
        !absl::SimpleAtoi(value("crop_samples"), &model.crop_samples) ||
        !absl::SimpleAtod(value("mean_mv"), &model.scaler.mean_mv) ||
        !absl::SimpleAtod(value("standard_deviation_mv"), &model.scaler.standard_deviation_mv)) {
      return absl::InvalidArgumentError(
          absl::StrCat(path.string(), ": sampling_frequency_hz, crop_samples, mean_mv or standard_deviation_mv in its ",
                       "metadata is not a number"));
    }
    model.name = value("name");
    model.classes = absl::StrSplit(value("classes"), ',');
    model.leads = absl::StrSplit(value("leads"), ',');
    model.synthetic = value("synthetic") == "true";
    const auto maybe = [&](const char* key) { return file.metadata().contains(key) ? value(key) : std::string(); };
    (void)absl::SimpleAtoi(maybe("window_stride_samples"), &model.window_stride_samples);
    model.aggregation = maybe("aggregation");
    model.preprocessing = maybe("preprocessing");
    model.reads_demographics = maybe("reads_demographics") == "true";
    model.refuses = absl::StrSplit(maybe("refuses"), ',', absl::SkipEmpty());
    model.depends_on_batch = maybe("depends_on_batch") == "true";
    (void)absl::SimpleAtoi(maybe("members"), &model.members);
    model.members_mean = maybe("members_mean");
    if (file.metadata().contains("training_ages")) {
      const std::vector<std::string> ages = absl::StrSplit(value("training_ages"), ',');
      std::pair<double, double>& range = model.training_ages.emplace();
      if (ages.size() != 2 || !absl::SimpleAtod(ages[0], &range.first) || !absl::SimpleAtod(ages[1], &range.second)) {
        return absl::InvalidArgumentError(absl::StrCat(path.string(), ": training_ages in its metadata is \"",
                                                       value("training_ages"), "\", not two ages"));
      }
    }
    for (const auto& [key, values] :
         {std::pair{"temperatures", &model.temperatures}, std::pair{"thresholds", &model.thresholds}}) {
      if (!file.metadata().contains(key)) continue;
      for (const absl::string_view number : absl::StrSplit(value(key), ',')) {
        if (!absl::SimpleAtod(number, &values->emplace_back())) values->back() = std::nan("");
      }
      if (values->size() == model.classes.size()) continue;
      return absl::InvalidArgumentError(absl::StrCat(path.string(), ": its metadata has ", values->size(), " ", key,
                                                     " for ", model.classes.size(), " classes"));
    }
    return model;
  }

 private:
  static std::string Joined(const std::vector<double>& numbers) {
    return absl::StrJoin(numbers, ",", [](std::string* text, double number) {
      absl::StrAppend(text, std::isnan(number) ? "none" : absl::StrFormat("%.9g", number));
    });
  }
};

}  // namespace ecg

#endif  // ECG_RUN_MODEL_METADATA_H_
