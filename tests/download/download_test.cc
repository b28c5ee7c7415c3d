#include "ecg/download/download.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/download/corpus_source.h"
#include "ecg/file/file.h"
#include "ecg/file/sha256.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/download/http_server.h"
#include "tests/download/zip_file.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A corpus of three files, published on a server of this machine.
class DownloadTest : public testing::Test {
 protected:
  DownloadTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    Publish({{"top/", ""},
             {"top/ptbxl_database.csv", "ecg_id,..."},
             {"top/records100/00001_lr.dat", std::string(500'000, 'r')},
             {"top/SHA256SUMS.txt", "the archive's own copy"}});
    std::string list;
    for (const auto& [path, bytes] : {std::pair<std::string, std::string>{"ptbxl_database.csv", "ecg_id,..."},
                                      {"records100/00001_lr.dat", std::string(500'000, 'r')}}) {
      Sha256 digest;
      digest.Update(bytes);
      absl::StrAppend(&list, digest.Hex(), " ", path, "\n");
    }
    server_.Set("/SHA256SUMS.txt", list);
    source_.title = "PTB-XL";
    source_.version = "1.0.3";
    source_.page = "https://physionet.org/content/ptb-xl/1.0.3/";
    source_.archive_url = server_.Url("/corpus.zip");
    source_.checksums_url = server_.Url("/SHA256SUMS.txt");
    source_.unpacked_bytes = 600'000;
    options_.output_dir = output_;
    options_.fetch.tries = 2;
    options_.fetch.first_wait = std::chrono::milliseconds(1);
  }
  ~DownloadTest() override { fs::remove_all(folder_); }

  void Publish(const std::vector<ZipEntry>& entries) {
    MakeZip(folder_ / "published", entries);
    archive_ = ReadFile(folder_ / "published").value();
    fs::remove(folder_ / "published");
    server_.Set("/corpus.zip", archive_);
  }

  absl::StatusOr<DownloadReport> Download() { return DownloadCorpus(source_, options_); }
  std::string Message() { return std::string(Download().status().message()); }

  // What the folder holds, but for the lock.
  std::vector<std::string> Folder() const {
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_)) {
      if (entry.path().extension() != ".lock") names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / "download_test";
  const fs::path output_ = folder_ / "ptbxl";
  HttpServer server_;
  std::string archive_;
  CorpusSource source_;
  DownloadOptions options_;
};

TEST_F(DownloadTest, LeavesTheVerifiedFolderAndNothingElse) {
  const DownloadReport report = Download().value();
  EXPECT_EQ(report.files, 2);
  EXPECT_FALSE(report.already_there);
  EXPECT_THAT(report.left_out, IsEmpty());
  EXPECT_THAT(Folder(), ElementsAre("ptbxl"));
  EXPECT_EQ(ReadFile(output_ / "ptbxl_database.csv").value(), "ecg_id,...");
  EXPECT_EQ(fs::file_size(output_ / "records100" / "00001_lr.dat"), 500'000u);
  // The list as published, not the archive's copy.
  EXPECT_THAT(ReadFile(output_ / "SHA256SUMS.txt").value(), HasSubstr(" ptbxl_database.csv\n"));
}

TEST_F(DownloadTest, KeepsOnlyTheFolderThatIsAskedFor) {
  source_.folder = "records100/";
  const DownloadReport report = Download().value();
  EXPECT_EQ(report.files, 1);
  EXPECT_THAT(report.left_out, IsEmpty());
  EXPECT_TRUE(fs::exists(output_ / "records100" / "00001_lr.dat"));
  EXPECT_FALSE(fs::exists(output_ / "ptbxl_database.csv"));
  EXPECT_TRUE(Download().value().already_there);
  source_.folder = "records250/";
  EXPECT_THAT(Message(), HasSubstr("lists no file below records250/"));
}

TEST_F(DownloadTest, MakesTheParentsAndFillsAnEmptyFolder) {
  options_.output_dir = folder_ / "data" / "ptbxl" / "";
  EXPECT_TRUE(Download().ok());
  EXPECT_TRUE(fs::exists(folder_ / "data" / "ptbxl" / "ptbxl_database.csv"));
  options_.output_dir = folder_ / "empty";
  fs::create_directories(options_.output_dir);
  EXPECT_TRUE(Download().ok());
  EXPECT_TRUE(fs::exists(folder_ / "empty" / "ptbxl_database.csv"));
}

TEST_F(DownloadTest, FillsTheEmptyFolderThatALinkNames) {
  fs::create_directories(folder_ / "disk" / "empty");
  fs::create_directory_symlink("disk/empty", output_);
  EXPECT_EQ(Download().status(), absl::OkStatus());
  EXPECT_TRUE(fs::is_symlink(output_));
  EXPECT_TRUE(fs::exists(folder_ / "disk" / "empty" / "ptbxl_database.csv"));
  EXPECT_TRUE(Download().value().already_there);
}

TEST_F(DownloadTest, FetchesNothingForALinkToNothing) {
  fs::create_directory_symlink("nowhere", output_);
  EXPECT_THAT(Message(), HasSubstr("cannot follow the link " + output_.string()));
  EXPECT_THAT(server_.Requests("/corpus.zip"), IsEmpty());
}

TEST_F(DownloadTest, KnowsWhereADiskIsMounted) {
  EXPECT_TRUE(IsMountPoint("/proc"));
  EXPECT_FALSE(IsMountPoint(folder_));
}

TEST_F(DownloadTest, FetchesNothingThatIsThereAndVerified) {
  ASSERT_TRUE(Download().ok());
  server_.Plan("/corpus.zip", {});
  EXPECT_TRUE(Download().value().already_there);
  EXPECT_THAT(server_.Requests("/corpus.zip"), IsEmpty());
}

TEST_F(DownloadTest, DoesNotTouchAFolderThatHoldsSomethingElse) {
  fs::create_directories(output_);
  ASSERT_TRUE(WriteFile(output_ / "thesis.tex", "years of work").ok());
  EXPECT_THAT(Message(), HasSubstr(output_.string() + " is there, but is not PTB-XL 1.0.3: "));
  EXPECT_EQ(ReadFile(output_ / "thesis.tex").value(), "years of work");
  EXPECT_THAT(Folder(), ElementsAre("ptbxl"));
  options_.output_dir = output_ / "thesis.tex";
  EXPECT_THAT(Message(), HasSubstr("thesis.tex is there, but is not PTB-XL 1.0.3: "));
}

TEST_F(DownloadTest, NamesTheFileOfAnEarlierDownloadThatHasChanged) {
  ASSERT_TRUE(Download().ok());
  ASSERT_TRUE(WriteFile(output_ / "ptbxl_database.csv", "ecg_id;...").ok());
  EXPECT_THAT(Message(), HasSubstr((output_ / "ptbxl_database.csv").string() + " has the SHA-256 digest"));
}

TEST_F(DownloadTest, ResumesInASecondCall) {
  server_.Plan("/corpus.zip", {{.breaks_off_after = 300'000}, {.code = 500}, {.code = 500}});
  EXPECT_TRUE(absl::IsUnavailable(Download().status()));
  EXPECT_THAT(Folder(), ElementsAre("ptbxl.zip.part", "ptbxl.zip.part.source"));
  server_.Plan("/corpus.zip", {});
  EXPECT_TRUE(Download().ok());
  EXPECT_THAT(server_.Requests("/corpus.zip"), ElementsAre(300'000));
  EXPECT_THAT(Folder(), ElementsAre("ptbxl"));
}

TEST_F(DownloadTest, RemovesWhatAKilledProcessWasUnpacking) {
  fs::create_directories(folder_ / "ptbxl.unpacking");
  ASSERT_TRUE(WriteFile(folder_ / "ptbxl.unpacking" / "half", "half a file").ok());
  EXPECT_TRUE(Download().ok());
  EXPECT_THAT(Folder(), ElementsAre("ptbxl"));
  EXPECT_FALSE(fs::exists(output_ / "half"));
}

TEST_F(DownloadTest, UsesAnArchiveThatIsThereAndLeavesIt) {
  ASSERT_TRUE(WriteFile(folder_ / "ptbxl.zip", archive_).ok());
  EXPECT_TRUE(Download().ok());
  EXPECT_THAT(server_.Requests("/corpus.zip"), IsEmpty());
  EXPECT_THAT(Folder(), ElementsAre("ptbxl", "ptbxl.zip"));
}

TEST_F(DownloadTest, NamesTheFileWithAWrongByteAndLeavesNoFolder) {
  std::string wrong = archive_;
  wrong[wrong.find("rrrr") + 1000] = 's';
  server_.Set("/corpus.zip", wrong);
  const absl::Status status = Download().status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("'records100/00001_lr.dat'"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("run the same command again to download it again"));
  EXPECT_THAT(Folder(), IsEmpty());
  // What it says works.
  server_.Set("/corpus.zip", archive_);
  EXPECT_TRUE(Download().ok());
}

TEST_F(DownloadTest, DoesNotRemoveAWrongArchiveThatWasThereBefore) {
  ASSERT_TRUE(WriteFile(folder_ / "ptbxl.zip", "something else").ok());
  EXPECT_THAT(Message(), HasSubstr("Delete that archive, run the same command again"));
  EXPECT_THAT(Folder(), ElementsAre("ptbxl.zip"));
}

TEST_F(DownloadTest, RefusesAnArchiveThatReachesOutOfItsFolder) {
  Publish({{"top/ptbxl_database.csv", "ecg_id,..."}, {"../evil", "evil"}});
  EXPECT_THAT(Message(), HasSubstr("holds '../evil'"));
  EXPECT_THAT(Folder(), IsEmpty());
}

TEST_F(DownloadTest, KeepsTheArchiveWhenAsked) {
  options_.keep_archive = true;
  ASSERT_TRUE(Download().ok());
  EXPECT_THAT(Folder(), ElementsAre("ptbxl", "ptbxl.zip"));
  EXPECT_EQ(ReadFile(folder_ / "ptbxl.zip").value(), archive_);
}

TEST_F(DownloadTest, ListsWhatItLeftOut) {
  Publish({{"top/ptbxl_database.csv", "ecg_id,..."},
           {"top/records100/00001_lr.dat", std::string(500'000, 'r')},
           {"top/notes.txt", "not in the published list"}});
  EXPECT_THAT(Download().value().left_out, ElementsAre("notes.txt"));
  EXPECT_FALSE(fs::exists(output_ / "notes.txt"));
}

TEST_F(DownloadTest, ChecksFreeSpaceFirst) {
  source_.unpacked_bytes = int64_t{1} << 60;
  const absl::Status status = Download().status();
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr(folder_.string() + " has "));
  EXPECT_THAT(std::string(status.message()), HasSubstr("but 1152921504.61 GB are needed"));
  EXPECT_THAT(Folder(), IsEmpty());
}

TEST_F(DownloadTest, NamesAUrlThatIsNotFound) {
  source_.archive_url = server_.Url("/gone.zip");
  EXPECT_THAT(Message(), HasSubstr(server_.Url("/gone.zip") + ": the server answered HTTP 404; see " + source_.page));
  source_.checksums_url = server_.Url("/gone.txt");
  EXPECT_THAT(Message(), HasSubstr(server_.Url("/gone.txt") + ": the server answered HTTP 404; see " + source_.page));
  EXPECT_THAT(Folder(), IsEmpty());
}

TEST_F(DownloadTest, FetchesOnceForTwoThatWantTheSame) {
  absl::StatusOr<DownloadReport> reports[2];
  std::thread other([&] { reports[0] = Download(); });
  reports[1] = Download();
  other.join();
  ASSERT_TRUE(reports[0].ok() && reports[1].ok());
  EXPECT_NE(reports[0]->already_there, reports[1]->already_there);
  EXPECT_THAT(server_.Requests("/corpus.zip"), ElementsAre(0));
}

}  // namespace
}  // namespace ecg
