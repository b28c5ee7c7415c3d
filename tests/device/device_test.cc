#include "ecg/device/device.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

TEST(DeviceTest, RefusesAMissingDeviceUnlessTheCpuWillDo) {
  spec::Runtime runtime;
  runtime.set_device("cuda:999");
  const absl::Status status = ChooseDevice(runtime).status();
  EXPECT_NE(status.message().find("cannot use cuda:999"), std::string::npos) << status;
  runtime.set_fall_back_to_cpu(true);
  const absl::StatusOr<Device> device = ChooseDevice(runtime);
  ASSERT_TRUE(device.ok()) << device.status();
  EXPECT_TRUE(device->torch.is_cpu());
  EXPECT_NE(device->note.find("using the CPU instead"), std::string::npos);
}

}  // namespace
}  // namespace ecg
