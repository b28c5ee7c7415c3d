// deadline.h
//
// A time that a process keeps putting off, and by which another one acts unless it does. It lies in memory that
// processes forked later share.
//
//   Deadline deadline(45);            // seconds from now
//   if (!deadline.PutOff(BootSeconds() + 45)) std::puts("too late");

#ifndef ECG_SWEEP_DEADLINE_H_
#define ECG_SWEEP_DEADLINE_H_

#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <ctime>
#include <limits>
#include <new>

namespace ecg {

// BootSeconds returns the time since the machine was booted, in seconds. The time that it was suspended for counts.
inline double BootSeconds() {
  timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Deadline is the time. All but the constructor is safe between fork and exec, and in several threads.
class Deadline {
 public:
  // Deadline is `seconds` from now.
  explicit Deadline(double seconds) {
    void* const memory =
        mmap(nullptr, sizeof(std::atomic<double>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    at_ = new (memory) std::atomic<double>(BootSeconds() + seconds);
  }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline() { munmap(at_, sizeof(std::atomic<double>)); }

  // PutOff makes it `boot_seconds`, a time of BootSeconds(), unless it has passed, and returns whether it has not.
  bool PutOff(double boot_seconds) {
    double at = at_->load();
    do {
      if (BootSeconds() > at) return false;
    } while (!at_->compare_exchange_weak(at, boot_seconds));
    return true;
  }

  // Expire lets it pass now.
  void Expire() { at_->store(kPassed); }

  // Passed says whether it has passed. Once it has said so, it cannot be put off: two processes agree.
  bool Passed() const {
    double at = at_->load();
    do {
      if (BootSeconds() <= at) return false;
    } while (!at_->compare_exchange_weak(at, kPassed));
    return true;
  }

 private:
  static_assert(std::atomic<double>::is_always_lock_free);
  static constexpr double kPassed = -std::numeric_limits<double>::infinity();

  std::atomic<double>* at_;
};

}  // namespace ecg

#endif  // ECG_SWEEP_DEADLINE_H_
