// The names that the examples in the banners of ecg/evaluation use and do not declare.

#ifndef TESTS_EVALUATION_BANNER_NAMES_H_
#define TESTS_EVALUATION_BANNER_NAMES_H_

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

#endif  // TESTS_EVALUATION_BANNER_NAMES_H_
