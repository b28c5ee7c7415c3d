// row.h
//
// One comparison of ours with the reference's, and how a list of them is shown.
//
//   const ParityRow row = {"resnet1d-18", "logits", RelativeError({1.0, 2.0}, {1.0, 2.1}), 1e-4, ""};
//   row.differs();   // true
//   std::cout << ParityTable({row});

#ifndef ECG_PARITY_ROW_H_
#define ECG_PARITY_ROW_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace ecg {

// ParityRow is one comparison.
struct ParityRow {
  // What is compared, such as "resnet1d-18", and which quantity of it, such as "logits".
  std::string subject;
  std::string quantity;
  // The error, and the largest error that counts as agreement.
  double error = 0;
  double tolerance = 0;
  // Why nothing could be compared; such a row neither agrees nor differs.
  std::string skipped;

  bool differs() const { return skipped.empty() && !(error <= tolerance); }  // true for NaN as well
};

// RelativeError returns the largest |ours - theirs|, divided by the largest |theirs|; infinity where their sizes
// differ.
inline double RelativeError(const std::vector<double>& ours, const std::vector<double>& theirs) {
  if (ours.size() != theirs.size()) return INFINITY;
  double difference = 0, scale = 0;
  for (size_t i = 0; i < ours.size(); ++i) {
    if (std::isnan(ours[i])) return NAN;
    difference = std::max(difference, std::abs(ours[i] - theirs[i]));
    scale = std::max(scale, std::abs(theirs[i]));
  }
  return scale > 0 ? difference / scale : difference;
}

// ParityTable returns `rows` as text, a line for each.
inline std::string ParityTable(const std::vector<ParityRow>& rows) {
  size_t subject_width = 0, quantity_width = 0;
  for (const ParityRow& row : rows) {
    subject_width = std::max(subject_width, row.subject.size());
    quantity_width = std::max(quantity_width, row.quantity.size());
  }
  std::string table;
  for (const ParityRow& row : rows) {
    const std::string figures =
        row.skipped.empty() ? absl::StrFormat("error %8.2e  at most %8.2e", row.error, row.tolerance) : row.skipped;
    absl::StrAppendFormat(&table, "%-7s  %-*s  %-*s  %s\n",
                          row.differs()         ? "DIFFERS"
                          : row.skipped.empty() ? "agrees"
                                                : "skipped",
                          subject_width, row.subject, quantity_width, row.quantity, figures);
  }
  return table;
}

}  // namespace ecg

#endif  // ECG_PARITY_ROW_H_
