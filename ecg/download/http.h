// http.h
//
// One HTTP(S) request, through libcurl. Proxies come from the usual environment (http_proxy, https_proxy, no_proxy).
//
//   std::string text;
//   ECG_RETURN_IF_ERROR(HttpGet(
//       "https://example.org/list.txt", {}, {}, [](const HttpResponse&) { return absl::OkStatus(); },
//       [&text](absl::string_view bytes) {
//         text.append(bytes.data(), bytes.size());
//         return absl::OkStatus();
//       }));

#ifndef ECG_DOWNLOAD_HTTP_H_
#define ECG_DOWNLOAD_HTTP_H_

#include <curl/curl.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace ecg {

// HttpTimeouts says when a transfer has failed.
struct HttpTimeouts {
  int connect_seconds = 30;
  // A transfer has stalled when it is slower than this for so long.
  int stall_bytes_per_second = 1000;
  int stall_seconds = 30;
};

// HttpRange asks for the bytes from `first` to the end, provided that the file is still the one that `validator` (its
// ETag or Last-Modified; may be empty) names. The server sends the whole file otherwise.
struct HttpRange {
  int64_t first = 0;
  std::string validator;
};

// HttpResponse is what the server says before the bytes.
struct HttpResponse {
  int64_t first = 0;      // the place in the file of the first byte that comes
  int64_t total = -1;     // bytes of the whole file; -1 if the server does not say
  std::string validator;  // for a later HttpRange; may be empty
};

namespace http_internal {

// Transfer is one request in progress: it passes what libcurl receives on to the caller.
class Transfer {
 public:
  // All arguments must outlive it.
  Transfer(CURL* curl, const std::string& url, const HttpRange& range,
           const std::function<absl::Status(const HttpResponse&)>& on_response,
           const std::function<absl::Status(absl::string_view)>& on_bytes)
      : curl_(curl), url_(url), range_(range), on_response_(on_response), on_bytes_(on_bytes) {
    curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, Write);
    curl_easy_setopt(curl_, CURLOPT_WRITEDATA, this);
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // status is the caller's error that ended the transfer, or OK.
  const absl::Status& status() const { return status_; }

  // Respond calls `on_response`, once.
  absl::Status Respond() {
    if (responded_) return absl::OkStatus();
    responded_ = true;
    long code = 0;
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &code);
    HttpResponse response;
    if (code == 206) {
      long long first = -1, last = -1, total = -1;
      const std::string content_range = Header("Content-Range");
      if (std::sscanf(content_range.c_str(), "bytes %lld-%lld/%lld", &first, &last, &total) != 3 ||
          first != range_.first) {
        return absl::FailedPreconditionError(absl::StrCat(url_, ": asked for the bytes from ", range_.first,
                                                          ", but the server sends '", content_range, "'"));
      }
      response.first = first;
      response.total = total;
    } else {
      curl_off_t length = -1;
      curl_easy_getinfo(curl_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
      response.total = length;
    }
    // A weak ETag ("W/...") does not promise equal bytes.
    response.validator = Header("ETag");
    if (response.validator.empty() || response.validator[0] == 'W') response.validator = Header("Last-Modified");
    return on_response_(response);
  }

 private:
  static size_t Write(char* bytes, size_t, size_t size, void* data) {
    Transfer& transfer = *static_cast<Transfer*>(data);
    transfer.status_ = transfer.Respond();
    if (transfer.status_.ok()) transfer.status_ = transfer.on_bytes_(absl::string_view(bytes, size));
    return transfer.status_.ok() ? size : 0;  // 0 makes libcurl give up
  }

  std::string Header(const char* name) const {
    curl_header* header = nullptr;
    return curl_easy_header(curl_, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : "";
  }

  CURL* const curl_;
  const std::string& url_;
  const HttpRange& range_;
  const std::function<absl::Status(const HttpResponse&)>& on_response_;
  const std::function<absl::Status(absl::string_view)>& on_bytes_;
  bool responded_ = false;
  absl::Status status_;
};

// SetOptions sets all but what the request asks for.
inline void SetOptions(CURL* curl, const HttpTimeouts& timeouts) {
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "ecg");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, static_cast<long>(timeouts.connect_seconds));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(timeouts.stall_bytes_per_second));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(timeouts.stall_seconds));
}

// ErrorOf returns the error of a request that ended with `result`; `detail` is what libcurl says about it.
inline absl::Status ErrorOf(CURL* curl, CURLcode result, const std::string& url, absl::string_view detail) {
  long code = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
  if (result == CURLE_HTTP_RETURNED_ERROR) {
    const std::string message = absl::StrCat(url, ": the server answered HTTP ", code);
    if (code == 408 || code == 429 || code >= 500) return absl::UnavailableError(message);
    if (code == 416) return absl::OutOfRangeError(message);
    return absl::NotFoundError(message);
  }
  const std::string message = absl::StrCat(url, ": ", detail.empty() ? curl_easy_strerror(result) : detail);
  switch (result) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return absl::FailedPreconditionError(message);
    default:
      return absl::UnavailableError(message);
  }
}

}  // namespace http_internal

// HttpGet requests `url`, follows redirects, and calls `on_response`, once, and then `on_bytes` for each piece; an
// error of theirs ends the transfer and is returned. A code of kUnavailable means that another try may succeed: the
// connection broke or stalled, or the server answered 408, 429, 500 or above.
inline absl::Status HttpGet(const std::string& url, const HttpRange& range, const HttpTimeouts& timeouts,
                            const std::function<absl::Status(const HttpResponse&)>& on_response,
                            const std::function<absl::Status(absl::string_view)>& on_bytes) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  if (initialised != CURLE_OK || curl == nullptr) return absl::InternalError("libcurl does not start");

  http_internal::SetOptions(curl.get(), timeouts);
  http_internal::Transfer transfer(curl.get(), url, range, on_response, on_bytes);
  char detail[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  const std::string bytes = absl::StrCat(range.first, "-"), if_range = absl::StrCat("If-Range: ", range.validator);
  std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(nullptr, curl_slist_free_all);
  if (range.first > 0) {
    curl_easy_setopt(curl.get(), CURLOPT_RANGE, bytes.c_str());
    if (!range.validator.empty()) headers.reset(curl_slist_append(nullptr, if_range.c_str()));
  }
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());

  const CURLcode result = curl_easy_perform(curl.get());
  if (!transfer.status().ok()) return transfer.status();
  if (result == CURLE_OK) return transfer.Respond();  // of an empty file
  return http_internal::ErrorOf(curl.get(), result, url, detail);
}

}  // namespace ecg

#endif  // ECG_DOWNLOAD_HTTP_H_
