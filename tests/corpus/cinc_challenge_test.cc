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
#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/file/csv.h"
#include "ecg/file/file.h"
#include "ecg/signal/demographics.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "ecg/signal/wfdb_writer.h"
#include "ecg/status/status_macros.h"
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
  fs::remove_all(folder_);
  Add("E00002", "# Sex: Male\n");
  Add("E00003", "# Dx: AFIB\n");
  EXPECT_THAT(Error(), HasSubstr("none of the 2 headers in "));
  EXPECT_THAT(Error(), HasSubstr("E00002.hea: no line \"#Dx: ...\" with the record's SNOMED CT codes"));
}

TEST_F(CincChallengeTest, KnowsAgeAndSexByTheHeader) {
  EXPECT_EQ(ParseHeaderDemographics("E1 12 500\n# Age: 71\n#Sex: Female\r\n#Dx: 1\n"),
            (Demographics{.age_years = 71, .sex = "female"}));
  EXPECT_EQ(ParseHeaderDemographics("#Age: NaN\n#Sex: Unknown\n"), Demographics());
  EXPECT_EQ(ParseHeaderDemographics("#Age: 300\n# sex : M\n"), (Demographics{.sex = "male"}));
}

TEST_F(CincChallengeTest, TakesDigitsForCodesAndNothingElse) {
  const auto codes = [](const std::string& dx) { return ParseDx("# Age: 50\n" + dx, "E1.hea"); };
  for (const std::string dx :
       {"#Dx: 426783006,164889003\n", "# Dx: 426783006;164889003\n", "#Dx: 426783006; 164889003 ;\n",
        "#dx:426783006 164889003\r\n", "# DX : 426783006\t164889003", "#Dx: Unknown, 426783006,164889003",
        "#Dx: 426783006\n#Dx: 164889003\n", "#Dx: 426783006,,164889003,426783006"}) {
    ASSERT_TRUE(codes(dx).ok()) << codes(dx).status();
    EXPECT_THAT(*codes(dx), ElementsAre("426783006", "164889003")) << dx;
  }
  for (const std::string dx : {"#Dx:", "#Dx: Unknown", "#Dx: unknown\n", "# Dx: NaN\n", "#Dx: nan", "#Dx: , ;\n"}) {
    ASSERT_TRUE(codes(dx).ok()) << codes(dx).status();
    EXPECT_THAT(*codes(dx), IsEmpty()) << dx;
  }
  for (const std::string dx :
       {"#Dx: ['426783006', '164889003']", "#Dx: AFIB", "#Dx: 426783006|164889003", "#Dx: 426783006.0",
        "#Dx: 6.7741E+13", "#Dx: -1", "#Dx: \"426783006\"", "#Dx: 426783006\xC2\xA0", "#Dx: none found"}) {
    EXPECT_THAT(std::string(codes(dx).status().message()), HasSubstr("E1.hea:2: Dx is \"")) << dx;
  }
  EXPECT_THAT(std::string(codes("#Dx: 1, AF").status().message()),
              HasSubstr("E1.hea:2: Dx is \"1, AF\", where \"AF\" is not a SNOMED CT code; digits are expected"));
  EXPECT_THAT(*ParseDx("\xEF\xBB\xBF#Dx: 5\n", "E1.hea"), ElementsAre("5"));
  EXPECT_FALSE(codes("#Dxs: 5").ok());
  EXPECT_FALSE(codes("#Dx 5").ok());
}

TEST_F(CincChallengeTest, SkipsARecordWhoseHeaderCannotBeReadOrRefusesItBeforeAnythingIsPacked) {
  for (int record = 10; record < 30; ++record)
    Add(absl::StrCat("data/E000", record), record < 20 ? "#Dx: 1\n" : "#Dx: 2\n", 20);
  Add("data/E00009", "# Sex: Male\n", 20);
  Add("data/E00040", "#Dx: ['3']\n", 20);
  ASSERT_TRUE(WriteFile(folder_ / "data/E00041.hea", "").ok());
  const absl::StatusOr<CincChallenge> challenge = CincChallenge::Open({}, folder_ / "data");
  ASSERT_TRUE(challenge.ok()) << challenge.status();
  EXPECT_EQ(challenge->corpus().records.size(), 23u);
  EXPECT_THAT(challenge->labels().classes, ElementsAre("1", "2"));
  EXPECT_EQ(challenge->labels().rows(), 20) << "a record that cannot be used is in no part of the split";
  EXPECT_EQ(challenge->labels().records[0], 1);
  EXPECT_EQ(challenge->split().train.size(), 16u);

  EXPECT_THAT(
      std::string(Pack(*challenge, folder_ / "packed").status().message()),
      HasSubstr("E00009.hea: no line \"#Dx: ...\" with the record's SNOMED CT codes; fix it, or leave such records "
                "out with bad_records: SKIP"));
  EXPECT_FALSE(fs::exists(folder_ / "packed"));
  const absl::StatusOr<PackedSignals> signals = Pack(*challenge, folder_ / "packed", {.bad_records = spec::Data::SKIP});
  ASSERT_TRUE(signals.ok()) << signals.status();
  EXPECT_THAT(signals->unusable(), ElementsAre(0, 21, 22));
  EXPECT_THAT(signals->reason(21), HasSubstr("E00040.hea:15: Dx is \"['3']\""));
  EXPECT_THAT(signals->reason(22), HasSubstr("E00041.hea: no line \"#Dx: ...\""));
  EXPECT_THAT(std::string(Pack(*challenge, folder_ / "packed").status().message()), HasSubstr("record E00009: "));
}

TEST_F(CincChallengeTest, PassesOverWhatSystemsAndEditorsLeaveBehind) {
  Add("g1/E00001", "#Dx: 1\n");
  Add("g1/E00002", "#Dx: 1\n");
  for (const char* file : {"g1/._E00001.hea", "._E00003.hea", "__MACOSX/g1/._E00001.hea", "__MACOSX/g1/E00001.hea",
                           ".ipynb_checkpoints/E00001.hea", "g1/.E00001.hea", "@eaDir/E00009.hea/SYNO.txt"}) {
    fs::create_directories((folder_ / file).parent_path());
    ASSERT_TRUE(WriteFile(folder_ / file, std::string("\0\5\26\7\0\2\0\0Mac OS X", 16)).ok());
  }
  const absl::StatusOr<CincChallenge> challenge = CincChallenge::Open({}, folder_);
  ASSERT_TRUE(challenge.ok()) << challenge.status();
  ASSERT_EQ(challenge->corpus().records.size(), 2u);
  EXPECT_EQ(challenge->corpus().records[0].path, "g1/E00001");
  EXPECT_EQ(challenge->corpus().records[1].problem, "");
}

TEST_F(CincChallengeTest, NamesTheRateThatAllRecordsHave) {
  Add("s0001", "#Dx: 1\n", 100, 1000);
  Add("s0002", "#Dx: 1\n", 100, 1000);
  EXPECT_THAT(Error(), HasSubstr(" has no record at 500 Hz: "));
  EXPECT_THAT(Error(), HasSubstr("s0001.hea has 1000 Hz; set cinc_challenge { "
                                 "sampling_frequency_hz: 1000 }"));
  spec::CincChallenge spec;
  spec.set_sampling_frequency_hz(1000);
  EXPECT_TRUE(CincChallenge::Open(spec, folder_)->ReadSignal(1).ok());
  Add("s0003", "#Dx: 1\n", 100, 500);
  EXPECT_EQ(Error(), "") << "one of another rate is a bad record";
}

TEST_F(CincChallengeTest, ListsRecordsWithoutChecksumsAsUnverifiedAndSaysWhatRoundingLost) {
  Add("data/E00001", "#Dx: 1\n", 40);
  Add("data/E00002", "#Dx: 1\n", 40);
  Add("data/E00003", "#Dx: 1\n", 2);
  const fs::path header = folder_ / "data" / "E00002.hea";
  std::string text = "E00002 12 500 40\n";
  for (const absl::string_view lead : kLeadNames)
    absl::StrAppend(&text, "E00002.mat 16+24 1000(7)/mv 16 0 0 0 0 ECG ", lead, "\n");
  ASSERT_TRUE(WriteFile(header, text + "#Dx: 1\n").ok());
  // Two samples of 24 bits of each lead, 1000000 apart: 1 V at a gain of 1000.
  text = "E00003 12 500 2\n";
  std::string samples;
  for (const absl::string_view lead : kLeadNames) {
    absl::StrAppend(&text, "E00003.mat 24 1000(0)/mV 24 0 0 16960 0 ", lead, "\n");
    samples += std::string("\0\0\0", 3);
  }
  for (int lead = 0; lead < kLeads; ++lead) samples += std::string("\x40\x42\x0f", 3);
  ASSERT_TRUE(WriteFile(folder_ / "data" / "E00003.hea", text + "#Dx: 1\n").ok());
  ASSERT_TRUE(WriteFile(folder_ / "data" / "E00003.mat", samples).ok());
  const CincChallenge challenge = CincChallenge::Open({}, folder_ / "data").value();
  ASSERT_TRUE(Pack(challenge, folder_ / "packed").ok()) << Pack(challenge, folder_ / "packed").status();
  const CsvTable records = CsvTable::Read(folder_ / "packed" / "records.csv").value();
  const auto field = [&](int row, const char* column) { return records.at(row, records.Column(column).value()); };
  EXPECT_EQ(field(0, "state"), "verified");
  EXPECT_EQ(field(1, "state"), "unverified");
  EXPECT_EQ(field(2, "state"), "verified");
  EXPECT_EQ(field(0, "rounding_mv"), "0");
  EXPECT_EQ(field(1, "rounding_mv"), "0");
  EXPECT_EQ(field(2, "rounding_mv"), "0.00763") << "half of 1000 mV / 65532";
}

// The folders of shared/cases that are corpora.
class CincCaseTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* shared = std::getenv("ECG_SHARED_DIR");
    if (shared == nullptr) GTEST_SKIP() << "set ECG_SHARED_DIR to a folder with cases to run this test";
    cases_ = fs::path(shared) / "cases";
    fs::remove_all(packed_);
  }
  void TearDown() override { fs::remove_all(packed_); }

  absl::StatusOr<PackedSignals> PackCase(const std::string& name, spec::Data::BadRecords bad_records) {
    ECG_ASSIGN_OR_RETURN(const CincChallenge challenge, CincChallenge::Open({}, cases_ / name));
    return Pack(challenge, packed_, {.bad_records = bad_records});
  }

  fs::path cases_;
  const fs::path packed_ = fs::path(testing::TempDir()) / "cinc_case_test";
};

TEST_F(CincCaseTest, PassesOverMacosDotUnderscoreFiles) {
  const absl::StatusOr<PackedSignals> signals = PackCase("06_macos_dot_underscore_files", spec::Data::REFUSE);
  ASSERT_TRUE(signals.ok()) << signals.status();
  EXPECT_EQ(signals->records(), 3);
}

TEST_F(CincCaseTest, SkipsOneHeaderWithoutDxOrRefusesIt) {
  EXPECT_THAT(std::string(PackCase("07_one_header_without_dx", spec::Data::REFUSE).status().message()),
              HasSubstr("E00009.hea: no line \"#Dx: ...\""));
  const absl::StatusOr<PackedSignals> signals = PackCase("07_one_header_without_dx", spec::Data::SKIP);
  ASSERT_TRUE(signals.ok()) << signals.status();
  EXPECT_EQ(signals->records(), 4);
  EXPECT_THAT(signals->unusable(), ElementsAre(3));
}

TEST_F(CincCaseTest, TakesDxNaNForNoCode) {
  const CincChallenge challenge = CincChallenge::Open({}, cases_ / "08_dx_nan").value();
  EXPECT_THAT(challenge.labels().classes, ElementsAre("426783006"));
  EXPECT_THAT(challenge.corpus().records[3].statements, IsEmpty());
  EXPECT_EQ(challenge.labels().rows(), 4);
}

TEST_F(CincCaseTest, TakesBothCodesWithASemicolonBetween) {
  const CincChallenge challenge = CincChallenge::Open({}, cases_ / "08b_dx_with_semicolons").value();
  EXPECT_THAT(challenge.labels().classes, ElementsAre("164889003", "426783006"));
  EXPECT_THAT(challenge.corpus().records[3].statements, ElementsAre("426783006", "164889003"));
}

TEST_F(CincCaseTest, RefusesDxAsAPythonListAndNamesFileAndText) {
  EXPECT_THAT(std::string(PackCase("08d_dx_as_python_list", spec::Data::REFUSE).status().message()),
              HasSubstr("E00009.hea:16: Dx is \"['426783006', '164889003']\""));
  EXPECT_THAT(PackCase("08d_dx_as_python_list", spec::Data::SKIP)->unusable(), ElementsAre(3));
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
