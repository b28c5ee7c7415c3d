// server.h
//
// Predictions over HTTP: POST a file in any format that ecg reads, get JSON.
//
//   Server server(predictor, {.port = 8080});
//   ECG_RETURN_IF_ERROR(server.Start());
//   std::printf("http://%s:%d\n", "127.0.0.1", server.port());
//   server.WaitForSignal();   // until SIGINT or SIGTERM; requests that run are answered
//
//   GET  /              a page to drop files on
//   POST /v1/predict    the file as body, or as a form's file; ?plot=1 adds the drawn ECG as SVG; ?leads, ?unit and ?rate
//                       say what a table is silent about. Answers as `//cli:predict --format=json` does
//   GET  /healthz       200 while the process lives
//   GET  /readyz        200 while requests are taken, 503 when it is stopping or too many wait
//   GET  /metrics       Prometheus' text format
//   GET  /openapi.json  the description of all of this

#ifndef ECG_SERVE_SERVER_H_
#define ECG_SERVE_SERVER_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "ecg/predict/predictor.h"
#include "ecg/serve/batcher.h"

namespace ecg {

// ServerOptions are the address and the limits of a server.
struct ServerOptions {
  // Loopback: no other machine reaches it.
  std::string host = "127.0.0.1";
  // 0 takes any free port.
  int port = 8080;
  // Where it is not empty, a prediction needs the header "Authorization: Bearer TOKEN".
  std::string token = {};
  // Bytes of a body, unpacked where it is compressed, and seconds of a recording.
  size_t body_bytes = size_t{32} << 20;
  double recording_seconds = 600;
  // Connections that are served at the same time; others wait.
  int connections = 128;
  // From the last byte of a request to its answer.
  std::chrono::milliseconds timeout = std::chrono::seconds(30);
  BatcherOptions batching = {};
};

// Server answers in threads of its own until it is destroyed.
class Server {
 public:
  Server(Predictor predictor, const ServerOptions& options);
  ~Server();

  // Start takes the port. An error names the port that is taken.
  absl::Status Start();

  // port returns the port.
  int port() const;

  // Stop takes no more requests, and returns when those that run are answered.
  void Stop();

  // WaitForSignal returns, after Stop, when the process gets SIGINT or SIGTERM. Call BlockSignals first thing in main,
  // before any thread is made.
  void WaitForSignal();
  static void BlockSignals();

 private:
  class Service;
  std::unique_ptr<Service> service_;
};

}  // namespace ecg

#endif  // ECG_SERVE_SERVER_H_
