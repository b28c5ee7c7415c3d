// split.h
//
// The training, validation and test sets.
//
//   const Split usable = KeepRecords(split, labels, [&](int record) { return signals.usable(record); });

#ifndef ECG_CORPUS_SPLIT_H_
#define ECG_CORPUS_SPLIT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/text_column.h"

namespace ecg {

// Split holds rows of a Labels, in ascending order. The parts are disjoint.
struct Split {
  std::vector<int> train;
  std::vector<int> validation;
  std::vector<int> test;
};

// HeldOutFolds are the folds, counted from 1, that a split does not train on: one for validation, and for the test those
// from first_test to last_test.
struct HeldOutFolds {
  int validation = 0;
  int first_test = 0;
  int last_test = 0;
};

// HoldOutFolds returns the held-out folds of split number `split`, from 1, of `folds` folds. With `cross_validation` 0,
// split 1 validates on the last fold but one and tests on the last, split 2 takes the two folds before, and so on.
// Otherwise it is the number of splits, which together test each fold once: split 1 tests the last folds, split 2 those
// before, and so on, and each validates on the fold before those that it tests, the first folds' on the last. Fails
// where there is no such split, or nothing would be left to train on.
inline absl::StatusOr<HeldOutFolds> HoldOutFolds(int folds, int cross_validation, int split) {
  const int splits = cross_validation > 0 ? cross_validation : folds / 2;
  if (split < 1 || split > splits) {
    return absl::InvalidArgumentError(absl::StrCat("data.split is ", split, ", but the ", folds, " folds make ", splits,
                                                   splits == 1 ? " split" : " splits"));
  }
  if (cross_validation == 0) {
    const int test = folds - 2 * (split - 1);
    return HeldOutFolds{.validation = test - 1, .first_test = test, .last_test = test};
  }
  const int most_tested = (folds + splits - 1) / splits;
  if (splits < 2 || splits > folds || most_tested + 1 >= folds) {
    return absl::InvalidArgumentError(
        absl::StrCat("cross_validation is ", splits, ", but there are ", folds,
                     " folds; it must be from 2 to the number of folds, and leave each split a fold for training"));
  }
  const int first_test = folds - split * folds / splits + 1, last_test = folds - (split - 1) * folds / splits;
  return HeldOutFolds{
      .validation = first_test > 1 ? first_test - 1 : folds, .first_test = first_test, .last_test = last_test};
}

// SplitByFold returns the split with these folds for validation and test, and all others for training.
inline Split SplitByFold(const Corpus& corpus, const Labels& labels, const HeldOutFolds& held_out) {
  Split split;
  for (int row = 0; row < labels.rows(); ++row) {
    const int fold = corpus.records.fold(labels.records[row]);
    const bool is_tested = fold >= held_out.first_test && fold <= held_out.last_test;
    (is_tested ? split.test : fold == held_out.validation ? split.validation : split.train).push_back(row);
  }
  return split;
}

// KeepRecords returns the rows of `split` for whose record (an index into Corpus::records) `keep` returns true.
template <typename Predicate>
Split KeepRecords(Split split, const Labels& labels, Predicate keep) {
  for (std::vector<int>* rows : {&split.train, &split.validation, &split.test}) {
    std::erase_if(*rows, [&](int row) { return !keep(labels.records[row]); });
  }
  return split;
}

// SharedPatient is a patient with records in two parts of a split: a leak that inflates test scores. The records are
// indices into Corpus::records; the parts are "train", "validation" or "test".
struct SharedPatient {
  std::string patient_id;
  int first_record = 0;
  const char* first_part = "";
  int second_record = 0;
  const char* second_part = "";
};

// SharedPatients returns each patient with records in several parts of `split`, with the first record, in the order
// train, validation, test, and the first of another part. Records without a patient_id are ignored.
inline std::vector<SharedPatient> SharedPatients(const Corpus& corpus, const Labels& labels, const Split& split) {
  const TextColumn& patient_ids = corpus.records.patient_ids();
  TextIndex first_of(patient_ids);
  std::vector<uint8_t> part_of(corpus.records.size());  // of the first record of each patient, from 1
  absl::flat_hash_set<int> known;                       // the first records of those in `shared`
  std::vector<SharedPatient> shared;
  uint8_t part = 0;
  for (const std::vector<int>* rows : {&split.train, &split.validation, &split.test}) {
    constexpr const char* kParts[] = {"", "train", "validation", "test"};
    ++part;
    for (const int row : *rows) {
      const int record = labels.records[row];
      if (patient_ids[record].empty()) continue;
      const int first = first_of.Add(record);
      if (first == record) part_of[record] = part;
      if (part_of[first] == part || !known.insert(first).second) continue;
      shared.push_back({std::string(patient_ids[record]), first, kParts[part_of[first]], record, kParts[part]});
    }
  }
  return shared;
}

}  // namespace ecg

#endif  // ECG_CORPUS_SPLIT_H_
