// process_group.h
//
// The processes that train one network together, and what they exchange: sums, broadcasts, gathered rows. It is
// LibTorch's c10d: a TCPStore where the processes meet, and Gloo, which carries the tensors; those on CUDA devices are
// carried by NCCL where its headers are there.
//
//   ECG_ASSIGN_OR_RETURN(const std::unique_ptr<ProcessGroup> group, ProcessGroup::Join(*membership, {}));
//   group->Sum(gradient);        // of all processes, in place
//   group->Broadcast(weights);   // those of rank 0
//   group->Leave();
//
// Every process must make the same calls in the same order. Where another process has ended, hangs, or cannot be
// reached, a call throws PeerError, which says which rank it was; a process that is busy elsewhere is ended with that
// message.

#ifndef ECG_DISTRIBUTED_PROCESS_GROUP_H_
#define ECG_DISTRIBUTED_PROCESS_GROUP_H_

#include <torch/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/distributed/membership.h"

namespace ecg {

// PeerError says that another process of the group failed.
class PeerError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// ProcessGroup is one process's membership in the group.
class ProcessGroup {
 public:
  struct Options {
    // A process that was not heard of for so long counts as lost. A thread of its own makes it heard, however long a
    // step takes.
    std::chrono::seconds silence{20};
    // How long one call waits for processes that are heard of but do not make it.
    std::chrono::seconds patience{1800};
  };

  // Join waits until all processes are there, at most `options.patience`.
  static absl::StatusOr<std::unique_ptr<ProcessGroup>> Join(const Membership& membership, const Options& options);
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;
  ~ProcessGroup();

  const Membership& membership() const;
  int rank() const { return membership().rank; }
  int size() const { return membership().size; }
  // Whether this is the process that writes and prints.
  bool leads() const { return rank() == 0; }

  // InWords says how many processes there are, and how they reach each other: "2 processes, through lo (127.0.0.1)".
  std::string InWords() const;

  // Sum replaces `tensor`, of any shape, float32, float64, bfloat16 or int64, by the sum of those of all processes,
  // which is the same to the last bit everywhere. The returned function waits for it.
  [[nodiscard]] std::function<void()> StartSum(const torch::Tensor& tensor);
  void Sum(const torch::Tensor& tensor) { StartSum(tensor)(); }

  // Broadcast replaces `tensor` by that of rank 0, which has the same shape and type.
  void Broadcast(const torch::Tensor& tensor);
  // Broadcast returns the text, or the number, of rank 0.
  std::string Broadcast(std::string text);
  int64_t Broadcast(int64_t number);

  // GatherRows returns the rows [n, ...] of all processes in the order of their ranks; their n may differ.
  torch::Tensor GatherRows(const torch::Tensor& rows);

  // Barrier waits until all processes are here.
  void Barrier();

  // Fail tells the others that this process ends with the error `message`.
  void Fail(absl::string_view message);

  // Leave waits until all processes call it, and ends the group.
  void Leave();

 private:
  class Implementation;
  explicit ProcessGroup(std::unique_ptr<Implementation> implementation);

  const std::unique_ptr<Implementation> implementation_;
};

}  // namespace ecg

#endif  // ECG_DISTRIBUTED_PROCESS_GROUP_H_
