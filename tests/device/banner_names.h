// The names that the examples in the banners of ecg/device use and do not declare.

#ifndef TESTS_DEVICE_BANNER_NAMES_H_
#define TESTS_DEVICE_BANNER_NAMES_H_

#include <torch/types.h>

#include <memory>
#include <vector>

#include "ecg/device/device.h"
#include "ecg/model/network.h"

namespace ecg {

extern const Device device;
extern Network& network;
extern const torch::Tensor signals;

}  // namespace ecg

namespace ecg::side_by_side_example {

extern const std::shared_ptr<Network> network;
extern const std::vector<torch::Tensor> inputs;

}  // namespace ecg::side_by_side_example

namespace ecg::cuda_example {

extern const torch::Device device;
extern const std::vector<torch::Tensor> batches;
extern torch::Tensor on_device;
void TrainOn(const torch::Tensor& batch);

}  // namespace ecg::cuda_example

#endif  // TESTS_DEVICE_BANNER_NAMES_H_
