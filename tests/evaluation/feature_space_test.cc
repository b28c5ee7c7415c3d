#include "ecg/evaluation/feature_space.h"

#include <torch/types.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ecg/file/file.h"
#include "ecg/score/unlikeness.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

std::filesystem::path TestPath(const std::string& name) { return std::filesystem::path(testing::TempDir()) / name; }

// Features of `records` records that lie in `dimensions` directions of the space, mostly.
torch::Tensor Features(int64_t records, int64_t features, int64_t dimensions, uint64_t seed) {
  torch::manual_seed(7);
  const torch::Tensor directions = torch::randn({dimensions, features});
  torch::manual_seed(seed);
  return torch::randn({records, dimensions}).matmul(directions) + 0.1 * torch::randn({records, features}) + 3;
}

TEST(FeatureSpaceTest, MeasuresByTheShrunkCovariance) {
  // The mean is 0, and the covariance diag(2, 1/2). The mean variance is 5/4, the squared distance of the covariance
  // from 5/4 of the identity is 9/8, and its squared error 17/16, so that it is shrunk by 17/18: to diag(31/24, 29/24).
  const torch::Tensor training = torch::tensor({{2.0, 0.0}, {-2.0, 0.0}, {0.0, 1.0}, {0.0, -1.0}});
  const FeatureSpace space = FeatureSpace::Fit(training, training).value();
  const std::vector<double> distances = space.Distances(torch::tensor({{3.0, -1.0}, {0.0, 0.0}}));
  EXPECT_NEAR(distances[0], std::sqrt((9 * 24 / 31. + 24 / 29.) / 2), 1e-6);
  EXPECT_EQ(distances[1], 0);
}

TEST(FeatureSpaceTest, MeasuresManyRecordsByTheirCovariance) {
  const torch::Tensor training = Features(4000, 5, 5, /*seed=*/1).to(torch::kFloat64), others = Features(50, 5, 5, 2);
  const FeatureSpace space = FeatureSpace::Fit(training, others).value();
  const torch::Tensor centred = training - training.mean(0);
  const torch::Tensor inverse = (centred.t().matmul(centred) / 4000).inverse();
  const torch::Tensor from_mean = others.to(torch::kFloat64) - training.mean(0);
  const torch::Tensor expected = ((from_mean.matmul(inverse) * from_mean).sum(1) / 5).sqrt();
  const std::vector<double> distances = space.Distances(others);
  for (int i = 0; i < 50; ++i) EXPECT_NEAR(distances[i] / expected[i].item<double>(), 1, 0.02) << i;
}

TEST(FeatureSpaceTest, HasADistanceOfAboutOneForTheTrainingRecordsThemselves) {
  const torch::Tensor training = Features(1000, 20, 20, /*seed=*/1);
  double squares = 0;
  for (const double distance : FeatureSpace::Fit(training, training)->Distances(training)) {
    squares += distance * distance / 1000;
  }
  EXPECT_GT(squares, 0.8);
  EXPECT_LT(squares, 1) << "shrinking makes the small variances larger, and the distances smaller";
}

TEST(FeatureSpaceTest, NeedsFewerRecordsThanFeatures) {
  const torch::Tensor training = Features(40, 300, 5, /*seed=*/1), validation = Features(200, 300, 5, 2);
  const FeatureSpace space = FeatureSpace::Fit(training, validation).value();
  // Other records of the same kind are told from those in any other direction, and a training record is nearer than
  // they.
  const torch::Tensor strange = validation + 2 * torch::randn({200, 300});
  int farther = 0;
  const std::vector<double> known = space.Distances(validation), unknown = space.Distances(strange);
  for (int i = 0; i < 200; ++i) farther += unknown[i] > space.validation().sorted().back();
  EXPECT_EQ(farther, 200);
  EXPECT_EQ(space.Compare(validation)[0].distance, known[0]);
}

TEST(FeatureSpaceTest, KeepsTheDirectionsOfMostVarianceWhereNotAllCanBeKept) {
  const torch::Tensor training = Features(2000, 60, 4, /*seed=*/1), others = Features(30, 60, 4, 2);
  const torch::Tensor strange = others + torch::randn({30, 60});
  const FeatureSpace whole = FeatureSpace::Fit(training, others).value();
  const FeatureSpace few = FeatureSpace::Fit(training, others, /*most_elements=*/6 * 60).value();
  ASSERT_EQ(few.Write(TestPath("few.safetensors")), absl::OkStatus());
  ASSERT_EQ(whole.Write(TestPath("whole.safetensors")), absl::OkStatus());
  EXPECT_LT(std::filesystem::file_size(TestPath("few.safetensors")),
            std::filesystem::file_size(TestPath("whole.safetensors")) / 4);
  // The other directions have about the same variance each, so that little is lost.
  for (const torch::Tensor& features : {others, strange}) {
    const std::vector<double> exact = whole.Distances(features), near = few.Distances(features);
    for (int i = 0; i < 30; ++i) EXPECT_NEAR(near[i] / exact[i], 1, 0.05) << i;
  }
}

TEST(FeatureSpaceTest, SaysTheSameOfARecordAloneAndAmongOthers) {
  const torch::Tensor others = Features(30, 60, 4, 2);
  const FeatureSpace space = FeatureSpace::Fit(Features(100, 60, 4, /*seed=*/1), others).value();
  const std::vector<double> all = space.Distances(others);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(space.Distances(others.narrow(0, i, 1))[0], all[i]);
}

TEST(FeatureSpaceTest, IsTheSameAfterItWasWrittenAndRead) {
  const torch::Tensor others = Features(30, 60, 4, 2);
  const FeatureSpace space = FeatureSpace::Fit(Features(100, 60, 4, /*seed=*/1), others).value();
  ASSERT_EQ(space.Write(TestPath("space.safetensors")), absl::OkStatus());
  const FeatureSpace same = FeatureSpace::Read(TestPath("space.safetensors")).value();
  EXPECT_EQ(same.feature_dim(), 60);
  EXPECT_EQ(same.validation().sorted(), space.validation().sorted());
  EXPECT_EQ(same.Distances(others), space.Distances(others));
  // Validation records are at the distances that they had.
  for (const Unlikeness& unlikeness : same.Compare(others)) {
    EXPECT_THAT(space.validation().sorted(), testing::Contains(unlikeness.distance));
    EXPECT_LT(unlikeness.reference_share, 1);
  }
}

TEST(FeatureSpaceTest, PutsFeaturesThatAreNoNumbersBeyondAll) {
  const torch::Tensor training = Features(100, 6, 4, /*seed=*/1);
  const FeatureSpace space = FeatureSpace::Fit(training, training).value();
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    EXPECT_EQ(space.Compare(torch::full({1, 6}, value))[0].reference_share, 1);
  }
}

TEST(FeatureSpaceTest, RefusesFeaturesThatItCannotMeasureBy) {
  const torch::Tensor good = Features(10, 6, 4, /*seed=*/1);
  const auto error = [](const torch::Tensor& training, const torch::Tensor& validation) {
    return std::string(FeatureSpace::Fit(training, validation).status().message());
  };
  EXPECT_THAT(error(good.narrow(0, 0, 1), good), HasSubstr("at least 2 training records, found 1"));
  EXPECT_THAT(error(good, good.narrow(0, 0, 0)), HasSubstr("at least 1 validation records, found 0"));
  EXPECT_THAT(error(good, good / 0), HasSubstr("a validation record is not a finite number"));
  EXPECT_THAT(error(torch::ones({10, 6}), good), HasSubstr("all training records are the same"));
  EXPECT_THAT(error(good, good.narrow(1, 0, 5)), HasSubstr("found 6 and 5"));
}

TEST(FeatureSpaceTest, SaysWhatIsWrongWithAFile) {
  const torch::Tensor training = Features(100, 6, 4, /*seed=*/1);
  const std::filesystem::path path = TestPath("damaged.safetensors");
  ASSERT_EQ(FeatureSpace::Fit(training, training)->Write(path), absl::OkStatus());
  std::string bytes = ReadFile(path).value();
  bytes.replace(bytes.find("rest_variance"), 13, "best_variance");
  ASSERT_EQ(WriteFile(path, bytes), absl::OkStatus());
  EXPECT_THAT(std::string(FeatureSpace::Read(path).status().message()), HasSubstr("no tensor rest_variance"));
  ASSERT_EQ(WriteFile(path, bytes.substr(0, bytes.size() / 2)), absl::OkStatus());
  EXPECT_FALSE(FeatureSpace::Read(path).ok());
}

}  // namespace
}  // namespace ecg
