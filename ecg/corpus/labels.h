// labels.h
//
// What a network is asked to say of each record.

#ifndef ECG_CORPUS_LABELS_H_
#define ECG_CORPUS_LABELS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace ecg {

// Labels is a table of ones and zeros: a row for each record that has at least one label, a column for each class.
struct Labels {
  // classes are the names of the columns, in code-point order.
  std::vector<std::string> classes;
  // records holds, for each row, its place in Corpus::records. It ascends.
  std::vector<int> records;
  // targets is 1 where the row's record has the class, else 0; [rows, classes].
  std::vector<uint8_t> targets;

  // rows returns the number of rows.
  int rows() const { return static_cast<int>(records.size()); }

  // row returns the targets of one row, [classes].
  std::span<const uint8_t> row(int row) const {
    return std::span(targets).subspan(static_cast<size_t>(row) * classes.size(), classes.size());
  }
};

// MakeLabels returns the labels of records of which `labels[record]` names each record's, in any order. Records without
// any are left out. The classes are the labels that occur.
inline Labels MakeLabels(const std::vector<std::vector<std::string>>& labels) {
  std::map<std::string, size_t> columns;  // std::string sorts by bytes, which in UTF-8 is by code points
  for (const std::vector<std::string>& names : labels) {
    for (const std::string& name : names) columns.emplace(name, 0);
  }
  Labels result;
  for (auto& [name, column] : columns) {
    column = result.classes.size();
    result.classes.push_back(name);
  }
  for (size_t record = 0; record < labels.size(); ++record) {
    if (labels[record].empty()) continue;
    result.records.push_back(static_cast<int>(record));
    const size_t row = result.targets.size();
    result.targets.resize(row + columns.size());
    for (const std::string& name : labels[record]) result.targets[row + columns[name]] = 1;
  }
  return result;
}

}  // namespace ecg

#endif  // ECG_CORPUS_LABELS_H_
