#include "ecg/device/side_by_side.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <atomic>
#include <stdexcept>
#include <vector>

#include "ecg/device/device.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

class SideBySideTest : public testing::TestWithParam<int> {
 protected:
  SideBySideTest() { at::set_num_threads(GetParam()); }
  ~SideBySideTest() override { at::set_num_threads(before_); }

 private:
  const int before_ = at::get_num_threads();
};

TEST_P(SideBySideTest, CallsEachOnceInInferenceMode) {
  for (const int count : {0, 1, 2, 3, 100}) {
    std::vector<std::atomic<int>> calls(count);
    ForEachSideBySide(Device(), count, [&](int i) {
      if (torch::InferenceMode::is_enabled()) ++calls[i];
    });
    for (const std::atomic<int>& of_one : calls) EXPECT_EQ(of_one, 1);
  }
}

TEST_P(SideBySideTest, ComputesInThePrecisionOfTheDevice) {
  Device device;
  device.precision = spec::Runtime::BF16;
  const torch::Tensor weight = torch::randn({4, 4});
  std::vector<torch::Tensor> products(7);
  ForEachSideBySide(device, 7, [&](int i) { products[i] = torch::matmul(weight, weight); });
  for (const torch::Tensor& product : products) EXPECT_EQ(product.scalar_type(), torch::kBFloat16);
  EXPECT_EQ(torch::matmul(weight, weight).scalar_type(), torch::kFloat32);
}

TEST_P(SideBySideTest, ThrowsWhatACallThrowsAndStops) {
  std::atomic<int> calls = 0;
  const auto work = [&calls](int i) {
    ++calls;
    if (i == 5) throw std::runtime_error("the sixth fails");
  };
  EXPECT_THROW(ForEachSideBySide(Device(), 1000000, work), std::runtime_error);
  EXPECT_LT(calls, 1000000);
}

INSTANTIATE_TEST_SUITE_P(Threads, SideBySideTest, testing::Values(1, 2, 3));

}  // namespace
}  // namespace ecg
