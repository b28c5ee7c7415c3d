// labels.h
//
// The classes of the records: the targets of a network.

#ifndef ECG_CORPUS_LABELS_H_
#define ECG_CORPUS_LABELS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "ecg/corpus/text_list_column.h"

namespace ecg {

// TargetRow is what one row of Labels has: 1 for each class of the record, else 0. It is valid while the labels are,
// and no row is added.
class TargetRow {
 public:
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = uint8_t;
    using difference_type = ptrdiff_t;
    using pointer = const uint8_t*;
    using reference = uint8_t;

    Iterator() = default;
    Iterator(const uint64_t* words, size_t k) : words_(words), k_(k) {}
    uint8_t operator*() const { return words_[k_ / 64] >> (k_ % 64) & 1; }
    Iterator& operator++() {
      ++k_;
      return *this;
    }
    Iterator operator++(int) { return {words_, k_++}; }
    bool operator==(const Iterator&) const = default;

   private:
    const uint64_t* words_ = nullptr;
    size_t k_ = 0;
  };
  using value_type = uint8_t;
  using iterator = Iterator;
  using const_iterator = Iterator;

  // `words` hold `size` bits, the first in the lowest bit.
  TargetRow(const uint64_t* words, size_t size) : words_(words), size_(size) {}

  uint8_t operator[](size_t k) const { return words_[k / 64] >> (k % 64) & 1; }
  size_t size() const { return size_; }
  Iterator begin() const { return {words_, 0}; }
  Iterator end() const { return {words_, size_}; }

 private:
  const uint64_t* words_;
  size_t size_;
};

// Labels is a binary label matrix: a row for each labelled record, a column for each class. A row needs a bit for each
// class, and 8 bytes for each likelihood.
struct Labels {
  // classes is the label vocabulary, the names of the columns; in code-point order unless stated otherwise. It must not
  // change once there are rows.
  std::vector<std::string> classes;
  // records holds the index in Corpus::records of each row, ascending.
  std::vector<int> records = {};
  // target_bits is 1 where the record has the class, else 0; each row begins with a word of its own, in its lowest bit.
  std::vector<uint64_t> target_bits = {};
  // likelihoods is how likely the record has the class, 0 to 1, for networks to be trained on: one for each target that
  // is 1, row by row. Empty where they are trained on the targets.
  std::vector<float> likelihoods = {};
  // likelihood_ends holds where the likelihoods of each row end.
  std::vector<size_t> likelihood_ends = {};

  // rows returns the number of rows.
  int rows() const { return static_cast<int>(records.size()); }

  // row returns the targets of one row, [classes].
  TargetRow row(int row) const { return {target_bits.data() + row * words(), classes.size()}; }

  // Add appends a row that has none of the classes.
  void Add(int record) {
    records.push_back(record);
    target_bits.resize(target_bits.size() + words());
  }

  // Add appends a row with `targets`, 0 or 1 for each class.
  template <typename Range>
  void Add(int record, const Range& targets) {
    Add(record);
    size_t k = 0;
    for (const auto target : targets) {
      if (target != 0) Set(rows() - 1, k);
      ++k;
    }
  }

  // Set gives a class to a row.
  void Set(int row, size_t k) { target_bits[row * words() + k / 64] |= uint64_t{1} << (k % 64); }

  // AddLikelihoods appends the likelihoods of the first row that has none yet: `of_classes`, [classes], which are not
  // read where the target is 0.
  void AddLikelihoods(std::span<const float> of_classes) {
    const TargetRow targets = row(static_cast<int>(likelihood_ends.size()));
    for (size_t k = 0; k < classes.size(); ++k) {
      if (targets[k] != 0) likelihoods.push_back(of_classes[k]);
    }
    likelihood_ends.push_back(likelihoods.size());
  }

  // training_targets returns what a network is trained on in one row, [classes].
  std::vector<float> training_targets(int row) const {
    const TargetRow targets = this->row(row);
    std::vector<float> result(targets.begin(), targets.end());
    if (likelihoods.empty()) return result;
    const float* likelihood = likelihoods.data() + (row == 0 ? 0 : likelihood_ends[row - 1]);
    for (float& target : result) {
      if (target != 0) target = *likelihood++;
    }
    return result;
  }

 private:
  size_t words() const { return (classes.size() + 63) / 64; }
};

// MakeLabels returns the label matrix of `classes`, where `labels[record]` are the label names of a record, in any
// order. Other names are ignored. A record without any of the classes is left out unless `with_none`.
inline Labels MakeLabels(const TextListColumn& labels, const std::set<std::string>& classes, bool with_none) {
  Labels result;
  result.classes.assign(classes.begin(), classes.end());  // sorted by bytes, which in UTF-8 is by code points
  constexpr int kNone = -1;
  std::vector<int> class_of;  // of each text of `labels`
  for (const std::string& name : labels.texts()) {
    const auto found = std::lower_bound(result.classes.begin(), result.classes.end(), name);
    const bool is_class = found != result.classes.end() && *found == name;
    class_of.push_back(is_class ? static_cast<int>(found - result.classes.begin()) : kNone);
  }
  for (size_t record = 0; record < labels.size(); ++record) {
    const std::span<const int> codes = labels.codes(record);
    const bool has_any = std::any_of(codes.begin(), codes.end(), [&](int code) { return class_of[code] != kNone; });
    if (!with_none && !has_any) continue;
    result.Add(static_cast<int>(record));
    for (const int code : codes) {
      if (class_of[code] != kNone) result.Set(result.rows() - 1, class_of[code]);
    }
  }
  return result;
}

// MakeLabels without classes uses all labels that occur, and leaves out records without any.
inline Labels MakeLabels(const TextListColumn& labels) {
  return MakeLabels(labels, {labels.texts().begin(), labels.texts().end()}, /*with_none=*/false);
}

// MakeLabels of lists in memory.
inline Labels MakeLabels(const std::vector<std::vector<std::string>>& labels) {
  TextListColumn column;
  for (const std::vector<std::string>& names : labels) column.Add(names);
  return MakeLabels(column);
}

// KeepRows returns the rows of `labels` for whose record `keep` returns true.
template <typename Predicate>
Labels KeepRows(const Labels& labels, Predicate keep) {
  Labels result = {.classes = labels.classes};
  for (int row = 0; row < labels.rows(); ++row) {
    if (!keep(labels.records[row])) continue;
    result.Add(labels.records[row], labels.row(row));
    if (!labels.likelihoods.empty()) result.AddLikelihoods(labels.training_targets(row));
  }
  return result;
}

// SetLikelihoods sets the likelihoods of `labels`: `of_record(record)` returns those of a record by label name, 0 to 1.
// A label that the record does not name has 0.
template <typename OfRecord>
void SetLikelihoods(OfRecord of_record, Labels& labels) {
  labels.likelihoods.clear();
  labels.likelihood_ends.clear();
  std::vector<float> likelihoods(labels.classes.size());
  for (const int record : labels.records) {
    const std::map<std::string, float> of_names = of_record(record);
    for (size_t k = 0; k < likelihoods.size(); ++k) {
      const auto found = of_names.find(labels.classes[k]);
      likelihoods[k] = found == of_names.end() ? 0 : found->second;
    }
    labels.AddLikelihoods(likelihoods);
  }
}

}  // namespace ecg

#endif  // ECG_CORPUS_LABELS_H_
