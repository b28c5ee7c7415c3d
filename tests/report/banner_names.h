// The names that the example in the banner of ecg/report/comparison.h uses and does not declare.

#ifndef TESTS_REPORT_BANNER_NAMES_H_
#define TESTS_REPORT_BANNER_NAMES_H_

#include "ecg/run/predictions.h"

namespace ecg {

extern const PredictionTable a, b;

}  // namespace ecg

#endif  // TESTS_REPORT_BANNER_NAMES_H_
