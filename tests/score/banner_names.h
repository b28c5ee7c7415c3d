// The names that the examples in the banners of ecg/score use and do not declare.

#ifndef TESTS_SCORE_BANNER_NAMES_H_
#define TESTS_SCORE_BANNER_NAMES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "ecg/score/named_score.h"
#include "ecg/score/ranked_predictions.h"

namespace ecg {

extern const RankedPredictions ranked;
extern const Predictions predictions;
extern const std::vector<uint8_t> targets;      // [records, classes]
extern const std::vector<float> probabilities;  // [records, classes]
extern const std::vector<std::string> class_names;

}  // namespace ecg

namespace ecg::calibration_example {

extern const Predictions validation;

}  // namespace ecg::calibration_example

#endif  // TESTS_SCORE_BANNER_NAMES_H_
