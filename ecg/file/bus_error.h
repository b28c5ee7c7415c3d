// bus_error.h
//
// An end with a message for a program that reads a mapped file which cannot be read any more. A read of mapped memory
// cannot return an error: where the file has become shorter, or its disk fails, the system sends the signal SIGBUS,
// which by itself ends a program without a word.
//
//   const char* const bytes = nullptr;   // what mmap returned
//   MappedRange* const range = BusErrors::Watch(bytes, 4096, "signals.npy");   // before the first read
//   BusErrors::Unwatch(range);                                                 // before munmap
//
// MappedFile does this for its files.

#ifndef ECG_FILE_BUS_ERROR_H_
#define ECG_FILE_BUS_ERROR_H_

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <string>

namespace ecg {

// MappedRange is a range of addresses at which a file is mapped. It is reused, never freed, so that the signal handler
// can walk over all of them at any time.
struct MappedRange {
  std::atomic<uintptr_t> begin = 0;  // 0 while the range is not in use
  std::atomic<size_t> size = 0;
  char path[1024] = "";  // cut where it is longer
  MappedRange* next = nullptr;
};

// BusErrors ends the program with exit status 1 and a message that names the file when a watched range cannot be read.
// Any other SIGBUS does what it did before.
class BusErrors {
 public:
  // Watch says that the file `path` is mapped at `address`. The first call installs the signal handler.
  static MappedRange* Watch(const void* address, size_t size, const std::filesystem::path& path) {
    static const bool installed = Install();
    static_cast<void>(installed);
    const std::lock_guard lock(mutex_);
    MappedRange* range = first_.load();
    while (range != nullptr && range->begin != 0) range = range->next;
    if (range == nullptr) {
      range = new MappedRange;
      range->next = first_.load();
      first_.store(range);
    }
    const std::string text = path.string();
    const size_t length = std::min(text.size(), sizeof range->path - 1);
    std::memcpy(range->path, text.data(), length);
    range->path[length] = '\0';
    range->size = size;
    range->begin = reinterpret_cast<uintptr_t>(address);
    return range;
  }

  // Unwatch ends what Watch began.
  static void Unwatch(MappedRange* range) {
    const std::lock_guard lock(mutex_);
    range->begin = 0;
  }

 private:
  static bool Install() {
    struct sigaction action = {};
    action.sa_sigaction = Handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGBUS, &action, &before_) == 0;
  }

  // Handle may call what is async-signal-safe only (man 7 signal-safety): no stdio, no allocation.
  static void Handle(int signal, siginfo_t* info, void* context) {
    const uintptr_t address = reinterpret_cast<uintptr_t>(info->si_addr);
    // A signal that another process sent has no address.
    for (MappedRange* range = info->si_code > 0 ? first_.load() : nullptr; range != nullptr; range = range->next) {
      const uintptr_t begin = range->begin;
      if (begin == 0 || address < begin || address - begin >= range->size) continue;
      Write("\nerror: cannot read ");
      Write(range->path);
      Write(
          " any more: the file has become shorter, or its disk has failed. Restore the file, then run again; training "
          "continues from its last checkpoint with --resume\n");
      _exit(1);
    }
    if ((before_.sa_flags & SA_SIGINFO) != 0) return before_.sa_sigaction(signal, info, context);
    if (before_.sa_handler != SIG_DFL && before_.sa_handler != SIG_IGN) return before_.sa_handler(signal);
    // As if there were no handler: the instruction is run again, or the signal sent again, and ends the program.
    ::signal(SIGBUS, SIG_DFL);
    if (info->si_code <= 0) raise(SIGBUS);
  }

  static void Write(const char* text) { static_cast<void>(!write(STDERR_FILENO, text, strlen(text))); }

  static inline std::mutex mutex_;                           // of those who watch and unwatch
  static inline std::atomic<MappedRange*> first_ = nullptr;  // of a list to which only is added
  static inline struct sigaction before_ = {};
};

}  // namespace ecg

#endif  // ECG_FILE_BUS_ERROR_H_
