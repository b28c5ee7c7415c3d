// nearest_name.h
//
// The known name that is most similar to a misspelt one.
//
//   NearestName("learning_rat", {"epochs", "learning_rate"});  // "learning_rate"
//   NearestName("colour", {"epochs", "learning_rate"});        // none

#ifndef ECG_SPEC_NEAREST_NAME_H_
#define ECG_SPEC_NEAREST_NAME_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace ecg {

// EditDistance is the number of letters to insert, remove, replace, or swap with their neighbour to get from `a` to `b`
// (Damerau 1964, each letter edited once), with small and large letters alike.
int EditDistance(absl::string_view a, absl::string_view b);

// NearestFirst returns `names` with those most similar to `name` in front.
std::vector<std::string> NearestFirst(absl::string_view name, std::vector<std::string> names);

// NearestName returns the one of `names` that is most similar to `name`, if no more than a third of the letters differ.
std::optional<std::string> NearestName(absl::string_view name, const std::vector<std::string>& names);

}  // namespace ecg

#endif  // ECG_SPEC_NEAREST_NAME_H_
