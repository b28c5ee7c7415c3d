#include "ecg/score/fmax.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "ecg/random/random.h"
#include "ecg/score/ranked_predictions.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

double Of(const std::vector<uint8_t>& targets, const std::vector<double>& predictions, size_t classes) {
  return Fmax(RankedPredictions::Create(targets, predictions, std::vector<std::string>(classes, "class")).value());
}

// The definition itself, threshold by threshold.
double FmaxByDefinition(const std::vector<uint8_t>& targets, const std::vector<double>& predictions, size_t classes) {
  double fmax = 0;
  for (const double threshold : std::set<double>(predictions.begin(), predictions.end())) {
    double precision = 0, recall = 0;
    int with_prediction = 0, labelled = 0;
    for (size_t row = 0; row < targets.size(); row += classes) {
      int right = 0, predicted = 0, labels = 0;
      for (size_t c = 0; c < classes; ++c) {
        labels += targets[row + c];
        predicted += predictions[row + c] >= threshold;
        right += targets[row + c] == 1 && predictions[row + c] >= threshold;
      }
      if (predicted > 0) precision += static_cast<double>(right) / predicted;
      if (labels > 0) recall += static_cast<double>(right) / labels;
      with_prediction += predicted > 0;
      labelled += labels > 0;
    }
    precision /= with_prediction;
    recall /= labelled;
    if (precision + recall > 0) fmax = std::max(fmax, 2 * precision * recall / (precision + recall));
  }
  return fmax;
}

TEST(FmaxTest, IsTheBestOfTheDefinitionOverThresholds) {
  Random random({5});
  for (const uint32_t distinct : {3, 50, 1000000}) {
    constexpr size_t kClasses = 7;
    std::vector<uint8_t> targets;
    std::vector<double> predictions;
    for (size_t place = 0; place < 60 * kClasses; ++place) {
      targets.push_back(random.Below(5) == 0);
      predictions.push_back(random.Below(distinct) + 0.3 * distinct * targets.back());
    }
    EXPECT_NEAR(Of(targets, predictions, kClasses), FmaxByDefinition(targets, predictions, kClasses), 1e-12);
  }
}

TEST(FmaxTest, CountsInThePrecisionARecordWithoutLabelsButNotInTheRecall) {
  // At 0.8 the first record is all right and the second, which carries nothing, all wrong: precision 1/2, recall 1.
  EXPECT_DOUBLE_EQ(Of({1, 0, 0, 0}, {0.8, 0.1, 0.9, 0.1}, 2), 2 * 0.5 * 1 / 1.5);
}

TEST(FmaxTest, IsOneWhereEveryPredictionIsRightAndZeroWithoutLabels) {
  EXPECT_EQ(Of({1, 0, 0, 1}, {0.9, 0.1, 0.2, 0.8}, 2), 1);
  EXPECT_EQ(Of({0, 0}, {0.9, 0.1}, 2), 0);
}

}  // namespace
}  // namespace ecg
