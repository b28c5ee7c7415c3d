// classifier.h
//
// A backbone with a head: the network that an experiment trains.
//
//   auto network = std::make_shared<Classifier<ResNet<BasicBlock>>>(spec.model(), /*leads=*/12, /*classes=*/71);
//   torch::Tensor logits = network->forward(signals);
//
// A backbone that was published with a head of its own has that one by default: Classifier<XResNet>. Any head can be
// chosen for it too: Classifier<XResNet, LinearHead>.

#ifndef ECG_MODEL_CLASSIFIER_H_
#define ECG_MODEL_CLASSIFIER_H_

#include <torch/types.h>

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "ecg/model/demographics_layers.h"
#include "ecg/model/head.h"
#include "ecg/model/network.h"
#include "ecg/model/undecayed.h"
#include "proto/experiment.pb.h"

namespace ecg {

// OwnHead stands for the head that a backbone was published with.
struct OwnHead {};

// HasOwnHead is a backbone whose AppendHead(classes) adds the layers of its own head to it, under the names that they
// have in its published state, and returns them.
template <typename B>
concept HasOwnHead = Backbone<B> && requires(B backbone, const torch::Tensor& features) {
  { backbone.AppendHead(/*classes=*/1)->forward(features) } -> std::same_as<torch::Tensor>;
};

// DefaultHead is OwnHead where there is one, and Head otherwise.
template <Backbone B>
using DefaultHead = std::conditional_t<HasOwnHead<B>, OwnHead, Head>;

// InitWeights initialises the weights of `backbone` where it differs from LibTorch's layers.
template <Backbone B>
void InitWeights(B& backbone) {
  if constexpr (requires { backbone.InitWeights(); }) backbone.InitWeights();
}

// BackboneNetwork is a network that answers as its backbone does.
template <Backbone B>
class BackboneNetwork : public Network {
 public:
  BackboneNetwork(const spec::Model& spec, int leads) : backbone_(std::make_shared<B>(B::SpecIn(spec), leads)) {}

  absl::Status CheckSamples(int samples) const override {
    if constexpr (requires(const B& backbone) { backbone.CheckSamples(samples); }) {
      return backbone_->CheckSamples(samples);
    } else {
      return absl::OkStatus();
    }
  }

  bool DependsOnBatch() const override {
    if constexpr (requires(const B& backbone) { backbone.DependsOnBatch(); }) return backbone_->DependsOnBatch();
    return false;
  }

 protected:
  // WithFeatures returns what `head` makes of `features`, and these.
  template <typename H>
  static LogitsAndFeatures WithFeatures(const torch::Tensor& features, H& head) {
    // A copy, because a head may change its input, as an activation in place does.
    const torch::Tensor kept = features.clone();
    return {head.forward(features), kept};
  }

  std::shared_ptr<B> backbone_;
};

// Classifier maps signals [B, C, L] to logits [B, classes]. Its state is that of the backbone, with the prefix
// `backbone`, of the head, with the prefix `prediction_heads`, and where the spec has any, of the layers for the
// patient's `demographics`.
template <Backbone B, typename H = DefaultHead<B>>
class Classifier : public BackboneNetwork<B> {
 public:
  static_assert(HeadLayers<H>);

  Classifier(const spec::Model& spec, int leads, int classes) : BackboneNetwork<B>(spec, leads) {
    this->register_module("backbone", this->backbone_);
    InitWeights(*this->backbone_);
    int features = this->backbone_->feature_dim();
    if (spec.has_demographics()) {
      demographics_ = this->register_module("demographics", std::make_shared<DemographicsLayers>(spec.demographics()));
      features += demographics_->feature_dim();
    }
    head_ = this->register_module("prediction_heads", std::make_shared<H>(HeadSpec(spec), features, classes));
  }

  torch::Tensor forward(const torch::Tensor& signals) override { return Forward(signals); }

  torch::Tensor Forward(const NetworkInput& input) override { return head_->forward(Features(input)); }

  LogitsAndFeatures ForwardWithFeatures(const NetworkInput& input) override {
    return this->WithFeatures(Features(input), *head_);
  }

  bool ReadsDemographics() const override { return demographics_ != nullptr; }

 private:
  // Features returns what the head reads, [B, F].
  torch::Tensor Features(const NetworkInput& input) const {
    const torch::Tensor features = this->backbone_->forward(input.signals);
    if (demographics_ == nullptr) return features;
    const torch::Tensor known = input.demographics.defined()
                                    ? input.demographics
                                    : MissingDemographics(input.signals.size(0), input.signals.device());
    return torch::cat({features, demographics_->forward(known)}, 1);
  }

  // Where the head's part of `spec` is.
  static const typename H::Spec& HeadSpec(const spec::Model& spec) {
    if constexpr (std::is_same_v<typename H::Spec, spec::Own>) {
      return spec.own_head();
    } else if constexpr (std::is_same_v<typename H::Spec, spec::LinearHead>) {
      return spec.linear_head();
    } else {
      return spec.head();
    }
  }

  std::shared_ptr<DemographicsLayers> demographics_;  // nullptr where the network reads the ECG alone
  std::shared_ptr<H> head_;
};

// With its own head a backbone has its published state, without a prefix: what it consists of belongs to the network.
template <HasOwnHead B>
class Classifier<B, OwnHead> : public BackboneNetwork<B>, public Undecayed {
 public:
  Classifier(const spec::Model& spec, int leads, int classes)
      : BackboneNetwork<B>(spec, leads), head_(this->backbone_->AppendHead(classes)) {
    for (const auto& one : this->backbone_->named_parameters(/*recurse=*/false)) {
      this->register_parameter(one.key(), one.value(), one.value().requires_grad());
    }
    for (const auto& one : this->backbone_->named_buffers(/*recurse=*/false)) {
      this->register_buffer(one.key(), one.value());
    }
    for (const auto& layer : this->backbone_->named_children()) this->register_module(layer.key(), layer.value());
    InitWeights(*this->backbone_);
  }

  // train sets the mode of the backbone itself too, which is none of the network's modules. eval() calls it.
  void train(bool on = true) override {
    Network::train(on);
    this->backbone_->train(on);
  }

  // undecayed returns those of the backbone itself.
  std::vector<torch::Tensor> undecayed() const override {
    const auto* marked = dynamic_cast<const Undecayed*>(this->backbone_.get());
    return marked == nullptr ? std::vector<torch::Tensor>() : marked->undecayed();
  }

  torch::Tensor forward(const torch::Tensor& signals) override {
    return head_->forward(this->backbone_->forward(signals));
  }

  LogitsAndFeatures ForwardWithFeatures(const NetworkInput& input) override {
    return this->WithFeatures(this->backbone_->forward(input.signals), *head_);
  }

 private:
  decltype(std::declval<B&>().AppendHead(1)) head_;
};

}  // namespace ecg

#endif  // ECG_MODEL_CLASSIFIER_H_
