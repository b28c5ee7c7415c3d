// The names that the examples in the banners of ecg/evaluation use and do not declare.

#ifndef TESTS_EVALUATION_BANNER_NAMES_H_
#define TESTS_EVALUATION_BANNER_NAMES_H_

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "ecg/batch/split_part.h"
#include "ecg/device/device.h"
#include "ecg/evaluation/aggregation.h"
#include "ecg/model/network.h"
#include "ecg/train/objective.h"
#include "proto/experiment.pb.h"

namespace ecg::evaluate_example {

extern const std::shared_ptr<Network> network;
extern const SplitPart part;
extern const ecg::spec::Experiment spec;
extern const std::unique_ptr<AnyAggregation> aggregation;
extern const std::unique_ptr<AnyObjective> objective;
extern const Device device;
extern const std::vector<std::string> classes;

}  // namespace ecg::evaluate_example

namespace ecg::feature_space_example {

extern const torch::Tensor training_features, validation_features, features;

}  // namespace ecg::feature_space_example

namespace ecg::record_features_example {

extern const std::shared_ptr<Network> network;
extern const SplitPart part;
extern const Device device;

}  // namespace ecg::record_features_example

#endif  // TESTS_EVALUATION_BANNER_NAMES_H_
