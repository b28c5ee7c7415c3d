#include "ecg/batch/augmentation.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include "ecg/batch/amplitude_scale.h"
#include "ecg/batch/baseline_wander.h"
#include "ecg/batch/cutmix.h"
#include "ecg/batch/lead_mask.h"
#include "ecg/batch/mixing_weight.h"
#include "ecg/batch/mixup.h"
#include "ecg/batch/muscle_noise.h"
#include "ecg/batch/powerline_noise.h"
#include "ecg/batch/rand_augment.h"
#include "ecg/batch/time_mask.h"
#include "ecg/batch/time_stretch.h"
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

TEST(AmplitudeScaleTest, CanScaleEachLeadByItself) {
  spec::AmplitudeScale spec;
  spec.set_low(0);
  spec.set_high(2);
  spec.set_per_lead(true);
  const AmplitudeScale scale(spec, kContext);
  ASSERT_EQ(scale.numbers(), 12);
  const torch::Tensor mv = torch::randn({3, 12, 50}), uniform = torch::rand({3, 12});
  Batch batch = BatchOf(mv);
  scale.Apply(uniform, batch);
  EXPECT_TRUE(torch::allclose(Millivolts(batch), mv * (2 * uniform).unsqueeze(2), 1e-4, 1e-5));
}

// What `augmentation` adds to signals, in mV, with the first random number, by which it is applied or not, at
// `whether`.
template <typename A>
torch::Tensor AddedMillivolts(const A& augmentation, torch::Tensor uniform, double whether = 0, int samples = 1000) {
  uniform.select(1, 0).fill_(whether);
  const torch::Tensor mv = torch::randn({uniform.size(0), 12, samples});
  Batch batch = BatchOf(mv);
  augmentation.Apply(uniform, batch);
  return Millivolts(batch) - mv;
}

TEST(BaselineWanderTest, AddsTheSameSlowWaveToAllLeadsInOtherAmounts) {
  spec::BaselineWander spec;
  spec.set_most_mv(0.4);
  spec.set_probability(0.5);
  const BaselineWander wander(spec, kContext);
  const torch::Tensor uniform = torch::rand({2, wander.numbers()});
  const torch::Tensor added = AddedMillivolts(wander, uniform);
  const auto u = uniform.accessor<float, 2>();
  for (const int lead : {0, 11}) {
    for (const int t : {0, 1, 400, 999}) {
      double wave = 0;
      for (int k = 0; k < 3; ++k) {
        wave += std::sin(2 * std::numbers::pi * ((0.05 + 0.45 * u[1][2 + k]) * t / 500 + u[1][5 + k])) / 3;
      }
      EXPECT_NEAR(added[1][lead][t].item<double>(), 0.4 * u[1][1] * (2 * u[1][8 + lead] - 1) * wave, 1e-5);
    }
  }
  EXPECT_LT(AddedMillivolts(wander, uniform, /*whether=*/0.6).abs().max().item<double>(), 1e-5);
}

TEST(PowerlineNoiseTest, AddsASineOfThePowerline) {
  spec::PowerlineNoise spec;
  spec.set_frequency_hz(60);
  const PowerlineNoise noise(spec, kContext);
  const torch::Tensor uniform = torch::rand({2, noise.numbers()}), added = AddedMillivolts(noise, uniform);
  const auto u = uniform.accessor<float, 2>();
  for (const int t : {0, 1, 500, 999}) {
    const double wave = std::sin(2 * std::numbers::pi * (60.0 * t / 500 + u[0][2]));
    EXPECT_NEAR(added[0][7][t].item<double>(), 0.05 * u[0][1] * (2 * u[0][10] - 1) * wave, 1e-5);
  }
  EXPECT_THROW(PowerlineNoise(spec, {.sampling_frequency_hz = 100, .scaler = {}}), std::invalid_argument);
}

TEST(MuscleNoiseTest, HashesAsLowbias32Does) {
  const std::vector<int64_t> counters = {0, 1, 12345, 0xffffffff};
  const torch::Tensor found = HashedUniform(torch::tensor(counters));
  for (size_t i = 0; i < counters.size(); ++i) {
    uint32_t x = static_cast<uint32_t>(counters[i]);
    x ^= x >> 16;
    x *= 0x7feb352dU;
    x ^= x >> 15;
    x *= 0x846ca68bU;
    x ^= x >> 16;
    EXPECT_EQ(found[i].item<float>(), static_cast<float>(x >> 8) * 0x1p-24f);
  }
}

TEST(MuscleNoiseTest, AddsIndependentNoiseWhosePowerRisesWithFrequency) {
  spec::MuscleNoise spec;
  spec.set_most_mv(0.2);
  const MuscleNoise noise(spec, kContext);
  const torch::Tensor uniform = torch::tensor({{0.0f, 0.5f, 0.3f}, {0.0f, 0.5f, 0.3001f}});
  const torch::Tensor added = AddedMillivolts(noise, uniform, 0, 5000);
  EXPECT_NEAR(added.mean().item<double>(), 0, 1e-4);
  EXPECT_NEAR(added.std().item<double>(), 0.1, 0.001);
  const auto correlation = [](const torch::Tensor& a, const torch::Tensor& b) {
    return ((a * b).mean() / (a.square().mean() * b.square().mean()).sqrt()).item<double>();
  };
  EXPECT_NEAR(correlation(added[0][3], added[0][4]), 0, 0.05) << "leads";
  EXPECT_NEAR(correlation(added[0][3], added[1][3]), 0, 0.05) << "crops";
  // Differences of white noise: half of the variance returns with the other sign in the next sample.
  EXPECT_NEAR(correlation(added[0][3].slice(0, 0, -1), added[0][3].slice(0, 1)), -0.5, 0.05);
}

TEST(TimeStretchTest, InterpolatesAroundTheMiddle) {
  spec::TimeStretch spec;
  spec.set_most_share(0.5);
  const torch::Tensor signals = torch::randn({3, 12, 101});
  Batch batch = {signals, {}, {}, {}};
  // Factors 1.5, 0.75, and none.
  spec.set_probability(0.5);
  TimeStretch(spec).Apply(torch::tensor({{0.1f, 1.0f}, {0.1f, 0.25f}, {0.6f, 1.0f}}), batch);
  const double factors[] = {1.5, 0.75, 1};
  for (int b = 0; b < 3; ++b) {
    for (int t = 0; t <= 100; ++t) {
      const double position = 50 + (t - 50) * factors[b];
      double expected = 0;
      if (position >= 0 && position <= 100) {
        const int before = static_cast<int>(position);
        const double share = position - before;
        expected = (1 - share) * signals[b][5][before].item<double>() +
                   share * signals[b][5][std::min(before + 1, 100)].item<double>();
      }
      EXPECT_NEAR(batch.signals[b][5][t].item<double>(), expected, 1e-5) << b << " " << t;
    }
  }
  EXPECT_TRUE(batch.signals[2].equal(signals[2]));
}

TEST(LeadMaskTest, MasksLeadsAndCanRescaleTheOthers) {
  spec::LeadMask spec;
  spec.set_probability(0.5);
  torch::Tensor uniform = torch::full({2, 12}, 0.7f);
  uniform[0].narrow(0, 0, 9).fill_(0.2f);
  uniform[1].fill_(0.2f);
  Batch batch = {torch::ones({2, 12, 10}), {}, {}, {}};
  LeadMask(spec).Apply(uniform, batch);
  EXPECT_EQ(batch.signals[0].narrow(0, 0, 9).abs().max().item<float>(), 0);
  EXPECT_TRUE(batch.signals[0].narrow(0, 9, 3).equal(torch::ones({3, 10})));
  EXPECT_TRUE(batch.signals[1].equal(torch::ones({12, 10}))) << "all at once are none";
  spec.set_rescale(true);
  batch.signals = torch::ones({2, 12, 10});
  LeadMask(spec).Apply(uniform, batch);
  EXPECT_TRUE(torch::allclose(batch.signals[0].narrow(0, 9, 3), torch::full({3, 10}, 4.0f)));
  EXPECT_TRUE(torch::allclose(batch.signals[1], torch::ones({12, 10})));
}

TEST(MixingWeightTest, IsBetaDistributedAndFolded) {
  torch::manual_seed(1);
  const torch::Tensor uniform = torch::rand({200000, 2});
  // Quartiles of max(w, 1 - w) by SciPy's beta.ppf.
  const std::vector<std::pair<double, std::vector<double>>> expected = {{0.2, {0.83657926, 0.97618528, 0.99924414}},
                                                                        {1, {0.625, 0.75, 0.875}},
                                                                        {3, {0.56748164, 0.64056384, 0.73062143}}};
  for (const auto& [alpha, quartiles] : expected) {
    const torch::Tensor weights = std::get<0>(MixingWeight(uniform, alpha).flatten().sort());
    for (int i = 0; i < 3; ++i) {
      EXPECT_NEAR(weights[(i + 1) * 50000].item<double>(), quartiles[i], 0.004) << alpha << " " << i;
    }
  }
  const torch::Tensor extremes = MixingWeight(torch::tensor({{0.0f, 0.0f}, {0.0f, 0.25f}, {0.999999f, 0.5f}}), 0.01);
  EXPECT_TRUE(extremes.ge(0.5).logical_and(extremes.le(1)).all().item<bool>()) << extremes;
}

TEST(MixupTest, MixesSignalsAndTargetsAlike) {
  spec::Mixup spec;
  spec.set_probability(0.5);
  const torch::Tensor signals = torch::randn({3, 12, 20}), targets = torch::rand({3, 4}).round();
  torch::Tensor uniform = torch::rand({3, 3});
  uniform.select(1, 0).copy_(torch::tensor({0.1f, 0.2f, 0.9f}));
  Batch batch = {signals, targets, {}, {}};
  Mixup(spec).Apply(uniform, batch);
  const torch::Tensor weight = MixingWeight(uniform.narrow(1, 1, 2), 0.2);
  for (int b = 0; b < 2; ++b) {
    const int other = (b + 2) % 3;
    const torch::Tensor w = weight[b];
    EXPECT_TRUE(torch::allclose(batch.signals[b], w * signals[b] + (1 - w) * signals[other], 1e-4, 1e-5));
    EXPECT_TRUE(torch::allclose(batch.targets[b], w * targets[b] + (1 - w) * targets[other], 1e-4, 1e-5));
  }
  EXPECT_TRUE(batch.signals[2].equal(signals[2]) && batch.targets[2].equal(targets[2]));
}

TEST(CutMixTest, TakesASegmentOfAnotherCropAndItsShareOfTheTargets) {
  const torch::Tensor signals = torch::arange(3).view({3, 1, 1}).expand({3, 12, 200}).to(torch::kFloat32);
  const torch::Tensor targets = torch::eye(3);
  const torch::Tensor uniform =
      torch::tensor({{0.0f, 0.5f, 0.1f, 0.3f}, {0.0f, 0.9f, 0.9f, 0.0f}, {0.0f, 0.2f, 0.4f, 0.99f}});
  Batch batch = {signals, targets, {}, {}};
  CutMix(spec::CutMix()).Apply(uniform, batch);
  for (int b = 0; b < 3; ++b) {
    const int other = (b + 2) % 3;
    const torch::Tensor cut = batch.signals[b].eq(other);
    EXPECT_TRUE(cut.logical_or(batch.signals[b].eq(b)).all().item<bool>());
    EXPECT_TRUE(cut.eq(cut[0]).all().item<bool>()) << "the same in all leads";
    const int64_t count = cut[0].sum().item<int64_t>();
    EXPECT_EQ(cut[0].slice(0, 1).ne(cut[0].slice(0, 0, -1)).sum().item<int64_t>(), b == 1 ? 1 : 2) << "one segment";
    const double weight = MixingWeight(uniform.narrow(1, 1, 2), 1)[b].item<double>();
    EXPECT_NEAR(count, 200 * (1 - weight), 1);
    EXPECT_NEAR(batch.targets[b][other].item<double>(), count / 200.0, 1e-6);
    EXPECT_NEAR(batch.targets[b].sum().item<double>(), 1, 1e-6);
  }
}

TEST(RandAugmentTest, AppliesAsManyToEachCropAsItShould) {
  spec::RandAugment spec;
  for (const int hz : {100, 500}) {
    const AugmentationContext context = {.sampling_frequency_hz = hz, .scaler = kContext.scaler};
    const RandAugment augment(spec, context);
    const int choices = augment.choices();
    ASSERT_EQ(choices, hz == 100 ? 6 : 7);
    // It draws the first, amplitude_scale, and the last, lead_mask.
    torch::Tensor uniform = torch::rand({1, augment.numbers()});
    uniform[0].narrow(0, 0, choices).fill_(0.9f);
    uniform[0][0] = 0.1f;
    uniform[0][choices - 1] = 0.2f;
    const torch::Tensor mv = torch::randn({1, 12, 300});
    Batch batch = BatchOf(mv), expected = BatchOf(mv);
    augment.Apply(uniform, batch);
    AmplitudeScale(spec::AmplitudeScale(), context).Apply(uniform.narrow(1, choices, 1), expected);
    LeadMask(spec::LeadMask()).Apply(uniform.narrow(1, augment.numbers() - 12, 12), expected);
    EXPECT_TRUE(batch.signals.equal(expected.signals));
  }
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
