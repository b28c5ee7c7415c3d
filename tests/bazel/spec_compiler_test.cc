// The spec compiler, run as a process as the build runs it.

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

constexpr absl::string_view kSmallest = "data { ptb_xl {} }\nmodel { resnet {} }\ntraining { multi_label {} }\n";

struct Result {
  int exit_status;
  std::string errors;
  std::filesystem::path source;  // where the C++ file was asked for
};

// Compiles `spec`, in a folder of its own, as the binary "tiny".
Result Compile(absl::string_view spec) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
  std::filesystem::create_directories(folder);
  EXPECT_TRUE(WriteFile(folder / "tiny.textproto", spec).ok());
  const std::string compiler = std::filesystem::absolute("bazel/spec_compiler").string();
  const int status = std::system(absl::StrCat("cd ", folder.string(), " && unset BUILD_WORKING_DIRECTORY && ", compiler,
                                              " --spec=tiny.textproto --name=tiny --output=tiny_main.cc 2>errors")
                                     .c_str());
  return {WEXITSTATUS(status), ReadFile(folder / "errors").value_or("?"), folder / "tiny_main.cc"};
}

TEST(SpecCompilerTest, WritesAMainThatNamesTheTypesAndHoldsTheText) {
  const std::string spec = absl::StrCat("# \"quoted\" and )ECG\" and \\n\n", kSmallest);
  const Result result = Compile(spec);
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_EQ(result.errors, "");
  EXPECT_EQ(ReadFile(result.source).value_or(""), absl::StrCat(R"(// Written by the spec compiler from tiny.textproto.

#include "ecg/corpus/ptbxl.h"
#include "ecg/experiment/experiment.h"
#include "ecg/experiment/main.h"
#include "ecg/model/classifier.h"
#include "ecg/model/head.h"
#include "ecg/model/resnet.h"
#include "ecg/spec/embedded_spec.h"
#include "ecg/train/objective.h"

using Program = ecg::Experiment<ecg::PtbXl,
                                ecg::Classifier<ecg::ResNet<ecg::BasicBlock>>,
                                ecg::Trainer<ecg::MultiLabel>>;

constexpr ecg::EmbeddedSpec kSpec = {
    .name = "tiny",
    .file = "tiny.textproto",
    .text = R"ECG_()",
                                                               spec, R"()ECG_"};

int main(int argc, char** argv) { return ecg::Main(kSpec, Program::MakeRecipe(), argc, argv); }
)"));
}

TEST(SpecCompilerTest, IncludesTheHeaderOfAnOwnBackbone) {
  const Result result = Compile(
      "data { ptb_xl {} }\nmodel { own { type: \"my::TinyConv\" header: \"mine/tiny_conv.h\" } }\n"
      "training { multi_label {} }\n");
  EXPECT_EQ(result.errors, "");
  const std::string source = ReadFile(result.source).value_or("");
  EXPECT_THAT(source, HasSubstr("#include \"mine/tiny_conv.h\"\n"));
  EXPECT_THAT(source, HasSubstr("ecg::Classifier<my::TinyConv>,\n"));
}

TEST(SpecCompilerTest, AddsPartsOfOnesOwnToTheRecipe) {
  const Result result = Compile(
      "data { ptb_xl {} }\nmodel { resnet {} }\ntraining { multi_label {}\n"
      "  optimizer { own { type: \"my::Lion\" header: \"mine/lion.h\" } }\n"
      "  callback { own { type: \"my::Log\" header: \"mine/log.h\" } } }\n");
  EXPECT_EQ(result.errors, "");
  const std::string source = ReadFile(result.source).value_or("");
  EXPECT_THAT(source, HasSubstr("#include \"mine/lion.h\"\n"));
  EXPECT_THAT(source, HasSubstr("  ecg::Recipe recipe = Program::MakeRecipe();\n"
                                "  recipe.callbacks.Add<my::Log>(\"my::Log\");\n"
                                "  recipe.update_rules.Add<my::Lion>(\"my::Lion\");\n"
                                "  return ecg::Main(kSpec, std::move(recipe), argc, argv);\n"));
}

TEST(SpecCompilerTest, RefusesAWrongSpecAndWritesNothing) {
  const Result result = Compile(absl::StrCat(kSmallest, "runtime {\n  thread: 2\n  seed: x\n}\n"));
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_EQ(result.errors,
            "tiny.textproto:5:3: runtime has no field \"thread\"; did you mean threads?\n"
            "tiny.textproto:6:9: runtime.seed is x; write a whole number\n");
  EXPECT_FALSE(std::filesystem::exists(result.source));
}

TEST(SpecCompilerTest, SaysThatAFileIsMissing) {
  const int status = std::system("bazel/spec_compiler --spec=none.textproto --name=none 2>/dev/null");
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

}  // namespace
}  // namespace ecg
