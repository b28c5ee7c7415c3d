#include "ecg/sweep/only.h"

#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "proto/sweep.pb.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

spec::Sweep Ablation() {
  spec::Sweep sweep;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(experiment { name: "small" at: "network=small" }
         experiment { name: "large" at: "network=large" }
         axis { name: "network" }
         axis { name: "recipe" group { name: "baseline" } group { name: "mixup" } group { name: "cutmix" }
                baseline: "mixup" }
         axis { name: "seed" field: "runtime.seed" value: ["1", "2", "3"] }
         axis { name: "rate" field: "training.optimizer.learning_rate" search { uniform { low: 0 high: 1 } } })",
      &sweep));
  return sweep;
}

TEST(OnlyTest, KeepTheListedValuesOfTheListedAxesOnly) {
  spec::Sweep sweep = Ablation();
  ASSERT_TRUE(KeepOnly({"recipe=cutmix", "network=large", "recipe=baseline"}, sweep).ok());
  ASSERT_EQ(sweep.experiment_size(), 1);
  EXPECT_EQ(sweep.experiment(0).name(), "large");
  ASSERT_EQ(sweep.axis(1).group_size(), 2);
  EXPECT_EQ(sweep.axis(1).group(0).name(), "baseline") << "their order stays";
  EXPECT_EQ(sweep.axis(1).group(1).name(), "cutmix");
  EXPECT_THAT(sweep.axis(2).value(), ElementsAre("1", "2", "3"));
  EXPECT_FALSE(sweep.axis(1).has_baseline()) << "it is not among the runs";
}

TEST(OnlyTest, KeepTheExperimentAtAValueThatTheOthersDoNotHave) {
  spec::Sweep sweep;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(experiment { name: "small" }
         experiment { name: "fixed" at: "epochs=as_published" }
         axis { name: "epochs" field: "training.epochs" value: ["1", "2"] })",
      &sweep));
  spec::Sweep one = sweep;
  ASSERT_TRUE(KeepOnly({"epochs=as_published"}, one).ok());
  ASSERT_EQ(one.experiment_size(), 1);
  EXPECT_EQ(one.experiment(0).name(), "fixed");
  EXPECT_EQ(one.axis(0).field_size(), 0) << "a field needs values";
  ASSERT_TRUE(KeepOnly({"epochs=2"}, sweep).ok());
  ASSERT_EQ(sweep.experiment_size(), 1);
  EXPECT_EQ(sweep.experiment(0).name(), "small");
}

TEST(OnlyTest, KeepAllWhereNothingIsListed) {
  spec::Sweep sweep = Ablation();
  ASSERT_TRUE(KeepOnly({}, sweep).ok());
  EXPECT_EQ(sweep.SerializeAsString(), Ablation().SerializeAsString());
}

TEST(OnlyTest, NameTheAxesAndTheValuesThatThereAre) {
  spec::Sweep sweep = Ablation();
  EXPECT_THAT(std::string(KeepOnly({"recipe=mix"}, sweep).message()),
              HasSubstr("--only=recipe=mix: the values of recipe are baseline, cutmix, mixup"));
  EXPECT_THAT(std::string(KeepOnly({"row=mixup"}, sweep).message()),
              HasSubstr("the sweep has no axis row; its axes are network, recipe, seed, rate"));
  EXPECT_THAT(std::string(KeepOnly({"network"}, sweep).message()), HasSubstr("the values of network are large, small"));
  EXPECT_THAT(std::string(KeepOnly({"rate=0.1"}, sweep).message()), HasSubstr("are searched in a range"));
}

}  // namespace
}  // namespace ecg
