#include "ecg/batch/augmentation.h"

#include <torch/torch.h>

#include "ecg/batch/amplitude_scale.h"
#include "ecg/batch/time_mask.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

const AugmentationContext kContext = {.sampling_frequency_hz = 500,
                                      .scaler = {.mean_mv = 0.02, .standard_deviation_mv = 0.25}};

// The batch of `mv`, float32 [B, C, L] in mV.
Batch BatchOf(const torch::Tensor& mv) {
  return {(mv - kContext.scaler.mean_mv) / kContext.scaler.standard_deviation_mv, {}, {}, {}};
}

torch::Tensor Millivolts(const Batch& batch) {
  return batch.signals * kContext.scaler.standard_deviation_mv + kContext.scaler.mean_mv;
}

TEST(AmplitudeScaleTest, MultipliesAmplitudesInMillivolts) {
  spec::AmplitudeScale spec;
  spec.set_low(0.5);
  spec.set_high(2);
  const torch::Tensor mv = torch::randn({3, 12, 50});
  Batch batch = BatchOf(mv);
  AmplitudeScale(spec, kContext).Apply(torch::tensor({0.0f, 0.5f, 0.999f}).unsqueeze(1), batch);
  const torch::Tensor expected = mv * torch::tensor({0.5f, 1.25f, 1.9985f}).view({3, 1, 1});
  EXPECT_TRUE(torch::allclose(Millivolts(batch), expected, 1e-4, 1e-5));
}

TEST(TimeMaskTest, HidesOneStretchOfAllLeads) {
  spec::TimeMask spec;
  spec.set_most_share(0.5);
  Batch batch = {torch::ones({2, 12, 100}), {}, {}, {}};
  // The first is half of the longest, 25 samples, from 0.4 of the 75 that are left: 30 to 55. The second is not masked.
  spec.set_probability(0.7);
  TimeMask(spec).Apply(torch::tensor({{0.5f, 0.4f, 0.6f}, {0.5f, 0.4f, 0.8f}}), batch);
  EXPECT_EQ(batch.signals[0].sum().item<float>(), 12 * 75);
  EXPECT_EQ(batch.signals[0].narrow(1, 30, 25).abs().max().item<float>(), 0);
  EXPECT_EQ(batch.signals[1].sum().item<float>(), 12 * 100);
}

TEST(AugmentTest, GivesEachItsOwnRandomNumbers) {
  AugmentationList list;
  spec::AmplitudeScale scale;
  scale.set_low(2);
  scale.set_high(2);
  list.push_back(Augmentations::Erase(AmplitudeScale(scale, kContext)));
  list.push_back(Augmentations::Erase(TimeMask(spec::TimeMask())));
  EXPECT_EQ(NumbersOf(list), 4);
  const torch::Tensor mv = torch::randn({4, 12, 100});
  Batch batch = BatchOf(mv);
  batch.uniform = torch::rand({4, 4});
  Batch scaled = BatchOf(mv), expected;
  AmplitudeScale(scale, kContext).Apply(batch.uniform.narrow(1, 0, 1), scaled);
  TimeMask(spec::TimeMask()).Apply(batch.uniform.narrow(1, 1, 3), scaled);
  Augment(list, batch);
  EXPECT_TRUE(batch.signals.equal(scaled.signals));
}

}  // namespace
}  // namespace ecg
