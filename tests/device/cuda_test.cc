#include "ecg/device/cuda.h"

#include <torch/types.h>

#include <cstdint>
#include <exception>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// What StatusOf makes of what `work` throws.
template <typename Work>
absl::Status StatusOfWork(const Work& work) {
  try {
    work();
  } catch (const std::exception& error) {
    return StatusOf(error, "training", torch::kCPU, "Lower training.batch_size");
  }
  return absl::OkStatus();
}

TEST(CudaTest, AdvisesToUseLessMemoryWhenATensorIsTooLarge) {
  const absl::Status status = StatusOfWork([] { torch::empty({std::numeric_limits<int64_t>::max() / 8}); });
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()),
              AllOf(StartsWith("training: out of memory on the host: "), EndsWith("Lower training.batch_size")));
}

TEST(CudaTest, AdvisesToUseLessMemoryWhenTheHostHasNoneLeft) {
  const absl::Status status = StatusOfWork([] { throw std::bad_alloc(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()),
              AllOf(StartsWith("training: out of memory on the host: "), EndsWith("Lower training.batch_size")));
}

TEST(CudaTest, TellsMemoryOfTheDeviceFromThatOfTheHost) {
  EXPECT_TRUE(IsOutOfHostMemory(std::bad_alloc()));
  EXPECT_FALSE(IsOutOfDeviceMemory(std::bad_alloc()));
  try {
    TORCH_CHECK(false, "cuDNN error: CUDNN_STATUS_ALLOC_FAILED");
  } catch (const c10::Error& error) {
    EXPECT_TRUE(IsOutOfDeviceMemory(error));
    EXPECT_FALSE(IsOutOfHostMemory(error));
  }
}

TEST(CudaTest, GivesTheFirstLineOfAnErrorOfLibTorch) {
  const absl::Status status = StatusOfWork([] { torch::zeros({2, 3}).mm(torch::zeros({2, 3})); });
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()),
              AllOf(StartsWith("training: LibTorch failed: mat1 and mat2 shapes cannot be "), Not(HasSubstr("\n"))));
}

TEST(CudaTest, GivesAnErrorOfCodeOfOnesOwnAsItIs) {
  EXPECT_EQ(StatusOfWork([] { throw std::runtime_error("no such lead"); }),
            absl::InternalError("training: no such lead"));
}

}  // namespace
}  // namespace ecg
