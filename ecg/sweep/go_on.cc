#include "ecg/sweep/go_on.h"

#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ecg/file/file.h"
#include "ecg/run/run_folder.h"
#include "ecg/spec/resolve.h"
#include "ecg/status/status_macros.h"
#include "ecg/sweep/link_file.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

absl::Status Copy(const std::filesystem::path& from, const std::filesystem::path& to) {
  ECG_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(from));
  return WriteFile(to, bytes);
}

absl::Status Fill(const RunFolder& from, int epochs, const RunFolder& made) {
  ECG_RETURN_IF_ERROR(MakeDirectories(made.checkpoints()));
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(from.checkpoints(), error)) {
    const std::filesystem::path to = made.checkpoints() / entry.path().filename();
    ECG_RETURN_IF_ERROR(entry.path().extension() == ".safetensors" ? LinkOrCopy(entry.path(), to)
                                                                   : Copy(entry.path(), to));
  }
  if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot read ", from.checkpoints().string()));
  for (const auto& entry : std::filesystem::directory_iterator(from.path(), error)) {
    const std::string name = entry.path().filename().string();
    if (entry.path() != from.corpus() && entry.path() != from.history() && !absl::StartsWith(name, "events.out.")) {
      continue;
    }
    ECG_RETURN_IF_ERROR(Copy(entry.path(), made.path() / name));
  }
  if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot read ", from.path().string()));
  ECG_ASSIGN_OR_RETURN(spec::Experiment spec, from.ReadSpec());
  spec.mutable_training()->set_epochs(epochs);
  return WriteFile(made.spec(), ToText(spec));
}

}  // namespace

absl::Status GoOn(const RunFolder& from, int epochs, const RunFolder& to) {
  const RunFolder made(to.path().parent_path() / absl::StrCat(".new-", RandomName()));
  std::error_code error;
  absl::Status status = Fill(from, epochs, made);
  if (status.ok()) {
    // It may hold the log of a start that failed.
    std::filesystem::remove_all(to.path(), error);
    if (rename(made.path().c_str(), to.path().c_str()) != 0) status = ErrnoError("make", to.path());
  }
  if (!status.ok()) std::filesystem::remove_all(made.path(), error);
  return status;
}

}  // namespace ecg
