// split.h
//
// Which records train, which choose among the trained weights, and which judge the chosen ones.
//
//   const Split usable = KeepRecords(dataset.split(), dataset.labels(), [&](int record) { return packed.usable(record);
//   });

#ifndef ECG_CORPUS_SPLIT_H_
#define ECG_CORPUS_SPLIT_H_

#include <vector>

#include "ecg/corpus/corpus.h"
#include "ecg/corpus/labels.h"

namespace ecg {

// Split holds rows of a Labels, in ascending order. No row is in two parts.
struct Split {
  std::vector<int> train;
  std::vector<int> validation;
  std::vector<int> test;
};

// SplitByFold returns the split in which the records of one fold validate, those of another test, and all others train.
inline Split SplitByFold(const Corpus& corpus, const Labels& labels, int validation_fold, int test_fold) {
  Split split;
  for (int row = 0; row < labels.rows(); ++row) {
    const int fold = corpus.records[labels.records[row]].fold;
    (fold == validation_fold ? split.validation : fold == test_fold ? split.test : split.train).push_back(row);
  }
  return split;
}

// KeepRecords returns `split` without the rows whose record (its place in Corpus::records) `keep` answers with false.
template <typename Predicate>
Split KeepRecords(Split split, const Labels& labels, Predicate keep) {
  for (std::vector<int>* rows : {&split.train, &split.validation, &split.test}) {
    std::erase_if(*rows, [&](int row) { return !keep(labels.records[row]); });
  }
  return split;
}

}  // namespace ecg

#endif  // ECG_CORPUS_SPLIT_H_
