// weight_cache.h
//
// What a computation makes of a layer's weight before it can use it, such as a transform or a cast, kept while the
// weight does not change, as in evaluation.

#ifndef ECG_NN_WEIGHT_CACHE_H_
#define ECG_NN_WEIGHT_CACHE_H_

#include <torch/types.h>

#include <cstdint>
#include <mutex>

namespace ecg {

// WeightCache keeps one tensor that is made of a weight. It notices what LibTorch counts as a change of the weight (any
// operation in place) and other memory in place of the weight's. Call Clear after writes through a raw pointer.
// Thread-safe.
class WeightCache {
 public:
  // Maker makes a tensor of a weight, without gradients.
  using Maker = torch::Tensor (*)(const torch::Tensor& weight);

  // Get returns make(weight.detach()), which is kept if it is that of the last call.
  torch::Tensor Get(const torch::Tensor& weight, Maker make) {
    // A tensor that was made in inference mode has no version.
    if (weight.is_inference()) return make(weight);
    const std::lock_guard lock(mutex_);
    const bool is_current = make_ == make && weight_.data_ptr() == weight.data_ptr() &&
                            weight_.sizes() == weight.sizes() && weight_.strides() == weight.strides() &&
                            version_ == weight._version();
    if (!is_current) {
      weight_ = weight.detach();
      version_ = weight._version();
      made_ = make(weight_);
      make_ = make;
    }
    return made_;
  }

  // Clear forgets the weight.
  void Clear() {
    const std::lock_guard lock(mutex_);
    make_ = nullptr;
    weight_ = made_ = torch::Tensor();
  }

 private:
  std::mutex mutex_;
  Maker make_ = nullptr;
  // Shares the memory of the weight, so that no other tensor gets the same address.
  torch::Tensor weight_;
  int64_t version_ = 0;
  torch::Tensor made_;
};

}  // namespace ecg

#endif  // ECG_NN_WEIGHT_CACHE_H_
