#include "ecg/nn/weight_cache.h"

#include <torch/types.h>
#include <torch/utils.h>

#include "gtest/gtest.h"

namespace ecg {
namespace {

torch::Tensor Doubled(const torch::Tensor& weight) { return weight * 2; }
torch::Tensor ToBfloat16(const torch::Tensor& weight) { return weight.to(torch::kBFloat16); }

TEST(WeightCacheTest, MakesAnewOnlyAfterAChange) {
  const torch::NoGradGuard no_grad;
  WeightCache cache;
  torch::Tensor weight = torch::randn({64, 64, 3});
  const torch::Tensor first = cache.Get(weight, Doubled);
  EXPECT_TRUE(cache.Get(weight, Doubled).is_same(first));
  weight[0][0][0] += 1;
  const torch::Tensor second = cache.Get(weight, Doubled);
  EXPECT_FALSE(second.equal(first));
  EXPECT_TRUE(second.equal(weight * 2));
  EXPECT_TRUE(cache.Get(weight, Doubled).is_same(second));
  // Freed memory may be used again; the cache must not take that for the same weight.
  for (int i = 0; i < 5; ++i) {
    weight.set_data(torch::randn({64, 64, 3}));
    weight.set_data(torch::randn({64, 64, 3}));
    EXPECT_TRUE(cache.Get(weight, Doubled).equal(weight * 2));
  }
  const torch::Tensor third = cache.Get(weight, Doubled);
  cache.Clear();
  EXPECT_FALSE(cache.Get(weight, Doubled).is_same(third));
}

TEST(WeightCacheTest, KeepsWhatTheLastMakerMade) {
  WeightCache cache;
  const torch::Tensor weight = torch::randn({2, 3}).requires_grad_();
  EXPECT_TRUE(cache.Get(weight, Doubled).equal(weight * 2));
  EXPECT_EQ(cache.Get(weight, ToBfloat16).scalar_type(), torch::kBFloat16);
  EXPECT_FALSE(cache.Get(weight, Doubled).requires_grad());
}

TEST(WeightCacheTest, KeepsNothingOfAWeightWhoseChangesAreNotCounted) {
  const torch::InferenceMode inference;
  WeightCache cache;
  torch::Tensor weight = torch::randn({2, 3});
  cache.Get(weight, Doubled);
  weight += 1;
  EXPECT_TRUE(cache.Get(weight, Doubled).equal(weight * 2));
}

}  // namespace
}  // namespace ecg
