#include "ecg/serve/server.h"

#include <httplib.h>
#include <openssl/crypto.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "ecg/command_line/stop_signals.h"
#include "ecg/http/http_listener.h"
#include "ecg/predict/predictor.h"
#include "ecg/predict/prepare.h"
#include "ecg/predict/reading.h"
#include "ecg/report/ecg_page.h"
#include "ecg/serve/batcher.h"
#include "ecg/serve/metrics.h"
#include "ecg/serve/openapi.h"
#include "ecg/serve/page.h"
#include "ecg/signal/read_recording.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/stopwatch.h"
#include "nlohmann/json.hpp"

namespace ecg {
namespace {

// HttpStatus returns the status of an answer about `error`.
int HttpStatus(const absl::Status& error) {
  switch (error.code()) {
    case absl::StatusCode::kResourceExhausted:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    case absl::StatusCode::kInternal:
      return 500;
    default:
      return 422;  // the file is at fault
  }
}

// IsToken compares in a time that does not depend on where the two differ.
bool IsToken(const std::string& found, const std::string& expected) {
  return found.size() == expected.size() && CRYPTO_memcmp(found.data(), expected.data(), expected.size()) == 0;
}

// Upload is the file of a request.
struct Upload {
  std::string name, bytes;
};

// ReadUpload reads the body. It is not read by the library, which takes what `curl --data-binary` sends for a form of
// at most 8 KB.
absl::StatusOr<Upload> ReadUpload(const httplib::Request& request, const httplib::ContentReader& read) {
  Upload upload;
  const auto append = [&](const char* data, size_t length) {
    upload.bytes.append(data, length);
    return true;
  };
  if (request.is_multipart_form_data()) {
    int files = 0;
    const auto begin = [&](const httplib::MultipartFormData& file) {
      upload.name = file.filename;
      ++files;
      return true;
    };
    if (!read(begin, append)) return absl::InvalidArgumentError("the form cannot be read");
    if (files != 1) return absl::InvalidArgumentError(absl::StrCat("expected one file in the form, found ", files));
    return upload;
  }
  upload.name = request.has_param("name") ? request.get_param_value("name") : "recording";
  if (!read(append)) return absl::InvalidArgumentError("the body cannot be read");
  if (!upload.bytes.empty()) return upload;
  return absl::InvalidArgumentError(
      "the body is empty; expected the bytes of a recording, as with `curl --data-binary @FILE`");
}

// PositiveOf returns the number of a parameter in `unit`, or nothing if the request does not have it.
absl::StatusOr<std::optional<double>> PositiveOf(const httplib::Request& request, const std::string& name,
                                                 const char* unit) {
  if (!request.has_param(name)) return std::optional<double>();
  const std::string text = request.get_param_value(name);
  if (double number = 0; absl::SimpleAtod(text, &number) && number > 0 && number < 1000) return std::optional(number);
  return absl::InvalidArgumentError(absl::StrCat(name, " is \"", text, "\", not a number of ", unit));
}

absl::StatusOr<RecordingOptions> OptionsOf(const httplib::Request& request) {
  RecordingOptions options;
  if (request.has_param("leads")) options.leads = absl::StrSplit(request.get_param_value("leads"), ',');
  options.unit = request.get_param_value("unit");
  if (request.has_param("rate") &&
      !(absl::SimpleAtod(request.get_param_value("rate"), &options.sampling_frequency_hz) &&
        options.sampling_frequency_hz > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("rate is \"", request.get_param_value("rate"), "\", not a number of samples a second"));
  }
  ECG_ASSIGN_OR_RETURN(options.patient.age_years, PositiveOf(request, "age", "years"));
  ECG_ASSIGN_OR_RETURN(options.patient.height_cm, PositiveOf(request, "height", "cm"));
  ECG_ASSIGN_OR_RETURN(options.patient.weight_kg, PositiveOf(request, "weight", "kg"));
  options.patient.sex = request.get_param_value("sex");
  if (!options.patient.sex.empty() && options.patient.sex != "female" && options.patient.sex != "male") {
    return absl::InvalidArgumentError(absl::StrCat("sex is \"", options.patient.sex, "\"; expected female or male"));
  }
  return options;
}

}  // namespace

// Service is the server behind the interface, so that users of the header do not compile the HTTP library.
class Server::Service {
 public:
  Service(Predictor predictor, const ServerOptions& options)
      : predictor_(std::move(predictor)), options_(options), batcher_(predictor_, options.batching) {
    http_.new_task_queue = [this] { return new httplib::ThreadPool(options_.connections); };
    http_.set_payload_max_length(options_.body_bytes);
    http_.set_read_timeout(options_.timeout);
    http_.set_write_timeout(options_.timeout);
    http_.set_keep_alive_max_count(1'000'000);
    AddRoutes();
  }
  ~Service() { Stop(); }

  absl::Status Start() {
    if (options_.port == 0) {
      port_ = http_.bind_to_any_port(options_.host);
    } else {
      port_ = http_.bind_to_port(options_.host, options_.port) ? options_.port : -1;
    }
    if (port_ < 0) {
      return absl::UnavailableError(absl::StrCat("cannot listen on ", options_.host, ":", options_.port,
                                                 "; another program may have the port: pass another --port"));
    }
    listener_.Start();
    return absl::OkStatus();
  }

  int port() const { return port_; }

  void Stop() {
    is_stopping_ = true;
    listener_.Stop();
  }

 private:
  void AddRoutes() {
    http_.Get("/", [](const httplib::Request&, httplib::Response& response) {
      response.set_header("Content-Security-Policy",
                          "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src blob: "
                          "data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'");
      response.set_content(kPage, "text/html; charset=utf-8");
    });
    http_.Get("/healthz",
              [](const httplib::Request&, httplib::Response& response) { response.set_content("ok\n", "text/plain"); });
    http_.Get("/readyz", [this](const httplib::Request&, httplib::Response& response) {
      const bool is_ready = !is_stopping_ && batcher_.waiting() < options_.batching.waiting_signals;
      response.status = is_ready ? 200 : 503;
      response.set_content(is_ready ? "ready\n" : "busy or stopping\n", "text/plain");
    });
    http_.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(Metrics(), "text/plain; version=0.0.4");
    });
    http_.Get("/openapi.json", [](const httplib::Request&, httplib::Response& response) {
      response.set_content(kOpenApi, "application/json");
    });
    http_.Post("/v1/predict", [this](const httplib::Request& request, httplib::Response& response,
                                     const httplib::ContentReader& read) {
      const Stopwatch stopwatch;
      Answer(request, read, response);
      metrics_.Add(response.status, stopwatch.seconds());
    });
    // What the library itself refuses: unknown paths, bodies that are too large.
    http_.set_error_handler([this](const httplib::Request&, httplib::Response& response) {
      if (!response.body.empty()) return;
      const std::string what = response.status == 413
                                   ? absl::StrCat("the body has more than ", options_.body_bytes, " bytes")
                               : response.status == 404 ? "no such page; see /openapi.json"
                                                        : "the request cannot be read";
      response.set_content(nlohmann::json({{"error", what}}).dump(), "application/json");
    });
    http_.set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
      response.status = 500;
      response.set_content(R"({"error": "an internal error"})", "application/json");
    });
  }

  void Answer(const httplib::Request& request, const httplib::ContentReader& read, httplib::Response& response) {
    if (!options_.token.empty() && !IsToken(request.get_header_value("Authorization"), "Bearer " + options_.token)) {
      response.status = 401;
      response.set_header("WWW-Authenticate", "Bearer");
      response.set_content(R"({"error": "expected the header Authorization: Bearer TOKEN"})", "application/json");
      return;
    }
    const absl::StatusOr<Upload> upload = ReadUpload(request, read);
    if (response.status == 413) return;  // the error handler says so
    Reading reading = {.recording = upload.ok() ? upload->name : "recording", .error = upload.status()};
    std::string svg;
    if (upload.ok()) reading.error = ReadAndPredict(request, *upload, reading, svg);
    response.status = reading.error.ok() ? 200 : HttpStatus(reading.error);
    nlohmann::ordered_json json = ReadingJson(reading, predictor_.model());
    json["model"] = ModelJson(predictor_.model());
    if (!svg.empty()) json["svg"] = svg;
    response.set_content(JsonText(json), "application/json");
  }

  // ReadAndPredict fills `reading`, and `svg` where the request asks for a drawing.
  absl::Status ReadAndPredict(const httplib::Request& request, const Upload& upload, Reading& reading,
                              std::string& svg) {
    ECG_ASSIGN_OR_RETURN(RecordingOptions options, OptionsOf(request));
    ECG_ASSIGN_OR_RETURN(const Recording recording, ReadRecordingBytes(upload.bytes, options));
    ECG_ASSIGN_OR_RETURN(PreparedRecording prepared, PrepareRecording(recording, predictor_.model()));
    reading.what = prepared.what;
    reading.warnings = prepared.warnings;
    const double seconds = static_cast<double>(prepared.signal.samples) / prepared.signal.sampling_frequency_hz;
    if (seconds > options_.recording_seconds) {
      return absl::InvalidArgumentError(absl::StrFormat("the recording has %.0f s; this server takes up to %.0f s",
                                                        seconds, options_.recording_seconds));
    }
    ECG_ASSIGN_OR_RETURN(Prediction prediction, batcher_.Predict(std::move(prepared.signal), options_.timeout));
    reading.probabilities = std::move(prediction.probabilities);
    reading.unlikeness = prediction.unlikeness;
    ECG_RETURN_IF_ERROR(RefuseUnlike(reading.unlikeness, predictor_.model()));
    if (request.get_param_value("plot") == "1") {
      ECG_ASSIGN_OR_RETURN(EcgPage page, PageOf(recording));
      page.title = upload.name;
      ECG_ASSIGN_OR_RETURN(svg, DrawEcg({{page}}, EcgDrawingFormat::kSvg));
    }
    return absl::OkStatus();
  }

  std::string Metrics() const {
    return absl::StrCat(metrics_.Text(),
                        RequestMetrics::Line("ecg_waiting_recordings", "gauge", "Recordings that wait for the network.",
                                             static_cast<double>(batcher_.waiting())),
                        RequestMetrics::Line("ecg_batches_total", "counter", "Batches that the network read.",
                                             static_cast<double>(batcher_.batches())),
                        RequestMetrics::Line("ecg_recordings_total", "counter", "Recordings that the network read.",
                                             static_cast<double>(batcher_.signals())));
  }

  const Predictor predictor_;
  const ServerOptions options_;
  Batcher batcher_;
  RequestMetrics metrics_;
  std::atomic<bool> is_stopping_ = false;
  int port_ = 0;
  httplib::Server http_;
  HttpListener listener_{http_};
};

Server::Server(Predictor predictor, const ServerOptions& options)
    : service_(std::make_unique<Service>(std::move(predictor), options)) {}
Server::~Server() = default;

absl::Status Server::Start() { return service_->Start(); }
int Server::port() const { return service_->port(); }
void Server::Stop() { service_->Stop(); }

void Server::BlockSignals() { BlockStopSignals(); }

void Server::WaitForSignal() {
  WaitForStopSignal();
  Stop();
}

}  // namespace ecg
