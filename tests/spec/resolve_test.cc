#include "ecg/spec/resolve.h"

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/spec/parse.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"
#include "tests/spec/sample.pb.h"

namespace ecg {
namespace {

using ::google::protobuf::util::MessageDifferencer;

constexpr absl::string_view kSmallest =
    "description: \"Wärme\\n\" training { multi_label {} } model { resnet {} } data { ptb_xl {} }";

// All that the smallest spec means. A default that changes here changes the meaning of specs that people have written.
constexpr absl::string_view kResolved = R"(description: "Wärme\n"

data {
  ptb_xl {
    task: ALL
    sampling_frequency_hz: 500
    likelihood_targets: false
    cross_validation: 0
  }
  split: 1
  shared_patients: REFUSE_SHARED
  crop_seconds: 2.5
  bad_records: REFUSE
  standardise: true
}

model {
  resnet {
    depth: RESNET_18
    feature_dim: 256
    stochastic_depth: 0
  }
  head {
    hidden_dim: 128
    dropout: 0.25
  }
  ensemble_size: 1
}

training {
  multi_label {
    cross_entropy {}
    reduction: SUM
    label_smoothing: 0
    effective_number_beta: 0
  }
  epochs: 20
  batch_size: 64
  optimizer {
    learning_rate: 0.001
    adam {
      beta1: 0.9
      beta2: 0.999
      epsilon: 1e-08
    }
    constant {}
  }
  validate_every_epochs: 1
  accumulate_batches: 1
  clip_gradient_norm: 0
  sampler {
    shuffled {}
  }
  prior_bias: false
  kept_weights: BEST
  data_parallel {
    batch_of: ALL_PROCESSES
    learning_rate_rule: NONE
    synchronised_batch_norm: false
    bfloat16_gradients: false
  }
}

evaluation {
  stride_seconds: 1.25
  bootstrap {
    resamples: 100
    low_quantile: 0.05
    high_quantile: 0.95
  }
  maximum {}
  batch_windows: 0
}

runtime {
  device: "cpu"
  fall_back_to_cpu: false
  threads: 0
  loader_threads: 1
  precision: FP32
  seed: 1
  deterministic: false
  cuda_graphs: true
}

prediction {}
)";

spec::Experiment Parse(absl::string_view text) {
  const absl::StatusOr<spec::Experiment> spec = ParseExperiment(text, "x.textproto");
  EXPECT_TRUE(spec.ok()) << spec.status();
  return spec.value_or(spec::Experiment());
}

TEST(ResolveTest, WritesEveryDefaultAndLeavesOffWhatIsOff) { EXPECT_EQ(ToText(Resolve(Parse(kSmallest))), kResolved); }

TEST(ResolveTest, PrintsWhatReadsBackTheSame) {
  const spec::Experiment smallest = Parse(kSmallest);
  EXPECT_TRUE(MessageDifferencer::Equals(Parse(ToText(smallest)), smallest));
  const spec::Experiment resolved = Resolve(smallest);
  EXPECT_TRUE(MessageDifferencer::Equals(Parse(ToText(resolved)), resolved));
}

TEST(ResolveTest, ChangesNothingThatIsWritten) {
  const spec::Experiment resolved =
      Resolve(Parse("data { ptb_xl {} split: 3 } model { resnet {} head { dropout: 0 } } training { multi_label {} "
                    "early_stopping {} } runtime { fall_back_to_cpu: true seed: 0 }"));
  EXPECT_EQ(resolved.data().split(), 3);
  EXPECT_EQ(resolved.model().head().dropout(), 0);
  EXPECT_EQ(resolved.model().head().hidden_dim(), 128);
  EXPECT_EQ(resolved.training().early_stopping().patience(), 5);
  EXPECT_TRUE(resolved.runtime().fall_back_to_cpu());
  EXPECT_EQ(resolved.runtime().seed(), 0);
  EXPECT_TRUE(MessageDifferencer::Equals(Resolve(resolved), resolved));
}

TEST(ResolveTest, TakesTheDefaultAlternativeOnlyWhereNoneIsChosen) {
  const auto resolve = [](const std::string& text) {
    spec::sample::Drawing drawing;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &drawing));
    FillDefaults(drawing);
    return drawing.ShortDebugString();
  };
  EXPECT_EQ(resolve("shades {}"), "red { } shades { depth: 0.5 } serial: 7 filled: true title: \"none\"");
  EXPECT_EQ(resolve("blue {}"), "blue { depth: 0.5 } serial: 7 filled: true title: \"none\"");
  EXPECT_EQ(resolve("red {} shadow {}"), "red { } shadow { depth: 0.5 } serial: 7 filled: true title: \"none\"");
}

}  // namespace
}  // namespace ecg
