#include <torch/torch.h>

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

// ParityTest reads the reference's figures where they are at hand.
class ParityTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* shared = std::getenv("ECG_SHARED_DIR");
    if (shared == nullptr) GTEST_SKIP() << "ECG_SHARED_DIR names no folder with the reference's figures";
    shared_ = shared;
  }

  static void ExpectAgreement(const absl::StatusOr<std::vector<ParityRow>>& rows) {
    ASSERT_TRUE(rows.ok()) << rows.status();
    size_t compared = 0;
    for (const ParityRow& row : *rows) {
      compared += row.skipped.empty();
      EXPECT_FALSE(row.differs()) << ParityTable({row});
    }
    EXPECT_GT(compared, 0u);
  }

  std::filesystem::path shared_;
};

TEST_F(ParityTest, NetworksAgreeWithTheReferences) {
  ExpectAgreement(CompareModels(shared_ / "parity/models.json", AnyNetwork));
}

TEST_F(ParityTest, NetworksAgreeWithTheBenchmarks) {
  ExpectAgreement(CompareModels(shared_ / "parity/models_helme.json", AnyNetwork));
}

TEST_F(ParityTest, TrainingAgreesWithTheReferences) {
  ExpectAgreement(CompareTraining(shared_ / "parity/training.json", AnyNetwork));
}

TEST_F(ParityTest, FiguresAgreeWithScikitLearns) { ExpectAgreement(CompareMetrics(shared_ / "parity/metrics.json")); }

TEST_F(ParityTest, TheProtocolAgreesWithTheReferences) {
  setenv("XDG_CACHE_HOME", testing::TempDir().c_str(), /*overwrite=*/1);
  ExpectAgreement(CompareProtocol(shared_ / "parity/protocol.json", shared_ / "ptbxl-first500"));
}

TEST(RowTest, IsOffWhenTheErrorIsTooLargeOrNotANumber) {
  EXPECT_FALSE((ParityRow{"a", "b", 1e-5, 1e-4, ""}).differs());
  EXPECT_TRUE((ParityRow{"a", "b", 1e-3, 1e-4, ""}).differs());
  EXPECT_TRUE((ParityRow{"a", "b", RelativeError({NAN}, {1}), 1e-4, ""}).differs());
  EXPECT_TRUE((ParityRow{"a", "b", RelativeError({1, 2}, {1}), 1e-4, ""}).differs());
  EXPECT_FALSE((ParityRow{"a", "b", 0, 0, "not there"}).differs());
}

TEST(ModelParityTest, NoticesAWeightThatDiffers) {
  // A made reference: our own network's figures, of which one logit is changed.
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
  const auto logits_off = [&] {
    for (const ParityRow& row : CompareModel(reference, *network, expected, "input", 250)) {
      if (row.quantity == "logits") return row.differs();
    }
    return true;
  };
  EXPECT_FALSE(logits_off());
  expected["logits"][0][5] = numbers[5] + 0.01;
  EXPECT_TRUE(logits_off());
}

TEST(ReferenceModelsTest, HaveSpecsThatMakeSense) {
  for (const ReferenceModel& reference : kReferenceModels) {
    spec::Experiment experiment;
    *experiment.mutable_model() = SpecOf(reference);
    EXPECT_NE(experiment.model().backbone_case(), spec::Model::BACKBONE_NOT_SET) << reference.name;
    EXPECT_TRUE(CheckRanges(experiment).empty()) << reference.name;
  }
}

}  // namespace
}  // namespace ecg
