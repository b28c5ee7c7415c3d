// weights_file.h
//
// The weights of a network in a file of either kind, safetensors or PyTorch's; which one is detected from its content.
//
//   ECG_ASSIGN_OR_RETURN(const WeightsFile file, WeightsFile::Open("net.pth"));
//   const TensorBytes& weight = file.tensors().at("backbone.conv1.weight");

#ifndef ECG_FILE_WEIGHTS_FILE_H_
#define ECG_FILE_WEIGHTS_FILE_H_

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/file/mapped_file.h"
#include "ecg/file/pth.h"
#include "ecg/file/safetensors.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// WeightsFile is an open file. Its tensors stay valid until it is destroyed.
class WeightsFile {
 public:
  // Open reads the file `path`.
  static absl::StatusOr<WeightsFile> Open(const std::filesystem::path& path) {
    ECG_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
    // Safetensors begin with eight bytes of length and a JSON object, PyTorch's files as zip archives or pickles do.
    const absl::string_view bytes = file.bytes();
    if (bytes.size() > 8 && bytes[8] == '{') {
      ECG_ASSIGN_OR_RETURN(SafetensorsFile safetensors, SafetensorsFile::Open(path));
      return WeightsFile(std::move(safetensors));
    }
    if (absl::StartsWith(bytes, "PK") || absl::StartsWith(bytes, "\x80")) {
      ECG_ASSIGN_OR_RETURN(PthFile pth, PthFile::Open(path));
      return WeightsFile(std::move(pth));
    }
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read ", path.string(),
                     " as weights: it begins neither as safetensors nor as what PyTorch's torch.save writes"));
  }

  const std::map<std::string, TensorBytes>& tensors() const {
    return safetensors_ != nullptr ? safetensors_->tensors() : pth_->tensors();
  }

  // metadata returns the free text that only safetensors have.
  std::map<std::string, std::string> metadata() const {
    return safetensors_ != nullptr ? safetensors_->metadata() : std::map<std::string, std::string>();
  }

 private:
  explicit WeightsFile(SafetensorsFile file) : safetensors_(std::make_unique<SafetensorsFile>(std::move(file))) {}
  explicit WeightsFile(PthFile file) : pth_(std::make_unique<PthFile>(std::move(file))) {}

  // One of the two.
  std::unique_ptr<SafetensorsFile> safetensors_;
  std::unique_ptr<PthFile> pth_;
};

}  // namespace ecg

#endif  // ECG_FILE_WEIGHTS_FILE_H_
