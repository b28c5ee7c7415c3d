#include "ecg/predict/predictor.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "ecg/evaluation/feature_space.h"
#include "ecg/file/file.h"
#include "ecg/predict/explanation.h"
#include "ecg/predict/predict_files.h"
#include "ecg/predict/reading.h"
#include "ecg/score/unlikeness.h"
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
  const std::vector<Prediction> all = predictor.PredictAll(signals).value();
  const std::vector<Prediction> in_threes =
      Predictor::Load(folder_, {.batch_windows = 3}).value().PredictAll(signals).value();
  ASSERT_EQ(all.size(), 20);
  for (size_t number = 0; number < signals.size(); ++number) {
    EXPECT_EQ(predictor.Predict(signals[number]).value(), all[number].probabilities);
    const std::vector<Prediction> alone = predictor.PredictAll(std::span(&signals[number], 1)).value();
    EXPECT_EQ(alone[0].probabilities, all[number].probabilities);
    EXPECT_EQ(alone[0].unlikeness->distance, all[number].unlikeness->distance);
    for (size_t k = 0; k < 5; ++k) {
      EXPECT_NEAR(in_threes[number].probabilities[k], all[number].probabilities[k], 1e-6);
    }
    EXPECT_NEAR(in_threes[number].unlikeness->distance / all[number].unlikeness->distance, 1, 1e-3);
  }
}

TEST_F(PredictorTest, SaysHowUnlikeTheTrainingRecordsASignalIs) {
  const Predictor predictor = Predictor::Load(folder_).value();
  Signal strange = MadeSignal(3);
  for (size_t i = 0; i < strange.digital.size(); ++i)
    strange.digital[i] = static_cast<int16_t>(i * 7919 % 20011 - 10000);
  // The training records, and one that is none.
  std::vector<Signal> signals;
  for (int number = 0; number < 40; ++number) signals.push_back(MadeSignal(number, 250));
  signals.push_back(strange);
  const std::vector<Prediction> predictions = predictor.PredictAll(signals).value();
  const Unlikeness& unlike = *predictions.back().unlikeness;
  EXPECT_EQ(unlike.references, 20);
  EXPECT_EQ(unlike.reference_share, 1);
  EXPECT_TRUE(unlike.is_warned());
  int warned = 0;
  for (int number = 0; number < 40; ++number) {
    EXPECT_GT(unlike.distance, predictions[number].unlikeness->distance) << number;
    warned += predictions[number].unlikeness->is_warned();
  }
  EXPECT_LT(warned, 20);
}

TEST_F(PredictorTest, SaysTheSameProbabilitiesOfARunThatDoesNotKnowItsFeatures) {
  const std::vector<float> expected = Predictor::Load(folder_)->Predict(MadeSignal(1)).value();
  ASSERT_TRUE(std::filesystem::remove(folder_ / "features.safetensors"));
  const Signal signal = MadeSignal(1);
  const std::vector<Prediction> old = Predictor::Load(folder_)->PredictAll(std::span(&signal, 1)).value();
  EXPECT_EQ(old[0].probabilities, expected);
  EXPECT_FALSE(old[0].unlikeness.has_value());
}

TEST_F(PredictorTest, RefusesFeaturesOfAnotherNetwork) {
  torch::manual_seed(1);
  const torch::Tensor features = torch::randn({20, 7});
  ASSERT_EQ(FeatureSpace::Fit(features, features)->Write(folder_ / "features.safetensors"), absl::OkStatus());
  EXPECT_THAT(Predictor::Load(folder_).status().message(), HasSubstr("of another network, with 7 features"));
}

TEST_F(PredictorTest, MayBeUsedByManyThreads) {
  const Predictor predictor = Predictor::Load(folder_).value();
  // The probabilities, and the distance.
  const auto predict = [&] {
    const Signal signal = MadeSignal(3);
    const Prediction prediction = predictor.PredictAll(std::span(&signal, 1)).value()[0];
    return std::pair(prediction.probabilities, prediction.unlikeness->distance);
  };
  const auto expected = predict();
  std::vector<std::pair<std::vector<float>, double>> found(8);
  std::vector<std::thread> threads;
  for (auto& of_thread : found) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) of_thread = predict();
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

// A table of pulses from -900 to 900 mV, a fifth of the time. Without their mean they reach 1440 mV.
std::string TableOfPulses() {
  std::string table = "time (s),I (mV),II (mV),V1 (mV),V2 (mV),V3 (mV),V4 (mV),V5 (mV),V6 (mV)";
  for (int i = 0; i < 1000; ++i) {
    absl::StrAppend(&table, "\n", i / 100.0);
    for (int lead = 0; lead < 8; ++lead) absl::StrAppend(&table, ",", i % 100 < 20 ? 900 : -900);
  }
  return table + "\n";
}

TEST_F(PredictorTest, ReadsTheOtherFilesWhereOneIsOutOfRangeAfterTheFilter) {
  ASSERT_EQ(MakeRun(folder_ / "filtered", "preprocessing { band_pass {} }"), absl::OkStatus());
  const Predictor predictor = Predictor::Load(folder_ / "filtered").value();
  const std::vector<std::string> files = {folder_ / "1.csv", folder_ / "2.csv", folder_ / "3.csv"};
  ASSERT_EQ(WriteFile(files[0], TableOf(MadeSignal(1))), absl::OkStatus());
  ASSERT_EQ(WriteFile(files[1], TableOfPulses()), absl::OkStatus());
  ASSERT_EQ(WriteFile(files[2], TableOf(MadeSignal(3))), absl::OkStatus());
  const std::vector<Reading> readings = ReadingsOf(predictor, files).value();
  EXPECT_EQ(readings[0].error, absl::OkStatus());
  EXPECT_THAT(readings[1].error.message(), HasSubstr("after the model's preprocessing: lead I"));
  EXPECT_EQ(readings[2].error, absl::OkStatus());
  EXPECT_EQ(readings[2].probabilities.size(), 5);
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
