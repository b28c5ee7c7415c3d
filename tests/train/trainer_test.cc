#include "ecg/train/trainer.h"

#include <torch/torch.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ecg/batch/device_signals.h"
#include "ecg/batch/split_part.h"
#include "ecg/batch/standardise.h"
#include "ecg/batch/training_batches.h"
#include "ecg/batch/window.h"
#include "ecg/batch/window_batches.h"
#include "ecg/corpus/pack.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/corpus/scaler.h"
#include "ecg/device/device.h"
#include "ecg/device/threads.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "ecg/spec/sampling.h"
#include "ecg/synthetic/demo.h"
#include "ecg/train/batch_size.h"
#include "ecg/train/optimizer.h"
#include "ecg/train/predict.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

// SmallNetwork is quick to train and has all that training must keep: weights, batch norm and dropout.
class SmallNetwork : public Network {
 public:
  explicit SmallNetwork(int classes)
      : convolution_(register_module("convolution", torch::nn::Conv1d(torch::nn::Conv1dOptions(12, 16, 9).stride(2)))),
        norm_(register_module("norm", torch::nn::BatchNorm1d(16))),
        dropout_(register_module("dropout", torch::nn::Dropout(0.1))),
        linear_(register_module("linear", torch::nn::Linear(32, classes))) {}

  torch::Tensor forward(const torch::Tensor& signals) override {
    const torch::Tensor x = norm_(convolution_(signals)).relu();
    return linear_(dropout_(torch::cat({x.mean(-1), x.amax(-1)}, 1)));
  }

 private:
  torch::nn::Conv1d convolution_;
  torch::nn::BatchNorm1d norm_;
  torch::nn::Dropout dropout_;
  torch::nn::Linear linear_;
};

// TrainerTest has 200 synthetic records at 100 Hz, labelled with superclasses.
class TrainerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const std::filesystem::path cache = std::filesystem::path(testing::TempDir()) / "trainer_test_cache";
    const absl::StatusOr<std::filesystem::path> data_dir = CachedDemo(200, 1, cache);
    ASSERT_TRUE(data_dir.ok()) << data_dir.status();
    spec::PtbXl spec;
    spec.set_task(spec::PtbXl::SUPERDIAGNOSTIC);
    spec.set_sampling_frequency_hz(100);
    absl::StatusOr<PtbXl> dataset = PtbXl::Open(spec, *data_dir);
    ASSERT_TRUE(dataset.ok()) << dataset.status();
    absl::StatusOr<PackedSignals> signals = PackInCache(*dataset, {}, cache);
    ASSERT_TRUE(signals.ok()) << signals.status();
    signals_ = new PackedSignals(*std::move(signals));
    labels_ = new Labels(dataset->labels());
    train_ = new SplitPart{signals_, labels_, dataset->split().train, {}};
    validation_ = new SplitPart{signals_, labels_, dataset->split().validation, {}};
    const absl::StatusOr<Scaler> scaler = FitScaler(*signals_, train_->Records());
    ASSERT_TRUE(scaler.ok()) << scaler.status();
    train_->scaler = validation_->scaler = *scaler;
    UseThreads(0);
  }

  static spec::Experiment Spec(int epochs) {
    spec::Experiment spec;
    spec.mutable_data()->mutable_ptb_xl()->set_sampling_frequency_hz(100);
    spec.mutable_training()->set_epochs(epochs);
    spec.mutable_training()->set_batch_size(16);
    return spec;
  }

  std::filesystem::path Folder(const std::string& name) const {
    const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / name;
    std::filesystem::remove_all(folder);
    return folder;
  }

  static std::shared_ptr<SmallNetwork> MakeNetwork() {
    torch::manual_seed(1);
    return std::make_shared<SmallNetwork>(train_->classes());
  }

  static bool SameWeights(const Network& a, const Network& b) {
    const NamedTensors left = StateOf(a), right = StateOf(b);
    return std::ranges::equal(
        left, right, [](const auto& x, const auto& y) { return x.first == y.first && x.second.equal(y.second); });
  }

  static PackedSignals* signals_;
  static Labels* labels_;
  static SplitPart* train_;
  static SplitPart* validation_;
};

PackedSignals* TrainerTest::signals_ = nullptr;
Labels* TrainerTest::labels_ = nullptr;
SplitPart* TrainerTest::train_ = nullptr;
SplitPart* TrainerTest::validation_ = nullptr;

TEST_F(TrainerTest, StandardisesToMeanZeroAndDeviationOne) {
  double sum = 0, squares = 0;
  std::vector<float> record(12 * 1000);
  for (int i = 0; i < train_->size(); ++i) {
    Standardise(*signals_, train_->record(i), 0, 1000, train_->scaler, record.data());
    for (const float value : record) sum += value, squares += value * value;
  }
  const double count = 12000.0 * train_->size();
  EXPECT_NEAR(sum / count, 0, 1e-5);
  EXPECT_NEAR(squares / count, 1, 1e-4);
}

TEST_F(TrainerTest, PadsBehindTheEndOfARecordWithZeros) {
  std::vector<float> window(12 * 250, 7);
  Standardise(*signals_, 0, 875, 250, train_->scaler, window.data());
  const Calibration& calibration = signals_->calibration(0, 11);
  const double last = calibration.ToMv(signals_->lead(0, 11)[999]);
  EXPECT_NEAR(window[11 * 250 + 124], (last - train_->scaler.mean_mv) / train_->scaler.standard_deviation_mv, 1e-5);
  EXPECT_EQ(window[11 * 250 + 125], 0);
  EXPECT_EQ(window.back(), 0);
}

TEST_F(TrainerTest, MakesTheSameBatchesWithAnyNumberOfLoaderThreads) {
  const auto batches_with = [](int threads) {
    TrainingBatches batches(*train_,
                            {.epoch = 2, .batch_size = 16, .crop_samples = 250, .seed = 3, .threads = threads});
    std::vector<torch::Tensor> all;
    while (std::optional<Batch> batch = batches.Next()) {
      all.push_back(batch->signals);
      all.push_back(batch->targets);
    }
    return all;
  };
  const std::vector<torch::Tensor> one = batches_with(1), five = batches_with(5);
  ASSERT_EQ(one.size(), 2u * (train_->size() / 16));
  ASSERT_EQ(five.size(), one.size());
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(one[i].equal(five[i])) << i;
}

TEST_F(TrainerTest, StopsMakingBatchesWhenTheyAreNoLongerWanted) {
  TrainingBatches batches(*train_, {.batch_size = 8, .crop_samples = 250, .threads = 3});
  EXPECT_TRUE(batches.Next().has_value());
}

TEST_F(TrainerTest, TakesTheLargestLogitOfARecordsWindows) {
  const auto network = MakeNetwork();
  network->eval();
  const torch::Tensor logits = Predict(
      *network, *validation_, {.window_samples = 250, .stride_samples = 125, .batch_windows = 13}, Device(), "");
  const torch::NoGradGuard no_grad;
  WindowBatches batches(*validation_, {.window_samples = 250, .stride_samples = 125, .batch_windows = 8});
  for (int row = 0; row < validation_->size(); ++row) {
    const std::optional<WindowBatch> batch = batches.Next();
    ASSERT_TRUE(batch.has_value());
    EXPECT_TRUE(torch::allclose(std::get<0>(network->forward(batch->signals).max(0)), logits[row], 1e-5, 1e-6)) << row;
  }
}

TEST_F(TrainerTest, ChangesWeightsAsLibTorchsOwnAdamDoes) {
  const auto ours = MakeNetwork(), theirs = MakeNetwork();
  const auto optimizer = MakeOptimizer(spec::Optimizer(), *ours);
  torch::optim::Adam adam(theirs->parameters(), torch::optim::AdamOptions(1e-3));
  for (int step = 0; step < 5; ++step) {
    const torch::Tensor signals = torch::randn({4, 12, 250}), targets = torch::zeros({4, train_->classes()});
    for (const auto& network : {ours, theirs}) network->eval();  // no dropout, which would differ
    optimizer->ZeroGradients();
    MultiLabel::Loss(ours->forward(signals), targets).backward();
    optimizer->Step();
    adam.zero_grad();
    MultiLabel::Loss(theirs->forward(signals), targets).backward();
    adam.step();
  }
  const NamedTensors left = StateOf(*ours), right = StateOf(*theirs);
  for (const auto& [name, tensor] : left) EXPECT_TRUE(torch::allclose(tensor, right.at(name), 1e-5, 1e-7)) << name;
}

TEST_F(TrainerTest, LearnsAndKeepsTheWeightsThatValidateBest) {
  const auto network = MakeNetwork();
  Trainer<MultiLabel> trainer(Spec(8), Device(), Folder("learns"));
  const absl::StatusOr<run::TrainingState> state = trainer.Fit(*network, *train_, *validation_);
  ASSERT_TRUE(state.ok()) << state.status();
  ASSERT_EQ(state->history_size(), 8);
  EXPECT_LT(state->history(7).train_loss(), state->history(0).train_loss());
  double best = 0;
  for (const run::Epoch& epoch : state->history()) best = std::max(best, epoch.validation_score());
  EXPECT_EQ(state->best_score(), best);
  EXPECT_EQ(state->history(state->best_epoch() - 1).validation_score(), best);

  const torch::Tensor probabilities =
      torch::sigmoid(Predict(*network, *validation_, WindowOptions(Spec(8)), Device(), "")).contiguous();
  const std::vector<uint8_t> targets = validation_->Targets();
  const absl::StatusOr<double> score =
      MultiLabel::Score({.classes = labels_->classes,
                         .targets = targets,
                         .probabilities = {probabilities.data_ptr<float>(), targets.size()}});
  ASSERT_TRUE(score.ok()) << score.status();
  EXPECT_DOUBLE_EQ(*score, best);
}

TEST_F(TrainerTest, LearnsTheSameWhereTheDeviceHoldsTheSignals) {
  const DeviceSignals resident(*signals_, torch::kCPU, CropSamples(Spec(1).data()));
  SplitPart train = *train_, validation = *validation_;
  train.resident = validation.resident = &resident;
  const auto loaded = MakeNetwork(), moved = MakeNetwork();
  const absl::StatusOr<run::TrainingState> expected =
      Trainer<MultiLabel>(Spec(2), Device(), Folder("loaded")).Fit(*loaded, *train_, *validation_);
  const absl::StatusOr<run::TrainingState> state =
      Trainer<MultiLabel>(Spec(2), Device(), Folder("moved")).Fit(*moved, train, validation);
  ASSERT_TRUE(expected.ok() && state.ok()) << expected.status() << state.status();
  for (int epoch = 0; epoch < 2; ++epoch) {
    const run::Epoch &a = expected->history(epoch), &b = state->history(epoch);
    EXPECT_NEAR(b.train_loss(), a.train_loss(), 1e-4 * a.train_loss());
    EXPECT_NEAR(b.validation_loss(), a.validation_loss(), 1e-4 * a.validation_loss());
    EXPECT_NEAR(b.train_score(), a.train_score(), 1e-3);
  }
}

TEST_F(TrainerTest, GoesOnAfterAStopAsIfThereHadBeenNone) {
  const auto undisturbed = MakeNetwork(), stopped = MakeNetwork();
  const absl::StatusOr<run::TrainingState> whole =
      Trainer<MultiLabel>(Spec(4), Device(), Folder("undisturbed")).Fit(*undisturbed, *train_, *validation_);
  ASSERT_TRUE(whole.ok()) << whole.status();

  const std::filesystem::path folder = Folder("stopped");
  ASSERT_TRUE(Trainer<MultiLabel>(Spec(2), Device(), folder).Fit(*stopped, *train_, *validation_).ok());
  const auto fresh = MakeNetwork();
  const absl::StatusOr<run::TrainingState> rest =
      Trainer<MultiLabel>(Spec(4), Device(), folder).Fit(*fresh, *train_, *validation_);
  ASSERT_TRUE(rest.ok()) << rest.status();

  EXPECT_EQ(rest->history_size(), 4);
  EXPECT_EQ(rest->best_epoch(), whole->best_epoch());
  EXPECT_EQ(rest->history(3).train_loss(), whole->history(3).train_loss());
  EXPECT_TRUE(SameWeights(*fresh, *undisturbed));
}

TEST_F(TrainerTest, GoesOnAfterAStopBeforeTheFirstValidation) {
  const std::filesystem::path folder = Folder("not_validated");
  spec::Experiment spec = Spec(3);
  spec.mutable_training()->set_validate_every_epochs(3);
  // A callback that fails is a stop, here after the first epoch.
  struct Stop {
    absl::Status EndEpoch(const run::TrainingState&) { return absl::CancelledError("stopped"); }
  } stop;
  EXPECT_FALSE(Trainer<MultiLabel>(spec, Device(), folder).Fit(*MakeNetwork(), *train_, *validation_, stop).ok());
  const absl::StatusOr<run::TrainingState> state =
      Trainer<MultiLabel>(spec, Device(), folder).Fit(*MakeNetwork(), *train_, *validation_);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->history_size(), 3);
  EXPECT_EQ(state->best_epoch(), 3);
}

TEST_F(TrainerTest, StopsEarlyAfterValidationsWithoutImprovement) {
  spec::Experiment spec = Spec(50);
  spec.mutable_training()->mutable_early_stopping()->set_patience(2);
  spec.mutable_training()->mutable_optimizer()->set_learning_rate(1e-12);  // nothing can improve
  const auto network = MakeNetwork();
  const absl::StatusOr<run::TrainingState> state =
      Trainer<MultiLabel>(spec, Device(), Folder("early")).Fit(*network, *train_, *validation_);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_LT(state->history_size(), 50);
  EXPECT_EQ(state->history_size(), state->best_epoch() + 2);
}

TEST_F(TrainerTest, TellsCallbacksWhatTheyAskFor) {
  struct Counter {
    int epochs = 0;
    absl::Status EndEpoch(const run::TrainingState& state) {
      ++epochs;
      return state.history_size() == epochs ? absl::OkStatus() : absl::InternalError("out of step");
    }
  } counter;
  struct Steps {
    int announced = 0, steps = 0;
    void BeginEpoch(int, int count) { announced += count; }
    void EndStep(double) { ++steps; }
  } steps;
  const auto network = MakeNetwork();
  ASSERT_TRUE(Trainer<MultiLabel>(Spec(2), Device(), Folder("callbacks"))
                  .Fit(*network, *train_, *validation_, counter, steps)
                  .ok());
  EXPECT_EQ(counter.epochs, 2);
  EXPECT_EQ(steps.steps, 2 * (train_->size() / 16));
  EXPECT_EQ(steps.announced, steps.steps);
}

TEST_F(TrainerTest, SaysWhichFieldToLowerWhenTheLossIsNoLongerFinite) {
  spec::Experiment spec = Spec(3);
  spec.mutable_training()->mutable_optimizer()->set_learning_rate(1e30);
  const auto network = MakeNetwork();
  const absl::Status status =
      Trainer<MultiLabel>(spec, Device(), Folder("astray")).Fit(*network, *train_, *validation_).status();
  EXPECT_NE(status.message().find("Lower training.optimizer.learning_rate"), std::string::npos) << status;
}

TEST_F(TrainerTest, LearnsInSixteenBitsAsWell) {
  auto network = MakeNetwork();
  const absl::StatusOr<run::TrainingState> state =
      Trainer<MultiLabel>(Spec(4), Device{torch::kCPU, spec::Runtime::BF16, ""}, Folder("bfloat16"))
          .Fit(*network, *train_, *validation_);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_LT(state->history(3).train_loss(), state->history(0).train_loss());
  for (const torch::Tensor& parameter : network->parameters()) EXPECT_EQ(parameter.dtype(), torch::kFloat32);

  // The logits are rounded, but nearly those of 32 bits.
  const WindowBatches::Options windows = WindowOptions(Spec(4));
  const torch::Tensor exact = Predict(*network, *validation_, windows, Device(), "");
  const torch::Tensor rounded =
      Predict(*network, *validation_, windows, Device{torch::kCPU, spec::Runtime::BF16, ""}, "");
  EXPECT_FALSE(exact.equal(rounded));
  EXPECT_LT((exact - rounded).abs().max().item<double>(), 0.05 * exact.abs().max().item<double>());
}

TEST_F(TrainerTest, RefusesFewerRecordsThanABatch) {
  spec::Experiment spec = Spec(1);
  spec.mutable_training()->set_batch_size(1000);
  const auto network = MakeNetwork();
  const absl::Status status =
      Trainer<MultiLabel>(spec, Device(), Folder("few")).Fit(*network, *train_, *validation_).status();
  EXPECT_NE(status.message().find("training.batch_size, which is 1000"), std::string::npos) << status;
}

TEST_F(TrainerTest, LearnsNothingFromShuffledLabels) {
  Labels shuffled = *labels_;
  std::vector<int> order(shuffled.rows());
  for (int i = 0; i < shuffled.rows(); ++i) order[i] = i;
  order = ShuffledRows(/*seed=*/5, /*epoch=*/1, order);
  const size_t classes = shuffled.classes.size();
  for (int row = 0; row < shuffled.rows(); ++row) {
    std::ranges::copy(labels_->row(order[row]), shuffled.targets.begin() + row * classes);
  }
  SplitPart train = *train_, validation = *validation_;
  train.labels = validation.labels = &shuffled;
  // Not one validation but the mean of several, none of which was chosen for its score.
  const auto network = MakeNetwork();
  const absl::StatusOr<run::TrainingState> state =
      Trainer<MultiLabel>(Spec(8), Device(), Folder("shuffled")).Fit(*network, train, validation);
  ASSERT_TRUE(state.ok()) << state.status();
  double mean = 0;
  for (const run::Epoch& epoch : state->history()) mean += epoch.validation_score() / state->history_size();
  EXPECT_NEAR(mean, 0.5, 0.2);  // five classes among 20 records: one score has a deviation of about 0.08
}

TEST(BatchSizeTest, IsTheLargestPowerOfTwoThatFits) {
  std::vector<int> tried;
  const auto fits = [&tried](int size) {
    tried.push_back(size);
    return size <= 20;
  };
  EXPECT_EQ(LargestPowerOfTwo(1000, fits), 16);
  EXPECT_EQ(tried, (std::vector<int>{2, 4, 8, 16, 32}));
  EXPECT_EQ(LargestPowerOfTwo(15, fits), 8) << "and no larger than there are records";
  EXPECT_EQ(LargestPowerOfTwo(1000, [](int) { return false; }), 0);
}

TEST_F(TrainerTest, RefusesToFindABatchSizeForACpu) {
  spec::Experiment spec = Spec(1);
  spec.mutable_training()->set_batch_size(0);
  const absl::Status status = LargestBatchSize<MultiLabel>(*MakeNetwork(), *train_, spec, Device()).status();
  EXPECT_NE(status.message().find("Write a number, such as 64"), std::string::npos) << status;
}

TEST_F(TrainerTest, SaysWhatToLowerWhenMemoryRunsOut) {
  // A network that asks for more than any machine has.
  struct Greedy : SmallNetwork {
    using SmallNetwork::SmallNetwork;
    torch::Tensor forward(const torch::Tensor& signals) override {
      return SmallNetwork::forward(signals) + torch::empty({int64_t{1} << 50}).sum();
    }
  } greedy(train_->classes());
  const absl::Status status =
      Trainer<MultiLabel>(Spec(1), Device(), Folder("greedy")).Fit(greedy, *train_, *validation_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_NE(status.message().find("Lower training.batch_size"), std::string::npos) << status;
}

TEST(DeviceTest, RefusesAMissingDeviceUnlessTheCpuWillDo) {
  spec::Runtime runtime;
  runtime.set_device("cuda:999");
  const absl::Status status = ChooseDevice(runtime).status();
  EXPECT_NE(status.message().find("cannot use cuda:999"), std::string::npos) << status;
  runtime.set_fall_back_to_cpu(true);
  const absl::StatusOr<Device> device = ChooseDevice(runtime);
  ASSERT_TRUE(device.ok()) << device.status();
  EXPECT_TRUE(device->torch.is_cpu());
  EXPECT_NE(device->note.find("using the CPU instead"), std::string::npos);
}

TEST(MultiClassTest, LossIsCrossEntropySummedOverTheBatch) {
  torch::manual_seed(1);
  const torch::Tensor logits = torch::randn({8, 3}), classes = torch::randint(3, {8}, torch::kInt64);
  const torch::Tensor loss = MultiClass::Loss(logits, torch::one_hot(classes, 3).to(torch::kFloat32));
  const torch::Tensor expected = torch::nn::functional::cross_entropy(
      logits, classes, torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum));
  EXPECT_NEAR(loss.item<double>(), expected.item<double>(), 1e-5);
}

}  // namespace
}  // namespace ecg
