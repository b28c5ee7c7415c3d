// network.h
//
// The interface of networks, and the concept of a backbone.

#ifndef ECG_MODEL_NETWORK_H_
#define ECG_MODEL_NETWORK_H_

#include <torch/nn/module.h>
#include <torch/types.h>

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "proto/experiment.pb.h"

namespace ecg {

class Network;

// NetworkInput is B crops: standardised signals [B, C, L], and what is known of the patients, float32 [B, 8] (numbers
// of Demographics), undefined where nothing is.
struct NetworkInput {
  NetworkInput(torch::Tensor signals, torch::Tensor demographics = {})  // NOLINT: signals alone are an input
      : signals(std::move(signals)), demographics(std::move(demographics)) {}

  torch::Tensor signals, demographics;
};

// LogitsAndFeatures is what a network says of B crops: logits [B, K], and the features [B, F] from which its head
// computed them, undefined where the network is not a backbone with a head.
struct LogitsAndFeatures {
  torch::Tensor logits, features;
};

// NetworkMember is one of the networks of an ensemble, and what the names of its weights begin with there.
struct NetworkMember {
  std::string prefix;
  Network* network;
};

// Network turns crops into logits. Training and evaluation use this interface, and are compiled once for all networks.
class Network : public torch::nn::Module {
 public:
  // forward takes standardised signals [B, C, L] and returns logits [B, K], K the number of classes. In evaluation mode
  // several threads call it at the same time, so what it keeps in the network must be guarded by a mutex.
  virtual torch::Tensor forward(const torch::Tensor& signals) = 0;

  // Forward returns the same logits; of a network that reads demographics, with those of `input`.
  virtual torch::Tensor Forward(const NetworkInput& input) { return forward(input.signals); }

  // ForwardWithFeatures returns the logits of Forward, and the features, in one pass.
  virtual LogitsAndFeatures ForwardWithFeatures(const NetworkInput& input) { return {Forward(input), {}}; }

  // ReadsDemographics returns whether the logits depend on the demographics.
  virtual bool ReadsDemographics() const { return false; }

  // Members returns the networks of whose logits this one's are the mean, and which are trained by losses of their
  // own: itself alone unless it is an ensemble.
  virtual std::vector<NetworkMember> Members() { return {{"", this}}; }

  // CheckSamples refuses crops of L = `samples` samples where the network is made for others, with a message that says
  // which.
  virtual absl::Status CheckSamples(int /*samples*/) const { return absl::OkStatus(); }

  // DependsOnBatch returns whether the logits of a crop depend on the other crops of its batch, in evaluation mode too.
  virtual bool DependsOnBatch() const { return false; }
};

// NetworkModel is a network that is made from the spec, the number of leads C and the number of classes K.
template <typename M>
concept NetworkModel = std::derived_from<M, Network> && std::constructible_from<M, const spec::Model&, int, int>;

// NetworkFactory makes the network of a spec for so many leads and classes.
using NetworkFactory = std::shared_ptr<Network> (*)(const spec::Model& model, int leads, int classes);

// ParameterCount returns the number of trainable parameters of `module`.
inline int64_t ParameterCount(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const torch::Tensor& parameter : module.parameters()) count += parameter.numel();
  return count;
}

// GradientOrder returns the parameters of `network` in the order in which a training computes their gradients: one
// member after the other, and the last layer first. Networks register their layers in the order of use.
inline std::vector<torch::Tensor> GradientOrder(Network& network) {
  std::vector<torch::Tensor> parameters;
  for (const NetworkMember& member : network.Members()) {
    const std::vector<torch::Tensor> of_member = member.network->parameters();
    parameters.insert(parameters.end(), of_member.rbegin(), of_member.rend());
  }
  return parameters;
}

// Backbone is a torch module that turns signals [B, C, L] into features [B, feature_dim], and is made from its own part
// of the spec and the number of leads C. It may have a CheckSamples and a DependsOnBatch, as Network has.
template <typename B>
concept Backbone = std::derived_from<B, torch::nn::Module> &&
    std::constructible_from<B, const typename B::Spec&, int> &&
    requires(B backbone, const torch::Tensor& signals, const spec::Model& model) {
  { backbone.forward(signals) } -> std::same_as<torch::Tensor>;
  { backbone.feature_dim() } -> std::convertible_to<int>;
  // Where its part of the spec is.
  { B::SpecIn(model) } -> std::convertible_to<const typename B::Spec&>;
};

// HasSequence is a backbone that also returns its features of each of T times before they are pooled, for heads that
// pool by themselves. All parameters of the backbone take part in them.
template <typename B>
concept HasSequence = Backbone<B> && requires(B backbone, const torch::Tensor& signals) {
  { backbone.Sequence(signals) } -> std::same_as<torch::Tensor>;  // [B, C, L] -> [B, sequence_dim, T]
  { backbone.sequence_dim() } -> std::convertible_to<int>;
};

}  // namespace ecg

#endif  // ECG_MODEL_NETWORK_H_
