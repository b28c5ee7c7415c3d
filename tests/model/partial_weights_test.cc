#include "ecg/model/partial_weights.h"

#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ecg/model/state_names.h"
#include "ecg/model/weights.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A body of two parts, and a head for `classes` classes.
torch::nn::Module Small(int classes, int width = 3) {
  const auto backbone = std::make_shared<torch::nn::Module>();
  backbone->register_module("encoder", torch::nn::Linear(2, width));
  backbone->register_module("norm", torch::nn::BatchNorm1d(width));
  torch::nn::Module network;
  network.register_module("backbone", backbone);
  network.register_module("head", torch::nn::Linear(width, classes));
  return network;
}

std::filesystem::path Saved(const NamedTensors& tensors) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "parts.safetensors";
  EXPECT_TRUE(WriteTensors(path, tensors).ok());
  return path;
}

NamedTensors Renamed(const NamedTensors& tensors, const std::string& from, const std::string& to) {
  NamedTensors renamed;
  for (const auto& [name, tensor] : tensors) {
    if (name.compare(0, from.size(), from) == 0) renamed.emplace(to + name.substr(from.size()), tensor);
  }
  return renamed;
}

TEST(StateNamesTest, PrefixesEndAtDots) {
  EXPECT_TRUE(IsUnder("backbone.layer1.weight", "backbone.layer1"));
  EXPECT_TRUE(IsUnder("backbone.layer1.weight", "backbone."));
  EXPECT_TRUE(IsUnder("backbone.layer1.weight", ""));
  EXPECT_TRUE(IsUnder("head", "head"));
  EXPECT_FALSE(IsUnder("backbone.layer10.weight", "backbone.layer1"));
  EXPECT_FALSE(IsUnder("backbone", "backbone.layer1"));
  EXPECT_THAT(PrefixesOf({"a.b.c.d", "a.b.e", "f"}), ElementsAre("a", "a.b", "f"));
}

TEST(PartialWeightsTest, CopiesThePartsThatAreNamedWhateverTheRestIs) {
  const torch::nn::Module from = Small(2), network = Small(5);
  from.buffers()[0].fill_(0.25);  // running_mean
  const torch::Tensor head = StateOf(network).at("head.weight").clone();
  ASSERT_EQ(LoadParts(Saved(StateOf(from)), {{"backbone"}}, StateOf(network)), absl::OkStatus());
  for (const auto& [name, tensor] : StateOf(network)) {
    EXPECT_TRUE(!IsUnder(name, "backbone") || tensor.equal(StateOf(from).at(name))) << name;
  }
  EXPECT_TRUE(StateOf(network).at("head.weight").equal(head));
}

TEST(PartialWeightsTest, FindsThePartsUnderOtherNames) {
  const torch::nn::Module from = Small(2);
  const NamedTensors state = StateOf(from);
  NamedTensors lightning = Renamed(state, "backbone.", "model.module.body.");
  lightning.emplace("model.fc.weight", torch::zeros({7, 3}));
  const auto expect_copied = [&](const NamedTensors& file, const NamedPart& part) {
    const torch::nn::Module network = Small(5);
    ASSERT_EQ(LoadParts(Saved(file), {part}, StateOf(network)), absl::OkStatus());
    EXPECT_TRUE(StateOf(network).at("backbone.encoder.weight").equal(state.at("backbone.encoder.weight")));
    EXPECT_TRUE(StateOf(network).at("backbone.norm.weight").equal(state.at("backbone.norm.weight")));
  };
  expect_copied(lightning, {"backbone", "model.body"});
  expect_copied(Renamed(state, "backbone.", ""), {"backbone", "."});
  NamedTensors old = Renamed(state, "backbone.", "module.backbone.");
  old.erase("module.backbone.norm.num_batches_tracked");
  expect_copied(old, {"backbone."});
}

TEST(PartialWeightsTest, RefusesWhatDoesNotFitAndChangesNothing) {
  const torch::nn::Module network = Small(2);
  const NamedTensors before = CopyOf(StateOf(network));
  const auto error = [&](const NamedTensors& file, const std::vector<NamedPart>& parts) {
    return std::string(LoadParts(Saved(file), parts, StateOf(network)).message());
  };
  const NamedTensors good = CopyOf(StateOf(Small(2)));
  EXPECT_THAT(error(good, {{"backbon"}}),
              HasSubstr("no tensor of the network has the prefix \"backbon\"; did you mean backbone? Its prefixes are "
                        "backbone, backbone.encoder, backbone.norm, head"));
  EXPECT_THAT(error(good, {{"backbone"}, {"head", "fc"}}), HasSubstr("no tensor of the file has the prefix \"fc\""));
  EXPECT_THAT(error(StateOf(Small(2, 4)), {{"backbone"}}),
              HasSubstr("of another shape: backbone.encoder.bias (expected [3], found [4])"));
  NamedTensors other = good;
  other.erase("backbone.encoder.bias");
  other.emplace("backbone.extra", torch::zeros({1}));
  EXPECT_THAT(error(other, {{"backbone"}}),
              HasSubstr("missing: backbone.encoder.bias; not of this network: backbone.extra"));
  NamedTensors diverged = CopyOf(good);
  diverged.at("backbone.encoder.weight")[1][0] = std::nan("");
  EXPECT_THAT(
      error(diverged, {{"backbone"}}),
      HasSubstr("tensor backbone.encoder.weight has 1 of 6 elements that are NaN or infinite, the first at [1, 0]"));
  // What is not asked for may be damaged.
  EXPECT_EQ(error(diverged, {{"head"}}), "");
  EXPECT_THAT(LoadParts("nowhere.safetensors", {{"head"}}, StateOf(network)).message(), HasSubstr("nowhere"));
  for (const auto& [name, tensor] : StateOf(network)) {
    EXPECT_TRUE(IsUnder(name, "head") || tensor.equal(before.at(name))) << name;
  }
}

}  // namespace
}  // namespace ecg
