// labels.h
//
// The classes of the records: the targets of a network.

#ifndef ECG_CORPUS_LABELS_H_
#define ECG_CORPUS_LABELS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace ecg {

// Labels is a binary label matrix: a row for each labelled record, a column for each class.
struct Labels {
  // classes is the label vocabulary, the names of the columns; in code-point order unless stated otherwise.
  std::vector<std::string> classes;
  // records holds the index in Corpus::records of each row, ascending.
  std::vector<int> records;
  // targets is 1 where the record has the class, else 0; [rows, classes].
  std::vector<uint8_t> targets;

  // rows returns the number of rows.
  int rows() const { return static_cast<int>(records.size()); }

  // row returns the targets of one row, [classes].
  std::span<const uint8_t> row(int row) const {
    return std::span(targets).subspan(static_cast<size_t>(row) * classes.size(), classes.size());
  }
};

// MakeLabels returns the label matrix of `classes`, where `labels[record]` are the label names of a record, in any
// order. Other names are ignored. A record without any of the classes is left out unless `with_none`.
inline Labels MakeLabels(const std::vector<std::vector<std::string>>& labels, const std::set<std::string>& classes,
                         bool with_none) {
  Labels result;
  result.classes.assign(classes.begin(), classes.end());  // sorted by bytes, which in UTF-8 is by code points
  for (size_t record = 0; record < labels.size(); ++record) {
    std::vector<uint8_t> row(classes.size());
    for (const std::string& name : labels[record]) {
      const auto found = std::lower_bound(result.classes.begin(), result.classes.end(), name);
      if (found != result.classes.end() && *found == name) row[found - result.classes.begin()] = 1;
    }
    if (!with_none && std::count(row.begin(), row.end(), 1) == 0) continue;
    result.records.push_back(static_cast<int>(record));
    result.targets.insert(result.targets.end(), row.begin(), row.end());
  }
  return result;
}

// KeepRows returns the rows of `labels` for whose record `keep` returns true.
template <typename Predicate>
Labels KeepRows(const Labels& labels, Predicate keep) {
  Labels result = {.classes = labels.classes, .records = {}, .targets = {}};
  for (int row = 0; row < labels.rows(); ++row) {
    if (!keep(labels.records[row])) continue;
    const std::span<const uint8_t> targets = labels.row(row);
    result.records.push_back(labels.records[row]);
    result.targets.insert(result.targets.end(), targets.begin(), targets.end());
  }
  return result;
}

// MakeLabels without classes uses all labels that occur, and leaves out records without any.
inline Labels MakeLabels(const std::vector<std::vector<std::string>>& labels) {
  std::set<std::string> classes;
  for (const std::vector<std::string>& names : labels) classes.insert(names.begin(), names.end());
  return MakeLabels(labels, classes, /*with_none=*/false);
}

}  // namespace ecg

#endif  // ECG_CORPUS_LABELS_H_
