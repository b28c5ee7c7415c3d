#include "ecg/distributed/heartbeat.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/distributed/host_name.h"
#include "ecg/distributed/membership.h"

namespace ecg {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kInterval(1000);
// Once an exchange has failed, a process that was not heard of for so long has ended.
constexpr std::chrono::seconds kSilenceInTrouble(3);
// Once an exchange has failed and all processes are heard of, how long it takes to blame one of them.
constexpr std::chrono::seconds kBlame(8);
// Said where no process is to blame.
constexpr char kNobody[] = "an exchange failed between processes that are all alive";
// How long a process may take to end by itself once it knows of a failure.
constexpr std::chrono::seconds kGrace(5);

// Keys of the store.
constexpr char kFailures[] = "failures", kVerdict[] = "verdict", kReaders[] = "readers", kTrouble[] = "trouble";
std::string BeatsOf(int rank) { return absl::StrCat("beats/", rank); }
std::string CallsOf(int rank) { return absl::StrCat("calls/", rank); }
std::string HostOf(int rank) { return absl::StrCat("host/", rank); }

// Peer is what the process of rank 0 knows of another.
struct Peer {
  int64_t beats = 0;
  Clock::time_point heard = Clock::now();
};

}  // namespace

struct Heartbeat::Shared {
  Membership membership;
  std::function<std::unique_ptr<SharedStore>()> connect;
  std::chrono::seconds silence;

  std::mutex mutex;
  std::condition_variable changed;
  bool stopped = false;
  bool in_trouble = false;                    // an exchange of this process failed
  int64_t calls = 0;                          // begun by this process
  std::string own_failure;                    // to be told to the others
  std::string verdict;                        // which process failed; empty while all are well
  Clock::time_point verdict_time;             // when that was found
  Clock::time_point answered = Clock::now();  // when the store answered last

  // SetVerdict notes which process failed, as was found at `time`.
  void SetVerdict(std::string text, Clock::time_point time = Clock::now()) {
    const std::lock_guard lock(mutex);
    if (!verdict.empty() || stopped) return;
    verdict = std::move(text);
    verdict_time = time;
    changed.notify_all();
  }

  // NoteAnswer notes that the store has just answered.
  void NoteAnswer() {
    const std::lock_guard lock(mutex);
    answered = Clock::now();
  }

  // Beat is the thread that talks with the store.
  void Beat() {
    try {
      const std::unique_ptr<SharedStore> store = connect();
      store->Set(HostOf(membership.rank), HostName());
      store->Add(BeatsOf(membership.rank), 1);
      Beats beats{*store, std::vector<Peer>(membership.size)};
      std::unique_lock lock(mutex);
      while (!stopped && verdict.empty()) {
        lock.unlock();
        BeatOnce(beats);
        lock.lock();
        answered = Clock::now();
        // The others wait for a failure to be told.
        changed.wait_for(lock, kInterval, [this] { return stopped || !verdict.empty() || !own_failure.empty(); });
      }
    } catch (const std::exception&) {
      SetVerdict(absl::StrCat("rank 0 on ", membership.master_address, " has ended"));
    }
  }

  // Watch is the thread that ends this process if need be.
  void Watch() {
    std::unique_lock lock(mutex);
    while (!stopped && verdict.empty()) {
      changed.wait_for(lock, kInterval, [this] { return stopped || !verdict.empty(); });
      if (!stopped && verdict.empty() && Clock::now() - answered > silence) {
        lock.unlock();
        SetVerdict(
            absl::StrCat("rank 0 on ", membership.master_address, " was not heard of for ", silence.count(), " s"));
        lock.lock();
      }
    }
    if (verdict.empty()) return;
    const std::string message = verdict;
    Clock::time_point end = verdict_time + kGrace;
    // Rank 0 ends last: its end breaks the connections in which others may wait.
    if (membership.rank == 0) end += 2 * kInterval;
    lock.unlock();
    std::this_thread::sleep_until(end);
    std::fprintf(stderr, "error: rank %d stops: %s\n", membership.rank, message.c_str());
    _exit(1);
  }

 private:
  // Beats is what the beating thread remembers.
  struct Beats {
    SharedStore& store;
    std::vector<Peer> peers;  // by rank; used by rank 0
    int64_t calls = 0;        // that were told
    bool told_trouble = false;
    Clock::time_point trouble{};  // when rank 0 learned of one
  };

  void BeatOnce(Beats& beats) {
    SharedStore& store = beats.store;
    std::string failure;
    int64_t calls_now;
    bool tells_trouble;
    {
      const std::lock_guard lock(mutex);
      failure = own_failure;
      calls_now = calls;
      tells_trouble = in_trouble && !beats.told_trouble;
    }
    store.Add(BeatsOf(membership.rank), 1);
    if (calls_now != beats.calls) {
      store.Add(CallsOf(membership.rank), calls_now - std::exchange(beats.calls, calls_now));
    }
    if (tells_trouble) {
      store.Add(kTrouble, 1);
      beats.told_trouble = true;
    }
    if (!failure.empty()) Declare(store, failure);
    if (membership.rank == 0) LookAtPeers(beats);
    if (store.Add(kFailures, 0) == 0) return;
    std::string text = store.Get(kVerdict);
    store.Add(kReaders, 1);
    const Clock::time_point found = Clock::now();
    // The store ends with rank 0, so that waits until the others have read.
    const Clock::time_point deadline = found + kSilenceInTrouble;
    while (membership.rank == 0 && Clock::now() < deadline && store.Add(kReaders, 0) < membership.size) {
      NoteAnswer();
      std::this_thread::sleep_for(kInterval / 20);
    }
    SetVerdict(std::move(text), found);
  }

  // Declare makes `verdict` known to all, unless there is another.
  static void Declare(SharedStore& store, absl::string_view verdict) {
    if (store.Add(absl::StrCat(kFailures, "/first"), 1) > 1) return;
    store.Set(kVerdict, verdict);
    store.Add(kFailures, 1);
  }

  void LookAtPeers(Beats& beats) {
    SharedStore& store = beats.store;
    const Clock::time_point now = Clock::now();
    if (beats.trouble == Clock::time_point{} && store.Add(kTrouble, 0) > 0) beats.trouble = now;
    const bool trouble = beats.trouble != Clock::time_point{};
    for (int rank = 1; rank < membership.size; ++rank) {
      Peer& peer = beats.peers[rank];
      const int64_t count = store.Add(BeatsOf(rank), 0);
      if (count != std::exchange(peer.beats, count)) peer.heard = now;
      const auto silent = std::chrono::duration_cast<std::chrono::seconds>(now - peer.heard);
      if (silent <= (trouble ? std::min(kSilenceInTrouble, silence) : silence)) continue;
      return Declare(store, absl::StrCat(InWords(store, rank, peer),
                                         trouble ? " has ended or cannot be reached"
                                                 : absl::StrCat(" was not heard of for ", silent.count(), " s")));
    }
    if (trouble && now - beats.trouble > kBlame) Declare(store, LastInLine(beats));
  }

  static std::string InWords(SharedStore& store, int rank, const Peer& peer) {
    return absl::StrCat("rank ", rank, peer.beats > 0 ? absl::StrCat(" on ", store.Get(HostOf(rank))) : "");
  }

  // LastInLine names the process that has made the fewest calls.
  std::string LastInLine(Beats& beats) const {
    int last = 0;
    int64_t fewest = 0, most = 0;
    for (int rank = 0; rank < membership.size; ++rank) {
      const int64_t count = beats.store.Add(CallsOf(rank), 0);
      if (rank == 0 || count < fewest) last = rank;
      fewest = rank == 0 ? count : std::min(fewest, count);
      most = std::max(most, count);
    }
    if (fewest == most) return kNobody;
    return absl::StrCat(InWords(beats.store, last, last == 0 ? Peer{.beats = 1} : beats.peers[last]),
                        " is alive, but hangs: it began exchange ", fewest, ", others began ", most);
  }
};

Heartbeat::Heartbeat(const Membership& membership, std::function<std::unique_ptr<SharedStore>()> connect,
                     std::chrono::seconds silence)
    : shared_(std::make_shared<Shared>()) {
  shared_->membership = membership;
  shared_->connect = std::move(connect);
  shared_->silence = silence;
  std::thread([shared = shared_] { shared->Beat(); }).detach();
  std::thread([shared = shared_] { shared->Watch(); }).detach();
}

Heartbeat::~Heartbeat() {
  const std::lock_guard lock(shared_->mutex);
  // Where a process failed, the watching thread stays: what is destroyed after this may wait for that process.
  if (shared_->verdict.empty()) shared_->stopped = true;
  shared_->changed.notify_all();
}

void Heartbeat::NoteCall() {
  const std::lock_guard lock(shared_->mutex);
  ++shared_->calls;
}

void Heartbeat::Fail(absl::string_view message) {
  std::unique_lock lock(shared_->mutex);
  if (!shared_->verdict.empty()) return;
  shared_->own_failure = absl::StrCat("rank ", shared_->membership.rank, " on ", HostName(), " failed: ", message);
  shared_->changed.notify_all();
  shared_->changed.wait_for(lock, 2 * kSilenceInTrouble, [this] { return !shared_->verdict.empty(); });
}

std::string Heartbeat::WhoFailed(absl::string_view seen) {
  std::unique_lock lock(shared_->mutex);
  shared_->in_trouble = true;
  shared_->changed.wait_for(lock, shared_->silence + kBlame + kGrace, [this] { return !shared_->verdict.empty(); });
  if (shared_->verdict.empty()) return std::string(seen);
  return shared_->verdict == kNobody ? absl::StrCat(kNobody, ": ", seen) : shared_->verdict;
}

}  // namespace ecg
