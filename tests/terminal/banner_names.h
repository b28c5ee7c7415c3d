// The names that the examples in the banners of ecg/terminal use and do not declare.

#ifndef TESTS_TERMINAL_BANNER_NAMES_H_
#define TESTS_TERMINAL_BANNER_NAMES_H_

#include "proto/run.pb.h"

namespace ecg {

extern const run::TrainingState state;

}  // namespace ecg

#endif  // TESTS_TERMINAL_BANNER_NAMES_H_
