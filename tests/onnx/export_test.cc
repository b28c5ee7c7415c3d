#include "ecg/onnx/export.h"

// A macro of <sys/mman.h>, and a name in ONNX's headers.
#undef MAP_TYPE
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>
#include <torch/nn/functional/normalization.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "ecg/model/any_network.h"
#include "ecg/model/network.h"
#include "ecg/nn/convolution.h"
#include "ecg/parity/reference_models.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

constexpr int kLeads = 12, kSamples = 1250, kClasses = 5;

absl::StatusOr<onnx::ModelProto> ModelOf(Network& network, int samples = kSamples) {
  return OnnxModel(
      network, &torch::sigmoid,
      {.leads = kLeads, .samples = samples, .scaler = {.mean_mv = 0.5}, .metadata = {{"classes", "AFIB,NORM"}}});
}

// Fails unless ONNX finds `model` right, and computes the shapes that its graph states.
void ExpectRight(const onnx::ModelProto& model) {
  EXPECT_NO_THROW(onnx::checker::check_model(model));
  // In this mode it throws where a shape that it computes is not the one that the graph tells.
  const onnx::ShapeInferenceOptions strict(/*check_type_val=*/true, /*strict_mode_val=*/1, /*data_prop_val=*/true);
  onnx::ModelProto inferred = model;
  EXPECT_NO_THROW(onnx::shape_inference::InferShapes(inferred, onnx::OpSchemaRegistry::Instance(), strict));
}

// One of each family: between them they use nearly all that operators.h has.
class PublishedNetworkTest : public testing::TestWithParam<const char*> {};

TEST_P(PublishedNetworkTest, IsAGraphThatOnnxFindsRightAndWhoseShapesAreLibTorchs) {
  const auto reference = FindReferenceModel(GetParam());
  ASSERT_TRUE(reference.ok()) << reference.status();
  const auto network = AnyNetwork(SpecOf(*reference), kLeads, kClasses);
  ASSERT_TRUE(network.ok()) << network.status();
  // As it is after a training on a CPU.
  ConvertToChannelsLast(**network);
  // Convolutions with kernels as long as the crop are slow in LibTorch.
  const absl::StatusOr<onnx::ModelProto> model = ModelOf(**network, reference->name == "s4" ? 250 : kSamples);
  ASSERT_TRUE(model.ok()) << model.status();

  ExpectRight(*model);
  const onnx::GraphProto& graph = model->graph();
  ASSERT_EQ(graph.input_size(), 1);
  EXPECT_EQ(graph.input(0).name(), "signals");
  ASSERT_EQ(graph.output_size(), 2);
  EXPECT_EQ(graph.output(0).name(), "logits");
  EXPECT_EQ(graph.output(1).name(), "probabilities");
  const onnx::TensorShapeProto& shape = graph.output(1).type().tensor_type().shape();
  EXPECT_EQ(shape.dim(0).dim_param(), "batch");
  EXPECT_EQ(shape.dim(1).dim_value(), kClasses);
}

INSTANTIATE_TEST_SUITE_P(OfEachFamily, PublishedNetworkTest,
                         testing::Values("resnet1d-18", "squeezenet1d-1.1", "se_resnext1d-50", "effnet1d_b0",
                                         "lstm_d2_h64", "transformer_d1_h1_dim32c", "transformer_d2_h4_dim64l",
                                         "lambda_resnet1d18", "mobilenetv3-s", "nfresnet1d18", "xresnet1d18",
                                         "xse_resnet1d18", "inception1d", "resnet1d_wang", "wrn1d_22", "fcn", "sen",
                                         "gru_bidir", "s4", "vit1d_xs", "convnext1d_tiny_w32", "net1d_44_w512"));

TEST(ExportTest, AttentionOverTimeIsWrittenForEveryKindOfFeatures) {
  // Of convolutions, of a recurrent network and of a transformer.
  for (const char* name : {"resnet1d-18", "xresnet1d18", "lstm_d1_h64", "transformer_d2_h4_dim64l"}) {
    spec::Model spec = SpecOf(*FindReferenceModel(name));
    spec.mutable_attention_head()->set_heads(2);
    const auto network = AnyNetwork(spec, kLeads, kClasses);
    ASSERT_TRUE(network.ok()) << network.status();
    const auto model = ModelOf(**network);
    ASSERT_TRUE(model.ok()) << name << ": " << model.status();
    ExpectRight(*model);
  }
}

TEST(ExportTest, DemographicsAreASecondInput) {
  spec::Model spec = SpecOf(*FindReferenceModel("resnet1d-18"));
  spec.mutable_demographics();
  const auto network = AnyNetwork(spec, kLeads, kClasses);
  ASSERT_TRUE(network.ok()) << network.status();
  const auto model = ModelOf(**network);
  ASSERT_TRUE(model.ok()) << model.status();
  ExpectRight(*model);
  ASSERT_EQ(model->graph().input_size(), 2);
  EXPECT_EQ(model->graph().input(0).name(), "signals");
  EXPECT_EQ(model->graph().input(1).name(), "demographics");
  const onnx::TensorShapeProto& shape = model->graph().input(1).type().tensor_type().shape();
  EXPECT_EQ(shape.dim(0).dim_param(), "batch");
  EXPECT_EQ(shape.dim(1).dim_value(), 8);
  const auto reads = [&](const onnx::NodeProto& node) {
    return std::ranges::find(node.input(), "demographics") != node.input().end();
  };
  EXPECT_TRUE(std::ranges::any_of(model->graph().node(), reads));
}

TEST(ExportTest, WeightsKeepTheirNamesAndNumbers) {
  const auto network = AnyNetwork(SpecOf(*FindReferenceModel("resnet1d-18")), kLeads, kClasses);
  ASSERT_TRUE(network.ok()) << network.status();
  const auto model = ModelOf(**network);
  ASSERT_TRUE(model.ok()) << model.status();
  ASSERT_EQ(model->metadata_props_size(), 1);
  EXPECT_EQ(model->metadata_props(0).value(), "AFIB,NORM");
  const std::string name = "backbone.layer1.0.conv1.weight";
  for (const onnx::TensorProto& initializer : model->graph().initializer()) {
    if (initializer.name() != name) continue;
    const torch::Tensor weight = (*network)->named_parameters()[name];
    const std::string& bytes = initializer.raw_data();
    EXPECT_EQ(bytes, std::string(static_cast<const char*>(weight.data_ptr()), weight.nbytes()));
    return;
  }
  FAIL() << "there is no " << name;
}

// SumsUp uses an operation that operators.h does not have.
class SumsUp : public Network {
 public:
  SumsUp() : linear_(register_module("backbone", torch::nn::Linear(kSamples, kClasses))) {}
  torch::Tensor forward(const torch::Tensor& signals) override { return linear_(signals.mean(1)).cumsum(1); }

 private:
  torch::nn::Linear linear_;
};

TEST(ExportTest, AnOperationWithoutATranslationIsNamed) {
  SumsUp network;
  const absl::Status status = ModelOf(network).status();
  EXPECT_TRUE(absl::IsUnimplemented(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("the operation cumsum in or behind layer backbone as ONNX"));
}

// Normalises has the logits of a linear layer of features of norm 1.
class Normalises : public Network {
 public:
  explicit Normalises(double order)
      : order_(order), linear_(register_module("linear", torch::nn::Linear(kSamples, kClasses))) {}
  torch::Tensor forward(const torch::Tensor& signals) override {
    namespace F = torch::nn::functional;
    return linear_(F::normalize(signals.mean(1), F::NormalizeFuncOptions().p(order_).dim(1)));
  }

 private:
  const double order_;
  torch::nn::Linear linear_;
};

TEST(ExportTest, NormsOfOrder1And2AreReductions) {
  for (const auto& [order, type] : {std::pair{1.0, "ReduceL1"}, std::pair{2.0, "ReduceL2"}}) {
    Normalises network(order);
    const auto model = ModelOf(network);
    ASSERT_TRUE(model.ok()) << model.status();
    ExpectRight(*model);
    const auto& nodes = model->graph().node();
    EXPECT_EQ(std::ranges::count(nodes, type, [](const onnx::NodeProto& node) { return node.op_type(); }), 1);
  }
  Normalises network(3);
  EXPECT_THAT(std::string(ModelOf(network).status().message()), HasSubstr("the order of a norm must be 1 or 2"));
}

// Mixes depends on the size of the batch in a way that no graph for all sizes has.
class Mixes : public SumsUp {
 public:
  torch::Tensor forward(const torch::Tensor& signals) override { return signals.mean(2) * signals.size(0); }
};

TEST(ExportTest, ANumberThatDependsOnTheBatchIsRefused) {
  Mixes network;
  const absl::Status status = ModelOf(network).status();
  EXPECT_TRUE(absl::IsUnimplemented(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("depends on the size of the batch"));
}

}  // namespace
}  // namespace ecg
