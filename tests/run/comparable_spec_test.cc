#include "ecg/run/comparable_spec.h"

#include <string>

#include "ecg/spec/parse.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

spec::Experiment Smallest() {
  return ParseExperiment("data { ptb_xl {} } model { resnet { depth: RESNET_18 } } training { multi_label {} }", "test")
      .value();
}

std::string Differences(const spec::Experiment& changed) {
  return SpecDifferences(ComparableSpec(Smallest()), ComparableSpec(changed));
}

TEST(ComparableSpecTest, WhereTheWorkIsDoneAndWhereTheRecordsAreDoesNotCount) {
  spec::Experiment spec = Smallest();
  spec.set_description("elsewhere");
  spec.mutable_runtime()->set_device("cuda:1");
  spec.mutable_runtime()->set_threads(7);
  spec.mutable_data()->set_data_dir("/elsewhere");
  EXPECT_THAT(Differences(spec), IsEmpty());
}

TEST(ComparableSpecTest, ADefaultThatIsWrittenOutDoesNotCount) {
  spec::Experiment spec = Smallest();
  spec.mutable_training()->set_epochs(spec.training().epochs());
  EXPECT_THAT(Differences(spec), IsEmpty());
}

TEST(ComparableSpecTest, WhatChangesAResultIsNamed) {
  spec::Experiment spec = Smallest();
  spec.mutable_runtime()->set_seed(2);
  spec.mutable_training()->set_batch_size(17);
  EXPECT_THAT(Differences(spec), HasSubstr("training.batch_size: 64 -> 17"));
  EXPECT_THAT(Differences(spec), HasSubstr("runtime.seed: 1 -> 2"));
}

}  // namespace
}  // namespace ecg
