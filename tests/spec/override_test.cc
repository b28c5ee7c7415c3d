#include "ecg/spec/override.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"
#include "tests/spec/sample.pb.h"

namespace ecg {
namespace {

using ::google::protobuf::util::MessageDifferencer;

template <typename M>
M Parse(const std::string& text) {
  M message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

spec::Experiment Smallest() {
  return Parse<spec::Experiment>("data { ptb_xl {} } model { resnet {} } training { multi_label {} }");
}

// The error of an override of the smallest spec, which must then be unchanged.
std::string Error(const std::vector<std::string>& assignments) {
  spec::Experiment spec = Smallest();
  const absl::Status status = Override(spec, assignments);
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(MessageDifferencer::Equals(spec, Smallest()));
  return std::string(status.message());
}

TEST(OverrideTest, SetsValuesOfEveryKindAndMakesTheMessagesAroundThem) {
  spec::Experiment spec = Smallest();
  for (const absl::string_view assignment :
       {"training.optimizer.learning_rate=1e-2", "training.epochs=2", "runtime.seed=-5", "data.ptb_xl.task=FORM",
        "runtime.fall_back_to_cpu=true", "runtime.device=cuda:1", "data.data_dir=\"a b\"", "runtime.cache_dir=/a=b",
        "training.early_stopping={}", "training.optimizer.adam={beta1: 0.8, beta2: 0.9}",
        "model.resnet.feature_dim=64"}) {
    EXPECT_EQ(Override(spec, assignment), absl::OkStatus());
  }
  EXPECT_TRUE(MessageDifferencer::Equals(spec, Parse<spec::Experiment>(R"(
    data { ptb_xl { task: FORM } data_dir: "a b" }
    model { resnet { feature_dim: 64 } }
    training { multi_label {} epochs: 2 early_stopping {} optimizer { learning_rate: 0.01 adam { beta1: 0.8 beta2: 0.9 } } }
    runtime { device: "cuda:1" fall_back_to_cpu: true seed: -5 cache_dir: "/a=b" }
  )")))
      << spec.DebugString();
}

TEST(OverrideTest, RangesOverPartsThatAreChosenWhenTheProgramRuns) {
  spec::Experiment spec = Smallest();
  for (const char* const rule : {"adamw", "sgd", "adam"}) {
    EXPECT_EQ(Override(spec, absl::StrCat("training.optimizer.", rule, "={}")), absl::OkStatus());
  }
  EXPECT_EQ(Override(spec, "training.augmentation=[{amplitude_scale {}}, {time_mask {probability: 0.5}}]"),
            absl::OkStatus());
  EXPECT_EQ(spec.training().augmentation_size(), 2);
  EXPECT_EQ(Override(spec, "evaluation.mean_logit={}"), absl::OkStatus());
}

TEST(OverrideTest, NamesTheNewPlaceOfAFieldThatMoved) {
  EXPECT_THAT(Error({"data.ptb_xl.split=2"}), testing::HasSubstr("did you mean data.split?"));
  EXPECT_THAT(Error({"data.ptb_xl.data_dir=x"}), testing::HasSubstr("did you mean data.data_dir?"));
}

TEST(OverrideTest, ReplacesAMessageWhole) {
  spec::Experiment spec = Smallest();
  ASSERT_EQ(Override(spec, "model.head={hidden_dim: 64}"), absl::OkStatus());
  ASSERT_EQ(Override(spec, "model.head={dropout: 0.5}"), absl::OkStatus());
  EXPECT_FALSE(spec.model().head().has_hidden_dim());
}

TEST(OverrideTest, SaysWhichFieldWasMeant) {
  EXPECT_EQ(Error({"training.epoch=2"}),
            "--set=training.epoch=2: training has no field \"epoch\"; did you mean epochs?");
  EXPECT_EQ(Error({"learning_rate=2"}),
            "--set=learning_rate=2: the experiment has no field \"learning_rate\"; did you mean "
            "training.optimizer.learning_rate?");
  EXPECT_EQ(Error({"=2"}),
            "--set==2: the experiment has no field \"\"; it has description, data, model, training, evaluation, "
            "runtime, result_writer, prediction");
  EXPECT_EQ(Error({"training.epochs.most=2"}),
            "--set=training.epochs.most=2: training.epochs is a value and has no field most; write "
            "training.epochs=VALUE");
  EXPECT_EQ(Error({"training.epochs"}),
            "--set=training.epochs: there is no = in it; write PATH=VALUE, such as training.epochs=2");
}

TEST(OverrideTest, ChecksValuesAsInAFile) {
  EXPECT_EQ(Error({"training.epochs=many"}),
            "--set=training.epochs=many: training.epochs is many; write a whole number, at least 1 and at most 100000");
  EXPECT_EQ(Error({"training.epochs=1 2"}), "--set=training.epochs=1 2: found 2; the value ends before it");
  EXPECT_EQ(Error({"training.epochs="}),
            "--set=training.epochs=: found the end of the text; write the value of training.epochs");
  EXPECT_EQ(Error({"training.epochs=0"}),
            "--set=training.epochs=0: training.epochs is 0; it must be at least 1 and at most 100000");
  EXPECT_EQ(Error({"data.ptb_xl.task=RYTHM"}),
            "--set=data.ptb_xl.task=RYTHM: data.ptb_xl.task is RYTHM; write RHYTHM or FORM or ALL or DIAGNOSTIC or "
            "SUBDIAGNOSTIC or SUPERDIAGNOSTIC");
  EXPECT_EQ(Error({"runtime.device=tpu"}),
            "--set=runtime.device=tpu: runtime.device is \"tpu\"; it must be \"cpu\", \"cuda\" or \"cuda:N\", such as "
            "\"cuda:0\"");
  EXPECT_EQ(Error({"model.head={hiden_dim: 3}"}),
            "--set=model.head={hiden_dim: 3}: model.head has no field \"hiden_dim\"; did you mean hidden_dim?");
}

TEST(OverrideTest, ChecksSeveralAssignmentsTogether) {
  spec::Experiment spec = Smallest();
  EXPECT_FALSE(Override(spec, "data.crop_seconds=1").ok()) << "the stride is longer";
  EXPECT_EQ(Override(spec, {"data.crop_seconds=1", "evaluation.stride_seconds=0.5"}), absl::OkStatus());
  EXPECT_EQ(spec.data().crop_seconds(), 1);
}

TEST(OverrideTest, RefusesWhatIsCompiledInUnlessItStaysTheSame) {
  spec::Experiment spec = Smallest();
  EXPECT_EQ(Override(spec, "model.resnet.depth=RESNET_18"), absl::OkStatus());
  EXPECT_EQ(Override(spec, "model.resnet={}"), absl::OkStatus());
  EXPECT_EQ(Override(spec, "training.multi_label={}"), absl::OkStatus());
  EXPECT_EQ(Override(spec, "model.resnet.depth=RESNET_34"), absl::OkStatus()) << "it has the same kind of block";
  EXPECT_TRUE(absl::StrContains(Error({"model.resnet.depth=RESNET_50"}),
                                "model.resnet.depth is RESNET_18 and cannot become RESNET_50"));
  EXPECT_EQ(
      Error({"model={}"}),
      "--set=model={}: model.backbone is resnet and cannot become absent: it is fixed when the binary is built; "
      "copy the binary's .textproto in examples/ to a new name there, change model.backbone in it, and `bazel run "
      "//examples:<the new name>`");
}

TEST(OverrideTest, RefusesAFieldOfAnAlternativeThatIsNotCompiledIn) {
  const auto error = [](absl::string_view assignment) {
    const spec::sample::Drawing before = Parse<spec::sample::Drawing>("circle {}");
    spec::sample::Drawing after = before;
    EXPECT_EQ(SetByPath(after, assignment), absl::OkStatus());
    return std::string(CheckCompiledUnchanged(before, after).message());
  };
  EXPECT_EQ(error("square.side=3"),
            "shape is circle and cannot become square: it is fixed when the binary is built; copy the binary's "
            ".textproto in examples/ to a new name there, change shape in it, and `bazel run //examples:<the new "
            "name>`");
  EXPECT_EQ(error("circle.pen=BOLD"),
            "circle.pen is THIN and cannot become BOLD: it is fixed when the binary is built; copy the binary's "
            ".textproto in examples/ to a new name there, change circle.pen in it, and `bazel run //examples:<the new "
            "name>`");
  EXPECT_EQ(error("circle.pen=THIN"), "");
}

TEST(OverrideTest, ChoosesAnotherAlternativeOnlyWhenAskedTo) {
  spec::sample::Drawing drawing = Parse<spec::sample::Drawing>("circle {} red {}");
  EXPECT_EQ(SetByPath(drawing, "blue.depth=0.1").message(),
            "blue is not chosen: colour is red; choose it first, --set=blue={}");
  EXPECT_TRUE(drawing.has_red());
  EXPECT_EQ(SetByPath(drawing, "blue={}"), absl::OkStatus());
  EXPECT_EQ(SetByPath(drawing, "blue.depth=0.1"), absl::OkStatus());
  EXPECT_EQ(drawing.blue().depth(), 0.1);
}

TEST(OverrideTest, ReplacesAListWhole) {
  spec::sample::Drawing drawing = Parse<spec::sample::Drawing>("sizes: [1, 2] shades { depth: 0.2 }");
  EXPECT_EQ(SetByPath(drawing, "sizes=[7]"), absl::OkStatus());
  EXPECT_EQ(SetByPath(drawing, "shades=[{}, {depth: 0.3}]"), absl::OkStatus());
  EXPECT_TRUE(
      MessageDifferencer::Equals(drawing, Parse<spec::sample::Drawing>("sizes: 7 shades {} shades { depth: 0.3 }")));
  EXPECT_EQ(SetByPath(drawing, "shades.depth=1").message(),
            "shades is a list and has no field depth; write shades=[VALUE, ...]");
}

}  // namespace
}  // namespace ecg
