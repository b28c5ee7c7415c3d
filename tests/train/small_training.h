// small_training.h
//
// A network and records that are quick to train on, for tests.

#ifndef ECG_TESTS_TRAIN_SMALL_TRAINING_H_
#define ECG_TESTS_TRAIN_SMALL_TRAINING_H_

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "ecg/batch/split_part.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/corpus/scaler.h"
#include "ecg/device/threads.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "ecg/spec/resolve.h"
#include "ecg/synthetic/demo.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {

// SmallNetwork is quick to train and has all that training must keep: weights, batch norm and dropout.
class SmallNetwork : public Network {
 public:
  explicit SmallNetwork(int classes, double dropout = 0.1)
      : convolution_(register_module("convolution", torch::nn::Conv1d(torch::nn::Conv1dOptions(12, 16, 9).stride(2)))),
        norm_(register_module("norm", torch::nn::BatchNorm1d(16))),
        dropout_(register_module("dropout", torch::nn::Dropout(dropout))),
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

// SmallTrainingTest has 200 synthetic records at 100 Hz, labelled with superclasses.
class SmallTrainingTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const std::filesystem::path cache = std::filesystem::path(testing::TempDir()) / "small_training_cache";
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

  static constexpr int kHz = 100;

  // A spec with its defaults filled in.
  static spec::Experiment Spec(int epochs) {
    spec::Experiment spec;
    spec.mutable_data()->mutable_ptb_xl()->set_sampling_frequency_hz(kHz);
    spec.mutable_training()->set_epochs(epochs);
    spec.mutable_training()->set_batch_size(16);
    return Resolve(spec);
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

  static inline PackedSignals* signals_ = nullptr;
  static inline Labels* labels_ = nullptr;
  static inline SplitPart* train_ = nullptr;
  static inline SplitPart* validation_ = nullptr;
};

}  // namespace ecg

#endif  // ECG_TESTS_TRAIN_SMALL_TRAINING_H_
