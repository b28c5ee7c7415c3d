// deep_ensemble.h
//
// A deep ensemble (Lakshminarayanan, Pritzel and Blundell 2017, arXiv:1612.01474) as one network: several with the same
// layers and different first weights. Each is trained by its own loss, on the same batches.
//
//   DeepEnsemble ensemble({network, another, a_third});

#ifndef ECG_MODEL_DEEP_ENSEMBLE_H_
#define ECG_MODEL_DEEP_ENSEMBLE_H_

#include <torch/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "ecg/model/network.h"

namespace ecg {

// MeanOf returns the mean of tensors of one shape, at least one, by operations that ONNX has.
inline torch::Tensor MeanOf(const std::vector<torch::Tensor>& tensors) {
  if (tensors.size() == 1) return tensors[0];
  torch::Tensor sum = tensors[0];
  for (size_t i = 1; i < tensors.size(); ++i) sum = sum + tensors[i];
  return sum / static_cast<double>(tensors.size());
}

// DeepEnsemble maps signals [B, C, L] to the mean of its members' logits, [B, K], and has the features of all of them
// side by side. Its state is theirs, with the prefixes `members.0`, `members.1`, ...
class DeepEnsemble : public Network {
 public:
  // At least one member; all for the same leads, samples and classes.
  explicit DeepEnsemble(std::vector<std::shared_ptr<Network>> members) : members_(std::move(members)) {
    const auto owner = register_module("members", std::make_shared<torch::nn::Module>());
    for (size_t i = 0; i < members_.size(); ++i) owner->register_module(std::to_string(i), members_[i]);
  }

  std::vector<NetworkMember> Members() override {
    std::vector<NetworkMember> members;
    for (size_t i = 0; i < members_.size(); ++i) {
      members.push_back({absl::StrCat("members.", i, "."), members_[i].get()});
    }
    return members;
  }

  torch::Tensor forward(const torch::Tensor& signals) override { return Forward(signals); }

  torch::Tensor Forward(const NetworkInput& input) override {
    std::vector<torch::Tensor> logits;
    for (const auto& member : members_) logits.push_back(member->Forward(input));
    return MeanOf(logits);
  }

  LogitsAndFeatures ForwardWithFeatures(const NetworkInput& input) override {
    std::vector<torch::Tensor> logits, features;
    for (const auto& member : members_) {
      LogitsAndFeatures one = member->ForwardWithFeatures(input);
      logits.push_back(std::move(one.logits));
      if (one.features.defined()) features.push_back(std::move(one.features));
    }
    return {MeanOf(logits), features.empty() ? torch::Tensor() : torch::cat(features, 1)};
  }

  bool ReadsDemographics() const override { return members_[0]->ReadsDemographics(); }
  absl::Status CheckSamples(int samples) const override { return members_[0]->CheckSamples(samples); }
  bool DependsOnBatch() const override { return members_[0]->DependsOnBatch(); }

 private:
  const std::vector<std::shared_ptr<Network>> members_;
};

}  // namespace ecg

#endif  // ECG_MODEL_DEEP_ENSEMBLE_H_
