// split.h
//
// The training, validation and test sets.
//
//   const Split usable = KeepRecords(split, labels, [&](int record) { return signals.usable(record); });

#ifndef ECG_CORPUS_SPLIT_H_
#define ECG_CORPUS_SPLIT_H_

#include <algorithm>
#include <map>
#include <optional>
#include <set>
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

// FindSharedPatient returns the first patient with records in two parts of `split`, in the order train, validation,
// test; nullopt if there is none. Records without a patient_id are ignored.
inline std::optional<SharedPatient> FindSharedPatient(const Corpus& corpus, const Labels& labels, const Split& split) {
  const std::pair<const std::vector<int>*, const char*> parts[] = {
      {&split.train, "train"}, {&split.validation, "validation"}, {&split.test, "test"}};
  std::map<std::string, std::pair<int, const char*>> first;  // record and part of each patient
  for (const auto& [rows, part] : parts) {
    for (const int row : *rows) {
      const int record = labels.records[row];
      const std::string& patient_id = corpus.records[record].patient_id;
      if (patient_id.empty()) continue;
      const auto& [first_record, first_part] = first.emplace(patient_id, std::pair(record, part)).first->second;
      if (first_part != part) return SharedPatient{patient_id, first_record, first_part, record, part};
    }
  }
  return std::nullopt;
}

// CountSharedPatients returns the number of patients with records in more than one part of `split`.
inline int CountSharedPatients(const Corpus& corpus, const Labels& labels, const Split& split) {
  std::map<std::string, std::set<int>> parts_of;
  int part = 0;
  for (const std::vector<int>* rows : {&split.train, &split.validation, &split.test}) {
    for (const int row : *rows) {
      const std::string& patient_id = corpus.records[labels.records[row]].patient_id;
      if (!patient_id.empty()) parts_of[patient_id].insert(part);
    }
    ++part;
  }
  return static_cast<int>(
      std::count_if(parts_of.begin(), parts_of.end(), [](const auto& patient) { return patient.second.size() > 1; }));
}

}  // namespace ecg

#endif  // ECG_CORPUS_SPLIT_H_
