#include "ecg/model/classifier.h"

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <vector>

#include "ecg/model/network.h"
#include "ecg/model/undecayed.h"
#include "ecg/model/weights.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

// A backbone whose parameter, buffer and dropout are its own rather than those of a layer in it.
class Scaled : public torch::nn::Module, public Undecayed {
 public:
  using Spec = spec::OwnBackbone;
  static const Spec& SpecIn(const spec::Model& model) { return model.own(); }

  Scaled(const Spec&, int leads)
      : leads_(leads),
        scale_(register_parameter("scale", torch::full({leads, 1}, 2.0))),
        offset_(register_buffer("offset", torch::full({leads, 1}, 1.0))) {}

  torch::Tensor forward(const torch::Tensor& signals) {
    return torch::dropout((signals * scale_ + offset_).mean(2), 0.5, is_training());
  }
  int feature_dim() const { return leads_; }
  torch::nn::Linear AppendHead(int classes) { return register_module("fc", torch::nn::Linear(leads_, classes)); }
  std::vector<torch::Tensor> undecayed() const override { return {scale_}; }

 private:
  const int leads_;
  torch::Tensor scale_, offset_;
};

TEST(ClassifierTest, OfABackboneWithItsOwnHeadHasAllThatTheBackboneHas) {
  torch::manual_seed(1);
  Classifier<Scaled> network(spec::Model(), /*leads=*/12, /*classes=*/3);
  const NamedTensors state = StateOf(network);
  ASSERT_TRUE(state.contains("scale") && state.contains("offset") && state.contains("fc.weight"));
  EXPECT_EQ(state.size(), 4u);
  EXPECT_EQ(ParameterCount(network), 12 + 12 * 3 + 3);
  // It is trained, and what is loaded into it is used.
  const torch::Tensor signals = torch::randn({2, 12, 50});
  network.forward(signals).sum().backward();
  EXPECT_TRUE(network.named_parameters()["scale"].grad().defined());
  network.eval();
  const torch::Tensor before = network.forward(signals);
  state.at("offset").add_(1);
  EXPECT_FALSE(network.forward(signals).allclose(before));
  const std::vector<torch::Tensor> undecayed = UndecayedIn(network);
  ASSERT_EQ(undecayed.size(), 1u);
  EXPECT_EQ(undecayed[0].data_ptr(), state.at("scale").data_ptr());
}

TEST(ClassifierTest, SetsTheModeOfABackboneWithItsOwnHead) {
  torch::manual_seed(1);
  Classifier<Scaled> network(spec::Model(), /*leads=*/12, /*classes=*/3);
  const torch::Tensor signals = torch::randn({4, 12, 50});
  EXPECT_FALSE(network.forward(signals).equal(network.forward(signals)));
  network.eval();
  EXPECT_TRUE(network.forward(signals).equal(network.forward(signals)));
  network.train();
  EXPECT_FALSE(network.forward(signals).equal(network.forward(signals)));
}

TEST(ClassifierTest, GivesABackboneWithAnyOtherHeadAPrefix) {
  const NamedTensors state = StateOf(Classifier<Scaled, LinearHead>(spec::Model(), /*leads=*/12, /*classes=*/3));
  EXPECT_TRUE(state.contains("backbone.scale") && state.contains("backbone.offset"));
  EXPECT_TRUE(state.contains("prediction_heads.fc.weight"));
}

}  // namespace
}  // namespace ecg
