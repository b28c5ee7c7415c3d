#include "ecg/model/deep_ensemble.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "ecg/model/any_network.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

class DeepEnsembleTest : public testing::Test {
 protected:
  DeepEnsembleTest() {
    torch::manual_seed(1);
    spec::Model model;
    model.mutable_xresnet()->set_depth(spec::XResNet::XRESNET_18);
    for (auto& network : {&first_, &second_}) *network = AnyNetwork(model, /*leads=*/12, /*classes=*/3).value();
    ensemble_ = std::make_shared<DeepEnsemble>(std::vector{first_, second_});
    ensemble_->eval();
  }

  std::shared_ptr<Network> first_, second_;
  std::shared_ptr<DeepEnsemble> ensemble_;
  const torch::NoGradGuard no_grad_;
};

TEST_F(DeepEnsembleTest, HasTheGradientsOfOneMemberAfterTheOtherLastLayerFirst) {
  const std::vector<torch::Tensor> order = GradientOrder(*ensemble_);
  const std::vector<torch::Tensor> of_first = first_->parameters(), of_second = second_->parameters();
  ASSERT_EQ(order.size(), of_first.size() + of_second.size());
  EXPECT_TRUE(order.front().is_same(of_first.back()));
  EXPECT_TRUE(order[of_first.size() - 1].is_same(of_first.front()));
  EXPECT_TRUE(order[of_first.size()].is_same(of_second.back()));
  EXPECT_TRUE(order.back().is_same(of_second.front()));
}

TEST_F(DeepEnsembleTest, HasTheMeanOfTheLogitsAndAllFeatures) {
  const torch::Tensor signals = torch::randn({4, 12, 250});
  const LogitsAndFeatures one = first_->ForwardWithFeatures(signals), other = second_->ForwardWithFeatures(signals);
  ASSERT_FALSE(one.logits.allclose(other.logits));
  const torch::Tensor mean = (one.logits + other.logits) / 2;
  EXPECT_TRUE(ensemble_->forward(signals).allclose(mean));
  const LogitsAndFeatures both = ensemble_->ForwardWithFeatures(signals);
  EXPECT_TRUE(both.logits.allclose(mean));
  EXPECT_TRUE(both.features.equal(torch::cat({one.features, other.features}, 1)));
}

TEST_F(DeepEnsembleTest, HasTheStateOfItsMembers) {
  const NamedTensors state = StateOf(*ensemble_), first = StateOf(*first_), second = StateOf(*second_);
  EXPECT_EQ(state.size(), first.size() + second.size());
  for (const auto& [name, tensor] : first) EXPECT_TRUE(state.at("members.0." + name).is_alias_of(tensor)) << name;
  for (const auto& [name, tensor] : second) EXPECT_TRUE(state.at("members.1." + name).is_alias_of(tensor)) << name;
}

TEST_F(DeepEnsembleTest, RefusesTheCropsThatItsMembersRefuse) {
  spec::Model model;
  model.mutable_vision_transformer()->set_patch_samples(25);
  const std::shared_ptr<Network> patches = AnyNetwork(model, 12, 3).value();
  ASSERT_FALSE(patches->CheckSamples(251).ok());
  EXPECT_EQ(DeepEnsemble({patches}).CheckSamples(251), patches->CheckSamples(251));
  EXPECT_EQ(DeepEnsemble({patches}).CheckSamples(250), absl::OkStatus());
}

}  // namespace
}  // namespace ecg
