#include "ecg/spec/compiled.h"

#include <map>
#include <string>

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
  EXPECT_EQ(types->network.header, "ecg/model/resnet.h");
  EXPECT_EQ(types->objective.type, "ecg::MultiLabel");
  EXPECT_EQ(types->objective.header, "ecg/train/objective.h");
}

TEST(CompiledTest, PutsNoHeadBehindANetworkThatBringsItsOwn) {
  EXPECT_EQ(NetworkTypeOf(Parse<spec::Model>("xresnet {}")).value().type, "ecg::XResNet");
}

TEST(CompiledTest, TakesTheTypeAndTheHeaderOfAnOwnBackboneFromTheSpec) {
  const CompiledType type =
      NetworkTypeOf(Parse<spec::Model>("own { type: 'my::TinyConv<3>' header: 'mine/tiny_conv.h' }")).value();
  EXPECT_EQ(type.type, "ecg::Classifier<my::TinyConv<3>>");
  EXPECT_EQ(type.header, "mine/tiny_conv.h");
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
                                   Pair("model.resnet.depth", "RESNET_18"), Pair("training.objective", "absent")));
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
