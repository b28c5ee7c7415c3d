#include "ecg/spec/nearest_name.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace ecg {

int EditDistance(absl::string_view a, absl::string_view b) {
  const std::string from = absl::AsciiStrToLower(a), to = absl::AsciiStrToLower(b);
  // distance[i][j] is from the first i letters to the first j letters.
  std::vector<std::vector<int>> distance(from.size() + 1, std::vector<int>(to.size() + 1));
  for (size_t i = 0; i <= from.size(); ++i) {
    for (size_t j = 0; j <= to.size(); ++j) {
      if (i == 0 || j == 0) {
        distance[i][j] = static_cast<int>(i + j);
        continue;
      }
      distance[i][j] = std::min({distance[i - 1][j] + 1, distance[i][j - 1] + 1,
                                 distance[i - 1][j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) {
        distance[i][j] = std::min(distance[i][j], distance[i - 2][j - 2] + 1);
      }
    }
  }
  return distance[from.size()][to.size()];
}

namespace {

// NameDistance is the edit distance from `name` to `known`; an abbreviation counts as one letter.
int NameDistance(absl::string_view name, absl::string_view known) {
  return name.size() >= 3 && absl::StartsWithIgnoreCase(known, name) ? 1 : EditDistance(name, known);
}

}  // namespace

std::vector<std::string> NearestFirst(absl::string_view name, std::vector<std::string> names) {
  std::stable_sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    return NameDistance(name, a) < NameDistance(name, b);
  });
  return names;
}

std::optional<std::string> NearestName(absl::string_view name, const std::vector<std::string>& names) {
  if (names.empty()) return std::nullopt;
  std::string nearest = NearestFirst(name, names).front();
  const int letters = static_cast<int>(std::max(name.size(), nearest.size()));
  if (NameDistance(name, nearest) > std::max(1, letters / 3)) return std::nullopt;
  return nearest;
}

}  // namespace ecg
