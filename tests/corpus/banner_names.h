// The names that the examples in the banners of ecg/corpus use and do not declare.

#ifndef TESTS_CORPUS_BANNER_NAMES_H_
#define TESTS_CORPUS_BANNER_NAMES_H_

#include <filesystem>

#include "ecg/corpus/cinc_challenge.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/corpus/split.h"
#include "ecg/signal/signal.h"

namespace ecg {

extern const std::filesystem::path folder;
extern const Labels labels;

}  // namespace ecg

namespace ecg::calibration_sets_example {

extern const Signal signal;

}  // namespace ecg::calibration_sets_example

namespace ecg::pack_example {

extern const PtbXl ptbxl;

}  // namespace ecg::pack_example

namespace ecg::packed_signals_example {

extern const int record;

}  // namespace ecg::packed_signals_example

namespace ecg::preprocessor_example {

extern const Signal signal;

}  // namespace ecg::preprocessor_example

namespace ecg::snomed_ct_example {

extern const PtbXl ptbxl;
extern const G12ec g12ec;

}  // namespace ecg::snomed_ct_example

namespace ecg::split_example {

extern const Split split;
extern const PackedSignals signals;

}  // namespace ecg::split_example

namespace ecg::target_versus_normal_example {

extern const PtbXl ptbxl;

}  // namespace ecg::target_versus_normal_example

#endif  // TESTS_CORPUS_BANNER_NAMES_H_
