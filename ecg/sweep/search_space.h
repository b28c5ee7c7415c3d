// search_space.h
//
// What a search may try: the ranges of the searched axes, and how settings are proposed in them.
//
//   const SearchSpace space(sweep);
//   Random random({/*seed=*/1});
//   const Setting setting = space.Draw(random);   // {"0.003162", "64"}
//   space.ProposeByTpe({.ranked = {setting}, .pending = {}}, random);

#ifndef ECG_SWEEP_SEARCH_SPACE_H_
#define ECG_SWEEP_SEARCH_SPACE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "ecg/random/random.h"
#include "proto/sweep.pb.h"

namespace ecg {

// Setting is a value of each searched axis, as in the names of runs.
using Setting = std::vector<std::string>;

// SearchHistory is what a proposal is based on.
struct SearchHistory {
  std::vector<Setting> ranked;   // the settings whose scores are known, the best first
  std::vector<Setting> pending;  // those whose scores are not
};

// SearchSpace holds the searched axes of a sweep.
class SearchSpace {
 public:
  // The axes of `sweep` with `search`, which must have been checked.
  explicit SearchSpace(const spec::Sweep& sweep);

  // axes returns the places of the searched axes in the sweep.
  const std::vector<int>& axes() const { return axes_; }

  // Lowest and Highest return the setting with the lowest or highest value, or the first or last choice, on each axis.
  Setting Lowest() const;
  Setting Highest() const;

  // Count returns the number of settings; the largest number where there is a range of numbers.
  size_t Count() const;

  // Draw returns a random setting.
  Setting Draw(Random& random) const;

  // ProposeByTpe returns what the tree-structured Parzen estimator proposes (Bergstra et al. 2011, "Algorithms for
  // Hyper-Parameter Optimization", section 4). Of n ranked settings the best ceil(0.15 n) are good; the others, and
  // those that are pending, are not. For each axis by itself, l(x) is the density of the good, and g(x) of the others;
  // 24 candidates are drawn from l, and that with the largest l / g is taken: the expected improvement grows with it.
  // Densities are Parzen estimators, of the logarithm for log_uniform; a choice has probability proportional to 1 + the
  // number of times that it occurs.
  Setting ProposeByTpe(const SearchHistory& history, Random& random) const;

 private:
  struct Range {
    enum class Kind { kUniform, kLogUniform, kInteger, kChoice };
    Kind kind;
    // Of the number that is modelled: the logarithm, or the whole number and a half beside it.
    double low = 0, high = 0;
    std::vector<std::string> choices = {};

    std::string TextOf(double x) const;
    double NumberOf(const std::string& text) const;
  };

  std::string ProposeNumber(const Range& range, const std::vector<std::string>& good,
                            const std::vector<std::string>& others, Random& random) const;
  std::string ProposeChoice(const Range& range, const std::vector<std::string>& good,
                            const std::vector<std::string>& others, Random& random) const;

  std::vector<int> axes_;
  std::vector<Range> ranges_;
};

}  // namespace ecg

#endif  // ECG_SWEEP_SEARCH_SPACE_H_
