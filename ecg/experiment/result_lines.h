// result_lines.h
//
// What a program prints of the results of a run.

#ifndef ECG_EXPERIMENT_RESULT_LINES_H_
#define ECG_EXPERIMENT_RESULT_LINES_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "ecg/corpus/corpus.h"
#include "ecg/terminal/progress.h"
#include "proto/run.pb.h"

namespace ecg {

// ResultLine returns the last line of a run.
inline std::string ResultLine(const run::Run& run) {
  const run::Scores& test = run.test();
  if (run.has_test_not_scored()) return absl::StrCat("test not scored: ", run.test_not_scored());
  const int total = test.per_class_size(), scored = total - test.left_out_classes_size();
  return absl::StrFormat("test %s %.4f (bootstrap mean %.4f, %g%% %.4f, %g%% %.4f%s)", test.score_name(), test.score(),
                         test.bootstrap().mean(), 100 * run.spec().evaluation().bootstrap().low_quantile(),
                         test.bootstrap().low(), 100 * run.spec().evaluation().bootstrap().high_quantile(),
                         test.bootstrap().high(),
                         total == 0        ? ""
                         : scored == total ? absl::StrCat("; ", total, " classes")
                                           : absl::StrCat("; ", scored, " of ", total, " classes"));
}

// MatchLines returns a line for each statement that a network was tested on in another corpus.
inline std::string MatchLines(const run::Run& run) {
  std::string lines = absl::StrCat("corpus    ", CorpusTitle(run.dataset(), run.dataset_version()), ", ",
                                   WithThousands(run.records().test()), " records\n");
  for (const run::MatchedClass& match : run.matched_classes()) {
    absl::StrAppend(&lines, "matched   ", match.code(), ": ", absl::StrJoin(match.trained(), ", "), " here, ",
                    absl::StrJoin(match.tested(), ", "), " there\n");
  }
  return lines;
}

}  // namespace ecg

#endif  // ECG_EXPERIMENT_RESULT_LINES_H_
