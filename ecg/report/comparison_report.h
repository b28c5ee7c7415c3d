// comparison_report.h
//
// A page on several results side by side: the runs of a sweep, or those that compare_runs is given. It has a ranking,
// which differences are significant, and maps of the scores over what was varied.
//
//   ComparisonReport report = {.title = "grid_resnet18", .score_name = "macro ROC-AUC"};
//   report.results.push_back({.label = "adam", .score = 0.91, .low = 0.90, .high = 0.92});
//   ECG_RETURN_IF_ERROR(WriteFile("results.html", ComparisonPage(report)));

#ifndef ECG_REPORT_COMPARISON_REPORT_H_
#define ECG_REPORT_COMPARISON_REPORT_H_

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ecg/report/comparison.h"
#include "ecg/score/bootstrap.h"
#include "nlohmann/json.hpp"

namespace ecg {

// ComparedResult is one row of the ranking: a run, or the mean over several.
struct ComparedResult {
  std::string label = {};
  // group keeps apart what was tested on different records or tasks, and is ranked by itself; empty where there is one.
  std::string group = {};
  // values are those of ComparisonReport::axes, in their order.
  std::vector<std::string> values = {};
  double score = 0;
  std::optional<double> standard_deviation = {};
  double low = 0, high = 0;
  std::optional<double> validation = {};
  // runs are the names of the runs, and links to their reports relative to the page.
  std::vector<std::pair<std::string, std::string>> runs = {};
};

// ComparedPair is the difference of two results, the first minus the second, by their places.
struct ComparedPair {
  size_t first = 0, second = 0;
  Comparison comparison;
};

// ComparedChoice is one choice among settings by their validation scores.
struct ComparedChoice {
  struct Setting {
    std::vector<std::string> values = {};
    std::optional<double> validation = {};
    bool chosen = false;
  };
  std::string of = {};
  std::vector<std::string> axes = {};
  std::vector<Setting> settings = {};
};

// ComparisonReport is all of the page.
struct ComparisonReport {
  std::string title = {};
  std::string kind = "Comparison of runs";
  std::string description = {};
  std::string folder = {};
  std::string score_name = {};
  bool synthetic = false;
  BootstrapOptions bootstrap = {};
  std::vector<std::string> axes = {};
  std::vector<ComparedResult> results = {};
  std::vector<ComparedPair> pairs = {};
  std::vector<ComparedChoice> choices = {};
  std::vector<std::string> notes = {};
};

// ComparisonData returns the numbers of the page.
nlohmann::json ComparisonData(const ComparisonReport& report);

// ComparisonPage returns the page.
std::string ComparisonPage(const ComparisonReport& report);

}  // namespace ecg

#endif  // ECG_REPORT_COMPARISON_REPORT_H_
