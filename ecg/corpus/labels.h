// labels.h
//
// The classes of the records: the targets of a network.

#ifndef ECG_CORPUS_LABELS_H_
#define ECG_CORPUS_LABELS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
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
  // likelihoods is how likely the record has the class, 0 to 1, for networks to be trained on; [rows, classes]. Empty
  // where they are trained on `targets`.
  std::vector<float> likelihoods = {};

  // rows returns the number of rows.
  int rows() const { return static_cast<int>(records.size()); }

  // training_targets returns what a network is trained on in one row, [classes].
  std::vector<float> training_targets(int row) const {
    if (likelihoods.empty()) return {this->row(row).begin(), this->row(row).end()};
    const auto first = likelihoods.begin() + static_cast<ptrdiff_t>(row * classes.size());
    return {first, first + static_cast<ptrdiff_t>(classes.size())};
  }

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
    if (labels.likelihoods.empty()) continue;
    const std::vector<float> likelihoods = labels.training_targets(row);
    result.likelihoods.insert(result.likelihoods.end(), likelihoods.begin(), likelihoods.end());
  }
  return result;
}

// SetLikelihoods sets the likelihoods of `labels` from those of each record, by label name, 0 to 1. A label that the
// record does not name has 0.
inline void SetLikelihoods(const std::vector<std::map<std::string, float>>& of_records, Labels& labels) {
  labels.likelihoods.assign(labels.targets.size(), 0);
  float* likelihood = labels.likelihoods.data();
  for (const int record : labels.records) {
    for (const std::string& name : labels.classes) {
      if (const auto found = of_records[record].find(name); found != of_records[record].end()) {
        *likelihood = found->second;
      }
      ++likelihood;
    }
  }
}

// MakeLabels without classes uses all labels that occur, and leaves out records without any.
inline Labels MakeLabels(const std::vector<std::vector<std::string>>& labels) {
  std::set<std::string> classes;
  for (const std::vector<std::string>& names : labels) classes.insert(names.begin(), names.end());
  return MakeLabels(labels, classes, /*with_none=*/false);
}

}  // namespace ecg

#endif  // ECG_CORPUS_LABELS_H_
