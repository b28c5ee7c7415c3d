// state_space.h
//
// Linear state-space layers: Gu, Goel and Ré 2022, "Efficiently Modeling Long Sequences with Structured State Spaces"
// (S4), arXiv:2111.00396, and the diagonal form of Gu, Gupta, Goel and Ré 2022, "On the Parameterization and
// Initialization of Diagonal State Space Models" (S4D), arXiv:2206.11893.
//
// Each channel u is the input of a linear system of its own, whose state x has N dimensions:
//
//   dx/dt = A x + B u,   y = C x + D u
//
// Discretised with the channel's time step dt (bilinear transform), A' = (I - dt/2 A)^-1 (I + dt/2 A) and
// B' = dt (I - dt/2 A)^-1 B, it is a convolution, y = K * u + D u, with the kernel K_l = C A'^l B'. In a bidirectional
// layer a second C makes the kernel of another system, which runs backwards from the next sample.
//
// Only C and D are trained. A, B and dt are fixed, so A'^l B' is a table, and the kernel is a product of C with it.
//
// States come in conjugate pairs, of which only one half is kept: real parts and imaginary parts are the last dimension
// of size 2. State names and shapes are those of `AI4HealthUOL/ecg-fm-benchmarking` and `tmehari/ssm_ecg`.
//
//   StateSpace layer(/*channels=*/512, {.state_size = 8});
//   const torch::Tensor y = layer.forward(u);  // [B, L, 512] -> [B, L, 512]

#ifndef ECG_NN_STATE_SPACE_H_
#define ECG_NN_STATE_SPACE_H_

#include <ATen/TracerMode.h>
#include <ATen/record_function.h>
#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "ecg/nn/long_convolution.h"

namespace ecg {

// StateMatrix is the form of A.
enum class StateMatrix {
  // HiPPO-LegS, which is diagonal in some basis but for a matrix of rank 1: S4.
  kNormalPlusLowRank,
  // That diagonal alone: S4D.
  kDiagonal,
};

// StateSpaceOptions are those of a layer.
struct StateSpaceOptions {
  StateMatrix matrix = StateMatrix::kNormalPlusLowRank;
  // N, an even number.
  int state_size = 8;
  // Whether a sample of the output depends on earlier ones of the input only.
  bool causal = false;
  // With kNormalPlusLowRank, the parameter is C (I - A'^L), which the published code computes with, for this L.
  int kernel_samples = 250;
};

// Hippo is HiPPO-LegS (Gu et al. 2020, arXiv:2008.07669) of N dimensions in the basis that makes A + P P^* diagonal,
// and B positive: A = diag(w) - P P^*. One of each conjugate pair, by frequency; complex128 [N / 2].
struct Hippo {
  torch::Tensor w, b, p;
};

// HippoLegS returns that of `state_size` dimensions. A_nk is -sqrt(2n + 1) sqrt(2k + 1) for n > k, -(n + 1) for n = k
// and 0 for n < k; B_n is sqrt(2n + 1), and P_n is B_n / sqrt(2). So A + P P^T is -I / 2 and a skew-symmetric matrix.
inline Hippo HippoLegS(int state_size) {
  const torch::Tensor b = (2 * torch::arange(state_size, torch::kFloat64) + 1).sqrt();
  const torch::Tensor half = torch::outer(b, b) / 2;
  const torch::Tensor skew = half.triu(1) - half.tril(-1);
  const auto [frequencies, basis] = torch::linalg_eigh(torch::complex(torch::zeros_like(skew), -skew));
  const int64_t first = state_size / 2;  // of the positive ones, in ascending order
  const torch::Tensor w = frequencies.slice(0, first);
  const torch::Tensor in_basis = basis.slice(1, first).conj().t().matmul(b.to(torch::kComplexDouble)).abs();
  const auto real = [](const torch::Tensor& x) { return torch::complex(x, torch::zeros_like(x)); };
  return {torch::complex(torch::full_like(w, -0.5), w), real(in_basis), real(in_basis / std::sqrt(2.0))};
}

// StateSpaceKernel computes the kernel of a layer.
class StateSpaceKernel : public torch::nn::Module {
 public:
  StateSpaceKernel(int channels, const StateSpaceOptions& options) : options_(options) {
    const Hippo hippo = HippoLegS(options.state_size);
    // Of each channel the same.
    const auto repeated = [&](const torch::Tensor& x, torch::IntArrayRef shape) {
      return torch::view_as_real(x).to(torch::kFloat32).expand(shape).clone();
    };
    const int64_t pairs = options.state_size / 2;
    log_dt_ = register_buffer("log_dt", torch::empty(channels).uniform_(std::log(0.001), std::log(0.1)));
    w_ = register_buffer("w", repeated(hippo.w, {channels, pairs, 2}));
    b_ = register_buffer("B", repeated(hippo.b, {1, channels, pairs, 2}));
    torch::Tensor c = std::sqrt(0.5) * torch::randn({options.causal ? 1 : 2, channels, pairs, 2});
    if (HasLowRank()) {
      p_ = register_buffer("P", repeated(hippo.p, {1, channels, pairs, 2}));
      q_ = register_buffer("Q", repeated(hippo.p, {1, channels, pairs, 2}));
      RegisterNodes();
      const System system = Discretise();
      const torch::Tensor rows = WithConjugates(ToComplex(c)).transpose(0, 1);  // [C, directions, N]
      c = torch::view_as_real((rows - rows.matmul(WholeKernelPower(system))).slice(2, 0, pairs).transpose(0, 1));
    }
    c_ = register_parameter("C", c.to(torch::kFloat32).contiguous());
  }

  // forward returns the kernel for signals of `samples` samples, by lag from -(`samples` - 1) to `samples` - 1:
  // [C, 2 `samples` - 1].
  torch::Tensor forward(int64_t samples) {
    // A sum, not a matrix product, which would be of less precision with autocast or TensorFloat-32.
    const torch::Tensor taps = (c_.flatten(2).unsqueeze(-1) * Table(samples)).sum(2);  // [directions, C, L]
    const torch::Tensor later = taps[0];
    if (options_.causal) return torch::constant_pad_nd(later, {samples - 1, 0});
    return torch::cat({taps[1].narrow(1, 0, samples - 1).flip(1), later}, 1);
  }

  // c returns the parameter C: [directions, channels, N / 2, 2].
  const torch::Tensor& c() const { return c_; }

 private:
  // System is the discretised system, complex128 on the CPU: A' [C, N, N] and B' [C, N, 1].
  struct System {
    torch::Tensor a, b;
  };

  bool HasLowRank() const { return options_.matrix == StateMatrix::kNormalPlusLowRank; }

  // The published code has the nodes of its transform among its buffers. Nothing here depends on them; they are for
  // weights to be loaded and saved, and their number tells kernel_samples.
  void RegisterNodes() {
    const double step = -2 * M_PI / options_.kernel_samples;
    const torch::Tensor angle = step * torch::arange(options_.kernel_samples / 2 + 1, torch::kFloat64);
    const torch::Tensor omega = torch::polar(torch::ones_like(angle), angle);
    register_buffer("omega", torch::view_as_real(omega).to(torch::kFloat32));
    register_buffer("z", torch::view_as_real(2 * (1 - omega) / (1 + omega)).to(torch::kFloat32));
  }

  static torch::Tensor ToComplex(const torch::Tensor& pairs) {
    return torch::view_as_complex(pairs.detach().to(torch::kCPU, torch::kFloat64).contiguous());
  }

  static torch::Tensor WithConjugates(const torch::Tensor& x) { return torch::cat({x, torch::conj_physical(x)}, -1); }

  static torch::Tensor Identity(const torch::Tensor& matrices) {
    return torch::eye(matrices.size(-1), matrices.options());
  }

  System Discretise() const {
    torch::Tensor a = torch::diag_embed(WithConjugates(ToComplex(w_)));
    if (HasLowRank()) {
      const torch::Tensor p = WithConjugates(ToComplex(p_[0])), q = WithConjugates(ToComplex(q_[0]));
      a = a - p.unsqueeze(2) * q.unsqueeze(1);
    }
    const torch::Tensor b = WithConjugates(ToComplex(b_[0])).unsqueeze(2);
    const torch::Tensor dt = log_dt_.detach().to(torch::kCPU, torch::kFloat64).exp().view({-1, 1, 1});
    const torch::Tensor half = dt / 2 * a;
    const torch::Tensor backward = Identity(half) - half;
    return {torch::linalg_solve(backward, Identity(half) + half), dt * torch::linalg_solve(backward, b)};
  }

  // A'^L for L = kernel_samples.
  torch::Tensor WholeKernelPower(const System& system) const {
    return torch::linalg_matrix_power(system.a, options_.kernel_samples);
  }

  // Computes what C is multiplied with: [C, N, `samples`], N the real and imaginary parts of one of each pair. The
  // other of a pair adds the conjugate, so that the kernel is 2 Re(C A'^l B').
  torch::Tensor ComputeTable(int64_t samples) const {
    const System system = Discretise();
    torch::Tensor states = system.b;  // of an impulse: A'^l B' at l
    if (HasLowRank()) states = torch::linalg_solve(Identity(system.a) - WholeKernelPower(system), states);
    for (torch::Tensor power = system.a; states.size(2) < samples; power = power.matmul(power)) {
      states = torch::cat({states, power.matmul(states)}, 2);
    }
    const torch::Tensor half = 2 * states.slice(1, 0, options_.state_size / 2).slice(2, 0, samples);
    return torch::stack({torch::real(half), -torch::imag(half)}, 2).flatten(1, 2);
  }

  // Table returns ComputeTable(`samples`) in C's type and on its device. It is computed when it is first needed, and
  // again when a buffer has changed; then it stays where it is, because a recorded CUDA graph reads it there.
  torch::Tensor Table(int64_t samples) {
    int64_t version = 0;
    bool has_versions = true;  // what was made in inference mode has none
    for (const torch::Tensor& buffer : buffers()) {
      has_versions = has_versions && !buffer.is_inference();
      if (has_versions) version += buffer._version();
    }
    const std::lock_guard lock(mutex_);
    CachedTable& cached = tables_[samples];
    const bool has_place = cached.table.defined() && cached.table.device() == c_.device() &&
                           cached.table.scalar_type() == c_.scalar_type();
    if (has_place && has_versions && cached.version == version) return cached.table;
    // As if it had been computed before the forward pass: it is neither traced, nor observed, nor for inference only.
    const torch::InferenceMode normal_mode(false);
    const torch::NoGradGuard no_grad;
    const at::tracer::impl::NoTracerDispatchMode untraced;
    const at::DisableRecordFunctionGuard unobserved;
    const torch::Tensor table = ComputeTable(samples).to(c_.device(), c_.scalar_type()).contiguous();
    if (has_place) {
      cached.table.copy_(table);
    } else {
      cached.table = table;
    }
    cached.version = version;
    return cached.table;
  }

  struct CachedTable {
    torch::Tensor table;
    int64_t version = 0;
  };

  const StateSpaceOptions options_;
  torch::Tensor log_dt_, w_, b_, p_, q_, c_;
  std::mutex mutex_;
  std::map<int64_t, CachedTable> tables_;  // by number of samples
};

// StateSpace is the layer: [B, L, C] -> [B, L, C], in float32 also with autocast, or in float64 if its parameters are.
class StateSpace : public torch::nn::Module {
 public:
  StateSpace(int channels, const StateSpaceOptions& options)
      : d_(register_parameter("D", torch::randn({1, channels}))),
        kernel_(std::make_shared<StateSpaceKernel>(channels, options)) {
    // In the published code one module computes the kernel of another.
    register_module("kernel", std::make_shared<torch::nn::Module>())->register_module("kernel", kernel_);
  }

  torch::Tensor forward(const torch::Tensor& signals) {
    // A conversion that does nothing would be traced too.
    const bool converts = signals.scalar_type() != d_.scalar_type();
    const torch::Tensor u = converts ? signals.to(d_.scalar_type()) : signals;
    return LongConvolve(u, kernel_->forward(u.size(1))) + u * d_;
  }

  // c and d return the layer's parameters: C, and D [1, channels].
  const torch::Tensor& c() const { return kernel_->c(); }
  const torch::Tensor& d() const { return d_; }

 private:
  torch::Tensor d_;
  std::shared_ptr<StateSpaceKernel> kernel_;
};

}  // namespace ecg

#endif  // ECG_NN_STATE_SPACE_H_
