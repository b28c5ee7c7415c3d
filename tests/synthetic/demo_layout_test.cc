#include "ecg/synthetic/demo_layout.h"

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/corpus/cinc_challenge.h"
#include "ecg/corpus/cpsc2018.h"
#include "ecg/corpus/recordings.h"
#include "ecg/corpus/snomed_ct.h"
#include "ecg/corpus/split.h"
#include "ecg/file/file.h"
#include "ecg/signal/signal.h"
#include "ecg/synthetic/demo.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAreArray;

fs::path NewFolder(const std::string& name) {
  const fs::path folder = fs::path(testing::TempDir()) / ("demo_layout_test_" + name);
  fs::remove_all(folder);
  return folder;
}

std::map<std::string, std::string> Contents(const fs::path& folder) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) contents[fs::relative(entry, folder).string()] = ReadFile(entry.path()).value();
  }
  return contents;
}

TEST(DemoLayoutTest, TheSameSeedGivesTheSameBytesInEveryLayout) {
  for (const std::string dataset : {"g12ec", "cpsc2018", "recordings"}) {
    const fs::path folder = NewFolder(dataset);
    ASSERT_EQ(MakeDemo({.dataset = dataset, .records = 8, .threads = 1}, folder / "one"), absl::OkStatus());
    ASSERT_EQ(MakeDemo({.dataset = dataset, .records = 8, .threads = 3}, folder / "three"), absl::OkStatus());
    EXPECT_EQ(Contents(folder / "one"), Contents(folder / "three"));
    fs::remove_all(folder);
  }
}

TEST(DemoLayoutTest, G12ecReadsItsLayout) {
  const fs::path folder = NewFolder("read_g12ec");
  ASSERT_EQ(MakeDemo({.dataset = "g12ec", .records = 120}, folder), absl::OkStatus());
  const absl::StatusOr<G12ec> g12ec = G12ec::Open({}, folder);
  ASSERT_TRUE(g12ec.ok()) << g12ec.status();
  EXPECT_TRUE(g12ec->corpus().synthetic);
  ASSERT_EQ(g12ec->corpus().records.size(), 120u);
  EXPECT_THAT(g12ec->labels().classes, Contains("426783006"));
  const CincChallenge any = CincChallenge::Open({}, folder).value();
  std::set<int> lengths;
  for (int record = 0; record < 120; ++record) {
    const absl::StatusOr<Signal> signal = g12ec->ReadSignal(record);
    ASSERT_TRUE(signal.ok()) << signal.status();
    EXPECT_TRUE(signal->checksums_verified);
    EXPECT_EQ(signal->samples, 5000);
    lengths.insert(any.ReadSignal(record)->samples);
  }
  EXPECT_GT(lengths.size(), 1u) << "some records are shorter than others";
  fs::remove_all(folder);
}

TEST(DemoLayoutTest, Cpsc2018ReadsItsLayout) {
  const fs::path folder = NewFolder("read_cpsc2018");
  ASSERT_EQ(MakeDemo({.dataset = "cpsc2018", .records = 50}, folder), absl::OkStatus());
  const absl::StatusOr<Cpsc2018> cpsc = Cpsc2018::Open({}, folder);
  ASSERT_TRUE(cpsc.ok()) << cpsc.status();
  EXPECT_TRUE(cpsc->corpus().synthetic);
  ASSERT_EQ(cpsc->corpus().records.size(), 50u);
  EXPECT_THAT(cpsc->labels().classes,
              UnorderedElementsAreArray(std::set<std::string>(Cpsc2018::kLabels.begin(), Cpsc2018::kLabels.end())));
  std::set<int> lengths;
  for (int record = 0; record < 50; ++record) {
    const absl::StatusOr<Signal> signal = cpsc->ReadSignal(record);
    ASSERT_TRUE(signal.ok()) << signal.status();
    EXPECT_GE(signal->samples, 6 * 500);
    EXPECT_LE(signal->samples, 20 * 500);
    lengths.insert(signal->samples);
  }
  EXPECT_GT(lengths.size(), 5u);
  fs::remove_all(folder);
}

TEST(DemoLayoutTest, RecordingsReadsItsLayout) {
  const fs::path folder = NewFolder("read_recordings");
  ASSERT_EQ(MakeDemo({.dataset = "recordings", .records = 40}, folder), absl::OkStatus());
  const absl::StatusOr<Recordings> recordings = Recordings::Open({}, folder);
  ASSERT_TRUE(recordings.ok()) << recordings.status();
  EXPECT_TRUE(recordings->corpus().synthetic);
  EXPECT_TRUE(SharedPatients(recordings->corpus(), recordings->labels(), recordings->split()).empty());
  std::set<std::string> extensions;
  for (int record = 0; record < 40; ++record) {
    const absl::StatusOr<Signal> signal = recordings->ReadSignal(record);
    ASSERT_TRUE(signal.ok()) << signal.status();
    EXPECT_EQ(signal->samples, 5000);
    EXPECT_TRUE(recordings->corpus().records[record].demographics.age_years.has_value());
    extensions.insert(fs::path(recordings->corpus().records[record].path).extension());
  }
  EXPECT_EQ(extensions, std::set<std::string>({"", ".dcm", ".edf", ".xml"})) << "WFDB records have none";
  fs::remove_all(folder);
}

TEST(DemoLayoutTest, SaysWhichLayoutsThereAre) {
  EXPECT_THAT(
      std::string(MakeDemo({.dataset = "mitdb", .records = 3}, NewFolder("none")).message()),
      HasSubstr(
          "no demo corpus in the layout of mitdb; there are ptbxl, g12ec, cinc_challenge, cpsc2018 and recordings"));
}

}  // namespace
}  // namespace ecg
