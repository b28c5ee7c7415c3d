#include "ecg/predict/arrivals.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/file/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace ecg {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ArrivalsTest : public testing::Test {
 protected:
  ArrivalsTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~ArrivalsTest() override { fs::remove_all(folder_); }

  // Polls at `second`, and writes the result of what is told, as a watcher does. Returns the names.
  std::vector<std::string> Poll(int second) {
    std::vector<std::string> names;
    const std::vector<Arrival> arrivals = arrivals_.Poll(start_ + seconds(second)).value();
    for (const Arrival& arrival : arrivals) {
      names.push_back(arrival.path.lexically_relative(folder_).string());
      EXPECT_EQ(arrival.result, arrival.path.string() + ".ecg.json");
      EXPECT_TRUE(WriteFile(arrival.result, nlohmann::json({{"state", arrival.state}}).dump()).ok());
    }
    return names;
  }

  void Append(const std::string& name, const std::string& text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::app) << text;
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / "arrivals_test";
  const Arrivals::Clock::time_point start_ = {};
  Arrivals arrivals_{folder_, seconds(2)};
};

TEST_F(ArrivalsTest, TellsAFileOnceItStandsStill) {
  EXPECT_THAT(Poll(0), IsEmpty());
  Append("a.xml", "first");
  EXPECT_THAT(Poll(1), IsEmpty());
  EXPECT_THAT(Poll(2), IsEmpty()) << "it has been seen for a second";
  Append("a.xml", "second");
  EXPECT_THAT(Poll(4), IsEmpty()) << "it grows";
  Append("a.xml", "third");
  EXPECT_THAT(Poll(6), IsEmpty());
  EXPECT_THAT(Poll(7), IsEmpty());
  EXPECT_THAT(Poll(8), ElementsAre("a.xml"));
  EXPECT_THAT(Poll(20), IsEmpty()) << "neither again nor its result";
}

TEST_F(ArrivalsTest, TellsAFileThatIsRenamedIn) {
  Append(".a.xml.upload", "all of it");
  Append("b.xml.part", "some of it");
  Poll(0);
  EXPECT_THAT(Poll(10), IsEmpty()) << "they are on their way";
  fs::rename(folder_ / ".a.xml.upload", folder_ / "a.xml");
  fs::rename(folder_ / "b.xml.part", folder_ / "b.xml");
  Poll(11);
  EXPECT_THAT(Poll(13), ElementsAre("a.xml", "b.xml"));
}

TEST_F(ArrivalsTest, TellsAFileAgainThatIsRewritten) {
  Append("a.xml", "first");
  Poll(0);
  EXPECT_THAT(Poll(2), ElementsAre("a.xml"));
  Append("a.xml", " and more");
  Poll(3);
  EXPECT_THAT(Poll(5), ElementsAre("a.xml"));
  // Another file of the same length, and with an older time, as a copy that keeps times has.
  fs::last_write_time(folder_ / "a.xml", fs::last_write_time(folder_ / "a.xml") - std::chrono::hours(5));
  Poll(6);
  EXPECT_THAT(Poll(8), ElementsAre("a.xml"));
}

TEST_F(ArrivalsTest, ALaterProcessKnowsWhatWasPredicted) {
  Append("a.xml", "first");
  Append("b.xml", "second");
  Poll(0);
  EXPECT_THAT(Poll(2), ElementsAre("a.xml", "b.xml"));
  Append("b.xml", " changed");
  Append("c.xml", "third");
  Arrivals later(folder_, seconds(2));
  EXPECT_THAT(later.Poll(start_).value(), IsEmpty());
  const std::vector<Arrival> arrivals = later.Poll(start_ + seconds(2)).value();
  ASSERT_THAT(arrivals, SizeIs(2));
  EXPECT_EQ(arrivals[0].path.filename(), "b.xml");
  EXPECT_EQ(arrivals[1].path.filename(), "c.xml");
}

TEST_F(ArrivalsTest, WaitsForTheSamplesOfAHeader) {
  Append("a.hea", "a 12 500\n");
  Append("a.dat", "some");
  Poll(0);
  Append("a.dat", "more");
  EXPECT_THAT(Poll(2), IsEmpty());
  EXPECT_THAT(Poll(4), ElementsAre("a.hea")) << "and a.dat is no recording of its own";
}

TEST_F(ArrivalsTest, WaitsForAllFilesThatAHeaderNames) {
  Append("a.hea", "a 15 1000 5000\na.dat 16 2000 16 0 1 2 0 i\na.xyz 16 2000 16 0 1 2 0 vx\n# a comment\n");
  Append("b.hea", "b 1 500 5000\nsamples.dat 16 1000 16 0 1 2 0 I\n");
  Append("a.dat", "all");
  Append("a.xyz", "some");
  Append("samples.dat", "all");
  Poll(0);
  Append("a.xyz", " more");
  EXPECT_THAT(Poll(2), ElementsAre("b.hea")) << "and samples.dat is no recording of its own";
  EXPECT_THAT(Poll(4), ElementsAre("a.hea"));
  Append("a.xyz", " and yet more");
  Poll(5);
  EXPECT_THAT(Poll(7), ElementsAre("a.hea"));
}

TEST_F(ArrivalsTest, TellsAgainWhatIsToBeTriedAgain) {
  Append("a.xml", "first");
  arrivals_.Poll(start_).value();
  const std::vector<Arrival> arrived = arrivals_.Poll(start_ + seconds(2)).value();
  ASSERT_THAT(arrived, SizeIs(1));
  EXPECT_THAT(Poll(3), IsEmpty());
  arrivals_.Retry(arrived[0], start_ + seconds(4));
  EXPECT_THAT(Poll(5), IsEmpty()) << "not before it has settled again";
  EXPECT_THAT(Poll(6), ElementsAre("a.xml"));
  EXPECT_THAT(Poll(9), IsEmpty());
}

TEST_F(ArrivalsTest, WaitsForAllOfAFolderOfUnisens) {
  Append("a/unisens.xml", "<unisens/>");
  Poll(0);
  Append("a/ecg.bin", "some");
  EXPECT_THAT(Poll(2), IsEmpty());
  EXPECT_THAT(Poll(4), ElementsAre("a/unisens.xml"));
  EXPECT_THAT(Poll(9), IsEmpty()) << "the result beside it does not count";
}

TEST_F(ArrivalsTest, TellsABurstInFoldersInOrder) {
  std::vector<std::string> names;
  for (int i = 100; i < 300; ++i) names.push_back(absl::StrCat("day/", i, ".xml"));
  for (const std::string& name : names) Append(name, "x");
  Poll(0);
  EXPECT_EQ(Poll(2), names);
  EXPECT_THAT(Poll(4), IsEmpty());
}

TEST_F(ArrivalsTest, TellsAFileAgainThatBecomesReadable) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  Append("a.xml", "first");
  chmod((folder_ / "a.xml").c_str(), 0);
  Poll(0);
  EXPECT_THAT(Poll(2), ElementsAre("a.xml")) << "for its result to say that it cannot be read";
  chmod((folder_ / "a.xml").c_str(), 0644);
  Poll(3);
  EXPECT_THAT(Poll(5), ElementsAre("a.xml"));
}

TEST_F(ArrivalsTest, ForgetsWhatHasGoneAndSurvivesTheFolder) {
  Append("a.xml", "first");
  Poll(0);
  fs::remove(folder_ / "a.xml");
  EXPECT_THAT(Poll(2), IsEmpty());
  fs::remove_all(folder_);
  EXPECT_FALSE(arrivals_.Poll(start_ + seconds(3)).ok());
  fs::create_directories(folder_);
  Append("a.xml", "again");
  Poll(4);
  EXPECT_THAT(Poll(6), ElementsAre("a.xml"));
}

}  // namespace
}  // namespace ecg
