// http_listener.h
//
// Runs a server of cpp-httplib in a thread.
//
//   httplib::Server server;
//   HttpListener listener(server);
//   server.bind_to_any_port("127.0.0.1");
//   listener.Start();

#ifndef ECG_HTTP_HTTP_LISTENER_H_
#define ECG_HTTP_HTTP_LISTENER_H_

#include <httplib.h>
#include <sys/socket.h>

#include <chrono>
#include <thread>

namespace ecg {

// HttpListener is the thread that listens, and the options of its socket.
class HttpListener {
 public:
  // `server`, which must outlive the listener, is not bound to a port yet.
  explicit HttpListener(httplib::Server& server) : server_(server) {
    server.set_tcp_nodelay(true);
    // A port may be taken again at once, but not by two servers at the same time, as the library's own options allow.
    server.set_socket_options([this](socket_t socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
      socket_ = socket;
    });
    server.set_default_headers({{"X-Content-Type-Options", "nosniff"}, {"Cache-Control", "no-store"}});
  }

  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;
  ~HttpListener() { Stop(); }

  // Start answers the requests on the port that the server was bound to.
  void Start() {
    // The library lets five new connections wait, and more are lost; SOMAXCONN is what the system allows.
    listen(socket_, SOMAXCONN);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // Before it listens, the library ignores a stop.
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  // Stop cuts the connections, and waits for the thread.
  void Stop() {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  httplib::Server& server_;
  socket_t socket_ = -1;
  std::thread thread_;
};

}  // namespace ecg

#endif  // ECG_HTTP_HTTP_LISTENER_H_
