// labels.h
//
// What a network is asked to say of each record.

#ifndef ECG_CORPUS_LABELS_H_
#define ECG_CORPUS_LABELS_H_

#include <cstddef>
#include <cstdint>
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

}  // namespace ecg

#endif  // ECG_CORPUS_LABELS_H_
