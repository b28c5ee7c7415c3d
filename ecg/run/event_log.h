// event_log.h
//
// events.out.tfevents.NNNN: the curves of a run, as TensorBoard reads them in the run's folder, while it trains and
// later. Each time that a run is begun, resumed or tested, it writes a new file, with the next number.
//
//   ECG_ASSIGN_OR_RETURN(EventLog log, EventLog::Open("runs/resnet18_all/1", /*steps=*/0));
//   ECG_RETURN_IF_ERROR(log.AddText(0, "spec", "epochs: 20"));
//   ECG_RETURN_IF_ERROR(log.AddScalars(12, {{"loss/train", 9.81}, {"score/train", 0.75}}));
//
// Nothing is logged twice: Open removes from older files what the run is about to log again, the steps after the last
// checkpoint and the results of the last test, whose tags begin with "test/".

#ifndef ECG_RUN_EVENT_LOG_H_
#define ECG_RUN_EVENT_LOG_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/file/file.h"
#include "ecg/file/record_file.h"
#include "ecg/status/status_macros.h"
#include "proto/tensorboard.pb.h"

namespace ecg {

// EventLog adds events to a file of its own in a run's folder.
class EventLog {
 public:
  // A tag and its value at a step.
  using Scalar = std::pair<std::string, double>;

  // Open continues the log in `folder` after the first `steps` steps, 0 for a new training.
  static absl::StatusOr<EventLog> Open(const std::filesystem::path& folder, int64_t steps) {
    ECG_RETURN_IF_ERROR(MakeDirectories(folder));
    const std::map<int, std::filesystem::path> files = FilesIn(folder);
    for (const auto& [number, file] : files) ECG_RETURN_IF_ERROR(KeepFirst(steps, file));
    const int number = files.empty() ? 1 : files.rbegin()->first + 1;
    ECG_ASSIGN_OR_RETURN(RecordWriter writer, RecordWriter::Create(folder / absl::StrFormat("%s%04d", kName, number)));
    EventLog log(std::move(writer));
    tensorboard::Event version = EventAt(0);
    version.set_file_version("brain.Event:2");
    ECG_RETURN_IF_ERROR(log.Add(version));
    // For a TensorBoard that has read the removed events already.
    tensorboard::Event start = EventAt(FirstStep(steps));
    start.mutable_session_log()->set_status(tensorboard::SessionLog::START);
    ECG_RETURN_IF_ERROR(log.Add(start));
    return log;
  }

  // AddScalars adds a point at `step` to each curve.
  absl::Status AddScalars(int64_t step, const std::vector<Scalar>& scalars) {
    tensorboard::Event event = EventAt(step);
    for (const auto& [tag, value] : scalars) {
      tensorboard::Summary::Value& added = *event.mutable_summary()->add_value();
      added.set_tag(tag);
      added.set_simple_value(static_cast<float>(value));
    }
    return Add(event);
  }

  // AddText adds a text, which is shown as it is.
  absl::Status AddText(int64_t step, absl::string_view tag, absl::string_view text) {
    tensorboard::Event event = EventAt(step);
    tensorboard::Summary::Value& value = *event.mutable_summary()->add_value();
    value.set_tag(std::string(tag));
    SetPlugin(value, "text", "");
    tensorboard::Tensor& tensor = *value.mutable_tensor();
    tensor.set_dtype(tensorboard::Tensor::DT_STRING);
    tensor.mutable_shape();  // a scalar: without dimensions
    // It is Markdown, whose code blocks are indented.
    tensor.add_string_val(absl::StrCat("    ", absl::StrReplaceAll(text, {{"\n", "\n    "}})));
    return Add(event);
  }

  // AddPrCurve adds a precision-recall curve, at the thresholds 0, 0.01, ..., 1. A record counts as predicted positive
  // where its probability is at least the threshold.
  absl::Status AddPrCurve(int64_t step, absl::string_view tag, std::span<const uint8_t> targets,
                          std::span<const float> probabilities) {
    constexpr int kThresholds = 101;
    // Of the records whose probability lies between a threshold and the next.
    std::vector<double> positives(kThresholds), negatives(kThresholds);
    for (size_t i = 0; i < targets.size(); ++i) {
      const int bin = std::clamp(static_cast<int>(probabilities[i] * (kThresholds - 1)), 0, kThresholds - 1);
      (targets[i] != 0 ? positives : negatives)[bin] += 1;
    }
    double all_positives = 0, all_negatives = 0;
    for (int i = kThresholds - 1; i >= 0; --i) {
      all_positives += positives[i];
      all_negatives += negatives[i];
      positives[i] = all_positives;  // from here on: true positives
      negatives[i] = all_negatives;  // and false positives
    }
    tensorboard::Event event = EventAt(step);
    tensorboard::Summary::Value& value = *event.mutable_summary()->add_value();
    value.set_tag(std::string(tag));
    tensorboard::PrCurvePluginData data;
    data.set_version(0);
    data.set_num_thresholds(kThresholds);
    SetPlugin(value, "pr_curves", data.SerializeAsString());
    tensorboard::Tensor& tensor = *value.mutable_tensor();
    tensor.set_dtype(tensorboard::Tensor::DT_FLOAT);
    tensor.mutable_shape()->add_dim()->set_size(6);
    tensor.mutable_shape()->add_dim()->set_size(kThresholds);
    const auto add_row = [&](const auto& figure) {
      for (int i = 0; i < kThresholds; ++i) {
        tensor.add_float_val(static_cast<float>(figure(positives[i], negatives[i])));
      }
    };
    add_row([](double true_positives, double) { return true_positives; });
    add_row([](double, double false_positives) { return false_positives; });
    add_row([&](double, double false_positives) { return all_negatives - false_positives; });
    add_row([&](double true_positives, double) { return all_positives - true_positives; });
    add_row([](double true_positives, double false_positives) {
      return true_positives == 0 ? 0 : true_positives / (true_positives + false_positives);
    });
    add_row([&](double true_positives, double) { return all_positives == 0 ? 0 : true_positives / all_positives; });
    return Add(event);
  }

 private:
  static constexpr char kName[] = "events.out.tfevents.";

  explicit EventLog(RecordWriter writer) : writer_(std::move(writer)) {}

  static tensorboard::Event EventAt(int64_t step) {
    tensorboard::Event event;
    event.set_wall_time(std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());
    event.set_step(step);
    return event;
  }

  static void SetPlugin(tensorboard::Summary::Value& value, const char* name, const std::string& content) {
    value.mutable_metadata()->mutable_plugin_data()->set_plugin_name(name);
    value.mutable_metadata()->mutable_plugin_data()->set_content(content);
    value.mutable_metadata()->set_data_class(tensorboard::SummaryMetadata::DATA_CLASS_TENSOR);
  }

  absl::Status Add(const tensorboard::Event& event) { return writer_.Append(event.SerializeAsString()); }

  // FirstStep returns the first step that is logged after `steps` steps; a new training logs its spec at step 0.
  static int64_t FirstStep(int64_t steps) { return steps == 0 ? 0 : steps + 1; }

  // FilesIn returns the logs in `folder` by their numbers; logs that others wrote have other names.
  static std::map<int, std::filesystem::path> FilesIn(const std::filesystem::path& folder) {
    std::map<int, std::filesystem::path> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      const std::string name = entry.path().filename().string();
      absl::string_view digits = name;
      int number = 0;
      if (absl::ConsumePrefix(&digits, kName) && digits.size() >= 4 && absl::SimpleAtoi(digits, &number)) {
        files.emplace(number, entry.path());
      }
    }
    return files;
  }

  // KeepFirst leaves in `file` the events of the first `steps` steps, without those of a test, and deletes a file
  // without any. A cut-off record at its end is removed.
  static absl::Status KeepFirst(int64_t steps, const std::filesystem::path& file) {
    ECG_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(file));
    const ParsedRecords parsed = ParseRecords(bytes);
    std::string kept;
    bool has_summary = false;
    for (const absl::string_view payload : parsed.payloads) {
      tensorboard::Event event;
      if (!event.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) continue;
      if (event.has_summary()) {
        const bool is_test =
            event.summary().value_size() > 0 && absl::StartsWith(event.summary().value(0).tag(), "test/");
        if (event.step() >= FirstStep(steps) || is_test) continue;
        has_summary = true;
      }
      absl::StrAppend(&kept, RecordOf(payload));
    }
    if (has_summary) return kept == bytes ? absl::OkStatus() : WriteFile(file, kept);
    std::error_code error;
    std::filesystem::remove(file, error);
    if (!error) return absl::OkStatus();
    return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot delete ", file.string()));
  }

  RecordWriter writer_;
};

}  // namespace ecg

#endif  // ECG_RUN_EVENT_LOG_H_
