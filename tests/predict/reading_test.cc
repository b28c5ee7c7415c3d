#include "ecg/predict/reading.h"

#include <cmath>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "ecg/run/model_metadata.h"
#include "ecg/score/unlikeness.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace ecg {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ModelMetadata Model() {
  return {.name = "resnet18_all",
          .classes = {"AFIB", "NORM", "WPW"},
          .temperatures = {2, 1, 1},
          .thresholds = {0.3, 0.6, std::nan("")}};
}

// Text returns what a writer writes of `readings`.
std::string Text(ReadingFormat format, const std::vector<Reading>& readings, const ModelMetadata& model = Model()) {
  std::string text;
  ReadingWriter writer(format, model, [&text](absl::string_view piece) {
    text.append(piece.data(), piece.size());
    return absl::OkStatus();
  });
  for (const Reading& reading : readings) EXPECT_TRUE(writer.Write(reading).ok());
  EXPECT_TRUE(writer.Finish().ok());
  return text;
}

// FirstError returns what a writer says that cannot write from piece number `good` + 1 on.
absl::Status FirstError(int good) {
  const ModelMetadata model = Model();
  ReadingWriter writer(ReadingFormat::kJson, model, [&good](absl::string_view) {
    return good-- > 0 ? absl::OkStatus() : absl::ResourceExhaustedError("the disk is full");
  });
  const absl::Status status = writer.Write({.recording = "a.xml"});
  return status.ok() ? writer.Finish() : status;
}

const Reading kReading = {.recording = "a.xml", .what = "GE MUSE XML", .probabilities = {0.4f, 0.5f, 0.1f}};
const Reading kBad = {.recording = "b.xml", .error = absl::DataLossError("lead V2 has no samples")};

TEST(StatementsOfTest, AreSortedAndReportedFromTheirOwnThresholdOn) {
  const std::vector<Statement> statements = StatementsOf(kReading, Model());
  ASSERT_EQ(statements.size(), 3);
  EXPECT_EQ(statements[0].name, "NORM");
  EXPECT_FALSE(statements[0].reported);
  EXPECT_EQ(statements[1].name, "AFIB");
  EXPECT_TRUE(statements[1].reported);
  EXPECT_NEAR(statements[1].calibrated, 1 / (1 + std::sqrt(1.5)), 1e-6);
}

TEST(StatementsOfTest, AreReportedFromAHalfOnWhereValidationGaveNoThreshold) {
  const Reading reading = {.recording = "a.xml", .probabilities = {0.1f, 0.1f, 0.5f}};
  EXPECT_EQ(StatementsOf(reading, Model())[0].name, "WPW");
  EXPECT_TRUE(StatementsOf(reading, Model())[0].reported);
}

TEST(ReadingWriterTest, TellsThatItCannotWriteTheHeadAReadingOrTheEnd) {
  for (const int good : {0, 1, 2}) EXPECT_EQ(FirstError(good).message(), "the disk is full") << good;
  EXPECT_TRUE(FirstError(3).ok());
}

TEST(ReadingWriterTest, WritesATableThatNamesWhatIsReportedAndWhatCouldNotBeRead) {
  const std::string text = Text(ReadingFormat::kTable, {kReading, kBad});
  EXPECT_THAT(text, HasSubstr("Not a medical device"));
  EXPECT_THAT(text, HasSubstr("* AFIB"));
  EXPECT_THAT(text, HasSubstr("normal ECG"));
  EXPECT_THAT(text, HasSubstr("b.xml\n  not read: lead V2 has no samples"));
  EXPECT_THAT(text, Not(HasSubstr("synthetic")));
}

TEST(ReadingWriterTest, SaysThatAModelIsSynthetic) {
  ModelMetadata model = Model();
  model.synthetic = true;
  EXPECT_THAT(Text(ReadingFormat::kTable, {}, model), HasSubstr("synthetic"));
}

TEST(ReadingWriterTest, WritesOneJsonDocument) {
  const nlohmann::json json = nlohmann::json::parse(Text(ReadingFormat::kJson, {kReading, kBad}));
  EXPECT_EQ(json["model"]["disclaimer"], kDisclaimer);
  ASSERT_EQ(json["readings"].size(), 2);
  EXPECT_EQ(json["readings"][0]["statements"][1]["code"], "AFIB");
  EXPECT_EQ(json["readings"][0]["statements"][1]["probability"].get<float>(), 0.4f);
  EXPECT_TRUE(json["readings"][0]["statements"][2]["threshold"].is_null());
  EXPECT_EQ(json["readings"][1]["error"], "lead V2 has no samples");
}

TEST(ReadingWriterTest, WritesALineOfJsonForEachRecording) {
  const std::string text = Text(ReadingFormat::kJsonLines, {kReading, kBad});
  const size_t end = text.find('\n');
  EXPECT_EQ(nlohmann::json::parse(text.substr(0, end))["recording"], "a.xml");
  EXPECT_EQ(nlohmann::json::parse(text.substr(end + 1))["recording"], "b.xml");
}

TEST(ReadingWriterTest, WritesARowOfEveryProbabilityForEachRecording) {
  EXPECT_EQ(Text(ReadingFormat::kCsv, {kReading, kBad}),
            "recording,probability_AFIB,probability_NORM,probability_WPW,reported,warnings,error,distance,"
            "validation_share\n"
            "a.xml,0.400000006,0.5,0.100000001,AFIB,,,,\n"
            "b.xml,,,,,,lead V2 has no samples,,\n");
}

// A reading at `share` of the validation records, with a warning of something else.
Reading Measured(double share) {
  Reading reading = kReading;
  reading.warnings = {"lead V1 is flat"};
  reading.unlikeness = Unlikeness{.distance = 1.25, .reference_share = share, .references = 2183};
  return reading;
}

TEST(ReadingWriterTest, SaysHowUnlikeTheTrainingRecordsARecordingIs) {
  const nlohmann::json json = nlohmann::json::parse(Text(ReadingFormat::kJsonLines, {Measured(0.5)}));
  EXPECT_EQ(json["unlike_training"]["distance"], 1.25);
  EXPECT_EQ(json["unlike_training"]["validation_share"], 0.5);
  EXPECT_EQ(json["unlike_training"]["validation_records"], 2183);
  EXPECT_EQ(json["unlike_training"]["warned"], false);
  EXPECT_EQ(json["warnings"].size(), 1);
  EXPECT_THAT(Text(ReadingFormat::kTable, {Measured(0.5)}),
              HasSubstr("\n  more unlike the training records than 50.0% of the validation records\n"));
  EXPECT_THAT(Text(ReadingFormat::kCsv, {Measured(0.5)}), HasSubstr(",lead V1 is flat,,1.25,0.5\n"));
  const nlohmann::json fhir = nlohmann::json::parse(Text(ReadingFormat::kFhir, {Measured(0.5)}));
  ASSERT_EQ(fhir["component"].size(), 4);
  EXPECT_EQ(fhir["component"][3]["valueQuantity"]["value"], 0.5);
  EXPECT_FALSE(nlohmann::json::parse(Text(ReadingFormat::kJsonLines, {kReading})).contains("unlike_training"));
}

TEST(ReadingWriterTest, WarnsOfARecordingThatIsUnlikeTheTrainingRecords) {
  const std::string warning = "the recording is more unlike the training records than 99.5% of the validation records";
  for (const ReadingFormat format : {ReadingFormat::kTable, ReadingFormat::kJson, ReadingFormat::kJsonLines,
                                     ReadingFormat::kCsv, ReadingFormat::kFhir}) {
    EXPECT_THAT(Text(format, {Measured(0.995)}), HasSubstr(warning));
    EXPECT_THAT(Text(format, {Measured(0.98)}), Not(HasSubstr("the recording is more unlike")));
  }
  EXPECT_THAT(Text(ReadingFormat::kTable, {Measured(1)}), HasSubstr("than all 2183 validation records"));
}

TEST(ReadingWriterTest, WritesAFhirObservationForEachRecording) {
  const std::string text = Text(ReadingFormat::kFhir, {kReading, kBad});
  const size_t end = text.find('\n');
  const nlohmann::json first = nlohmann::json::parse(text.substr(0, end));
  EXPECT_EQ(first["resourceType"], "Observation");
  EXPECT_THAT(first["note"][0]["text"].get<std::string>(), HasSubstr("Not a medical device"));
  ASSERT_EQ(first["component"].size(), 3);
  EXPECT_EQ(first["component"][1]["code"]["coding"][0]["code"], "164889003");  // atrial fibrillation
  EXPECT_EQ(first["component"][1]["interpretation"][0]["text"], "reported");
  // 426783006, to which corpora map NORM, means sinus rhythm.
  EXPECT_FALSE(first["component"][0]["code"].contains("coding"));
  const nlohmann::json second = nlohmann::json::parse(text.substr(end + 1));
  EXPECT_EQ(second["dataAbsentReason"]["text"], "lead V2 has no samples");
}

}  // namespace
}  // namespace ecg
