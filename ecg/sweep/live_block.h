// live_block.h
//
// A block of lines at the bottom of a terminal that is redrawn in place, below lines that stay. Where stderr is not a
// terminal, only the latter are printed.
//
//   LiveBlock live;
//   live.Draw({"2 of 9 runs", "a  epoch 3/20"});
//   live.Print("b  finished");

#ifndef ECG_SWEEP_LIVE_BLOCK_H_
#define ECG_SWEEP_LIVE_BLOCK_H_

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace ecg {

// LiveBlock is the block. It is erased when it is destroyed.
class LiveBlock {
 public:
  LiveBlock() : on_terminal_(isatty(STDERR_FILENO) != 0) {}
  LiveBlock(const LiveBlock&) = delete;
  LiveBlock& operator=(const LiveBlock&) = delete;
  ~LiveBlock() { Erase(); }

  bool on_terminal() const { return on_terminal_; }

  // Draw replaces the block by `lines`, as many as there is room for.
  void Draw(const std::vector<std::string>& lines) {
    if (!on_terminal_) return;
    winsize window{};
    const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 && window.ws_row > 0;
    const size_t columns = known ? window.ws_col - 1 : 79, rows = known ? window.ws_row - 1 : 23;
    std::string text = drawn_ > 0 ? absl::StrCat("\r\033[", drawn_, "A\033[J") : "";
    drawn_ = 0;
    for (const std::string& line : lines) {
      if (drawn_ == rows) break;
      absl::StrAppend(&text, line.substr(0, columns), "\n");
      ++drawn_;
    }
    std::fputs(text.c_str(), stderr);
  }

  // Print prints a line that stays, to stdout.
  void Print(const std::string& line) {
    Erase();
    std::puts(line.c_str());
    std::fflush(stdout);
  }

 private:
  void Erase() {
    if (drawn_ > 0) std::fputs(absl::StrCat("\r\033[", drawn_, "A\033[J").c_str(), stderr);
    drawn_ = 0;
  }

  const bool on_terminal_;
  size_t drawn_ = 0;  // lines
};

}  // namespace ecg

#endif  // ECG_SWEEP_LIVE_BLOCK_H_
