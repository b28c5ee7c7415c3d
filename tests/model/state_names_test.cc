#include "ecg/model/state_names.h"

#include <map>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

using Names = std::map<std::string, std::string>;

const std::set<std::string> kNetwork = {"backbone.bn.num_batches_tracked", "backbone.bn.running_mean",
                                        "backbone.conv.weight", "head.bias"};

// Prefixed returns the names of the network with `prefix`, in the file and without it.
Names Prefixed(const std::string& prefix) {
  Names names;
  for (const std::string& name : kNetwork) names[prefix + name] = name;
  return names;
}

std::set<std::string> InFile(const Names& names) {
  std::set<std::string> in_file;
  for (const auto& [name, in_network] : names) in_file.insert(name);
  return in_file;
}

std::string ErrorOf(const std::set<std::string>& in_file) {
  return std::string(NamesInNetwork(in_file, kNetwork).status().message());
}

TEST(StateNamesTest, NamesOfTheNetworkStayAsTheyAre) {
  EXPECT_EQ(NamesInNetwork(kNetwork, kNetwork).value(), Prefixed(""));
  EXPECT_EQ(NamesInNetwork({"module.fc.weight"}, {"module.fc.weight"}).value(),
            (Names{{"module.fc.weight", "module.fc.weight"}}));
}

TEST(StateNamesTest, WhatWrappersPutBeforeEveryNameIsRemoved) {
  for (const std::string prefix : {"module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "model.",
                                   "model._orig_mod.", "network.net.", "module.module."}) {
    const Names names = Prefixed(prefix);
    EXPECT_EQ(NamesInNetwork(InFile(names), kNetwork).value(), names) << prefix;
  }
}

TEST(StateNamesTest, WrappersOfAPartOfTheNetworkAreRemoved) {
  const Names names = {{"model.backbone._orig_mod.bn.num_batches_tracked", "backbone.bn.num_batches_tracked"},
                       {"model.backbone._orig_mod.bn.running_mean", "backbone.bn.running_mean"},
                       {"model.backbone._orig_mod.conv.weight", "backbone.conv.weight"},
                       {"model.head.module.bias", "head.bias"}};
  EXPECT_EQ(NamesInNetwork(InFile(names), kNetwork).value(), names);
}

TEST(StateNamesTest, FilesWithoutCountersOfBatchesHaveTheSamePrefixes) {
  Names names = Prefixed("module.");
  names.erase("module.backbone.bn.num_batches_tracked");
  EXPECT_EQ(NamesInNetwork(InFile(names), kNetwork).value(), names);
}

TEST(StateNamesTest, TheCounterOfAnAveragedModelIsLeftOut) {
  const Names names = Prefixed("module.");
  std::set<std::string> in_file = InFile(names);
  in_file.insert("n_averaged");
  EXPECT_EQ(NamesInNetwork(in_file, kNetwork).value(), names);
}

TEST(StateNamesTest, NamesOfWhichSomeHaveAPrefixAreRefused) {
  EXPECT_THAT(ErrorOf({"module.backbone.bn.running_mean", "module.backbone.conv.weight", "head.bias"}),
              HasSubstr("the names of the weights have different prefixes: 1 without one, 2 with \"module.\". "));
}

TEST(StateNamesTest, ANetworkThatIsThereTwiceIsRefused) {
  std::set<std::string> in_file = InFile(Prefixed("model."));
  in_file.merge(InFile(Prefixed("ema.")));
  EXPECT_THAT(ErrorOf(in_file), HasSubstr("are there 2 times, under \"ema.\" and \"model.\". Save the state_dict"));
}

TEST(StateNamesTest, OtherTensorsBesideTheNetworkAreRefusedByName) {
  std::set<std::string> in_file = InFile(Prefixed("model."));
  in_file.insert("loss.pos_weight");
  EXPECT_THAT(ErrorOf(in_file), HasSubstr("under \"model.\", there are others: loss.pos_weight. Save"));
}

TEST(StateNamesTest, NamesOfAnotherNetworkKeepNothingButTheirPrefixFromBeingCompared) {
  // A part of the network only, all of it prefixed.
  EXPECT_EQ(NamesInNetwork({"module.backbone.conv.weight", "module.backbone.conv2.weight"}, kNetwork).value(),
            (Names{{"module.backbone.conv.weight", "backbone.conv.weight"},
                   {"module.backbone.conv2.weight", "backbone.conv2.weight"}}));
  EXPECT_EQ(NamesInNetwork({"a.b", "c"}, kNetwork).value(), (Names{{"a.b", "a.b"}, {"c", "c"}}));
  EXPECT_EQ(NamesInNetwork({}, kNetwork).value(), Names());
}

}  // namespace
}  // namespace ecg
