// metrics.h
//
// Counts of requests and how long they took, in the text format that Prometheus reads
// (https://prometheus.io/docs/instrumenting/exposition_formats).

#ifndef ECG_SERVE_METRICS_H_
#define ECG_SERVE_METRICS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace ecg {

// RequestMetrics counts requests. All methods are thread-safe.
class RequestMetrics {
 public:
  // Add counts a request that was answered with the HTTP status `code` after `seconds`.
  void Add(int code, double seconds) {
    const std::lock_guard lock(mutex_);
    ++by_code_[code];
    ++count_;
    sum_ += seconds;
    for (size_t i = 0; i < kBounds.size(); ++i) buckets_[i] += seconds <= kBounds[i];
  }

  // Text returns all counts.
  std::string Text() const {
    const std::lock_guard lock(mutex_);
    std::string text =
        "# HELP ecg_requests_total Requests for a prediction, by HTTP status.\n# TYPE ecg_requests_total counter\n";
    for (const auto& [code, count] : by_code_) {
      absl::StrAppend(&text, "ecg_requests_total{code=\"", code, "\"} ", count, "\n");
    }
    absl::StrAppend(&text, "# HELP ecg_request_seconds Time from a request to its answer.\n",
                    "# TYPE ecg_request_seconds histogram\n");
    for (size_t i = 0; i < kBounds.size(); ++i) {
      absl::StrAppend(&text, "ecg_request_seconds_bucket{le=\"", kBounds[i], "\"} ", buckets_[i], "\n");
    }
    absl::StrAppend(&text, "ecg_request_seconds_bucket{le=\"+Inf\"} ", count_, "\necg_request_seconds_sum ",
                    absl::StrFormat("%.6f", sum_), "\necg_request_seconds_count ", count_, "\n");
    return text;
  }

  // Line returns one more figure, of a kind such as "gauge".
  static std::string Line(absl::string_view name, absl::string_view kind, absl::string_view help, int64_t value) {
    return absl::StrCat("# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n", name, " ", value, "\n");
  }

 private:
  static constexpr std::array kBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0};

  mutable std::mutex mutex_;
  std::map<int, int64_t> by_code_;
  std::array<int64_t, kBounds.size()> buckets_ = {};
  int64_t count_ = 0;
  double sum_ = 0;
};

}  // namespace ecg

#endif  // ECG_SERVE_METRICS_H_
