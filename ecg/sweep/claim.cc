#include "ecg/sweep/claim.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/distributed/host_name.h"
#include "ecg/file/file.h"
#include "ecg/status/status_macros.h"
#include "ecg/sweep/deadline.h"
#include "ecg/sweep/link_file.h"
#include "google/protobuf/text_format.h"
#include "proto/sweep.pb.h"

namespace ecg {
namespace {

// A claim is rewritten whole, by one write: it always has this length.
constexpr size_t kBytes = 1024;
constexpr size_t kReasonBytes = 400;

// How long before others act a lease counts as lost, in lease times; and how often it is renewed.
constexpr double kLost = 0.75;
constexpr double kRenewed = 1.0 / 6;

// How long the process of a dead worker's run has to die with it, in seconds.
constexpr double kGone = 2;

double MonotonicSeconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// When the process `id` started, in the kernel's clock ticks; empty where there is none, or only what is left of one.
std::string StartOf(pid_t id) {
  const std::string stat = ReadFile(absl::StrCat("/proc/", id, "/stat")).value_or("");
  // The second field is the program's name in parentheses, which may have any characters in it.
  const size_t end = stat.rfind(')');
  if (end == std::string::npos) return "";
  const std::vector<std::string> fields = absl::StrSplit(stat.substr(end + 1), ' ', absl::SkipEmpty());
  if (fields.size() < 20 || fields[0] == "Z" || fields[0] == "X") return "";
  return fields[19];
}

spec::SweepClaim Self() {
  spec::SweepClaim self;
  self.set_host(HostName());
  self.set_process(getpid());
  self.set_token(RandomName());
  struct stat name_space = {};
  stat("/proc/self/ns/pid", &name_space);
  const std::string boot = ReadFile("/proc/sys/kernel/random/boot_id").value_or("");
  if (!boot.empty()) {
    self.set_kernel(absl::StrCat(absl::StripSuffix(boot, "\n"), " ", name_space.st_ino));
  }
  self.set_started(StartOf(getpid()));
  return self;
}

// Whether the worker of `claim` is certainly gone: it ran where `self` runs, and has no process.
bool IsGone(const spec::SweepClaim& claim, const spec::SweepClaim& self) {
  if (!claim.has_kernel() || claim.kernel() != self.kernel() || claim.started().empty()) return false;
  return StartOf(static_cast<pid_t>(claim.process())) != claim.started();
}

std::string Text(const spec::SweepClaim& claim) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(claim, &text);
  text.resize(kBytes - 1, ' ');
  return text + "\n";
}

// Rewrite writes `text` into the file `path`, which must be there, and syncs it.
absl::Status Rewrite(const std::filesystem::path& path, const std::string& text) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return ErrnoError("write", path);
  absl::Status status;
  if (pwrite(descriptor, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()) || fsync(descriptor) != 0) {
    status = ErrnoError("write", path);
  }
  if (close(descriptor) != 0 && status.ok()) status = ErrnoError("write", path);
  return status;
}

}  // namespace

namespace claim_internal {

// Held is a claim that this worker holds, or has lost.
struct Held {
  Held(std::filesystem::path claims_folder, std::string claim_name, int claim_number, const spec::SweepClaim& self,
       double seconds)
      : folder(std::move(claims_folder)),
        name(std::move(claim_name)),
        number(claim_number),
        lease_seconds(seconds),
        claim(self),
        deadline(seconds * kLost) {}

  std::filesystem::path path(int of) const { return folder / name / absl::StrCat(of); }

  // Refresh renews the lease.
  void Refresh() {
    const std::lock_guard lock(mutex);
    if (ended || deadline.Passed()) return;
    const double now = BootSeconds();
    claim.set_beat(claim.beat() + 1);
    const absl::Status status = Rewrite(path(number), Text(claim));
    std::error_code error;
    if (absl::IsNotFound(status) || std::filesystem::exists(path(number + 1), error)) {
      deadline.Expire();
    } else if (status.ok()) {
      deadline.PutOff(now + lease_seconds * kLost);
    }
  }

  // End writes `state`, unless the claim is lost or has ended.
  absl::Status End(spec::SweepClaim::State state, absl::string_view reason = "") {
    const std::lock_guard lock(mutex);
    if (ended) return absl::OkStatus();
    ended = true;
    if (deadline.Passed()) return absl::OkStatus();
    claim.set_state(state);
    if (!reason.empty()) claim.set_reason(std::string(reason.substr(0, kReasonBytes)));
    const absl::Status status = Rewrite(path(number), Text(claim));
    deadline.Expire();
    return absl::IsNotFound(status) ? absl::OkStatus() : status;
  }

  // Remove removes the claims on this.
  absl::Status Remove() {
    const std::lock_guard lock(mutex);
    if (ended) return absl::OkStatus();
    ended = true;
    deadline.Expire();
    std::error_code error;
    std::filesystem::remove_all(folder / name, error);
    if (!error) return absl::OkStatus();
    return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot remove ", (folder / name).string()));
  }

  const std::filesystem::path folder;
  const std::string name;
  const int number;
  const double lease_seconds;

  std::mutex mutex;
  spec::SweepClaim claim;
  bool ended = false;
  Deadline deadline;
};

}  // namespace claim_internal

Claim& Claim::operator=(Claim&& other) noexcept {
  std::swap(held_, other.held_);
  return *this;
}

Claim::~Claim() {
  if (held_ != nullptr) GiveBack().IgnoreError();
}

int Claim::number() const { return held_->number; }
bool Claim::held() const { return !held_->deadline.Passed(); }
const Deadline& Claim::deadline() const { return held_->deadline; }
absl::Status Claim::GiveBack() { return held_->End(spec::SweepClaim::GIVEN_BACK); }
absl::Status Claim::Fail(absl::string_view reason) { return held_->End(spec::SweepClaim::FAILED, reason); }
absl::Status Claim::Finish() { return held_->Remove(); }

Claims::Claims(std::filesystem::path folder, double lease_seconds)
    : folder_(std::move(folder)), lease_seconds_(lease_seconds), self_(Self()) {
  // Signals are for the main thread.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { KeepRefreshing(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Claims::~Claims() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  end_.notify_all();
  thread_.join();
}

void Claims::KeepRefreshing() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    std::vector<std::shared_ptr<claim_internal::Held>> held;
    std::erase_if(held_, [](const auto& one) { return one.expired(); });
    for (const auto& one : held_) {
      if (auto claim = one.lock()) held.push_back(std::move(claim));
    }
    lock.unlock();
    // A server that does not answer holds up this thread only.
    for (const auto& one : held) one->Refresh();
    held.clear();
    lock.lock();
    end_.wait_for(lock, std::chrono::duration<double>(lease_seconds_ * kRenewed), [this] { return ending_; });
  }
}

std::vector<std::string> Claims::Names() const {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

std::vector<int> Claims::Numbers(const std::string& name) const {
  std::vector<int> numbers;
  DIR* const directory = opendir((folder_ / name).c_str());
  if (directory == nullptr) return numbers;
  while (const dirent* entry = readdir(directory)) {
    int number = 0;
    if (absl::SimpleAtoi(entry->d_name, &number) && number > 0) numbers.push_back(number);
  }
  closedir(directory);
  std::ranges::sort(numbers);
  return numbers;
}

absl::StatusOr<std::optional<SeenClaim>> Claims::Look(const std::string& name) {
  const std::vector<int> numbers = Numbers(name);
  if (numbers.empty()) {
    watched_.erase(name);
    return std::nullopt;
  }
  const std::filesystem::path path = folder_ / name / absl::StrCat(numbers.back());
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) {
    // It was finished meanwhile; an NFS client may say so by "stale file handle".
    std::error_code error;
    if (!std::filesystem::exists(path, error)) return std::nullopt;
    return text.status();
  }

  SeenClaim seen = {.number = numbers.back(), .claim = {}, .is_free = false};
  Watched& watched = watched_[name];
  const double now = MonotonicSeconds();
  if (watched.number != seen.number || watched.text != *text) {
    watched = {.number = seen.number, .text = *text, .since = now, .gone_since = 0};
  }
  // What is being rewritten at this moment cannot be parsed, and is alive.
  if (!google::protobuf::TextFormat::ParseFromString(*text, &seen.claim)) {
    if (now - watched.since < lease_seconds_) return seen;
    return absl::DataLossError(absl::StrCat(path.string(), " is not a claim; delete it"));
  }
  if (seen.claim.state() != spec::SweepClaim::HELD) {
    seen.is_free = true;
  } else if (seen.claim.token() == self_.token()) {
    const std::lock_guard lock(mutex_);
    seen.is_free = std::ranges::none_of(held_, [&](const auto& one) {
      const auto held = one.lock();
      return held != nullptr && held->name == name && held->number == seen.number && !held->deadline.Passed();
    });
  } else if (IsGone(seen.claim, self_)) {
    if (watched.gone_since == 0) watched.gone_since = now;
    seen.is_free = now - watched.gone_since >= kGone;
  } else {
    seen.is_free = now - watched.since >= lease_seconds_;
  }
  return seen;
}

absl::StatusOr<std::optional<Claim>> Claims::Take(const std::string& name, const std::optional<SeenClaim>& seen) {
  const int number = seen ? seen->number + 1 : 1;
  ECG_RETURN_IF_ERROR(MakeDirectories(folder_ / name));
  auto held = std::make_shared<claim_internal::Held>(folder_, name, number, self_, lease_seconds_);
  const absl::StatusOr<bool> linked = LinkFile(held->path(number), Text(held->claim));
  if (absl::IsNotFound(linked.status())) return std::nullopt;  // it was finished meanwhile, and its folder removed
  ECG_RETURN_IF_ERROR(linked.status());
  if (!*linked) return std::nullopt;
  // A number that was removed because there are larger ones must not hold again.
  const std::vector<int> numbers = Numbers(name);
  if (numbers.empty() || numbers.back() != number) {
    unlink(held->path(number).c_str());
    return std::nullopt;
  }
  // The one before stays, so that a folder that is being listed is never seen without the newest or the one before.
  for (const int old : numbers) {
    if (old < number - 1) unlink(held->path(old).c_str());
  }
  // The link is as old as its text.
  if (held->deadline.Passed()) return std::nullopt;
  {
    const std::lock_guard lock(mutex_);
    held_.push_back(held);
  }
  return Claim(std::move(held));
}

std::string WorkerInWords(const spec::SweepClaim& claim) {
  return absl::StrCat(claim.host(), " (process ", claim.process(), ")");
}

}  // namespace ecg
