// at_each_time.h
//
// Layers of features, applied to the features at each time.
//
//   const torch::Tensor y = AtEachTime(fc_, x);  // [B, F, T] -> [B, G, T]

#ifndef ECG_NN_AT_EACH_TIME_H_
#define ECG_NN_AT_EACH_TIME_H_

#include <torch/types.h>

namespace ecg {

// AtEachTime returns `layer`, which maps features [..., F] -> [..., G] like a linear layer, of `x` at each of T times:
// [B, F, T] -> [B, G, T].
template <typename Layer>
torch::Tensor AtEachTime(Layer& layer, const torch::Tensor& x) {
  return layer->forward(x.transpose(1, 2)).transpose(1, 2);
}

}  // namespace ecg

#endif  // ECG_NN_AT_EACH_TIME_H_
