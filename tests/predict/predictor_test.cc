#include "ecg/predict/predictor.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "ecg/predict/explanation.h"
#include "ecg/signal/signal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/predict/made_run.h"
#include "tests/predict/made_signal.h"

namespace ecg {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Lt;

class PredictorTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / "predictor_test";
    std::filesystem::remove_all(folder_);
    ASSERT_EQ(MakeRun(folder_), absl::OkStatus());
  }

  std::filesystem::path folder_;
};

TEST_F(PredictorTest, GivesAProbabilityForEachClass) {
  const Predictor predictor = Predictor::Load(folder_).value();
  const std::vector<float> probabilities = predictor.Predict(MadeSignal(0)).value();
  ASSERT_EQ(probabilities.size(), 5);
  EXPECT_THAT(probabilities, Each(AllOf(Gt(0.0f), Lt(1.0f))));
  EXPECT_NE(probabilities, predictor.Predict(MadeSignal(1)).value());
  EXPECT_EQ(predictor.model().thresholds.size(), 5);
}

TEST_F(PredictorTest, SaysTheSameOfASignalAloneAmongOthersAndInSmallBatches) {
  const Predictor predictor = Predictor::Load(folder_).value();
  std::vector<Signal> signals;
  for (int number = 0; number < 20; ++number) signals.push_back(MadeSignal(number, 1000 + 50 * number));
  const std::vector<float> all = predictor.PredictAll(signals).value();
  const std::vector<float> in_threes =
      Predictor::Load(folder_, {.batch_windows = 3}).value().PredictAll(signals).value();
  ASSERT_EQ(all.size(), 100);
  for (size_t number = 0; number < signals.size(); ++number) {
    const std::vector<float> alone = predictor.Predict(signals[number]).value();
    for (size_t k = 0; k < 5; ++k) {
      EXPECT_EQ(alone[k], all[number * 5 + k]);
      EXPECT_NEAR(in_threes[number * 5 + k], all[number * 5 + k], 1e-6);
    }
  }
}

TEST_F(PredictorTest, MayBeUsedByManyThreads) {
  const Predictor predictor = Predictor::Load(folder_).value();
  const std::vector<float> expected = predictor.Predict(MadeSignal(3)).value();
  std::vector<std::vector<float>> found(8);
  std::vector<std::thread> threads;
  for (std::vector<float>& of_thread : found) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) of_thread = predictor.Predict(MadeSignal(3)).value();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(found, Each(expected));
}

TEST_F(PredictorTest, ExplainsALogitByContributionsThatAddUpToIt) {
  const Predictor predictor = Predictor::Load(folder_).value();
  for (const int samples : {250, 1130}) {
    const Signal signal = MadeSignal(2, samples);
    const double probability = predictor.Predict(signal).value()[1];
    const Explanation explanation = predictor.Explain(signal, /*class_index=*/1).value();
    EXPECT_NEAR(explanation.logit, std::log(probability / (1 - probability)), 1e-4);
    ASSERT_EQ(explanation.contributions.size(), 12u * samples);
    const double sum = std::accumulate(explanation.contributions.begin(), explanation.contributions.end(), 0.0);
    const double difference = explanation.logit - explanation.flat_logit;
    EXPECT_NE(difference, 0);
    EXPECT_NEAR(sum, difference, std::max(0.02, 0.02 * std::abs(difference)));
    EXPECT_NEAR(explanation.missing, difference - sum, 1e-3);
  }
}

TEST_F(PredictorTest, ExplainsByTheSamplesWithoutWhichTheLogitFalls) {
  const Predictor predictor = Predictor::Load(folder_).value();
  const Signal signal = MadeSignal(2, 250);
  const Explanation explanation = predictor.Explain(signal, /*class_index=*/1).value();
  // The logit without the twelfth of the samples that `chosen` puts first.
  const auto logit_without = [&](const auto& chosen) {
    std::vector<int> order(explanation.contributions.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::sort(order, chosen, [&](int i) { return explanation.contributions[i]; });
    Signal rest = signal;
    for (size_t i = 0; i < order.size() / 12; ++i) rest.digital[order[i]] = 0;
    const double probability = predictor.Predict(rest).value()[1];
    return std::log(probability / (1 - probability));
  };
  EXPECT_LT(logit_without(std::ranges::greater()), explanation.logit);
  EXPECT_LT(logit_without(std::ranges::greater()), logit_without(std::ranges::less()));
}

TEST_F(PredictorTest, RefusesToExplainAClassThatIsNotThere) {
  const Predictor predictor = Predictor::Load(folder_).value();
  EXPECT_THAT(predictor.Explain(MadeSignal(0), 5).status().message(), HasSubstr("no class number 5; the model has 5"));
}

TEST(ExplanationTest, HighlightsSmoothedContributionsThatRaiseTheLogit) {
  Explanation explanation = {.leads = 2, .contributions = std::vector<float>(2 * 100)};
  explanation.contributions[30] = 1;
  explanation.contributions[100 + 60] = -1;
  const std::vector<float> emphasis = Emphasis(explanation, /*sampling_frequency_hz=*/100);
  EXPECT_EQ(emphasis[30], 1);
  EXPECT_GT(emphasis[31], emphasis[33]);
  EXPECT_FLOAT_EQ(emphasis[28], emphasis[32]);
  EXPECT_EQ(emphasis[50], 0);
  EXPECT_EQ(emphasis[100 + 60], 0);
}

TEST_F(PredictorTest, RefusesAnotherRateAndASignalShorterThanAWindow) {
  const Predictor predictor = Predictor::Load(folder_).value();
  Signal fast = MadeSignal(0);
  fast.sampling_frequency_hz = 500;
  EXPECT_THAT(predictor.Predict(fast).status().message(), HasSubstr("500 Hz, but the model reads 100 Hz"));
  EXPECT_THAT(predictor.Predict(MadeSignal(0, 200)).status().message(), HasSubstr("2.00 s, but the model reads"));
}

TEST_F(PredictorTest, NamesThePartsOfOnesOwnThatItLacks) {
  std::ofstream(folder_ / "spec.textproto") << R"(
      data { ptb_xl { task: SUPERDIAGNOSTIC sampling_frequency_hz: 100 } split: 1 crop_seconds: 2.5 }
      model { own { type: "mine::Backbone" header: "mine/backbone.h" } }
      training { multi_label {} })";
  const absl::Status status = Predictor::Load(folder_).status();
  EXPECT_THAT(status.message(), HasSubstr("mine::Backbone"));
  EXPECT_THAT(status.message(), HasSubstr("--mode=predict"));
}

TEST_F(PredictorTest, SaysThatAFolderHoldsNoRun) {
  EXPECT_THAT(Predictor::Load(folder_ / "nothing").status().message(), HasSubstr("there is no run in"));
}

}  // namespace
}  // namespace ecg
