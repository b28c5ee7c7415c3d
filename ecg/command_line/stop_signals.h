// stop_signals.h
//
// SIGINT and SIGTERM, by which a program that runs until it is asked to stop is stopped: taken by waiting for them, so
// that no code runs in a signal handler.
//
//   BlockStopSignals();                              // before any thread starts
//   while (!WaitForStopSignal(std::chrono::seconds(1))) std::puts("still here");

#ifndef ECG_COMMAND_LINE_STOP_SIGNALS_H_
#define ECG_COMMAND_LINE_STOP_SIGNALS_H_

#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <ctime>

namespace ecg {

// StopSignals returns both.
inline sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

// BlockStopSignals leaves them, of this thread and all that it starts, to the functions below.
inline void BlockStopSignals() {
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // A shell starts background jobs with SIGINT ignored; an ignored signal may never arrive.
  for (const int stop : {SIGINT, SIGTERM}) signal(stop, SIG_DFL);
}

// WaitForStopSignal returns whether one comes within `duration`.
inline bool WaitForStopSignal(std::chrono::milliseconds duration) {
  const sigset_t signals = StopSignals();
  const timespec wait = {.tv_sec = static_cast<time_t>(duration.count() / 1000),
                         .tv_nsec = static_cast<long>(duration.count() % 1000 * 1'000'000)};
  return sigtimedwait(&signals, nullptr, &wait) > 0;
}

// WaitForStopSignal returns once one comes.
inline void WaitForStopSignal() {
  const sigset_t signals = StopSignals();
  int signal = 0;
  sigwait(&signals, &signal);
}

}  // namespace ecg

#endif  // ECG_COMMAND_LINE_STOP_SIGNALS_H_
