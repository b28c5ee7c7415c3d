#include "ecg/sweep/search_space.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ecg/random/random.h"
#include "ecg/sweep/parzen.h"
#include "proto/sweep.pb.h"

namespace ecg {
namespace {

constexpr double kGoodShare = 0.15;
constexpr int kCandidates = 24;

}  // namespace

std::string SearchSpace::Range::TextOf(double x) const {
  switch (kind) {
    case Kind::kUniform:
      return absl::StrFormat("%.4g", x);
    case Kind::kLogUniform:
      return absl::StrFormat("%.4g", std::exp(x));
    case Kind::kInteger: {
      const double whole = std::clamp(std::round(x), low + 0.5, high - 0.5);
      return absl::StrCat(static_cast<int64_t>(whole));
    }
    case Kind::kChoice:
      break;
  }
  return choices[static_cast<size_t>(x)];
}

double SearchSpace::Range::NumberOf(const std::string& text) const {
  double number = 0;
  (void)!absl::SimpleAtod(text, &number);
  if (kind == Kind::kLogUniform) number = std::log(number);
  // Rounding to four digits may have moved it out.
  return std::clamp(number, low, high);
}

SearchSpace::SearchSpace(const spec::Sweep& sweep) {
  for (int a = 0; a < sweep.axis_size(); ++a) {
    const spec::Axis& axis = sweep.axis(a);
    if (!axis.has_search()) continue;
    axes_.push_back(a);
    Range& range = ranges_.emplace_back();
    const spec::AxisSearch& search = axis.search();
    switch (search.values_case()) {
      case spec::AxisSearch::kUniform:
        range = {.kind = Range::Kind::kUniform, .low = search.uniform().low(), .high = search.uniform().high()};
        break;
      case spec::AxisSearch::kLogUniform:
        range = {.kind = Range::Kind::kLogUniform,
                 .low = std::log(search.log_uniform().low()),
                 .high = std::log(search.log_uniform().high())};
        break;
      case spec::AxisSearch::kInteger:
        range = {.kind = Range::Kind::kInteger,
                 .low = static_cast<double>(search.integer().low()) - 0.5,
                 .high = static_cast<double>(search.integer().high()) + 0.5};
        break;
      default:
        range.kind = Range::Kind::kChoice;
        range.choices.assign(axis.value().begin(), axis.value().end());
        for (const spec::SettingGroup& group : axis.group()) range.choices.push_back(group.name());
    }
  }
}

Setting SearchSpace::Lowest() const {
  Setting setting;
  for (const Range& range : ranges_) {
    setting.push_back(range.kind == Range::Kind::kChoice ? range.choices.front() : range.TextOf(range.low));
  }
  return setting;
}

Setting SearchSpace::Highest() const {
  Setting setting;
  for (const Range& range : ranges_) {
    setting.push_back(range.kind == Range::Kind::kChoice ? range.choices.back() : range.TextOf(range.high));
  }
  return setting;
}

size_t SearchSpace::Count() const {
  double count = 1;
  for (const Range& range : ranges_) {
    if (range.kind == Range::Kind::kChoice) {
      count *= static_cast<double>(range.choices.size());
    } else if (range.kind == Range::Kind::kInteger) {
      count *= range.high - range.low;
    } else {
      return std::numeric_limits<size_t>::max();
    }
  }
  return count < 1e18 ? static_cast<size_t>(count) : std::numeric_limits<size_t>::max();
}

Setting SearchSpace::Draw(Random& random) const {
  Setting setting;
  for (const Range& range : ranges_) {
    if (range.kind == Range::Kind::kChoice) {
      setting.push_back(range.choices[random.Below(range.choices.size())]);
    } else {
      setting.push_back(range.TextOf(range.low + random.Uniform() * (range.high - range.low)));
    }
  }
  return setting;
}

Setting SearchSpace::ProposeByTpe(const SearchHistory& history, Random& random) const {
  const size_t count = history.ranked.size();
  const size_t good_count = static_cast<size_t>(std::ceil(kGoodShare * static_cast<double>(count)));
  Setting setting;
  for (size_t a = 0; a < ranges_.size(); ++a) {
    std::vector<std::string> good, others;
    for (size_t i = 0; i < count; ++i) (i < good_count ? good : others).push_back(history.ranked[i][a]);
    for (const Setting& pending : history.pending) others.push_back(pending[a]);
    setting.push_back(ranges_[a].kind == Range::Kind::kChoice ? ProposeChoice(ranges_[a], good, others, random)
                                                              : ProposeNumber(ranges_[a], good, others, random));
  }
  return setting;
}

std::string SearchSpace::ProposeNumber(const Range& range, const std::vector<std::string>& good,
                                       const std::vector<std::string>& others, Random& random) const {
  const auto estimate = [&](const std::vector<std::string>& texts) {
    std::vector<double> points;
    for (const std::string& text : texts) points.push_back(range.NumberOf(text));
    return ParzenEstimator(range.low, range.high, std::move(points));
  };
  const ParzenEstimator of_good = estimate(good), of_others = estimate(others);
  const bool is_whole = range.kind == Range::Kind::kInteger;
  const auto density = [&](const ParzenEstimator& estimator, double x) {
    return is_whole ? estimator.Mass(x - 0.5, x + 0.5) : estimator.Density(x);
  };
  std::string best;
  double best_ratio = -1;
  for (int i = 0; i < kCandidates; ++i) {
    // What is tried, after it was rounded.
    std::string text = range.TextOf(of_good.Draw(random));
    const double x = range.NumberOf(text), ratio = density(of_good, x) / density(of_others, x);
    if (ratio <= best_ratio) continue;
    best_ratio = ratio;
    best = std::move(text);
  }
  return best;
}

std::string SearchSpace::ProposeChoice(const Range& range, const std::vector<std::string>& good,
                                       const std::vector<std::string>& others, Random& random) const {
  const size_t count = range.choices.size();
  const auto probabilities = [&](const std::vector<std::string>& texts) {
    std::vector<double> result;
    for (const std::string& choice : range.choices) {
      result.push_back((1.0 + static_cast<double>(std::ranges::count(texts, choice))) /
                       static_cast<double>(count + texts.size()));
    }
    return result;
  };
  const std::vector<double> of_good = probabilities(good), of_others = probabilities(others);
  size_t best = 0;
  double best_ratio = -1;
  for (int i = 0; i < kCandidates; ++i) {
    double left = random.Uniform();
    size_t k = 0;
    while (k + 1 < count && left >= of_good[k]) left -= of_good[k++];
    const double ratio = of_good[k] / of_others[k];
    if (ratio <= best_ratio) continue;
    best_ratio = ratio;
    best = k;
  }
  return range.choices[best];
}

}  // namespace ecg
