#include "ecg/onnx/merge.h"

// A macro of <sys/mman.h>, and a name in ONNX's headers.
#undef MAP_TYPE
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>
#include <torch/types.h>

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "ecg/model/any_network.h"
#include "ecg/model/network.h"
#include "ecg/onnx/export.h"
#include "ecg/score/mean_of_members.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;
using Of = MembersMean::Of;

constexpr char kRecurrent[] = "bi_lstm { hidden_dim: 8 }", kConvolutional[] = "inception_time {}";

// ModelOf returns a model of the network `text`, a spec::Model.
onnx::ModelProto ModelOf(const char* text, int samples = 250, int classes = 5) {
  spec::Model spec;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &spec));
  const std::shared_ptr<Network> network = AnyNetwork(spec, 12, classes).value();
  return OnnxModel(*network, &torch::sigmoid, {.leads = 12, .samples = samples, .scaler = {}}).value();
}

// Fails unless ONNX finds `model` right, and computes the shapes that its graph states.
void ExpectRight(const onnx::ModelProto& model) {
  EXPECT_NO_THROW(onnx::checker::check_model(model));
  const onnx::ShapeInferenceOptions strict(/*check_type_val=*/true, /*strict_mode_val=*/1, /*data_prop_val=*/true);
  onnx::ModelProto inferred = model;
  EXPECT_NO_THROW(onnx::shape_inference::InferShapes(inferred, onnx::OpSchemaRegistry::Instance(), strict));
}

TEST(MergeOnnxTest, IsAGraphThatOnnxFindsRightForEachKindOfMean) {
  const std::vector<onnx::ModelProto> members = {ModelOf(kConvolutional), ModelOf(kRecurrent), ModelOf(kConvolutional)};
  for (const Of of : {Of::kProbability, Of::kLogit}) {
    for (const bool exclusive : {false, true}) {
      const auto model = MergeOnnx(members, {.of = of, .exclusive = exclusive}, {{"name", "three"}});
      ASSERT_TRUE(model.ok()) << model.status();
      ExpectRight(*model);
    }
  }
}

TEST(MergeOnnxTest, HasTheInputAndTheOutputsOfARunAndTheLogitsOfTheMembers) {
  const onnx::ModelProto one = ModelOf(kRecurrent);
  const onnx::ModelProto both = MergeOnnx({one, one}, {.of = Of::kProbability}, {{"name", "both"}}).value();
  ASSERT_EQ(both.graph().input_size(), 1);
  EXPECT_EQ(both.graph().input(0).SerializeAsString(), one.graph().input(0).SerializeAsString());
  ASSERT_EQ(both.graph().output_size(), 3);
  EXPECT_EQ(both.graph().output(0).SerializeAsString(), one.graph().output(0).SerializeAsString());
  EXPECT_EQ(both.graph().output(1).SerializeAsString(), one.graph().output(1).SerializeAsString());
  EXPECT_EQ(both.graph().output(2).name(), "member_logits");
  EXPECT_EQ(both.metadata_props(0).value(), "both");
}

TEST(MergeOnnxTest, RefusesMembersThatReadOtherWindowsOrHaveOtherClasses) {
  const onnx::ModelProto first = ModelOf(kRecurrent);
  const absl::Status window = MergeOnnx({first, ModelOf(kRecurrent, 500)}, {}, {}).status();
  EXPECT_TRUE(absl::IsUnimplemented(window));
  EXPECT_THAT(window.message(), HasSubstr("the input of the model.onnx of member 2"));
  const absl::Status classes = MergeOnnx({first, ModelOf(kRecurrent, 250, 4)}, {}, {}).status();
  EXPECT_THAT(classes.message(), HasSubstr("the output of the model.onnx of member 2"));
}

TEST(MergeOnnxTest, RefusesMembersOfAnotherSetOfOperators) {
  const onnx::ModelProto first = ModelOf(kRecurrent);
  onnx::ModelProto other = first;
  other.mutable_opset_import(0)->set_version(18);
  const absl::Status status = MergeOnnx({first, other}, {}, {}).status();
  EXPECT_TRUE(absl::IsUnimplemented(status));
  EXPECT_THAT(status.message(), HasSubstr("set of operators of the model.onnx of member 2"));
}

}  // namespace
}  // namespace ecg
