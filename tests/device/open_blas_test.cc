#include "ecg/device/open_blas.h"

#include <torch/types.h>
#include <torch/utils.h>

#include "ecg/device/threads.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(OpenBlasTest, HasBetterKernelsForAProcessorThatOpenBlasDoesNotKnow) {
  EXPECT_STREQ(BetterKernels("Prescott", {.avx2 = true, .avx512 = true}), "SkylakeX");
  EXPECT_STREQ(BetterKernels("Prescott", {.avx2 = true}), "Haswell");
}

TEST(OpenBlasTest, KeepsTheKernelsThatOpenBlasChoseForTheProcessor) {
  EXPECT_EQ(BetterKernels("Prescott", {}), nullptr);
  EXPECT_EQ(BetterKernels("Zen", {.avx2 = true}), nullptr);
  EXPECT_EQ(BetterKernels("Haswell", {.avx2 = true, .avx512 = true}), nullptr);
  EXPECT_EQ(BetterKernels("", {.avx2 = true, .avx512 = true}), nullptr);
}

TEST(OpenBlasTest, SharesAMatrixProductAmongNoMoreThreadsThanLibTorchHas) {
  torch::ones({2, 2}).mm(torch::ones({2, 2}));
  if (OpenBlasThreads() == 0) GTEST_SKIP() << "LibTorch does not use OpenBLAS";
  for (const int threads : {1, 2, 1}) {
    UseThreads(threads);
    EXPECT_EQ(torch::get_num_threads(), threads);
    EXPECT_EQ(OpenBlasThreads(), threads);
  }
}

}  // namespace
}  // namespace ecg
