#include "ecg/train/tensorboard_log.h"

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/file/record_file.h"
#include "ecg/model/network.h"
#include "ecg/score/named_score.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/run.pb.h"
#include "proto/tensorboard.pb.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::Key;
using ::testing::UnorderedElementsAre;

struct ThreeWeights : Network {
  ThreeWeights() {
    for (const char* name : {"a", "b", "unused"}) weights.push_back(register_parameter(name, torch::zeros({2})));
  }
  torch::Tensor forward(const torch::Tensor& signals) override { return signals; }
  std::vector<torch::Tensor> weights;
};

TEST(GradientNormTest, IsThatOfAllGradientsTogether) {
  ThreeWeights network;
  EXPECT_EQ(GradientNorm(network), 0);
  network.weights[0].mutable_grad() = torch::tensor({3.f, 0.f});
  network.weights[1].mutable_grad() = torch::tensor({0.f, -4.f});
  EXPECT_DOUBLE_EQ(GradientNorm(network), 5);
}

TEST(LogTestTest, LogsTheScoreAndACurveForEachClass) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "log_test";
  std::filesystem::remove_all(folder);
  const std::vector<std::string> classes = {"AFIB", "LAO/LAE"};
  const std::vector<uint8_t> targets = {1, 0, 0, 0, 1, 1};
  const std::vector<float> probabilities = {0.9f, 0.1f, 0.2f, 0.3f, 0.8f, 0.7f};
  run::Scores scores;
  scores.set_score(0.75);
  scores.set_score_name("macro ROC-AUC");
  ASSERT_EQ(LogTest(folder, 12, {classes, targets, probabilities}, scores), absl::OkStatus());
  std::map<std::string, tensorboard::Summary::Value> values;
  const std::string bytes = ReadFile(folder / "events.out.tfevents.0001").value();
  for (const absl::string_view payload : ParseRecords(bytes).payloads) {
    tensorboard::Event event;
    ASSERT_TRUE(event.ParseFromArray(payload.data(), static_cast<int>(payload.size())));
    for (const auto& value : event.summary().value()) values[value.tag()] = value;
  }
  EXPECT_THAT(values, UnorderedElementsAre(Key("test/macro ROC-AUC"), Key("test/precision-recall/AFIB"),
                                           Key("test/precision-recall/LAO/LAE")));
  EXPECT_EQ(values["test/macro ROC-AUC"].simple_value(), 0.75f);
  // At threshold 0.5, for rows of 101: true positives, false positives, true negatives, false negatives.
  const auto at_half = [&](const std::string& name) {
    std::vector<float> figures;
    for (int row = 0; row < 4; ++row) {
      figures.push_back(values["test/precision-recall/" + name].tensor().float_val(row * 101 + 50));
    }
    return figures;
  };
  EXPECT_THAT(at_half("AFIB"), ElementsAre(2, 0, 1, 0));
  EXPECT_THAT(at_half("LAO/LAE"), ElementsAre(1, 0, 2, 0));
}

}  // namespace
}  // namespace ecg
