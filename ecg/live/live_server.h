// live_server.h
//
// A page on which a program's progress can be watched, and which can ask it to stop. Only this machine can open it:
//
//   ECG_ASSIGN_OR_RETURN(const std::unique_ptr<LiveServer> live, LiveServer::Start(std::nullopt));
//   std::printf("live      %s\n", live->address().c_str());
//   live->Set("stage", "\"training\"");
//   if (live->stop_requested()) return absl::OkStatus();
//
// The server knows nothing of what it shows: values have names and are JSON; page.html draws them. A page gets all
// values when it connects, and then each that changes, as server-sent events (GET /events). POST /stop asks to stop.
//
// Pages of other sites, which a browser on this machine may have open, can neither read nor stop: a request must name
// this machine in its Host header (so that no other name can be made to point here, "DNS rebinding"), and a stop must
// come from the page's own origin. A stop also needs the token in the address, which other users of this machine do not
// have.

#ifndef ECG_LIVE_LIVE_SERVER_H_
#define ECG_LIVE_LIVE_SERVER_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ecg {

// LiveServer answers in threads of its own until it is destroyed. Its methods are thread-safe.
class LiveServer {
 public:
  // kFirstPort is tried first where no port is named, and then the ports after it.
  static constexpr int kFirstPort = 8642;

  // Start takes `port`, or any free port for 0, or the first free one from kFirstPort on for none. An error names the
  // port that is taken.
  static absl::StatusOr<std::unique_ptr<LiveServer>> Start(std::optional<int> port);
  ~LiveServer();

  int port() const;

  // address returns the page's address, with the token that allows to stop.
  std::string address() const;

  // Set changes the value `name` to `json`, on all pages.
  void Set(absl::string_view name, absl::string_view json);

  // stop_requested tells whether a page has asked to stop.
  bool stop_requested() const;

 private:
  class Service;
  explicit LiveServer(std::unique_ptr<Service> service);
  std::unique_ptr<Service> service_;
};

}  // namespace ecg

#endif  // ECG_LIVE_LIVE_SERVER_H_
