// Every .textproto in examples/ is right, means the same when it is printed and read back, and can be compiled.

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "ecg/file/file.h"
#include "ecg/spec/compiled.h"
#include "ecg/spec/parse.h"
#include "ecg/spec/resolve.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

TEST(ExamplesTest, AreRight) {
  int examples = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("examples")) {
    if (entry.path().extension() != ".textproto") continue;
    SCOPED_TRACE(entry.path());
    ++examples;
    const absl::StatusOr<std::string> text = ReadFile(entry.path());
    ASSERT_TRUE(text.ok()) << text.status();
    EXPECT_EQ((*text)[0], '#') << "an example begins with a comment that says what it is for";
    const absl::StatusOr<spec::Experiment> spec = ParseExperiment(*text, entry.path().string());
    ASSERT_TRUE(spec.ok()) << spec.status();
    EXPECT_FALSE(spec->description().empty());
    EXPECT_TRUE(CompiledTypesOf(*spec).ok());
    const absl::StatusOr<spec::Experiment> again = ParseExperiment(ToText(Resolve(*spec)), "resolved");
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(*again, Resolve(*spec)));
  }
  EXPECT_GE(examples, 3);
}

}  // namespace
}  // namespace ecg
