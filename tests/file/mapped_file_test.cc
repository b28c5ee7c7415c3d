#include "ecg/file/mapped_file.h"

#include <filesystem>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "ecg/file/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

std::filesystem::path TestPath(const std::string& name) { return std::filesystem::path(testing::TempDir()) / name; }

TEST(MappedFileTest, ShowsTheBytesAndKeepsThemInPlaceWhenMoved) {
  ASSERT_TRUE(WriteFile(TestPath("mapped"), std::string("a\0b", 3)).ok());
  MappedFile file = MappedFile::Open(TestPath("mapped")).value();
  const char* const address = file.bytes().data();
  const MappedFile moved = std::move(file);
  EXPECT_EQ(std::string(moved.bytes()), std::string("a\0b", 3));
  EXPECT_EQ(moved.bytes().data(), address);
}

TEST(MappedFileTest, OutlivesTheNameOfItsFile) {
  ASSERT_TRUE(WriteFile(TestPath("renamed over"), "old").ok());
  const MappedFile file = MappedFile::Open(TestPath("renamed over")).value();
  ASSERT_TRUE(WriteFile(TestPath("renamed over"), "new").ok());
  EXPECT_EQ(std::string(file.bytes()), "old");
}

TEST(MappedFileTest, MapsAnEmptyFile) {
  ASSERT_TRUE(WriteFile(TestPath("nothing"), "").ok());
  EXPECT_TRUE(MappedFile::Open(TestPath("nothing")).value().bytes().empty());
  EXPECT_TRUE(MappedFile().bytes().empty());
}

TEST(MappedFileTest, RefusesWhatIsNotAFile) {
  EXPECT_TRUE(absl::IsNotFound(MappedFile::Open(TestPath("missing")).status()));
  EXPECT_THAT(std::string(MappedFile::Open(testing::TempDir()).status().message()), HasSubstr("it is not a file"));
  EXPECT_THAT(std::string(MappedFile::Open("/dev/null").status().message()), HasSubstr("it is not a file"));
}

}  // namespace
}  // namespace ecg
