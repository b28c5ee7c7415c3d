// classifier.h
//
// A backbone with a head: the network that an experiment trains.
//
//   auto network = std::make_shared<Classifier<ResNet<BasicBlock>>>(spec.model(), /*leads=*/12, /*classes=*/71);
//   torch::Tensor logits = network->forward(signals);

#ifndef ECG_MODEL_CLASSIFIER_H_
#define ECG_MODEL_CLASSIFIER_H_

#include <torch/torch.h>

#include <memory>

#include "absl/status/status.h"
#include "ecg/model/head.h"
#include "ecg/model/network.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Classifier maps signals [B, C, L] to logits [B, classes].
template <Backbone B>
class Classifier : public Network {
 public:
  Classifier(const spec::Model& spec, int leads, int classes)
      : backbone_(register_module("backbone", std::make_shared<B>(B::SpecIn(spec), leads))),
        head_(register_module("prediction_heads",
                              std::make_shared<Head>(spec.head(), backbone_->feature_dim(), classes))) {}

  torch::Tensor forward(const torch::Tensor& signals) override { return head_->forward(backbone_->forward(signals)); }

  absl::Status CheckSamples(int samples) const override {
    if constexpr (requires(const B& backbone) { backbone.CheckSamples(samples); }) {
      return backbone_->CheckSamples(samples);
    } else {
      return absl::OkStatus();
    }
  }

 private:
  std::shared_ptr<B> backbone_;
  std::shared_ptr<Head> head_;
};

}  // namespace ecg

#endif  // ECG_MODEL_CLASSIFIER_H_
