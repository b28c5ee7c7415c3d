// html_page.h
//
// Pages that need no other file and no network: style, numbers, script and the chart library are all in the page.
//
//   const nlohmann::json data = {{"title", "resnet18_all"}};
//   const std::string html = HtmlPage(data, HtmlPageKind::kRun);

#ifndef ECG_REPORT_HTML_PAGE_H_
#define ECG_REPORT_HTML_PAGE_H_

#include <optional>
#include <string>

#include "nlohmann/json.hpp"

namespace ecg {

// HtmlPageKind is what a page shows: one run (run_page.js), or several side by side (comparison_page.js).
enum class HtmlPageKind { kRun, kComparison };

// HtmlPage returns the page that shows `data`, whose "title" becomes its title. Text is shown as it is, never as HTML;
// a byte that is not UTF-8 becomes U+FFFD.
std::string HtmlPage(const nlohmann::json& data, HtmlPageKind kind);

// ForPage returns `number` with `digits` significant digits, so that it takes few bytes in a page; null for a number
// that is not finite or not there.
nlohmann::json ForPage(double number, int digits = 4);
nlohmann::json ForPage(const std::optional<double>& number, int digits = 4);

}  // namespace ecg

#endif  // ECG_REPORT_HTML_PAGE_H_
