#include "ecg/experiment/flags.h"

#include <optional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

// Typed returns the flags of a command line.
Flags Typed(const std::string& line) {
  Flags flags;
  CLI::App app;
  AddFlags("ECG_PTBXL_DIR", flags, app);
  app.parse(line);
  return flags;
}

std::string Refused(const std::string& line) { return std::string(CheckFlags(Typed(line)).message()); }

TEST(FlagsTest, TrainingIsWhatNoFlagAsksFor) {
  const Flags flags = Typed("");
  EXPECT_EQ(flags.mode, "train");
  EXPECT_FALSE(flags.continues());
  EXPECT_TRUE(CheckFlags(flags).ok());
}

TEST(FlagsTest, ResumingEvaluatingAndPredictingContinueARun) {
  for (const char* line : {"--resume", "--mode=evaluate", "--mode=predict ecg.dcm"}) {
    EXPECT_TRUE(Typed(line).continues()) << line;
    EXPECT_TRUE(CheckFlags(Typed(line)).ok()) << line;
  }
}

TEST(FlagsTest, FlagsThatDoNotGoTogetherAreRefusedByName) {
  EXPECT_THAT(Refused("--data_dir=ptbxl --demo_records=200"), HasSubstr("--demo_records exclude each other"));
  EXPECT_THAT(Refused("--initial_weights=a.pth --resume"), HasSubstr("--initial_weights is for a new training"));
  EXPECT_THAT(Refused("--initial_weights=a.pth --mode=predict"), HasSubstr("--initial_weights is for a new training"));
  EXPECT_THAT(Refused("ecg.dcm"), HasSubstr("only --mode=predict reads recordings: ecg.dcm"));
  EXPECT_THAT(Refused("--resume_or_begin"), HasSubstr("in the folder that --output_dir names"));
  EXPECT_THAT(Refused("--resume_or_begin --output_dir=a --mode=evaluate"), HasSubstr("--resume_or_begin is for"));
  EXPECT_THAT(Refused("--describe --mode=evaluate"), HasSubstr("leave out --mode=evaluate"));
  EXPECT_THAT(Refused("--mode=find_learning_rate --resume"), HasSubstr("leave out --resume"));
  EXPECT_THAT(Refused("--live --describe"), HasSubstr("--live shows a training"));
  EXPECT_THAT(Refused("--live --mode=find_learning_rate"), HasSubstr("--live shows a training"));
}

TEST(FlagsTest, ALivePageHasAnyPortOrTheOneNamed) {
  EXPECT_EQ(LivePort(Typed("").live).value(), std::nullopt);
  EXPECT_EQ(LivePort(Typed("--live").live).value(), std::nullopt);
  EXPECT_EQ(LivePort(Typed("--live=8080").live).value(), 8080);
  for (const char* line : {"--live=here", "--live=-1", "--live=65536", "--live=80.5"}) {
    EXPECT_THAT(Refused(line), HasSubstr("expected a number from 0 to 65535")) << line;
  }
}

}  // namespace
}  // namespace ecg
