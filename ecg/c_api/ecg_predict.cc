#include "ecg/c_api/ecg_predict.h"

#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "ecg/predict/predictor.h"
#include "ecg/predict/prepare.h"
#include "ecg/predict/reading.h"
#include "ecg/run/model_metadata.h"
#include "ecg/run/version.h"
#include "ecg/signal/read_recording.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"
#include "ecg/signal/unit.h"
#include "ecg/status/status_macros.h"
#include "nlohmann/json.hpp"

struct ecg_predictor {
  ecg::Predictor predictor;
  std::string json;
};

struct ecg_reading {
  std::vector<float> probabilities;
  std::string json;
};

namespace ecg {
namespace {

// Fail writes the message of `error`, and returns its code.
ecg_code Fail(const absl::Status& error, char** message) {
  if (message != nullptr) *message = strdup(std::string(error.message()).c_str());
  return static_cast<ecg_code>(error.code());
}

// Give writes what `make` returns to `*out`, and turns its errors and exceptions into a code and a message.
template <typename T, typename Make>
ecg_code Give(T** out, char** message, const Make& make) noexcept {
  if (message != nullptr) *message = nullptr;
  if (out != nullptr) *out = nullptr;
  try {
    if (out == nullptr) return Fail(absl::InvalidArgumentError("the pointer for the result is NULL"), message);
    absl::StatusOr<T> made = make();
    if (!made.ok()) return Fail(made.status(), message);
    *out = new T(*std::move(made));
    return ECG_OK;
  } catch (const std::bad_alloc&) {
    return Fail(absl::ResourceExhaustedError("there is not enough memory"), message);
  } catch (const std::exception& error) {
    return Fail(absl::InternalError(error.what()), message);
  } catch (...) {
    return Fail(absl::InternalError("an unknown exception"), message);
  }
}

std::string Dump(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

absl::StatusOr<ecg_predictor> Load(const char* run, const char* device) {
  if (run == nullptr) return absl::InvalidArgumentError("the folder of the run is NULL");
  PredictorOptions options;
  if (device != nullptr) options.device = device;
  ECG_ASSIGN_OR_RETURN(Predictor predictor, Predictor::Load(run, options));
  const ModelMetadata& model = predictor.model();
  nlohmann::ordered_json json = ModelJson(model);
  json["classes"] = model.classes;
  json["leads"] = model.leads;
  json["sampling_frequency_hz"] = model.sampling_frequency_hz;
  json["window_seconds"] = static_cast<double>(model.crop_samples) / model.sampling_frequency_hz;
  return ecg_predictor{std::move(predictor), Dump(json)};
}

RecordingOptions OptionsOf(const ecg_table* table) {
  RecordingOptions options;
  if (table == nullptr) return options;
  if (table->leads != nullptr) options.leads = absl::StrSplit(table->leads, ',');
  if (table->unit != nullptr) options.unit = table->unit;
  options.sampling_frequency_hz = table->rate_hz;
  return options;
}

absl::StatusOr<Recording> RecordingOf(const ecg_samples& samples) {
  if (samples.values == nullptr || samples.lead_names == nullptr || samples.unit == nullptr) {
    return absl::InvalidArgumentError("values, lead_names or unit of the samples is NULL");
  }
  if (!(samples.rate_hz > 0) || !std::isfinite(samples.rate_hz)) {
    return absl::InvalidArgumentError(
        absl::StrCat("rate_hz is ", samples.rate_hz, "; expected the number of samples a second"));
  }
  ECG_ASSIGN_OR_RETURN(const double units_per_mv, UnitsPerMv(samples.unit));
  Recording recording;
  recording.format = "samples";
  Strip& strip = recording.strips.emplace_back();
  strip.sampling_frequency_hz = samples.rate_hz;
  for (size_t number = 0; number < samples.leads; ++number) {
    const char* const name = samples.lead_names[number];
    if (name == nullptr) return absl::InvalidArgumentError(absl::StrCat("the name of lead ", number, " is NULL"));
    const float* const first = samples.values + number * samples.samples;
    Channel& channel = strip.channels.emplace_back(Channel{.name = name, .mv = {first, first + samples.samples}});
    for (float& value : channel.mv) value = static_cast<float>(value / units_per_mv);
  }
  return recording;
}

absl::StatusOr<ecg_reading> Read(const ecg_predictor* handle, absl::string_view name,
                                 const absl::StatusOr<Recording>& recording) {
  if (handle == nullptr) return absl::InvalidArgumentError("the predictor is NULL");
  ECG_RETURN_IF_ERROR(recording.status());
  const Predictor& predictor = handle->predictor;
  ECG_ASSIGN_OR_RETURN(PreparedRecording prepared, PrepareRecording(*recording, predictor.model()));
  ECG_ASSIGN_OR_RETURN(std::vector<Prediction> predictions, predictor.PredictAll(std::span(&prepared.signal, 1)));
  ECG_RETURN_IF_ERROR(RefuseUnlike(predictions[0].unlikeness, predictor.model()));
  const Reading reading = {.recording = std::string(name.data(), name.size()),
                           .what = std::move(prepared.what),
                           .probabilities = std::move(predictions[0].probabilities),
                           .warnings = std::move(prepared.warnings),
                           .unlikeness = predictions[0].unlikeness};
  nlohmann::ordered_json json = ReadingJson(reading, predictor.model());
  json["model"] = ModelJson(predictor.model());
  return ecg_reading{reading.probabilities, Dump(json)};
}

}  // namespace
}  // namespace ecg

extern "C" {

int ecg_predict_api(void) { return ECG_PREDICT_API; }

const char* ecg_version(void) { return ecg::kVersion; }

ecg_code ecg_predictor_load(const char* run, const char* device, ecg_predictor** predictor, char** message) {
  return ecg::Give(predictor, message, [&] { return ecg::Load(run, device); });
}

void ecg_predictor_free(ecg_predictor* predictor) { delete predictor; }

size_t ecg_predictor_classes(const ecg_predictor* predictor) { return predictor->predictor.model().classes.size(); }

const char* ecg_predictor_class_name(const ecg_predictor* predictor, size_t number) {
  const std::vector<std::string>& classes = predictor->predictor.model().classes;
  return number < classes.size() ? classes[number].c_str() : nullptr;
}

const char* ecg_predictor_json(const ecg_predictor* predictor) { return predictor->json.c_str(); }

ecg_code ecg_predict_file(const ecg_predictor* predictor, const char* path, const ecg_table* table,
                          ecg_reading** reading, char** message) {
  return ecg::Give(reading, message, [&]() -> absl::StatusOr<ecg_reading> {
    if (path == nullptr) return absl::InvalidArgumentError("the path of the recording is NULL");
    return ecg::Read(predictor, path, ecg::ReadRecording(path, ecg::OptionsOf(table)));
  });
}

ecg_code ecg_predict_bytes(const ecg_predictor* predictor, const void* bytes, size_t size, const char* name,
                           const ecg_table* table, ecg_reading** reading, char** message) {
  return ecg::Give(reading, message, [&]() -> absl::StatusOr<ecg_reading> {
    if (bytes == nullptr) return absl::InvalidArgumentError("the bytes of the recording are NULL");
    const absl::string_view content(static_cast<const char*>(bytes), size);
    return ecg::Read(predictor, name == nullptr ? "recording" : name,
                     ecg::ReadRecordingBytes(content, ecg::OptionsOf(table)));
  });
}

ecg_code ecg_predict_samples(const ecg_predictor* predictor, const ecg_samples* samples, ecg_reading** reading,
                             char** message) {
  return ecg::Give(reading, message, [&]() -> absl::StatusOr<ecg_reading> {
    if (samples == nullptr) return absl::InvalidArgumentError("the samples are NULL");
    return ecg::Read(predictor, "samples", ecg::RecordingOf(*samples));
  });
}

const float* ecg_reading_probabilities(const ecg_reading* reading) { return reading->probabilities.data(); }

const char* ecg_reading_json(const ecg_reading* reading) { return reading->json.c_str(); }

void ecg_reading_free(ecg_reading* reading) { delete reading; }

void ecg_string_free(char* message) { std::free(message); }

}  // extern "C"
