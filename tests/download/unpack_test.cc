#include "ecg/download/unpack.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/download/checksums.h"
#include "ecg/file/file.h"
#include "ecg/file/sha256.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/download/zip_file.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string DigestOf(const std::string& bytes) {
  Sha256 digest;
  digest.Update(bytes);
  return digest.Hex();
}

TEST(IsSafeEntryNameTest, TellsWhatStaysInItsFolder) {
  for (const char* name : {"top/a", "top/", "top/a b/..c", "top/.hidden"}) EXPECT_TRUE(IsSafeEntryName(name)) << name;
  for (const char* name : {"", "/", "/etc/passwd", "../evil", "top/../../evil", "top/..", "top/./a", "top//a",
                           "top\\..\\a", "C:/a", "top/a//"}) {
    EXPECT_FALSE(IsSafeEntryName(name)) << name;
  }
}

class UnpackTest : public testing::Test {
 protected:
  UnpackTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~UnpackTest() override { fs::remove_all(folder_); }

  // Unpacks an archive of `entries`, where a.txt and data/b.dat should be.
  absl::StatusOr<std::vector<std::string>> UnpackOf(const std::vector<ZipEntry>& entries) {
    MakeZip(archive_, entries);
    return Unpack(archive_, directory_, checksums_, [](int64_t) { return absl::OkStatus(); });
  }
  std::string MessageOf(const std::vector<ZipEntry>& entries) {
    const absl::Status status = UnpackOf(entries).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    return std::string(status.message());
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / "unpack_test";
  const fs::path archive_ = folder_ / "corpus.zip";
  const fs::path directory_ = folder_ / "below" / "corpus";
  const std::string long_bytes_ = std::string(1'000'000, 'b');
  const Checksums checksums_ = {{"a.txt", DigestOf("hello")}, {"data/b.dat", DigestOf(long_bytes_)}};
  const std::vector<ZipEntry> good_ = {{"top/", ""}, {"top/a.txt", "hello"}, {"top/data/b.dat", long_bytes_}};

  std::vector<ZipEntry> GoodAnd(const ZipEntry& entry) const {
    std::vector<ZipEntry> entries = good_;
    entries.push_back(entry);
    return entries;
  }
};

TEST_F(UnpackTest, PutsWhatIsBelowTheTopFolderIntoTheFolder) {
  EXPECT_THAT(UnpackOf(good_).value(), ElementsAre());
  EXPECT_EQ(ReadFile(directory_ / "a.txt").value(), "hello");
  EXPECT_EQ(ReadFile(directory_ / "data" / "b.dat").value(), long_bytes_);
}

TEST_F(UnpackTest, LeavesOutAndNamesWhatHasNoDigest) {
  EXPECT_THAT(UnpackOf(GoodAnd({"top/extra.txt", "?"})).value(), ElementsAre("extra.txt"));
  EXPECT_FALSE(fs::exists(directory_ / "extra.txt"));
}

TEST_F(UnpackTest, RefusesWhatCouldLeaveTheFolderAndWritesNothing) {
  for (const char* name : {"../evil", "top/../../evil", "/tmp/evil", "top\\..\\..\\evil"}) {
    EXPECT_THAT(MessageOf(GoodAnd({name, "evil"})), HasSubstr(std::string("holds '") + name + "', which could leave"));
  }
  EXPECT_FALSE(fs::exists(directory_));
  EXPECT_FALSE(fs::exists(folder_ / "evil"));
}

TEST_F(UnpackTest, RefusesALink) {
  EXPECT_THAT(MessageOf({{"top/a.txt", "/etc/passwd", true}, {"top/data/b.dat", long_bytes_}}),
              HasSubstr("'top/a.txt', which is a link or a device"));
  EXPECT_FALSE(fs::exists(directory_));
}

TEST_F(UnpackTest, RefusesASecondTopFolder) {
  EXPECT_THAT(MessageOf(GoodAnd({"other/c.txt", ""})), HasSubstr("'other/c.txt' outside its one top folder 'top/'"));
  EXPECT_THAT(MessageOf(GoodAnd({"c.txt", ""})), HasSubstr("'c.txt' outside its one top folder"));
}

TEST_F(UnpackTest, NamesAFileThatIsMissing) {
  EXPECT_THAT(MessageOf({{"top/a.txt", "hello"}}), HasSubstr("lacks 1 of 2 files, such as 'data/b.dat'"));
}

TEST_F(UnpackTest, NamesAFileWithAWrongByteThatTheArchiveItselfDoesNotNotice) {
  EXPECT_THAT(MessageOf({{"top/a.txt", "hellO"}, {"top/data/b.dat", long_bytes_}}),
              HasSubstr("'a.txt' has the SHA-256 digest " + DigestOf("hellO") + ", expected " + DigestOf("hello")));
}

TEST_F(UnpackTest, NamesAFileThatWasDamagedInTransit) {
  MakeZip(archive_, good_);
  std::string bytes = ReadFile(archive_).value();
  bytes[bytes.find("hello")] = 'j';
  ASSERT_TRUE(WriteFile(archive_, bytes).ok());
  const absl::Status status =
      Unpack(archive_, directory_, checksums_, [](int64_t) { return absl::OkStatus(); }).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("'a.txt'"));
}

TEST_F(UnpackTest, RefusesWhatIsNoArchiveOrNotAllOfOne) {
  const auto check_room = [](int64_t) { return absl::OkStatus(); };
  ASSERT_TRUE(WriteFile(archive_, "<html>Please log in</html>").ok());
  EXPECT_TRUE(absl::IsDataLoss(Unpack(archive_, directory_, checksums_, check_room).status()));
  MakeZip(archive_, good_);
  const std::string bytes = ReadFile(archive_).value();
  ASSERT_TRUE(WriteFile(archive_, bytes.substr(0, bytes.size() / 2)).ok());
  EXPECT_TRUE(absl::IsDataLoss(Unpack(archive_, directory_, checksums_, check_room).status()));
  EXPECT_FALSE(fs::exists(directory_));
}

TEST_F(UnpackTest, ChecksFreeSpaceBeforeItWrites) {
  MakeZip(archive_, good_);
  int64_t asked = 0;
  const absl::Status status = Unpack(archive_, directory_, checksums_, [&asked](int64_t bytes) {
                                asked = bytes;
                                return absl::ResourceExhaustedError("full");
                              }).status();
  EXPECT_EQ(status, absl::ResourceExhaustedError("full"));
  EXPECT_EQ(asked, 4096 + 245 * 4096);  // whole blocks of a.txt and b.dat
  EXPECT_FALSE(fs::exists(directory_));
}

}  // namespace
}  // namespace ecg
