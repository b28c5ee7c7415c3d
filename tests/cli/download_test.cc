// Runs the program itself, against a server on this machine.

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "ecg/file/file.h"
#include "ecg/file/sha256.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/download/http_server.h"
#include "tests/download/zip_file.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Outcome {
  int exit_code;
  std::string output;  // stdout and stderr
};

Outcome RunDownload(const std::string& arguments) {
  FILE* const pipe = popen(absl::StrCat("cli/download ", arguments, " 2>&1").c_str(), "r");
  Outcome outcome;
  char buffer[4096];
  size_t count;
  while ((count = fread(buffer, 1, sizeof buffer, pipe)) > 0) outcome.output.append(buffer, count);
  const int status = pclose(pipe);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

TEST(DownloadCommandTest, DownloadsIntoAFolderCountedFromWhereThePersonIs) {
  const fs::path folder = fs::path(testing::TempDir()) / "download_command_test";
  fs::create_directories(folder);
  setenv("BUILD_WORKING_DIRECTORY", folder.c_str(), 1);
  MakeZip(folder / "published", {{"top/ptbxl_database.csv", "ecg_id,..."}});
  Sha256 digest;
  digest.Update("ecg_id,...");
  HttpServer server;
  server.Set("/corpus.zip", ReadFile(folder / "published").value());
  server.Set("/SHA256SUMS.txt", digest.Hex() + " ptbxl_database.csv\n");
  const std::string addresses =
      " --url=" + server.Url("/corpus.zip") + " --checksums_url=" + server.Url("/SHA256SUMS.txt");

  // Room for the real PTB-XL is asked for.
  if (fs::space(folder).available < 4'000'000'000) GTEST_SKIP() << "less than 4 GB are free in " << folder;
  const Outcome first = RunDownload("ptbxl --version=1.0.3 --output_dir=ptbxl" + addresses);
  EXPECT_EQ(first.exit_code, 0) << first.output;
  EXPECT_THAT(first.output,
              HasSubstr("PTB-XL 1.0.3, CC BY 4.0: please read https://physionet.org/content/ptb-xl/1.0.3/"));
  EXPECT_THAT(first.output, HasSubstr("PTB-XL 1.0.3 in " + (folder / "ptbxl").string() + ": 1 files, all verified\n"));
  EXPECT_TRUE(fs::exists(folder / "ptbxl" / "ptbxl_database.csv"));

  const Outcome second = RunDownload("ptbxl --version=1.0.3 --output_dir=ptbxl" + addresses);
  EXPECT_EQ(second.exit_code, 0);
  EXPECT_THAT(second.output, HasSubstr("all verified (already there)\n"));

  const Outcome third = RunDownload("ptbxl --output_dir=other --url=" + server.Url("/gone.zip") +
                                    " --checksums_url=" + server.Url("/SHA256SUMS.txt"));
  EXPECT_EQ(third.exit_code, 1);
  EXPECT_THAT(third.output, HasSubstr("\nerror: " + server.Url("/gone.zip") + ": the server answered HTTP 404"));
  EXPECT_FALSE(fs::exists(folder / "other"));
  fs::remove_all(folder);
}

TEST(DownloadCommandTest, SaysWhatItWasCalledWrongWith) {
  const Outcome unknown = RunDownload("ptbxl --version=9 --output_dir=ptbxl");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.output, StartsWith("error: there is no corpus ptbxl 9 to download; there are: ptbxl 1.0.1"));
  const Outcome incomplete = RunDownload("ptbxl");
  EXPECT_EQ(incomplete.exit_code, 1);
  EXPECT_THAT(incomplete.output, StartsWith("error: --output_dir is required"));
  EXPECT_EQ(RunDownload("--help").exit_code, 0);
}

}  // namespace
}  // namespace ecg
