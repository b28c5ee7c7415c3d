// protocol_parity.h
//
// Our reading of PTB-XL against the reference's: classes, labels, splits, scaling and evaluation windows.
//
//   ECG_ASSIGN_OR_RETURN(const std::vector<ParityRow> rows, CompareProtocol("protocol.json", "/data/ptbxl"));
//   std::cout << ParityTable(rows);

#ifndef ECG_PARITY_PROTOCOL_PARITY_H_
#define ECG_PARITY_PROTOCOL_PARITY_H_

#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "ecg/batch/window.h"
#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/corpus/scaler.h"
#include "ecg/parity/json_file.h"
#include "ecg/parity/row.h"
#include "ecg/status/status_macros.h"
#include "nlohmann/json.hpp"
#include "proto/experiment.pb.h"

namespace ecg {

namespace protocol_parity_internal {

// CompareLabels compares every label of every record of one task.
inline void CompareLabels(const PtbXl& ptbxl, const nlohmann::json& expected, const std::string& subject,
                          std::vector<ParityRow>& rows) {
  const Labels& labels = ptbxl.labels();
  const auto classes = expected.at("classes").get<std::vector<std::string>>();
  rows.push_back({subject, absl::StrCat(classes.size(), " classes"), labels.classes == classes ? 0.0 : 1.0, 0, ""});
  int wrong = std::abs(labels.rows() - expected.at("records_kept").get<int>());
  std::vector<int> positives(labels.classes.size());
  for (int row = 0; row < labels.rows(); ++row) {
    std::vector<std::string> of_record;
    for (size_t k = 0; k < labels.classes.size(); ++k) {
      if (labels.row(row)[k] != 0) of_record.push_back(labels.classes[k]), ++positives[k];
    }
    const std::string id = ptbxl.corpus().records[labels.records[row]].id;
    const auto found = expected.at("rows").find(id);
    wrong += found == expected.at("rows").end() || found->get<std::vector<std::string>>() != of_record;
  }
  rows.push_back({subject, absl::StrCat("labels of ", labels.rows(), " records"), double(wrong), 0, ""});
  rows.push_back({subject, "positives of each class",
                  positives == expected.at("positives_per_class").get<std::vector<int>>() ? 0.0 : 1.0, 0, ""});
}

// CompareTasks compares the labels of each task, and how many records each part of each split has.
inline absl::Status CompareTasks(const nlohmann::json& tasks, const std::filesystem::path& data_dir,
                                 std::vector<ParityRow>& rows) {
  for (const auto& [task_name, expected] : tasks.items()) {
    spec::PtbXl::Task task;
    if (!spec::PtbXl::Task_Parse(absl::AsciiStrToUpper(task_name), &task)) {
      return absl::DataLossError(absl::StrCat("the task ", task_name, " is not known"));
    }
    spec::PtbXl spec;
    spec.set_task(task);
    const std::string subject = absl::StrCat("task ", task_name);
    for (const auto& [split_name, sizes] : expected.at("splits").items()) {
      ECG_ASSIGN_OR_RETURN(const PtbXl ptbxl, PtbXl::Open(spec, data_dir, std::stoi(split_name)));
      if (split_name == "1") CompareLabels(ptbxl, expected, subject, rows);
      const Split& split = ptbxl.split();
      const bool same = split.train.size() == sizes.at("train") && split.validation.size() == sizes.at("validation") &&
                        split.test.size() == sizes.at("test");
      rows.push_back({subject,
                      absl::StrCat("split ", split_name, ": ", split.train.size(), "/", split.validation.size(), "/",
                                   split.test.size(), " records"),
                      same ? 0.0 : 1.0, 0, ""});
    }
  }
  return absl::OkStatus();
}

// CompareScaling compares mean and deviation over the training records of each split of task `all`.
inline absl::Status CompareScaling(const nlohmann::json& scalers, const std::filesystem::path& data_dir,
                                   const PackedSignals& signals, std::vector<ParityRow>& rows) {
  for (const auto& [split_name, expected] : scalers.items()) {
    ECG_ASSIGN_OR_RETURN(const PtbXl ptbxl, PtbXl::Open({}, data_dir, std::stoi(split_name)));
    std::vector<int> records;
    for (const int row : ptbxl.split().train) records.push_back(ptbxl.labels().records[row]);
    ECG_ASSIGN_OR_RETURN(const Scaler scaler, FitScaler(signals, records));
    const double deviation = expected.at("standard_deviation_mv");
    // The mean is nearly nothing beside the deviation, which is what both are used with.
    rows.push_back({"scaler", absl::StrCat("split ", split_name, ": mean, of the deviation"),
                    std::abs(scaler.mean_mv - expected.at("mean_mv").get<double>()) / deviation, 1e-12, ""});
    rows.push_back({"scaler", absl::StrCat("split ", split_name, ": standard deviation"),
                    RelativeError({scaler.standard_deviation_mv}, {deviation}), 1e-12, ""});
  }
  return absl::OkStatus();
}

// CompareWindows compares the evaluation windows of one record, in mV.
inline absl::Status CompareWindows(const nlohmann::json& windows, const PackedSignals& signals,
                                   std::vector<ParityRow>& rows) {
  const std::string id = std::to_string(windows.at("record").get<int>());
  int record = 0;
  while (record < signals.records() && signals.id(record) != id) ++record;
  if (record == signals.records()) return absl::NotFoundError(absl::StrCat("there is no record ", id));
  const int length = windows.at("shape_leads_windows_samples").at(2);
  const auto amplitude = [&](int lead, int sample) {
    return sample < signals.samples() ? signals.calibration(record, lead).ToMv(signals.lead(record, lead)[sample]) : 0;
  };
  std::vector<double> first, last, sums;
  for (const int start : WindowStarts(signals.samples(), length, length / 2)) {
    first.push_back(amplitude(0, start));
    last.push_back(amplitude(0, start + length - 1));
    double& sum = sums.emplace_back();
    for (int i = 0; i < length; ++i) sum += amplitude(signals.leads() - 1, start + i);
  }
  const auto add = [&](const char* quantity, const std::vector<double>& ours, const char* key) {
    rows.push_back({"windows", quantity, RelativeError(ours, windows.at(key).get<std::vector<double>>()), 1e-12, ""});
  };
  add("first samples of lead I", first, "first_sample_of_lead_I_mv");
  add("last samples of lead I", last, "last_sample_of_lead_I_mv");
  add("sums over lead V6", sums, "sum_over_lead_V6_mv");
  return absl::OkStatus();
}

// CompareSamples compares the first and the last samples of the first record.
inline void CompareSamples(const nlohmann::json& expected, const PackedSignals& signals, std::vector<ParityRow>& rows) {
  std::vector<double> first, last;
  for (int lead = 0; lead < signals.leads(); ++lead) {
    first.push_back(signals.calibration(0, lead).ToMv(signals.lead(0, lead).front()));
    last.push_back(signals.calibration(0, lead).ToMv(signals.lead(0, lead).back()));
  }
  rows.push_back({"signal", "first samples of every lead",
                  RelativeError(first, expected.at("first_row_mv").get<std::vector<double>>()), 1e-12, ""});
  rows.push_back({"signal", "last samples of every lead",
                  RelativeError(last, expected.at("last_row_mv").get<std::vector<double>>()), 1e-12, ""});
}

}  // namespace protocol_parity_internal

// CompareProtocol compares PTB-XL in `data_dir` with every figure of `file`, such as protocol.json.
inline absl::StatusOr<std::vector<ParityRow>> CompareProtocol(const std::filesystem::path& file,
                                                              const std::filesystem::path& data_dir) {
  using namespace protocol_parity_internal;
  ECG_ASSIGN_OR_RETURN(const nlohmann::json json, ReadJson(file));
  std::vector<ParityRow> rows;
  try {
    ECG_RETURN_IF_ERROR(WithContext(CompareTasks(json.at("tasks"), data_dir, rows), file.string()));
    ECG_ASSIGN_OR_RETURN(const PtbXl ptbxl, PtbXl::Open({}, data_dir));
    ECG_ASSIGN_OR_RETURN(const PackedSignals signals, PackInCache(ptbxl));
    ECG_RETURN_IF_ERROR(CompareScaling(json.at("scaler"), data_dir, signals, rows));
    ECG_RETURN_IF_ERROR(CompareWindows(json.at("evaluation_windows"), signals, rows));
    CompareSamples(json.at("first_record"), signals, rows);
  } catch (const nlohmann::json::exception& error) {
    return absl::DataLossError(absl::StrCat(file.string(), " does not have the expected form: ", error.what()));
  }
  return rows;
}

}  // namespace ecg

#endif  // ECG_PARITY_PROTOCOL_PARITY_H_
