#include "ecg/distributed/process_group.h"

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/distributed/ranks.h"

namespace ecg {
namespace {

TEST(ProcessGroupTest, SumsAreThoseOfAllRanksAndTheSameEverywhere) {
  for (const int size : {2, 3, 4}) {
    std::vector<torch::Tensor> sums(size);
    RunAsThreads(size, [&](ProcessGroup& group) {
      torch::Tensor tensor = torch::arange(10, torch::kFloat32).view({2, 5}) / 7 * (group.rank() + 1);
      group.Sum(tensor);
      sums[group.rank()] = tensor;
    });
    const torch::Tensor expected = torch::arange(10, torch::kFloat32).view({2, 5}) / 7 * (size * (size + 1) / 2);
    for (const torch::Tensor& sum : sums) {
      EXPECT_TRUE(torch::allclose(sum, expected, 1e-6));
      EXPECT_TRUE(sum.equal(sums[0]));
    }
  }
}

TEST(ProcessGroupTest, SumsOfBfloat16AreAddedInFloat32) {
  for (const int size : {2, 3}) {
    std::vector<torch::Tensor> sums(size);
    RunAsThreads(size, [&](ProcessGroup& group) {
      // 256 + 1 is not a number of bfloat16, and 256 + 1 + 1 is.
      torch::Tensor tensor = torch::full({7}, group.rank() == 0 ? 256 : 1, torch::kBFloat16);
      group.Sum(tensor);
      sums[group.rank()] = tensor;
    });
    const torch::Tensor expected = torch::full({7}, 256 + size - 1, torch::kFloat32).to(torch::kBFloat16);
    for (const torch::Tensor& sum : sums) EXPECT_TRUE(sum.equal(expected)) << sum;
  }
}

TEST(ProcessGroupTest, AllHaveWhatRankZeroBroadcasts) {
  RunAsThreads(3, [](ProcessGroup& group) {
    torch::Tensor tensor = torch::full({3, 2}, group.rank(), torch::kInt64).t();
    group.Broadcast(tensor);
    EXPECT_TRUE(tensor.equal(torch::zeros({2, 3}, torch::kInt64)));
    group.Broadcast(torch::empty({0}));
    // What is kept of a tensor, as the kernels of S4 are, is kept until its version changes.
    torch::Tensor contiguous = torch::full({3}, group.rank(), torch::kFloat32);
    const int64_t version = contiguous._version();
    group.Broadcast(contiguous);
    EXPECT_GT(contiguous._version(), version);
    EXPECT_EQ(group.Broadcast(std::string(group.rank(), 'x') + "yz"), "yz");
    EXPECT_EQ(group.Broadcast(group.leads() ? std::string() : std::string("text")), "");
    EXPECT_EQ(group.Broadcast(int64_t{group.rank() + 5}), 5);
  });
}

TEST(ProcessGroupTest, RowsAreGatheredInTheOrderOfRanksAlsoWhereTheirNumbersDiffer) {
  RunAsThreads(3, [](ProcessGroup& group) {
    const torch::Tensor rows =
        torch::full({group.rank() == 1 ? 0 : group.rank() + 1, 2}, group.rank(), torch::kFloat32);
    const torch::Tensor all = group.GatherRows(rows);
    EXPECT_TRUE(all.equal(torch::tensor({{0.f, 0.f}, {2.f, 2.f}, {2.f, 2.f}, {2.f, 2.f}}))) << all;
  });
}

TEST(ProcessGroupTest, SaysThroughWhichInterfaceTheProcessesTalk) {
  RunAsThreads(2, [](ProcessGroup& group) { EXPECT_EQ(group.InWords(), "2 processes, through lo (127.0.0.1)"); });
}

}  // namespace
}  // namespace ecg
