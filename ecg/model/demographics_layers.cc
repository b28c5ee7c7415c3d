#include "ecg/model/demographics_layers.h"

#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <array>
#include <cstdint>

#include "ecg/nn/batch_norm.h"
#include "ecg/signal/demographics.h"
#include "proto/experiment.pb.h"

namespace ecg {

torch::Tensor MissingDemographics(int64_t batch, const torch::Device& device) {
  std::array<float, kDemographicNumbers> missing = Demographics().ToNumbers();
  return torch::from_blob(missing.data(), {1, kDemographicNumbers}).repeat({batch, 1}).to(device);
}

DemographicsLayers::DemographicsLayers(const spec::Demographics& spec)
    : feature_dim_(spec.feature_dim()),
      hide_probability_(spec.hide_probability()),
      fc1_(register_module("fc1", torch::nn::Linear(kDemographicNumbers, feature_dim_))),
      bn1_(register_module("bn1", BatchNorm1d(feature_dim_))),
      drop1_(register_module("drop1", torch::nn::Dropout(spec.dropout()))),
      fc2_(register_module("fc2", torch::nn::Linear(feature_dim_, feature_dim_))),
      bn2_(register_module("bn2", BatchNorm1d(feature_dim_))),
      drop2_(register_module("drop2", torch::nn::Dropout(spec.dropout()))),
      fc3_(register_module("fc3", torch::nn::Linear(feature_dim_, feature_dim_))) {}

torch::Tensor DemographicsLayers::forward(const torch::Tensor& demographics) {
  torch::Tensor known = demographics;
  if (is_training() && hide_probability_ > 0) {
    const torch::Tensor hidden = torch::rand({known.size(0), 1}, known.options()).lt(hide_probability_);
    // Values become 0, and the flags that tell that they are missing 1.
    const torch::Tensor is_flag = torch::arange(kDemographicNumbers, known.options()).ge(kDemographicNumbers / 2);
    known = torch::where(hidden, is_flag.to(known.scalar_type()), known);
  }
  const torch::Tensor first = torch::relu(fc1_(known));
  const torch::Tensor second = torch::relu(fc2_(drop1_(bn1_(first))));
  return torch::relu(fc3_(drop2_(bn2_(second))));
}

}  // namespace ecg
