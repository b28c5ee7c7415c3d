// attention.h
//
// Attention between the positions of a sequence, and an encoding of these positions (Vaswani et al. 2017,
// arXiv:1706.03762).
//
//   const torch::Tensor attended = Attend(query, key, value, /*dropout=*/0.1, /*is_training=*/true);
//   const torch::Tensor encoded = x + SinusoidalPositions(/*positions=*/x.size(1), /*dim=*/x.size(2));  // x [B, S, D]

#ifndef ECG_NN_ATTENTION_H_
#define ECG_NN_ATTENTION_H_

#include <ATen/record_function.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <mutex>

namespace ecg {

// Attend is scaled dot-product attention (section 3.2.1): each query takes the mean of the values, weighted by the
// softmax of its scaled dot products with the keys. [..., S, D] each -> [..., S, D]. A weight is dropped with
// probability `dropout` in training.
inline torch::Tensor Attend(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value,
                            double dropout, bool is_training) {
  const torch::Tensor scaled = query / std::sqrt(query.size(-1));
  const torch::Tensor weights = torch::matmul(scaled, key.transpose(-2, -1)).softmax(/*dim=*/-1);
  return torch::matmul(torch::dropout(weights, dropout, is_training), value);
}

// SinusoidalPositions returns the encodings of section 3.5: sine and cosine alternate, with wavelengths from 2 pi to
// 10,000 times that. float32 [positions, dim].
inline torch::Tensor SinusoidalPositions(int64_t positions, int64_t dim) {
  const torch::Tensor position = torch::arange(positions, torch::kFloat32).unsqueeze(1);
  const torch::Tensor frequency = torch::exp(torch::arange(0, dim, 2, torch::kFloat32) * (-std::log(10000.0) / dim));
  const torch::Tensor angle = position * frequency;
  return torch::stack({angle.sin(), angle.cos()}, /*dim=*/-1).flatten(1).slice(1, 0, dim);
}

// PositionTable keeps these encodings on the device that computes. It may be asked by several threads.
class PositionTable {
 public:
  explicit PositionTable(int64_t dim) : dim_(dim) {}

  // Rows returns float32 [positions, dim] on `device`. It stays where it is, because a recorded CUDA graph reads it
  // there.
  torch::Tensor Rows(int64_t positions, const torch::Device& device) {
    const std::lock_guard lock(mutex_);
    torch::Tensor& rows = tables_[positions];
    if (!rows.defined() || rows.device() != device) {
      // As if it had been computed before the forward pass: it is neither traced, nor observed, nor for inference only.
      const torch::InferenceMode normal_mode(false);
      const torch::NoGradGuard no_grad;
      const at::tracer::impl::NoTracerDispatchMode untraced;
      const at::DisableRecordFunctionGuard unobserved;
      rows = SinusoidalPositions(positions, dim_).contiguous().to(device);
    }
    return rows;
  }

 private:
  const int64_t dim_;
  std::mutex mutex_;
  std::map<int64_t, torch::Tensor> tables_;  // by number of positions
};

}  // namespace ecg

#endif  // ECG_NN_ATTENTION_H_
