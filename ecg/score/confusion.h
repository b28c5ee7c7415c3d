// confusion.h
//
// Scores of multi-class predictions, where each record has exactly one class: the confusion matrix, and F1 of each
// class.
//
//   ECG_ASSIGN_OR_RETURN(ClassChoices choices, ClassChoices::Create(targets, probabilities, /*classes=*/3));
//   const Confusion confusion(choices);
//   confusion.MacroF1().mean;   // 0.78

#ifndef ECG_SCORE_CONFUSION_H_
#define ECG_SCORE_CONFUSION_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/random/random.h"
#include "ecg/score/bootstrap.h"
#include "ecg/score/f1_score.h"
#include "ecg/score/macro_score.h"
#include "ecg/score/quantile.h"

namespace ecg {

// ClassChoices are the true and the predicted class of each record.
struct ClassChoices {
  int classes = 0;
  std::vector<int> truth;      // [records]
  std::vector<int> predicted;  // [records]: the class of the greatest probability, the first of several

  // Create reads `targets`, 1 at the record's class and else 0, and `probabilities`, both [records, classes] row by
  // row.
  static absl::StatusOr<ClassChoices> Create(std::span<const uint8_t> targets, std::span<const float> probabilities,
                                             int classes) {
    if (classes < 2 || targets.empty() || targets.size() != probabilities.size() || targets.size() % classes != 0) {
      return absl::InvalidArgumentError(absl::StrCat("cannot score ", targets.size(), " targets and ",
                                                     probabilities.size(), " probabilities of ", classes,
                                                     " classes; expected one of each for each record and class"));
    }
    ClassChoices choices;
    choices.classes = classes;
    for (size_t first = 0; first < targets.size(); first += classes) {
      const auto of_record = targets.subspan(first, classes);
      const auto given = probabilities.subspan(first, classes);
      const size_t record = first / classes;
      if (std::accumulate(of_record.begin(), of_record.end(), 0) != 1) {
        return absl::InvalidArgumentError(
            absl::StrCat("record ", record, " does not have exactly one class; in a multi-class task each must"));
      }
      if (std::ranges::any_of(given, [](float probability) { return std::isnan(probability); })) {
        return absl::InvalidArgumentError(absl::StrCat("a prediction for record ", record, " is not a number"));
      }
      choices.truth.push_back(std::ranges::find(of_record, 1) - of_record.begin());
      choices.predicted.push_back(std::ranges::max_element(given) - given.begin());
    }
    return choices;
  }
};

// Confusion is the confusion matrix: how many records of each class were predicted to be of each.
class Confusion {
 public:
  explicit Confusion(const ClassChoices& choices) : Confusion(choices.classes) {
    for (size_t record = 0; record < choices.truth.size(); ++record) Add(choices, record);
  }

  // An empty matrix; Add counts records.
  explicit Confusion(int classes) : classes_(classes), counts_(static_cast<size_t>(classes) * classes) {}

  void Add(const ClassChoices& choices, size_t record) {
    ++counts_[choices.truth[record] * classes_ + choices.predicted[record]];
  }

  int64_t count(int truth, int predicted) const { return counts_[truth * classes_ + predicted]; }

  // F1 returns F1 of one class; none where no record is of it or was predicted to be.
  std::optional<double> F1(int one) const {
    int64_t positives = 0, predicted = 0;
    for (int other = 0; other < classes_; ++other) {
      positives += count(one, other);
      predicted += count(other, one);
    }
    if (positives + predicted == 0) return std::nullopt;
    return F1Score(count(one, one), predicted - count(one, one), positives);
  }

  // MacroF1 returns the mean of F1 over the classes that have one, as scikit-learn's f1_score(average="macro").
  MacroScore MacroF1() const {
    MacroScore score;
    for (int one = 0; one < classes_; ++one) {
      const std::optional<double> f1 = F1(one);
      score.mean += f1.value_or(0);
      score.classes += f1.has_value();
    }
    if (score.classes > 0) score.mean /= score.classes;
    return score;
  }

  // Accuracy returns the fraction of records whose class was predicted.
  double Accuracy() const {
    int64_t right = 0, all = 0;
    for (int one = 0; one < classes_; ++one) right += count(one, one);
    for (const int64_t records : counts_) all += records;
    return all > 0 ? static_cast<double>(right) / all : 0;
  }

 private:
  int classes_;
  std::vector<int64_t> counts_;  // [truth, predicted]
};

// BootstrapMacroF1 returns the interval of macro F1 over resamples of the records, each drawn again, up to a thousand
// times, until every class that the records have is in it, as in the reference.
inline absl::StatusOr<BootstrapInterval> BootstrapMacroF1(const ClassChoices& choices,
                                                          const BootstrapOptions& options = {}) {
  if (options.resamples < 1) {
    return absl::InvalidArgumentError(absl::StrCat("cannot bootstrap with ", options.resamples, " resamples"));
  }
  const auto classes_in = [&](const auto& records) {
    std::vector<char> seen(choices.classes);
    for (const auto record : records) seen[choices.truth[record]] = 1;
    return std::count(seen.begin(), seen.end(), 1);
  };
  std::vector<uint32_t> records(choices.truth.size());
  std::iota(records.begin(), records.end(), 0);
  const auto all_classes = classes_in(records);
  constexpr int kMaxTries = 1000;

  BootstrapInterval interval;
  interval.resamples = options.resamples;
  for (int number = 0; number < options.resamples; ++number) {
    Random random({options.seed, static_cast<uint64_t>(number)});
    bool complete = false;
    for (int tries = 0; tries < kMaxTries && !complete; ++tries) {
      for (uint32_t& record : records) record = random.Below(records.size());
      complete = classes_in(records) == all_classes;
    }
    interval.incomplete_resamples += !complete;
    Confusion confusion(choices.classes);
    for (const uint32_t record : records) confusion.Add(choices, record);
    interval.scores.push_back(confusion.MacroF1().mean);
  }
  interval.mean = std::accumulate(interval.scores.begin(), interval.scores.end(), 0.0) / interval.scores.size();
  interval.low = Quantile(interval.scores, options.low_quantile);
  interval.high = Quantile(interval.scores, options.high_quantile);
  return interval;
}

}  // namespace ecg

#endif  // ECG_SCORE_CONFUSION_H_
