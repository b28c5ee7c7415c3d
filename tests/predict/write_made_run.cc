// Writes a made run and a recording for tests that are not in C++:
//
//   write_made_run FOLDER     writes FOLDER/run and FOLDER/ecg.csv

#include <cstdio>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "ecg/file/file.h"
#include "ecg/status/status_macros.h"
#include "tests/predict/made_run.h"
#include "tests/predict/made_signal.h"

namespace {

absl::Status Write(const std::filesystem::path& folder) {
  ECG_RETURN_IF_ERROR(ecg::MakeRun(folder / "run"));
  return ecg::WriteFile(folder / "ecg.csv", ecg::TableOf(ecg::MadeSignal(1)));
}

}  // namespace

int main(int argc, char** argv) {
  const absl::Status status = argc == 2 ? Write(argv[1]) : absl::InvalidArgumentError("expected a folder");
  if (!status.ok()) std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return status.ok() ? 0 : 1;
}
