// mat_writer.h
//
// A record in the format of CPSC 2018: a MATLAB file of version 5 with a structure ECG of the fields sex, age and data,
// the twelve leads in mV.
//
//   ECG_RETURN_IF_ERROR(WriteMatRecord(folder / "A0001.mat", {.sex = "Female", .age = 74}, signal));

#ifndef ECG_SIGNAL_MAT_WRITER_H_
#define ECG_SIGNAL_MAT_WRITER_H_

#include <matio.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"

namespace ecg {

// MatPatient is what the file says of the patient.
struct MatPatient {
  std::string sex;  // "Male" or "Female"
  double age = 0;   // years
};

// WriteMatRecord writes the file `path`, which must not be there. The same record gives the same bytes.
inline absl::Status WriteMatRecord(const std::filesystem::path& path, const MatPatient& patient, const Signal& signal) {
  using Variable = std::unique_ptr<matvar_t, void (*)(matvar_t*)>;
  const auto matrix = [](matio_classes class_type, matio_types type, size_t rows, size_t columns, const void* data) {
    size_t dims[2] = {rows, columns};
    return Mat_VarCreate(nullptr, class_type, type, 2, dims, const_cast<void*>(data), 0);  // copies the data
  };
  std::vector<double> mv(signal.digital.size());
  for (int lead = 0; lead < kLeads; ++lead) {
    for (int sample = 0; sample < signal.samples; ++sample) {
      mv[static_cast<size_t>(sample) * kLeads + lead] = signal.calibration[lead].ToMv(signal.lead(lead)[sample]);
    }
  }
  const char* fields[] = {"sex", "age", "data"};
  size_t one[2] = {1, 1};
  const Variable record(Mat_VarCreateStruct("ECG", 2, one, fields, 3), Mat_VarFree);
  // The header would otherwise tell the time of writing.
  const std::unique_ptr<mat_t, int (*)(mat_t*)> file(
      Mat_CreateVer(path.c_str(), "MATLAB 5.0 MAT-file, written by ecg", MAT_FT_MAT5), Mat_Close);
  if (record == nullptr || file == nullptr) return absl::InternalError(absl::StrCat("cannot write ", path.string()));
  Mat_VarSetStructFieldByName(record.get(), "sex", 0,
                              matrix(MAT_C_CHAR, MAT_T_UTF8, 1, patient.sex.size(), patient.sex.data()));
  Mat_VarSetStructFieldByName(record.get(), "age", 0, matrix(MAT_C_DOUBLE, MAT_T_DOUBLE, 1, 1, &patient.age));
  Mat_VarSetStructFieldByName(record.get(), "data", 0,
                              matrix(MAT_C_DOUBLE, MAT_T_DOUBLE, kLeads, signal.samples, mv.data()));
  if (Mat_VarWrite(file.get(), record.get(), MAT_COMPRESSION_ZLIB) != 0) {
    return absl::InternalError(absl::StrCat("cannot write ", path.string()));
  }
  return absl::OkStatus();
}

}  // namespace ecg

#endif  // ECG_SIGNAL_MAT_WRITER_H_
