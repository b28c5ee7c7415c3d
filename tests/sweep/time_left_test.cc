#include "ecg/sweep/time_left.h"

#include <optional>

#include "ecg/sweep/plan.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(TimeLeftTest, IsTheMeanOfTheMostSimilarRuns) {
  const SweepExperiment small, large;
  const auto run = [](const SweepExperiment& experiment, const char* task, const char* split) {
    PlannedRun one;
    one.experiment = &experiment;
    one.values = {task, split};
    return one;
  };
  const PlannedRun all_1 = run(small, "ALL", "1"), all_2 = run(small, "ALL", "2"), all_3 = run(small, "ALL", "3"),
                   form_3 = run(small, "FORM", "3"), large_3 = run(large, "ALL", "3");
  TimeLeft time;
  EXPECT_EQ(time.Of(all_3), std::nullopt);
  time.Add(large_3, 100);
  EXPECT_EQ(time.Of(form_3), 100) << "another experiment is better than nothing";
  time.Add(all_1, 10);
  time.Add(all_2, 20);
  EXPECT_EQ(time.Of(all_3), 15);
  EXPECT_EQ(time.Of(form_3), 15) << "the same experiment counts for more than the same values";
  time.Add(form_3, 3);
  EXPECT_EQ(time.Of(run(small, "FORM", "4")), 3);
}

}  // namespace
}  // namespace ecg
