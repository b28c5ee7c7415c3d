// stopwatch.h
//
// How long something took, by a clock that never goes back.

#ifndef ECG_TERMINAL_STOPWATCH_H_
#define ECG_TERMINAL_STOPWATCH_H_

#include <chrono>

namespace ecg {

// Stopwatch runs from when it is made.
class Stopwatch {
 public:
  // seconds returns how long it has run.
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;

  Clock::time_point start_ = Clock::now();
};

}  // namespace ecg

#endif  // ECG_TERMINAL_STOPWATCH_H_
