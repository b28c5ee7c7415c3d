// Reads the weights of a network from a file of either kind, safetensors or what PyTorch's torch.save wrote, and writes
// them as safetensors:
//
//   bazel run //cli:convert_weights -- net.pth net.safetensors

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "ecg/command_line/command_line.h"
#include "ecg/file/path.h"
#include "ecg/file/safetensors.h"
#include "ecg/file/weights_file.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/progress.h"

namespace {

absl::Status Convert(const std::filesystem::path& input, const std::filesystem::path& output) {
  ECG_ASSIGN_OR_RETURN(const ecg::WeightsFile file, ecg::WeightsFile::Open(input));
  ECG_RETURN_IF_ERROR(ecg::WriteSafetensors(output, file.tensors(), file.metadata()));
  int64_t numbers = 0, bytes = 0;
  for (const auto& [name, tensor] : file.tensors()) {
    bytes += tensor.bytes.size();
    numbers += tensor.bytes.size() / ecg::SafetensorsElementSize(tensor.dtype);
  }
  std::puts(absl::StrCat(ecg::WithThousands(file.tensors().size()), " tensors, ", ecg::WithThousands(numbers),
                         " numbers, ", ecg::WithThousands(bytes), " bytes, in ", output.string())
                .c_str());
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  std::string input, output;
  CLI::App app("Writes the weights in a file, safetensors or PyTorch's, as safetensors.", "convert_weights");
  app.add_option("IN", input, "The file to read: safetensors, or what torch.save(model.state_dict(), IN) wrote")
      ->required();
  app.add_option("OUT", output, "The safetensors file to write")->required();
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;
  return ecg::ExitStatus(Convert(ecg::UserPath(input), ecg::UserPath(output)));
}
