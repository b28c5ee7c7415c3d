#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ecg/model/any_network.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "ecg/nn/batch_norm.h"
#include "ecg/nn/channels_last.h"
#include "ecg/parity/deterministic.h"
#include "ecg/parity/metric_parity.h"
#include "ecg/parity/model_parity.h"
#include "ecg/parity/protocol_parity.h"
#include "ecg/parity/reference_models.h"
#include "ecg/parity/row.h"
#include "ecg/spec/check.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

void ExpectAgreement(const absl::StatusOr<std::vector<ParityRow>>& rows) {
  ASSERT_TRUE(rows.ok()) << rows.status();
  size_t compared = 0;
  for (const ParityRow& row : *rows) {
    compared += row.skipped.empty();
    EXPECT_FALSE(row.differs()) << ParityTable({row});
  }
  EXPECT_GT(compared, 0u);
}

// ParityTest reads the reference's results, if they are available.
class ParityTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* shared = std::getenv("ECG_SHARED_DIR");
    if (shared == nullptr) GTEST_SKIP() << "ECG_SHARED_DIR does not name the folder with the reference's results";
    shared_ = shared;
  }

  // The networks that are compared as in an experiment too: one of each type, since a deep one takes half a minute.
  static bool IsFirstOfItsType(const ReferenceModel& reference) {
    static const std::vector<ReferenceModel> models = FirstOfEachType();
    return std::ranges::any_of(models, [&](const ReferenceModel& model) { return model.name == reference.name; });
  }

  std::filesystem::path shared_;
};

TEST_F(ParityTest, NetworksAgreeWithTheReference) {
  ExpectAgreement(CompareModels(shared_ / "parity/models.json", AnyNetwork, IsFirstOfItsType));
}

TEST_F(ParityTest, NetworksAgreeWithTheBenchmark) {
  ExpectAgreement(CompareModels(shared_ / "parity/models_helme.json", AnyNetwork, IsFirstOfItsType));
}

TEST_F(ParityTest, TrainingAgreesWithTheReference) {
  ExpectAgreement(CompareTraining(shared_ / "parity/training.json", AnyNetwork));
}

TEST_F(ParityTest, MetricsAgreeWithScikitLearn) { ExpectAgreement(CompareMetrics(shared_ / "parity/metrics.json")); }

TEST_F(ParityTest, ProtocolAgreesWithTheReference) {
  setenv("XDG_CACHE_HOME", testing::TempDir().c_str(), /*overwrite=*/1);
  ExpectAgreement(CompareProtocol(shared_ / "parity/protocol.json", shared_ / "ptbxl-first500"));
}

TEST(S4ParityTest, AgreesWithThePublishedCode) { ExpectAgreement(CompareModels("tests/data/s4.json", AnyNetwork)); }

TEST(ConvNextParityTest, AgreesWithThePublishedCode) {
  ExpectAgreement(CompareModels("tests/data/convnext.json", AnyNetwork));
}

TEST(Net1DParityTest, AgreesWithThePublishedCode) {
  ExpectAgreement(CompareModels("tests/data/net1d.json", AnyNetwork));
}

TEST(VisionTransformerParityTest, AgreesWithThePublishedCode) {
  ExpectAgreement(CompareModels("tests/data/vision_transformer.json", AnyNetwork));
}

TEST(XResNetParityTest, AgreesWithTheBlocksOfFastaiWithSqueezeAndExcitation) {
  ExpectAgreement(CompareModels("tests/data/xse_resnet.json", AnyNetwork));
}

TEST(RowTest, IsOffWhenTheErrorIsTooLargeOrNotANumber) {
  EXPECT_FALSE((ParityRow{"a", "b", 1e-5, 1e-4, ""}).differs());
  EXPECT_TRUE((ParityRow{"a", "b", 1e-3, 1e-4, ""}).differs());
  EXPECT_TRUE((ParityRow{"a", "b", RelativeError({NAN}, {1}), 1e-4, ""}).differs());
  EXPECT_TRUE((ParityRow{"a", "b", RelativeError({1, 2}, {1}), 1e-4, ""}).differs());
  EXPECT_FALSE((ParityRow{"a", "b", 0, 0, "not there"}).differs());
}

TEST(ModelParityTest, NoticesALogitThatDiffers) {
  // The reference is our own network, with one logit changed.
  const ReferenceModel reference = {"ours", "resnet {}"};
  const std::shared_ptr<Network> network = AnyNetwork(SpecOf(reference), /*leads=*/12, /*classes=*/71).value();
  FillDeterministically(StateOf(*network));
  network->eval();
  const torch::Tensor logits = network->forward(DeterministicTensor("input", {2, 12, 250}).to(torch::kFloat32));
  const std::vector<double> numbers = NumbersOf(logits);
  nlohmann::json expected = {{"parameters", 4'022'471},
                             {"state", nlohmann::json::array()},
                             {"loss", 0.0},
                             {"gradient_l2_norm", nlohmann::json::object()},
                             {"logits", {numbers}}};
  for (const auto& [name, tensor] : StateOf(*network)) expected["state"].push_back({name, tensor.sizes().vec()});
  // Of the plain layout, and of channels last.
  const auto logits_off = [&] {
    std::vector<bool> off;
    for (const ParityRow& row : CompareModel(reference, *network, expected, "input", 250)) {
      if (row.quantity == "logits" || row.quantity == "logits, channels last") off.push_back(row.differs());
    }
    return off;
  };
  EXPECT_EQ(logits_off(), (std::vector<bool>{false, false}));
  expected["logits"][0][5] = numbers[5] + 0.01;
  EXPECT_EQ(logits_off(), (std::vector<bool>{true, true}));
}

// A ResNet with gradients that are wrong in training mode and channels last.
class WrongInTraining : public Network {
 public:
  WrongInTraining() : network_(register_module("network", Make())) {
    norm_ = register_module("norm", BatchNorm1d(kParityClasses));
  }

  torch::Tensor forward(const torch::Tensor& signals) override {
    const torch::Tensor logits = network_->forward(signals);
    const bool is_wrong = IsChannelsLast(signals) && norm_->is_training();
    // The same value, with a gradient that is larger by a third.
    return is_wrong ? logits * 1.3 - logits.detach() * 0.3 : logits;
  }

 private:
  static std::shared_ptr<Network> Make() {
    return AnyNetwork(SpecOf({"ours", "resnet {}"}), /*leads=*/12, kParityClasses).value();
  }

  std::shared_ptr<Network> network_;
  BatchNorm1d norm_{nullptr};
};

TEST(ModelParityTest, NoticesAGradientThatDiffersInTraining) {
  WrongInTraining network;
  FillDeterministically(StateOf(network));
  for (const ParityRow& row : CompareTrainingMode("wrong", network, "input", 250)) {
    EXPECT_EQ(row.differs(), row.quantity.starts_with("gradients")) << ParityTable({row});
  }
}

TEST(ReferenceModelsTest, HaveValidSpecs) {
  for (const ReferenceModel& reference : kReferenceModels) {
    spec::Experiment experiment;
    *experiment.mutable_model() = SpecOf(reference);
    EXPECT_NE(experiment.model().backbone_case(), spec::Model::BACKBONE_NOT_SET) << reference.name;
    EXPECT_TRUE(CheckRanges(experiment).empty()) << reference.name;
  }
}

}  // namespace
}  // namespace ecg
