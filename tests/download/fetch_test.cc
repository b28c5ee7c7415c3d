#include "ecg/download/fetch.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ecg/file/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/download/http_server.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FetchTest : public testing::Test {
 protected:
  FetchTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    for (int i = 0; i < 1'000'000; ++i) bytes_ += static_cast<char>(i * 31 / 7);
    server_.Set("/corpus.zip", bytes_);
    // libcurl looks at the rate of the last five seconds: with a high limit a stall shows after one.
    options_.timeouts.stall_bytes_per_second = 1'000'000;
    options_.timeouts.stall_seconds = 1;
    options_.tries = 3;
    options_.first_wait = std::chrono::milliseconds(1);
  }
  ~FetchTest() override { fs::remove_all(folder_); }

  absl::Status Fetch() { return FetchFile(server_.Url("/corpus.zip"), path_, options_); }
  int FilesInFolder() const { return std::distance(fs::directory_iterator(folder_), fs::directory_iterator()); }

  const fs::path folder_ = fs::path(testing::TempDir()) / "fetch_test";
  const fs::path path_ = folder_ / "corpus.zip";
  std::string bytes_;
  HttpServer server_;
  FetchOptions options_;
};

TEST_F(FetchTest, FetchesAFileAndLeavesNothingBesideIt) {
  ASSERT_EQ(Fetch(), absl::OkStatus());
  EXPECT_EQ(ReadFile(path_).value(), bytes_);
  EXPECT_EQ(FilesInFolder(), 1);
  EXPECT_THAT(server_.Requests("/corpus.zip"), ElementsAre(0));
}

TEST_F(FetchTest, FetchesAnEmptyFile) {
  server_.Set("/corpus.zip", "");
  ASSERT_EQ(Fetch(), absl::OkStatus());
  EXPECT_EQ(ReadFile(path_).value(), "");
}

TEST_F(FetchTest, ResumesWhereTheConnectionBroke) {
  server_.Plan("/corpus.zip", {{.breaks_off_after = 300'000}, {.breaks_off_after = 200'000}});
  ASSERT_EQ(Fetch(), absl::OkStatus());
  EXPECT_EQ(ReadFile(path_).value(), bytes_);
  EXPECT_THAT(server_.Requests("/corpus.zip"), ElementsAre(0, 300'000, 500'000));
}

TEST_F(FetchTest, AbortsAStallAndResumes) {
  server_.Plan("/corpus.zip", {{.stalls_after = 300'000}});
  ASSERT_EQ(Fetch(), absl::OkStatus());
  EXPECT_EQ(ReadFile(path_).value(), bytes_);
  EXPECT_THAT(server_.Requests("/corpus.zip"), ElementsAre(0, 300'000));
}

TEST_F(FetchTest, ResumesWhatAnEarlierProcessLeft) {
  // A process that was killed leaves just this: the first bytes, and a note of what they belong to.
  ASSERT_TRUE(WriteFile(path_.string() + ".part", bytes_.substr(0, 300'000)).ok());
  ASSERT_TRUE(WriteFile(path_.string() + ".part.source", server_.Url("/corpus.zip") + "\n\"1\"\n1000000\n").ok());
  ASSERT_EQ(Fetch(), absl::OkStatus());
  EXPECT_EQ(ReadFile(path_).value(), bytes_);
  EXPECT_THAT(server_.Requests("/corpus.zip"), ElementsAre(300'000));
  EXPECT_EQ(FilesInFolder(), 1);
}

TEST_F(FetchTest, KeepsThePartForTheNextCall) {
  server_.Plan("/corpus.zip", {{.breaks_off_after = 300'000}, {.code = 500}, {.code = 500}, {.code = 500}});
  const absl::Status status = Fetch();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Run the same command again"));
  EXPECT_FALSE(fs::exists(path_));
  server_.Plan("/corpus.zip", {});
  ASSERT_EQ(Fetch(), absl::OkStatus());
  EXPECT_EQ(ReadFile(path_).value(), bytes_);
  EXPECT_THAT(server_.Requests("/corpus.zip"), ElementsAre(300'000));
}

TEST_F(FetchTest, RequestsNothingWhereOnlyTheRenameWasMissing) {
  ASSERT_TRUE(WriteFile(path_.string() + ".part", bytes_).ok());
  ASSERT_TRUE(WriteFile(path_.string() + ".part.source", server_.Url("/corpus.zip") + "\n\"1\"\n1000000\n").ok());
  ASSERT_EQ(Fetch(), absl::OkStatus());
  EXPECT_EQ(ReadFile(path_).value(), bytes_);
  EXPECT_THAT(server_.Requests("/corpus.zip"), ElementsAre());
}

TEST_F(FetchTest, StartsFromZeroWhenTheFileHasChangedOnTheServer) {
  server_.Plan("/corpus.zip", {{.breaks_off_after = 300'000}, {.code = 500}, {.code = 500}, {.code = 500}});
  EXPECT_TRUE(absl::IsUnavailable(Fetch()));
  std::string changed = bytes_;
  changed[5] ^= 1;
  server_.Set("/corpus.zip", changed);
  ASSERT_EQ(Fetch(), absl::OkStatus());
  EXPECT_EQ(ReadFile(path_).value(), changed);
}

TEST_F(FetchTest, StartsFromZeroWhenThePartIsOfAnotherSize) {
  // No validator to ask with, and the whole was of another size.
  ASSERT_TRUE(WriteFile(path_.string() + ".part", "bytes of an older archive").ok());
  ASSERT_TRUE(WriteFile(path_.string() + ".part.source", server_.Url("/corpus.zip") + "\n\n999999\n").ok());
  ASSERT_EQ(Fetch(), absl::OkStatus());
  EXPECT_EQ(ReadFile(path_).value(), bytes_);
  EXPECT_THAT(server_.Requests("/corpus.zip"), ElementsAre(25, 0));
}

TEST_F(FetchTest, StartsFromZeroWhenThePartIsOfAnotherUrl) {
  ASSERT_TRUE(WriteFile(path_.string() + ".part", "bytes of another archive").ok());
  ASSERT_TRUE(WriteFile(path_.string() + ".part.source", "http://127.0.0.1/other.zip\n\"1\"\n1000000\n").ok());
  ASSERT_EQ(Fetch(), absl::OkStatus());
  EXPECT_EQ(ReadFile(path_).value(), bytes_);
  EXPECT_THAT(server_.Requests("/corpus.zip"), ElementsAre(0));
}

TEST_F(FetchTest, TakesTheWholeFileFromAServerThatCannotSendPartOfIt) {
  server_.Plan("/corpus.zip", {{.breaks_off_after = 300'000}, {.ignores_range = true}});
  ASSERT_EQ(Fetch(), absl::OkStatus());
  EXPECT_EQ(ReadFile(path_).value(), bytes_);
  EXPECT_THAT(server_.Requests("/corpus.zip"), ElementsAre(0, 300'000));
}

TEST_F(FetchTest, GivesUpOnAServerThatAlwaysBreaksOffAtTheSamePlace) {
  server_.Plan("/corpus.zip", std::vector<Reply>(20, Reply{.ignores_range = true, .breaks_off_after = 300'000}));
  const absl::Status status = Fetch();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("gave up after 3 tries"));
  EXPECT_EQ(server_.Requests("/corpus.zip").size(), 4u);  // the first brought something new
}

TEST_F(FetchTest, RetriesAfterAServerError) {
  server_.Plan("/corpus.zip", {{.code = 500}, {.code = 503}});
  ASSERT_EQ(Fetch(), absl::OkStatus());
  EXPECT_EQ(ReadFile(path_).value(), bytes_);
}

TEST_F(FetchTest, NamesAUrlThatIsNotFoundAndDoesNotRetry) {
  const absl::Status status = FetchFile(server_.Url("/missing.zip"), path_, options_);
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr(server_.Url("/missing.zip") + ": the server answered HTTP 404"));
  EXPECT_THAT(server_.Requests("/missing.zip"), ElementsAre(0));
  EXPECT_EQ(FilesInFolder(), 0);
}

TEST_F(FetchTest, NamesAUrlThatNobodyAnswers) {
  const absl::Status status = FetchFile("http://127.0.0.1:1/corpus.zip", path_, options_);
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("http://127.0.0.1:1/corpus.zip: "));
  EXPECT_EQ(FilesInFolder(), 0);
}

TEST_F(FetchTest, RefusesAUrlThatIsNotHttp) {
  EXPECT_TRUE(absl::IsFailedPrecondition(FetchFile("file:///etc/passwd", path_, options_)));
  EXPECT_EQ(FilesInFolder(), 0);
}

TEST_F(FetchTest, WritesNothingWhereThereIsNoFreeSpace) {
  int64_t asked = 0;
  const absl::Status status = FetchFile(server_.Url("/corpus.zip"), path_, options_, [&asked](int64_t bytes) {
    asked = bytes;
    return absl::ResourceExhaustedError("full");
  });
  EXPECT_EQ(status, absl::ResourceExhaustedError("full"));
  EXPECT_EQ(asked, 1'000'000);
  EXPECT_EQ(FilesInFolder(), 0);
}

TEST_F(FetchTest, FetchesATextAlsoWhenItBreaksOff) {
  server_.Set("/SHA256SUMS.txt", "some digests");
  server_.Plan("/SHA256SUMS.txt", {{.breaks_off_after = 4}});
  EXPECT_EQ(FetchText(server_.Url("/SHA256SUMS.txt"), options_).value(), "some digests");
}

}  // namespace
}  // namespace ecg
