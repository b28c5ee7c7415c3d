// Serves the predictions of a run over HTTP:
//
//   bazel run //cli:serve -- --model=RUN --port=8080
//   curl --data-binary @ecg.xml http://127.0.0.1:8080/v1/predict

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/command_line/command_line.h"
#include "ecg/device/library_settings.h"
#include "ecg/file/path.h"
#include "ecg/predict/predictor.h"
#include "ecg/serve/server.h"
#include "ecg/status/status_macros.h"

namespace ecg {
namespace {

absl::Status Serve(const std::string& model, const PredictorOptions& predictor_options, const ServerOptions& options) {
  ECG_ASSIGN_OR_RETURN(Predictor predictor, Predictor::Load(UserPath(model), predictor_options));
  if (predictor.model().synthetic) {
    std::fprintf(stderr, "The model was trained on synthetic records: it knows no real ECG.\n");
  }
  Server server(predictor, options);
  ECG_RETURN_IF_ERROR(server.Start());
  std::printf("%s, %zu classes: http://%s:%d\n", predictor.model().name.c_str(), predictor.model().classes.size(),
              options.host.c_str(), server.port());
  std::fflush(stdout);
  server.WaitForSignal();
  return absl::OkStatus();
}

}  // namespace
}  // namespace ecg

int main(int argc, char** argv) {
  ecg::Server::BlockSignals();
  std::string model;
  ecg::PredictorOptions predictor;
  ecg::ServerOptions options;
  int body_mb = 32, latency_ms = 5, timeout_s = 30;
  CLI::App app("Serves the predictions of a trained model over HTTP.", "serve");
  app.add_option("--model", model, "The folder of a run")->required()->type_name("RUN");
  app.add_option("--host", options.host, "The address to listen on; 0.0.0.0 is every network of this machine")
      ->capture_default_str();
  app.add_option("--port", options.port, "The port; 0 takes any free one")
      ->capture_default_str()
      ->check(CLI::Range(0, 65535));
  app.add_option("--device", predictor.device, "cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--token", options.token, "What a client must send as Authorization: Bearer TOKEN")
      ->envname("ECG_TOKEN");
  app.add_option("--max_megabytes", body_mb, "The largest file")->capture_default_str()->check(CLI::Range(1, 2000));
  app.add_option("--max_seconds", options.recording_seconds, "The longest recording")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--connections", options.connections, "Connections at the same time")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  app.add_option("--latency_ms", latency_ms, "How long a recording waits for others of its batch")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  app.add_option("--batch", options.batching.batch_signals, "Recordings in a batch")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  app.add_option("--max_waiting", options.batching.waiting_signals, "Recordings that may wait")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--timeout_s", timeout_s, "The longest that a request may take")
      ->capture_default_str()
      ->check(CLI::Range(1, 86400));
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;
  ecg::RestartWithKernels(argv);
  options.body_bytes = size_t{1'000'000} * body_mb;
  options.batching.latency = std::chrono::milliseconds(latency_ms);
  options.timeout = std::chrono::seconds(timeout_s);
  return ecg::ExitStatus(ecg::Serve(model, predictor, options));
}
