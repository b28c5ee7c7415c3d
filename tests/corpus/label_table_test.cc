#include "ecg/corpus/label_table.h"

#include <filesystem>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/signal/demographics.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Read reads `text` as a table, with the fields of `spec`.
absl::StatusOr<LabelTable> Read(absl::string_view text, const std::string& spec_text = "") {
  spec::Recordings spec;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(spec_text, &spec));
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "labels.csv";
  EXPECT_TRUE(WriteFile(path, text).ok());
  return LabelTable::Read(path, spec);
}

std::string Error(absl::string_view text, const std::string& spec_text = "") {
  return std::string(Read(text, spec_text).status().message());
}

TEST(LabelTableTest, ReadsAColumnOfLabels) {
  const LabelTable table = Read(
                               "id,patient,fold,age,sex,labels\n"
                               "0001,p17,1,63.5,F,AFIB;LVH\n"
                               "0002,p17,1,,M, NORM | SR\n"
                               "0003,p18,2,7,M,\"SR, AFIB\"\n"
                               "0004,p19,3,7,M,SR;SR;\n")
                               .value();
  ASSERT_EQ(table.records().size(), 4u);
  EXPECT_EQ(table.records()[0].id, "0001") << "names are text, whatever they look like";
  EXPECT_EQ(table.records()[0].patient_id, "p17");
  EXPECT_EQ(table.records()[0].demographics.age_years, 63.5);
  EXPECT_EQ(table.records()[1].demographics.age_years, std::nullopt);
  EXPECT_THAT(table.records()[0].statements, ElementsAre("AFIB", "LVH"));
  EXPECT_THAT(table.records()[1].statements, ElementsAre("NORM", "SR"));
  EXPECT_THAT(table.records()[2].statements, ElementsAre("SR", "AFIB"));
  EXPECT_THAT(table.records()[3].statements, ElementsAre("SR"));
  EXPECT_THAT(table.folds(), ElementsAre("1", "2", "3"));
  EXPECT_EQ(table.records()[2].fold, 2);
}

TEST(LabelTableTest, ReadsAColumnForEachLabel) {
  const LabelTable table =
      Read("Patient_ID,id,AFIB,ST elevation,Sex\np1,a,1,0,f\np2,b,1.0,True,m\np2,c,0,false,m\n").value();
  EXPECT_THAT(table.records()[0].statements, ElementsAre("AFIB"));
  EXPECT_THAT(table.records()[1].statements, ElementsAre("AFIB", "ST elevation"));
  EXPECT_THAT(table.records()[2].statements, IsEmpty());
  EXPECT_TRUE(table.has_patients());
  EXPECT_THAT(table.folds(), IsEmpty());
}

TEST(LabelTableTest, ReadsSexHeightAndWeightWhereThereAreSuchColumns) {
  const LabelTable table = Read(
                               "id;Gender;height_cm;Weight;AFIB\n"
                               "a;F;163,5;70;1\n"
                               "b;male;;;0\n"
                               "c;2;tall;-1;0\n"
                               "d;;nan;;0\n")
                               .value();
  EXPECT_EQ(table.records()[0].demographics, (Demographics{.sex = "female", .height_cm = 163.5, .weight_kg = 70}));
  EXPECT_EQ(table.records()[1].demographics, (Demographics{.sex = "male"}));
  EXPECT_EQ(table.records()[2].demographics, Demographics());
  EXPECT_EQ(table.records()[3].demographics, Demographics());
  EXPECT_EQ(table.unknown_sexes(), 1) << "a 2 may mean either";
}

TEST(LabelTableTest, ReadsWhatSpreadsheetsWrite) {
  const LabelTable semicolons =
      Read("\xEF\xBB\xBFid;age;\"labels\"\r\n\"a;1\";63,5;\"AFIB;LVH\"\r\nb;70;\"NORM\"\r\n").value();
  EXPECT_EQ(semicolons.records()[0].id, "a;1");
  EXPECT_EQ(semicolons.records()[0].demographics.age_years, 63.5);
  EXPECT_THAT(semicolons.records()[0].statements, ElementsAre("AFIB", "LVH"));
  EXPECT_THAT(Read("id\tAFIB\tLVH\na\t1\t0\nb\t0,0\t1,0\n").value().records()[1].statements, ElementsAre("LVH"));
}

TEST(LabelTableTest, TakesTheColumnsThatTheSpecNames) {
  const LabelTable table = Read("ecg,who,k,dx,note,path\n1,x,0,A B,good,1.xml\n2,y,1,B,,2.xml\n3,z,2,A,,3.xml\n",
                                R"(id_column: "ecg" patient_column: "who" fold_column: "k" labels_column: "dx"
                                   label_separators: " " file_column: "path")")
                               .value();
  EXPECT_THAT(table.records()[0].statements, ElementsAre("A", "B"));
  EXPECT_EQ(table.records()[0].path, "1.xml");
  EXPECT_THAT(table.folds(), ElementsAre("0", "1", "2"));
  EXPECT_THAT(Read("id,note,A\n1,good,1\n2,bad,0\n", "classes: \"A\"").value().records()[0].statements,
              ElementsAre("A"));
}

TEST(LabelTableTest, FoldsMayBeThePartsOfASplit) {
  const LabelTable table = Read("id,labels,split\n1,A,test\n2,B,Train\n3,A,val\n4,A,train\n").value();
  EXPECT_TRUE(table.folds_are_parts());
  EXPECT_EQ(table.records()[0].fold, 3);
  EXPECT_EQ(table.records()[1].fold, 1);
  EXPECT_EQ(table.records()[2].fold, 2);
}

TEST(LabelTableTest, SaysWhichColumnIsMissing) {
  EXPECT_THAT(Error("record,labels\n1,A\n"), HasSubstr("no column \"id\"; the columns are \"record\", \"labels\""));
  EXPECT_THAT(Error("record,labels\n1,A\n"), HasSubstr("id_column"));
  EXPECT_THAT(Error("id,labels\n1,A\n", "patient_column: \"who\""), HasSubstr("no column \"who\""));
  EXPECT_THAT(Error("id,age\n1,4\n"), HasSubstr("no column of labels"));
  EXPECT_THAT(Error("id,A\n1,1\n", "classes: \"B\""), HasSubstr("no column \"B\""));
  EXPECT_THAT(Error("id,A,A\n1,1,0\n"), HasSubstr(":1: the columns 2 and 3 are both called \"A\""));
}

TEST(LabelTableTest, NamesTheLineOfARecordThatIsThereTwice) {
  EXPECT_THAT(Error("id,labels\na,A\nb,B\na,B\n"),
              HasSubstr("labels.csv:4: column \"id\": the record \"a\" is in line 2, too"));
  EXPECT_THAT(Error("id,labels\n,A\n"), HasSubstr(":2: column \"id\": empty"));
}

TEST(LabelTableTest, NeverGuessesWhatAnEmptyLabelMeans) {
  constexpr absl::string_view kTable = "id,labels\na,A\nb,\nc,nan\nd,;\n";
  EXPECT_THAT(Error(kTable), HasSubstr(":3: column \"labels\": empty; say with recordings { empty_labels: NEGATIVE }"));
  const LabelTable kept = Read(kTable, "empty_labels: NEGATIVE").value();
  ASSERT_EQ(kept.records().size(), 4u);
  EXPECT_THAT(kept.records()[1].statements, IsEmpty());
  const LabelTable left_out = Read(kTable, "empty_labels: LEAVE_OUT").value();
  EXPECT_EQ(left_out.records().size(), 1u);
  EXPECT_EQ(left_out.empty_rows(), 3);
  EXPECT_THAT(Error("id,A,B\na,1,\n"), HasSubstr(":2: column \"B\": empty"));
  EXPECT_EQ(Read("id,A,B\na,1,\nb,1,1\n", "empty_labels: LEAVE_OUT").value().records().size(), 1u);
}

TEST(LabelTableTest, RefusesTextInAColumnOfALabel) {
  EXPECT_THAT(Error("id,A,ward\na,1,ICU\n"), HasSubstr(":2: column \"ward\": \"ICU\" is neither 0 nor 1"));
  EXPECT_THAT(Error("id,A,ward\na,1,ICU\n"), HasSubstr("recordings { classes:"));
  EXPECT_THAT(Error("id,A\na,0.8\n"), HasSubstr("\"0.8\" is neither 0 nor 1"));
  EXPECT_THAT(Error("id,A,B\na,1,0\nb,1,0\n"), HasSubstr("column \"B\" is 1 in no record"));
}

TEST(LabelTableTest, RefusesLabelsThatAreNoNames) {
  EXPECT_THAT(Error("id,labels\na,\"['A', 'B']\"\n"),
              HasSubstr(":2: column \"labels\": \"['A', 'B']\" is a list as a "));
  EXPECT_THAT(Error("id,labels\na,Vorhofflimmern\nb,Rhythmusst\xF6rung\n"),
              HasSubstr(":3: column \"labels\": the text is not in UTF-8"));
  EXPECT_THAT(Error("id,labels\na,\"A,B\"\n", "label_separators: \";\""), HasSubstr("the label \"A,B\" has a comma"));
}

TEST(LabelTableTest, RefusesAFoldOrPatientThatIsMissing) {
  EXPECT_THAT(Error("id,labels,fold\na,A,1\nb,A,\n"),
              HasSubstr(":3: column \"fold\": empty; every record needs a fold"));
  EXPECT_THAT(Error("id,labels,fold\na,A,1\nb,A,one\n"), HasSubstr(":3: column \"fold\": \"one\" is no whole number"));
  EXPECT_THAT(Error("id,labels,fold\na,A,train\nb,A,1\n"), HasSubstr("\"1\" is not train, validation or test"));
  EXPECT_THAT(Error("id,labels,fold\na,A,1\nb,A,2\n"), HasSubstr("has only the folds 1 and 2"));
  EXPECT_THAT(Error("id,labels,fold\na,A,train\nb,A,test\n"), HasSubstr("no record is in validation"));
  EXPECT_THAT(Error("id,labels,patient\na,A,p\nb,A,\n"), HasSubstr(":3: column \"patient\": empty"));
}

TEST(LabelTableTest, RefusesAgesThatAreNone) {
  EXPECT_THAT(Error("id,labels,age\na,A,old\n"), HasSubstr(":2: column \"age\": \"old\" is not a number"));
  EXPECT_THAT(Error("id,labels,age\na,A,300\n"), HasSubstr("\"300\" is no age in years"));
  EXPECT_THAT(Error("id,age,labels\na,63,5,A\n"), HasSubstr("a number with a decimal comma, must be in quotes"));
}

TEST(LabelTableTest, RefusesAnEmptyTable) {
  EXPECT_THAT(Error(""), HasSubstr("the table is empty"));
  EXPECT_THAT(Error("id,labels\n"), HasSubstr("no row with labels"));
}

}  // namespace
}  // namespace ecg
