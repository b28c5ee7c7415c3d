#include "ecg/report/run_report.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/any_corpus.h"
#include "ecg/corpus/built_in_dataset.h"
#include "ecg/corpus/cinc_challenge.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/cpsc2018.h"
#include "ecg/corpus/dataset.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/corpus/records.h"
#include "ecg/corpus/scp_statements.h"
#include "ecg/corpus/text_column.h"
#include "ecg/file/csv.h"
#include "ecg/report/comparison.h"
#include "ecg/report/ecg_page.h"
#include "ecg/report/group_scores.h"
#include "ecg/report/html_page.h"
#include "ecg/run/model_metadata.h"
#include "ecg/run/predictions.h"
#include "ecg/run/run_folder.h"
#include "ecg/run/run_json.h"
#include "ecg/score/average_precision.h"
#include "ecg/score/bootstrap.h"
#include "ecg/score/calibration.h"
#include "ecg/score/class_intervals.h"
#include "ecg/score/confusion.h"
#include "ecg/score/curves.h"
#include "ecg/score/f1_score.h"
#include "ecg/score/named_score.h"
#include "ecg/score/ranked_predictions.h"
#include "ecg/score/reliability.h"
#include "ecg/score/roc_auc.h"
#include "ecg/signal/demographics.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "ecg/spec/field_path.h"
#include "ecg/spec/resolve.h"
#include "ecg/spec/sampling.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/progress.h"
#include "nlohmann/json.hpp"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"

namespace ecg {
namespace {

using nlohmann::json;

constexpr size_t kCurvePoints = 100;
// The drawings may take this much of the page, so that all of it stays below 3 MB.
constexpr size_t kDrawingBytes = 2'000'000;

// Report gathers the numbers of one run.
class Report {
 public:
  Report(const std::filesystem::path& folder, const RunReportOptions& options) : folder_(folder), options_(options) {}

  absl::StatusOr<json> Make() {
    ECG_RETURN_IF_ERROR(ReadRunOrSpec());
    data_["title"] = run_.name();
    data_["folder"] = std::filesystem::absolute(folder_.path()).lexically_normal().string();
    data_["finished"] = finished_;
    data_["synthetic"] = run_.synthetic();
    AddFacts();
    AddHistory();
    if (finished_) AddScore();
    AddPredictions();
    data_["spec"] = ToText(run_.spec());
    data_["command"] = Command();
    data_["notes"] = notes_;
    return data_;
  }

 private:
  // ReadRunOrSpec reads run.json; of a run that is not finished, the spec.
  absl::Status ReadRunOrSpec() {
    std::error_code error;
    finished_ = std::filesystem::exists(folder_.run(), error);
    if (finished_) {
      ECG_ASSIGN_OR_RETURN(run_, ReadRun(folder_.run()));
    } else {
      ECG_ASSIGN_OR_RETURN(*run_.mutable_spec(), folder_.ReadSpec());
      const auto* dataset = ChosenDataset(run_.spec().data());
      if (dataset != nullptr) run_.set_dataset(absl::AsciiStrToLower(dataset->GetDescriptor()->name()));
      run_.set_data_dir(run_.spec().data().data_dir());
      if (!run_.data_dir().empty()) {
        run_.set_synthetic(std::filesystem::exists(std::filesystem::path(run_.data_dir()) / kSyntheticFile, error));
      }
      notes_.push_back("This run is not finished: there is no run.json yet, so there are no test results.");
    }
    if (run_.name().empty()) run_.set_name(folder_.path().filename().string());
    return absl::OkStatus();
  }

  void AddFact(absl::string_view name, std::string value) {
    if (!value.empty()) data_["facts"].push_back({std::string(name), std::move(value)});
  }

  static std::string InParts(const run::Parts& parts) {
    if (!parts.has_train()) return absl::StrCat(WithThousands(parts.test()), " tested");
    return absl::StrCat(WithThousands(parts.train()), " training, ", WithThousands(parts.validation()), " validation, ",
                        WithThousands(parts.test()), " test");
  }

  void AddFacts() {
    data_["facts"] = json::array();
    AddFact("Description", run_.spec().description());
    AddFact("Corpus", run_.synthetic() ? absl::StrCat(run_.dataset(), ", synthetic")
                                       : CorpusTitle(run_.dataset(), run_.dataset_version()));
    AddFact("Folder of the corpus", run_.data_dir());
    if (run_.has_records()) AddFact("Records", InParts(run_.records()));
    if (run_.has_classes()) {
      AddFact("Classes", absl::StrCat(run_.classes().total(),
                                      run_.classes().has_train()
                                          ? absl::StrCat(", ", run_.classes().test(), " of them with a test record")
                                          : ""));
    }
    if (run_.left_out_records_size() > 0) {
      AddFact("Records left out", absl::StrCat(run_.left_out_records_size(), ", which could not be read"));
    }
    const spec::Model& model = run_.spec().model();
    const auto* backbone = ChosenAlternative(model, model.GetDescriptor()->FindOneofByName("backbone"));
    AddFact("Network", absl::StrCat(run_.members_size() > 0 ? absl::StrCat(run_.members_size(), " networks")
                                    : backbone == nullptr   ? ""
                                                            : backbone->name(),
                                    run_.has_parameters()
                                        ? absl::StrCat(", ", WithThousands(static_cast<int64_t>(run_.parameters())),
                                                       " trainable parameters")
                                        : ""));
    for (const run::EnsembleMember& member : run_.members()) {
      AddFact("Member",
              absl::StrCat(member.run(),
                           member.has_test_score() ? absl::StrFormat(", test score %.4f", member.test_score()) : ""));
    }
    if (run_.has_initial_weights()) AddFact("Initial weights", run_.initial_weights().file());
    if (run_.has_epochs()) {
      AddFact("Epochs", absl::StrCat(run_.epochs(), ", the weights are those of epoch ", run_.best_epoch()));
    }
    if (run_.has_shared_patients()) {
      AddFact("Patients in two parts", absl::StrCat(run_.shared_patients(), "; the scores are too high by that"));
    }
    if (run_.timing().has_training_seconds()) {
      AddFact("Training", absl::StrCat(Duration(run_.timing().training_seconds()), " on ", run_.device(), ", ",
                                       absl::StrFormat("%.0f", run_.timing().crops_per_second()), " crops/s"));
    }
    if (run_.has_versions()) {
      AddFact("Versions", absl::StrCat("ecg ", run_.versions().ecg(), ", LibTorch ", run_.versions().libtorch()));
    }
  }

  // AddHistory adds the columns of history.csv.
  void AddHistory() {
    const absl::StatusOr<CsvTable> table = CsvTable::Read(folder_.history());
    if (!table.ok()) {
      std::error_code error;
      if (std::filesystem::exists(folder_.history(), error)) Note(table.status());
      return;
    }
    json& columns = data_["history"] = json::object();
    for (size_t column = 0; column < table->header().size(); ++column) {
      json& values = columns[table->header()[column]] = json::array();
      for (int row = 0; row < table->rows(); ++row) {
        double number = 0;
        const bool is_number = absl::SimpleAtod(table->at(row, static_cast<int>(column)), &number);
        values.push_back(is_number ? ForPage(number, 5) : json());
      }
    }
    data_["best_epoch"] = run_.best_epoch();
  }

  BootstrapOptions Bootstrap() const {
    const spec::Bootstrap& bootstrap = run_.spec().evaluation().bootstrap();
    return {.resamples = options_.resamples,
            .seed = static_cast<uint64_t>(run_.spec().runtime().seed()),
            .low_quantile = bootstrap.low_quantile(),
            .high_quantile = bootstrap.high_quantile()};
  }

  void AddScore() {
    const run::Scores& test = run_.test();
    if (run_.has_test_not_scored()) {
      notes_.push_back(absl::StrCat("There is no test score: ", run_.test_not_scored()));
      return;
    }
    const int total = test.per_class_size(), scored = total - test.left_out_classes_size();
    json& score =
        data_["score"] = {{"name", test.score_name()}, {"value", test.score()}, {"scored", scored}, {"classes", total}};
    if (test.has_bootstrap()) {
      score["low"] = test.bootstrap().low();
      score["high"] = test.bootstrap().high();
      score["mean"] = test.bootstrap().mean();
      score["resamples"] = test.bootstrap().resamples();
      score["incomplete"] = test.bootstrap().incomplete_resamples();
    }
    json& others = data_["other_scores"] = json::array();
    const auto add = [&](const char* name, bool present, double value) {
      if (present) others.push_back({name, ForPage(value)});
    };
    add("validation ", run_.validation().has_score(), run_.validation().score());
    if (!others.empty()) others[0][0] = absl::StrCat("validation ", run_.validation().score_name());
    add("macro ROC-AUC", test.has_macro_roc_auc() && test.score_name() != "macro ROC-AUC", test.macro_roc_auc());
    add("macro average precision", test.has_macro_average_precision(), test.macro_average_precision());
    add("macro F1 at Youden thresholds", test.has_macro_f1_youden(), test.macro_f1_youden());
    add("Fmax, sample-centred", test.has_fmax(), test.fmax());
    add("accuracy", test.has_accuracy(), test.accuracy());
    add("loss per record", test.has_loss(), test.loss());
    for (const auto& [name, value] : test.metrics()) add(name.c_str(), true, value);
  }

  void Note(const absl::Status& status) { notes_.emplace_back(status.message()); }

  bool multi_class() const { return run_.spec().training().has_multi_class(); }

  // AddPredictions adds everything that is computed from predictions.csv.
  void AddPredictions() {
    std::error_code error;
    if (!std::filesystem::exists(folder_.predictions(), error)) {
      if (finished_) notes_.push_back("There is no predictions.csv, so there is nothing on classes and records.");
      return;
    }
    absl::StatusOr<PredictionTable> table = ReadPredictions(folder_.predictions());
    if (!table.ok()) return Note(table.status());
    table_ = *std::move(table);
    if (table_.records.empty()) {
      notes_.push_back("predictions.csv has no record.");
      return;
    }
    ReadCalibration();
    const Predictions predictions = {table_.classes, table_.targets, table_.probabilities};
    const absl::StatusOr<RankedPredictions> ranked = Rank(predictions);
    if (!ranked.ok()) return Note(WithContext(ranked.status(), "The predictions cannot be scored"));
    AddQuantiles();
    AddClasses(*ranked);
    AddCalibration();
    AddConfusion();
    OpenCorpus();
    AddGroups(predictions);
    AddWorstRecords();
  }

  void AddQuantiles() {
    data_["low_quantile"] = Bootstrap().low_quantile;
    data_["high_quantile"] = Bootstrap().high_quantile;
    data_["resamples"] = options_.resamples;
    data_["multi_class"] = multi_class();
    data_["test_records"] = table_.records.size();
  }

  // ReadCalibration reads the temperatures and thresholds that were chosen on the validation records.
  void ReadCalibration() {
    thresholds_.assign(table_.classes.size(), 0.5);
    std::error_code error;
    if (!std::filesystem::exists(folder_.model(), error)) return;
    const absl::StatusOr<ModelMetadata> model = ModelMetadata::Read(folder_.model());
    if (!model.ok()) return Note(model.status());
    if (model->classes != table_.classes || model->thresholds.empty() || model->temperatures.empty()) return;
    calibrated_ = true;
    temperatures_ = model->temperatures;
    for (size_t k = 0; k < thresholds_.size(); ++k) thresholds_[k] = model->thresholds[k];
  }

  float probability(size_t record, size_t k) const { return table_.probabilities[record * table_.classes.size() + k]; }
  uint8_t target(size_t record, size_t k) const { return table_.targets[record * table_.classes.size() + k]; }

  double CalibratedProbability(size_t record, size_t k) const {
    return calibrated_ ? Calibrated(probability(record, k), temperatures_[k]) : probability(record, k);
  }

  // OfClass returns targets and probabilities of one class, calibrated where there are temperatures.
  std::pair<std::vector<uint8_t>, std::vector<float>> OfClass(size_t k) const {
    std::pair<std::vector<uint8_t>, std::vector<float>> columns;
    for (size_t record = 0; record < table_.records.size(); ++record) {
      columns.first.push_back(target(record, k));
      columns.second.push_back(static_cast<float>(CalibratedProbability(record, k)));
    }
    return columns;
  }

  // Description returns what a statement of PTB-XL means.
  static std::string Description(absl::string_view code) {
    for (const ScpStatement& statement : kScpStatements) {
      if (statement.code == code) return std::string(statement.description);
    }
    return "";
  }

  static json Curve(const RankedClass& one) {
    json curve = {{"threshold", json::array()},
                  {"sensitivity", json::array()},
                  {"false_positive_rate", json::array()},
                  {"precision", json::array()}};
    for (const CurvePoint& point : CurveOf(one, kCurvePoints)) {
      curve["threshold"].push_back(ForPage(point.threshold, 3));
      curve["sensitivity"].push_back(ForPage(point.sensitivity));
      curve["false_positive_rate"].push_back(ForPage(point.false_positive_rate));
      curve["precision"].push_back(ForPage(point.precision));
    }
    return curve;
  }

  static json Bins(const Reliability& reliability) {
    json bins = json::array();
    for (const ReliabilityBin& bin : reliability.bins) {
      if (bin.predictions == 0) {
        bins.push_back(nullptr);
      } else {
        bins.push_back({bin.predictions, ForPage(bin.probability()), ForPage(bin.frequency())});
      }
    }
    return {{"bins", bins},
            {"ece", ForPage(reliability.expected_calibration_error)},
            {"brier", ForPage(reliability.brier_score)},
            {"predictions", reliability.predictions}};
  }

  void AddClasses(const RankedPredictions& ranked) {
    const std::vector<std::optional<ClassInterval>> intervals = RocAucIntervals(ranked, Bootstrap());
    std::optional<Confusion> confusion;
    const auto choices =
        ClassChoices::Create(table_.targets, table_.probabilities, static_cast<int>(table_.classes.size()));
    if (multi_class() && choices.ok()) confusion.emplace(*choices);
    json& classes = data_["classes"] = json::array();
    for (size_t k = 0; k < table_.classes.size(); ++k) {
      const RankedClass& one = ranked.classes()[k];
      const auto [targets, probabilities] = OfClass(k);
      json row = {{"name", one.name}, {"description", Description(one.name)}, {"positives", one.positives}};
      row["roc_auc"] = ForPage(RocAuc(one));
      row["low"] = intervals[k] ? ForPage(intervals[k]->low) : json();
      row["high"] = intervals[k] ? ForPage(intervals[k]->high) : json();
      row["average_precision"] = ForPage(AveragePrecision(one));
      if (confusion) {
        row["f1"] = ForPage(confusion->F1(static_cast<int>(k)));
      } else {
        row["threshold"] = ForPage(thresholds_[k], 3);
        row["f1"] = std::isnan(thresholds_[k]) ? json() : ForPage(F1AtThreshold(one, thresholds_[k]));
      }
      if (one.scorable()) row["curve"] = Curve(one);
      row["reliability"] = Bins(ReliabilityOf(targets, probabilities));
      classes.push_back(std::move(row));
    }
    data_["thresholds_from_validation"] = calibrated_;
  }

  // AddCalibration adds the reliability of all classes together.
  void AddCalibration() {
    data_["calibration"]["raw"] = Bins(ReliabilityOf(table_.targets, table_.probabilities));
    if (!calibrated_) return;
    std::vector<float> calibrated;
    for (size_t record = 0; record < table_.records.size(); ++record) {
      for (size_t k = 0; k < table_.classes.size(); ++k) {
        calibrated.push_back(static_cast<float>(CalibratedProbability(record, k)));
      }
    }
    data_["calibration"]["calibrated"] = Bins(ReliabilityOf(table_.targets, calibrated));
  }

  // SuperclassOf returns the diagnostic superclass of a class of PTB-XL, which may be a statement, a subclass or a
  // superclass; empty for any other.
  static std::string SuperclassOf(absl::string_view name) {
    for (const auto field :
         {&ScpStatement::code, &ScpStatement::diagnostic_subclass, &ScpStatement::diagnostic_class}) {
      for (const ScpStatement& statement : kScpStatements) {
        if (statement.*field == name) return std::string(statement.diagnostic_class);
      }
    }
    return "";
  }

  // AddConfusion adds which class was taken for which: of a choice among classes, or between superclasses.
  void AddConfusion() {
    if (multi_class()) {
      const auto choices =
          ClassChoices::Create(table_.targets, table_.probabilities, static_cast<int>(table_.classes.size()));
      if (choices.ok()) AddMatrix(table_.classes, *choices, choices->truth.size());
      return;
    }
    std::vector<std::string> of_class, names;
    for (const std::string& name : table_.classes) of_class.push_back(SuperclassOf(name));
    for (const char* name : {"NORM", "MI", "STTC", "CD", "HYP"}) {
      if (std::ranges::count(of_class, name) > 0) names.emplace_back(name);
    }
    if (names.size() < 2) return;
    std::vector<uint8_t> targets;
    std::vector<float> probabilities;
    for (size_t record = 0; record < table_.records.size(); ++record) {
      std::vector<uint8_t> has(names.size());
      std::vector<float> most(names.size());
      for (size_t k = 0; k < of_class.size(); ++k) {
        const auto place = std::ranges::find(names, of_class[k]) - names.begin();
        if (place == static_cast<std::ptrdiff_t>(names.size())) continue;
        has[place] |= target(record, k);
        most[place] = std::max(most[place], static_cast<float>(CalibratedProbability(record, k)));
      }
      // Which superclass was taken for which is defined only where there is one.
      if (std::accumulate(has.begin(), has.end(), 0) != 1) continue;
      targets.insert(targets.end(), has.begin(), has.end());
      probabilities.insert(probabilities.end(), most.begin(), most.end());
    }
    if (targets.empty()) return;
    const auto choices = ClassChoices::Create(targets, probabilities, static_cast<int>(names.size()));
    if (choices.ok()) AddMatrix(names, *choices, choices->truth.size());
  }

  void AddMatrix(const std::vector<std::string>& names, const ClassChoices& choices, size_t records) {
    const Confusion confusion(choices);
    json counts = json::array();
    for (int truth = 0; truth < choices.classes; ++truth) {
      json& row = counts.emplace_back(json::array());
      for (int predicted = 0; predicted < choices.classes; ++predicted)
        row.push_back(confusion.count(truth, predicted));
    }
    data_["confusion"] = {{"names", names},
                          {"counts", counts},
                          {"records", records},
                          {"accuracy", ForPage(confusion.Accuracy())},
                          {"superclasses", !multi_class()}};
  }

  // OpenCorpus opens the corpus in the folder that the run names, if that is still there.
  void OpenCorpus() {
    const std::filesystem::path data_dir = run_.data_dir();
    std::error_code error;
    if (run_.spec().data().has_own() || data_dir.empty()) return;
    if (!std::filesystem::is_directory(data_dir, error)) {
      notes_.push_back(absl::StrCat("The corpus is no longer in ", data_dir.string(),
                                    ": no record is drawn, and nothing is said about sex and age."));
      return;
    }
    absl::StatusOr<std::unique_ptr<AnyDataset>> opened = OpenDatasetIn(data_dir);
    if (!opened.ok()) return Note(WithContext(opened.status(), "No record is drawn"));
    dataset_ = *std::move(opened);
    place_of_.emplace(Records().ids());
    for (size_t i = 0; i < Records().size(); ++i) place_of_->Add(static_cast<int>(i));
  }

  // OpenDatasetIn opens the corpus of the run, with signals as recorded; or the one of an external validation, in
  // whichever layout it has.
  absl::StatusOr<std::unique_ptr<AnyDataset>> OpenDatasetIn(const std::filesystem::path& data_dir) const {
    spec::Data data = run_.spec().data();
    data.clear_preprocessing();
    const absl::string_view layout = LayoutOf(data_dir);
    if ((data.has_ptb_xl() && layout == PtbXl::kName) || (data.has_cpsc2018() && layout == Cpsc2018::kName) ||
        ((data.has_g12ec() || data.has_cinc_challenge()) && layout == CincChallenge::kName) || data.has_recordings() ||
        (data.has_joined() && data_dir == data.data_dir())) {
      return OpenBuiltInDataset(data, data_dir);
    }
    const int stated_hz = StatedSamplingFrequencyHz(data);
    return OpenAnyDataset(data_dir, {.sampling_frequency_hz = stated_hz > 0 ? stated_hz : 500});
  }

  const ecg::Records& Records() const { return dataset_->corpus().records; }

  // PatientOf returns what the corpus states of the patient of a record.
  Demographics PatientOf(const std::string& record) const {
    const std::optional<int> place = place_of_ ? place_of_->Find(record) : std::nullopt;
    return place ? Records().demographics(*place) : Demographics();
  }

  static std::string AgeGroup(const Demographics& patient) {
    if (!patient.age_years) return "";
    const double years = *patient.age_years;
    return years < 40   ? "below 40 years"
           : years < 60 ? "40 to 59 years"
           : years < 80 ? "60 to 79 years"
                        : "80 years and over";
  }

  void AddGroups(const Predictions& predictions) {
    if (dataset_ == nullptr || run_.test().score_name().empty()) return;
    json& groupings = data_["groups"] = json::array();
    for (const bool by_sex : {true, false}) {
      std::vector<std::string> group_of;
      for (const std::string& record : table_.records) {
        const Demographics patient = PatientOf(record);
        group_of.push_back(by_sex ? patient.sex : AgeGroup(patient));
      }
      const auto unknown = std::ranges::count(group_of, "");
      if (unknown == static_cast<std::ptrdiff_t>(group_of.size())) continue;
      absl::StatusOr<std::vector<GroupScore>> groups =
          GroupScores(predictions, group_of, run_.test().score_name(), Bootstrap());
      if (!groups.ok()) return Note(groups.status());
      if (!by_sex) {
        std::ranges::stable_sort(*groups, {}, [](const GroupScore& group) {
          const std::vector<std::string> order = {"below 40 years", "40 to 59 years", "60 to 79 years"};
          return std::ranges::find(order, group.name) - order.begin();
        });
      }
      json rows = json::array();
      for (const GroupScore& group : *groups) rows.push_back(GroupRow(group));
      groupings.push_back({{"name", by_sex ? "Sex" : "Age"}, {"rows", rows}, {"unknown", unknown}});
    }
  }

  static json GroupRow(const GroupScore& group) {
    json row = {{"name", group.name}, {"records", group.records}};
    if (group.sample) {
      row["score"] = ForPage(group.sample->score);
      row["low"] = ForPage(group.sample->interval.low);
      row["high"] = ForPage(group.sample->interval.high);
      row["classes"] = group.sample->classes;
    }
    if (group.against_others) {
      row["difference"] = ForPage(group.against_others->difference);
      row["difference_low"] = ForPage(group.against_others->low);
      row["difference_high"] = ForPage(group.against_others->high);
      row["difference_classes"] = group.against_others->classes;
      row["significant"] = group.against_others->significant();
    }
    return row;
  }

  // CrossEntropy returns how wrong the model is about a record: the negative logarithm of the probability that it gives
  // to the truth.
  double CrossEntropy(size_t record) const {
    double sum = 0;
    for (size_t k = 0; k < table_.classes.size(); ++k) {
      const double given = std::clamp<double>(probability(record, k), 1e-7, 1 - 1e-7);
      if (target(record, k) == 1) {
        sum -= std::log(given);
      } else if (!multi_class()) {
        sum -= std::log1p(-given);
      }
    }
    return sum;
  }

  void AddWorstRecords() {
    std::vector<std::pair<double, size_t>> wrong;
    for (size_t record = 0; record < table_.records.size(); ++record) wrong.emplace_back(CrossEntropy(record), record);
    std::ranges::stable_sort(wrong, [](const auto& a, const auto& b) { return a.first > b.first; });
    wrong.resize(std::min<size_t>(wrong.size(), options_.drawn_records));
    json& records = data_["worst"] = json::array();
    size_t bytes = 0;
    for (const auto& [loss, record] : wrong) {
      json entry = {{"record", table_.records[record]}, {"loss", ForPage(loss)}};
      const Demographics patient = PatientOf(table_.records[record]);
      if (!patient.sex.empty()) entry["sex"] = patient.sex;
      // PTB-XL does not tell ages from 90 on.
      if (patient.age_years) entry["age"] = *patient.age_years >= 90 ? "90 or older" : absl::StrCat(*patient.age_years);
      entry["classes"] = ClassesOf(record);
      if (dataset_ != nullptr) {
        absl::StatusOr<std::string> svg = Draw(table_.records[record]);
        if (!svg.ok()) {
          entry["not_drawn"] = std::string(svg.status().message());
        } else if (bytes + svg->size() <= kDrawingBytes) {
          bytes += svg->size();
          entry["svg"] = *std::move(svg);
        }
      }
      records.push_back(std::move(entry));
    }
  }

  // ClassesOf returns the classes of a record that it has or that the model reports, with their probabilities; at most
  // 10.
  json ClassesOf(size_t record) const {
    std::vector<size_t> shown;
    size_t likeliest = 0;
    for (size_t k = 0; k < table_.classes.size(); ++k) {
      if (probability(record, k) > probability(record, likeliest)) likeliest = k;
    }
    const auto reported = [&](size_t k) {
      return multi_class() ? k == likeliest : probability(record, k) >= thresholds_[k];
    };
    for (size_t k = 0; k < table_.classes.size(); ++k) {
      if (target(record, k) == 1 || reported(k)) shown.push_back(k);
    }
    // Those that it has first, and then the most wrong ones.
    std::ranges::stable_sort(shown, [&](size_t a, size_t b) {
      if (target(record, a) != target(record, b)) return target(record, a) == 1;
      return target(record, a) == 1 ? probability(record, a) < probability(record, b)
                                    : probability(record, a) > probability(record, b);
    });
    shown.resize(std::min<size_t>(shown.size(), 10));
    json classes = json::array();
    for (const size_t k : shown) {
      classes.push_back({{"name", table_.classes[k]},
                         {"description", Description(table_.classes[k])},
                         {"target", target(record, k) == 1},
                         {"reported", reported(k)},
                         {"probability", ForPage(probability(record, k), 3)}});
    }
    return classes;
  }

  // Draw returns the drawing of a record, as SVG.
  absl::StatusOr<std::string> Draw(const std::string& record) const {
    const std::optional<int> place = place_of_->Find(record);
    if (!place) return absl::NotFoundError("the corpus no longer has this record");
    ECG_ASSIGN_OR_RETURN(const Signal signal, dataset_->ReadSignal(*place));
    EcgPage page = {.title = absl::StrCat("Record ", record),
                    .sampling_frequency_hz = static_cast<double>(signal.sampling_frequency_hz)};
    page.lines.push_back(absl::StrCat(run_.dataset(), run_.synthetic() ? ", synthetic" : ""));
    for (int lead = 0; lead < kLeads; ++lead) {
      EcgTrace& trace = page.leads.emplace_back();
      trace.name = std::string(kLeadNames[lead]);
      for (const int16_t sample : signal.lead(lead)) {
        trace.mv.push_back(static_cast<float>(signal.calibration[lead].ToMv(sample)));
      }
    }
    ECG_ASSIGN_OR_RETURN(const std::string svg, DrawEcg({{page}}, EcgDrawingFormat::kSvg));
    return Compact(svg);
  }

  // Compact returns `svg`, as Cairo writes it, with fewer bytes: of numbers, two decimals of glyphs and one of lines, a
  // tenth of a point; and "L", which SVG repeats by itself, once.
  static std::string Compact(const std::string& svg) {
    const size_t lines = svg.rfind("</defs>");
    std::string shorter;
    for (size_t i = 0; i < svg.size(); ++i) {
      const bool in_lines = lines != svg.npos && i > lines;
      if (in_lines && svg.compare(i, 3, " L ") == 0) i += 2;
      shorter.push_back(svg[i]);
      if (svg[i] != '.' || i == 0 || !absl::ascii_isdigit(svg[i - 1])) continue;
      size_t end = i + 1;
      while (end < svg.size() && absl::ascii_isdigit(svg[end])) ++end;
      shorter.append(svg, i + 1, std::min<size_t>(end - i - 1, in_lines ? 1 : 2));
      i = end - 1;
    }
    return shorter;
  }

  // Command returns what to type to repeat the run, or an external validation.
  std::string Command() const {
    const auto quoted = [](const std::string& word) {
      const bool plain = !word.empty() && std::ranges::all_of(word, [](char c) {
        return absl::ascii_isalnum(c) || absl::string_view("/._-+=,:@%").find(c) != absl::string_view::npos;
      });
      if (plain) return word;
      std::string text = "'";
      for (const char c : word) absl::StrAppend(&text, c == '\'' ? "'\\''" : std::string(1, c));
      return text + "'";
    };
    std::string command = absl::StrCat("bazel run //examples:", run_.name(), " --");
    const auto add = [&](const char* flag, const std::string& value) {
      absl::StrAppend(&command, " \\\n    ", flag, "=", quoted(value));
    };
    if (run_.matched_classes_size() > 0) {
      command = "bazel run //cli:validate --";
      add("--model", std::filesystem::absolute(folder_.path()).lexically_normal().parent_path().string());
      add("--data_dir", run_.data_dir());
      return command;
    }
    if (run_.members_size() > 0) {
      command = "bazel run //cli:ensemble --";
      for (const run::EnsembleMember& member : run_.members()) {
        absl::StrAppend(&command, " \\\n    ", quoted(member.run()));
      }
      add("--mean", run_.members_mean());
      add("--output", "FOLDER");
      return command;
    }
    add("--settings", std::filesystem::absolute(folder_.spec()).lexically_normal().string());
    if (!run_.data_dir().empty()) add("--data_dir", run_.data_dir());
    if (run_.has_initial_weights()) add("--initial_weights", run_.initial_weights().file());
    return command;
  }

  const RunFolder folder_;
  const RunReportOptions options_;
  run::Run run_;
  bool finished_ = false;
  PredictionTable table_;
  bool calibrated_ = false;
  std::vector<double> temperatures_, thresholds_;
  std::unique_ptr<AnyDataset> dataset_;  // the corpus, if it is there
  std::optional<TextIndex> place_of_;    // of its records, by id
  std::vector<std::string> notes_;
  json data_;
};

}  // namespace

absl::StatusOr<json> RunReportData(const std::filesystem::path& folder, const RunReportOptions& options) {
  return Report(folder, options).Make();
}

absl::StatusOr<std::string> RunReport(const std::filesystem::path& folder, const RunReportOptions& options) {
  ECG_ASSIGN_OR_RETURN(const json data, RunReportData(folder, options));
  return HtmlPage(data, HtmlPageKind::kRun);
}

}  // namespace ecg
