// reference_models.h
//
// The published networks, under their published names: those of `seitalab/dnn_ecg_comparison` (Nonaka and Seita 2021)
// and of `helme/ecg_ptbxl_benchmarking` (Strodthoff et al. 2021), S4 of `AI4HealthUOL/ecg-fm-benchmarking`, the
// vision transformers of `kweimann/ECG-JEPA`, and a few that others published for images or signals.
//
//   for (const ReferenceModel& reference : kReferenceModels) ...

#ifndef ECG_PARITY_REFERENCE_MODELS_H_
#define ECG_PARITY_REFERENCE_MODELS_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/spec/compiled.h"
#include "google/protobuf/text_format.h"
#include "proto/experiment.pb.h"

namespace ecg {

// ReferenceModel is a published network.
struct ReferenceModel {
  absl::string_view name;

  // Its `model` in a spec.
  absl::string_view model;

  // A tensor that has another shape than in the published network, which cannot run; ours is fixed.
  absl::string_view fixed_tensor = "";
};

// kReferenceModels lists them by family, in each from small to large.
inline constexpr ReferenceModel kReferenceModels[] = {
    // seitalab/dnn_ecg_comparison
    {"resnet1d-18", "resnet { depth: RESNET_18 }"},
    {"resnet1d-34", "resnet { depth: RESNET_34 }"},
    {"resnet1d-50", "resnet { depth: RESNET_50 }"},
    {"resnet1d-101", "resnet { depth: RESNET_101 }"},
    {"resnet1d-152", "resnet { depth: RESNET_152 }"},
    {"resnext1d-50", "resnet { depth: RESNEXT_50_32X4D }"},
    {"resnext1d-101", "resnet { depth: RESNEXT_101_32X8D }"},
    {"squeezenet1d-1.0", "squeezenet { version: V1_0 }"},
    {"squeezenet1d-1.1", "squeezenet { version: V1_1 }"},
    {"se_resnet1d-50", "senet { architecture: SE_RESNET_50 }"},
    {"se_resnet1d-101", "senet { architecture: SE_RESNET_101 }"},
    {"se_resnet1d-152", "senet { architecture: SE_RESNET_152 }"},
    {"se_resnext1d-50", "senet { architecture: SE_RESNEXT_50_32X4D }"},
    {"se_resnext1d-101", "senet { architecture: SE_RESNEXT_101_32X4D }"},
    {"senet1d-154", "senet { architecture: SENET_154 }", "backbone.layer0.conv1.weight"},
    {"effnet1d_b0", "efficientnet { scale: B0 }"},
    {"effnet1d_b1", "efficientnet { scale: B1 }"},
    {"effnet1d_b2", "efficientnet { scale: B2 }"},
    {"effnet1d_b3", "efficientnet { scale: B3 }"},
    {"effnet1d_b4", "efficientnet { scale: B4 }"},
    {"effnet1d_b5", "efficientnet { scale: B5 }"},
    {"effnet1d_b6", "efficientnet { scale: B6 }"},
    {"effnet1d_b7", "efficientnet { scale: B7 }"},
    {"effnet1d_b8", "efficientnet { scale: B8 }"},
    {"lstm_d1_h64", "bi_lstm { layers: 1 hidden_dim: 64 }"},
    {"lstm_d1_h128", "bi_lstm { layers: 1 hidden_dim: 128 }"},
    {"lstm_d1_h256", "bi_lstm { layers: 1 hidden_dim: 256 }"},
    {"lstm_d2_h64", "bi_lstm { layers: 2 hidden_dim: 64 }"},
    {"lstm_d2_h128", "bi_lstm { layers: 2 hidden_dim: 128 }"},
    {"lstm_d2_h256", "bi_lstm { layers: 2 hidden_dim: 256 }"},
    {"lstm_d3_h64", "bi_lstm { layers: 3 hidden_dim: 64 }"},
    {"lstm_d3_h128", "bi_lstm { layers: 3 hidden_dim: 128 }"},
    {"lstm_d3_h256", "bi_lstm { layers: 3 hidden_dim: 256 }"},
    // Names do not always agree with the networks: "dim64" has a model_dim of 32, and "d8_h8_dim256l" of 2,048. In all
    // of them attention runs along the batch.
    {"transformer_d1_h1_dim32l",
     "transformer { attention_along: BATCH layers: 1 heads: 1 model_dim: 32 feed_forward_dim: 32 }"},
    {"transformer_d2_h4_dim64l",
     "transformer { attention_along: BATCH layers: 2 heads: 4 model_dim: 32 feed_forward_dim: 64 }"},
    {"transformer_d4_h4_dim64l",
     "transformer { attention_along: BATCH layers: 4 heads: 4 model_dim: 32 feed_forward_dim: 64 }"},
    {"transformer_d8_h4_dim64l",
     "transformer { attention_along: BATCH layers: 8 heads: 4 model_dim: 32 feed_forward_dim: 64 }"},
    {"transformer_d8_h8_dim256l",
     "transformer { attention_along: BATCH layers: 8 heads: 8 model_dim: 2048 feed_forward_dim: 256 }"},
    {"transformer_d1_h1_dim32c",
     "transformer { attention_along: BATCH embedding: CONVOLUTIONAL layers: 1 heads: 1 model_dim: 32 feed_forward_dim: "
     "32 }"},
    {"transformer_d8_h4_dim64c",
     "transformer { attention_along: BATCH embedding: CONVOLUTIONAL layers: 8 heads: 4 model_dim: 32 feed_forward_dim: "
     "64 }"},
    {"transformer_d2_h8_dim256c",
     "transformer { attention_along: BATCH embedding: CONVOLUTIONAL layers: 2 heads: 8 model_dim: 256 "
     "feed_forward_dim: 2048 }"},
    {"transformer_d4_h8_dim256c",
     "transformer { attention_along: BATCH embedding: CONVOLUTIONAL layers: 4 heads: 8 model_dim: 256 "
     "feed_forward_dim: 2048 }"},
    {"transformer_d8_h8_dim256c",
     "transformer { attention_along: BATCH embedding: CONVOLUTIONAL layers: 8 heads: 8 model_dim: 256 "
     "feed_forward_dim: 2048 }"},
    {"lambda_resnet1d18", "lambda_resnet { depth: LAMBDA_RESNET_18 }"},
    {"lambda_resnet1d50", "lambda_resnet { depth: LAMBDA_RESNET_50 }"},
    {"lambda_resnet1d101", "lambda_resnet { depth: LAMBDA_RESNET_101 }"},
    {"lambda_resnet1d152", "lambda_resnet { depth: LAMBDA_RESNET_152 }"},
    {"mobilenetv3-s", "mobilenet_v3 { size: SMALL }"},
    {"mobilenetv3-l", "mobilenet_v3 { size: LARGE }"},
    {"nfresnet1d18", "nf_resnet { depth: NF_RESNET_18 }"},
    {"nfresnet1d34", "nf_resnet { depth: NF_RESNET_34 }"},
    {"nfresnet1d50", "nf_resnet { depth: NF_RESNET_50 }"},
    {"nfresnet1d101", "nf_resnet { depth: NF_RESNET_101 }"},

    // helme/ecg_ptbxl_benchmarking
    {"xresnet1d18", "xresnet { depth: XRESNET_18 }"},
    {"xresnet1d34", "xresnet { depth: XRESNET_34 }"},
    {"xresnet1d50", "xresnet { depth: XRESNET_50 }"},
    {"xresnet1d101", "xresnet { depth: XRESNET_101 }"},
    {"xresnet1d152", "xresnet { depth: XRESNET_152 }"},
    {"xresnet1d18_deep", "xresnet { depth: XRESNET_18_DEEP }"},
    {"xresnet1d34_deep", "xresnet { depth: XRESNET_34_DEEP }"},
    {"xresnet1d50_deep", "xresnet { depth: XRESNET_50_DEEP }"},
    {"xresnet1d18_deeper", "xresnet { depth: XRESNET_18_DEEPER }"},
    {"xresnet1d34_deeper", "xresnet { depth: XRESNET_34_DEEPER }"},
    {"xresnet1d50_deeper", "xresnet { depth: XRESNET_50_DEEPER }"},
    // With the squeeze-and-excitation of fastai's networks of these names, without "1d".
    {"xse_resnet1d18", "xresnet { depth: XRESNET_18 squeeze_excitation: true }"},
    {"xse_resnet1d50", "xresnet { depth: XRESNET_50 squeeze_excitation: true }"},
    {"xse_resnet1d101", "xresnet { depth: XRESNET_101 squeeze_excitation: true }"},
    {"inception1d", "inception_time {}"},
    {"resnet1d_wang", "wang_resnet { depth: WANG }"},
    {"resnet1d18", "wang_resnet { depth: RESNET_18 }"},
    {"resnet1d34", "wang_resnet { depth: RESNET_34 }"},
    {"resnet1d50", "wang_resnet { depth: RESNET_50 }"},
    {"resnet1d101", "wang_resnet { depth: RESNET_101 }"},
    {"wrn1d_22", "wide_resnet {}"},
    {"fcn_wang", "basic_conv { architecture: FCN_WANG }"},
    {"fcn", "fcn {}"},
    {"schirrmeister", "basic_conv { architecture: SCHIRRMEISTER }"},
    {"sen", "basic_conv { architecture: SEN }"},
    {"basic1d", "basic_conv { architecture: BASIC_1D }"},
    {"lstm", "rnn { cell: LSTM }"},
    {"lstm_bidir", "rnn { cell: LSTM bidirectional: true }"},
    {"gru", "rnn { cell: GRU }"},
    {"gru_bidir", "rnn { cell: GRU bidirectional: true }"},

    // AI4HealthUOL/ecg-fm-benchmarking
    {"s4", "s4 {}"},

    // kweimann/ECG-JEPA
    {"vit1d_xs", "vision_transformer {}"},
    {"vit1d_s", "vision_transformer { model_dim: 384 heads: 6 }"},

    // facebookresearch/ConvNeXt, over time; the first one is narrower than the published ones.
    {"convnext1d_tiny_w32", "convnext {}"},
    {"convnext1d_tiny", "convnext { width: 96 }"},
    {"convnext1d_small", "convnext { depth: SMALL width: 96 }"},

    // hsd1503/resnet1d, by the number of layers and the width of the last stage
    {"net1d_44_w512", "net1d { depth: NET1D_44 }"},
    {"net1d_62_w1024", "net1d { depth: NET1D_62 }"},
};

// FindReferenceModel returns the published network `name`.
inline absl::StatusOr<ReferenceModel> FindReferenceModel(absl::string_view name) {
  for (const ReferenceModel& reference : kReferenceModels) {
    if (reference.name == name) return reference;
  }
  return absl::NotFoundError(absl::StrCat("there is no network ", name, " here"));
}

// SpecOf returns the `model` of a spec for `reference`.
inline spec::Model SpecOf(const ReferenceModel& reference) {
  spec::Model model;
  google::protobuf::TextFormat::ParseFromString(std::string(reference.model), &model);
  return model;
}

// FirstOfEachType returns the first, which is the smallest, network of each C++ type.
inline std::vector<ReferenceModel> FirstOfEachType() {
  std::vector<ReferenceModel> models;
  std::set<std::string> types;
  for (const ReferenceModel& reference : kReferenceModels) {
    if (types.insert(NetworkTypeOf(SpecOf(reference)).value().type).second) models.push_back(reference);
  }
  return models;
}

}  // namespace ecg

#endif  // ECG_PARITY_REFERENCE_MODELS_H_
