// partial_weights.h
//
// Copies weights into parts of a network, which are named by the beginning of the names of their tensors: for
// fine-tuning, where the body is of another training and the head is new.
//
//   // Only what is called backbone.*, from tensors called model.backbone.* in the file.
//   ECG_RETURN_IF_ERROR(LoadParts("pretrained.safetensors", {{"backbone", "model.backbone"}}, StateOf(*network)));

#ifndef ECG_MODEL_PARTIAL_WEIGHTS_H_
#define ECG_MODEL_PARTIAL_WEIGHTS_H_

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "ecg/model/weights.h"

namespace ecg {

// PrefixesOf returns what names begin with, up to the first and the second dot, such as "backbone" and
// "backbone.encoder", sorted.
std::vector<std::string> PrefixesOf(const std::vector<std::string>& names);

// CheckMatches refuses a `prefix` that none of `names` is under (state_names.h), with a message that lists prefixes
// that there are. `owner` is whose names they are, such as "the network".
absl::Status CheckMatches(absl::string_view prefix, const std::vector<std::string>& names, absl::string_view owner);

// NamedPart is a part of a network, and what it is called in a file: the same if `prefix_in_file` is empty, and the
// whole file if it is ".".
struct NamedPart {
  std::string prefix;
  std::string prefix_in_file = {};
};

// LoadParts copies `parts` of the weights in the file `path`, safetensors or PyTorch's, into the tensors of `state` of
// the same names, such as StateOf(network). `module.` and `_orig_mod.`, which torch.nn.DataParallel and torch.compile
// add, are ignored; counters of batches that the file lacks are set to 0. Fails, and changes nothing, where a prefix
// matches nothing, a part has other names or shapes, or a number is not finite.
absl::Status LoadParts(const std::filesystem::path& path, const std::vector<NamedPart>& parts,
                       const NamedTensors& state);

}  // namespace ecg

#endif  // ECG_MODEL_PARTIAL_WEIGHTS_H_
