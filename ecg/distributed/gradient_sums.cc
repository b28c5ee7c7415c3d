#include "ecg/distributed/gradient_sums.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/utils/lambda_post_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "ecg/distributed/process_group.h"

namespace ecg {
namespace {

// Accumulator is a pointer to a node of the graph, whose type differs between versions of LibTorch.
using Accumulator = decltype(torch::autograd::impl::grad_accumulator(at::Tensor()));

// Slot is the place of a parameter's gradient in a bucket.
struct Slot {
  at::Tensor parameter;
  int64_t begin = 0;
  // Where the gradient is accumulated, with the hook that follows.
  Accumulator accumulator;
  uintptr_t hook = 0;
};

// Bucket is gradients that are exchanged together.
struct Bucket {
  std::vector<Slot> slots;
  int64_t elements = 0;
  // The gradients one after the other, and then for each parameter how many processes have a gradient.
  at::Tensor flat;
  int waiting_for = 0;   // gradients that are still to come
  at::Tensor exchanged;  // `flat`, or its rounded copy
  std::function<void()> wait;
};

}  // namespace

class GradientSums::Implementation {
 public:
  Implementation(const std::vector<at::Tensor>& parameters, ProcessGroup& group, const Options& options)
      : group_(group), options_(options) {
    const int64_t full = std::max<int64_t>(1, options.bucket_bytes / static_cast<int64_t>(sizeof(float)));
    for (const at::Tensor& parameter : parameters) {
      if (buckets_.empty() || buckets_.back().elements >= full) buckets_.emplace_back();
      Bucket& bucket = buckets_.back();
      bucket.slots.push_back({parameter, bucket.elements, nullptr, 0});
      bucket.elements += parameter.numel();
    }
    for (size_t b = 0; b < buckets_.size(); ++b) {
      Bucket& bucket = buckets_[b];
      const int64_t slots = static_cast<int64_t>(bucket.slots.size());
      bucket.flat = at::zeros({bucket.elements + slots}, bucket.slots[0].parameter.options().dtype(at::kFloat));
      for (size_t s = 0; s < bucket.slots.size(); ++s) AddHook(b, s);
    }
  }
  Implementation(const Implementation&) = delete;
  Implementation& operator=(const Implementation&) = delete;
  ~Implementation() {
    for (const Bucket& bucket : buckets_) {
      for (const Slot& slot : bucket.slots) slot.accumulator->del_post_hook(slot.hook);
    }
  }

  void Begin() {
    const at::NoGradGuard no_grad;
    for (Bucket& bucket : buckets_) {
      bucket.flat.zero_();
      bucket.waiting_for = static_cast<int>(
          std::ranges::count_if(bucket.slots, [](const Slot& slot) { return slot.parameter.requires_grad(); }));
    }
    next_ = 0;
    active_ = true;
  }

  void Wait() {
    const at::NoGradGuard no_grad;
    active_ = false;
    // Those for which no more gradients come.
    while (next_ < buckets_.size()) Start(buckets_[next_++]);
    for (Bucket& bucket : buckets_) {
      bucket.wait();
      if (!bucket.exchanged.is_same(bucket.flat)) bucket.flat.copy_(bucket.exchanged);
      const at::Tensor having = bucket.flat.narrow(0, bucket.elements, bucket.slots.size()).to(at::kCPU);
      for (size_t s = 0; s < bucket.slots.size(); ++s) {
        if (having[s].item<float>() == 0) continue;
        Slot& slot = bucket.slots[s];
        at::Tensor& gradient = slot.parameter.mutable_grad();
        if (!gradient.defined()) gradient = at::empty_like(slot.parameter);
        gradient.copy_(Place(bucket, slot));
      }
    }
  }

 private:
  void AddHook(size_t b, size_t s) {
    Slot& slot = buckets_[b].slots[s];
    const bool required = slot.parameter.requires_grad();
    slot.parameter.set_requires_grad(true);  // a parameter that is frozen now has no accumulator
    slot.accumulator = torch::autograd::impl::grad_accumulator(slot.parameter);
    slot.parameter.set_requires_grad(required);
    using Tensors = torch::autograd::variable_list;
    slot.hook = slot.accumulator->add_post_hook(
        std::make_unique<torch::autograd::utils::LambdaPostHook>([this, b, s](const Tensors& outputs, const Tensors&) {
          if (active_) Ready(buckets_[b], s);
          return outputs;
        }));
  }

  static at::Tensor Place(const Bucket& bucket, const Slot& slot) {
    return bucket.flat.narrow(0, slot.begin, slot.parameter.numel()).view(slot.parameter.sizes());
  }

  // Ready takes in the gradient of slot `s`, and starts the exchange of the buckets that are full. They are exchanged
  // in the same order by all processes.
  void Ready(Bucket& bucket, size_t s) {
    const at::NoGradGuard no_grad;
    const Slot& slot = bucket.slots[s];
    Place(bucket, slot).copy_(slot.parameter.grad());
    bucket.flat[bucket.elements + static_cast<int64_t>(s)].fill_(1);
    --bucket.waiting_for;
    while (next_ < buckets_.size() && buckets_[next_].waiting_for == 0) Start(buckets_[next_++]);
  }

  void Start(Bucket& bucket) {
    bucket.exchanged = options_.bfloat16 ? bucket.flat.to(at::kBFloat16) : bucket.flat;
    bucket.wait = group_.StartSum(bucket.exchanged);
  }

  ProcessGroup& group_;
  const Options options_;
  std::vector<Bucket> buckets_;
  size_t next_ = 0;  // the first bucket whose exchange has not begun
  bool active_ = false;
};

GradientSums::GradientSums(const std::vector<torch::Tensor>& parameters, ProcessGroup& group, const Options& options)
    : implementation_(std::make_unique<Implementation>(parameters, group, options)) {}

GradientSums::~GradientSums() = default;

void GradientSums::Begin() { implementation_->Begin(); }

void GradientSums::Wait() { implementation_->Wait(); }

}  // namespace ecg
