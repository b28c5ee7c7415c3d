// demographics_layers.h
//
// The layers that read a patient's age, sex, height and weight beside the ECG.
//
//   DemographicsLayers layers(spec.model().demographics());
//   torch::Tensor features = layers.forward(demographics);   // [B, 8] -> [B, feature_dim]
//
// The layers are those of Strodthoff et al. (arXiv:2308.15291): linear and ReLU, then twice batch norm, dropout, linear
// and ReLU. Their output is joined to the features of the ECG before the head.

#ifndef ECG_MODEL_DEMOGRAPHICS_LAYERS_H_
#define ECG_MODEL_DEMOGRAPHICS_LAYERS_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cstdint>

#include "ecg/nn/batch_norm.h"
#include "proto/experiment.pb.h"

namespace ecg {

// MissingDemographics returns the demographics of `batch` patients of whom nothing is known, float32 [batch, 8].
torch::Tensor MissingDemographics(int64_t batch, const torch::Device& device);

// DemographicsLayers maps Demographics::ToNumbers, float32 [B, 8], to features [B, feature_dim].
class DemographicsLayers : public torch::nn::Module {
 public:
  explicit DemographicsLayers(const spec::Demographics& spec);

  // feature_dim returns the number of features.
  int feature_dim() const { return feature_dim_; }

  // forward hides the demographics of a random share of the patients in training mode, so that the network also learns
  // to do without.
  torch::Tensor forward(const torch::Tensor& demographics);

 private:
  const int feature_dim_;
  const double hide_probability_;
  torch::nn::Linear fc1_;
  BatchNorm1d bn1_;
  torch::nn::Dropout drop1_;
  torch::nn::Linear fc2_;
  BatchNorm1d bn2_;
  torch::nn::Dropout drop2_;
  torch::nn::Linear fc3_;
};

}  // namespace ecg

#endif  // ECG_MODEL_DEMOGRAPHICS_LAYERS_H_
