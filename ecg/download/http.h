// http.h
//
// One HTTP(S) request, through libcurl. Proxies come from the usual environment (http_proxy, https_proxy, no_proxy).

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

// HttpTimeouts says when a transfer counts as broken.
struct HttpTimeouts {
  int connect_seconds = 30;
  // Slower than so many bytes a second for so many seconds.
  int stall_bytes_per_second = 1000;
  int stall_seconds = 30;
};

// HttpRange asks for the bytes from `first` on, provided that the file is still the one that `validator` (its ETag or
// Last-Modified; may be empty) names. The server sends the whole file otherwise.
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

// HttpGet requests `url`, follows redirects, and hands what comes to `on_response`, once, and then to `on_bytes`, piece
// by piece; an error of theirs ends the transfer and is returned. A code of kUnavailable means that another try may
// succeed: the connection broke or stalled, or the server answered 408, 429, 500 or above.
inline absl::Status HttpGet(const std::string& url, const HttpRange& range, const HttpTimeouts& timeouts,
                            const std::function<absl::Status(const HttpResponse&)>& on_response,
                            const std::function<absl::Status(absl::string_view)>& on_bytes) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  if (initialised != CURLE_OK || curl == nullptr) return absl::InternalError("libcurl does not start");

  struct Transfer {
    CURL* curl;
    const std::string& url;
    const HttpRange& range;
    const std::function<absl::Status(const HttpResponse&)>& on_response;
    const std::function<absl::Status(absl::string_view)>& on_bytes;
    bool responded = false;
    absl::Status status;

    std::string Header(const char* name) const {
      curl_header* header = nullptr;
      return curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : "";
    }

    absl::Status Respond() {
      if (responded) return absl::OkStatus();
      responded = true;
      long code = 0;
      curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
      HttpResponse response;
      if (code == 206) {
        long long first = -1, last = -1, total = -1;
        const std::string content_range = Header("Content-Range");
        if (std::sscanf(content_range.c_str(), "bytes %lld-%lld/%lld", &first, &last, &total) != 3 ||
            first != range.first) {
          return absl::FailedPreconditionError(absl::StrCat(url, ": asked for the bytes from ", range.first,
                                                            " on, but the server sends '", content_range, "'"));
        }
        response.first = first;
        response.total = total;
      } else {
        curl_off_t length = -1;
        curl_easy_getinfo(curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
        response.total = length;
      }
      // A weak ETag ("W/...") does not promise equal bytes.
      response.validator = Header("ETag");
      if (response.validator.empty() || response.validator[0] == 'W') response.validator = Header("Last-Modified");
      return on_response(response);
    }
  } transfer{curl.get(), url, range, on_response, on_bytes, false, {}};

  const auto write = +[](char* bytes, size_t, size_t size, void* data) -> size_t {
    Transfer& transfer = *static_cast<Transfer*>(data);
    transfer.status = transfer.Respond();
    if (transfer.status.ok()) transfer.status = transfer.on_bytes(absl::string_view(bytes, size));
    return transfer.status.ok() ? size : 0;  // 0 makes libcurl give up
  };

  char detail[CURL_ERROR_SIZE] = "";
  curl_slist* header_lines = nullptr;
  std::string range_text;
  if (range.first > 0) {
    range_text = absl::StrCat(range.first, "-");
    curl_easy_setopt(curl.get(), CURLOPT_RANGE, range_text.c_str());
    if (!range.validator.empty()) {
      header_lines = curl_slist_append(nullptr, absl::StrCat("If-Range: ", range.validator).c_str());
    }
  }
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(header_lines, curl_slist_free_all);
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt(curl.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_USERAGENT, "ecg");
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, static_cast<long>(timeouts.connect_seconds));
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(timeouts.stall_bytes_per_second));
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_TIME, static_cast<long>(timeouts.stall_seconds));
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, write);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &transfer);

  const CURLcode result = curl_easy_perform(curl.get());
  if (!transfer.status.ok()) return transfer.status;
  if (result == CURLE_OK) return transfer.Respond();  // of an empty file

  long code = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &code);
  if (result == CURLE_HTTP_RETURNED_ERROR) {
    const std::string message = absl::StrCat(url, ": the server answered HTTP ", code);
    if (code == 408 || code == 429 || code >= 500) return absl::UnavailableError(message);
    if (code == 416) return absl::OutOfRangeError(message);
    return absl::NotFoundError(message);
  }
  const std::string message = absl::StrCat(url, ": ", detail[0] != '\0' ? detail : curl_easy_strerror(result));
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

}  // namespace ecg

#endif  // ECG_DOWNLOAD_HTTP_H_
