#include "ecg/nn/attention.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(AttendTest, WeightsValuesByTheSoftmaxOfScaledDotProducts) {
  torch::manual_seed(1);
  const torch::Tensor query = torch::randn({2, 3, 4, 5}), key = torch::randn({2, 3, 6, 5});
  const torch::Tensor value = torch::randn({2, 3, 6, 7});
  const torch::Tensor attended = Attend(query, key, value, /*dropout=*/0, /*is_training=*/true);
  ASSERT_EQ(attended.sizes(), torch::IntArrayRef({2, 3, 4, 7}));
  // The third query of the second head of the first sequence, by its formula.
  torch::Tensor sum = torch::zeros(7), weights = torch::zeros({});
  for (int position = 0; position < 6; ++position) {
    const torch::Tensor weight = (query[0][1][2].dot(key[0][1][position]) / std::sqrt(5.0)).exp();
    sum += weight * value[0][1][position];
    weights += weight;
  }
  EXPECT_TRUE(attended[0][1][2].allclose(sum / weights, 1e-4, 1e-6));
}

TEST(AttendTest, DropsWeightsInTrainingOnly) {
  torch::manual_seed(1);
  const torch::Tensor x = torch::randn({1, 50, 8});
  const torch::Tensor whole = Attend(x, x, x, /*dropout=*/0.5, /*is_training=*/false);
  EXPECT_TRUE(whole.equal(Attend(x, x, x, /*dropout=*/0, /*is_training=*/true)));
  EXPECT_FALSE(whole.equal(Attend(x, x, x, /*dropout=*/0.5, /*is_training=*/true)));
}

TEST(SinusoidalPositionsTest, FollowsThePapersFormula) {
  for (const int dim : {8, 7}) {
    const torch::Tensor positions = SinusoidalPositions(/*positions=*/100, dim);
    ASSERT_EQ(positions.sizes(), torch::IntArrayRef({100, dim}));
    for (const int position : {0, 1, 57, 99}) {
      for (int i = 0; i < dim; ++i) {
        const double angle = position / std::pow(10000, static_cast<double>(i - i % 2) / dim);
        EXPECT_NEAR(positions[position][i].item<double>(), i % 2 == 0 ? std::sin(angle) : std::cos(angle), 1e-5);
      }
    }
  }
}

TEST(PositionTableTest, KeepsItsRowsWhereTheyAre) {
  PositionTable table(6);
  torch::Tensor inference;
  {
    const torch::InferenceMode mode;
    inference = table.Rows(9, torch::kCPU);
  }
  EXPECT_TRUE(inference.equal(SinusoidalPositions(9, 6)));
  EXPECT_EQ(table.Rows(9, torch::kCPU).data_ptr(), inference.data_ptr());
  EXPECT_TRUE(table.Rows(4, torch::kCPU).equal(inference.slice(0, 0, 4)));
  // They can take part in a training after an evaluation.
  torch::Tensor weight = torch::ones({6}, torch::requires_grad());
  (weight * inference).sum().backward();
  EXPECT_TRUE(weight.grad().allclose(inference.sum(0)));
}

}  // namespace
}  // namespace ecg
