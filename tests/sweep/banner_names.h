// The names that the examples in the banners of ecg/sweep use and do not declare.

#ifndef TESTS_SWEEP_BANNER_NAMES_H_
#define TESTS_SWEEP_BANNER_NAMES_H_

#include <string>
#include <vector>

#include "ecg/spec/check.h"
#include "ecg/sweep/finished_run.h"
#include "ecg/sweep/plan.h"
#include "ecg/sweep/sweep_folder.h"
#include "proto/sweep.pb.h"

namespace ecg {

extern const std::string text;
extern const spec::Sweep sweep;
extern const std::vector<SweepExperiment> experiments;
extern const Plan plan;
extern const SweepFolder folder;

namespace runner_example {
extern Plan growing_plan;
}

namespace search_example {
extern const FinishedRuns finished;
extern std::vector<Problem> problems;
}  // namespace search_example

namespace sweep_folder_example {
extern const spec::SweptData data;
}

namespace table_example {
extern const FinishedRun run;
}

}  // namespace ecg

#endif  // TESTS_SWEEP_BANNER_NAMES_H_
