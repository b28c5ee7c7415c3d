// mat.h
//
// Matrices of numbers in MATLAB's files of version 5, the format of CPSC 2018: a structure ECG with the fields sex, age
// and data.
//
//   ECG_ASSIGN_OR_RETURN(MatMatrix data, ReadMatField("A0001.mat", "ECG", "data"));
//   data.at(lead, sample);  // mV
//
// The `.mat` files of the PhysioNet/CinC Challenges are of version 4, and are read by their WFDB headers (wfdb.h).
//
// Format: https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf

#ifndef ECG_SIGNAL_MAT_H_
#define ECG_SIGNAL_MAT_H_

#include <matio.h>
#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// MatMatrix is a matrix of numbers.
struct MatMatrix {
  int rows = 0;
  int columns = 0;
  // values holds the columns one after the other, as MATLAB does.
  std::vector<double> values;

  // at returns one number.
  double at(int row, int column) const { return values[static_cast<size_t>(column) * rows + row]; }
};

namespace mat_internal {

// CheckElements makes sure that the file with the content `bytes` is whole, which libmatio does not: its elements end
// where it ends, and each compressed one has the Adler-32 checksum that closes it.
inline absl::Status CheckElements(absl::string_view bytes) {
  constexpr size_t kHeaderBytes = 128, kTagBytes = 8;
  constexpr uint32_t kCompressed = 15;
  if (bytes.size() < kHeaderBytes || bytes.substr(kHeaderBytes - 2, 2) != "IM") {
    return absl::DataLossError("no little-endian MATLAB file, or one that is cut short");
  }
  bytes.remove_prefix(kHeaderBytes);
  std::vector<Bytef> out(1 << 16);
  while (!bytes.empty()) {
    uint32_t tag[2] = {};
    std::memcpy(tag, bytes.data(), std::min(bytes.size(), kTagBytes));
    bytes.remove_prefix(std::min(bytes.size(), kTagBytes));
    if (tag[1] > bytes.size()) return absl::DataLossError("the file is cut short; fetch it again");
    if (tag[0] == kCompressed) {
      z_stream stream = {};
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
      stream.avail_in = tag[1];
      int code = inflateInit(&stream);
      while (code == Z_OK) {
        stream.next_out = out.data();
        stream.avail_out = static_cast<uInt>(out.size());
        code = inflate(&stream, Z_NO_FLUSH);
      }
      inflateEnd(&stream);
      if (code != Z_STREAM_END) return absl::DataLossError("the file is damaged; fetch it again");
    }
    bytes.remove_prefix(tag[1]);
  }
  return absl::OkStatus();
}

}  // namespace mat_internal

// ReadMatField reads the field `field` of the structure `variable` in the file `path`: a matrix of real numbers, single
// or double. The numbers are those of the file, whose checksums
// are compared where it has them, that is where it is compressed. May be called from several threads.
inline absl::StatusOr<MatMatrix> ReadMatField(const std::filesystem::path& path, const std::string& variable,
                                              const std::string& field) {
  const auto error = [&](const auto&... what) {
    return absl::DataLossError(absl::StrCat(path.string(), ": ", what...));
  };
  ECG_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  // libmatio would open a file of version 7.3 with HDF5, which is not made for several threads.
  constexpr absl::string_view kMagic = "MATLAB 5.0 MAT-file";
  if (!absl::StartsWith(bytes, kMagic)) {
    return error("the file does not start with \"", kMagic, "\"; save it as MATLAB's version 5 to 7");
  }
  if (const absl::Status whole = mat_internal::CheckElements(bytes); !whole.ok()) return error(whole.message());
  const std::unique_ptr<mat_t, int (*)(mat_t*)> file(Mat_Open(path.c_str(), MAT_ACC_RDONLY), Mat_Close);
  if (file == nullptr) return error("not a MATLAB file that can be read; fetch it again");
  const std::unique_ptr<matvar_t, void (*)(matvar_t*)> structure(Mat_VarRead(file.get(), variable.c_str()),
                                                                 Mat_VarFree);
  if (structure == nullptr) return error("no variable ", variable, " that can be read; the file may be damaged");
  if (structure->class_type != MAT_C_STRUCT) return error(variable, " is not a structure");
  const matvar_t* found = Mat_VarGetStructFieldByName(structure.get(), field.c_str(), 0);
  if (found == nullptr) return error(variable, " has no field ", field);

  if (found->rank != 2 || found->isComplex || found->data == nullptr ||
      (found->class_type != MAT_C_DOUBLE && found->class_type != MAT_C_SINGLE)) {
    return error(variable, ".", field, " is not a matrix of real numbers; the file may be damaged");
  }
  MatMatrix matrix = {
      .rows = static_cast<int>(found->dims[0]), .columns = static_cast<int>(found->dims[1]), .values = {}};
  const size_t count = found->dims[0] * found->dims[1];
  if (found->nbytes != count * found->data_size) return error(variable, ".", field, " is cut short; fetch it again");
  const auto take = [&](const auto* values) { matrix.values.assign(values, values + count); };
  if (found->class_type == MAT_C_DOUBLE) {
    take(static_cast<const double*>(found->data));
  } else {
    take(static_cast<const float*>(found->data));
  }
  return matrix;
}

}  // namespace ecg

#endif  // ECG_SIGNAL_MAT_H_
