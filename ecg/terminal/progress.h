// progress.h
//
// A progress bar with rate and time left. On a terminal it is redrawn in place on stderr a few times a second;
// elsewhere it prints nothing, so that logs stay short.
//
//   const std::vector<std::string> records = {"1", "2"};
//   Progress progress("packing", records.size(), "records");
//   for (const std::string& record : records) {
//     std::cout << record;
//     progress.Advance();
//   }
//
// shows
//
//   packing  [=========>          ]  45%  9,812/21,837 records  5,120/s  2 s left

#ifndef ECG_TERMINAL_PROGRESS_H_
#define ECG_TERMINAL_PROGRESS_H_

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace ecg {

// WithThousands formats a count with separators: 21837 is "21,837".
inline std::string WithThousands(int64_t count) {
  std::string digits = std::to_string(count);
  const int first = digits[0] == '-' ? 1 : 0;
  for (int position = static_cast<int>(digits.size()) - 3; position > first; position -= 3)
    digits.insert(position, 1, ',');
  return digits;
}

// Duration formats a time, rounded: 75 seconds are "1 min".
inline std::string Duration(double seconds) {
  if (seconds < 60) return absl::StrFormat("%.0f s", seconds);
  if (seconds < 3600) return absl::StrFormat("%.0f min", seconds / 60);
  return absl::StrFormat("%.1f h", seconds / 3600);
}

// Progress is the bar. Its methods are thread-safe. It clears its line when it is destroyed.
class Progress {
 public:
  // `total` is in `unit`, a plural noun such as "records" or "bytes". `done` is what an earlier process
  // has done: it counts in the bar but not in the rate.
  Progress(absl::string_view label, int64_t total, absl::string_view unit, int64_t done = 0)
      : label_(label),
        unit_(unit),
        total_(std::max<int64_t>(total, 1)),
        done_before_(done),
        on_terminal_(!silent_ && isatty(STDERR_FILENO) != 0),
        start_(Clock::now()) {}
  // SilenceAll makes all later bars of this process print nothing: several processes share the terminal.
  static void SilenceAll() { silent_ = true; }

  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() {
    if (drawn_) std::fputs("\r\033[K", stderr);
  }

  // Advance adds `count` to what is done; `note`, such as "loss 12.3", is shown behind the bar.
  void Advance(int64_t count = 1, absl::string_view note = "") {
    const std::lock_guard lock(mutex_);
    done_ += count;
    if (!note.empty()) note_ = std::string(note);
    const Clock::time_point now = Clock::now();
    if (!on_terminal_ || now - last_drawn_ < std::chrono::milliseconds(100)) return;
    last_drawn_ = now;
    drawn_ = true;
    std::string line = Line(std::chrono::duration<double>(now - start_).count());
    // A line that wraps could not be drawn over.
    winsize window{};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 && line.size() >= window.ws_col) {
      line.resize(window.ws_col - 1);
    }
    std::fputs(absl::StrCat("\r\033[K", line).c_str(), stderr);
  }

  // Line returns what is drawn after `seconds`.
  std::string Line(double seconds) const {
    constexpr int kWidth = 24;
    const double fraction = std::min(1.0, static_cast<double>(done_) / total_);
    const int filled = static_cast<int>(fraction * kWidth);
    std::string bar(filled, '=');
    if (filled < kWidth) bar += '>';
    bar.resize(kWidth, ' ');
    const double rate = seconds > 0 ? (done_ - done_before_) / seconds : 0;
    std::string line = absl::StrFormat(
        "%s  [%s] %3d%%  %s  %s/s", label_, bar, static_cast<int>(fraction * 100),
        absl::StrCat(Amount(done_), "/", Amount(total_), unit_ == "bytes" ? "" : " ", unit_ == "bytes" ? "" : unit_),
        Amount(static_cast<int64_t>(rate)));
    if (rate > 0 && done_ < total_) absl::StrAppend(&line, "  ", Duration((total_ - done_) / rate), " left");
    if (!note_.empty()) absl::StrAppend(&line, "  ", note_);
    return line;
  }

 private:
  using Clock = std::chrono::steady_clock;

  std::string Amount(int64_t count) const {
    if (unit_ != "bytes") return WithThousands(count);
    return count < 10'000'000 ? absl::StrFormat("%.1f MB", count / 1e6) : absl::StrFormat("%.0f MB", count / 1e6);
  }

  const std::string label_;
  const std::string unit_;
  const int64_t total_;
  const int64_t done_before_;
  const bool on_terminal_;
  const Clock::time_point start_;
  std::mutex mutex_;
  std::string note_;
  int64_t done_ = done_before_;
  bool drawn_ = false;
  Clock::time_point last_drawn_;
  static inline bool silent_ = false;
};

}  // namespace ecg

#endif  // ECG_TERMINAL_PROGRESS_H_
