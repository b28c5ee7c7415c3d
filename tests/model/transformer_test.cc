#include "ecg/model/transformer.h"

#include <torch/types.h>

#include "absl/status/status.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

static_assert(Backbone<Transformer<LinearEmbedding>>);
static_assert(Backbone<Transformer<ConvolutionalEmbedding>>);

spec::Transformer Along(spec::Transformer::AttentionAlong along) {
  spec::Transformer spec;
  spec.set_attention_along(along);
  return spec;
}

// Features of a crop alone, and in a batch with others.
struct AloneAndInABatch {
  explicit AloneAndInABatch(spec::Transformer::AttentionAlong along) {
    torch::manual_seed(1);
    Transformer<LinearEmbedding> network(Along(along), /*leads=*/12);
    network.eval();
    const torch::Tensor signals = torch::randn({3, 12, 250});
    alone = network.forward(signals.slice(0, 0, 1));
    in_a_batch = network.forward(signals).slice(0, 0, 1);
  }

  torch::Tensor alone, in_a_batch;
};

TEST(TransformerTest, IsIndependentOfTheBatchIfAttentionRunsAlongTime) {
  const AloneAndInABatch features(spec::Transformer::TIME);
  EXPECT_TRUE(features.alone.allclose(features.in_a_batch, 1e-4, 1e-5));
}

TEST(TransformerTest, DependsOnTheBatchIfAttentionRunsAlongIt) {
  const AloneAndInABatch features(spec::Transformer::BATCH);
  EXPECT_FALSE(features.alone.allclose(features.in_a_batch, 1e-2, 1e-2));
}

TEST(TransformerTest, DependsOnTheOrderOfChunksOnlyIfAttentionRunsAlongTime) {
  for (const auto along : {spec::Transformer::TIME, spec::Transformer::BATCH}) {
    torch::manual_seed(1);
    Transformer<LinearEmbedding> network(Along(along), /*leads=*/12);
    network.eval();
    const torch::Tensor signals = torch::randn({2, 12, 250});
    const torch::Tensor later = signals.roll(50, /*dims=*/-1);  // by one chunk
    EXPECT_EQ(network.forward(signals).allclose(network.forward(later), 1e-4, 1e-5), along == spec::Transformer::BATCH);
  }
}

TEST(TransformerTest, InitialisesAllLayersWithTheSameWeights) {
  Transformer<LinearEmbedding> network(spec::Transformer(), /*leads=*/12);
  const NamedTensors state = StateOf(network);
  const torch::Tensor first = state.at("transformer_encoder.layers.0.self_attn.in_proj_weight");
  EXPECT_TRUE(first.equal(state.at("transformer_encoder.layers.1.self_attn.in_proj_weight")));
  EXPECT_NE(first.data_ptr(), state.at("transformer_encoder.layers.1.self_attn.in_proj_weight").data_ptr());
}

TEST(TransformerTest, RefusesChunksThatDoNotDivideTheCrop) {
  const Transformer<LinearEmbedding> network(spec::Transformer(), /*leads=*/12);
  EXPECT_EQ(network.CheckSamples(1250), absl::OkStatus());
  EXPECT_EQ(network.CheckSamples(1240).message(),
            "model.transformer.chunk_samples is 50; it must divide the samples of a crop, 1240, as 40 does");
}

TEST(TransformerTest, RefusesCropsThatAreTooShortForTheConvolutions) {
  spec::Transformer spec = Along(spec::Transformer::TIME);
  Transformer<ConvolutionalEmbedding> network(spec, /*leads=*/12);
  ConvolutionalEmbedding embedding(spec, /*leads=*/12);
  EXPECT_FALSE(network.CheckSamples(939).ok());
  EXPECT_THROW(embedding.forward(torch::zeros({1, 12, 939})), c10::Error);
  for (const int samples : {940, 975, 976, 1250}) {
    EXPECT_EQ(network.CheckSamples(samples), absl::OkStatus());
    EXPECT_EQ(embedding.forward(torch::zeros({1, 12, samples})).size(1), embedding.ChunksOf(samples).value());
  }
}

TEST(TransformerTest, RefusesMoreChunksThanThereArePositionalEncodings) {
  spec::Transformer spec = Along(spec::Transformer::TIME);
  spec.set_chunk_samples(1);
  EXPECT_EQ(Transformer<LinearEmbedding>(spec, /*leads=*/12).CheckSamples(5000), absl::OkStatus());
  EXPECT_FALSE(Transformer<LinearEmbedding>(spec, /*leads=*/12).CheckSamples(5001).ok());
  spec.set_attention_along(spec::Transformer::BATCH);
  Transformer<LinearEmbedding> network(spec, /*leads=*/1);
  EXPECT_EQ(network.CheckSamples(5001), absl::OkStatus());
  EXPECT_THROW(network.forward(torch::zeros({5001, 1, 1})), c10::Error);
}

}  // namespace
}  // namespace ecg
