// claim.h
//
// Which of several workers, on one machine or on many, does what: claims in a folder that they share, also over NFS.
//
//   Claims claims("runs/grid/claims", /*lease_seconds=*/60);
//   ECG_ASSIGN_OR_RETURN(const std::optional<SeenClaim> seen, claims.Look("split=1"));
//   if (seen && !seen->is_free) return 0;   // another works on it
//   ECG_ASSIGN_OR_RETURN(std::optional<Claim> claim, claims.Take("split=1", seen));
//   if (!claim) return 0;                   // another was faster
//   ECG_RETURN_IF_ERROR(claim->Finish());
//
// The claims on NAME are files claims/NAME/1, claims/NAME/2, ...; the one with the largest number holds. It is taken by
// making the next number with LinkFile, which one process can do. Numbers only grow, so that what a slow worker knows
// of an older one harms nobody.
//
// A claim is a lease: its worker rewrites the file, in place, every sixth of the lease time, with a count that goes up.
// Another worker that has seen no change for the whole lease time, by its own clock, takes the next number: clocks of
// machines are never compared, nor times of files. A worker that could not rewrite its claim for three quarters of the
// lease time has lost it, by its own clock, which also runs while it is suspended: it then acts no more on what it had
// claimed, and the claim's Deadline has its process killed even when the worker itself stands still. So both never act
// at once, as long as a rewritten file is seen by others within a quarter of the lease time: NFS guarantees it for a
// file that is opened after it was closed elsewhere (close-to-open consistency, the default; not with the mount option
// `nocto`).
//
// Where the worker ran on the same machine, others see at once that its process is gone.

#ifndef ECG_SWEEP_CLAIM_H_
#define ECG_SWEEP_CLAIM_H_

#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/sweep/deadline.h"
#include "proto/sweep.pb.h"

namespace ecg {

// SeenClaim is the newest claim on something.
struct SeenClaim {
  int number = 0;
  spec::SweepClaim claim;
  // Whether it may be taken: it was given back or failed, or its worker is dead, or it is one that this worker has
  // lost.
  bool is_free = false;

  bool failed() const { return claim.state() == spec::SweepClaim::FAILED; }
};

namespace claim_internal {
struct Held;
}

// Claim is something that this worker has claimed. It is given back when it is destroyed.
class Claim {
 public:
  Claim(Claim&& other) noexcept = default;
  Claim& operator=(Claim&& other) noexcept;
  ~Claim();

  // number is the claim's own.
  int number() const;

  // held says whether the claim still holds: false once the lease was lost, for good.
  bool held() const;

  // deadline passes when the lease is lost. It lives as long as the claim.
  const Deadline& deadline() const;

  // GiveBack lets others take it at once.
  absl::Status GiveBack();

  // Fail does the same, and tells them that it failed because of `reason`.
  absl::Status Fail(absl::string_view reason);

  // Finish removes all traces of claims on it: what was claimed is done, and everybody can see that it is.
  absl::Status Finish();

 private:
  friend class Claims;
  explicit Claim(std::shared_ptr<claim_internal::Held> held) : held_(std::move(held)) {}

  std::shared_ptr<claim_internal::Held> held_;
};

// Claims is one worker's view of the folder, with a thread that rewrites the claims that it holds. All but that
// thread's work is for one thread.
class Claims {
 public:
  // `folder` is made when it is needed. The lease time must be the same for all workers.
  Claims(std::filesystem::path folder, double lease_seconds);
  Claims(const Claims&) = delete;
  Claims& operator=(const Claims&) = delete;
  ~Claims();

  // Names returns what there are claims on, or were.
  std::vector<std::string> Names() const;

  // Look returns the newest claim on `name`, none where there is none. A worker is only found to be dead by looking
  // again and again.
  absl::StatusOr<std::optional<SeenClaim>> Look(const std::string& name);

  // Take claims `name`, where `seen` is what Look has just returned and is free or none. Returns none where another was
  // faster. What the claim is on may have been done meanwhile: look again afterwards.
  absl::StatusOr<std::optional<Claim>> Take(const std::string& name, const std::optional<SeenClaim>& seen);

 private:
  struct Watched {
    int number = 0;
    std::string text;
    double since = 0;       // when this text was first seen, by the monotonic clock
    double gone_since = 0;  // when its process was first seen to be gone; 0 where it was not
  };

  void KeepRefreshing();
  // Numbers returns the numbers of the claims on `name`, in order.
  std::vector<int> Numbers(const std::string& name) const;

  const std::filesystem::path folder_;
  const double lease_seconds_;
  spec::SweepClaim self_;
  std::map<std::string, Watched> watched_;

  std::mutex mutex_;  // of the rest
  std::condition_variable end_;
  bool ending_ = false;
  std::vector<std::weak_ptr<claim_internal::Held>> held_;
  std::thread thread_;
};

// WorkerInWords returns "HOST (process 1234)".
std::string WorkerInWords(const spec::SweepClaim& claim);

}  // namespace ecg

#endif  // ECG_SWEEP_CLAIM_H_
