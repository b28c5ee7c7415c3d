#include "ecg/file/file.h"

#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class FileTest : public testing::Test {
 protected:
  FileTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~FileTest() override { fs::remove_all(folder_); }

  int FilesInFolder() const { return std::distance(fs::directory_iterator(folder_), fs::directory_iterator()); }

  const fs::path folder_ = fs::path(testing::TempDir()) / "file_test";
};

TEST_F(FileTest, ReadsBackWhatItWrote) {
  std::string bytes(300'000, '\0');  // more than one buffer, with bytes that end strings
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  ASSERT_TRUE(WriteFile(folder_ / "bytes", bytes).ok());
  EXPECT_EQ(ReadFile(folder_ / "bytes").value(), bytes);
  ASSERT_TRUE(WriteFile(folder_ / "empty", "").ok());
  EXPECT_EQ(ReadFile(folder_ / "empty").value(), "");
}

TEST_F(FileTest, ReplacesAnOlderFileOnlyWhenTheNewOneIsComplete) {
  ASSERT_TRUE(WriteFile(folder_ / "run.json", "old").ok());
  FileWriter writer = FileWriter::Create(folder_ / "run.json").value();
  ASSERT_TRUE(writer.Append("ne").ok());
  ASSERT_TRUE(writer.Append("w").ok());
  EXPECT_EQ(ReadFile(folder_ / "run.json").value(), "old");
  ASSERT_TRUE(writer.Commit().ok());
  EXPECT_EQ(ReadFile(folder_ / "run.json").value(), "new");
  EXPECT_EQ(FilesInFolder(), 1);
}

TEST_F(FileTest, LeavesNothingOfAFileThatIsNotCommitted) {
  {
    FileWriter writer = FileWriter::Create(folder_ / "run.json").value();
    ASSERT_TRUE(writer.Append("half of it").ok());
    EXPECT_EQ(FilesInFolder(), 1);
    const FileWriter moved = std::move(writer);
    EXPECT_EQ(FilesInFolder(), 1);
  }
  EXPECT_EQ(FilesInFolder(), 0);
}

TEST_F(FileTest, LeavesNothingWhereTheNameIsTaken) {
  ASSERT_TRUE(MakeDirectories(folder_ / "taken").ok());
  EXPECT_THAT(std::string(WriteFile(folder_ / "taken", "bytes").message()), HasSubstr("cannot write"));
  EXPECT_EQ(FilesInFolder(), 1);
}

TEST_F(FileTest, GivesAFileTheAccessThatTheUmaskLeaves) {
  const mode_t umask_before = umask(027);
  ASSERT_TRUE(WriteFile(folder_ / "run.json", "{}").ok());
  umask(umask_before);
  EXPECT_EQ(fs::status(folder_ / "run.json").permissions(), fs::perms(0640));
}

TEST_F(FileTest, SaysWhichFileItCannotReadAndWhy) {
  const absl::Status missing = ReadFile(folder_ / "missing").status();
  EXPECT_TRUE(absl::IsNotFound(missing));
  EXPECT_THAT(std::string(missing.message()), HasSubstr((folder_ / "missing").string()));
  EXPECT_THAT(std::string(ReadFile(folder_).status().message()), HasSubstr("Is a directory"));
}

TEST_F(FileTest, SaysWhichFileOrFolderItCannotMake) {
  EXPECT_TRUE(absl::IsNotFound(WriteFile(folder_ / "missing" / "run.json", "{}")));
  ASSERT_TRUE(WriteFile(folder_ / "file", "").ok());
  EXPECT_THAT(std::string(MakeDirectories(folder_ / "file" / "below").message()),
              HasSubstr("cannot make the folder " + (folder_ / "file" / "below").string()));
}

TEST_F(FileTest, MakesFoldersWithTheirParentsAndAcceptsThoseThatAreThere) {
  EXPECT_TRUE(MakeDirectories(folder_ / "a" / "b").ok());
  EXPECT_TRUE(MakeDirectories(folder_ / "a" / "b").ok());
  EXPECT_TRUE(fs::is_directory(folder_ / "a" / "b"));
}

}  // namespace
}  // namespace ecg
