// hardest_records.h
//
// A result writer: hardest_records.csv, the test records by how far the probabilities are from the truth.

#ifndef EXAMPLES_OWN_PARTS_HARDEST_RECORDS_H_
#define EXAMPLES_OWN_PARTS_HARDEST_RECORDS_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "ecg/experiment/result_writer.h"
#include "ecg/file/csv.h"
#include "ecg/file/file.h"
#include "proto/experiment.pb.h"

namespace my {

class HardestRecords {
 public:
  using Spec = ecg::spec::Own;
  explicit HardestRecords(const Spec&) {}

  absl::Status Write(const ecg::CompletedRun& run) const {
    const size_t classes = run.test.classes.size();
    std::vector<std::pair<double, std::string>> records;
    for (size_t record = 0; record < run.test_records.size(); ++record) {
      double distance = 0;
      for (size_t k = record * classes; k < (record + 1) * classes; ++k) {
        distance += std::abs(run.test.probabilities[k] - run.test.targets[k]);
      }
      records.emplace_back(distance, run.test_records[record]);
    }
    std::ranges::sort(records, std::greater());
    std::string text = "record,distance\n";
    for (const auto& [distance, record] : records) ecg::AppendCsvRow({record, absl::StrCat(distance)}, &text);
    return ecg::WriteFile(run.folder / "hardest_records.csv", text);
  }
};

static_assert(ecg::ResultWriter<HardestRecords>);

}  // namespace my

#endif  // EXAMPLES_OWN_PARTS_HARDEST_RECORDS_H_
