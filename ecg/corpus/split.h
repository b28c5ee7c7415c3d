// split.h
//
// The training, validation and test sets.
//
//   const Split usable = KeepRecords(split, labels, [&](int record) { return signals.usable(record); });

#ifndef ECG_CORPUS_SPLIT_H_
#define ECG_CORPUS_SPLIT_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ecg/corpus/corpus.h"
#include "ecg/corpus/labels.h"

namespace ecg {

// Split holds rows of a Labels, in ascending order. The parts are disjoint.
struct Split {
  std::vector<int> train;
  std::vector<int> validation;
  std::vector<int> test;
};

// SplitByFold returns the split with one fold for validation, one for test, and all others for training.
inline Split SplitByFold(const Corpus& corpus, const Labels& labels, int validation_fold, int test_fold) {
  Split split;
  for (int row = 0; row < labels.rows(); ++row) {
    const int fold = corpus.records[labels.records[row]].fold;
    (fold == validation_fold ? split.validation : fold == test_fold ? split.test : split.train).push_back(row);
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
  struct First {
    int record = 0;
    const char* part = "";
    bool is_shared = false;
  };
  std::map<std::string, First> first_of;
  std::vector<SharedPatient> shared;
  for (const auto& [rows, part] :
       {std::pair{&split.train, "train"}, std::pair{&split.validation, "validation"}, std::pair{&split.test, "test"}}) {
    for (const int row : *rows) {
      const int record = labels.records[row];
      const std::string& patient_id = corpus.records[record].patient_id;
      if (patient_id.empty()) continue;
      First& first = first_of.try_emplace(patient_id, First{record, part}).first->second;
      if (first.part == part || first.is_shared) continue;
      first.is_shared = true;
      shared.push_back({patient_id, first.record, first.part, record, part});
    }
  }
  return shared;
}

}  // namespace ecg

#endif  // ECG_CORPUS_SPLIT_H_
