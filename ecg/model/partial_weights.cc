#include "ecg/model/partial_weights.h"

#include <torch/types.h>

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/model/state_names.h"
#include "ecg/model/weights.h"
#include "ecg/spec/nearest_name.h"
#include "ecg/status/status_macros.h"

namespace ecg {
namespace {

// WithoutWrappers removes `module` and `_orig_mod` from a name.
std::string WithoutWrappers(const std::string& name) {
  std::vector<std::string> parts = absl::StrSplit(name, '.');
  std::erase_if(parts, [](const std::string& part) { return part == "module" || part == "_orig_mod"; });
  return absl::StrJoin(parts, ".");
}

// Moved returns `name`, which is under `from`, as one that is under `to` instead.
std::string Moved(absl::string_view name, absl::string_view from, absl::string_view to) {
  absl::string_view rest = name.substr(absl::StripSuffix(from, ".").size());
  to = absl::StripSuffix(to, ".");
  if (to.empty()) return std::string(absl::StripPrefix(rest, "."));
  return absl::StrCat(to, rest.empty() || absl::StartsWith(rest, ".") ? "" : ".", rest);
}

std::vector<std::string> NamesOf(const NamedTensors& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  return names;
}

// AddPart adds the tensors of `part` in `file` to `weights`, under the names that they have in the network, whose state
// is `state`.
absl::Status AddPart(const NamedTensors& file, const NamedPart& part, const NamedTensors& state,
                     NamedTensors& weights) {
  const std::string in_file = part.prefix_in_file.empty()  ? part.prefix
                              : part.prefix_in_file == "." ? ""
                                                           : part.prefix_in_file;
  ECG_RETURN_IF_ERROR(CheckMatches(part.prefix, NamesOf(state), "the network"));
  ECG_RETURN_IF_ERROR(CheckMatches(in_file, NamesOf(file), "the file"));
  NamedTensors found, expected;
  for (const auto& [name, tensor] : state) {
    if (!IsUnder(name, part.prefix)) continue;
    expected.emplace(name, tensor);
    if (IsBatchCounter(name)) found.emplace(name, torch::zeros_like(tensor));
  }
  for (const auto& [name, tensor] : file) {
    if (IsUnder(name, in_file)) found.insert_or_assign(Moved(name, in_file, part.prefix), tensor);
  }
  ECG_RETURN_IF_ERROR(CheckSameTensors(found, expected));
  for (const auto& [name, tensor] : found) {
    ECG_RETURN_IF_ERROR(CheckUsable(name, tensor, expected.at(name)));
    weights.insert_or_assign(name, tensor);
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string> PrefixesOf(const std::vector<std::string>& names) {
  std::set<std::string> prefixes;
  for (const std::string& name : names) {
    size_t dot = name.find('.');
    for (int depth = 0; depth < 2 && dot != std::string::npos; ++depth, dot = name.find('.', dot + 1)) {
      prefixes.insert(name.substr(0, dot));
    }
    if (!absl::StrContains(name, '.')) prefixes.insert(name);
  }
  return {prefixes.begin(), prefixes.end()};
}

absl::Status CheckMatches(absl::string_view prefix, const std::vector<std::string>& names, absl::string_view owner) {
  for (const std::string& name : names) {
    if (IsUnder(name, prefix)) return absl::OkStatus();
  }
  std::vector<std::string> prefixes = PrefixesOf(names);
  const std::optional<std::string> nearest = NearestName(std::string(prefix), prefixes);
  constexpr size_t kNamed = 12;
  const size_t more = prefixes.size() > kNamed ? prefixes.size() - kNamed : 0;
  prefixes.resize(prefixes.size() - more);
  return absl::InvalidArgumentError(absl::StrCat("no tensor of ", owner, " has the prefix \"", prefix, "\"; ",
                                                 nearest ? absl::StrCat("did you mean ", *nearest, "? ") : "",
                                                 "Its prefixes are ", absl::StrJoin(prefixes, ", "),
                                                 more > 0 ? absl::StrCat(" and ", more, " more") : ""));
}

absl::Status LoadParts(const std::filesystem::path& path, const std::vector<NamedPart>& parts,
                       const NamedTensors& state) {
  ECG_ASSIGN_OR_RETURN(const NamedTensors tensors, ReadTensors(path));
  NamedTensors file, weights;
  for (const auto& [name, tensor] : tensors) file.insert_or_assign(WithoutWrappers(name), tensor);
  for (const NamedPart& part : parts) {
    ECG_RETURN_IF_ERROR(WithContext(AddPart(file, part, state, weights),
                                    absl::StrCat("cannot use ", path.string(), " for the part \"", part.prefix, "\"")));
  }
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : weights) torch::Tensor(state.at(name)).copy_(tensor);
  return absl::OkStatus();
}

}  // namespace ecg
