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

// SplitByFold returns the split with one fold for validation, one for test, and all others for training.
inline Split SplitByFold(const Corpus& corpus, const Labels& labels, int validation_fold, int test_fold) {
  Split split;
  for (int row = 0; row < labels.rows(); ++row) {
    const int fold = corpus.records.fold(labels.records[row]);
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
