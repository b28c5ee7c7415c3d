#include "ecg/sweep/table.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"
#include "ecg/report/comparison.h"
#include "ecg/run/predictions.h"
#include "ecg/score/quantile.h"
#include "ecg/status/status_macros.h"
#include "ecg/sweep/finished_run.h"
#include "ecg/sweep/plan.h"
#include "proto/sweep.pb.h"

namespace ecg {

double Candidate::validation_score() const {
  double sum = 0;
  for (const FinishedRun* run : finished) sum += run->validation_score;
  return sum / finished.size();
}

std::vector<int> AxesWithUse(const spec::Sweep& sweep, spec::Axis::Use use) {
  std::vector<int> axes;
  for (int a = 0; a < sweep.axis_size(); ++a) {
    if (sweep.axis(a).use() == use) axes.push_back(a);
  }
  return axes;
}

namespace {

// SearchedCell returns the cell of a searched sweep whose runs are `runs`, in the order of results.csv. With successive
// halving a setting is represented by the last rung at which all of its runs are finished, and only one that has all
// epochs is chosen.
Cell SearchedCell(const Plan& plan, const std::vector<const PlannedRun*>& runs, const FinishedRuns& finished) {
  const std::vector<int> axes = AxesWithUse(plan.sweep, spec::Axis::CHOSEN);
  const int last_rung = plan.sweep.search().has_halving() ? plan.sweep.search().halving().rungs() - 1 : 0;
  std::map<int, std::map<int, Candidate>> by_setting;  // and by rung
  for (const PlannedRun* run : runs) {
    Candidate& candidate = by_setting[run->setting][run->rung];
    const auto found = finished.find(run->name);
    candidate.runs.push_back(run);
    candidate.finished.push_back(found == finished.end() ? nullptr : &found->second);
    candidate.tested = candidate.finished;
    candidate.epochs = run->spec.training().epochs();
    candidate.failed |= plan.failed.count(run->name) > 0;
    candidate.setting.clear();
    for (const int a : axes) candidate.setting.push_back(run->values[a]);
  }
  Cell cell;
  for (auto& [setting, by_rung] : by_setting) {
    auto best = by_rung.begin();
    for (auto one = by_rung.begin(); one != by_rung.end(); ++one) {
      if (one->second.complete()) best = one;
    }
    // One that failed at its last rung has no result.
    if (by_rung.rbegin()->second.failed) best = std::prev(by_rung.end());
    cell.candidates.push_back(std::move(best->second));
  }
  const auto key = [](const Candidate& one) {
    return one.complete() ? std::pair<int, double>(one.runs[0]->rung, one.validation_score())
                          : std::pair<int, double>(-1, one.failed ? -1 : 0);
  };
  std::ranges::stable_sort(cell.candidates, std::ranges::greater(), key);
  const bool has_best =
      !cell.candidates.empty() && cell.candidates[0].complete() && cell.candidates[0].runs[0]->rung == last_rung;
  if (has_best && !plan.is_open) cell.chosen = 0;
  return cell;
}

}  // namespace

std::vector<const PlannedRun*> PoolOf(const Plan& plan, const PlannedRun& run) {
  const std::vector<int> pooled = AxesWithUse(plan.sweep, spec::Axis::POOLED);
  std::vector<const PlannedRun*> pool;
  for (const PlannedRun* other : plan.InOrder()) {
    bool is_of_it = true;
    for (int a = 0; a < plan.sweep.axis_size(); ++a) {
      is_of_it &= other->values[a] == run.values[a] || std::ranges::count(pooled, a) > 0;
    }
    if (is_of_it) pool.push_back(other);
  }
  return pool;
}

Table MakeTable(const Plan& plan, const FinishedRuns& finished, const FinishedRuns& pooled) {
  const bool pools = !AxesWithUse(plan.sweep, spec::Axis::POOLED).empty();
  const auto find = [](const FinishedRuns& runs, const PlannedRun& run) {
    const auto found = runs.find(run.name);
    return found == runs.end() ? nullptr : &found->second;
  };
  // The positions of the values of the axes with one use: sorting by it gives the order of the table.
  const auto key_of = [&](const PlannedRun& run, spec::Axis::Use use) {
    std::vector<size_t> key;
    for (const int a : AxesWithUse(plan.sweep, use)) {
      key.push_back(std::ranges::find(plan.values[a], run.values[a]) - plan.values[a].begin());
    }
    return key;
  };
  const auto words_of = [&](const PlannedRun& run, spec::Axis::Use use) {
    std::vector<std::string> words;
    for (const int a : AxesWithUse(plan.sweep, use)) words.push_back(run.values[a]);
    return words;
  };
  using Key = std::vector<size_t>;
  std::map<Key, std::string> rows, columns;
  std::map<Key, std::map<Key, std::map<Key, std::map<Key, std::vector<const PlannedRun*>>>>> sorted;
  std::map<Key, std::map<Key, std::vector<const PlannedRun*>>> searched;
  for (const PlannedRun* ordered : plan.InOrder()) {
    const PlannedRun& run = *ordered;
    const Key row = key_of(run, spec::Axis::ROW), column = key_of(run, spec::Axis::COLUMN);
    rows[row] = absl::StrJoin(words_of(run, spec::Axis::ROW), ", ");
    columns[column] = absl::StrJoin(words_of(run, spec::Axis::COLUMN), ", ");
    if (plan.is_searched()) {
      searched[row][column].push_back(&run);
    } else {
      sorted[row][column][key_of(run, spec::Axis::CHOSEN)][key_of(run, spec::Axis::AVERAGED)].push_back(&run);
    }
  }

  Table table;
  for (const auto& [key, label] : columns) table.columns.push_back(label);
  for (const auto& [row, row_label] : rows) {
    table.rows.push_back(row_label);
    std::vector<Cell>& cells = table.cells.emplace_back();
    for (const auto& [column, column_label] : columns) {
      Cell& cell = cells.emplace_back();
      if (plan.is_searched()) {
        cell = SearchedCell(plan, searched[row][column], finished);
        continue;
      }
      for (const auto& [setting, averages] : sorted[row][column]) {
        Candidate& candidate = cell.candidates.emplace_back();
        for (const auto& [averaged, runs] : averages) {
          for (const PlannedRun* run : runs) {
            candidate.setting = words_of(*run, spec::Axis::CHOSEN);
            candidate.runs.push_back(run);
            candidate.finished.push_back(find(finished, *run));
          }
          candidate.tested.push_back(pools ? find(pooled, *runs[0]) : candidate.finished.back());
        }
      }
      if (cell.candidates.size() == 1) cell.chosen = 0;
      if (cell.candidates.size() > 1 && std::ranges::all_of(cell.candidates, &Candidate::complete)) {
        // The first of several that are equally good.
        cell.chosen =
            std::ranges::max_element(cell.candidates, {}, &Candidate::validation_score) - cell.candidates.begin();
      }
    }
  }
  return table;
}

std::optional<Summary> Summarise(const Candidate& candidate) {
  std::vector<const FinishedRun*> runs;
  std::ranges::copy_if(candidate.tested, std::back_inserter(runs), [](const auto* run) { return run != nullptr; });
  if (runs.empty()) return std::nullopt;
  Summary summary;
  summary.runs = static_cast<int>(runs.size());
  // Runs may have different numbers of resamples: of each, the first ones.
  size_t count = runs[0]->test.interval.scores.size();
  for (const FinishedRun* run : runs) count = std::min(count, run->test.interval.scores.size());
  std::vector<double> resamples(count);
  for (const FinishedRun* run : runs) {
    summary.mean += run->test.score / runs.size();
    for (size_t i = 0; i < resamples.size(); ++i) resamples[i] += run->test.interval.scores[i] / runs.size();
  }
  if (runs.size() > 1) {
    double squares = 0;
    for (const FinishedRun* run : runs) squares += (run->test.score - summary.mean) * (run->test.score - summary.mean);
    summary.standard_deviation = std::sqrt(squares / (runs.size() - 1));
  }
  summary.low = Quantile(resamples, runs[0]->bootstrap.low_quantile);
  summary.high = Quantile(resamples, runs[0]->bootstrap.high_quantile);
  return summary;
}

absl::StatusOr<Comparison> CompareCandidates(const Candidate& a, const Candidate& b) {
  if (a.tested.size() != b.tested.size()) {
    return absl::FailedPreconditionError("they have different numbers of runs");
  }
  const BootstrapOptions& options = a.tested[0]->bootstrap;
  Comparison mean;
  mean.differences.resize(options.resamples);
  const size_t runs = a.tested.size();
  for (size_t i = 0; i < runs; ++i) {
    const FinishedRun &one = *a.tested[i], &other = *b.tested[i];
    Comparison comparison;
    if (one.test_set == other.test_set && one.score_name == other.score_name &&
        one.bootstrap.resamples == options.resamples && other.bootstrap.resamples == options.resamples) {
      comparison.difference = one.test.score - other.test.score;
      comparison.differences = Differences(one.test.interval.scores, other.test.interval.scores);
    } else if (one.predictions.empty() || other.predictions.empty()) {
      return absl::FailedPreconditionError("they have pooled runs that were tested on different records");
    } else {
      ECG_ASSIGN_OR_RETURN(PredictionTable of_one, ReadPredictions(one.predictions));
      ECG_ASSIGN_OR_RETURN(PredictionTable of_other, ReadPredictions(other.predictions));
      ECG_ASSIGN_OR_RETURN(comparison, Compare(std::move(of_one), std::move(of_other), one.score_name, options));
    }
    mean.difference += comparison.difference / runs;
    for (size_t k = 0; k < mean.differences.size(); ++k) mean.differences[k] += comparison.differences[k] / runs;
  }
  mean.low = Quantile(mean.differences, options.low_quantile);
  mean.high = Quantile(mean.differences, options.high_quantile);
  return mean;
}

}  // namespace ecg
