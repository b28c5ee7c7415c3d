// ptbxl_patients.h
//
// Sex and age of the patients of PTB-XL, by record, as its ptbxl_database.csv has them.
//
//   ECG_ASSIGN_OR_RETURN(const auto patients, ReadPtbXlPatients("ptb-xl/1.0.3"));
//   if (const auto found = patients.find("1"); found != patients.end()) std::cout << found->second.sex;

#ifndef ECG_CORPUS_PTBXL_PATIENTS_H_
#define ECG_CORPUS_PTBXL_PATIENTS_H_

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/file/csv_reader.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// Patient is what is known about the patient of a record.
struct Patient {
  std::string sex;  // "male", "female", or empty
  std::optional<double> age_years;
};

// ReadPtbXlPatients returns the patient of each record in `data_dir`, by ecg_id. The column sex is 0 for male and 1 for
// female; an age of 300 stands for 90 and older. A field of another content counts as unknown.
inline absl::StatusOr<std::map<std::string, Patient>> ReadPtbXlPatients(const std::filesystem::path& data_dir) {
  ECG_ASSIGN_OR_RETURN(CsvReader table, CsvReader::Open(data_dir / PtbXl::kDatabaseFile));
  ECG_ASSIGN_OR_RETURN(const int id, table.Column("ecg_id"));
  ECG_ASSIGN_OR_RETURN(const int sex, table.Column("sex"));
  ECG_ASSIGN_OR_RETURN(const int age, table.Column("age"));
  std::map<std::string, Patient> patients;
  while (table.Next()) {
    Patient& patient = patients[std::string(absl::StripSuffix(table.at(id), ".0"))];
    const absl::string_view number = absl::StripSuffix(table.at(sex), ".0");
    patient.sex = number == "0" ? "male" : number == "1" ? "female" : "";
    double years = 0;
    if (absl::SimpleAtod(table.at(age), &years) && years >= 0 && years <= 300) patient.age_years = years;
  }
  ECG_RETURN_IF_ERROR(table.status());
  return patients;
}

}  // namespace ecg

#endif  // ECG_CORPUS_PTBXL_PATIENTS_H_
