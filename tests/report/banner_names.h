// The names that the examples in the banners of ecg/report use and do not declare.

#ifndef TESTS_REPORT_BANNER_NAMES_H_
#define TESTS_REPORT_BANNER_NAMES_H_

#include "ecg/file/file.h"
#include "ecg/run/predictions.h"
#include "ecg/score/named_score.h"

namespace ecg {

extern const PredictionTable a, b;
extern const Predictions predictions;

}  // namespace ecg

#endif  // TESTS_REPORT_BANNER_NAMES_H_
