// What the networks for training without labels have in common: outputs [B, 2], which depend on random choices in
// training and on none in evaluation.

#ifndef TESTS_MODEL_PRETEXT_NETWORK_H_
#define TESTS_MODEL_PRETEXT_NETWORK_H_

#include <torch/types.h>
#include <torch/utils.h>

#include "ecg/model/network.h"
#include "gtest/gtest.h"

namespace ecg {

// ExpectFixedChoicesInEvaluationOnly checks that of `network` on `signals` [3, C, L], and leaves it in training mode.
inline void ExpectFixedChoicesInEvaluationOnly(Network& network, const torch::Tensor& signals) {
  {
    const torch::InferenceMode inference;
    network.eval();
    const torch::Tensor outputs = network.forward(signals);
    ASSERT_EQ(outputs.sizes(), torch::IntArrayRef({3, 2}));
    EXPECT_TRUE(outputs.equal(network.forward(signals)));
    // Nor do they depend on the other crops.
    EXPECT_TRUE(outputs[1].allclose(network.forward(signals.slice(0, 1, 2))[0], 1e-4, 1e-5));
  }
  network.train();
  EXPECT_FALSE(network.forward(signals).equal(network.forward(signals)));
}

}  // namespace ecg

#endif  // TESTS_MODEL_PRETEXT_NETWORK_H_
