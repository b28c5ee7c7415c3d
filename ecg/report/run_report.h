// run_report.h
//
// report.html: one page on a run, for people, made of what the run's folder holds and, where it is still there, of the
// corpus: what was trained on what, the result with its interval, curves, classes, calibration, groups of patients, and
// the records that the model got most wrong.
//
//   ECG_RETURN_IF_ERROR(WriteFile("report.html", RunReport("runs/resnet18_all/1").value()));

#ifndef ECG_REPORT_RUN_REPORT_H_
#define ECG_REPORT_RUN_REPORT_H_

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace ecg {

// RunReportOptions says how much work a report may be.
struct RunReportOptions {
  // resamples is the number of bootstrap resamples for classes and groups.
  int resamples = 500;
  // drawn_records is how many of the records that the model got most wrong are drawn, at most.
  int drawn_records = 6;
};

// RunReportData returns the numbers of the page of the run in `folder`. A run that is not finished, or an external
// validation, has fewer of them. What cannot be read or computed is left out, and "notes" says why; only a folder that
// holds no run is an error.
absl::StatusOr<nlohmann::json> RunReportData(const std::filesystem::path& folder, const RunReportOptions& options = {});

// RunReport returns the page.
absl::StatusOr<std::string> RunReport(const std::filesystem::path& folder, const RunReportOptions& options = {});

}  // namespace ecg

#endif  // ECG_REPORT_RUN_REPORT_H_
