// The names that the examples in the banners of ecg/model use and do not declare.

#ifndef TESTS_MODEL_BANNER_NAMES_H_
#define TESTS_MODEL_BANNER_NAMES_H_

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "ecg/model/classifier.h"
#include "ecg/model/network.h"
#include "proto/experiment.pb.h"

// `spec` is a namespace of ecg, too, so each example has its own.
namespace ecg::any_network_example {
extern const ecg::spec::Experiment spec;
}
namespace ecg::attention_head_example {
extern const ecg::spec::Experiment spec;
}
namespace ecg::basic_conv_example {
extern const ecg::spec::Experiment spec;
}
namespace ecg::bi_lstm_example {
extern const ecg::spec::Experiment spec;
}
namespace ecg::classifier_example {
extern const ecg::spec::Experiment spec;
extern const torch::Tensor signals;
}  // namespace ecg::classifier_example
namespace ecg::contrastive_head_example {
extern const ecg::spec::Experiment spec;
extern const torch::Tensor predicted, encoding, signals;
extern const torch::Device device;
}  // namespace ecg::contrastive_head_example
namespace ecg::convnext_example {
extern const ecg::spec::Experiment spec;
}
namespace ecg::deep_ensemble_example {
extern const std::shared_ptr<Network> network, another, a_third;
}
namespace ecg::efficientnet_example {
extern const ecg::spec::Experiment spec;
}
namespace ecg::inception_time_example {
extern const ecg::spec::Experiment spec;
}
namespace ecg::lambda_resnet_example {
extern const ecg::spec::Experiment spec;
}
namespace ecg::mobilenet_v3_example {
extern const ecg::spec::Experiment spec;
}
namespace ecg::net1d_example {
extern const ecg::spec::Experiment spec;
}
namespace ecg::nf_resnet_example {
extern const ecg::spec::Experiment spec;
}
namespace ecg::output_bias_example {
extern const torch::nn::Module* const network;
extern const std::vector<int64_t> positives;
extern const int64_t records;
}  // namespace ecg::output_bias_example
namespace ecg::partial_weights_example {
extern const std::shared_ptr<torch::nn::Module> network;
}
namespace ecg::demographics_layers_example {
extern const ecg::spec::Experiment spec;
extern const torch::Tensor demographics;
}  // namespace ecg::demographics_layers_example
namespace ecg::resnet_example {
extern const ecg::spec::Experiment spec;
}
namespace ecg::rnn_example {
extern const ecg::spec::Experiment spec;
}
namespace ecg::s4_example {
extern const ecg::spec::Experiment spec;
}
namespace ecg::s4_cpc_example {
extern const ecg::spec::Experiment spec;
extern const torch::Tensor signals;
}  // namespace ecg::s4_cpc_example
namespace ecg::senet_example {
extern const ecg::spec::Experiment spec;
}
namespace ecg::squeezenet_example {
extern const ecg::spec::Experiment spec;
}
namespace ecg::transformer_example {
extern const ecg::spec::Experiment spec;
}
namespace ecg::undecayed_example {
extern const torch::Tensor a_, log_step_;
}
namespace ecg::vision_transformer_example {
extern const ecg::spec::Experiment spec;
extern const torch::Tensor signals;
}  // namespace ecg::vision_transformer_example
namespace ecg::joint_embedding_head_example {
extern const ecg::spec::Experiment spec;
extern const torch::Tensor signals;
}  // namespace ecg::joint_embedding_head_example
namespace ecg::wang_resnet_example {
extern const ecg::spec::Experiment spec;
}
namespace ecg::wide_resnet_example {
extern const ecg::spec::Experiment spec;
}
namespace ecg::xresnet_example {
extern const ecg::spec::Experiment spec;
}

#endif  // TESTS_MODEL_BANNER_NAMES_H_
