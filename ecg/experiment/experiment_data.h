// experiment_data.h
//
// What an experiment reads: the corpus, its labels, its packed signals, and the three parts of the split.
//
//   ECG_ASSIGN_OR_RETURN(const std::unique_ptr<ExperimentData> data, ExperimentData::Open(spec, recipe, cache_dir));
//   data->train().size();

#ifndef ECG_EXPERIMENT_EXPERIMENT_DATA_H_
#define ECG_EXPERIMENT_EXPERIMENT_DATA_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "ecg/batch/batch_source.h"
#include "ecg/batch/device_signals.h"
#include "ecg/batch/split_part.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/dataset.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/records_digest.h"
#include "ecg/corpus/scaler.h"
#include "ecg/corpus/split.h"
#include "ecg/corpus/target_versus_normal.h"
#include "ecg/corpus/text_column.h"
#include "ecg/device/device.h"
#include "ecg/experiment/recipe.h"
#include "ecg/score/named_score.h"
#include "ecg/signal/demographics.h"
#include "ecg/spec/sampling.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/progress.h"
#include "ecg/train/objective.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"

namespace ecg {

// PositivesOf returns how many records of `part` have each class.
inline std::vector<int64_t> PositivesOf(const SplitPart& part) {
  std::vector<int64_t> positives(part.classes());
  for (const int row : part.rows) {
    const TargetRow targets = part.labels->row(row);
    for (size_t k = 0; k < targets.size(); ++k) positives[k] += targets[k];
  }
  return positives;
}

// PretextLabels returns labels of the same records for training without labels: what the network computes itself has
// the place of the classes, and no record has any.
inline Labels PretextLabels(const Labels& labels) {
  Labels pretext = {.classes = {PretextScore::kColumns.begin(), PretextScore::kColumns.end()}};
  for (const int record : labels.records) pretext.Add(record);
  return pretext;
}

// DemographicsOfRecords returns what is known of the patient of each record (Demographics::ToNumbers), [records, 8].
inline std::vector<float> DemographicsOfRecords(const Records& records) {
  std::vector<float> numbers;
  numbers.reserve(records.size() * kDemographicNumbers);
  for (size_t i = 0; i < records.size(); ++i) {
    std::ranges::copy(records.demographics(i).ToNumbers(), std::back_inserter(numbers));
  }
  return numbers;
}

// ExperimentData is all of it. Its parts refer to one another, so it is neither moved nor copied.
class ExperimentData {
 public:
  // Open reads the corpus in the spec's data_dir, and packs its signals where that was not done before. `spec` has its
  // defaults filled in. With `scaler` the signals are standardised with it, and not with that of the training records.
  static absl::StatusOr<std::unique_ptr<ExperimentData>> Open(const spec::Experiment& spec, const Recipe& recipe,
                                                              const std::filesystem::path& cache_dir,
                                                              const Scaler* scaler = nullptr) {
    ECG_ASSIGN_OR_RETURN(std::unique_ptr<AnyDataset> dataset, recipe.open_dataset(spec.data(), spec.data().data_dir()));
    Labels labels = dataset->labels();
    if (spec.data().has_target_versus_normal()) {
      ECG_ASSIGN_OR_RETURN(labels, TargetVersusNormalLabels(labels, spec.data().target_versus_normal()));
    }
    if (spec.training().has_self_supervised()) labels = PretextLabels(labels);
    ECG_ASSIGN_OR_RETURN(PackedSignals signals,
                         PackInCache(*dataset, {.bad_records = spec.data().bad_records()}, cache_dir));
    std::unique_ptr<ExperimentData> data(new ExperimentData(std::move(dataset), std::move(labels), std::move(signals)));
    data->has_labels_ = !spec.training().has_self_supervised();
    ECG_RETURN_IF_ERROR(CheckSampling(spec, data->corpus().sampling_frequency_hz));
    ECG_RETURN_IF_ERROR(data->MakeParts(spec, scaler));
    return data;
  }
  ExperimentData(const ExperimentData&) = delete;
  ExperimentData& operator=(const ExperimentData&) = delete;

  const Corpus& corpus() const { return dataset_->corpus(); }
  const Labels& labels() const { return labels_; }
  const PackedSignals& signals() const { return signals_; }
  const SplitPart& train() const { return train_; }
  const SplitPart& validation() const { return validation_; }
  const SplitPart& test() const { return test_; }
  const Scaler& scaler() const { return train_.scaler; }
  int sampling_frequency_hz() const { return corpus().sampling_frequency_hz; }

  // shared_patients returns how many patients have records in two parts.
  int shared_patients() const { return static_cast<int>(shared_patients_.size()); }

  // CheckPatients refuses a patient with records in two parts of the split, unless `spec` allows it.
  absl::Status CheckPatients(const spec::Experiment& spec) const {
    if (shared_patients_.empty() || spec.data().shared_patients() == spec::Data::ALLOW_SHARED) return absl::OkStatus();
    const SharedPatient& shared = shared_patients_[0];
    const TextColumn& ids = corpus().records.ids();
    return absl::FailedPreconditionError(
        absl::StrCat("patient ", shared.patient_id, " has record ", ids[shared.first_record], " in the ",
                     shared.first_part, " part and record ", ids[shared.second_record], " in the ", shared.second_part,
                     " part of split ", spec.data().split(), " (", WithThousands(shared_patients()),
                     " such patients): the network would be tested on patients that it was trained on. Split by "
                     "patient, or allow it "
                     "with --set=data.shared_patients=ALLOW_SHARED"));
  }

  // Identity returns what tells these records from others.
  run::CorpusIdentity Identity() const {
    run::CorpusIdentity identity;
    identity.set_dataset(corpus().dataset);
    identity.set_data_dir(corpus().data_dir.string());
    identity.set_records(static_cast<int>(corpus().records.size()));
    identity.set_digest(RecordsDigest(signals_));
    return identity;
  }

  // Training returns what a loss may weigh classes by.
  TrainingLabels Training() const { return {labels_.classes, PositivesOf(train_), train_.size()}; }

  // MoveToDevice copies the signals into a CUDA device's memory, where they fit. Segments have at most `samples`.
  void MoveToDevice(const Device& device, int samples) {
    if (on_device_ == nullptr) on_device_ = MakeDeviceSignals(signals_, device.torch, samples);
    for (SplitPart* part : {&train_, &validation_, &test_}) part->on_device = on_device_.get();
  }

  // Summary returns lines about the corpus, its parts, and what signals are standardised with.
  std::string Summary() const {
    std::string text = absl::StrFormat(
        "corpus    %s, %s records at %d Hz, in %s\n"
        "task      %s, %s training, %s validation and %s test records\n"
        "scaling   mean %.6g mV, standard deviation %.6g mV\n",
        CorpusTitle(corpus().dataset, corpus().version), WithThousands(corpus().records.size()),
        sampling_frequency_hz(), corpus().data_dir.string(),
        has_labels_ ? absl::StrCat(labels_.classes.size(), " classes") : "no labels", WithThousands(train_.size()),
        WithThousands(validation_.size()), WithThousands(test_.size()), scaler().mean_mv,
        scaler().standard_deviation_mv);
    if (shared_patients() > 0) {
      absl::StrAppend(&text, "patients  ", WithThousands(shared_patients()),
                      " have records in two parts of the split\n");
    }
    if (corpus().records.patient_ids().characters() == 0) {
      absl::StrAppend(&text, "patients  not stated: each record counts as a patient of its own\n");
    }
    if (!demographics_.empty()) absl::StrAppend(&text, "known     ", KnownOfPatients(), "\n");
    for (const std::string& note : corpus().notes) absl::StrAppend(&text, "note      ", note, "\n");
    for (const int record : signals_.unusable()) {
      absl::StrAppend(&text, "left out  record ", signals_.id(record), ": ", signals_.reason(record), "\n");
    }
    return text;
  }

  // KnownOfPatients says of how many training records the age, ... is known.
  std::string KnownOfPatients() const {
    std::array<int, 4> known = {};
    for (const int record : train_.Records()) {
      const Demographics patient = corpus().records.demographics(record);
      known[0] += patient.age_years.has_value();
      known[1] += !patient.sex.empty();
      known[2] += patient.height_cm.has_value();
      known[3] += patient.weight_kg.has_value();
    }
    const auto share = [&](int count) { return absl::StrFormat("%.0f%%", 100.0 * count / train_.size()); };
    return absl::StrCat("age of ", share(known[0]), ", sex of ", share(known[1]), ", height of ", share(known[2]),
                        " and weight of ", share(known[3]), " of the training records");
  }

  // ClassTable returns how often each class occurs in each part; nothing where labels are ignored.
  std::string ClassTable() const {
    if (!has_labels_) return "";
    size_t width = 5;
    for (const std::string& name : labels_.classes) width = std::max(width, name.size());
    std::string text = absl::StrFormat("%-*s  %8s  %10s  %8s\n", width, "class", "training", "validation", "test");
    const std::vector<int64_t> train = PositivesOf(train_), validation = PositivesOf(validation_),
                               test = PositivesOf(test_);
    for (size_t k = 0; k < labels_.classes.size(); ++k) {
      absl::StrAppendFormat(&text, "%-*s  %8s  %10s  %8s\n", width, labels_.classes[k], WithThousands(train[k]),
                            WithThousands(validation[k]), WithThousands(test[k]));
    }
    return text;
  }

 private:
  ExperimentData(std::unique_ptr<AnyDataset> dataset, Labels labels, PackedSignals signals)
      : dataset_(std::move(dataset)), labels_(std::move(labels)), signals_(std::move(signals)) {}

  absl::Status MakeParts(const spec::Experiment& spec, const Scaler* given) {
    Split split = KeepRecords(dataset_->split(), labels_, [this](int record) { return signals_.usable(record); });
    shared_patients_ = SharedPatients(corpus(), labels_, split);
    if (spec.model().has_demographics()) demographics_ = DemographicsOfRecords(corpus().records);
    const auto part = [&](std::vector<int>& rows, const Scaler& scaler) {
      return SplitPart{.signals = &signals_,
                       .labels = &labels_,
                       .rows = std::move(rows),
                       .scaler = scaler,
                       .demographics = spec.model().has_demographics() ? &demographics_ : nullptr};
    };
    for (const auto& [rows, what] : {std::pair{&split.train, "training"}, std::pair{&split.validation, "validation"},
                                     std::pair{&split.test, "test"}}) {
      if (!rows->empty()) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("there is no ", what, " record of this task and split in ", corpus().data_dir.string()));
    }
    train_ = part(split.train, Scaler());
    Scaler scaler;
    if (given != nullptr) {
      scaler = *given;
    } else if (spec.data().standardise()) {
      ECG_ASSIGN_OR_RETURN(scaler, FitScaler(signals_, train_.Records()));
    }
    train_.scaler = scaler;
    validation_ = part(split.validation, scaler);
    test_ = part(split.test, scaler);
    return absl::OkStatus();
  }

  const std::unique_ptr<AnyDataset> dataset_;
  const Labels labels_;
  const PackedSignals signals_;
  bool has_labels_ = true;
  std::vector<float> demographics_;  // [records, 8]; empty where the network does not read them
  SplitPart train_, validation_, test_;
  std::vector<SharedPatient> shared_patients_;
  std::unique_ptr<DeviceSignals> on_device_;
};

}  // namespace ecg

#endif  // ECG_EXPERIMENT_EXPERIMENT_DATA_H_
