#include "ecg/download/checksums.h"

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "ecg/file/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

const std::string kOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const std::string kOfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(ChecksumsTest, ReadsTheWaysThatSuchListsAreWritten) {
  EXPECT_THAT(ParseChecksums(kOfAbc + " one blank.txt\n" +                         //
                                 kOfAbc + "  records100/00000/00001_lr.dat\r\n" +  //
                                 "\n" +                                            //
                                 kOfNothing + " *binary.dat\n" +                   //
                                 "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD  ./upper.txt",
                             "SHA256SUMS.txt")
                  .value(),
              ElementsAre(Pair("binary.dat", kOfNothing), Pair("one blank.txt", kOfAbc),
                          Pair("records100/00000/00001_lr.dat", kOfAbc), Pair("upper.txt", kOfAbc)));
}

TEST(ChecksumsTest, NamesTheLineThatIsNoDigest) {
  const auto message = [](const std::string& line) {
    return std::string(ParseChecksums(kOfAbc + "  a\n" + line + "\n", "SHA256SUMS.txt").status().message());
  };
  EXPECT_THAT(message("<html>"),
              HasSubstr("SHA256SUMS.txt, line 2: expected a SHA-256 digest and a path, found '<html>'"));
  EXPECT_THAT(message(kOfAbc), HasSubstr("line 2"));
  EXPECT_THAT(message(kOfAbc + " "), HasSubstr("line 2"));
  EXPECT_THAT(message(kOfAbc + "path"), HasSubstr("line 2"));
  EXPECT_THAT(message(kOfAbc.substr(1) + "  path"), HasSubstr("line 2"));
  EXPECT_THAT(message("g" + kOfAbc.substr(1) + "  path"), HasSubstr("line 2"));
  EXPECT_THAT(std::string(ParseChecksums("\n", "SHA256SUMS.txt").status().message()), HasSubstr("lists no file"));
}

TEST(ChecksumsTest, NamesTheFileThatIsWrongOrMissing) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "checksums_test";
  ASSERT_TRUE(MakeDirectories(folder).ok());
  ASSERT_TRUE(WriteFile(folder / "a", "abc").ok());
  EXPECT_TRUE(VerifyFiles(folder, {{"a", kOfAbc}}).ok());
  EXPECT_THAT(std::string(VerifyFiles(folder, {{"a", kOfNothing}}).message()),
              HasSubstr((folder / "a").string() + " has the SHA-256 digest " + kOfAbc + ", expected " + kOfNothing));
  EXPECT_TRUE(absl::IsNotFound(VerifyFiles(folder, {{"a", kOfAbc}, {"b", kOfAbc}})));
}

}  // namespace
}  // namespace ecg
