#include "ecg/spec/compiled.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"
#include "tests/spec/sample.pb.h"

namespace ecg {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

template <typename M>
M Parse(const std::string& text) {
  M message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

TEST(CompiledTest, TellsTheTypesOfAnExperiment) {
  const absl::StatusOr<CompiledTypes> types =
      CompiledTypesOf(Parse<spec::Experiment>("data { ptb_xl {} } model { resnet {} } training { multi_label {} }"));
  ASSERT_TRUE(types.ok()) << types.status();
  EXPECT_EQ(types->dataset.type, "ecg::PtbXl");
  EXPECT_EQ(types->dataset.header, "ecg/corpus/ptbxl.h");
  EXPECT_EQ(types->network.type, "ecg::Classifier<ecg::ResNet<ecg::BasicBlock>>");
  EXPECT_EQ(types->objective.type, "ecg::MultiLabel");
  EXPECT_EQ(types->objective.header, "ecg/train/objective.h");
  EXPECT_THAT(types->headers, UnorderedElementsAre("ecg/corpus/ptbxl.h", "ecg/model/classifier.h", "ecg/model/head.h",
                                                   "ecg/model/resnet.h", "ecg/train/objective.h"));
  EXPECT_TRUE(types->own_parts.empty());
}

TEST(CompiledTest, GivesANetworkTheHeadThatItWasPublishedWithUnlessTheSpecChoosesAnother) {
  EXPECT_EQ(NetworkTypeOf(Parse<spec::Model>("xresnet {}")).value().type, "ecg::Classifier<ecg::XResNet>");
  EXPECT_EQ(NetworkTypeOf(Parse<spec::Model>("xresnet {} head {}")).value().type,
            "ecg::Classifier<ecg::XResNet, ecg::Head>");
  EXPECT_EQ(NetworkTypeOf(Parse<spec::Model>("s4 {} linear_head {}")).value().type,
            "ecg::Classifier<ecg::S4, ecg::LinearHead>");
  EXPECT_EQ(NetworkTypeOf(Parse<spec::Model>("fcn {}")).value().type, "ecg::Fcn");
}

TEST(CompiledTest, TakesTheTypeAndTheHeaderOfAnOwnBackboneFromTheSpec) {
  std::set<std::string> headers;
  const CompiledType type =
      NetworkTypeOf(Parse<spec::Model>("own { type: 'my::TinyConv<3>' header: 'mine/tiny_conv.h' }"), headers).value();
  EXPECT_EQ(type.type, "ecg::Classifier<my::TinyConv<3>>");
  EXPECT_EQ(headers.count("mine/tiny_conv.h"), 1u);
}

TEST(CompiledTest, PutsAnyHeadBehindAnyBackbone) {
  EXPECT_EQ(NetworkTypeOf(Parse<spec::Model>("resnet {} linear_head {}")).value().type,
            "ecg::Classifier<ecg::ResNet<ecg::BasicBlock>, ecg::LinearHead>");
  EXPECT_EQ(NetworkTypeOf(Parse<spec::Model>("xresnet {} attention_head {}")).value().type,
            "ecg::Classifier<ecg::XResNet, ecg::AttentionHead>");
  EXPECT_EQ(NetworkTypeOf(Parse<spec::Model>("resnet {} own_head { type: 'my::Head' header: 'h' }")).value().type,
            "ecg::Classifier<ecg::ResNet<ecg::BasicBlock>, my::Head>");
}

TEST(CompiledTest, FindsOwnPartsWhereverTheyStand) {
  const CompiledTypes types = CompiledTypesOf(Parse<spec::Experiment>(R"(
        data { own { type: 'my::Csv' header: 'csv.h' } } model { resnet {} }
        training {
          own { type: 'my::Focal' header: 'focal.h' }
          optimizer { own { type: 'my::Lion' header: 'lion.h' } own_schedule { type: 'my::Steps' header: 'steps.h' } }
          augmentation { amplitude_scale {} } augmentation { own { type: 'my::Wander' header: 'wander.h' } }
          augmentation { own { type: 'my::Wander' header: 'wander.h' } }
        })"))
                                  .value();
  EXPECT_EQ(types.dataset.type, "my::Csv");
  EXPECT_EQ(types.objective.type, "my::Focal");
  std::vector<std::string> parts;
  for (const OwnPart& part : types.own_parts) parts.push_back(part.registry + " " + part.type.type);
  EXPECT_THAT(parts, UnorderedElementsAre("update_rules my::Lion", "schedules my::Steps", "augmentations my::Wander"));
  EXPECT_EQ(types.headers.count("wander.h"), 1u);
}

TEST(CompiledTest, PutsTheCompiledFieldsIntoTheType) {
  const auto type = [](const std::string& text) {
    return CompiledTypeOf(Parse<spec::sample::Circle>(text)).value().type;
  };
  EXPECT_EQ(type(""), "ecg::Circle<ecg::Pen<1>, 1>");
  EXPECT_EQ(type("pen: BOLD rings: 3"), "ecg::Circle<ecg::Pen<4>, 3>");
}

TEST(CompiledTest, NamesTheOptionThatTheSchemaLacks) {
  EXPECT_EQ(CompiledTypeOf(spec::sample::Untold()).status().message(),
            "message Untold is a compiled choice; give it the options (cpp_type) and (cpp_header) in "
            "tests/spec/sample.proto");
  EXPECT_EQ(CompiledTypeOf(Parse<spec::sample::Circle>("pen: NEW")).status().message(),
            "the value NEW of ecg.spec.sample.Circle.pen is compiled in; give it the option (cpp_arguments) in "
            "tests/spec/sample.proto");
  EXPECT_EQ(
      CompiledTypeOf(spec::sample::Square()).status().message(),
      "ecg.spec.sample.Square.side is compiled in; name it as {side} in the (cpp_type) or the (cpp_header) of Square "
      "in tests/spec/sample.proto");
}

TEST(CompiledTest, ListsTheChoicesThatAreFixedWhetherOrNotTheyAreWritten) {
  const auto values = [](const google::protobuf::Message& message) {
    std::map<std::string, std::string> values;
    for (const auto& [path, choice] : CompiledChoices(message)) values[path] = choice.value;
    return values;
  };
  EXPECT_THAT(values(Parse<spec::Experiment>("data { ptb_xl {} } model { resnet {} }")),
              UnorderedElementsAre(Pair("data.dataset", "ptb_xl"), Pair("model.backbone", "resnet"),
                                   Pair("model.head_choice", "head"), Pair("model.resnet.depth", "RESNET_18"),
                                   Pair("training.objective", "absent")));
  EXPECT_THAT(values(Parse<spec::sample::Drawing>("circle { rings: 2 } blue {}")),
              UnorderedElementsAre(Pair("shape", "circle"), Pair("circle.pen", "THIN"), Pair("circle.rings", "2")));
}

TEST(CompiledTest, TakesChoicesOfOneTemplateArgumentForTheSame) {
  const auto depth = [](const std::string& name) {
    return CompiledChoices(Parse<spec::ResNet>("depth: " + name)).at("depth");
  };
  EXPECT_EQ(depth("RESNET_18"), depth("RESNET_34"));
  EXPECT_FALSE(depth("RESNET_34") == depth("RESNET_50"));
}

}  // namespace
}  // namespace ecg
