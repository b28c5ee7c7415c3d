#include "ecg/report/comparison_report.h"

#include <string>

#include "ecg/report/html_page.h"
#include "nlohmann/json.hpp"

namespace ecg {

using nlohmann::json;

json ComparisonData(const ComparisonReport& report) {
  json data = {{"title", report.title},
               {"kind", report.kind},
               {"description", report.description},
               {"folder", report.folder},
               {"score_name", report.score_name},
               {"synthetic", report.synthetic},
               {"low_quantile", report.bootstrap.low_quantile},
               {"high_quantile", report.bootstrap.high_quantile},
               {"resamples", report.bootstrap.resamples},
               {"axes", report.axes},
               {"notes", report.notes}};
  json& results = data["results"] = json::array();
  for (const ComparedResult& result : report.results) {
    json runs = json::array();
    for (const auto& [name, link] : result.runs) runs.push_back({{"name", name}, {"link", link}});
    results.push_back({{"label", result.label},
                       {"group", result.group},
                       {"values", result.values},
                       {"score", ForPage(result.score, 6)},
                       {"standard_deviation", ForPage(result.standard_deviation)},
                       {"low", ForPage(result.low, 6)},
                       {"high", ForPage(result.high, 6)},
                       {"validation", ForPage(result.validation, 6)},
                       {"runs", runs}});
  }
  json& pairs = data["pairs"] = json::array();
  for (const auto& [first, second, comparison] : report.pairs) {
    pairs.push_back({first, second, ForPage(comparison.difference), ForPage(comparison.low), ForPage(comparison.high),
                     comparison.significant()});
  }
  json& choices = data["choices"] = json::array();
  for (const ComparedChoice& choice : report.choices) {
    json settings = json::array();
    for (const ComparedChoice::Setting& setting : choice.settings) {
      settings.push_back(
          {{"values", setting.values}, {"score", ForPage(setting.validation, 6)}, {"chosen", setting.chosen}});
    }
    choices.push_back({{"of", choice.of}, {"axes", choice.axes}, {"settings", settings}});
  }
  return data;
}

std::string ComparisonPage(const ComparisonReport& report) {
  return HtmlPage(ComparisonData(report), HtmlPageKind::kComparison);
}

}  // namespace ecg
