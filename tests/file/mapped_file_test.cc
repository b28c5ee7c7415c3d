#include "ecg/file/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
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

TEST(MappedFileTest, PrefetchesAPieceThatIsAnnounced) {
  const size_t page = sysconf(_SC_PAGESIZE);
  const std::filesystem::path path = TestPath("announced");
  ASSERT_TRUE(WriteFile(path, std::string(8 * page, 'x')).ok());
  // Out of the page cache, which takes only what the disk has already.
  const int descriptor = open(path.c_str(), O_RDONLY);
  ASSERT_EQ(fsync(descriptor), 0);
  ASSERT_EQ(posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED), 0);
  close(descriptor);
  const MappedFile file = MappedFile::Open(path).value();
  const auto in_memory = [&] {
    std::vector<unsigned char> pages(8);
    EXPECT_EQ(mincore(const_cast<char*>(file.bytes().data()), 8 * page, pages.data()), 0);
    std::string result;
    for (const unsigned char of_page : pages) result += of_page & 1 ? 'y' : 'n';
    return result;
  };
  if (in_memory() != "nnnnnnnn") GTEST_SKIP() << path << " is in memory for good";

  // From inside the third page to inside the fifth.
  file.WillRead(file.bytes().substr(2 * page + 100, 2 * page));
  for (int i = 0; i < 1000 && in_memory() != "nnyyynnn"; ++i) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_EQ(in_memory(), "nnyyynnn");
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
