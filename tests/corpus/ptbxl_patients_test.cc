#include "ecg/corpus/ptbxl_patients.h"

#include <filesystem>

#include "absl/status/status.h"
#include "ecg/file/file.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

std::filesystem::path FolderWith(const char* table) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "patients";
  EXPECT_TRUE(MakeDirectories(folder).ok());
  EXPECT_TRUE(WriteFile(folder / PtbXl::kDatabaseFile, table).ok());
  return folder;
}

TEST(PtbXlPatientsTest, AreReadWithSexAndAge) {
  const auto patients = ReadPtbXlPatients(FolderWith("ecg_id,age,sex\n1,56.0,1\n2,,0\n3.0,300,0.0\n4,x,2\n")).value();
  EXPECT_EQ(patients.at("1").sex, "female");
  EXPECT_EQ(patients.at("1").age_years, 56);
  EXPECT_EQ(patients.at("2").sex, "male");
  EXPECT_FALSE(patients.at("2").age_years.has_value());
  EXPECT_EQ(patients.at("3").sex, "male");
  EXPECT_EQ(patients.at("3").age_years, 300);
  EXPECT_EQ(patients.at("4").sex, "");
  EXPECT_FALSE(patients.at("4").age_years.has_value());
}

TEST(PtbXlPatientsTest, AreAnErrorWithoutTheColumns) {
  EXPECT_EQ(ReadPtbXlPatients(FolderWith("ecg_id\n1\n")).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace ecg
