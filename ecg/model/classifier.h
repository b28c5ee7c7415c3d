// classifier.h
//
// A backbone with a head: the network that an experiment trains.
//
//   auto network = std::make_shared<Classifier<ResNet<BasicBlock>>>(spec.model(), /*leads=*/12, /*classes=*/71);
//   torch::Tensor logits = network->forward(signals);

#ifndef ECG_MODEL_CLASSIFIER_H_
#define ECG_MODEL_CLASSIFIER_H_

#include <torch/types.h>

#include <memory>
#include <type_traits>

#include "absl/status/status.h"
#include "ecg/model/head.h"
#include "ecg/model/network.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Classifier maps signals [B, C, L] to logits [B, classes].
template <Backbone B, HeadLayers H = Head>
class Classifier : public Network {
 public:
  Classifier(const spec::Model& spec, int leads, int classes)
      : backbone_(register_module("backbone", std::make_shared<B>(B::SpecIn(spec), leads))),
        head_(register_module("prediction_heads",
                              std::make_shared<H>(HeadSpec(spec), backbone_->feature_dim(), classes))) {}

  torch::Tensor forward(const torch::Tensor& signals) override { return head_->forward(backbone_->forward(signals)); }

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

 private:
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

  std::shared_ptr<B> backbone_;
  std::shared_ptr<H> head_;
};

}  // namespace ecg

#endif  // ECG_MODEL_CLASSIFIER_H_
