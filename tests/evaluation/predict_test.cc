#include "ecg/evaluation/predict.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

#include "ecg/batch/batch.h"
#include "ecg/batch/device_signals.h"
#include "ecg/batch/host_batches.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/device/device.h"
#include "ecg/evaluation/aggregation.h"
#include "ecg/train/objective.h"
#include "gtest/gtest.h"
#include "tests/train/small_training.h"

namespace ecg {
namespace {

using PredictTest = SmallTrainingTest;

TEST_F(PredictTest, AggregatesTheWindowsOfEachRecord) {
  const auto network = MakeNetwork();
  network->eval();
  const std::unique_ptr<AnyObjective> objective = Objectives::Erase(MultiLabel());
  const AggregationContext context = {objective.get()};
  const auto maximum = Aggregations::Erase(Maximum()), logit = Aggregations::Erase(MeanLogit()),
             probability = Aggregations::Erase(MeanProbability({}, context));
  const DeviceSignals on_device(*signals_, torch::kCPU, 250);
  SplitPart moved = *validation_;
  moved.on_device = &on_device;
  for (const SplitPart* part : {validation_, &moved}) {
    for (const int batch_windows : {13, 0}) {
      const WindowOptions options = {.samples = 250, .stride = 125, .batch_windows = batch_windows};
      const torch::Tensor largest = Predict(*network, *part, options, *maximum, Device(), ""),
                          mean = Predict(*network, *part, options, *logit, Device(), ""),
                          likely = Predict(*network, *part, options, *probability, Device(), "");
      const torch::NoGradGuard no_grad;
      HostBatches batches(*validation_, WindowsOfRows(*validation_, 250, 125), {.batch_size = 8, .samples = 250});
      for (int row = 0; row < validation_->size(); ++row) {
        const std::optional<Batch> batch = batches.Next();
        ASSERT_TRUE(batch.has_value());
        const torch::Tensor logits = network->forward(batch->signals);
        EXPECT_TRUE(torch::allclose(std::get<0>(logits.max(0)), largest[row], 1e-4, 1e-5)) << row;
        EXPECT_TRUE(torch::allclose(logits.mean(0), mean[row], 1e-4, 1e-5)) << row;
        EXPECT_TRUE(torch::allclose(logits.sigmoid().mean(0), likely[row].sigmoid(), 1e-4, 1e-5)) << row;
      }
    }
  }
}

TEST_F(PredictTest, GivesANetworkThatDependsOnItsBatchOneRecordAtATime) {
  struct Mixing : SmallNetwork {
    using SmallNetwork::SmallNetwork;
    torch::Tensor forward(const torch::Tensor& signals) override {
      const torch::Tensor logits = SmallNetwork::forward(signals);
      return logits + logits.mean(0, /*keepdim=*/true);
    }
    bool DependsOnBatch() const override { return true; }
  } network(validation_->classes());
  network.eval();
  const auto maximum = Aggregations::Erase(Maximum());
  const torch::Tensor some = Predict(network, *validation_, {250, 125, 7}, *maximum, Device(), ""),
                      many = Predict(network, *validation_, {250, 125, 64}, *maximum, Device(), "");
  EXPECT_TRUE(some.equal(many));
  const torch::NoGradGuard no_grad;
  HostBatches batches(*validation_, WindowsOfRows(*validation_, 250, 125), {.batch_size = 8, .samples = 250});
  EXPECT_TRUE(torch::allclose(network.forward(batches.Next()->signals).amax(0), some[0], 1e-5, 1e-6));
}

TEST_F(PredictTest, GivesEachRecordTheDigitsThatItHasAlone) {
  const auto network = MakeNetwork();
  const auto maximum = Aggregations::Erase(Maximum());
  const int threads = at::get_num_threads();
  at::set_num_threads(3);
  const torch::Tensor together = Predict(*network, *validation_, {250, 125}, *maximum, Device(), "");
  SplitPart alone = *validation_;
  for (int row = 0; row < validation_->size(); ++row) {
    alone.rows = {validation_->rows[row]};
    EXPECT_TRUE(Predict(*network, alone, {250, 125}, *maximum, Device(), "")[0].equal(together[row])) << row;
  }
  at::set_num_threads(threads);
}

TEST(AggregationTest, KeepsWhatIsNotANumber) {
  const torch::Tensor windows = torch::tensor({{1.0f, 2.0f}, {std::numeric_limits<float>::quiet_NaN(), 3.0f}});
  const torch::Tensor row = Maximum().Aggregate(windows);
  EXPECT_TRUE(row[0].isnan().item<bool>());
  EXPECT_EQ(row[1].item<float>(), 3);
}

TEST(AggregationTest, RefusesMeanProbabilitiesOfAnObjectiveWithoutLogits) {
  struct Unlinked : MultiLabel {
    static torch::Tensor Logits(const torch::Tensor&) = delete;
  };
  const std::unique_ptr<AnyObjective> objective = Objectives::Erase(Unlinked());
  EXPECT_FALSE(objective->has_logits());
  EXPECT_THROW(MeanProbability({}, {objective.get()}), std::invalid_argument);
}

}  // namespace
}  // namespace ecg
