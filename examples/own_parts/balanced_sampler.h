// balanced_sampler.h
//
// A sampler: half of the crops of an epoch are of records that have the class `class`, the other half of the others.

#ifndef EXAMPLES_OWN_PARTS_BALANCED_SAMPLER_H_
#define EXAMPLES_OWN_PARTS_BALANCED_SAMPLER_H_

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "ecg/batch/sampler.h"
#include "ecg/batch/split_part.h"
#include "ecg/random/random.h"
#include "ecg/spec/own_values.h"
#include "proto/experiment.pb.h"

namespace my {

class BalancedSampler {
 public:
  using Spec = ecg::spec::Own;
  explicit BalancedSampler(const Spec& spec) : class_(ecg::OwnValues(spec, {{"class"}}).Text("class")) {}

  std::vector<int> Order(const ecg::SplitPart& part, uint64_t seed, int epoch) const {
    const std::vector<std::string>& classes = part.labels->classes;
    const size_t k = std::ranges::find(classes, class_) - classes.begin();
    if (k == classes.size()) throw std::invalid_argument("my::BalancedSampler: there is no class " + class_);
    std::vector<int> rows[2];
    for (int row = 0; row < part.size(); ++row) rows[part.labels->row(part.rows[row])[k]].push_back(row);
    if (rows[0].empty() || rows[1].empty())
      throw std::invalid_argument("my::BalancedSampler: all or no records have it");
    ecg::Random random({seed, static_cast<uint64_t>(epoch)});
    std::vector<int> order;
    for (int i = 0; i < part.size(); ++i) {
      const std::vector<int>& from = rows[i % 2];
      order.push_back(from[random.Below(from.size())]);
    }
    return order;
  }

 private:
  std::string class_;
};

static_assert(ecg::Sampler<BalancedSampler>);

}  // namespace my

#endif  // EXAMPLES_OWN_PARTS_BALANCED_SAMPLER_H_
