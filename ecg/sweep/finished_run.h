// finished_run.h
//
// The results of a finished run that the tables of a sweep need.
//
//   ECG_ASSIGN_OR_RETURN(const FinishedRun run, FinishedRun::Read(RunFolder("runs/grid/learning_rate=0.01")));
//   run.validation_score, run.test.score, run.test.interval.low;

#ifndef ECG_SWEEP_FINISHED_RUN_H_
#define ECG_SWEEP_FINISHED_RUN_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ecg/run/predictions.h"
#include "ecg/run/run_folder.h"
#include "ecg/run/run_json.h"
#include "ecg/score/bootstrap.h"
#include "ecg/score/named_score.h"
#include "ecg/status/status_macros.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"

namespace ecg {

// FinishedRun holds the results of one run.
struct FinishedRun {
  std::filesystem::path predictions;  // predictions.csv
  std::string score_name;
  double validation_score = 0;
  // The score of the test records. Resamples are drawn from one seed in all runs, so that runs that were tested on the
  // same records are compared on the same resamples; with the run's own seed, 1 by default, they are those of run.json.
  ScoreSample test;
  // A hash of the test records with their order and labels: equal where two runs were tested on the same.
  size_t test_set = 0;
  BootstrapOptions bootstrap;
  int epochs = 0;
  int best_epoch = 0;
  double seconds = 0;
  bool synthetic = false;
  std::string corpus;    // its message in the spec, such as "PtbXl"
  std::string data_dir;  // the folder of its records
  std::string records;   // their digest, which does not depend on the folder; empty for a run of an older version

  // Read reads the run that `folder` holds.
  static absl::StatusOr<FinishedRun> Read(const RunFolder& folder) {
    ECG_ASSIGN_OR_RETURN(const run::Run run, ReadRun(folder.run()));
    ECG_ASSIGN_OR_RETURN(const PredictionTable table, ReadPredictions(folder.predictions()));
    FinishedRun finished;
    finished.predictions = folder.predictions();
    if (run.has_test_not_scored()) {
      return absl::FailedPreconditionError(absl::StrCat("its test has no score: ", run.test_not_scored()));
    }
    finished.score_name = run.test().score_name();
    finished.validation_score = run.validation().score();
    finished.bootstrap = {.resamples = run.spec().evaluation().bootstrap().resamples(),
                          .seed = 1,
                          .low_quantile = run.spec().evaluation().bootstrap().low_quantile(),
                          .high_quantile = run.spec().evaluation().bootstrap().high_quantile()};
    absl::StatusOr<ScoreSample> test =
        SampleScore(finished.score_name, {table.classes, table.targets, table.probabilities}, finished.bootstrap);
    if (!test.ok()) return WithContext(test.status(), folder.path().string());
    finished.test = *std::move(test);
    finished.test_set = TestSet(table);
    finished.epochs = run.epochs();
    finished.best_epoch = run.best_epoch();
    finished.seconds = run.timing().data_seconds() + run.timing().training_seconds() + run.timing().test_seconds();
    finished.synthetic = run.synthetic();
    finished.corpus = run.dataset();
    finished.data_dir = run.spec().data().data_dir();
    const absl::StatusOr<run::CorpusIdentity> identity = folder.ReadCorpus();
    if (identity.ok()) finished.records = identity->digest();
    return finished;
  }

  // Pool puts the test predictions of `parts`, the splits of a cross-validation, together in their order, and scores
  // them as one. ROC-AUC compares records of the same part only: the probabilities of two networks differ in their
  // calibration, and since a class that is frequent in one part is rare in those that the network was trained on, pooled
  // ones would rank its records too low (Parker et al. 2007, doi:10.1186/1471-2105-8-326; Airola et al. 2011,
  // doi:10.1016/j.csda.2010.11.018). Only what the test needs is set: score_name, test, test_set and bootstrap. Fails
  // where two parts test the same record, or have other classes.
  static absl::StatusOr<FinishedRun> Pool(const std::vector<const FinishedRun*>& parts) {
    PredictionTable all;
    std::vector<uint32_t> networks;
    absl::flat_hash_map<std::string, const FinishedRun*> tested_by;
    for (const FinishedRun* part : parts) {
      const auto cannot = [&](const FinishedRun& other, const auto&... why) {
        return absl::FailedPreconditionError(absl::StrCat("cannot pool ", part->predictions.string(), " with ",
                                                          other.predictions.string(), ": ", why...));
      };
      ECG_ASSIGN_OR_RETURN(const PredictionTable table, ReadPredictions(part->predictions));
      if (part == parts[0]) all.classes = table.classes;
      if (table.classes != all.classes) return cannot(*parts[0], "their classes differ");
      if (part->score_name != parts[0]->score_name) {
        return cannot(*parts[0], "their scores are ", part->score_name, " and ", parts[0]->score_name);
      }
      for (const std::string& record : table.records) {
        const auto [first, is_new] = tested_by.emplace(record, part);
        if (is_new) continue;
        return cannot(*first->second, "both test the record ", record,
                      ". Pool the splits of a cross-validation (data.ptb_xl.cross_validation), and average what else "
                      "is repeated");
      }
      networks.insert(networks.end(), table.records.size(), networks.empty() ? 0 : networks.back() + 1);
      all.records.insert(all.records.end(), table.records.begin(), table.records.end());
      all.targets.insert(all.targets.end(), table.targets.begin(), table.targets.end());
      all.probabilities.insert(all.probabilities.end(), table.probabilities.begin(), table.probabilities.end());
    }
    FinishedRun pooled;
    pooled.score_name = parts[0]->score_name;
    pooled.bootstrap = parts[0]->bootstrap;
    ECG_ASSIGN_OR_RETURN(
        pooled.test,
        SampleScore(pooled.score_name, {all.classes, all.targets, all.probabilities, networks}, pooled.bootstrap));
    pooled.test_set = TestSet(all);
    return pooled;
  }

 private:
  static size_t TestSet(const PredictionTable& table) {
    return std::hash<std::string>()(absl::StrCat(absl::StrJoin(table.records, "\n"), "\n\n",
                                                 absl::StrJoin(table.classes, "\n"), "\n\n",
                                                 std::string(table.targets.begin(), table.targets.end())));
  }
};

// FinishedRuns are finished runs, by their names.
using FinishedRuns = std::map<std::string, FinishedRun>;

}  // namespace ecg

#endif  // ECG_SWEEP_FINISHED_RUN_H_
