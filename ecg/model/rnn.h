// rnn.h
//
// Recurrent networks: long short-term memory (Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735) and
// gated recurrent units (Cho et al. 2014, arXiv:1406.1078), with the head of `helme/ecg_ptbxl_benchmarking` (Strodthoff
// et al. 2021, arXiv:2004.13701), and its state names and shapes.
//
//   Classifier<Rnn<torch::nn::LSTM>> network(spec.model(), /*leads=*/12, /*classes=*/71);

#ifndef ECG_MODEL_RNN_H_
#define ECG_MODEL_RNN_H_

#include <torch/nn/modules/rnn.h>
#include <torch/types.h>

#include <memory>
#include <tuple>

#include "ecg/model/network.h"
#include "ecg/model/pooled_head.h"
#include "proto/experiment.pb.h"

namespace ecg {

// MeanMaxAndLast pools the outputs of a recurrent network over time: [B, F, L] -> [B, 3 F], mean, maximum and last
// output of each channel.
//
// In a bidirectional network the last output of the backward direction depends on a single sample; its output at the
// first sample would be better. The benchmark intends that, but its slice of those channels is empty. This is what the
// benchmark computes.
inline torch::Tensor MeanMaxAndLast(const torch::Tensor& x) {
  return torch::cat({x.mean(-1), std::get<0>(torch::adaptive_max_pool1d(x, 1)).squeeze(-1), x.select(-1, -1)}, 1);
}

// Rnn is recurrent layers, `Cell` being torch::nn::LSTM or torch::nn::GRU, pooled. A step is one sample of all leads.
// [B, C, L] -> [B, feature_dim]. Its own head is PooledHead.
template <typename Cell>
class Rnn : public torch::nn::Module {
 public:
  using Spec = spec::Rnn;
  static const Spec& SpecIn(const spec::Model& model) { return model.rnn(); }

  Rnn(const Spec& spec, int leads) : spec_(spec), cell_(register_module("2", Cell(OptionsOf(spec, leads)))) {}

  int feature_dim() const { return 3 * spec_.hidden_dim() * (spec_.bidirectional() ? 2 : 1); }
  void InitWeights() { InitAsBenchmark(*this); }

  std::shared_ptr<PooledHead> AppendHead(int classes) {
    return register_module("5", std::make_shared<PooledHead>(spec_.head(), feature_dim(), classes,
                                                             /*pooling_layers=*/1));
  }

  torch::Tensor forward(const torch::Tensor& signals) { return MeanMaxAndLast(Sequence(signals)); }

  // Sequence returns the features of each time: [B, C, L] -> [B, sequence_dim, T].
  torch::Tensor Sequence(const torch::Tensor& signals) {
    return std::get<0>(cell_(signals.transpose(1, 2))).transpose(1, 2);
  }
  int sequence_dim() const { return feature_dim() / 3; }

 private:
  using Options = decltype(Cell::Impl::options);

  static Options OptionsOf(const spec::Rnn& spec, int leads) {
    return Options(leads, spec.hidden_dim())
        .num_layers(spec.layers())
        .bidirectional(spec.bidirectional())
        .batch_first(true);
  }

  Spec spec_;
  Cell cell_;
};

}  // namespace ecg

#endif  // ECG_MODEL_RNN_H_
