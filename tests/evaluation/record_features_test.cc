#include "ecg/evaluation/record_features.h"

#include <torch/optim/adam.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ecg/batch/batch.h"
#include "ecg/batch/host_batches.h"
#include "ecg/batch/sampler.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/device/device.h"
#include "ecg/evaluation/feature_space.h"
#include "ecg/evaluation/predict.h"
#include "ecg/model/basic_conv.h"
#include "ecg/model/classifier.h"
#include "ecg/model/network.h"
#include "ecg/signal/lead.h"
#include "ecg/spec/parse.h"
#include "ecg/spec/resolve.h"
#include "ecg/train/objective.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"
#include "tests/train/small_training.h"

namespace ecg {
namespace {

constexpr WindowOptions kWindows = {.samples = 250, .stride = 125};

spec::Model ModelOf(const char* text) {
  constexpr char kRest[] = "data { ptb_xl { task: SUPERDIAGNOSTIC } } training { multi_label {} }";
  return Resolve(ParseExperiment(std::string(kRest) + " model { " + text + " }", "test").value()).model();
}

class RecordFeaturesTest : public SmallTrainingTest {
 protected:
  static std::shared_ptr<Network> MakeClassifier() {
    torch::manual_seed(1);
    return std::make_shared<Classifier<BasicConv>>(ModelOf("basic_conv { architecture: BASIC_1D }"), kLeads,
                                                   train_->classes());
  }

  // FeaturesOf returns the features of the records of `part`, computed one record at a time from windows that `change`
  // changed, [W, C, L].
  static torch::Tensor FeaturesOf(Network& network, const SplitPart& part,
                                  const std::function<torch::Tensor(const torch::Tensor&)>& change) {
    const torch::NoGradGuard no_grad;
    network.eval();
    std::vector<torch::Tensor> features;
    // All records have eight windows.
    HostBatches batches(part, WindowsOfRows(part, 250, 125), {.batch_size = 8, .samples = 250});
    while (const std::optional<Batch> batch = batches.Next()) {
      features.push_back(network.ForwardWithFeatures(change(batch->signals)).features.mean(0));
    }
    return torch::stack(features);
  }
};

TEST_F(RecordFeaturesTest, AreTheMeansOfWhatTheHeadReads) {
  const std::shared_ptr<Network> network = MakeClassifier();
  const torch::Tensor found = RecordFeatures(*network, *validation_, kWindows, Device(), "");
  const torch::Tensor expected = FeaturesOf(*network, *validation_, [](const torch::Tensor& x) { return x; });
  ASSERT_EQ(found.sizes(), torch::IntArrayRef({validation_->size(), 256}));
  EXPECT_EQ(FeatureDim(*network, kLeads, 250, Device()), 256);
  EXPECT_TRUE(torch::allclose(found, expected, 1e-4, 1e-5));
  EXPECT_GT(found.std(0).max().item<float>(), 0);
}

TEST_F(RecordFeaturesTest, ComeWithTheLogitsThatTheNetworkGivesAnyway) {
  const std::shared_ptr<Network> network = MakeClassifier();
  network->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor signals = torch::randn({3, kLeads, 250});
  EXPECT_TRUE(network->ForwardWithFeatures(signals).logits.equal(network->forward(signals)));
}

TEST_F(RecordFeaturesTest, AreNotThereInANetworkThatIsNoBackboneWithAHead) {
  Fcn network(ModelOf("fcn {}"), kLeads, train_->classes());
  EXPECT_EQ(FeatureDim(network, kLeads, 250, Device()), std::nullopt);
  EXPECT_FALSE(RecordFeatures(network, *validation_, kWindows, Device(), "").defined());
  EXPECT_FALSE(FitFeatureSpace(network, *train_, *validation_, kWindows, Device(), /*seed=*/1).value().has_value());
}

TEST_F(RecordFeaturesTest, SomeRowsAreDrawnFromAll) {
  const SplitPart some = SomeRows(*train_, 50, /*seed=*/1), same = SomeRows(*train_, 50, 1),
                  others = SomeRows(*train_, 50, 2), all = SomeRows(*train_, 1000, 1);
  EXPECT_EQ(all.rows, train_->rows);
  EXPECT_EQ(some.rows, same.rows);
  EXPECT_NE(some.rows, others.rows);
  EXPECT_EQ(std::set<int>(some.rows.begin(), some.rows.end()).size(), 50u);
  for (const int row : some.rows) EXPECT_TRUE(std::ranges::count(train_->rows, row) == 1);
}

TEST_F(RecordFeaturesTest, TellRecordingsThatAreUnlikeTheTrainingRecords) {
  // Records that are neither trained on nor what distances are compared with.
  const SplitPart trained_on = SomeRows(*train_, 100, /*seed=*/1);
  SplitPart held_out = *train_;
  std::erase_if(held_out.rows, [&](int row) { return std::ranges::count(trained_on.rows, row) > 0; });
  const int records = held_out.size();
  ASSERT_GE(records, 50);
  const std::shared_ptr<Network> network = MakeClassifier();
  torch::optim::Adam optimizer(network->parameters(), 1e-3);
  for (int epoch = 1; epoch <= 6; ++epoch) {
    network->train();
    const std::vector<int> order = Shuffled().Order(trained_on, /*seed=*/1, epoch);
    HostBatches batches(trained_on, TrainingCrops(trained_on, order, /*seed=*/1, epoch, 250),
                        {.batch_size = 16, .samples = 250});
    while (const std::optional<Batch> batch = batches.Next()) {
      optimizer.zero_grad();
      MultiLabel().Loss(network->forward(batch->signals), batch->targets).backward();
      optimizer.step();
    }
  }
  const std::optional<FeatureSpace> space =
      FitFeatureSpace(*network, trained_on, *validation_, kWindows, Device(), /*seed=*/1).value();
  ASSERT_TRUE(space.has_value());
  const std::vector<double> clean =
      space->Distances(FeaturesOf(*network, held_out, [](const torch::Tensor& x) { return x; }));
  // How many of these records are farther when they are changed.
  const auto farther = [&](const std::function<torch::Tensor(const torch::Tensor&)>& change) {
    const std::vector<double> changed = space->Distances(FeaturesOf(*network, held_out, change));
    int count = 0;
    for (size_t i = 0; i < clean.size(); ++i) count += changed[i] > clean[i];
    return count;
  };
  // The arms' electrodes reversed: I is upside down, and II and III, aVR and aVL change places.
  const auto reverse_arms = [](const torch::Tensor& x) {
    torch::Tensor reversed = x.index_select(1, torch::tensor({0, 2, 1, 4, 3, 5, 6, 7, 8, 9, 10, 11}));
    reversed.select(1, 0).neg_();
    return reversed;
  };
  // By chance it would be half of them.
  EXPECT_GE(farther(reverse_arms), records * 5 / 8);
  EXPECT_GE(farther([](const torch::Tensor& x) { return x + torch::randn_like(x); }), records * 9 / 10);
  EXPECT_GE(farther([](const torch::Tensor& x) { return 5 * x; }), records * 9 / 10);
}

}  // namespace
}  // namespace ecg
