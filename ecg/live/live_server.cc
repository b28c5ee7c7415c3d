#include "ecg/live/live_server.h"

#include <httplib.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/http/http_listener.h"
#include "ecg/live/page.h"

namespace ecg {
namespace {

constexpr char kHost[] = "127.0.0.1";
constexpr int kPortsToTry = 100;
// Pages that are open at the same time. Each holds a thread, and others must be left for short requests.
constexpr int kPages = 12, kThreads = 16;

// NamesThisMachine tells whether a Host header has a name of the loopback interface, with any port: a port that is
// forwarded to another machine may have another number there.
bool NamesThisMachine(absl::string_view host) {
  const size_t colon = host.rfind(':');
  if (colon != host.npos && host.find(']', colon) == host.npos) host = host.substr(0, colon);
  return host == kHost || host == "localhost" || host == "[::1]";
}

absl::StatusOr<std::string> NewToken() {
  std::string bytes(16, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size())) != 1) {
    return absl::InternalError("the system gives no random numbers for the live page");
  }
  return absl::BytesToHexString(bytes);
}

}  // namespace

// Service is the server behind the interface, so that users of the header do not compile the HTTP library.
class LiveServer::Service {
 public:
  explicit Service(std::string token) : token_(std::move(token)) {
    http_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    http_.set_payload_max_length(1024);
    // A connection that is kept open would delay the end of the program.
    http_.set_keep_alive_max_count(1);
    AddRoutes();
  }

  ~Service() {
    {
      std::unique_lock lock(mutex_);
      is_ending_ = true;
      changed_.notify_all();
      // A stop cuts connections, so the open pages get the last values before; one that is stuck is not waited for.
      changed_.wait_for(lock, std::chrono::seconds(2), [this] { return pages_ == 0; });
    }
    listener_.Stop();
  }

  absl::Status Start(std::optional<int> port) {
    const int first = port.value_or(kFirstPort), last = port ? *port : kFirstPort + kPortsToTry - 1;
    for (int candidate = first; candidate <= last && port_ <= 0; ++candidate) {
      if (candidate == 0) {
        port_ = http_.bind_to_any_port(kHost);
      } else if (http_.bind_to_port(kHost, candidate)) {
        port_ = candidate;
      }
    }
    if (port_ <= 0) {
      return absl::UnavailableError(
          port ? absl::StrCat("cannot show the run on port ", *port,
                              "; another program may have it. Pass another --live=PORT, or --live for any free one")
               : absl::StrCat("cannot show the run: the ports ", first, " to ", last, " are taken; pass --live=PORT"));
    }
    listener_.Start();
    return absl::OkStatus();
  }

  int port() const { return port_; }
  const std::string& token() const { return token_; }
  bool stop_requested() const { return stop_requested_; }

  void Set(absl::string_view name, absl::string_view json) {
    {
      const std::lock_guard lock(mutex_);
      values_[std::string(name)] = {std::string(json), ++version_};
    }
    changed_.notify_all();
  }

 private:
  struct Value {
    std::string json;
    uint64_t version = 0;
  };

  void AddRoutes() {
    http_.set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
      if (NamesThisMachine(request.get_header_value("Host"))) return httplib::Server::HandlerResponse::Unhandled;
      Refuse(response, "this page is only for the machine that it runs on: open 127.0.0.1 or localhost");
      return httplib::Server::HandlerResponse::Handled;
    });
    http_.Get("/", [](const httplib::Request&, httplib::Response& response) {
      response.set_header("Content-Security-Policy",
                          "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
                          "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
      response.set_header("Referrer-Policy", "no-referrer");
      response.set_content(kPage, "text/html; charset=utf-8");
    });
    http_.Get("/events", [this](const httplib::Request&, httplib::Response& response) { StreamTo(response); });
    http_.Post("/stop", [this](const httplib::Request& request, httplib::Response& response) {
      const std::string token = request.get_header_value("X-Token");
      if (request.get_header_value("Origin") != absl::StrCat("http://", request.get_header_value("Host"))) {
        return Refuse(response, "only the page itself can stop the run");
      }
      if (token.size() != token_.size() || CRYPTO_memcmp(token.data(), token_.data(), token.size()) != 0) {
        return Refuse(response, "to stop the run, open the whole address that the terminal shows");
      }
      stop_requested_ = true;
      Set("stopping", "true");
      response.set_content("the run stops after this epoch\n", "text/plain");
    });
  }

  static void Refuse(httplib::Response& response, const char* why) {
    response.status = 403;
    response.set_content(absl::StrCat(why, "\n"), "text/plain");
  }

  // StreamTo sends all values, and then those that change.
  void StreamTo(httplib::Response& response) {
    if (++pages_ > kPages) {
      --pages_;
      response.status = 503;
      response.set_content("too many pages of this run are open\n", "text/plain");
      return;
    }
    const auto sent = std::make_shared<uint64_t>(0);
    response.set_chunked_content_provider(
        "text/event-stream",
        [this, sent](size_t, httplib::DataSink& sink) {
          bool is_last = false;
          const std::string text = NextEvent(*sent, is_last);
          if (!sink.write(text.data(), text.size())) return false;
          if (is_last) sink.done();
          return true;
        },
        [this](bool) {
          {
            const std::lock_guard lock(mutex_);
            --pages_;
          }
          changed_.notify_all();
        });
  }

  // NextEvent waits until there are values that are newer than `sent`, or the server ends. It returns them as one
  // event, or from time to time a comment, by which a connection that was lost is noticed.
  std::string NextEvent(uint64_t& sent, bool& is_last) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10), [&] { return is_ending_ || version_ > sent; });
    is_last = is_ending_;
    if (version_ == sent) return ": \n\n";
    std::string json;
    for (const auto& [name, value] : values_) {
      if (value.version > sent) absl::StrAppend(&json, json.empty() ? "{" : ",", "\"", name, "\":", value.json);
    }
    sent = version_;
    return absl::StrCat("data: ", json, "}\n\n");
  }

  const std::string token_;
  std::atomic<bool> stop_requested_ = false;
  std::atomic<int> pages_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Value> values_;  // guarded by mutex_, as are the next two
  uint64_t version_ = 0;
  bool is_ending_ = false;
  int port_ = 0;
  httplib::Server http_;
  HttpListener listener_{http_};
};

LiveServer::LiveServer(std::unique_ptr<Service> service) : service_(std::move(service)) {}
LiveServer::~LiveServer() = default;

absl::StatusOr<std::unique_ptr<LiveServer>> LiveServer::Start(std::optional<int> port) {
  absl::StatusOr<std::string> token = NewToken();
  if (!token.ok()) return token.status();
  auto service = std::make_unique<Service>(*std::move(token));
  if (absl::Status status = service->Start(port); !status.ok()) return status;
  return std::unique_ptr<LiveServer>(new LiveServer(std::move(service)));
}

int LiveServer::port() const { return service_->port(); }
std::string LiveServer::address() const {
  return absl::StrCat("http://", kHost, ":", service_->port(), "/#", service_->token());
}
void LiveServer::Set(absl::string_view name, absl::string_view json) { service_->Set(name, json); }
bool LiveServer::stop_requested() const { return service_->stop_requested(); }

}  // namespace ecg
