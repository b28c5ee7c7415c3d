// Reads any bytes as a MATLAB file, and aborts when what it reads is not what it says. mat_fuzz_test.cc feeds it
// changed files. With clang it is a target of libFuzzer, which finds its own:
//
//   clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -I. tests/signal/mat_fuzzer.cc
//       $(pkg-config --libs absl_statusor absl_strings) -lz -o /tmp/mat_fuzzer
//   /tmp/mat_fuzzer -max_total_time=600

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/signal/mat.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto check = [](const absl::StatusOr<ecg::MatMatrix>& matrix) {
    if (!matrix.ok()) return;
    const size_t count = static_cast<size_t>(matrix->rows) * static_cast<size_t>(matrix->columns);
    if (matrix->rows < 0 || matrix->columns < 0 || matrix->values.size() != count) std::abort();
  };
  check(ecg::ParseMatField(bytes, "ECG", "data"));
  check(ecg::ParseMatMatrix(bytes, "val"));
  return 0;
}
