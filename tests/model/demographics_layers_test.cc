#include "ecg/model/demographics_layers.h"

#include <torch/types.h>

#include <cmath>
#include <string>
#include <vector>

#include "ecg/model/classifier.h"
#include "ecg/model/head.h"
#include "ecg/model/resnet.h"
#include "ecg/signal/demographics.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

class DemographicsLayersTest : public testing::Test {
 protected:
  DemographicsLayersTest() { torch::manual_seed(1); }

  static torch::Tensor NumbersOf(const Demographics& patient) {
    const auto numbers = patient.ToNumbers();
    return torch::tensor(std::vector<float>(numbers.begin(), numbers.end())).unsqueeze(0);
  }

  static spec::Model Model() {
    spec::Model model;
    model.mutable_resnet()->set_feature_dim(32);
    model.mutable_linear_head();
    model.mutable_demographics()->set_feature_dim(16);
    return model;
  }
};

TEST_F(DemographicsLayersTest, AreTheLayersOfThePaper) {
  spec::Demographics spec;
  DemographicsLayers layers(spec);
  layers.eval();
  const torch::Tensor x = torch::randn({3, kDemographicNumbers});
  const auto named = layers.named_parameters();
  const auto linear = [&](const torch::Tensor& in, const std::string& name) {
    return torch::relu(torch::linear(in, named[name + ".weight"], named[name + ".bias"]));
  };
  // Batch norm as at its start, in evaluation mode: divided by sqrt(1 + 1e-5).
  const double scale = 1 / std::sqrt(1 + 1e-5);
  const torch::Tensor expected = linear(linear(linear(x, "fc1") * scale, "fc2") * scale, "fc3");
  EXPECT_TRUE(torch::allclose(layers.forward(x), expected, 1e-5, 1e-6));
  EXPECT_EQ(layers.forward(x).sizes(), (torch::IntArrayRef{3, 64}));
}

// Which rows of [B, F] equal the first but for rounding: how a matrix product sums depends on where a row stands, and
// batch norm divides what is almost constant by its small deviation.
torch::Tensor AsFirst(const torch::Tensor& rows) { return rows.isclose(rows[0], 1e-3, 1e-3).all(1); }

TEST_F(DemographicsLayersTest, HideAShareOfThePatientsInTrainingOnly) {
  spec::Demographics spec;
  spec.set_hide_probability(0.5);
  spec.set_dropout(0);
  DemographicsLayers layers(spec);
  const torch::Tensor known = NumbersOf({.age_years = 80, .sex = "male"}).repeat({400, 1});
  // The rows of a batch are either as those of the known patient, or as those of whom nothing is known.
  layers.train();
  const torch::Tensor mixed = layers.forward(known);
  const torch::Tensor as_first = AsFirst(mixed);
  const torch::Tensor others = mixed.index({as_first.logical_not()});
  EXPECT_NEAR(as_first.to(torch::kFloat64).mean().item<double>(), 0.5, 0.1);
  ASSERT_GT(others.size(0), 0);
  EXPECT_TRUE(AsFirst(others).all().item<bool>());
  layers.eval();
  const torch::Tensor same = layers.forward(known);
  EXPECT_TRUE(same.allclose(same[0].expand_as(same), 1e-5, 1e-6));
  EXPECT_FALSE(torch::equal(same[0], layers.forward(MissingDemographics(1, torch::kCPU))[0]));
}

TEST_F(DemographicsLayersTest, ChangeTheLogitsOfANetworkThatReadsThem) {
  Classifier<ResNet<BasicBlock>, LinearHead> network(Model(), /*leads=*/12, /*classes=*/5);
  network.eval();
  EXPECT_TRUE(network.ReadsDemographics());
  const torch::Tensor signals = torch::randn({2, 12, 250});
  const torch::Tensor young = NumbersOf({.age_years = 20}).repeat({2, 1}),
                      old = NumbersOf({.age_years = 90}).repeat({2, 1});
  EXPECT_FALSE(torch::allclose(network.Forward({signals, young}), network.Forward({signals, old})));
  EXPECT_TRUE(torch::equal(network.forward(signals), network.Forward({signals, MissingDemographics(2, torch::kCPU)})))
      << "without demographics all are missing";
  const LogitsAndFeatures both = network.ForwardWithFeatures({signals, young});
  EXPECT_TRUE(torch::equal(both.logits, network.Forward({signals, young})));
  EXPECT_EQ(both.features.size(1), 32 + 16);
}

TEST_F(DemographicsLayersTest, ArePartOfTheNetworkOnlyWhereTheSpecHasThem) {
  spec::Model model = Model();
  model.clear_demographics();
  Classifier<ResNet<BasicBlock>, LinearHead> network(model, 12, 5);
  network.eval();
  EXPECT_FALSE(network.ReadsDemographics());
  const torch::Tensor signals = torch::randn({2, 12, 250});
  EXPECT_TRUE(
      torch::equal(network.Forward({signals, torch::ones({2, kDemographicNumbers})}), network.forward(signals)));
}

}  // namespace
}  // namespace ecg
