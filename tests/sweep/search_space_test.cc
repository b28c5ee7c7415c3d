#include "ecg/sweep/search_space.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <map>
#include <numbers>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ecg/random/random.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "proto/sweep.pb.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;

SearchSpace SpaceOf(const std::string& text) {
  spec::Sweep sweep;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &sweep));
  return SearchSpace(sweep);
}

double Number(const std::string& text) { return std::atof(text.c_str()); }

TEST(SearchSpaceTest, HasTheSearchedAxesOnly) {
  const SearchSpace space = SpaceOf(R"(
    axis { name: "split" value: ["1", "2"] }
    axis { name: "rate" search { log_uniform { low: 0.00012345 high: 1 } } }
    axis { name: "epochs" search { integer { low: 3 high: 5 } } }
    axis { name: "size" value: ["64", "128"] group { name: "large" } search { choice {} } })");
  EXPECT_THAT(space.axes(), ElementsAre(1, 2, 3));
  EXPECT_THAT(space.Lowest(), ElementsAre("0.0001235", "3", "64"));
  EXPECT_THAT(space.Highest(), ElementsAre("1", "5", "large"));
  EXPECT_EQ(space.Count(), std::numeric_limits<size_t>::max());
  EXPECT_EQ(SpaceOf(R"(axis { name: "epochs" search { integer { low: 3 high: 5 } } }
                       axis { name: "size" value: ["64", "128"] search { choice {} } })")
                .Count(),
            6);
}

TEST(SearchSpaceTest, DrawsEachPartOfARangeEquallyOften) {
  const SearchSpace space = SpaceOf(R"(
    axis { name: "rate" search { log_uniform { low: 0.0001 high: 1 } } }
    axis { name: "epochs" search { integer { low: 3 high: 6 } } }
    axis { name: "size" value: ["a", "b", "c", "d"] search { choice {} } }
    axis { name: "share" search { uniform { low: -2 high: 2 } } })");
  Random random({7});
  std::map<std::string, int> decades, epochs, sizes, quarters;
  for (int i = 0; i < 4000; ++i) {
    const Setting setting = space.Draw(random);
    ++decades[std::to_string(static_cast<int>(std::floor(std::log10(Number(setting[0])) + 1e-9)))];
    ++epochs[setting[1]];
    ++sizes[setting[2]];
    ++quarters[std::to_string(static_cast<int>(std::floor(Number(setting[3]))))];
  }
  for (const auto& counts : {decades, epochs, sizes, quarters}) {
    EXPECT_GE(counts.size(), 4);
    int large = 0;
    // 1000 are expected, with a standard deviation of 27.
    for (const auto& [value, count] : counts) large += count > 860 && count < 1140;
    EXPECT_EQ(large, 4) << counts.begin()->first;
  }
}

// The least value of `function` among 60 settings: the first 10 random, the others random or proposed by TPE when all
// but the last three scores are known.
double Least(const SearchSpace& space, const std::function<double(const Setting&)>& function, uint64_t seed, bool tpe) {
  std::vector<std::pair<double, Setting>> tried;
  for (size_t k = 0; k < 60; ++k) {
    Random random({seed, k});
    SearchHistory history;
    const size_t known = k < 3 ? 0 : k - 3;
    auto ranked = tried;
    ranked.resize(known);
    std::ranges::stable_sort(ranked, {}, &std::pair<double, Setting>::first);
    for (const auto& one : ranked) history.ranked.push_back(one.second);
    for (size_t i = known; i < k; ++i) history.pending.push_back(tried[i].second);
    Setting setting = tpe && k >= 10 ? space.ProposeByTpe(history, random) : space.Draw(random);
    const double value = function(setting);
    tried.emplace_back(value, std::move(setting));
  }
  return std::ranges::min(tried, {}, &std::pair<double, Setting>::first).first;
}

// In how many of 40 searches TPE finds a lower value than 60 random settings do; the first 10 are the same.
int Wins(const SearchSpace& space, const std::function<double(const Setting&)>& function) {
  int wins = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    wins += Least(space, function, seed, true) < Least(space, function, seed, false);
  }
  return wins;
}

// If TPE were no better than chance, it would win 29 or more of 40 once in three hundred times, and in both tests once
// in a hundred thousand.
constexpr int kClearly = 29;

TEST(SearchSpaceTest, FindsLowerValuesOfBraninsFunctionByTpeThanAtRandom) {
  const SearchSpace space = SpaceOf(R"(axis { name: "x" search { uniform { low: -5 high: 10 } } }
                                       axis { name: "y" search { uniform { low: 0 high: 15 } } })");
  using std::numbers::pi;
  EXPECT_GE(Wins(space,
                 [](const Setting& setting) {
                   const double x = Number(setting[0]), y = Number(setting[1]);
                   const double t = y - 5.1 / (4 * pi * pi) * x * x + 5 / pi * x - 6;
                   return t * t + 10 * (1 - 1 / (8 * pi)) * std::cos(x) + 10;
                 }),
            kClearly);
}

TEST(SearchSpaceTest, FindsLowerValuesByTpeWhereAxesAreOfDifferentKinds) {
  const SearchSpace space = SpaceOf(R"(
    axis { name: "rate" search { log_uniform { low: 1e-6 high: 1 } } }
    axis { name: "decay" search { log_uniform { low: 1e-6 high: 1 } } }
    axis { name: "layers" search { integer { low: 1 high: 40 } } }
    axis { name: "rule" value: ["a", "b", "c", "d"] search { choice {} } })");
  EXPECT_GE(Wins(space,
                 [](const Setting& setting) {
                   const double rate = std::log10(Number(setting[0])) + 2.5, decay = std::log10(Number(setting[1])) + 4;
                   const double layers = Number(setting[2]) - 30;
                   return rate * rate + 0.5 * decay * decay + 0.01 * layers * layers + (setting[3] == "c" ? 0 : 2);
                 }),
            kClearly);
}

TEST(SearchSpaceTest, ProposesWhatIsFrequentAmongTheGoodAndRareAmongTheOthers) {
  const SearchSpace space = SpaceOf(R"(axis { name: "rule" value: ["a", "b", "c"] search { choice {} } })");
  // The best 2 of 10 are good: b and c. c is among the others too.
  SearchHistory history;
  for (const char* rule : {"b", "c", "c", "c", "a", "a", "a", "c", "a", "a"}) history.ranked.push_back({rule});
  Random random({1});
  EXPECT_THAT(space.ProposeByTpe(history, random), ElementsAre("b"));
  // What is being tried counts as not good.
  history.pending.assign(20, {"b"});
  EXPECT_THAT(space.ProposeByTpe(history, random), ElementsAre("c"));
}

}  // namespace
}  // namespace ecg
