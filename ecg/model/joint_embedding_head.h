// joint_embedding_head.h
//
// Joint-embedding prediction (I-JEPA: Assran et al. 2023, arXiv:2301.08243), which trains a backbone without labels, as
// Weimann and Conrad 2025, arXiv:2410.13867, do it on electrocardiograms: of each crop most patches are hidden, in
// blocks, and from the features of the others a predictor must tell those that a teacher has of the hidden ones. The
// teacher is an exponential moving average of the backbone. State names and shapes of the predictor are those of
// `kweimann/ECG-JEPA`.
//
//   Random random({1});
//   const std::vector<bool> hidden = HideBlocks(/*patches=*/200, /*visible=*/40, /*min_block=*/10, random);
//
// With this head a Classifier is a network whose output for a crop is its loss and its score, as SelfSupervised
// (ecg/train/self_supervised.h) takes them:
//
//   Classifier<VisionTransformer, JointEmbeddingHead> network(spec.model(), /*leads=*/12, /*classes=*/2);
//   network.forward(signals);  // [B, C, L] -> [B, 2]

#ifndef ECG_MODEL_JOINT_EMBEDDING_HEAD_H_
#define ECG_MODEL_JOINT_EMBEDDING_HEAD_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "ecg/model/classifier.h"
#include "ecg/model/network.h"
#include "ecg/model/undecayed.h"
#include "ecg/model/vision_transformer.h"
#include "ecg/nn/attention.h"
#include "ecg/random/random.h"
#include "proto/experiment.pb.h"

namespace ecg {

// HideBlocks returns for each of `patches` patches whether it is hidden; exactly `visible` are not. Blocks of at least
// `min_block` neighbouring patches are hidden one after another, of a random size and at a random place between those
// that are hidden already. What is left to hide at the end, if it is less than a block, is put beside one.
std::vector<bool> HideBlocks(int64_t patches, int64_t visible, int64_t min_block, Random& random);

// PatchChoice is which patches of each crop are seen and which are hidden, in ascending order: int64 [B, visible] and
// [B, patches - visible].
struct PatchChoice {
  torch::Tensor visible, hidden;
};

// Gather returns the rows `indexes`, int64 [B, K], of `x` [B, N, D]: [B, K, D].
torch::Tensor Gather(const torch::Tensor& x, const torch::Tensor& indexes);

// JointEmbeddingOutputs returns the loss and the score of each crop, float32 [B, 2], by what is predicted of its hidden
// patches and what the teacher has of them, [B, M, D] each: the mean absolute difference, and the share of patches whose
// prediction is closer, by the sum of absolute differences, to the teacher's features of that patch than to those of any
// other. A tie is not right, so that features that are the same everywhere have a score of 0.
torch::Tensor JointEmbeddingOutputs(const torch::Tensor& predicted, const torch::Tensor& targets);

// JointEmbeddingHead is the predictor.
class JointEmbeddingHead : public torch::nn::Module, public Undecayed {
 public:
  using Spec = spec::JointEmbeddingHead;

  JointEmbeddingHead(const Spec& spec, int feature_dim);

  // forward predicts the features of the hidden ones of `patches` patches from those of the visible ones, [B, visible,
  // F]: [B, hidden, F].
  torch::Tensor forward(const torch::Tensor& features, const PatchChoice& choice, int64_t patches);

  // Choose returns which of `patches` patches of each of `crops` crops are hidden, on `device`. In training the share of
  // visible patches and the blocks of each crop are random, by LibTorch's generator; in evaluation they are always the
  // same.
  PatchChoice Choose(int64_t crops, int64_t patches, const torch::Device& device) const;

  // CheckPatches refuses crops of so few patches that fewer than two, or than a block, would be hidden.
  absl::Status CheckPatches(int patches) const;

  // TeacherShare returns what part of the teacher's weights the backbone's become after so many steps, float32 [] on the
  // device of `steps`, int64 [].
  torch::Tensor TeacherShare(const torch::Tensor& steps) const;

  std::vector<torch::Tensor> undecayed() const override { return {mask_token_}; }

 private:
  const Spec spec_;
  torch::nn::Linear embed_;
  torch::Tensor mask_token_;
  PositionTable positions_;
  VisionBlocks blocks_;
  torch::nn::Linear proj_;
};

// PatchBackbone is a backbone of patches, of which it can be given some only.
template <typename B>
concept PatchBackbone = Backbone<B> && requires(B backbone, const torch::Tensor& x) {
  { backbone.Embed(x) } -> std::same_as<torch::Tensor>;   // [B, C, L] -> [B, patches, D], with their positions
  { backbone.Encode(x) } -> std::same_as<torch::Tensor>;  // [B, S, D] -> [B, registers + S, feature_dim]
  { backbone.registers() } -> std::convertible_to<int>;
  { backbone.patch_samples() } -> std::convertible_to<int>;
};

// AsBuffers returns a module with the tensors of `module`, and of all in it, as buffers of the same names. They are the
// same tensors, which thus move to a device and are saved with the network, but are not trained.
std::shared_ptr<torch::nn::Module> AsBuffers(torch::nn::Module& module);

// Classifier of a JointEmbeddingHead maps signals [B, C, L] to the loss and the score of each crop, [B, 2]. The
// backbone's names in the state are those that it has in a Classifier with classes, with the prefix `backbone`, and the
// teacher's the same with the prefix `teacher`. In training each pass moves the teacher's weights towards the
// backbone's first, as the published code does.
template <PatchBackbone B>
class Classifier<B, JointEmbeddingHead> : public BackboneNetwork<B> {
 public:
  Classifier(const spec::Model& spec, int leads, int /*classes*/)
      : BackboneNetwork<B>(spec, leads), teacher_(std::make_shared<B>(B::SpecIn(spec), leads)) {
    this->register_module("backbone", this->backbone_);
    InitWeights(*this->backbone_);
    predictor_ = this->register_module(
        "predictor", std::make_shared<JointEmbeddingHead>(spec.joint_embedding_head(), this->backbone_->feature_dim()));
    teacher_->eval();
    this->register_module("teacher", AsBuffers(*teacher_));
    steps_ = this->register_buffer("steps", torch::zeros({}, torch::kInt64));
    MoveTeacher(torch::ones({}));
  }

  absl::Status CheckSamples(int samples) const override {
    absl::Status status = BackboneNetwork<B>::CheckSamples(samples);
    status.Update(predictor_->CheckPatches(samples / this->backbone_->patch_samples()));
    return status;
  }

  torch::Tensor forward(const torch::Tensor& signals) override {
    torch::Tensor targets;
    {
      const torch::NoGradGuard no_grad;
      if (this->is_training()) {
        MoveTeacher(predictor_->TeacherShare(steps_));
        steps_ += 1;
      }
      targets = teacher_->Encode(teacher_->Embed(signals)).slice(1, teacher_->registers());
    }
    const torch::Tensor patches = this->backbone_->Embed(signals);
    const PatchChoice choice = predictor_->Choose(patches.size(0), patches.size(1), patches.device());
    const torch::Tensor features =
        this->backbone_->Encode(Gather(patches, choice.visible)).slice(1, this->backbone_->registers());
    return JointEmbeddingOutputs(predictor_->forward(features, choice, patches.size(1)),
                                 Gather(targets, choice.hidden));
  }

 private:
  // MoveTeacher makes the teacher's weights (1 - `share`) of theirs and `share` of the backbone's.
  void MoveTeacher(const torch::Tensor& share) {
    const torch::NoGradGuard no_grad;
    const auto weights = this->backbone_->parameters(), averages = teacher_->parameters();
    for (size_t i = 0; i < weights.size(); ++i) {
      torch::Tensor(averages[i]).lerp_(weights[i], share.to(weights[i].scalar_type()));
    }
  }

  std::shared_ptr<B> teacher_;
  std::shared_ptr<JointEmbeddingHead> predictor_;
  torch::Tensor steps_;  // how often the teacher was moved, int64 []
};

}  // namespace ecg

#endif  // ECG_MODEL_JOINT_EMBEDDING_HEAD_H_
