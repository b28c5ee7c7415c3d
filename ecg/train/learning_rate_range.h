// learning_rate_range.h
//
// The learning-rate range test (Smith 2017, "Cyclical Learning Rates for Training Neural Networks", arXiv:1506.01186),
// as fastai's lr_find: a short training whose learning rate grows exponentially until the loss diverges, which shows
// from where to where the loss falls.
//
//   ECG_ASSIGN_OR_RETURN(const std::vector<RangePoint> points,
//                        LearningRateRange(*network, train, spec, /*samples=*/1250, std::move(parts), device));
//   ECG_ASSIGN_OR_RETURN(const SuggestedRates rates, SuggestRates(points));
//   std::cout << RangeCurve(points);

#ifndef ECG_TRAIN_LEARNING_RATE_RANGE_H_
#define ECG_TRAIN_LEARNING_RATE_RANGE_H_

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "ecg/batch/augmentation.h"
#include "ecg/batch/batch_source.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/device/cuda.h"
#include "ecg/device/device.h"
#include "ecg/device/layout.h"
#include "ecg/model/network.h"
#include "ecg/random/random.h"
#include "ecg/status/status_macros.h"
#include "ecg/train/optimizer.h"
#include "ecg/train/parameter_groups.h"
#include "ecg/train/training_loop.h"
#include "ecg/train/training_step.h"
#include "proto/experiment.pb.h"

namespace ecg {

// RangePoint is one step of the test.
struct RangePoint {
  double learning_rate = 0;
  // Loss of a crop, and its exponential moving average over the steps.
  double loss = 0;
  double smoothed_loss = 0;
};

// RangeTest is how the test goes. The defaults are fastai's.
struct RangeTest {
  double first = 1e-7;
  double last = 10;
  int steps = 100;
  // Decay rate of the moving average of the loss.
  double decay = 0.98;
  // The test ends when the average is this many times its smallest value.
  double diverged = 4;
};

// GatherPoints calls `loss_of(learning_rate)`, which takes a step, for ever larger learning rates.
template <typename LossOf>
std::vector<RangePoint> GatherPoints(const RangeTest& test, const LossOf& loss_of) {
  std::vector<RangePoint> points;
  double average = 0, smallest = std::numeric_limits<double>::infinity();
  for (int i = 0; i < test.steps; ++i) {
    RangePoint point;
    point.learning_rate = test.first * std::pow(test.last / test.first, static_cast<double>(i) / (test.steps - 1));
    point.loss = loss_of(point.learning_rate);
    if (!std::isfinite(point.loss)) break;
    average = test.decay * average + (1 - test.decay) * point.loss;
    point.smoothed_loss = average / (1 - std::pow(test.decay, i + 1));
    points.push_back(point);
    smallest = std::min(smallest, point.smoothed_loss);
    if (i > test.steps / 10 && point.smoothed_loss > test.diverged * smallest) break;
  }
  return points;
}

// SuggestedRates are learning rates to start from.
struct SuggestedRates {
  // Where the loss falls most steeply.
  double steepest = 0;
  // A tenth of where the loss is smallest.
  double tenth_of_minimum = 0;
};

// SuggestRates reads them off `points`. It leaves out the first tenth, where the average is of few steps, and the last
// five, where the loss diverges.
inline absl::StatusOr<SuggestedRates> SuggestRates(const std::vector<RangePoint>& points) {
  const int begin = std::max(1, static_cast<int>(points.size()) / 10), end = static_cast<int>(points.size()) - 5;
  if (end - begin < 3) {
    return absl::FailedPreconditionError(
        absl::StrCat("the loss was not finite after ", points.size(),
                     " steps, at learning rates too small to learn anything; is there a fault in the data or the "
                     "network?"));
  }
  int steepest = begin, smallest = begin;
  const auto slope = [&](int i) { return points[i + 1].smoothed_loss - points[i - 1].smoothed_loss; };
  for (int i = begin; i < end; ++i) {
    if (slope(i) < slope(steepest)) steepest = i;
    if (points[i].smoothed_loss < points[smallest].smoothed_loss) smallest = i;
  }
  return SuggestedRates{points[steepest].learning_rate, points[smallest].learning_rate / 10};
}

// RangeCurve draws the smoothed loss over the learning rate, as lines of text.
inline std::string RangeCurve(const std::vector<RangePoint>& points) {
  constexpr int kRows = 14, kColumns = 72;
  double low = std::numeric_limits<double>::infinity(), first = 0;
  for (const RangePoint& point : points) low = std::min(low, point.smoothed_loss);
  first = points.empty() ? 0 : points.front().smoothed_loss;
  // What is far above the start is of no interest.
  const double high = low + 1.5 * std::max(first - low, 1e-12);
  std::vector<std::string> rows(kRows, std::string(kColumns, ' '));
  for (size_t i = 0; i < points.size(); ++i) {
    const double height = (std::min(points[i].smoothed_loss, high) - low) / (high - low);
    const int row = static_cast<int>(std::lround((1 - height) * (kRows - 1)));
    const int column = points.size() < 2 ? 0 : static_cast<int>(i * (kColumns - 1) / (points.size() - 1));
    rows[row][column] = '*';
  }
  std::string text = absl::StrFormat("loss\n%10.4g |", high);
  absl::StrAppend(&text, absl::StrJoin(rows, absl::StrCat("\n", std::string(10, ' '), " |")));
  absl::StrAppendFormat(&text, "\n%10.4g +%s\n", low, std::string(kColumns, '-'));
  if (points.empty()) return text;
  absl::StrAppendFormat(&text, "%18.1e%*.1e  learning rate\n", points.front().learning_rate, kColumns - 6,
                        points.back().learning_rate);
  return text;
}

// LearningRateRange trains `network` as `spec` says, but at the learning rates of `test`. The weights of `network` are
// changed. Crops have `samples` samples.
inline absl::StatusOr<std::vector<RangePoint>> LearningRateRange(Network& network, const SplitPart& train,
                                                                 const spec::Experiment& spec, int samples,
                                                                 TrainingParts parts, const Device& device,
                                                                 const RangeTest& test = {}) {
  const spec::Training& training = spec.training();
  const uint64_t seed = spec.runtime().seed();
  const int batches = training.accumulate_batches(), batch_size = training.batch_size();
  try {
    const ScopedStream stream(device.torch);
    MoveNetwork(network, device);
    parts.objective->To(device.torch);
    network.train();
    // Parameters that are frozen in the first epoch stay so.
    ECG_ASSIGN_OR_RETURN(const ParameterGroups groups, ParameterGroups::Create(training, network));
    groups.Freeze(network, /*epoch=*/1);
    Optimizer optimizer(network, std::move(parts.update_rule), /*learning_rate=*/1,
                        groups.ForOptimizer(/*steps_in_epoch=*/0));
    const std::unique_ptr<BatchSource> source = MakeBatchSource(
        train,
        {.batch_size = batch_size, .samples = samples, .drop_last = true, .threads = spec.runtime().loader_threads()},
        device.torch);
    TrainingStep step(network, optimizer, *parts.objective, *source, device,
                      {.augmentations = &parts.augmentations,
                       .accumulate_batches = batches,
                       .clip_gradient_norm = training.clip_gradient_norm()});
    torch::manual_seed(Random({seed, 1})());  // dropout
    int epoch = 0, left = 0;
    const auto next_epoch = [&] {
      ++epoch;
      source->Start(TrainingCrops(train, parts.sampler->Order(train, seed, epoch), seed, epoch, samples,
                                  NumbersOf(parts.augmentations)));
      left = source->count();
    };
    next_epoch();
    if (left < batches) {
      return absl::InvalidArgumentError(absl::StrCat("there are ", train.size(),
                                                     " training records, fewer than one step; use a smaller "
                                                     "training.batch_size, which is ",
                                                     batch_size));
    }
    return GatherPoints(test, [&](double learning_rate) {
      if (left < batches) next_epoch();
      left -= batches;
      optimizer.SetSchedule(learning_rate, std::nullopt);
      double loss = 0;
      step([&] { loss += step.loss().item<double>(); });
      return loss / (batches * batch_size);
    });
  } catch (const std::exception& error) {
    return StatusOf(error, "trying learning rates", device.torch, "Lower training.batch_size");
  }
}

}  // namespace ecg

#endif  // ECG_TRAIN_LEARNING_RATE_RANGE_H_
