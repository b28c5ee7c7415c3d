// mixing_weight.h
//
// The random weight with which mixup and CutMix mix a crop with another one of the batch.

#ifndef ECG_BATCH_MIXING_WEIGHT_H_
#define ECG_BATCH_MIXING_WEIGHT_H_

#include <ATen/ATen.h>

#include <numbers>

namespace ecg {

// MixingWeight returns the larger of w and 1 - w, [B, 1], where w is Beta(alpha, alpha) distributed, from `uniform`,
// two random numbers in [0, 1) of each crop, [B, 2]. Bailey's polar method makes a variate t of Student's distribution
// with 2 alpha degrees of freedom of u and v, t^2 = 2 alpha (u^(-1/alpha) - 1) cos^2(2 pi v), of which (1 + t / sqrt(2
// alpha + t^2)) / 2 is Beta(alpha, alpha) distributed (Bailey 1994, doi:10.1090/S0025-5718-1994-1219702-8; Devroye
// 1996, "Random variate generation in one line of code").
inline at::Tensor MixingWeight(const at::Tensor& uniform, double alpha) {
  const at::Tensor power = uniform.narrow(1, 0, 1).pow(1 / alpha);
  const at::Tensor square = (1 - power) * (uniform.narrow(1, 1, 1) * (2 * std::numbers::pi)).cos().square();
  return ((square / (power + square)).sqrt() + 1) / 2;
}

// OtherCrops returns `of_batch`, [B, ...], with the crop before it in the place of each. Batches are in random order,
// so that these are random crops.
inline at::Tensor OtherCrops(const at::Tensor& of_batch) { return of_batch.roll(1, 0); }

}  // namespace ecg

#endif  // ECG_BATCH_MIXING_WEIGHT_H_
