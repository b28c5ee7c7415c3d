// records.h
//
// The records of a corpus. They are stored by column, so that ten million of them fit into memory: some 50 bytes each,
// and the characters of their ids and paths.
//
//   Records records;
//   records.Add({.id = "1", .path = "records100/00000/00001_lr", .fold = 3, .statements = {"NORM", "SR"}});
//   records[0].statements;   // NORM, SR
//
// What reads one field of all records takes its column, which makes no copy: records.ids()[i].

#ifndef ECG_CORPUS_RECORDS_H_
#define ECG_CORPUS_RECORDS_H_

#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/text_column.h"
#include "ecg/corpus/text_list_column.h"
#include "ecg/signal/demographics.h"

namespace ecg {

// Record is one ECG of a corpus.
struct Record {
  // id is the record's name in the corpus, such as ecg_id "1" in PTB-XL.
  std::string id = {};
  // path is the path of the record's files, relative to the corpus's folder and without extension.
  std::string path = {};
  // patient_id identifies the patient; empty if the corpus does not state it.
  std::string patient_id = {};
  // fold is the record's fold, from 1; 0 if the corpus has no folds. All records of a patient are in the same fold.
  int fold = 0;
  // statements are the codes of the record, in the order of the source.
  std::vector<std::string> statements = {};
  // demographics is what the corpus states of the patient. PTB-XL has an infinite age for those above 89, which it does
  // not tell.
  Demographics demographics = {};
  // problem is why the record is unusable, if that is known before its signal is read; else empty. Such a record is in
  // no split, and Pack refuses or skips it.
  std::string problem = {};
};

// Records is a list of them.
class Records {
 public:
  // Add appends a record.
  void Add(const Record& record) {
    if (!record.problem.empty()) problems_.emplace(size(), record.problem);
    ids_.Add(record.id);
    paths_.Add(record.path);
    patient_ids_.Add(record.patient_id);
    folds_.push_back(record.fold);
    statements_.Add(record.statements);
    const Demographics& patient = record.demographics;
    patients_.push_back({.age_years = Stored(patient.age_years),
                         .height_cm = Stored(patient.height_cm),
                         .weight_kg = Stored(patient.weight_kg),
                         .sex = patient.sex.empty() ? '\0' : patient.sex[0]});
  }

  size_t size() const { return folds_.size(); }
  bool empty() const { return folds_.empty(); }

  // Record `i` is a copy of its fields.
  Record operator[](size_t i) const {
    return {.id = std::string(ids_[i]),
            .path = std::string(paths_[i]),
            .patient_id = std::string(patient_ids_[i]),
            .fold = folds_[i],
            .statements = statements_[i],
            .demographics = demographics(i),
            .problem = std::string(problem(i))};
  }

  // The fields of all records, as Record describes them.
  const TextColumn& ids() const { return ids_; }
  const TextColumn& paths() const { return paths_; }
  const TextColumn& patient_ids() const { return patient_ids_; }
  int fold(size_t i) const { return folds_[i]; }
  const TextListColumn& statements() const { return statements_; }
  Demographics demographics(size_t i) const {
    const Patient& patient = patients_[i];
    return {.age_years = Stated(patient.age_years),
            .sex = patient.sex == 'm'   ? "male"
                   : patient.sex == 'f' ? "female"
                                        : "",
            .height_cm = Stated(patient.height_cm),
            .weight_kg = Stated(patient.weight_kg)};
  }
  absl::string_view problem(size_t i) const {
    const auto found = problems_.find(i);
    return found == problems_.end() ? absl::string_view() : found->second;
  }

  // SetFold changes the fold of a record.
  void SetFold(size_t i, int fold) { folds_[i] = fold; }

  // SetPaths changes the paths of all records.
  void SetPaths(TextColumn paths) { paths_ = std::move(paths); }

  // SetProblem says why a record is unusable.
  void SetProblem(size_t i, std::string problem) { problems_[i] = std::move(problem); }

 private:
  // Patient is a Demographics in 16 bytes: NaN is what is not stated, and sex an initial.
  struct Patient {
    float age_years, height_cm, weight_kg;
    char sex;
  };
  static float Stored(std::optional<double> number) {
    return static_cast<float>(number.value_or(std::numeric_limits<double>::quiet_NaN()));
  }
  static std::optional<double> Stated(float number) {
    return std::isnan(number) ? std::nullopt : std::optional<double>(number);
  }

  TextColumn ids_, paths_, patient_ids_;
  std::vector<int> folds_;
  TextListColumn statements_;
  std::vector<Patient> patients_;
  absl::flat_hash_map<size_t, std::string> problems_;  // of the unusable ones
};

}  // namespace ecg

#endif  // ECG_CORPUS_RECORDS_H_
