#include "ecg/corpus/ptbxl.h"

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/records.h"
#include "ecg/file/file.h"
#include "ecg/signal/demographics.h"
#include "ecg/signal/signal.h"
#include "ecg/signal/wfdb_writer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"
#include "tests/corpus/small_ptbxl.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class PtbXlTest : public testing::Test {
 protected:
  PtbXlTest() {
    files_.AddRecord("{'NORM': 100.0, 'SR': 0.0}", "10");
    files_.AddRecord("{'IMI': 0.0, 'NDT': 50.0}", "9");
    files_.AddRecord("{'LVOLT': 0.0, 'NEW': 15.0}", "1");  // NEW is not in the table of statements
    files_.AddRecord("{}", "2");
    files_.AddRecord("{'XYZ': 100.0}", "3");
  }

  // Opens it after `from` was replaced with `to` in `file`.
  std::string ErrorWhen(const std::string& file, const std::string& from, const std::string& to,
                        spec::PtbXl::Task task = spec::PtbXl::ALL) {
    const std::string good = ReadFile(files_.data_dir() / file).value();
    EXPECT_THAT(good, HasSubstr(from));
    files_.Write(file, absl::StrReplaceAll(good, {{from, to}}));
    const absl::Status status = files_.Open(task).status();
    EXPECT_FALSE(status.ok());
    files_.Write(file, good);
    return std::string(status.message());
  }

  SmallPtbXl files_{"ptbxl_test"};
};

TEST_F(PtbXlTest, ReadsTheRecords) {
  const PtbXl ptbxl = files_.Open().value();
  const Corpus& corpus = ptbxl.corpus();
  EXPECT_EQ(corpus.dataset, "ptbxl");
  EXPECT_EQ(corpus.version, "");
  EXPECT_FALSE(corpus.synthetic);
  EXPECT_EQ(corpus.sampling_frequency_hz, 100);
  EXPECT_EQ(corpus.samples, 1000);
  ASSERT_EQ(corpus.records.size(), 5u);
  EXPECT_EQ(corpus.records[1].id, "2");
  EXPECT_EQ(corpus.records[1].patient_id, "1002");
  EXPECT_EQ(corpus.records[1].path, "records100/00002_lr");
  EXPECT_EQ(corpus.records[1].fold, 9);
  EXPECT_THAT(corpus.records[1].statements, ElementsAre("IMI", "NDT"));
  const absl::StatusOr<Signal> signal = ptbxl.ReadSignal(1);
  ASSERT_TRUE(signal.ok()) << signal.status();
  EXPECT_EQ(signal->digital, SmallPtbXl::MakeSignal(1).digital);
}

TEST_F(PtbXlTest, KnowsWhatTheDatabaseSaysOfPatients) {
  EXPECT_EQ(files_.Open()->corpus().records.demographics(0), Demographics()) << "without such columns";
  const std::string database = ReadFile(files_.data_dir() / "ptbxl_database.csv").value();
  const std::vector<std::string> more = {"age,sex,height,weight", "56.0,1,,63.0", "300,0,178.0,",
                                         "19,1.0,0,abc",          ",,,",          "4,2,99,15"};
  std::string with_patients;
  size_t line = 0;
  for (const absl::string_view row : absl::StrSplit(absl::StripTrailingAsciiWhitespace(database), '\n')) {
    absl::StrAppend(&with_patients, row, ",", more[line++], "\n");
  }
  files_.Write("ptbxl_database.csv", with_patients);
  const absl::StatusOr<PtbXl> ptbxl = files_.Open();
  ASSERT_TRUE(ptbxl.ok()) << ptbxl.status();
  const Records& records = ptbxl->corpus().records;
  EXPECT_EQ(records.demographics(0), (Demographics{.age_years = 56, .sex = "female", .weight_kg = 63}));
  EXPECT_EQ(records.demographics(1),
            (Demographics{.age_years = std::numeric_limits<double>::infinity(), .sex = "male", .height_cm = 178}));
  EXPECT_EQ(records.demographics(2), (Demographics{.age_years = 19, .sex = "female"}));
  EXPECT_EQ(records.demographics(3), Demographics());
  EXPECT_EQ(records.demographics(4), (Demographics{.age_years = 4, .height_cm = 99, .weight_kg = 15}));
}

TEST_F(PtbXlTest, TakesTheFilesOfTheOtherRate) {
  files_.Write("records500/00003_hr.hea", "");
  const PtbXl ptbxl = PtbXl::Open(spec::PtbXl(), files_.data_dir()).value();
  EXPECT_EQ(ptbxl.corpus().records[0].path, "records500/00001_hr");
  EXPECT_EQ(ptbxl.corpus().sampling_frequency_hz, 500);
  EXPECT_EQ(ptbxl.corpus().samples, 5000);
}

TEST_F(PtbXlTest, NamesTheOtherRateWhereNoRecordIsThereAtTheOneAskedFor) {
  EXPECT_THAT(std::string(PtbXl::Open(spec::PtbXl(), files_.data_dir()).status().message()),
              HasSubstr("has no record at 500 Hz (records500/00001_hr.hea and so on), but at 100 Hz "
                        "(records100/00001_lr.hea); set sampling_frequency_hz: 100, or get the records at 500 Hz"));
  std::filesystem::rename(files_.data_dir() / "records100", files_.data_dir() / "away");
  EXPECT_TRUE(files_.Open().ok()) << "records that are missing at both rates are bad records";
  files_.Write("records500/00005_hr.hea", "");
  EXPECT_THAT(std::string(files_.Open().status().message()), HasSubstr("set sampling_frequency_hz: 500"));
}

TEST_F(PtbXlTest, GivesEachTaskItsLabels) {
  const auto classes = [&](spec::PtbXl::Task task) { return files_.Open(task)->labels().classes; };
  EXPECT_THAT(classes(spec::PtbXl::ALL), ElementsAre("IMI", "LVOLT", "NDT", "NEW", "NORM", "SR", "XYZ"));
  EXPECT_THAT(classes(spec::PtbXl::DIAGNOSTIC), ElementsAre("IMI", "NDT", "NORM", "XYZ"));
  EXPECT_THAT(classes(spec::PtbXl::SUBDIAGNOSTIC), ElementsAre("IMI", "NORM", "STTC"));
  EXPECT_THAT(classes(spec::PtbXl::SUPERDIAGNOSTIC), ElementsAre("MI", "NORM", "STTC"));
  EXPECT_THAT(classes(spec::PtbXl::FORM), ElementsAre("LVOLT", "NDT"));
  EXPECT_THAT(classes(spec::PtbXl::RHYTHM), ElementsAre("SR"));
}

TEST_F(PtbXlTest, LeavesRecordsWithoutALabelOfTheTaskOut) {
  EXPECT_THAT(files_.Open(spec::PtbXl::ALL)->labels().records, ElementsAre(0, 1, 2, 4));
  EXPECT_THAT(files_.Open(spec::PtbXl::SUPERDIAGNOSTIC)->labels().records, ElementsAre(0, 1));
  EXPECT_THAT(files_.Open(spec::PtbXl::FORM)->labels().records, ElementsAre(1, 2));
  const PtbXl ptbxl = files_.Open(spec::PtbXl::FORM).value();
  EXPECT_THAT(ptbxl.labels().row(0), ElementsAre(0, 1));
  EXPECT_THAT(ptbxl.split().validation, ElementsAre(0));
  EXPECT_THAT(ptbxl.split().train, ElementsAre(1));
  EXPECT_THAT(ptbxl.split().test, IsEmpty());
}

TEST_F(PtbXlTest, GivesLikelihoodsAsTargetsWhereTheyAreAskedFor) {
  files_.AddRecord("{'NDT': 15.0, 'IMI': 80.0, 'NORM': 35.0}", "4");
  spec::PtbXl spec;
  spec.set_sampling_frequency_hz(100);
  spec.set_task(spec::PtbXl::DIAGNOSTIC);
  EXPECT_TRUE(PtbXl::Open(spec, files_.data_dir())->labels().likelihoods.empty());
  spec.set_likelihood_targets(true);
  const Labels labels = PtbXl::Open(spec, files_.data_dir())->labels();
  EXPECT_THAT(labels.classes, ElementsAre("IMI", "NDT", "NORM", "XYZ"));
  EXPECT_THAT(labels.training_targets(0), ElementsAre(0, 0, 1, 0));
  EXPECT_THAT(labels.training_targets(1), ElementsAre(1, 0.5f, 0, 0)) << "0 is unknown";
  EXPECT_THAT(labels.training_targets(3), ElementsAre(0.8f, 0.15f, 0.35f, 0));
  EXPECT_THAT(labels.row(3), ElementsAre(1, 1, 1, 0)) << "scores take all as present";
  const Labels last = KeepRows(labels, [](int record) { return record == 5; });
  EXPECT_THAT(last.training_targets(0), ElementsAre(0.8f, 0.15f, 0.35f, 0));
}

TEST_F(PtbXlTest, TakesTheLargestLikelihoodOfAClassOfSeveralStatements) {
  files_.Write("scp_statements.csv",
               ",diagnostic,diagnostic_class\nNORM,1.0,NORM\nIMI,1.0,MI\nAMI,1.0,MI\nNDT,1.0,STTC\n");
  files_.AddRecord("{'IMI': 35.0, 'AMI': 80.0, 'NDT': 50.0}", "4");
  spec::PtbXl spec;
  spec.set_sampling_frequency_hz(100);
  spec.set_task(spec::PtbXl::SUPERDIAGNOSTIC);
  spec.set_likelihood_targets(true);
  const Labels labels = PtbXl::Open(spec, files_.data_dir())->labels();
  EXPECT_THAT(labels.classes, ElementsAre("MI", "NORM", "STTC"));
  EXPECT_THAT(labels.training_targets(labels.rows() - 1), ElementsAre(0.8f, 0, 0.5f));
}

TEST_F(PtbXlTest, TakesTheFoldsOfTheSplit) {
  const auto validation_and_test = [&](int split) {
    const PtbXl ptbxl = files_.Open(spec::PtbXl::ALL, split).value();
    return std::vector<std::vector<int>>{ptbxl.split().validation, ptbxl.split().test};
  };
  EXPECT_THAT(validation_and_test(1), ElementsAre(ElementsAre(1), ElementsAre(0)));  // folds 9 and 10
  EXPECT_THAT(validation_and_test(2), ElementsAre(IsEmpty(), IsEmpty()));            // folds 7 and 8
  EXPECT_THAT(validation_and_test(4), ElementsAre(ElementsAre(3), IsEmpty()));       // folds 3 and 4
  EXPECT_THAT(validation_and_test(5), ElementsAre(ElementsAre(2), IsEmpty()));       // folds 1 and 2
  EXPECT_THAT(std::string(files_.Open(spec::PtbXl::ALL, 6).status().message()),
              HasSubstr("split is 6, but the 10 folds make 5"));
}

TEST_F(PtbXlTest, TestsEachRecordOnceInACrossValidation) {
  spec::PtbXl spec;
  spec.set_sampling_frequency_hz(100);
  spec.set_cross_validation(5);
  std::vector<int> tested;
  for (int split = 1; split <= 5; ++split) {
    const std::vector<int> rows = PtbXl::Open(spec, files_.data_dir(), split)->split().test;
    tested.insert(tested.end(), rows.begin(), rows.end());
  }
  EXPECT_THAT(tested, UnorderedElementsAre(0, 1, 2, 3));
}

TEST_F(PtbXlTest, KnowsTheSyntheticOneByItsMark) {
  files_.Write("SYNTHETIC.txt", "");
  const PtbXl ptbxl = files_.Open().value();
  EXPECT_TRUE(ptbxl.corpus().synthetic);
  EXPECT_EQ(ptbxl.corpus().version, "synthetic");
}

TEST_F(PtbXlTest, KnowsTheReleaseByTheNumberOfRecords) {
  for (const auto& [records, version] :
       std::vector<std::pair<int, std::string>>{{21837, "1.0.1"}, {21801, "1.0.2"}, {21799, "1.0.3"}, {21800, ""}}) {
    std::string database = "ecg_id,patient_id,scp_codes,strat_fold,filename_lr,filename_hr\n";
    for (int record = 0; record < records; ++record) absl::StrAppend(&database, record, ",1,{},1,a,b\n");
    files_.Write("ptbxl_database.csv", database);
    EXPECT_EQ(files_.Open()->corpus().version, version);
  }
}

TEST_F(PtbXlTest, SaysHowToGetItWhenItIsNotThere) {
  const std::string error(PtbXl::Open(spec::PtbXl(), "/no/such/folder").status().message());
  EXPECT_THAT(error, HasSubstr("no PTB-XL in /no/such/folder: there is no file ptbxl_database.csv in it"));
  EXPECT_THAT(error, HasSubstr("bazel run //cli:download -- ptbxl --output_dir=/no/such/folder"));
  std::filesystem::remove(files_.data_dir() / "scp_statements.csv");
  EXPECT_THAT(std::string(files_.Open().status().message()), HasSubstr("there is no file scp_statements.csv in it"));
}

TEST_F(PtbXlTest, RefusesARateThatItDoesNotHave) {
  spec::PtbXl spec;
  spec.set_sampling_frequency_hz(250);
  EXPECT_THAT(std::string(PtbXl::Open(spec, files_.data_dir()).status().message()),
              HasSubstr("sampling_frequency_hz is 250; PTB-XL has 100 and 500"));
}

TEST_F(PtbXlTest, RefusesABrokenDatabaseAndNamesTheLineAndTheColumn) {
  const std::string file = "ptbxl_database.csv";
  EXPECT_THAT(ErrorWhen(file, "strat_fold", "fold"),
              HasSubstr("no column \"strat_fold\"; the columns are \"ecg_id\","));
  EXPECT_THAT(ErrorWhen(file, "'NORM': 100.0, ", "'NORM': , "),
              HasSubstr("ptbxl_database.csv:2: column \"scp_codes\": character 10: a number expected"));
  EXPECT_THAT(ErrorWhen(file, ",9,", ",11,"),
              HasSubstr("ptbxl_database.csv:3: column \"strat_fold\": \"11\" is not a fold from 1 to 10"));
  EXPECT_THAT(ErrorWhen(file, ",9,", ",,"), HasSubstr("column \"strat_fold\": \"\" is not a fold"));
  EXPECT_THAT(ErrorWhen(file, "\n3,", "\n1,"),
              HasSubstr("ptbxl_database.csv:4: column \"ecg_id\": \"1\" is also the record of line 2"));
  EXPECT_THAT(ErrorWhen(file, "records100/00001_lr", "/etc/passwd"), HasSubstr("\"/etc/passwd\" is not a file below"));
  EXPECT_THAT(ErrorWhen(file, "records100/00001_lr", "records100/../../x"), HasSubstr("is not a file below"));
  EXPECT_THAT(ErrorWhen(file, "records100/00001_lr", ""),
              HasSubstr("ptbxl_database.csv:2: column \"filename_lr\": \"\" is not a file"));
}

TEST_F(PtbXlTest, RefusesABrokenTableOfStatements) {
  const std::string file = "scp_statements.csv";
  EXPECT_THAT(ErrorWhen(file, "rhythm", "beat", spec::PtbXl::RHYTHM), HasSubstr("no column \"rhythm\""));
  EXPECT_THAT(ErrorWhen(file, "NORM,normal ECG,1.0", "NORM,normal ECG,yes", spec::PtbXl::DIAGNOSTIC),
              HasSubstr("scp_statements.csv:2: column \"diagnostic\": \"yes\" is neither 1.0 nor empty"));
  EXPECT_THAT(ErrorWhen(file, "\nIMI", "\nNORM", spec::PtbXl::DIAGNOSTIC),
              HasSubstr("scp_statements.csv:3: column \"\": a second row for \"NORM\""));
}

TEST_F(PtbXlTest, ReadsWholeNumbersAsPandasWritesThem) {
  const std::string database = ReadFile(files_.data_dir() / "ptbxl_database.csv").value();
  std::string changed = absl::StrReplaceAll(database, {{",10,", ",10.0,"}, {",9,", ",9.00,"}, {"\n1,", "\n1.0,"}});
  EXPECT_NE(changed, database);
  files_.Write("ptbxl_database.csv", changed);
  const PtbXl ptbxl = files_.Open().value();
  EXPECT_EQ(ptbxl.corpus().records[0].fold, 10);
  EXPECT_EQ(ptbxl.corpus().records[1].fold, 9);
  EXPECT_EQ(ptbxl.corpus().records[0].id, "1");
  EXPECT_EQ(ptbxl.corpus().records[0].patient_id, "1001");
  files_.Write("ptbxl_database.csv", database);
  for (const char* fold : {"9.5", "0.0", "11.0", "nan", "nine", "-1", "1e9"}) {
    EXPECT_THAT(ErrorWhen("ptbxl_database.csv", ",9,", absl::StrCat(",", fold, ",")),
                HasSubstr("is not a fold from 1 to 10"));
  }
}

TEST_F(PtbXlTest, TakesTheColumnThatHoldsTheStatementsOrSaysThatNoneDoes) {
  const std::string good = ReadFile(files_.data_dir() / "scp_statements.csv").value();
  const std::vector<std::string> classes = files_.Open(spec::PtbXl::SUPERDIAGNOSTIC)->labels().classes;
  // Saved again without index_col: once, twice, and without its own row numbers.
  std::string once, twice, without = "Unnamed: 0" + good;
  int row = -1;
  for (const absl::string_view line : absl::StrSplit(good, '\n', absl::SkipEmpty())) {
    const bool is_header = row < 0;
    absl::StrAppend(&once, is_header ? ",Unnamed: 0" : absl::StrCat(row, ","), line, "\n");
    absl::StrAppend(&twice, is_header ? ",Unnamed: 0,Unnamed: 0.1" : absl::StrCat(row, ",", row, ","), line, "\n");
    ++row;
  }
  const std::string renamed = "statement" + good;
  for (const std::string& table : {once, twice, without, renamed}) {
    files_.Write("scp_statements.csv", table);
    const absl::StatusOr<PtbXl> ptbxl = files_.Open(spec::PtbXl::SUPERDIAGNOSTIC);
    ASSERT_TRUE(ptbxl.ok()) << ptbxl.status();
    EXPECT_EQ(ptbxl->labels().classes, classes) << table;
  }
  const std::string lost = absl::StrReplaceAll(good, {{"\nNORM,", "\n0,"},
                                                      {"\nIMI,", "\n1,"},
                                                      {"\nNDT,", "\n2,"},
                                                      {"\nXYZ,", "\n3,"},
                                                      {"\nLVOLT,", "\n4,"},
                                                      {"\nSR,", "\n5,"}});
  files_.Write("scp_statements.csv", lost);
  EXPECT_THAT(
      std::string(files_.Open(spec::PtbXl::SUPERDIAGNOSTIC).status().message()),
      HasSubstr(
          "scp_statements.csv: column \"\" has none of the statements of ptbxl_database.csv, such as \"IMI\", but "
          "\"0\", \"1\", \"2\""));
  EXPECT_TRUE(files_.Open(spec::PtbXl::ALL).ok()) << "where every statement is its own label";
}

// The folders of shared/cases that are in PTB-XL's layout.
class PtbXlCaseTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* shared = std::getenv("ECG_SHARED_DIR");
    if (shared == nullptr) GTEST_SKIP() << "set ECG_SHARED_DIR to a folder with cases to run this test";
    cases_ = std::filesystem::path(shared) / "cases";
  }

  absl::StatusOr<PtbXl> Open(const std::string& name) {
    spec::PtbXl spec;
    spec.set_task(spec::PtbXl::SUPERDIAGNOSTIC);
    return PtbXl::Open(spec, cases_ / name);
  }

  std::filesystem::path cases_;
};

TEST_F(PtbXlCaseTest, TakesTheStatementsFromTheColumnThatPandasPutThemInto) {
  const PtbXl ptbxl = Open("09_scp_statements_saved_again_by_pandas").value();
  EXPECT_THAT(ptbxl.labels().classes, ElementsAre("NORM"));
  EXPECT_EQ(ptbxl.labels().rows(), 4);
}

TEST_F(PtbXlCaseTest, ReadsAFoldWrittenWithAPoint) {
  const PtbXl ptbxl = Open("09b_fold_written_as_3.0").value();
  EXPECT_EQ(ptbxl.corpus().records[2].fold, 3);
  EXPECT_TRUE(ptbxl.ReadSignal(2).ok());
}

TEST_F(PtbXlCaseTest, SpeaksOfTheSeparatorOfATableWithSemicolons) {
  EXPECT_THAT(std::string(Open("09c_semicolon_table").status().message()),
              HasSubstr("ptbxl_database.csv:1: the columns are separated by semicolons, commas expected"));
}

TEST_F(PtbXlTest, RefusesARecordOfAnotherLengthOrRate) {
  const PtbXl ptbxl = files_.Open().value();
  Signal signal = SmallPtbXl::MakeSignal(0);
  signal.sampling_frequency_hz = 125;
  files_.Write("records100/00001_lr.hea", FormatWfdb(signal, "00001_lr")->header);
  EXPECT_THAT(std::string(ptbxl.ReadSignal(0).status().message()),
              HasSubstr("records100/00001_lr.hea: 1000 samples at 125 Hz, where 1000 at 100 Hz are expected"));
}

}  // namespace
}  // namespace ecg
