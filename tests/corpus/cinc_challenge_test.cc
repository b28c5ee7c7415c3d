#include "ecg/corpus/cinc_challenge.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/corpus.h"
#include "ecg/file/file.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "ecg/signal/wfdb_writer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CincChallengeTest : public testing::Test {
 protected:
  CincChallengeTest() { fs::remove_all(folder_); }
  ~CincChallengeTest() override { fs::remove_all(folder_); }

  // Adds a record of `samples` samples, lead k of which is 100 * (k + 1) throughout.
  void Add(const std::string& path, absl::string_view dx, int samples = 5000, int sampling_frequency_hz = 500) {
    Signal signal = {
        .sampling_frequency_hz = sampling_frequency_hz, .samples = samples, .digital = {}, .calibration = {}};
    for (int lead = 0; lead < kLeads; ++lead) {
      signal.calibration[lead] = {.gain = 1000, .baseline = 7};
      signal.digital.insert(signal.digital.end(), samples, static_cast<int16_t>(100 * (lead + 1)));
    }
    const std::string name = fs::path(path).filename().string();
    const WfdbFiles files = FormatWfdb(signal, name).value();
    fs::create_directories((folder_ / path).parent_path());
    const std::string header = absl::StrReplaceAll(files.header, {{".dat 16 ", ".mat 16+24 "}});
    ASSERT_TRUE(WriteFile(folder_ / (path + ".hea"), absl::StrCat(header, "# Age: 50\n", dx)).ok());
    ASSERT_TRUE(WriteFile(folder_ / (path + ".mat"), absl::StrCat(std::string(24, 'M'), files.samples)).ok());
  }

  std::string Error(const spec::CincChallenge& spec = {}) {
    return std::string(CincChallenge::Open(spec, folder_).status().message());
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / "cinc_challenge_test";
};

TEST_F(CincChallengeTest, ReadsEveryHeaderBelowTheFolderInTheOrderOfTheNames) {
  Add("g2/E00001", "# Dx: 426783006\n");
  Add("g1/E00003", "#Dx: 164889003,59118001 , 164889003\r\n");
  Add("E00002", "# dx: Unknown\n");
  const CincChallenge challenge = CincChallenge::Open({}, folder_).value();
  const Corpus& corpus = challenge.corpus();
  EXPECT_EQ(corpus.dataset, "cinc_challenge");
  EXPECT_EQ(corpus.samples, 0);
  ASSERT_EQ(corpus.records.size(), 3u);
  EXPECT_EQ(corpus.records[0].id, "E00001");
  EXPECT_EQ(corpus.records[0].path, "g2/E00001");
  EXPECT_THAT(corpus.records[1].statements, IsEmpty());
  EXPECT_THAT(corpus.records[2].statements, ElementsAre("164889003", "59118001"));
  EXPECT_THAT(challenge.labels().classes, ElementsAre("164889003", "426783006", "59118001"));
  EXPECT_THAT(challenge.labels().records, ElementsAre(0, 1, 2)) << "a record without any code is kept";
  EXPECT_THAT(challenge.labels().row(1), ElementsAre(0, 0, 0));
}

TEST_F(CincChallengeTest, PredictsTheCodesThatMoreThanTheShareOfTheRecordsCarry) {
  for (int record = 0; record < 9; ++record) {
    Add(absl::StrCat("E0000", record), absl::StrCat("#Dx: 1", record < 3 ? ",2" : "", record < 2 ? ",3" : "", "\n"), 1);
  }
  spec::CincChallenge spec;
  spec.set_min_share(0.25);  // int(2.25) records
  EXPECT_THAT(CincChallenge::Open(spec, folder_)->labels().classes, ElementsAre("1", "2"));
  spec.add_codes("3");
  EXPECT_THAT(CincChallenge::Open(spec, folder_)->labels().classes, ElementsAre("3"));
  spec.add_codes("4");
  EXPECT_THAT(Error(spec), HasSubstr("carries the code \"4\"; the codes are 1, 2, 3"));
}

TEST_F(CincChallengeTest, SplitsEightToOneToOneBySeed) {
  for (int record = 10; record < 50; ++record) Add(absl::StrCat("E000", record), "#Dx: 1\n", 1);
  spec::CincChallenge spec;
  const CincChallenge first = CincChallenge::Open(spec, folder_).value();
  EXPECT_EQ(first.split().train.size(), 32u);
  EXPECT_EQ(first.split().validation.size(), 4u);
  EXPECT_EQ(first.split().test.size(), 4u);
  EXPECT_NE(CincChallenge::Open(spec, folder_, /*split=*/2)->split().test, first.split().test);
}

TEST_F(CincChallengeTest, PutsZerosBeforeAShortRecordOfG12ecAndRefusesALongOne) {
  Add("E00001", "#Dx: 1\n", 4999);
  Add("E00002", "#Dx: 1\n", 5001);
  Add("E00003", "#Dx: 1\n", 1000, 100);
  const G12ec g12ec = G12ec::Open({}, folder_).value();
  EXPECT_EQ(g12ec.corpus().dataset, "g12ec");
  EXPECT_EQ(g12ec.corpus().samples, 5000);
  const absl::StatusOr<Signal> padded = g12ec.ReadSignal(0);
  ASSERT_TRUE(padded.ok()) << padded.status();
  ASSERT_EQ(padded->samples, 5000);
  for (int lead = 0; lead < kLeads; ++lead) {
    EXPECT_EQ(padded->calibration[lead].ToMv(padded->lead(lead)[0]), 0);
    EXPECT_EQ(padded->lead(lead)[1], 100 * (lead + 1));
    EXPECT_EQ(padded->lead(lead)[4999], 100 * (lead + 1));
  }
  EXPECT_THAT(std::string(g12ec.ReadSignal(1).status().message()),
              HasSubstr("E00002.hea: 5001 samples, where 5000 are the most"));
  EXPECT_THAT(std::string(g12ec.ReadSignal(2).status().message()), HasSubstr("E00003.hea: 100 Hz, where 500 Hz"));
}

TEST_F(CincChallengeTest, KeepsTheLengthOfEachRecordUnlessOneIsGiven) {
  Add("A0001", "#Dx: 1\n", 4000);
  EXPECT_EQ(CincChallenge::Open({}, folder_)->ReadSignal(0)->samples, 4000);
  spec::CincChallenge spec;
  spec.set_record_seconds(9);
  EXPECT_EQ(CincChallenge::Open(spec, folder_)->ReadSignal(0)->samples, 4500);
}

TEST_F(CincChallengeTest, SaysWhatIsWrongWithTheFolder) {
  EXPECT_THAT(Error(), HasSubstr("cannot read the folder"));
  fs::create_directories(folder_);
  EXPECT_THAT(Error(), HasSubstr("there is no .hea file in it"));
  EXPECT_THAT(Error(), HasSubstr("bazel run //cli:download -- cinc_challenge --output_dir="));
  Add("g1/E00001", "# Dx: 1\n");
  Add("g2/E00001", "# Dx: 1\n");
  EXPECT_THAT(Error(), HasSubstr("two records of one name"));
  fs::remove_all(folder_ / "g2");
  Add("E00002", "# Sex: Male\n");
  EXPECT_THAT(Error(), HasSubstr("E00002.hea: no line \"#Dx: ...\""));
}

// The numbers are those of scipy.io.loadmat, which reads the samples as MATLAB's version 4.
TEST(G12ecSampleTest, ReadsRealRecordsExactly) {
  const char* shared = std::getenv("ECG_SHARED_DIR");
  if (shared == nullptr) GTEST_SKIP() << "ECG_SHARED_DIR is not set";
  const G12ec g12ec = G12ec::Open({}, fs::path(shared) / "g12ec-sample").value();
  ASSERT_EQ(g12ec.corpus().records.size(), 10u);
  EXPECT_EQ(g12ec.corpus().records[9].id, "E07509");
  EXPECT_THAT(g12ec.corpus().records[0].statements, ElementsAre("67741000119109", "426177001"));
  EXPECT_THAT(g12ec.corpus().records[9].statements, ElementsAre("59118001", "426177001"));
  EXPECT_THAT(g12ec.labels().classes, ElementsAre("111975006", "164873001", "253352002", "426177001", "426783006",
                                                  "427084000", "428750005", "59118001", "67741000119109"));
  const auto column = [](const Signal& signal, int sample) {
    std::vector<int> leads;
    for (int lead = 0; lead < kLeads; ++lead) leads.push_back(signal.lead(lead)[sample]);
    return leads;
  };
  for (int record = 0; record < 10; ++record) {
    const absl::StatusOr<Signal> signal = g12ec.ReadSignal(record);
    ASSERT_TRUE(signal.ok()) << signal.status();
    EXPECT_TRUE(signal->checksums_verified);
    EXPECT_EQ(signal->samples, 5000);
    EXPECT_EQ(signal->calibration[11], (Calibration{.gain = 1000, .baseline = 0}));
    if (record == 0) {
      EXPECT_THAT(column(*signal, 0), ElementsAre(-68, -58, 9, 63, -39, -24, 156, 97, -146, -68, -48, -156));
      EXPECT_THAT(column(*signal, 4999), ElementsAre(-131, -82, 48, 107, -90, -17, 48, 361, -278, -258, -390, 39));
    } else if (record == 9) {
      EXPECT_THAT(column(*signal, 0), ElementsAre(-4, -63, -58, 34, 26, -61, -4, 14, -68, 361, -43, -43));
      EXPECT_THAT(column(*signal, 4999), ElementsAre(-24, -53, -29, 39, 2, -41, -9, 9, -14, -580, -39, -29));
    }
  }
}

}  // namespace
}  // namespace ecg
