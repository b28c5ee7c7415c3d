#include "ecg/model/joint_embedding_head.h"

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "ecg/random/random.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

// How many of `patches` patches are visible at this share of them.
int64_t VisibleOf(int64_t patches, double share) { return static_cast<int64_t>(std::ceil(share * patches)); }

// Run is neighbouring patches that are visible so far, from `begin` to before `end`.
struct Run {
  int64_t begin, end;

  int64_t size() const { return end - begin; }
};

// DrawRun returns the index of one of `runs`, each patch in them being equally likely to be in it.
size_t DrawRun(const std::vector<Run>& runs, Random& random) {
  int64_t total = 0;
  for (const Run& run : runs) total += run.size();
  int64_t patch = static_cast<int64_t>(random.Below(total));
  size_t i = 0;
  while (patch >= runs[i].size()) patch -= runs[i++].size();
  return i;
}

// PlaceOf returns where in `run` a block of `size` patches begins: anywhere, or beside a block that is hidden already.
int64_t PlaceOf(const Run& run, int64_t size, int64_t patches, bool is_beside, Random& random) {
  const int64_t last = run.end - size;
  const bool follows = run.begin > 0, precedes = run.end < patches;
  if (!is_beside || (!follows && !precedes)) {
    return run.begin + static_cast<int64_t>(random.Below(last - run.begin + 1));
  }
  if (follows && precedes) return random.Below(2) == 0 ? run.begin : last;
  return follows ? run.begin : last;
}

}  // namespace

std::vector<bool> HideBlocks(int64_t patches, int64_t visible, int64_t min_block, Random& random) {
  std::vector<bool> hidden(patches, false);
  std::vector<Run> runs = {{0, patches}};
  for (int64_t left = patches - visible; left > 0;) {
    const size_t i = DrawRun(runs, random);
    const Run run = runs[i];
    const bool is_rest = left < min_block;
    const int64_t wanted = is_rest ? left : min_block + static_cast<int64_t>(random.Below(left - min_block + 1));
    const int64_t size = std::min(wanted, run.size());
    const int64_t begin = size == run.size() ? run.begin : PlaceOf(run, size, patches, is_rest, random);
    std::fill(hidden.begin() + begin, hidden.begin() + begin + size, true);
    runs[i] = {run.begin, begin};
    runs.push_back({begin + size, run.end});
    left -= size;
  }
  return hidden;
}

torch::Tensor Gather(const torch::Tensor& x, const torch::Tensor& indexes) {
  return x.gather(1, indexes.unsqueeze(-1).expand({-1, -1, x.size(2)}));
}

torch::Tensor JointEmbeddingOutputs(const torch::Tensor& predicted, const torch::Tensor& targets) {
  const torch::Tensor loss = (predicted - targets).to(torch::kFloat32).abs().mean({1, 2});
  // From each prediction to each target, [B, M, M]. No gradients are needed of them.
  const torch::Tensor distances =
      torch::cdist(predicted.detach().to(torch::kFloat32), targets.detach().to(torch::kFloat32), /*p=*/1);
  const torch::Tensor own = distances.diagonal(0, 1, 2).clone();
  distances.diagonal(0, 1, 2).fill_(std::numeric_limits<float>::infinity());
  const torch::Tensor score = own.lt(std::get<0>(distances.min(2))).to(torch::kFloat32).mean(1);
  return torch::stack({loss, score}, 1);
}

JointEmbeddingHead::JointEmbeddingHead(const Spec& spec, int feature_dim)
    : spec_(spec),
      embed_(register_module("embed",
                             torch::nn::Linear(torch::nn::LinearOptions(feature_dim, spec.model_dim()).bias(false)))),
      mask_token_(register_parameter("mask_token", 0.02 * torch::randn({1, 1, spec.model_dim()}))),
      positions_(spec.model_dim()),
      blocks_(*this, spec.layers(), spec.model_dim(), spec.heads(), /*dropout=*/0),
      proj_(register_module("proj",
                            torch::nn::Linear(torch::nn::LinearOptions(spec.model_dim(), feature_dim).bias(false)))) {
  InitVisionWeights(*this, spec.layers());
}

torch::Tensor JointEmbeddingHead::forward(const torch::Tensor& features, const PatchChoice& choice, int64_t patches) {
  const torch::Tensor positions =
      positions_.Rows(patches, features.device()).unsqueeze(0).expand({features.size(0), -1, -1});
  const torch::Tensor visible = embed_(features) + Gather(positions, choice.visible);
  const torch::Tensor hidden = mask_token_ + Gather(positions, choice.hidden);
  return proj_(blocks_.forward(torch::cat({visible, hidden}, 1)).slice(1, visible.size(1)));
}

PatchChoice JointEmbeddingHead::Choose(int64_t crops, int64_t patches, const torch::Device& device) const {
  // In evaluation the choice of a crop must not depend on the other crops.
  const int64_t rows = is_training() ? crops : 1;
  uint64_t seed = 0;
  if (is_training()) {
    seed = torch::randint(std::numeric_limits<int64_t>::max(), {1}, torch::kInt64).item<int64_t>();
  }
  Random random({static_cast<uint64_t>(patches), seed});
  const double low = spec_.min_visible_share(), high = spec_.max_visible_share();
  const double share = is_training() ? low + (high - low) * random.Uniform() : (low + high) / 2;
  const int64_t visible = VisibleOf(patches, share);
  const torch::Tensor seen = torch::empty({rows, visible}, torch::kInt64);
  const torch::Tensor hidden = torch::empty({rows, patches - visible}, torch::kInt64);
  int64_t *next_seen = seen.data_ptr<int64_t>(), *next_hidden = hidden.data_ptr<int64_t>();
  for (int64_t row = 0; row < rows; ++row) {
    const std::vector<bool> is_hidden = HideBlocks(patches, visible, spec_.min_block_patches(), random);
    for (int64_t patch = 0; patch < patches; ++patch) *(is_hidden[patch] ? next_hidden : next_seen)++ = patch;
  }
  return {seen.to(device).expand({crops, -1}), hidden.to(device).expand({crops, -1})};
}

absl::Status JointEmbeddingHead::CheckPatches(int patches) const {
  // Of the hidden patches a prediction is compared with at least one other.
  if (patches - VisibleOf(patches, spec_.max_visible_share()) >= std::max(2, spec_.min_block_patches())) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "a crop has ", patches, " patches, of which ", patches - VisibleOf(patches, spec_.max_visible_share()),
      " are hidden; expected at least ", std::max(2, spec_.min_block_patches()),
      " (model.joint_embedding_head.min_block_patches). Make data.crop_seconds longer, or the patches or blocks "
      "smaller"));
}

torch::Tensor JointEmbeddingHead::TeacherShare(const torch::Tensor& steps) const {
  const torch::Tensor progress = (steps.to(torch::kFloat32) / spec_.teacher_steps()).clamp_max(1);
  return 1 - (spec_.teacher_decay() + (spec_.final_teacher_decay() - spec_.teacher_decay()) * progress);
}

std::shared_ptr<torch::nn::Module> AsBuffers(torch::nn::Module& module) {
  auto buffers = std::make_shared<torch::nn::Module>();
  for (auto& item : module.named_parameters(/*recurse=*/false)) {
    buffers->register_buffer(item.key(), item.value().set_requires_grad(false));
  }
  for (auto& item : module.named_buffers(/*recurse=*/false)) buffers->register_buffer(item.key(), item.value());
  for (const auto& child : module.named_children()) buffers->register_module(child.key(), AsBuffers(*child.value()));
  return buffers;
}

}  // namespace ecg
