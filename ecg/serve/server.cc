#include "ecg/serve/server.h"

#include <httplib.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
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

// kNoSuchPage is what is said of a path that is not there.
constexpr char kNoSuchPage[] = "no such page; see /openapi.json";

// Upload is the file of a request.
struct Upload {
  std::string name = {}, bytes = {};
  int files = 0;              // in a form
  bool is_too_large = false;  // some of it is not in `bytes`
  bool is_read = false;       // to the end of the body
};

// CheckUpload refuses what is no file.
absl::Status CheckUpload(const httplib::Request& request, const Upload& upload) {
  const bool is_form = request.is_multipart_form_data();
  if (!upload.is_read) {
    return absl::InvalidArgumentError(absl::StrCat("the ", is_form ? "form" : "body", " cannot be read"));
  }
  if (is_form && upload.files != 1) {
    return absl::InvalidArgumentError(absl::StrCat("expected one file in the form, found ", upload.files));
  }
  if (is_form || !upload.bytes.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "the body is empty; expected the bytes of a recording, as with `curl --data-binary @FILE`");
}

// ErrorJson returns the answer to a request that is refused.
std::string ErrorJson(const std::string& what) { return nlohmann::json({{"error", what}}).dump(); }

// Send answers with `json`. Where the request is not read to its end, the connection is closed, since the rest would be
// taken for the next requests: the library closes it when a content provider returns false. (It does not call one of a
// given length for some values of a request's header Range.)
void Send(const std::string& json, bool is_read, httplib::Response& response) {
  if (is_read) return response.set_content(json, "application/json");
  response.set_header("Connection", "close");
  response.set_header("Content-Length", absl::StrCat(json.size()));
  response.set_content_provider("application/json", [json](size_t, httplib::DataSink& sink) {
    sink.write(json.data(), json.size());
    return false;
  });
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
    // Nothing else takes a body: the library would keep it, however long it is.
    http_.set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
      const bool is_prediction = request.method == "POST" && request.path == "/v1/predict";
      if (is_prediction || request.method == "GET" || request.method == "HEAD") {
        return httplib::Server::HandlerResponse::Unhandled;
      }
      response.status = 404;
      Send(ErrorJson(kNoSuchPage), /*is_read=*/false, response);
      return httplib::Server::HandlerResponse::Handled;
    });
    // What the library itself refuses: unknown paths, and requests that it cannot read.
    http_.set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (response.has_header("Content-Type")) return;  // it has an answer
      const bool is_read = response.status == 404;
      Send(ErrorJson(is_read ? kNoSuchPage : "the request cannot be read"), is_read, response);
    });
    http_.set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
      response.status = 500;
      Send(ErrorJson("an internal error"), /*is_read=*/false, response);
    });
  }

  // ReadUpload reads the body, and keeps its first `most` bytes. What follows is dropped, so that the connection can be
  // used again, until it is more than a body may have: then reading ends. The library does not read the body, since it
  // takes what `curl --data-binary` sends for a form of at most 8 KB, and bounds only a body whose length is stated.
  Upload ReadUpload(const httplib::Request& request, const httplib::ContentReader& read, size_t most,
                    const httplib::Response& response) const {
    Upload upload = {.name = request.has_param("name") ? request.get_param_value("name") : "recording"};
    size_t dropped = 0;
    const auto append = [&](const char* data, size_t length) {
      const size_t kept = std::min(length, most - upload.bytes.size());
      upload.bytes.append(data, kept);
      dropped += length - kept;
      return dropped <= options_.body_bytes;
    };
    const auto begin = [&](const httplib::MultipartFormData& file) {
      upload.name = file.filename;
      ++upload.files;
      return true;
    };
    // For a body that no header announces, and that is none, the library would wait.
    const bool has_body = request.has_header("Content-Length") || request.has_header("Transfer-Encoding");
    const bool is_whole = !has_body || (request.is_multipart_form_data() ? read(begin, append) : read(append));
    // A body whose stated length is too large was skipped by the library.
    const bool is_skipped = response.status == 413;
    upload.is_read = is_whole || is_skipped;
    upload.is_too_large = dropped > 0 || is_skipped;
    return upload;
  }

  void Answer(const httplib::Request& request, const httplib::ContentReader& read, httplib::Response& response) {
    const bool is_allowed =
        options_.token.empty() || IsToken(request.get_header_value("Authorization"), "Bearer " + options_.token);
    const Upload upload = ReadUpload(request, read, is_allowed ? options_.body_bytes : 0, response);
    if (!is_allowed) {
      response.status = 401;
      response.set_header("WWW-Authenticate", "Bearer");
      return Send(ErrorJson("expected the header Authorization: Bearer TOKEN"), upload.is_read, response);
    }
    if (upload.is_too_large) {
      response.status = 413;
      return Send(ErrorJson(absl::StrCat("the body has more than ", options_.body_bytes, " bytes")), upload.is_read,
                  response);
    }
    Reading reading = {.recording = "recording", .error = CheckUpload(request, upload)};
    std::string svg;
    if (reading.error.ok()) {
      reading.recording = upload.name;
      reading.error = ReadAndPredict(request, upload, reading, svg);
    }
    response.status = reading.error.ok() ? 200 : HttpStatus(reading.error);
    nlohmann::ordered_json json = ReadingJson(reading, predictor_.model());
    json["model"] = ModelJson(predictor_.model());
    if (!svg.empty()) json["svg"] = svg;
    Send(JsonText(json), upload.is_read, response);
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
    return absl::StrCat(
        metrics_.Text(),
        RequestMetrics::Line("ecg_waiting_recordings", "gauge", "Recordings that wait for the network.",
                             static_cast<int64_t>(batcher_.waiting())),
        RequestMetrics::Line("ecg_batches_total", "counter", "Batches that the network read.", batcher_.batches()),
        RequestMetrics::Line("ecg_recordings_total", "counter", "Recordings that the network read.",
                             batcher_.signals()));
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
