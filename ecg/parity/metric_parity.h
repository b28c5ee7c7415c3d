// metric_parity.h
//
// Our scores of predictions against scikit-learn's.
//
//   ECG_ASSIGN_OR_RETURN(const std::vector<ParityRow> rows, CompareMetrics("metrics.json"));
//   std::cout << ParityTable(rows);

#ifndef ECG_PARITY_METRIC_PARITY_H_
#define ECG_PARITY_METRIC_PARITY_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/parity/json_file.h"
#include "ecg/parity/row.h"
#include "ecg/score/ranked_predictions.h"
#include "ecg/score/scores.h"
#include "ecg/status/status_macros.h"
#include "nlohmann/json.hpp"

namespace ecg {

// CompareMetrics compares every case of `file`, such as metrics.json.
inline absl::StatusOr<std::vector<ParityRow>> CompareMetrics(const std::filesystem::path& file) {
  constexpr double kTolerance = 1e-12;
  ECG_ASSIGN_OR_RETURN(const nlohmann::json cases, ReadJson(file));
  std::vector<ParityRow> rows;
  try {
    for (const auto& expected : cases) {
      const std::vector<uint8_t> targets = TableOf<uint8_t>(expected.at("targets"));
      const std::vector<double> probabilities = TableOf<double>(expected.at("probabilities"));
      std::vector<std::string> names;
      for (size_t k = 0; k < expected.at("targets").at(0).size(); ++k) names.push_back(std::to_string(k));
      ECG_ASSIGN_OR_RETURN(const RankedPredictions ranked, RankedPredictions::Create(targets, probabilities, names));
      ECG_ASSIGN_OR_RETURN(const Scores scores, ComputeScores(ranked));

      const std::string subject = absl::StrCat("scores, ", expected.at("kind").get<std::string>());
      const auto add = [&](const char* quantity, const std::vector<double>& ours, const nlohmann::json& theirs) {
        rows.push_back({subject, quantity, RelativeError(ours, theirs.get<std::vector<double>>()), kTolerance, ""});
      };
      const auto of_classes = [&](std::optional<double> ClassScores::*figure) {
        std::vector<double> values;
        for (const ClassScores& one : scores.per_class) values.push_back((one.*figure).value_or(NAN));
        return values;
      };
      add("ROC-AUC", of_classes(&ClassScores::roc_auc), expected.at("roc_auc_per_class"));
      add("macro ROC-AUC", {scores.macro_roc_auc}, nlohmann::json::array({expected.at("macro_roc_auc")}));
      add("average precision", of_classes(&ClassScores::average_precision), expected.at("average_precision_per_class"));
      add("F1 at the Youden threshold", of_classes(&ClassScores::f1_youden),
          expected.at("f1_at_youden_threshold_per_class"));
      add("macro F1 at 0.5", {scores.macro_f1_at_half}, nlohmann::json::array({expected.at("macro_f1_at_half")}));
    }
  } catch (const nlohmann::json::exception& error) {
    return absl::DataLossError(absl::StrCat(file.string(), " does not have the expected form: ", error.what()));
  }
  return rows;
}

}  // namespace ecg

#endif  // ECG_PARITY_METRIC_PARITY_H_
