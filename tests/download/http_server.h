// http_server.h
//
// A small HTTP server on 127.0.0.1 that can be told to misbehave.

#ifndef ECG_TESTS_DOWNLOAD_HTTP_SERVER_H_
#define ECG_TESTS_DOWNLOAD_HTTP_SERVER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace ecg {

// Reply is how one request for a file is answered.
struct Reply {
  int code = 200;
  bool ignores_range = false;
  int64_t breaks_off_after = -1;  // bytes of the body; -1 for never
  int64_t stalls_after = -1;      // bytes of the body; then nothing comes until the client hangs up
};

// HttpServer serves files by path. The requests of a path take its replies in turn, and after those a plain one.
class HttpServer {
 public:
  HttpServer() {
    // The person's proxy must not be asked for this machine.
    setenv("no_proxy", "127.0.0.1", 1);
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (listener_ < 0 || bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener_, 8) != 0 || getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~HttpServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }

  std::string Url(const std::string& path) const { return absl::StrCat("http://127.0.0.1:", port_, path); }

  // Set changes a file and, with it, its ETag.
  void Set(const std::string& path, std::string bytes) {
    const std::lock_guard lock(mutex_);
    File& file = files_[path];
    file.bytes = std::move(bytes);
    file.etag = absl::StrCat("\"", ++etags_, "\"");
  }

  // Plan sets the replies to the next requests of a file, and forgets those of before.
  void Plan(const std::string& path, std::vector<Reply> replies) {
    const std::lock_guard lock(mutex_);
    files_[path].replies = std::move(replies);
    files_[path].requests.clear();
  }

  // Requests returns the place of the first byte that each request of a file asked for.
  std::vector<int64_t> Requests(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return files_[path].requests;
  }

 private:
  struct File {
    std::string bytes;
    std::string etag;  // empty: there is no such file
    std::vector<Reply> replies;
    std::vector<int64_t> requests;
  };

  // Serve answers one connection after the other, each with one request.
  void Serve() {
    int connection;
    while ((connection = accept(listener_, nullptr, nullptr)) >= 0) {
      std::string request;
      char buffer[4096];
      ssize_t count;
      while (request.find("\r\n\r\n") == std::string::npos && (count = read(connection, buffer, sizeof buffer)) > 0) {
        request.append(buffer, count);
      }
      Answer(connection, request);
      close(connection);
    }
  }

  void Answer(int connection, const std::string& request) {
    const std::vector<std::string> words = absl::StrSplit(request.substr(0, request.find("\r\n")), ' ');
    if (words.size() < 2) return;
    const auto header = [&request](const std::string& name) -> std::string {
      const size_t place = request.find("\r\n" + name + ": ");
      if (place == std::string::npos) return "";
      const size_t start = place + name.size() + 4;
      return request.substr(start, request.find("\r\n", start) - start);
    };
    const std::string range = header("Range"), if_range = header("If-Range");
    const int64_t first = range.empty() ? 0 : std::strtoll(range.c_str() + std::string("bytes=").size(), nullptr, 10);

    std::string head, body;
    Reply reply;
    {
      const std::lock_guard lock(mutex_);
      File& file = files_[words[1]];
      reply.code = file.etag.empty() ? 404 : 200;
      if (file.requests.size() < file.replies.size()) reply = file.replies[file.requests.size()];
      file.requests.push_back(first);
      const size_t size = file.bytes.size();
      if (reply.code != 200) {
        body = "no luck";
        head = absl::StrCat("HTTP/1.1 ", reply.code, " No luck\r\n");
      } else if (first > 0 && !reply.ignores_range && (if_range.empty() || if_range == file.etag)) {
        body = file.bytes.substr(first);
        head = absl::StrCat("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes ", first, "-", size - 1, "/", size,
                            "\r\nETag: ", file.etag, "\r\n");
      } else {
        body = file.bytes;
        head = absl::StrCat("HTTP/1.1 200 OK\r\nETag: ", file.etag, "\r\n");
      }
    }
    Send(connection, absl::StrCat(head, "Content-Length: ", body.size(), "\r\nConnection: close\r\n\r\n"));
    if (reply.breaks_off_after >= 0) {
      Send(connection, body.substr(0, reply.breaks_off_after));
    } else if (reply.stalls_after >= 0) {
      Send(connection, body.substr(0, reply.stalls_after));
      char ignored;
      while (read(connection, &ignored, 1) > 0) {
      }
    } else {
      Send(connection, body);
    }
  }

  static void Send(int connection, const std::string& bytes) {
    size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t count = send(connection, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return;
      sent += count;
    }
  }

  int listener_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  std::map<std::string, File> files_;
  int etags_ = 0;
  std::thread thread_;
};

}  // namespace ecg

#endif  // ECG_TESTS_DOWNLOAD_HTTP_SERVER_H_
