// reading.h
//
// What a model says of one recording, and its text: a table for people, JSON, JSON lines or CSV for programs.
//
//   ReadingWriter writer(ReadingFormat::kJson, model, [&](absl::string_view text) { return file.Append(text); });
//   ECG_RETURN_IF_ERROR(writer.Write({.recording = "a.xml", .probabilities = probabilities}));
//   ECG_RETURN_IF_ERROR(writer.Finish());

#ifndef ECG_PREDICT_READING_H_
#define ECG_PREDICT_READING_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/scp_statements.h"
#include "ecg/corpus/snomed_ct.h"
#include "ecg/file/csv.h"
#include "ecg/run/model_metadata.h"
#include "ecg/score/calibration.h"
#include "ecg/score/unlikeness.h"
#include "nlohmann/json.hpp"

namespace ecg {

// kDisclaimer stands in every output.
inline constexpr char kDisclaimer[] = "Not a medical device: for research only, not for diagnosis or treatment.";

// Reading is what a model says of one recording.
struct Reading {
  // recording is the file, as the user named it.
  std::string recording = {};
  // what describes the recording in a line: format, leads, length.
  std::string what = {};
  // probabilities holds one for each class; empty where the recording could not be read.
  std::vector<float> probabilities = {};
  // warnings are what may make the probabilities wrong, but for `unlikeness`.
  std::vector<std::string> warnings = {};
  // unlikeness says how unlike the training records the recording is, where the model can tell.
  std::optional<Unlikeness> unlikeness = {};
  // error is why there are no probabilities.
  absl::Status error = {};
};

// ReadingFormat is the form of the text.
enum class ReadingFormat {
  kTable,
  kJson,       // one document
  kJsonLines,  // a document in each line
  kCsv,        // a row for each recording, with every probability
  kFhir,       // a FHIR R4 Observation in each line
};

// DescriptionOf returns a class's name in words, or the class where there are none.
inline absl::string_view DescriptionOf(absl::string_view name) {
  for (const ScpStatement& statement : kScpStatements) {
    if (statement.code == name) return statement.description;
  }
  return name;
}

// WarningsOf returns the warnings of a reading, among them that it is unlike the training records.
inline std::vector<std::string> WarningsOf(const Reading& reading) {
  std::vector<std::string> warnings = reading.warnings;
  if (reading.unlikeness && reading.unlikeness->is_warned()) {
    warnings.push_back(absl::StrCat("the recording is ", reading.unlikeness->Text()));
  }
  return warnings;
}

// Statement is one class of a reading.
struct Statement {
  std::string name;
  double probability = 0;
  // calibrated is the probability at the class's temperature; NaN where the model has no temperatures.
  double calibrated = 0;
  // threshold is that of the class; NaN where it has none.
  double threshold = 0;
  // reported is whether the probability reaches the threshold; where there is none, 0.5.
  bool reported = false;
};

// StatementsOf returns the classes of a reading, the most probable first.
inline std::vector<Statement> StatementsOf(const Reading& reading, const ModelMetadata& model) {
  std::vector<Statement> statements;
  for (size_t k = 0; k < reading.probabilities.size(); ++k) {
    const double probability = reading.probabilities[k];
    const double threshold = model.thresholds.empty() ? std::nan("") : model.thresholds[k];
    statements.push_back(
        {.name = model.classes[k],
         .probability = probability,
         .calibrated = model.temperatures.empty() ? std::nan("") : Calibrated(probability, model.temperatures[k]),
         .threshold = threshold,
         .reported = probability >= (std::isnan(threshold) ? 0.5 : threshold)});
  }
  std::ranges::stable_sort(statements, std::greater(), &Statement::probability);
  return statements;
}

// ModelJson says which model read, and that it is no medical device.
inline nlohmann::ordered_json ModelJson(const ModelMetadata& model) {
  return {{"name", model.name}, {"synthetic", model.synthetic}, {"disclaimer", kDisclaimer}};
}

// ReadingJson returns a reading with its statements, the most probable first.
inline nlohmann::ordered_json ReadingJson(const Reading& reading, const ModelMetadata& model) {
  nlohmann::ordered_json json = {{"recording", reading.recording}};
  if (!reading.what.empty()) json["what"] = reading.what;
  if (!reading.error.ok()) json["error"] = std::string(reading.error.message());
  if (const std::vector<std::string> warnings = WarningsOf(reading); !warnings.empty()) json["warnings"] = warnings;
  if (reading.unlikeness) {
    const Unlikeness& unlikeness = *reading.unlikeness;
    json["unlike_training"] = {{"distance", std::stod(absl::StrFormat("%.6g", unlikeness.distance))},
                               {"validation_share", unlikeness.reference_share},
                               {"validation_records", unlikeness.references},
                               {"warned", unlikeness.is_warned()}};
  }
  for (const Statement& statement : StatementsOf(reading, model)) {
    // NaN becomes null.
    json["statements"].push_back({{"code", statement.name},
                                  {"description", DescriptionOf(statement.name)},
                                  // As many digits as tell one float from the next.
                                  {"probability", std::stod(absl::StrFormat("%.9g", statement.probability))},
                                  {"calibrated", statement.calibrated},
                                  {"threshold", statement.threshold},
                                  {"reported", statement.reported}});
  }
  return json;
}

// JsonText returns the text of `json`; what is no UTF-8, as in the name of a file, becomes U+FFFD.
inline std::string JsonText(const nlohmann::ordered_json& json, int indent = -1) {
  return json.dump(indent, ' ', /*ensure_ascii=*/false, nlohmann::ordered_json::error_handler_t::replace);
}

// FhirObservation returns a reading as an Observation of FHIR R4 (https://hl7.org/fhir/R4/observation.html): a
// component for each class, with its SNOMED CT code where it has one, and the probability.
inline nlohmann::ordered_json FhirObservation(const Reading& reading, const ModelMetadata& model) {
  nlohmann::ordered_json observation = {
      {"resourceType", "Observation"},
      {"status", "preliminary"},
      {"code", {{"coding", {{{"system", "http://loinc.org"}, {"code", "11524-6"}, {"display", "EKG study"}}}}}},
      {"device", {{"display", absl::StrCat("ecg model ", model.name)}}},
      {"derivedFrom", {{{"display", reading.recording}}}}};
  std::string note = kDisclaimer;
  if (model.synthetic) absl::StrAppend(&note, " The model was trained on synthetic records.");
  for (const std::string& warning : WarningsOf(reading)) absl::StrAppend(&note, " Warning: ", warning, ".");
  observation["note"] = {{{"text", note}}};
  if (!reading.error.ok()) {
    observation["dataAbsentReason"] = {{"text", std::string(reading.error.message())}};
    return observation;
  }
  for (const Statement& statement : StatementsOf(reading, model)) {
    nlohmann::ordered_json code = {{"text", DescriptionOf(statement.name)}};
    for (const SnomedCtStatement& known : kSnomedCt) {
      if (known.scp != statement.name || statement.name == "NORM") continue;
      code["coding"] = {{{"system", "http://snomed.info/sct"}, {"code", known.code}, {"display", known.name}}};
    }
    observation["component"].push_back(
        {{"code", code},
         {"valueQuantity",
          {{"value", std::stod(absl::StrFormat("%.9g", statement.probability))}, {"unit", "probability"}}},
         {"interpretation", {{{"text", statement.reported ? "reported" : "not reported"}}}}});
  }
  if (reading.unlikeness) {
    observation["component"].push_back(
        {{"code", {{"text", "share of the validation records that are more like the training records"}}},
         {"valueQuantity", {{"value", reading.unlikeness->reference_share}}},
         {"interpretation", {{{"text", reading.unlikeness->is_warned() ? "unlike" : "not unlike"}}}}});
  }
  return observation;
}

// ReadingWriter writes readings one after the other, so that memory does not grow with their number.
class ReadingWriter {
 public:
  // `append` writes a piece of the text. `model` must outlive the writer.
  ReadingWriter(ReadingFormat format, const ModelMetadata& model, std::function<absl::Status(absl::string_view)> append)
      : format_(format), model_(model), append_(std::move(append)) {
    if (format_ == ReadingFormat::kCsv) {
      std::vector<std::string> header = {"recording"};
      for (const std::string& name : model_.classes) header.push_back(absl::StrCat("probability_", name));
      header.insert(header.end(), {"reported", "warnings", "error", "distance", "validation_share"});
      WriteRow(header);
    } else if (format_ == ReadingFormat::kJson) {
      Print(absl::StrCat("{\"model\": ", JsonText(ModelJson(model_)), ",\n \"readings\": ["));
    } else if (format_ == ReadingFormat::kTable) {
      Print(
          absl::StrCat(kDisclaimer, "\n",
                       model_.synthetic ? "The model was trained on synthetic records: it knows no real ECG.\n" : ""));
    }
  }

  // Write writes one reading. An error, here and in Finish, is the first of `append`.
  absl::Status Write(const Reading& reading) {
    switch (format_) {
      case ReadingFormat::kTable:
        Print(Table(reading));
        break;
      case ReadingFormat::kJson:
        Print(absl::StrCat(count_ == 0 ? "\n  " : ",\n  ", JsonText(ReadingJson(reading, model_))));
        break;
      case ReadingFormat::kJsonLines: {
        nlohmann::ordered_json json = ReadingJson(reading, model_);
        json["model"] = ModelJson(model_);
        Print(absl::StrCat(JsonText(json), "\n"));
        break;
      }
      case ReadingFormat::kCsv:
        WriteCsv(reading);
        break;
      case ReadingFormat::kFhir:
        Print(absl::StrCat(JsonText(FhirObservation(reading, model_)), "\n"));
    }
    ++count_;
    return status_;
  }

  // Finish ends the text.
  absl::Status Finish() {
    if (format_ == ReadingFormat::kJson) Print("\n]}\n");
    return status_;
  }

 private:
  void Print(const std::string& text) {
    if (status_.ok()) status_ = append_(text);
  }
  void WriteRow(const std::vector<std::string>& row) {
    std::string text;
    AppendCsvRow(row, &text);
    Print(text);
  }

  void WriteCsv(const Reading& reading) {
    std::vector<std::string> row = {reading.recording};
    for (size_t k = 0; k < model_.classes.size(); ++k) {
      row.push_back(reading.probabilities.empty() ? "" : absl::StrFormat("%.9g", reading.probabilities[k]));
    }
    std::vector<std::string> reported;
    for (const Statement& statement : StatementsOf(reading, model_)) {
      if (statement.reported) reported.push_back(statement.name);
    }
    row.push_back(absl::StrJoin(reported, " "));
    row.push_back(absl::StrJoin(WarningsOf(reading), "; "));
    row.emplace_back(reading.error.message());
    row.push_back(reading.unlikeness ? absl::StrFormat("%.6g", reading.unlikeness->distance) : "");
    row.push_back(reading.unlikeness ? absl::StrFormat("%.9g", reading.unlikeness->reference_share) : "");
    WriteRow(row);
  }

  // Table returns the reported classes, and the three most probable others.
  std::string Table(const Reading& reading) const {
    std::string text = absl::StrCat("\n", reading.recording, reading.what.empty() ? "" : "  ", reading.what, "\n");
    if (!reading.error.ok()) absl::StrAppend(&text, "  not read: ", reading.error.message(), "\n");
    for (const std::string& warning : WarningsOf(reading)) absl::StrAppend(&text, "  warning: ", warning, "\n");
    if (reading.unlikeness && !reading.unlikeness->is_warned()) {
      absl::StrAppend(&text, "  ", reading.unlikeness->Text(), "\n");
    }
    int others = 0;
    for (const Statement& statement : StatementsOf(reading, model_)) {
      if (!statement.reported && ++others > 3) continue;
      absl::StrAppendFormat(&text, "  %c %-8s %5.1f%%", statement.reported ? '*' : ' ', statement.name,
                            100 * statement.probability);
      if (!std::isnan(statement.calibrated))
        absl::StrAppendFormat(&text, "  calibrated %5.1f%%", 100 * statement.calibrated);
      if (!std::isnan(statement.threshold))
        absl::StrAppendFormat(&text, "  threshold %5.1f%%", 100 * statement.threshold);
      absl::StrAppend(&text, "  ", DescriptionOf(statement.name), "\n");
    }
    return text;
  }

  const ReadingFormat format_;
  const ModelMetadata& model_;
  const std::function<absl::Status(absl::string_view)> append_;
  absl::Status status_;
  int count_ = 0;
};

}  // namespace ecg

#endif  // ECG_PREDICT_READING_H_
