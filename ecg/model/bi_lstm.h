// bi_lstm.h
//
// Long short-term memory: Hochreiter and Schmidhuber 1997, "Long Short-Term Memory", doi:10.1162/neco.1997.9.8.1735,
// with forget gates (Gers, Schmidhuber and Cummins 2000). All layers are bidirectional. State names and shapes are
// those of `seitalab/dnn_ecg_comparison`.
//
// There is no dropout between the layers. Each sample is one step; crops may have any length.
//
//   Classifier<BiLstm> network(spec.model(), /*leads=*/12, /*classes=*/71);

#ifndef ECG_MODEL_BI_LSTM_H_
#define ECG_MODEL_BI_LSTM_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>
#include <torch/types.h>

#include <tuple>

#include "proto/experiment.pb.h"

namespace ecg {

// BiLstm is bidirectional LSTM layers, the mean of their outputs over time and a linear layer:
// [B, C, L] -> [B, feature_dim].
class BiLstm : public torch::nn::Module {
 public:
  using Spec = spec::BiLstm;
  static const Spec& SpecIn(const spec::Model& model) { return model.bi_lstm(); }

  BiLstm(const Spec& spec, int leads)
      : feature_dim_(spec.feature_dim()),
        bilstm_(register_module(
            "bilstm",
            torch::nn::LSTM(
                torch::nn::LSTMOptions(leads, spec.hidden_dim()).num_layers(spec.layers()).bidirectional(true)))),
        fc_(register_module("fc", torch::nn::Linear(2 * spec.hidden_dim(), feature_dim_))) {}

  torch::Tensor forward(const torch::Tensor& signals) { return fc_(Outputs(signals).mean(/*dim=*/0)); }

  // Sequence returns the features of each time: [B, C, L] -> [B, sequence_dim, T].
  torch::Tensor Sequence(const torch::Tensor& signals) { return fc_(Outputs(signals)).permute({1, 2, 0}); }
  int sequence_dim() const { return feature_dim_; }

  int feature_dim() const { return feature_dim_; }

 private:
  // Outputs returns the outputs of the last layer: [B, C, L] -> [L, B, 2 * hidden_dim].
  torch::Tensor Outputs(const torch::Tensor& signals) { return std::get<0>(bilstm_(signals.permute({2, 0, 1}))); }

  int feature_dim_;
  torch::nn::LSTM bilstm_;
  torch::nn::Linear fc_;
};

}  // namespace ecg

#endif  // ECG_MODEL_BI_LSTM_H_
