#include "ecg/sweep/plan.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/spec/check.h"
#include "ecg/spec/parse.h"
#include "ecg/sweep/parse_sweep.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"
#include "proto/sweep.pb.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// An experiment with a ResNet-18, and one with a ResNet-50.
const std::vector<SweepExperiment>& Experiments() {
  static const auto* const experiments = new std::vector<SweepExperiment>{
      {"small", "", ParseExperiment("data { ptb_xl {} } model { resnet {} } training { multi_label {} }", "").value()},
      {"large", "",
       ParseExperiment("data { ptb_xl {} } model { resnet { depth: RESNET_50 } } training { multi_label {} }", "")
           .value()}};
  return *experiments;
}

// The names of the runs of `text`, or its error.
std::vector<std::string> Names(absl::string_view text, const SweepChanges& changes = {}) {
  const absl::StatusOr<spec::Sweep> sweep = ParseSweep(text, "x", Experiments());
  if (!sweep.ok()) return {std::string(sweep.status().message())};
  std::vector<Problem> problems;
  const Plan plan = MakePlan(*sweep, Experiments(), changes, &problems);
  std::vector<std::string> names;
  for (const PlannedRun& run : plan.runs) names.push_back(run.name);
  if (!problems.empty()) names = {problems[0].message};
  return names;
}

// A sweep of both experiments and `rest`.
std::string Both(absl::string_view rest) {
  return absl::StrCat(R"(
experiment { name: "small" at: "net=18" }
experiment { name: "large" at: "net=50" }
axis { name: "net" }
)",
                      rest);
}

TEST(PlanTest, HasARunForEachCombinationWithTheLastAxisFastest) {
  EXPECT_THAT(Names(Both(R"(axis { name: "epochs" field: "training.epochs" value: ["1", "2"] })")),
              ElementsAre("net=18,epochs=1", "net=18,epochs=2", "net=50,epochs=1", "net=50,epochs=2"));
}

TEST(PlanTest, OrdersRunsByTheAxesThatAreNamedFirst) {
  EXPECT_THAT(Names(Both(R"(axis { name: "epochs" field: "training.epochs" value: ["1", "2"] } order: "epochs")")),
              ElementsAre("net=18,epochs=1", "net=50,epochs=1", "net=18,epochs=2", "net=50,epochs=2"));
}

TEST(PlanTest, GivesARunTheSettingsOfItsExperimentOfItsValuesAndOfTheFlags) {
  const spec::Sweep sweep = ParseSweep(R"(
    experiment { name: "small" set: "model.resnet.depth=RESNET_34" }
    experiment { name: "large" at: "length=long" }
    axis { name: "length" group { name: "short" set: ["data.crop_seconds=1.25", "evaluation.stride_seconds=1.25"] } })",
                                       "x", Experiments())
                                .value();
  std::vector<Problem> problems;
  spec::Experiment settings;
  settings.mutable_training()->set_epochs(3);
  settings.mutable_training()->set_batch_size(32);
  const Plan plan = MakePlan(sweep, Experiments(), {.settings = settings, .set = {"training.epochs=4"}}, &problems);
  ASSERT_THAT(problems, IsEmpty());
  ASSERT_EQ(plan.runs.size(), 2);
  const spec::Experiment& run = plan.runs[0].spec;
  EXPECT_EQ(plan.runs[0].name, "length=short");
  EXPECT_EQ(run.model().resnet().depth(), spec::ResNet::RESNET_34);
  EXPECT_EQ(run.data().crop_seconds(), 1.25);
  EXPECT_EQ(run.training().epochs(), 4);
  EXPECT_EQ(run.training().batch_size(), 32);
  // The other is at a value that is no value of the axis itself, which leaves it as it is.
  EXPECT_EQ(plan.runs[1].name, "length=long");
  EXPECT_EQ(plan.runs[1].spec.data().crop_seconds(), 2.5);
}

TEST(PlanTest, UsesTheFieldThatTheExperimentHas) {
  EXPECT_THAT(Names(Both(R"(axis { name: "width" field: ["model.senet.feature_dim", "model.resnet.feature_dim"]
                                   value: "64" })")),
              ElementsAre("net=18,width=64", "net=50,width=64"));
}

TEST(PlanTest, SaysWhereASweepIsWrongAndWhatWouldBeRight) {
  EXPECT_THAT(Names("axes {}"), ElementsAre("x:1:1: the sweep has no field \"axes\"; did you mean axis?"));
  EXPECT_THAT(Names(""), ElementsAre(HasSubstr("x:1:1: the sweep has no experiment; write experiment")));
  EXPECT_THAT(Names("experiment { name: \"smal\" }\nexperiment { name: \"large\" }\naxis { name: \"a\" }"),
              ElementsAre("x:1:1: the sweep does not run small, which its target in the BUILD file names; add it here, "
                          "or remove it there\nx:1:14: there is no experiment \"smal\"; did you mean small?"));
  const auto wrong = [](absl::string_view rest) { return Names(Both(rest))[0]; };
  EXPECT_EQ(wrong(R"(axis { name: "e" field: "training.epoch" value: "1" })"),
            "x:5:18: training has no field \"epoch\"; did you mean epochs?");
  EXPECT_EQ(wrong(R"(axis { name: "e" field: "training.epochs" value: ["1", "0"] })"),
            "x:5:56: training.epochs is 0; it must be at least 1 and at most 100000");
  EXPECT_THAT(wrong(R"(axis { name: "d" field: "model.resnet.depth" value: ["RESNET_18", "RESNET_34"] })"),
              HasSubstr("x:5:54: large: model.resnet.depth is RESNET_50 and cannot become RESNET_18: it is fixed when "
                        "the binary is built"));
  EXPECT_EQ(wrong(R"(axis { name: "e" value: "a/b" field: "training.epochs" })"),
            "x:5:25: the value \"a/b\" cannot be part of the name of a run; use letters, digits and . _ + - only");
  EXPECT_EQ(wrong(R"(axis { name: "e" value: "1" })"),
            "x:5:6: the axis e has values and no field; write field: \"PATH\"");
  EXPECT_EQ(wrong(R"(axis { name: "net" })"), "x:5:8: the axis net is given twice; keep one of the two");
  EXPECT_EQ(wrong(R"(axis { name: "r" group { name: "one" } group { name: "two" } baseline: "three" })"),
            "x:5:62: there is no value \"three\"; there is one, two");
  EXPECT_THAT(wrong(R"(axis { name: "r" value: "1" field: "runtime.seed" use: AVERAGED baseline: "1" })"),
              HasSubstr("the axis r has a baseline and is no axis of rows"));
  EXPECT_EQ(wrong(R"(order: "nett")"), "x:5:8: there is no axis \"nett\"; did you mean net?");
  EXPECT_THAT(wrong(R"(axis { name: "e" })"), HasSubstr("x:2:12: small has no value on the axis e; write at: \"e="));
  EXPECT_THAT(wrong(R"(experiment { name: "large" at: "net=18" })"),
              HasSubstr("x:5:12: there are two runs net=18, of small and of large"));
  EXPECT_THAT(wrong(R"(axis { name: "r" field: "training.optimizer.learning_rate" value: ["0.1", "1e-1"] })"),
              HasSubstr("the runs net=18,r=0.1 and net=18,r=1e-1 would be the same"));
}

SweepChanges Only(std::vector<std::string> values) {
  return {.settings = std::nullopt, .set = {}, .only = std::move(values)};
}

TEST(PlanTest, KeepsTheListedValuesOfTheListedAxesOnly) {
  const std::string ablation = Both(R"(
    axis { name: "recipe" group { name: "baseline" } group { name: "mixup" set: "training.augmentation=[{mixup {}}]" }
           group { name: "cutmix" set: "training.augmentation=[{cutmix {}}]" } baseline: "mixup" }
    axis { name: "seed" field: "runtime.seed" value: ["1", "2"] })");
  const auto only = [&](std::vector<std::string> values) { return Names(ablation, Only(std::move(values))); };
  EXPECT_THAT(only({"recipe=cutmix", "net=50", "recipe=baseline"}),
              ElementsAre("net=50,recipe=baseline,seed=1", "net=50,recipe=baseline,seed=2",
                          "net=50,recipe=cutmix,seed=1", "net=50,recipe=cutmix,seed=2"));
  EXPECT_EQ(only({}).size(), 12);
  EXPECT_THAT(only({"recipe=mix"}), ElementsAre("--only=recipe=mix: the values of recipe are baseline, cutmix, mixup"));
  EXPECT_THAT(only({"row=mixup"}), ElementsAre(HasSubstr("the sweep has no axis row; its axes are net, recipe, seed")));
  EXPECT_THAT(only({"net"}), ElementsAre(HasSubstr("the values of net are 18, 50")));
}

TEST(PlanTest, KeepsTheExperimentAtAValueThatTheOthersDoNotHave) {
  const std::string text = R"(experiment { name: "small" }
    experiment { name: "large" at: "epochs=as_published" }
    axis { name: "epochs" field: "training.epochs" value: ["1", "2"] })";
  EXPECT_THAT(Names(text, Only({"epochs=as_published"})), ElementsAre("epochs=as_published"));
  EXPECT_THAT(Names(text, Only({"epochs=2"})), ElementsAre("epochs=2"));
}

TEST(PlanTest, SaysThatNoRunHasAllTheValuesToKeep) {
  const std::string text = R"(experiment { name: "small" at: "net=18" at: "task=a" }
    experiment { name: "large" at: "net=50" at: "task=b" }
    axis { name: "net" } axis { name: "task" })";
  EXPECT_THAT(Names(text, Only({"net=18", "task=a"})), ElementsAre("net=18,task=a"));
  EXPECT_THAT(Names(text, Only({"net=18", "task=b"})), ElementsAre("no run has all of --only=net=18 --only=task=b"));
}

TEST(PlanTest, CannotKeepOnlyAValueThatIsSearched) {
  EXPECT_THAT(Names(Both(R"(
                       axis { name: "rate" field: "training.optimizer.learning_rate"
                              search { uniform { low: 0.1 high: 1 } } }
                       search { budget_runs: 4 })"),
                    Only({"rate=0.1"})),
              ElementsAre(HasSubstr("the values of rate are searched in a range")));
}

TEST(PlanTest, RefusesAChangeThatOverridesAnAxis) {
  const std::string text = Both(R"(axis { name: "epochs" field: "training.epochs" value: ["1", "2"] })");
  EXPECT_THAT(Names(text, {.settings = std::nullopt, .set = {"training.epochs=3"}}),
              ElementsAre(HasSubstr("would be the same; remove one of the two values, or the --set")));
  EXPECT_THAT(Names(text, {.settings = std::nullopt, .set = {"training.epoch=3"}}),
              ElementsAre(HasSubstr("training has no field \"epoch\"")));
}

}  // namespace
}  // namespace ecg
