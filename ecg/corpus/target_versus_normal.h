// target_versus_normal.h
//
// Multi-class labels from multi-label ones: the target statement, else normal, else other.
//
//   spec::TargetVersusNormal question;
//   question.set_statement("AFIB");
//   question.set_normal("NORM");
//   ECG_ASSIGN_OR_RETURN(Labels labels, TargetVersusNormalLabels(ptbxl.labels(), question));
//   labels.classes;  // NORM, AFIB, other

#ifndef ECG_CORPUS_TARGET_VERSUS_NORMAL_H_
#define ECG_CORPUS_TARGET_VERSUS_NORMAL_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/labels.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"

namespace ecg {

// kOtherClass is the class of records with neither statement.
inline constexpr char kOtherClass[] = "other";

// TargetVersusNormalLabels returns one-hot labels with the classes normal, statement, other, in this order. The rows
// are those of `labels`, so a split of them stays valid. As in the reference, a record with both statements counts as
// the target. A code that is not a class of `labels` is an error that lists the classes.
inline absl::StatusOr<Labels> TargetVersusNormalLabels(const Labels& labels, const spec::TargetVersusNormal& question) {
  const auto column_of = [&](absl::string_view field, const std::string& code) -> absl::StatusOr<size_t> {
    const auto found = std::find(labels.classes.begin(), labels.classes.end(), code);
    if (found != labels.classes.end()) return static_cast<size_t>(found - labels.classes.begin());
    return absl::NotFoundError(absl::StrCat("data.target_versus_normal.", field, " is \"", code,
                                            "\", which is no statement of this corpus and task; the statements are ",
                                            absl::StrJoin(labels.classes, ", ")));
  };
  ECG_ASSIGN_OR_RETURN(const size_t statement, column_of("statement", question.statement()));
  ECG_ASSIGN_OR_RETURN(const size_t normal, column_of("normal", question.normal()));
  Labels result = {.classes = {question.normal(), question.statement(), kOtherClass}};
  for (int row = 0; row < labels.rows(); ++row) {
    const bool has_statement = labels.row(row)[statement] != 0;
    const bool is_normal = !has_statement && labels.row(row)[normal] != 0;
    result.Add(labels.records[row], std::array{is_normal, has_statement, !has_statement && !is_normal});
  }
  return result;
}

}  // namespace ecg

#endif  // ECG_CORPUS_TARGET_VERSUS_NORMAL_H_
