#include "ecg/distributed/process_group.h"

// LibTorch's headers leave out what it may be built without.
#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO
#endif
#if defined(ECG_WITH_CUDA) && __has_include(<nccl.h>)
#define ECG_WITH_NCCL
#ifndef USE_C10D_NCCL
#define USE_C10D_NCCL
#endif
#endif

// clang-format off
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#ifdef ECG_WITH_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
// clang-format on

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/distributed/heartbeat.h"
#include "ecg/distributed/membership.h"
#include "ecg/distributed/network_interface.h"
#include "ecg/status/status_macros.h"

namespace ecg {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kJoined[] = "joined", kLeft[] = "left", kGone[] = "gone";

// KeyPrefix keeps what is stored apart from what processes before a restart have stored.
std::string KeyPrefix(const Membership& membership) { return absl::StrCat("ecg/", membership.restarts, "/"); }

c10::intrusive_ptr<c10d::TCPStore> Connect(const Membership& membership, bool listens, std::chrono::seconds patience) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(membership.master_port);
  options.isServer = listens;
  options.waitWorkers = false;
  options.timeout = patience;
  // Debian's LibTorch 2 is built without libuv, but would use it by default; LibTorch 1.13 has no such choice.
  [](auto& any) {
    if constexpr (requires { any.useLibUV; }) any.useLibUV = false;
  }(options);
  return c10::make_intrusive<c10d::TCPStore>(membership.master_address, options);
}

// TcpStore is LibTorch's store, with a prefix for all keys.
class TcpStore : public SharedStore {
 public:
  TcpStore(c10::intrusive_ptr<c10d::TCPStore> store, std::string prefix)
      : store_(std::move(store)), prefix_(std::move(prefix)) {}

  int64_t Add(const std::string& key, int64_t amount) override { return store_->add(prefix_ + key, amount); }
  void Set(const std::string& key, absl::string_view text) override {
    store_->set(prefix_ + key, std::vector<uint8_t>(text.begin(), text.end()));
  }
  std::string Get(const std::string& key) override {
    const std::vector<uint8_t> text = store_->get(prefix_ + key);
    return {text.begin(), text.end()};
  }

 private:
  const c10::intrusive_ptr<c10d::TCPStore> store_;
  const std::string prefix_;
};

// WaitForCount waits until the number at `key` is `count`, and returns whether it came to that in time.
bool WaitForCount(SharedStore& store, const std::string& key, int64_t count, std::chrono::seconds patience) {
  const Clock::time_point deadline = Clock::now() + patience;
  while (store.Add(key, 0) < count) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

// FirstLine returns the first line of LibTorch's messages, which go on with where they were thrown.
std::string FirstLine(const std::exception& error) {
  const std::string what = error.what();
  return what.substr(0, what.find('\n'));
}

}  // namespace

class ProcessGroup::Implementation {
 public:
  Implementation(Membership membership, Options options)
      : membership_(std::move(membership)), options_(std::move(options)) {}

  absl::Status Join() {
    // The store's sockets would end this process without a word where rank 0 is gone.
    std::signal(SIGPIPE, SIG_IGN);
    ECG_ASSIGN_OR_RETURN(interface_,
                         InterfaceTowards(membership_.master_address, membership_.local_size < membership_.size));
    const std::string prefix = KeyPrefix(membership_);
    try {
      tcp_store_ = Connect(membership_, /*listens=*/membership_.rank == 0, options_.patience);
      store_ = std::make_unique<TcpStore>(tcp_store_, prefix);
      store_->Add(kJoined, 1);
      if (!WaitForCount(*store_, kJoined, membership_.size, options_.patience)) {
        return absl::DeadlineExceededError(absl::StrCat("only ", store_->Add(kJoined, 0), " of ", membership_.size,
                                                        " processes have joined after ", options_.patience.count(),
                                                        " s"));
      }
      heartbeat_ = std::make_unique<Heartbeat>(
          membership_,
          [membership = membership_, prefix, patience = options_.silence] {
            return std::make_unique<TcpStore>(Connect(membership, /*listens=*/false, patience), prefix);
          },
          options_.silence);
      const auto options = c10d::ProcessGroupGloo::Options::create(options_.patience);
      options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForInterface(interface_.name));
      gloo_ = c10::make_intrusive<c10d::ProcessGroupGloo>(
          c10::make_intrusive<c10d::PrefixStore>(absl::StrCat(prefix, "gloo"), tcp_store_), membership_.rank,
          membership_.size, options);
      // Connections that are made at the first use can wait for good where a peer dies meanwhile.
      const at::Tensor one = at::ones({1});
      StartSum(one)();
    } catch (const PeerError& error) {
      return absl::UnavailableError(error.what());
    } catch (const std::exception& error) {
      return absl::UnavailableError(absl::StrCat("rank ", membership_.rank, " of ", membership_.size,
                                                 " cannot join the others at ", membership_.master_address, ", port ",
                                                 membership_.master_port, ": ", FirstLine(error)));
    }
    return absl::OkStatus();
  }

  const Membership& membership() const { return membership_; }

  std::string InWords() const {
    return absl::StrCat(membership_.size, " processes, through ", interface_.name, " (", interface_.address, ")");
  }

  std::function<void()> StartSum(const at::Tensor& tensor) {
    std::vector<at::Tensor> tensors = {tensor};
#ifdef ECG_WITH_NCCL
    if (tensor.is_cuda()) {
      auto work = Start([&] { return Nccl().allreduce(tensors); });
      return [this, work] { Wait(work); };
    }
#endif
    if (tensor.scalar_type() == at::kBFloat16) return StartSumOfBfloat16(tensor);
    auto work = Start([&] { return gloo_->allreduce(tensors); });
    return [this, work] { Wait(work); };
  }

  void Broadcast(const at::Tensor& tensor) {
    if (tensor.numel() == 0) return;
    std::vector<at::Tensor> tensors = {tensor.is_contiguous() ? tensor : tensor.contiguous()};
#ifdef ECG_WITH_NCCL
    if (tensor.is_cuda()) {
      Wait(Start([&] { return Nccl().broadcast(tensors); }));
    } else
#endif
    {
      Wait(Start([&] { return gloo_->broadcast(tensors); }));
    }
    if (!tensors[0].is_same(tensor)) {
      tensor.copy_(tensors[0]);
    } else if (!tensor.is_inference()) {
      // Gloo writes to the memory. What was computed from a tensor, such as the kernels of S4, is computed again where
      // the version of the tensor has changed.
      tensor.unsafeGetTensorImpl()->bump_version();
    }
  }

  // Gather returns those of all processes, which have the same shape.
  std::vector<at::Tensor> Gather(const at::Tensor& tensor) {
    std::vector<std::vector<at::Tensor>> all(1);
    for (int rank = 0; rank < membership_.size; ++rank) all[0].push_back(at::empty_like(tensor));
    std::vector<at::Tensor> own = {tensor};
    Wait(Start([&] { return gloo_->allgather(all, own); }));
    return std::move(all[0]);
  }

  void Fail(absl::string_view message) {
    if (heartbeat_) heartbeat_->Fail(message);
  }

  void Leave() {
    try {
      store_->Add(kLeft, 1);
      WaitForCount(*store_, kLeft, membership_.size, options_.patience);
      heartbeat_.reset();
      store_->Add(kGone, 1);
      // The store ends with this process.
      if (membership_.rank == 0) WaitForCount(*store_, kGone, membership_.size, options_.silence);
    } catch (const std::exception&) {
      // What this process had to do is done, whatever became of the others.
      heartbeat_.reset();
    }
  }

 private:
#ifdef ECG_WITH_NCCL
  // Nccl returns what carries tensors on CUDA devices, which all processes make when they first need it.
  c10d::ProcessGroupNCCL& Nccl() {
    if (!nccl_) {
      nccl_ = c10::make_intrusive<c10d::ProcessGroupNCCL>(
          c10::make_intrusive<c10d::PrefixStore>(absl::StrCat(KeyPrefix(membership_), "nccl"), tcp_store_),
          membership_.rank, membership_.size);
    }
    return *nccl_;
  }
#endif

  // Start begins an exchange.
  template <typename Begin>
  c10::intrusive_ptr<c10d::Work> Start(const Begin& begin) {
    heartbeat_->NoteCall();
    try {
      return begin();
    } catch (const std::exception& error) {
      throw PeerError(heartbeat_->WhoFailed(FirstLine(error)));
    }
  }

  void Wait(const c10::intrusive_ptr<c10d::Work>& work) {
    try {
      work->wait();
    } catch (const std::exception& error) {
      throw PeerError(heartbeat_->WhoFailed(FirstLine(error)));
    }
  }

  // StartSumOfBfloat16 sums what Gloo has no sum for: each process gets one piece of all tensors, adds in float32, and
  // gives the rounded sum to the others.
  std::function<void()> StartSumOfBfloat16(const at::Tensor& tensor) {
    const int64_t size = membership_.size, count = tensor.numel(), piece = (count + size - 1) / size;
    at::Tensor sent = at::zeros({size, piece}, tensor.options());
    sent.flatten().narrow(0, 0, count).copy_(tensor.flatten());
    at::Tensor received = at::empty_like(sent);
    at::Tensor sent_bytes = sent.view(at::kByte), received_bytes = received.view(at::kByte);
    std::vector<int64_t> equal;
    auto work = Start([&] { return gloo_->alltoall_base(received_bytes, sent_bytes, equal, equal); });
    return [this, work, tensor, sent, received, count] {
      Wait(work);
      const at::Tensor sum = received.to(at::kFloat).sum(0).to(at::kBFloat16);
      const at::Tensor all = at::cat(Gather(sum.view(at::kByte))).view(at::kBFloat16);
      tensor.copy_(all.narrow(0, 0, count).view_as(tensor));
    };
  }

  const Membership membership_;
  const Options options_;
  NetworkInterface interface_;
  c10::intrusive_ptr<c10d::TCPStore> tcp_store_;
  std::unique_ptr<SharedStore> store_;  // the same
  std::unique_ptr<Heartbeat> heartbeat_;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo_;
#ifdef ECG_WITH_NCCL
  c10::intrusive_ptr<c10d::ProcessGroupNCCL> nccl_;
#endif
};

absl::StatusOr<std::unique_ptr<ProcessGroup>> ProcessGroup::Join(const Membership& membership, const Options& options) {
  auto implementation = std::make_unique<Implementation>(membership, options);
  ECG_RETURN_IF_ERROR(implementation->Join());
  return std::unique_ptr<ProcessGroup>(new ProcessGroup(std::move(implementation)));
}

ProcessGroup::ProcessGroup(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

ProcessGroup::~ProcessGroup() = default;

const Membership& ProcessGroup::membership() const { return implementation_->membership(); }

std::string ProcessGroup::InWords() const { return implementation_->InWords(); }

std::function<void()> ProcessGroup::StartSum(const torch::Tensor& tensor) { return implementation_->StartSum(tensor); }

void ProcessGroup::Broadcast(const torch::Tensor& tensor) { implementation_->Broadcast(tensor); }

int64_t ProcessGroup::Broadcast(int64_t number) {
  const at::Tensor tensor = at::full({1}, number, at::kLong);
  Broadcast(tensor);
  return tensor.item<int64_t>();
}

std::string ProcessGroup::Broadcast(std::string text) {
  text.resize(Broadcast(static_cast<int64_t>(text.size())));
  if (!text.empty()) Broadcast(at::from_blob(text.data(), {static_cast<int64_t>(text.size())}, at::kByte));
  return text;
}

torch::Tensor ProcessGroup::GatherRows(const torch::Tensor& rows) {
  // Gloo's threads write into the tensors made here, which they cannot if they are made for inference.
  const c10::InferenceMode no_inference(false);
  std::vector<int64_t> counts;
  for (const at::Tensor& count : implementation_->Gather(at::full({1}, rows.size(0), at::kLong))) {
    counts.push_back(count.item<int64_t>());
  }
  std::vector<int64_t> shape = rows.sizes().vec();
  shape[0] = std::ranges::max(counts);
  const at::Tensor padded = at::zeros(shape, rows.options().device(at::kCPU));
  padded.narrow(0, 0, rows.size(0)).copy_(rows);
  std::vector<at::Tensor> all = implementation_->Gather(padded);
  for (size_t rank = 0; rank < all.size(); ++rank) all[rank] = all[rank].narrow(0, 0, counts[rank]);
  return at::cat(all).to(rows.device());
}

void ProcessGroup::Barrier() { Sum(at::zeros({1})); }

void ProcessGroup::Fail(absl::string_view message) { implementation_->Fail(message); }

void ProcessGroup::Leave() { implementation_->Leave(); }

}  // namespace ecg
