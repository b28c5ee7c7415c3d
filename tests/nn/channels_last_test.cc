#include "ecg/nn/channels_last.h"

#include <torch/types.h>

#include <vector>

#include "ecg/nn/max_pool.h"
#include "gtest/gtest.h"
#include "tests/nn/gradients.h"

namespace ecg {
namespace {

TEST(ChannelsLastTest, ChangesTheLayoutAndNotTheValues) {
  const torch::Tensor x = torch::randn({2, 3, 5});
  EXPECT_TRUE(IsChannelsLast(ChannelsLast(x)));
  EXPECT_TRUE(ChannelsLast(x).equal(x));
  EXPECT_FALSE(IsChannelsLast(x));
  // Where both layouts are the same, it counts as contiguous.
  EXPECT_FALSE(IsChannelsLast(ChannelsLast(torch::randn({2, 3, 1}))));
  EXPECT_FALSE(IsChannelsLast(torch::randn({2, 3})));
}

TEST(ChannelsLastTest, ConcatenateKeepsTheLayout) {
  const torch::Tensor a = torch::randn({2, 3, 5}), b = torch::randn({2, 4, 5});
  const torch::Tensor joined = Concatenate({ChannelsLast(a), ChannelsLast(b)});
  EXPECT_TRUE(IsChannelsLast(joined));
  EXPECT_TRUE(joined.equal(torch::cat({a, b}, 1)));
}

TEST(MaxPoolTest, EqualsLibTorchsInBothLayouts) {
  torch::manual_seed(1);
  for (const Pooling& pooling : {Pooling{3, 2, 1}, Pooling{3, 2, 0, true}, Pooling{2, 2}}) {
    for (const int samples : {4, 5, 250}) {
      SCOPED_TRACE(samples);
      // Few values, so that neighbours are often equal.
      const torch::Tensor x = torch::randint(4, {3, 20, samples}).to(torch::kFloat32);
      const auto theirs = [&](const auto& inputs) {
        return torch::max_pool1d(inputs[0], pooling.kernel, pooling.stride, pooling.padding, 1, pooling.ceil_mode);
      };
      const auto ours = [&](const auto& inputs) { return MaxPool(inputs[0], pooling); };
      const torch::Tensor grad_output = torch::rand_like(theirs(std::vector{x}));
      const Differentiated expected = Differentiate(theirs, {x}, grad_output);
      for (const torch::Tensor& input : {x, ChannelsLast(x)}) {
        const Differentiated actual = Differentiate(ours, {input}, grad_output);
        EXPECT_EQ(IsChannelsLast(actual.output), IsChannelsLast(input));
        EXPECT_TRUE(actual.output.equal(expected.output));
        EXPECT_LT(Error(actual.gradients[0], expected.gradients[0]), 1e-6);
      }
    }
  }
}

}  // namespace
}  // namespace ecg
