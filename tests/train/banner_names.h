// The names that the examples in the banners of ecg/train use and do not declare.

#ifndef TESTS_TRAIN_BANNER_NAMES_H_
#define TESTS_TRAIN_BANNER_NAMES_H_

#include <torch/types.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "ecg/batch/batch_source.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/device/device.h"
#include "ecg/distributed/process_group.h"
#include "ecg/model/network.h"
#include "ecg/score/named_score.h"
#include "ecg/train/callback.h"
#include "ecg/train/objective.h"
#include "ecg/train/optimizer.h"
#include "ecg/train/training_loop.h"
#include "ecg/train/training_step.h"
#include "ecg/train/update_rule.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"

namespace ecg {

extern const std::shared_ptr<Network> network;
extern Optimizer optimizer;
extern const torch::Tensor loss;

}  // namespace ecg

namespace ecg::console_example {

extern std::vector<std::unique_ptr<AnyCallback>> callbacks;

}  // namespace ecg::console_example

namespace ecg::learning_rate_range_example {

extern const ecg::spec::Experiment spec;
extern TrainingParts parts;
extern const Device device;
extern const SplitPart train;

}  // namespace ecg::learning_rate_range_example

namespace ecg::norm_statistics_example {

extern const std::vector<torch::Tensor> batches;

}  // namespace ecg::norm_statistics_example

namespace ecg::parameter_groups_example {

extern const ecg::spec::Experiment spec;
extern std::unique_ptr<AnyUpdateRule> rule;
extern const double learning_rate;

}  // namespace ecg::parameter_groups_example

namespace ecg::process_share_example {

extern const spec::Training training;
extern ProcessGroup* const group;
extern const std::unique_ptr<BatchSource> source;
extern const SegmentList crops;

}  // namespace ecg::process_share_example

namespace ecg::self_supervised_example {

extern const torch::Tensor signals;

}  // namespace ecg::self_supervised_example

namespace ecg::tensorboard_log_example {

extern std::vector<std::unique_ptr<AnyCallback>> callbacks;
extern const run::TrainingState state;
extern const Predictions predictions;
extern const run::Scores scores;

}  // namespace ecg::tensorboard_log_example

namespace ecg::training_loop_example {

extern const ecg::spec::Experiment spec;
extern const int sampling_frequency_hz;
extern TrainingParts parts;
extern const Device device;
extern const std::filesystem::path folder;
extern const SplitPart train, validation;

}  // namespace ecg::training_loop_example

namespace ecg::training_step_example {

extern Network& network;
extern const AnyObjective& objective;
extern BatchSource& source;
extern const Device device;
extern const StepOptions options;
extern const SegmentList crops;
extern const int steps;

}  // namespace ecg::training_step_example

#endif  // TESTS_TRAIN_BANNER_NAMES_H_
