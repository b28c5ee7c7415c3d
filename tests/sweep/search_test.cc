#include "ecg/sweep/search.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ecg/spec/check.h"
#include "ecg/spec/parse.h"
#include "ecg/sweep/finished_run.h"
#include "ecg/sweep/halving.h"
#include "ecg/sweep/parse_sweep.h"
#include "ecg/sweep/plan.h"
#include "ecg/sweep/results.h"
#include "ecg/sweep/table.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/sweep.pb.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<SweepExperiment>& Experiments() {
  static const auto* const experiments = new std::vector<SweepExperiment>{
      {"small", "",
       ParseExperiment("data { ptb_xl {} } model { resnet {} } training { multi_label {} epochs: 18 }", "").value()}};
  return *experiments;
}

absl::StatusOr<spec::Sweep> Parse(const std::string& text) {
  return ParseSweep(absl::StrCat("experiment { name: \"small\" }\n", text), "x", Experiments());
}

constexpr char kRate[] =
    R"(axis { name: "rate" field: "training.optimizer.learning_rate"
              search { log_uniform { low: 0.0001 high: 1 } } } )";
constexpr char kSize[] =
    R"(axis { name: "size" field: "training.batch_size" value: ["32", "64", "128"] search { choice {} } } )";

// A worker, which runs at once what there is to run. Its scores are best for a learning rate of 0.01.
class Worker {
 public:
  Worker(const std::string& text, const std::filesystem::path& folder) {
    sweep_ = Parse(text).value();
    std::vector<Problem> problems;
    plan = MakePlan(sweep_, Experiments(), {}, &problems);
    EXPECT_TRUE(problems.empty());
    search = std::make_unique<Search>(Search::Create(sweep_, Experiments(), {}, folder).value());
    EXPECT_TRUE(search->Read(plan).ok());
  }

  bool Decide() { return search->Decide(plan, finished, /*wants_run=*/true).value(); }

  void Finish(const PlannedRun& run, double seconds = 60) {
    const double rate = run.spec.training().optimizer().learning_rate();
    FinishedRun one;
    one.score_name = "macro ROC-AUC";
    one.validation_score = 0.9 - 0.1 * std::abs(std::log10(rate) + 2) + 0.001 * run.spec.training().epochs();
    one.test.score = 0.5;
    one.test.interval.scores.assign(10, 0.5);
    one.epochs = run.spec.training().epochs();
    one.seconds = seconds * one.epochs;
    finished.insert_or_assign(run.name, one);
  }

  // Runs all that it can; returns the names in the order in which they were proposed.
  std::vector<std::string> RunAll() {
    do {
      for (const PlannedRun& run : plan.runs) Finish(run);
    } while (Decide());
    return Names();
  }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const PlannedRun* run : plan.InOrder()) names.push_back(run->name);
    return names;
  }

  Plan plan;
  std::unique_ptr<Search> search;
  FinishedRuns finished;

 private:
  spec::Sweep sweep_;
};

std::filesystem::path FolderFor(const std::string& name) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "search" / name;
  std::filesystem::remove_all(folder);
  return folder;
}

TEST(SearchTest, EndsWithItsBudgetNearTheBestValue) {
  const std::string text = absl::StrCat(kRate, "search { budget_runs: 30 parallel: 1 }");
  Worker worker(text, FolderFor("budget"));
  EXPECT_TRUE(worker.plan.is_open);
  EXPECT_EQ(worker.RunAll().size(), 30);
  EXPECT_FALSE(worker.plan.is_open);
  const Table table = MakeTable(worker.plan, worker.finished);
  ASSERT_EQ(table.cells[0][0].chosen, 0);
  const double rate = std::atof(table.cells[0][0].candidates[0].setting[0].c_str());
  EXPECT_NEAR(std::log10(rate), -2, 0.15);
}

// The same decisions whoever makes them, and however fast the workers are.
TEST(SearchTest, DoesNotDependOnTheWorkers) {
  const std::string text =
      absl::StrCat(kRate, kSize, "search { budget_runs: 24 random_settings: 5 parallel: 3 seed: 2 }");
  Worker alone(text, FolderFor("alone"));
  const std::vector<std::string> names = alone.RunAll();
  ASSERT_EQ(names.size(), 24);

  // Two workers, of which one is slow: it finishes a run when two newer ones are proposed.
  const std::filesystem::path folder = FolderFor("together");
  Worker one(text, folder), other(text, folder);
  std::deque<std::string> running;
  const auto finish_oldest = [&] {
    for (Worker* worker : {&one, &other}) {
      for (const PlannedRun& run : worker->plan.runs) {
        if (run.name == running.front()) worker->Finish(run);
      }
    }
    running.pop_front();
  };
  std::set<std::string> started;
  for (int i = 0; i < 200; ++i) {
    Worker& worker = i % 3 == 0 ? one : other;
    worker.Decide();
    one.Decide();
    for (const PlannedRun& run : one.plan.runs) {
      if (started.insert(run.name).second) running.push_back(run.name);
    }
    EXPECT_TRUE(other.search->Read(other.plan).ok());
    if (running.size() >= 3 || (!running.empty() && i > 100)) finish_oldest();
  }
  EXPECT_EQ(one.Names(), names);
  EXPECT_EQ(other.Names(), names);

  // One that is started later reads what was decided.
  EXPECT_EQ(Worker(text, folder).Names(), names);
  EXPECT_NE(Worker(absl::StrCat(kRate, kSize, "search { budget_runs: 24 seed: 3 }"), FolderFor("other_seed")).RunAll(),
            names);
}

TEST(SearchTest, WaitsForScoresBeforeItProposesByTpeButNotAtRandom) {
  Worker tpe(absl::StrCat(kRate, "search { budget_runs: 9 random_settings: 4 parallel: 2 }"), FolderFor("waits"));
  int proposed = 0;
  while (tpe.Decide()) ++proposed;
  EXPECT_EQ(proposed, 4) << "the fifth needs the first four, but for one";
  for (int i = 0; i < 3; ++i) tpe.Finish(tpe.plan.runs[i]);
  EXPECT_TRUE(tpe.Decide());
  EXPECT_TRUE(!tpe.Decide()) << "the sixth needs the fourth";
  Worker random(absl::StrCat(kRate, "search { method: RANDOM budget_runs: 9 }"), FolderFor("random"));
  for (proposed = 0; random.Decide();) ++proposed;
  EXPECT_EQ(proposed, 9);
}

TEST(SearchTest, SearchesEachCellByItselfWithAllItsRepetitions) {
  Worker worker(absl::StrCat(kRate, R"(
    axis { name: "task" field: "data.ptb_xl.task" value: ["ALL", "FORM"] use: COLUMN }
    axis { name: "split" field: "data.split" value: ["1", "2"] use: AVERAGED }
    search { method: RANDOM budget_runs: 13 })"),
                FolderFor("cells"));
  // 13 runs are 3 settings by 2 tasks by 2 splits, and one left over.
  EXPECT_EQ(worker.RunAll().size(), 12);
  const Table table = MakeTable(worker.plan, worker.finished);
  EXPECT_THAT(table.columns, ElementsAre("ALL", "FORM"));
  for (const Cell& cell : table.cells[0]) {
    ASSERT_EQ(cell.candidates.size(), 3);
    EXPECT_EQ(cell.chosen, 0);
    for (const Candidate& candidate : cell.candidates) EXPECT_EQ(candidate.runs.size(), 2);
    EXPECT_GE(cell.candidates[0].validation_score(), cell.candidates[1].validation_score());
  }
  EXPECT_NE(table.cells[0][0].candidates[0].setting, table.cells[0][1].candidates[0].setting);
}

TEST(SearchTest, StopsWhenTheHoursAreSpent) {
  // A run takes 18 epochs of a minute: the fourth begins after 54 minutes, the fifth after 72.
  Worker worker(absl::StrCat(kRate, "search { method: RANDOM budget_hours: 1 }"), FolderFor("hours"));
  EXPECT_EQ(worker.RunAll().size(), 4);
  EXPECT_FALSE(worker.plan.is_open);
}

TEST(SearchTest, EndsWhenAllSettingsHaveBeenTried) {
  Worker worker(absl::StrCat(kSize, "search { budget_runs: 100 random_settings: 1 parallel: 1 }"), FolderFor("all"));
  EXPECT_EQ(worker.RunAll().size(), 3);
  EXPECT_FALSE(worker.plan.is_open);
}

TEST(SearchTest, HalvesTheSettingsAndGoesOnFromTheirCheckpoints) {
  Worker worker(absl::StrCat(kRate, "search { budget_runs: 20 parallel: 1 random_settings: 9 halving {} }"),
                FolderFor("halving"));
  int first = 0;
  while (worker.Decide()) ++first;
  EXPECT_EQ(first, 9) << "the second bracket is not begun before the first has ended";
  for (const PlannedRun& run : worker.plan.runs) {
    EXPECT_EQ(run.spec.training().epochs(), 2);
    EXPECT_TRUE(absl::EndsWith(run.name, ",epochs=2"));
    worker.Finish(run);
    EXPECT_TRUE(worker.search->GoesOn(run)) << "it is not known yet which go on";
  }
  EXPECT_TRUE(worker.Decide());
  ASSERT_EQ(worker.plan.runs.size(), 12);
  std::vector<std::pair<double, const PlannedRun*>> ranked;
  for (int i = 0; i < 9; ++i) {
    ranked.emplace_back(worker.finished.at(worker.plan.runs[i].name).validation_score, &worker.plan.runs[i]);
  }
  std::sort(ranked.rbegin(), ranked.rend());
  for (int i = 0; i < 9; ++i) EXPECT_EQ(worker.search->GoesOn(*ranked[i].second), i < 3);
  for (int i = 0; i < 3; ++i) {
    const PlannedRun& run = worker.plan.runs[9 + i];
    EXPECT_EQ(run.goes_on_from, ranked[i].second);
    EXPECT_EQ(run.spec.training().epochs(), 6);
    worker.Finish(run);
  }
  EXPECT_TRUE(worker.Decide());
  const PlannedRun& last = worker.plan.runs[12];
  EXPECT_EQ(last.spec.training().epochs(), 18);
  EXPECT_FALSE(absl::StrContains(last.name, "epochs"));
  EXPECT_EQ(last.set.back(), "training.epochs=18") << "else the run that goes on would keep its number";
  EXPECT_FALSE(worker.search->GoesOn(last));
  worker.RunAll();
  EXPECT_EQ(worker.plan.runs.size(), 2 * 13);

  Results results("search", worker.plan);
  for (const PlannedRun& run : worker.plan.runs) ASSERT_TRUE(results.Add(run, worker.finished.at(run.name)).ok());
  const std::string text = results.Markdown();
  EXPECT_THAT(text, HasSubstr("| rate | epochs | validation macro ROC-AUC |  |\n| --- | --- | --- | --- |\n"));
  EXPECT_THAT(text, HasSubstr(" | 18 | "));
  EXPECT_THAT(text, HasSubstr("| chosen |\n"));
  const Cell cell = MakeTable(worker.plan, worker.finished).cells[0][0];
  EXPECT_EQ(cell.candidates.size(), 18);
  EXPECT_EQ(cell.candidates[0].epochs, 18);
  EXPECT_EQ(cell.candidates[17].epochs, 2);
}

TEST(SearchTest, TrainsEachRungAnewWhereTheScheduleDependsOnTheEpochs) {
  Worker worker(absl::StrCat(R"(axis { name: "rate" field: "training.optimizer.learning_rate"
                                       search { log_uniform { low: 0.0001 high: 1 } } }
                                axis { name: "cycle" group { name: "one" set: "training.optimizer.one_cycle={}" } })",
                             "search { budget_runs: 3 halving { rungs: 2 } }"),
                FolderFor("anew"));
  worker.RunAll();
  ASSERT_EQ(worker.plan.runs.size(), 4);
  EXPECT_EQ(worker.plan.runs[3].goes_on_from, nullptr);
  EXPECT_FALSE(worker.search->GoesOn(worker.plan.runs[0]));
}

TEST(SearchTest, CountsAFailedSettingAsTheWorst) {
  Worker worker(absl::StrCat(kRate, "search { budget_runs: 9 halving {} }"), FolderFor("failed"));
  while (worker.Decide()) {
  }
  for (int i = 0; i < 9; ++i) {
    if (i < 7) {
      worker.plan.failed.insert(worker.plan.runs[i].name);
    } else {
      worker.Finish(worker.plan.runs[i]);
    }
  }
  EXPECT_TRUE(worker.Decide());
  worker.RunAll();
  // A later success of those that failed changes nothing.
  EXPECT_FALSE(worker.plan.is_open);
  for (const PlannedRun& run : worker.plan.runs) EXPECT_TRUE(run.rung == 0 || run.setting >= 7) << run.name;
}

TEST(SearchTest, StopsProposingWhenEverythingFails) {
  Worker worker(absl::StrCat(kRate, "search { method: RANDOM budget_runs: 50 }"), FolderFor("fails"));
  while (worker.Decide()) worker.plan.failed.insert(worker.plan.runs.back().name);
  EXPECT_EQ(worker.plan.runs.size(), 3);
}

TEST(SearchTest, RefusesTheFolderOfAnotherSearch) {
  const std::filesystem::path folder = FolderFor("axes");
  Worker(absl::StrCat(kRate, "search { budget_runs: 2 method: RANDOM }"), folder).RunAll();
  const spec::Sweep sweep = Parse(absl::StrCat(kSize, "search { budget_runs: 2 }")).value();
  std::vector<Problem> problems;
  Plan plan = MakePlan(sweep, Experiments(), {}, &problems);
  Search search = Search::Create(sweep, Experiments(), {}, folder).value();
  EXPECT_THAT(std::string(search.Read(plan).message()),
              HasSubstr("of a search of other axes; pass another --output_dir"));
}

TEST(SearchTest, SaysWhatIsWrongAndWhatWouldBeRight) {
  const auto wrong = [](const std::string& text) { return std::string(Parse(text).status().message()); };
  const std::string search = "search { budget_runs: 9 }";
  EXPECT_THAT(wrong(kRate), HasSubstr("does not say for how long; write search { budget_runs: ... }"));
  EXPECT_THAT(wrong(absl::StrCat(kRate, "search {}")), HasSubstr("write budget_runs or budget_hours"));
  EXPECT_THAT(wrong(absl::StrCat(R"(axis { name: "e" field: "training.epochs" value: "1" } )", search)),
              HasSubstr("no axis is searched"));
  const auto axis = [&](const std::string& rest) {
    return wrong(absl::StrCat("axis { name: \"a\" field: \"training.epochs\" ", rest, " }", search));
  };
  EXPECT_THAT(axis("search { integer { low: 5 high: 5 } }"), HasSubstr("goes from 5 to 5; low must be below high"));
  EXPECT_THAT(axis("search { log_uniform { low: 0 high: 5 } }"), HasSubstr("low must be above 0"));
  EXPECT_THAT(axis("search { integer { low: 0 high: 5 } }"), HasSubstr("training.epochs is 0; it must be at least 1"));
  EXPECT_THAT(axis("search { integer { low: 1 high: 5 } } value: \"1\""), HasSubstr("has values as well as a range"));
  EXPECT_THAT(axis("search { choice {} } value: \"1\""), HasSubstr("chooses among fewer than two values"));
  EXPECT_THAT(axis("search { choice {} } value: [\"1\", \"0\", \"2\"]"), HasSubstr("training.epochs is 0"));
  EXPECT_THAT(axis("search {}"), HasSubstr("write uniform {...}, log_uniform {...}, integer {...} or choice {}"));
  EXPECT_THAT(axis("search { integer { low: 1 high: 5 } } use: ROW"), HasSubstr("its use is CHOSEN"));
  EXPECT_THAT(wrong(absl::StrCat(kRate, "search { budget_runs: 8 halving {} }")),
              HasSubstr("one bracket of 9 settings in each cell of the table takes 9 runs"));
  EXPECT_THAT(wrong(absl::StrCat(kRate, "search { budget_runs: 99 halving { rungs: 4 } }")),
              HasSubstr("training.epochs of small is 18, so that the first rung, 1/27 of it, has no epoch"));
  EXPECT_THAT(wrong(absl::StrCat(kSize, "search { budget_runs: 99 halving {} }")),
              HasSubstr("there are 3 settings to search, but a bracket of search.halving has 9"));
}

TEST(HalvingTest, KnowsWhichSchedulesDependOnTheNumberOfEpochs) {
  const auto depends = [](const std::string& training) {
    const std::string text =
        absl::StrCat("data { ptb_xl {} } model { resnet {} } training { multi_label {} ", training, " }");
    return DependsOnEpochs(ParseExperiment(text, "").value());
  };
  EXPECT_FALSE(depends(""));
  EXPECT_FALSE(depends("optimizer { step_decay {} }"));
  EXPECT_FALSE(depends("optimizer { plateau {} }"));
  EXPECT_TRUE(depends("optimizer { cosine {} }"));
  EXPECT_TRUE(depends("optimizer { one_cycle {} }"));
  EXPECT_TRUE(depends("averaged_weights { last_epochs: 3 }"));
}

}  // namespace
}  // namespace ecg
