#include "ecg/model/weights.h"

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Small has the layers that tests/data/make_state_dict.py has.
torch::nn::Sequential Small(int classes) {
  return torch::nn::Sequential(
      {{"conv", torch::nn::Conv1d(2, 3, 5)}, {"bn", torch::nn::BatchNorm1d(3)}, {"fc", torch::nn::Linear(3, classes)}});
}

TEST(WeightsTest, WhatPyTorchSavedGoesIntoAModuleAndBackToAFile) {
  const NamedTensors saved = ReadTensors("tests/data/state_dict.pth").value();
  EXPECT_EQ(saved.at("type.bfloat16").scalar_type(), torch::kBFloat16);
  const torch::nn::Sequential module = Small(2);
  const NamedTensors state = StateOf(*module);
  NamedTensors weights;
  for (const auto& [name, tensor] : state) weights.emplace(name, saved.at(name));
  weights["bn.num_batches_tracked"] = torch::tensor(int64_t{7});
  weights["conv.bias"] = saved.at("type.float16");  // 0.25, 1.25, 2.25
  ASSERT_TRUE(LoadState(weights, state).ok());
  EXPECT_EQ(state.at("conv.bias").scalar_type(), torch::kFloat32);
  EXPECT_EQ(state.at("conv.bias")[2].item<float>(), 2.25f);

  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "module.safetensors";
  ASSERT_TRUE(WriteTensors(path, state).ok());
  const NamedTensors again = ReadTensors(path).value();
  ASSERT_EQ(again.size(), state.size());
  for (const auto& [name, tensor] : state) {
    EXPECT_EQ(again.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(again.at(name), tensor)) << name;
  }
  EXPECT_EQ(again.at("bn.num_batches_tracked").dim(), 0);
  EXPECT_EQ(again.at("bn.num_batches_tracked").item<int64_t>(), 7);
}

TEST(WeightsTest, WeightsThatDoNotFitAreRefusedAndChangeNothing) {
  const torch::nn::Sequential module = Small(2), other = Small(5);
  const torch::Tensor before = module->parameters()[0].clone();
  const auto error = [&](const NamedTensors& weights) {
    return std::string(LoadState(weights, StateOf(*module)).message());
  };
  EXPECT_THAT(
      error(StateOf(*other)),
      StartsWith("the weights are for another number of classes; of another shape: fc.bias (expected [2], found "
                 "[5]), fc.weight (expected [2, 3], found [5, 3])."));
  NamedTensors weights = StateOf(*other);
  weights["conv.weight"] = torch::zeros({3, 2, 7});
  EXPECT_THAT(error(weights), StartsWith("the weights are of another network; of another shape: conv.weight"));
  EXPECT_THAT(error({{"a", before}}),
              HasSubstr("missing: bn.bias, bn.num_batches_tracked, bn.running_mean, bn.running_var, bn.weight and 4 "
                        "more; not of this network: a. "));
  EXPECT_TRUE(torch::equal(module->parameters()[0], before));
}

// Saved writes the state of a `Small`, changed by `change`, to a file.
std::filesystem::path Saved(const std::function<void(NamedTensors&)>& change) {
  NamedTensors tensors = CopyOf(StateOf(*Small(2)));
  change(tensors);
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "weights.safetensors";
  EXPECT_TRUE(WriteTensors(path, tensors).ok());
  return path;
}

TEST(WeightsTest, WeightsOfDataParallelAndCompiledModulesAreLoaded) {
  for (const std::string prefix : {"module.", "_orig_mod.", "model."}) {
    NamedTensors saved;
    const std::filesystem::path path = Saved([&](NamedTensors& tensors) {
      saved = tensors;
      tensors.clear();
      for (const auto& [name, tensor] : saved) tensors.emplace(prefix + name, tensor);
    });
    const torch::nn::Sequential module = Small(2);
    ASSERT_TRUE(LoadWeights(path, StateOf(*module)).ok()) << prefix;
    for (const auto& [name, tensor] : StateOf(*module)) EXPECT_TRUE(torch::equal(tensor, saved.at(name))) << name;
  }
}

TEST(WeightsTest, WeightsWithoutCountersOfBatchesAreLoaded) {
  const std::filesystem::path path =
      Saved([](NamedTensors& tensors) { ASSERT_EQ(tensors.erase("bn.num_batches_tracked"), 1u); });
  const torch::nn::Sequential module = Small(2);
  StateOf(*module).at("bn.num_batches_tracked").fill_(7);
  ASSERT_TRUE(LoadWeights(path, StateOf(*module)).ok());
  EXPECT_EQ(StateOf(*module).at("bn.num_batches_tracked").item<int64_t>(), 0);
}

TEST(WeightsTest, WeightsThatAreNotFiniteAreRefusedByNameAndChangeNothing) {
  const torch::nn::Sequential module = Small(2);
  const torch::Tensor before = module->parameters()[0].clone();
  const auto error = [&](const std::function<void(NamedTensors&)>& change) {
    return std::string(LoadWeights(Saved(change), StateOf(*module)).message());
  };
  EXPECT_THAT(error([](NamedTensors& tensors) { tensors.at("fc.weight")[1][2] = NAN; }),
              HasSubstr("weights.safetensors: tensor fc.weight has 1 of 6 elements that are NaN or infinite, the first "
                        "at [1, 2]. "));
  EXPECT_THAT(error([](NamedTensors& tensors) { tensors.at("bn.running_var").fill_(-INFINITY); }),
              HasSubstr("tensor bn.running_var has 3 of 3 elements that are NaN or infinite, the first at [0]"));
  EXPECT_THAT(error([](NamedTensors& tensors) { tensors["fc.bias"] = torch::full({2}, 1e300, torch::kFloat64); }),
              HasSubstr("tensor fc.bias has 2 of 2 elements that are NaN or infinite"));
  EXPECT_THAT(error([](NamedTensors& tensors) { tensors.at("bn.running_var")[1] = -1; }),
              HasSubstr("tensor bn.running_var is a variance, and has a negative element"));
  EXPECT_THAT(error([](NamedTensors& tensors) { tensors["fc.bias"] = torch::ones({2}, torch::kInt8); }),
              HasSubstr("tensor fc.bias has elements of type Char, expected floating-point numbers"));
  EXPECT_TRUE(torch::equal(module->parameters()[0], before));
}

}  // namespace
}  // namespace ecg
