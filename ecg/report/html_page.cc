#include "ecg/report/html_page.h"

#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "ecg/report/chart_library.h"
#include "ecg/report/comparison_page_script.h"
#include "ecg/report/page_script.h"
#include "ecg/report/page_style.h"
#include "ecg/report/page_template.h"
#include "ecg/report/run_page_script.h"
#include "nlohmann/json.hpp"

namespace ecg {

std::string HtmlPage(const nlohmann::json& data, HtmlPageKind kind) {
  // Inside of <script> only "</script" and "<!--" mean something, and both begin with "<".
  const std::string json = absl::StrReplaceAll(
      data.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace), {{"<", "\\u003c"}});
  const std::string title =
      absl::StrReplaceAll(data.value("title", "ecg"), {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
  return absl::StrReplaceAll(
      kPageTemplate,
      {{"{{title}}", title},
       {"{{style}}", kPageStyle},
       {"{{charts}}", kChartLibrary},
       {"{{data}}", json},
       {"{{script}}", absl::StrCat(kPageScript, kind == HtmlPageKind::kRun ? kRunPageScript : kComparisonPageScript)}});
}

nlohmann::json ForPage(double number, int digits) {
  if (!std::isfinite(number)) return nullptr;
  return std::strtod(absl::StrFormat("%.*g", digits, number).c_str(), nullptr);
}

nlohmann::json ForPage(const std::optional<double>& number, int digits) {
  return number ? ForPage(*number, digits) : nlohmann::json();
}

}  // namespace ecg
