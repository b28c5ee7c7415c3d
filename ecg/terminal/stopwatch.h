// stopwatch.h
//
// Elapsed time, by a monotonic clock.
//
//   const Stopwatch stopwatch;
//   std::cout << stopwatch.seconds();

#ifndef ECG_TERMINAL_STOPWATCH_H_
#define ECG_TERMINAL_STOPWATCH_H_

#include <chrono>

namespace ecg {

// Stopwatch runs from its construction.
class Stopwatch {
 public:
  // seconds returns the elapsed time.
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;

  Clock::time_point start_ = Clock::now();
};

}  // namespace ecg

#endif  // ECG_TERMINAL_STOPWATCH_H_
