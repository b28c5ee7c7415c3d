#include "ecg/sweep/results.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "ecg/file/csv.h"
#include "ecg/file/file.h"
#include "ecg/report/comparison.h"
#include "ecg/report/comparison_report.h"
#include "ecg/spec/override.h"
#include "ecg/spec/resolve.h"
#include "ecg/status/status_macros.h"
#include "ecg/sweep/finished_run.h"
#include "ecg/sweep/plan.h"
#include "ecg/sweep/sweep_folder.h"
#include "ecg/sweep/sweep_report.h"
#include "ecg/sweep/table.h"
#include "ecg/terminal/progress.h"
#include "proto/experiment.pb.h"
#include "proto/sweep.pb.h"

namespace ecg {

absl::Status Results::Add(const PlannedRun& run, FinishedRun finished) {
  finished_.insert_or_assign(run.name, std::move(finished));
  if (AxesWithUse(plan_.sweep, spec::Axis::POOLED).empty()) return absl::OkStatus();
  const std::vector<const PlannedRun*> pool = PoolOf(plan_, run);
  std::vector<const FinishedRun*> parts;
  for (const PlannedRun* part : pool) {
    const auto found = finished_.find(part->name);
    if (found == finished_.end()) return absl::OkStatus();  // later
    parts.push_back(&found->second);
  }
  ECG_ASSIGN_OR_RETURN(FinishedRun pooled, FinishedRun::Pool(parts));
  pooled_.insert_or_assign(pool[0]->name, std::move(pooled));
  return absl::OkStatus();
}

absl::Status Results::Write(const SweepFolder& folder) const {
  const Table table = MakeTable(plan_, finished_, pooled_);
  ECG_RETURN_IF_ERROR(WriteFile(folder.results_csv(), Csv(table)));
  ECG_RETURN_IF_ERROR(WriteFile(folder.results_md(), Markdown(table)));
  ECG_RETURN_IF_ERROR(WriteFile(folder.results_html(), ComparisonPage(SweepReport(name_, plan_, table, folder))));
  if (AxesWithUse(plan_.sweep, spec::Axis::CHOSEN).empty()) return absl::OkStatus();
  for (size_t row = 0; row < table.rows.size(); ++row) {
    for (size_t column = 0; column < table.columns.size(); ++column) {
      const Cell& cell = table.cells[row][column];
      if (cell.chosen < 0 || !cell.candidates[cell.chosen].complete()) continue;
      ECG_ASSIGN_OR_RETURN(const std::string settings, Settings(cell));
      ECG_RETURN_IF_ERROR(WriteFile(folder.path() / SettingsFile(table, row, column), settings));
    }
  }
  return absl::OkStatus();
}

std::vector<std::string> Results::AxisNames(spec::Axis::Use use) const {
  std::vector<std::string> names;
  for (const int a : AxesWithUse(plan_.sweep, use)) names.push_back(plan_.sweep.axis(a).name());
  return names;
}

std::string Results::SettingsFile(const Table& table, size_t row, size_t column) {
  std::string name = "chosen";
  if (table.rows.size() > 1) absl::StrAppend(&name, ",", absl::StrReplaceAll(table.rows[row], {{", ", ","}}));
  if (table.columns.size() > 1) absl::StrAppend(&name, ",", absl::StrReplaceAll(table.columns[column], {{", ", ","}}));
  return name + ".textproto";
}

absl::StatusOr<std::string> Results::Settings(const Cell& cell) const {
  const Candidate& chosen = cell.candidates[cell.chosen];
  spec::Experiment settings;
  for (const int a : AxesWithUse(plan_.sweep, spec::Axis::CHOSEN)) {
    for (const std::string& assignment : chosen.runs[0]->axis_set[a]) {
      ECG_RETURN_IF_ERROR(SetByPath(settings, assignment));
    }
  }
  return absl::StrFormat(
      "# Chosen by the sweep %s among %d settings, by the validation %s, here %.4f. For other "
      "experiments:\n# --settings=FILE, or settings_file in a sweep.\n%s",
      name_, cell.candidates.size(), chosen.finished[0]->score_name, chosen.validation_score(), ToText(settings));
}

std::set<std::string> Results::Reported(const Table& table) {
  std::set<std::string> names;
  for (const std::vector<Cell>& cells : table.cells) {
    for (const Cell& cell : cells) {
      if (cell.chosen < 0) continue;
      for (const PlannedRun* run : cell.candidates[cell.chosen].runs) names.insert(run->name);
    }
  }
  return names;
}

std::string Results::Csv(const Table& table) const {
  std::vector<std::string> row;
  for (const spec::Axis& axis : plan_.sweep.axis()) row.push_back(axis.name());
  for (const char* name :
       {"experiment", "score", "validation", "test", "test_low", "test_high", "epochs", "best_epoch", "seconds"}) {
    row.push_back(name);
  }
  std::string text;
  AppendCsvRow(row, &text);
  const std::set<std::string> reported = Reported(table);
  for (const PlannedRun* ordered : plan_.InOrder()) {
    const PlannedRun& run = *ordered;
    const auto found = finished_.find(run.name);
    if (found == finished_.end()) continue;
    const FinishedRun& finished = found->second;
    const auto test = [&](double value) {
      return reported.count(run.name) > 0 ? absl::StrFormat("%.9g", value) : std::string();
    };
    row = run.values;
    row.insert(
        row.end(),
        {run.experiment->name, finished.score_name, absl::StrFormat("%.9g", finished.validation_score),
         test(finished.test.score), test(finished.test.interval.low), test(finished.test.interval.high),
         absl::StrCat(finished.epochs), absl::StrCat(finished.best_epoch), absl::StrFormat("%.1f", finished.seconds)});
    AppendCsvRow(row, &text);
  }
  return text;
}

std::string Results::Row(const std::vector<std::string>& cells) {
  return absl::StrCat("| ", absl::StrJoin(cells, " | "), " |\n");
}

std::string Results::Header(const std::vector<std::string>& cells) {
  return absl::StrCat(Row(cells), Row(std::vector<std::string>(cells.size(), "---")));
}

std::string Results::InWords(const Summary& summary) {
  return absl::StrFormat("%.4f%s (%.4f to %.4f)", summary.mean,
                         summary.standard_deviation ? absl::StrFormat(" ± %.4f", *summary.standard_deviation) : "",
                         summary.low, summary.high);
}

std::string Results::InWords(const Cell& cell) {
  if (cell.candidates.empty()) return "";
  const std::optional<Summary> summary = cell.chosen < 0 ? std::nullopt : Summarise(cell.candidates[cell.chosen]);
  if (!summary) return "not yet";
  const Candidate& chosen = cell.candidates[cell.chosen];
  const size_t all = chosen.tested.size();
  const char* what = all < chosen.runs.size() ? " pools" : " runs";
  return absl::StrCat(InWords(*summary), summary->runs < static_cast<int>(all)
                                             ? absl::StrCat(", ", summary->runs, " of ", all, what)
                                             : "");
}

std::string Results::Markdown(const Table& table) const {
  std::string text = absl::StrCat("# ", name_, "\n\n");
  if (!plan_.sweep.description().empty()) absl::StrAppend(&text, plan_.sweep.description(), "\n\n");
  absl::StrAppend(&text, WithThousands(finished_.size()), " of ", WithThousands(plan_.runs.size()),
                  plan_.is_open ? " runs are finished, and the search goes on.\n" : " runs are finished.\n");
  if (std::ranges::any_of(finished_, [](const auto& run) { return run.second.synthetic; })) {
    absl::StrAppend(&text, "\nThe records are synthetic: these scores say nothing about patients.\n");
  }
  if (finished_.empty()) return text;
  if (!AxesWithUse(plan_.sweep, spec::Axis::CHOSEN).empty()) AppendChoices(table, &text);
  AppendScores(table, &text);
  AppendDifferences(table, &text);
  if (table.rows.size() > 1) AppendRankings(table, &text);
  return text;
}

std::string Results::Of(const Table& table, size_t row, size_t column) {
  std::vector<std::string> labels;
  if (table.rows.size() > 1) labels.push_back(table.rows[row]);
  if (table.columns.size() > 1) labels.push_back(table.columns[column]);
  return labels.empty() ? "" : absl::StrCat(" of ", absl::StrJoin(labels, ", "));
}

void Results::AppendChoices(const Table& table, std::string* text) const {
  for (size_t row = 0; row < table.rows.size(); ++row) {
    for (size_t column = 0; column < table.columns.size(); ++column) {
      const Cell& cell = table.cells[row][column];
      if (cell.candidates.empty()) continue;
      absl::StrAppend(text, "\n## Choice", Of(table, row, column), "\n\n");
      std::vector<std::string> cells = AxisNames(spec::Axis::CHOSEN);
      const bool halves = plan_.sweep.search().has_halving();
      if (halves) cells.push_back("epochs");
      cells.insert(cells.end(), {absl::StrCat("validation ", finished_.begin()->second.score_name), ""});
      absl::StrAppend(text, Header(cells));
      for (size_t k = 0; k < cell.candidates.size(); ++k) {
        const Candidate& candidate = cell.candidates[k];
        cells = candidate.setting;
        if (halves) cells.push_back(absl::StrCat(candidate.epochs));
        cells.push_back(candidate.complete() ? absl::StrFormat("%.4f", candidate.validation_score())
                        : candidate.failed   ? "failed"
                                             : "not yet");
        cells.push_back(static_cast<int>(k) == cell.chosen ? "chosen" : "");
        absl::StrAppend(text, Row(cells));
      }
      const absl::string_view when = !plan_.is_searched() ? "The best is chosen when all of them are finished."
                                     : plan_.is_open      ? "The best is chosen when the search is over."
                                                          : "None has come to its end, so that none is chosen.";
      absl::StrAppend(text, cell.chosen < 0 ? absl::StrCat("\n", when, "\n")
                                            : absl::StrCat("\nThe best validation score is chosen; its settings "
                                                           "are in ",
                                                           SettingsFile(table, row, column), ".\n"));
    }
  }
}

void Results::AppendScores(const Table& table, std::string* text) const {
  const FinishedRun& any = finished_.begin()->second;
  absl::StrAppend(text, "\n## Test ", any.score_name, "\n\n");
  if (table.rows.size() == 1 && table.columns.size() == 1) {
    absl::StrAppend(text, InWords(table.cells[0][0]), "\n");
  } else {
    // The longer side goes down the page.
    const bool columns_down = table.columns.size() > table.rows.size();
    const std::vector<std::string>& down = columns_down ? table.columns : table.rows;
    const std::vector<std::string>& across = columns_down ? table.rows : table.columns;
    std::vector<std::string> cells = {
        absl::StrJoin(AxisNames(columns_down ? spec::Axis::COLUMN : spec::Axis::ROW), ", ")};
    // Where a side has no axis, its only label is empty.
    for (const std::string& label : across) cells.push_back(label.empty() ? "test" : label);
    absl::StrAppend(text, Header(cells));
    for (size_t i = 0; i < down.size(); ++i) {
      cells = {down[i]};
      for (size_t k = 0; k < across.size(); ++k) {
        cells.push_back(InWords(columns_down ? table.cells[k][i] : table.cells[i][k]));
      }
      absl::StrAppend(text, Row(cells));
    }
  }
  const std::vector<std::string> averaged = AxisNames(spec::Axis::AVERAGED);
  const std::vector<std::string> pooled = AxisNames(spec::Axis::POOLED);
  absl::StrAppendFormat(
      text, "\n%s%sIn parentheses the %g%% and %g%% quantiles over %d bootstrap resamples of the test records%s.\n",
      pooled.empty() ? "" : absl::StrCat("Predictions pooled over ", absl::StrJoin(pooled, ", "), ". "),
      averaged.empty() ? "" : absl::StrCat("Mean ± standard deviation over ", absl::StrJoin(averaged, ", "), ". "),
      100 * any.bootstrap.low_quantile, 100 * any.bootstrap.high_quantile, any.bootstrap.resamples,
      averaged.empty() || !pooled.empty() ? "" : " of each run");
}

const Candidate* Results::Comparable(const Cell& cell) {
  if (cell.chosen < 0 || !cell.candidates[cell.chosen].complete()) return nullptr;
  return &cell.candidates[cell.chosen];
}

const Candidate* Results::BaselineOf(const Candidate& candidate, const Table& table, size_t column) const {
  std::vector<std::string> values = candidate.runs[0]->values;
  for (const int a : AxesWithUse(plan_.sweep, spec::Axis::ROW)) {
    const spec::Axis& axis = plan_.sweep.axis(a);
    if (axis.has_baseline()) values[a] = axis.baseline();
  }
  for (const std::vector<Cell>& cells : table.cells) {
    const Candidate* other = Comparable(cells[column]);
    if (other == nullptr || other == &candidate) continue;
    if (std::ranges::all_of(AxesWithUse(plan_.sweep, spec::Axis::ROW),
                            [&](int a) { return other->runs[0]->values[a] == values[a]; })) {
      return other;
    }
  }
  return nullptr;
}

void Results::AppendDifferences(const Table& table, std::string* text) const {
  for (size_t column = 0; column < table.columns.size(); ++column) {
    std::string rows;
    for (size_t row = 0; row < table.rows.size(); ++row) {
      const Candidate* candidate = Comparable(table.cells[row][column]);
      const Candidate* baseline = candidate == nullptr ? nullptr : BaselineOf(*candidate, table, column);
      if (baseline == nullptr) continue;
      const absl::StatusOr<Comparison> comparison = CompareCandidates(*candidate, *baseline);
      absl::StrAppend(&rows, comparison.ok() ? Row({table.rows[row],
                                                    absl::StrFormat("%+.4f (%+.4f to %+.4f)", comparison->difference,
                                                                    comparison->low, comparison->high),
                                                    comparison->significant() ? "yes" : "no"})
                                             : Row({table.rows[row], std::string(comparison.status().message()), ""}));
    }
    if (rows.empty()) continue;
    absl::StrAppend(
        text, "\n## Difference from the baseline",
        table.columns.size() > 1 ? absl::StrCat(" of ", table.columns[column]) : "", "\n\n",
        Header({absl::StrJoin(AxisNames(spec::Axis::ROW), ", "), finished_.begin()->second.score_name, "significant"}),
        rows);
  }
}

void Results::AppendRankings(const Table& table, std::string* text) const {
  for (size_t column = 0; column < table.columns.size(); ++column) {
    std::vector<std::pair<const Candidate*, std::string>> ranked;
    for (size_t row = 0; row < table.rows.size(); ++row) {
      if (const Candidate* candidate = Comparable(table.cells[row][column])) {
        ranked.emplace_back(candidate, table.rows[row]);
      }
    }
    if (ranked.size() < 2) continue;
    std::ranges::stable_sort(ranked, std::ranges::greater(),
                             [](const auto& one) { return Summarise(*one.first)->mean; });
    absl::StrAppend(
        text, "\n## Ranking", table.columns.size() > 1 ? absl::StrCat(" of ", table.columns[column]) : "", "\n\n",
        Header({"rank", absl::StrJoin(AxisNames(spec::Axis::ROW), ", "), ranked[0].first->finished[0]->score_name,
                "behind the first", "not significantly different from"}));
    for (size_t i = 0; i < ranked.size(); ++i) {
      std::string behind;
      std::vector<std::string> alike;
      for (size_t k = 0; k < ranked.size(); ++k) {
        if (k == i) continue;
        const absl::StatusOr<Comparison> comparison = CompareCandidates(*ranked[k].first, *ranked[i].first);
        if (k == 0) {
          behind = comparison.ok() ? absl::StrFormat("%.4f (%.4f to %.4f)", comparison->difference, comparison->low,
                                                     comparison->high)
                                   : std::string(comparison.status().message());
        }
        if (comparison.ok() && !comparison->significant()) alike.push_back(absl::StrCat(k + 1));
      }
      absl::StrAppend(text, Row({absl::StrCat(i + 1), ranked[i].second, InWords(*Summarise(*ranked[i].first)), behind,
                                 alike.empty() ? "" : absl::StrCat("rank ", absl::StrJoin(alike, ", "))}));
    }
  }
  absl::StrAppend(text,
                  "\nTwo are significantly different when 0 is outside of the interval of their difference on the same "
                  "resamples of the test records (paired bootstrap, run by run). Where many are compared, some "
                  "differences are significant by chance.\n");
}

}  // namespace ecg
