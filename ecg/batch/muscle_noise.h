// muscle_noise.h
//
// Augmentation: adds noise as of muscles, whose power rises with frequency.

#ifndef ECG_BATCH_MUSCLE_NOISE_H_
#define ECG_BATCH_MUSCLE_NOISE_H_

#include <cmath>
#include <cstdint>

#include "ecg/batch/augmentation.h"
#include "ecg/batch/batch.h"
#include "proto/experiment.pb.h"

namespace ecg {

// HashedUniform returns numbers in [0, 1) that depend on `counter` alone, int64 in [0, 2^32), as if drawn
// independently: the integer hash "lowbias32" of Wellons 2018 (https://nullprogram.com/blog/2018/07/31), the same on
// every device.
inline at::Tensor HashedUniform(const at::Tensor& counter) {
  constexpr int64_t kMask = 0xffffffff;
  at::Tensor x = counter.bitwise_xor(at::bitwise_right_shift(counter, 16));
  x.mul_(0x7feb352d).bitwise_and_(kMask);
  x.bitwise_xor_(at::bitwise_right_shift(x, 15));
  x.mul_(0x846ca68b - (int64_t{1} << 32)).bitwise_and_(kMask);  // the constant modulo 2^32, so that nothing overflows
  x.bitwise_xor_(at::bitwise_right_shift(x, 16));
  return at::bitwise_right_shift(x, 8).to(at::kFloat) * 0x1p-24;
}

// MuscleNoise adds to each lead independent noise n_t = s (u_t - u_(t-1)) of white noise u, whose standard deviation is
// uniform up to most_mv. A sample's u is hashed from one random number of the crop.
class MuscleNoise {
 public:
  using Spec = spec::MuscleNoise;
  MuscleNoise(const Spec& spec, const AugmentationContext& context)
      : most_(spec.most_mv() / context.scaler.standard_deviation_mv), probability_(spec.probability()) {}

  // Whether, how much, and which noise.
  int numbers() const { return 3; }

  void Apply(const at::Tensor& uniform, Batch& batch) const {
    const int64_t leads = batch.signals.size(1), samples = batch.signals.size(2);
    const at::Tensor applied = uniform.narrow(1, 0, 1).lt(probability_), deviation = uniform.narrow(1, 1, 1) * most_;
    const at::Tensor key = (uniform.narrow(1, 2, 1) * 0x1p24).to(at::kLong) * int64_t{0x9e3779b1};  // [B, 1]
    const at::Tensor counter = at::arange(leads * (samples + 1), key.options()).view({1, leads, samples + 1});
    const at::Tensor white = HashedUniform((key.unsqueeze(2) + counter).bitwise_and_(int64_t{0xffffffff}));
    // The variance of the difference of two numbers uniform in [0, 1) is 1/6.
    const at::Tensor noise = white.narrow(2, 1, samples) - white.narrow(2, 0, samples);
    batch.signals = batch.signals + (deviation * applied * std::sqrt(6.0)).unsqueeze(2) * noise;
  }

 private:
  const double most_, probability_;
};

static_assert(Augmentation<MuscleNoise>);

}  // namespace ecg

#endif  // ECG_BATCH_MUSCLE_NOISE_H_
