// The names that the examples in the banners of ecg/onnx use and do not declare.

#ifndef TESTS_ONNX_BANNER_NAMES_H_
#define TESTS_ONNX_BANNER_NAMES_H_

#include <array>
#include <memory>

#include "ecg/corpus/scaler.h"
#include "ecg/model/network.h"
#include "ecg/onnx/trace.h"
#include "ecg/onnx/translation.h"
#include "ecg/train/objective.h"

namespace ecg {

extern Network& network;

}  // namespace ecg

namespace ecg::export_example {

extern const std::shared_ptr<Network> network;
extern const Scaler scaler;

}  // namespace ecg::export_example

namespace ecg::translation_example {

extern const std::array<Trace, 2> traces;
extern onnx::GraphProto graph;

}  // namespace ecg::translation_example

#endif  // TESTS_ONNX_BANNER_NAMES_H_
