#include "ecg/score/roc_auc.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ecg/random/random.h"
#include "ecg/score/ranked_predictions.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

RankedPredictions OneClass(const std::vector<uint8_t>& targets, const std::vector<double>& predictions,
                           const std::vector<uint32_t>& strata = {}) {
  return RankedPredictions::Create(targets, predictions, std::vector<std::string>{"NORM"}, strata).value();
}

// The definition itself: every positive against every negative, of the same stratum.
double PairsInOrder(const std::vector<uint8_t>& targets, const std::vector<double>& predictions,
                    const std::vector<uint32_t>& strata = {}) {
  double ordered = 0, pairs = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    for (size_t j = 0; j < targets.size(); ++j) {
      if (targets[i] == 0 || targets[j] == 1) continue;
      if (!strata.empty() && strata[i] != strata[j]) continue;
      ordered += predictions[i] > predictions[j] ? 1 : predictions[i] == predictions[j] ? 0.5 : 0;
      ++pairs;
    }
  }
  return ordered / pairs;
}

TEST(RocAucTest, IsTheShareOfPairsInOrderWithTiesCountingHalf) {
  Random random({3});
  for (const uint32_t distinct : {2, 5, 1000000}) {
    std::vector<uint8_t> targets;
    std::vector<double> predictions;
    for (int record = 0; record < 200; ++record) {
      targets.push_back(random.Below(4) == 0);
      predictions.push_back(random.Below(distinct) + targets.back());
    }
    EXPECT_NEAR(RocAuc(OneClass(targets, predictions).classes()[0]).value(), PairsInOrder(targets, predictions), 1e-14);
  }
}

TEST(RocAucTest, ComparesRecordsOfTheSameStratumOnly) {
  Random random({5});
  for (const uint32_t distinct : {5, 1000000}) {
    std::vector<uint8_t> targets;
    std::vector<double> predictions;
    std::vector<uint32_t> strata;
    for (int record = 0; record < 200; ++record) {
      strata.push_back(static_cast<uint32_t>(random.Below(3)));
      // The higher the stratum, the rarer are positives, and the larger predictions.
      targets.push_back(random.Below(2 + 4 * strata.back()) == 0);
      predictions.push_back(random.Below(distinct) + targets.back() + distinct * strata.back());
    }
    const double within = PairsInOrder(targets, predictions, strata);
    EXPECT_NEAR(RocAuc(OneClass(targets, predictions, strata).classes()[0]).value(), within, 1e-14);
    EXPECT_GT(within, PairsInOrder(targets, predictions) + 0.1) << "they are not comparable";
  }
  EXPECT_EQ(RocAuc(OneClass({1, 0}, {0.5, 0.4}, {0, 1}).classes()[0]), std::nullopt);
  EXPECT_FALSE(RankedPredictions::Create(std::vector<uint8_t>{1, 0}, std::vector<double>{1, 0},
                                         std::vector<std::string>{"NORM"}, std::vector<uint32_t>{1})
                   .ok());
}

TEST(RocAucTest, CountsARecordAsOftenAsTheResampleHoldsIt) {
  Random random({4});
  std::vector<uint8_t> targets, drawn_targets;
  std::vector<double> predictions, drawn_predictions;
  std::vector<uint32_t> multiplicities;
  for (int record = 0; record < 100; ++record) {
    targets.push_back(random.Below(2));
    predictions.push_back(random.Below(20) + 5 * targets.back());
    multiplicities.push_back(random.Below(4));
    drawn_targets.insert(drawn_targets.end(), multiplicities.back(), targets.back());
    drawn_predictions.insert(drawn_predictions.end(), multiplicities.back(), predictions.back());
  }
  EXPECT_EQ(RocAuc(OneClass(targets, predictions).classes()[0], multiplicities),
            RocAuc(OneClass(drawn_targets, drawn_predictions).classes()[0]));
}

TEST(RocAucTest, IsNotDefinedWithoutAPositiveAndANegative) {
  EXPECT_FALSE(RocAuc(OneClass({1, 1}, {0.1, 0.2}).classes()[0]).has_value());
  EXPECT_FALSE(RocAuc(OneClass({0, 0}, {0.1, 0.2}).classes()[0]).has_value());
  // There is a positive, but the resample does not hold it.
  const std::vector<uint32_t> multiplicities = {0, 2};
  EXPECT_FALSE(RocAuc(OneClass({1, 0}, {0.1, 0.2}).classes()[0], multiplicities).has_value());
}

}  // namespace
}  // namespace ecg
