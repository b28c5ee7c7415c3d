// state_names.h
//
// The names that the tensors of a network have in a file of weights, where it was saved inside of another module; and
// prefixes of names.
//
//   const std::set<std::string> network = {"conv.weight", "fc.weight"};
//   ECG_ASSIGN_OR_RETURN(const auto names, NamesInNetwork({"module.conv.weight", "module.fc.weight"}, network));
//   names.at("module.conv.weight");   // "conv.weight"

#ifndef ECG_MODEL_STATE_NAMES_H_
#define ECG_MODEL_STATE_NAMES_H_

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace ecg {

// IsBatchCounter says whether `name` is the counter of batches of a batch normalization, which PyTorch before 0.4.1 did
// not have. Nothing that we compute depends on it.
inline bool IsBatchCounter(absl::string_view name) {
  return name == "num_batches_tracked" || absl::EndsWith(name, ".num_batches_tracked");
}

// IsUnder returns whether `name` is `prefix` or begins with it and a dot; everything is under the empty prefix. A dot
// at the end of `prefix` makes no difference.
inline bool IsUnder(absl::string_view name, absl::string_view prefix) {
  prefix = absl::StripSuffix(prefix, ".");
  if (prefix.empty() || name == prefix) return true;
  return absl::StartsWith(name, prefix) && name[prefix.size()] == '.';
}

// LongestPrefix returns the one of `groups`, which have a prefix(group), whose prefix is the longest that `name` is
// under, or nullptr.
template <typename Groups, typename Prefix>
auto LongestPrefix(const Groups& groups, absl::string_view name, const Prefix& prefix) {
  decltype(&*groups.begin()) longest = nullptr;
  for (const auto& group : groups) {
    if (!IsUnder(name, prefix(group))) continue;
    if (longest == nullptr || prefix(group).size() > prefix(*longest).size()) longest = &group;
  }
  return longest;
}

namespace state_names_internal {

// WithoutInnerWrappers removes from `name` what torch.nn.DataParallel and torch.compile around a part of a network put
// in: `backbone.module.conv.weight` is conv.weight of backbone.
inline std::string WithoutInnerWrappers(const std::string& name) {
  std::vector<std::string> parts = absl::StrSplit(name, '.');
  const auto is_wrapper = [](const std::string& part) { return part == "module" || part == "_orig_mod"; };
  parts.erase(std::remove_if(parts.begin() + 1, parts.end(), is_wrapper), parts.end());
  return absl::StrJoin(parts, ".");
}

// Prefixes maps each prefix that makes names of a file from names of the network to those names of the network.
using Prefixes = std::map<std::string, std::set<std::string>>;

inline Prefixes FindPrefixes(const std::map<std::string, std::string>& names, const std::set<std::string>& network) {
  Prefixes prefixes;
  for (const auto& [in_file, name] : names) {
    for (size_t begin = 0, dot = 0; dot != std::string::npos; begin = dot + 1) {
      if (network.contains(name.substr(begin))) prefixes[name.substr(0, begin)].insert(name.substr(begin));
      dot = name.find('.', begin);
    }
  }
  return prefixes;
}

// Quoted writes a prefix, which ends in a dot, so that it is not read as the end of a sentence.
inline std::string Quoted(const std::string& prefix) { return absl::StrCat("\"", prefix, "\""); }
inline void AppendQuoted(std::string* text, const std::string& prefix) { absl::StrAppend(text, Quoted(prefix)); }

// InWords lists `names`, the first few of many.
inline std::string InWords(std::vector<std::string> names) {
  constexpr size_t kNamed = 5;
  const size_t more = names.size() > kNamed ? names.size() - kNamed : 0;
  names.resize(names.size() - more);
  return absl::StrCat(absl::StrJoin(names, ", "), more > 0 ? absl::StrCat(" and ", more, " more") : "");
}

}  // namespace state_names_internal

// NamesInNetwork returns what the names of the tensors in a file, `in_file`, are in a network with the tensors
// `network`. They differ where the network was saved as a part of another module:
//
//   torch.nn.DataParallel, DistributedDataParallel   `module.` before every name
//   torch.compile                                    `_orig_mod.` before every name
//   torch.optim.swa_utils.AveragedModel              `module.` before every name, and the counter `n_averaged`
//   a LightningModule, or any other                  the name of the member that the network is, such as `model.`
//
// All names must have the prefix. Names of another network are returned as they are, for the caller to refuse. Fails
// where the file has the network more than once, under different prefixes, or with other tensors beside.
inline absl::StatusOr<std::map<std::string, std::string>> NamesInNetwork(const std::set<std::string>& in_file,
                                                                         const std::set<std::string>& network) {
  using namespace state_names_internal;
  std::set<std::string> needed = network;
  std::erase_if(needed, [](const std::string& name) { return IsBatchCounter(name); });
  const auto has_all = [&](const std::set<std::string>& found) { return std::ranges::includes(found, needed); };
  std::map<std::string, std::string> names;
  for (const std::string& name : in_file) names[name] = name;
  if (needed.empty() || has_all(in_file)) return names;

  for (auto& [name_in_file, name] : names) name = WithoutInnerWrappers(name_in_file);
  const Prefixes prefixes = FindPrefixes(names, network);
  std::string prefix;           // the one with most names of the network
  std::set<std::string> found;  // under any prefix
  std::vector<std::string> whole, all;
  for (const auto& [one, of_one] : prefixes) {
    if (prefix.empty() || of_one.size() > prefixes.at(prefix).size()) prefix = one;
    found.insert(of_one.begin(), of_one.end());
    if (has_all(of_one)) whole.push_back(one);
    all.push_back(one.empty() ? absl::StrCat(of_one.size(), " without one")
                              : absl::StrCat(of_one.size(), " with ", Quoted(one)));
  }
  if (whole.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat("the weights of the network are there ", whole.size(),
                                                   " times, under ", absl::StrJoin(whole, " and ", AppendQuoted),
                                                   ". Save the state_dict of the one to use"));
  }
  if (whole.empty() && has_all(found)) {
    return absl::InvalidArgumentError(absl::StrCat("the names of the weights have different prefixes: ", InWords(all),
                                                   ". Save the state_dict of the network itself"));
  }

  std::map<std::string, std::string> stripped;
  std::vector<std::string> others;
  for (const auto& [name_in_file, name] : names) {
    if (absl::StartsWith(name, prefix)) {
      stripped[name_in_file] = name.substr(prefix.size());
    } else if (name != "n_averaged") {
      others.push_back(name_in_file);
    }
  }
  if (others.empty()) return stripped;
  if (whole.empty()) return names;
  return absl::InvalidArgumentError(absl::StrCat("beside the weights of the network, under ", Quoted(prefix),
                                                 ", there are others: ", InWords(others),
                                                 ". Save the state_dict of the network itself"));
}

}  // namespace ecg

#endif  // ECG_MODEL_STATE_NAMES_H_
