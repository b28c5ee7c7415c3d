#include "ecg/corpus/recordings.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/label_table.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/records.h"
#include "ecg/corpus/split.h"
#include "ecg/corpus/stratified_split.h"
#include "ecg/corpus/text_column.h"
#include "ecg/corpus/text_list_column.h"
#include "ecg/signal/read_recording.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_files.h"
#include "ecg/signal/signal.h"
#include "ecg/signal/twelve_leads.h"
#include "ecg/signal/twelve_leads_at.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;

// FileSearch finds files by name: the path, the name, or either without extension. Only what is known of the names that
// are searched for is kept, not an entry for each name of each file.
class FileSearch {
 public:
  // Find returns the file called `name`, which was searched for, relative to the folder.
  absl::StatusOr<std::string> Find(const std::string& name) const {
    const std::optional<int> place = index_.Find(Normal(name));
    const Found found = place ? found_[*place] : Found();
    if (found.file < 0) return absl::NotFoundError(absl::StrCat("there is no file \"", name, "\""));
    if (found.other < 0) return files_[found.file];
    return absl::InvalidArgumentError(absl::StrCat("two files are called \"", name, "\": ", files_[found.file], " and ",
                                                   files_[found.other], "; name one by its path"));
  }

  // FileSearch searches `files`, which must outlive it, for what `name_of(i)` returns for each i below `names`.
  template <typename NameOf>
  FileSearch(const std::vector<std::string>& files, size_t names, NameOf name_of) : files_(files), index_(names_) {
    for (size_t i = 0; i < names; ++i) {
      const std::string name = Normal(name_of(i));
      if (index_.Find(name)) continue;
      names_.Add(name);
      index_.Add(static_cast<int>(names_.size()) - 1);
    }
    found_.resize(names_.size());
    for (size_t i = 0; i < files.size(); ++i) {
      const int file = static_cast<int>(i);
      // The record of a folder with unisens.xml is the folder.
      const fs::path path =
          fs::path(files[i]).filename() == kUnisensHeader ? fs::path(files[i]).parent_path() : fs::path(files[i]);
      Add(path.string(), 0, file);
      Add(fs::path(path).replace_extension().string(), 1, file);
      Add(path.filename().string(), 2, file);
      Add(path.stem().string(), 3, file);
    }
  }
  FileSearch(const FileSearch&) = delete;
  FileSearch& operator=(const FileSearch&) = delete;

 private:
  // The files of a name, as places in files_; none is negative.
  struct Found {
    int rank = 0;  // the least is the most exact name
    int file = -1, other = -1;
  };

  // Normal returns a path without "." and "..". Most have neither, nor other work for lexically_normal, which takes
  // time.
  static std::string Normal(const std::string& name) {
    if (!absl::StartsWith(name, ".") && !absl::StrContains(name, "/.") && !absl::StrContains(name, "//")) return name;
    return fs::path(name).lexically_normal().string();
  }

  void Add(const std::string& name, int rank, int file) {
    const std::optional<int> place = index_.Find(name);
    if (!place) return;
    Found& found = found_[*place];
    if (found.file < 0 || rank < found.rank) {
      found = {rank, file, -1};
    } else if (found.file != file && rank == found.rank) {
      found.other = file;
    }
  }

  const std::vector<std::string>& files_;
  TextColumn names_;
  TextIndex index_;
  std::vector<Found> found_;  // of each of names_
};

}  // namespace

bool Recordings::IsIn(const fs::path& folder) {
  std::error_code error;
  return fs::is_regular_file(folder / Spec().table(), error);
}

absl::StatusOr<Recordings> Recordings::Open(const Spec& spec, const fs::path& data_dir, int split) {
  std::error_code error;
  if (!fs::is_regular_file(data_dir / spec.table(), error)) {
    return absl::NotFoundError(
        absl::StrCat("no table of labels in ", data_dir.string(), ": there is no file ", spec.table(),
                     " in it; name the folder that holds it, or the table with recordings { table: "
                     "\"...\" }"));
  }
  ECG_ASSIGN_OR_RETURN(LabelTable table, LabelTable::Read(data_dir / spec.table(), spec));
  Recordings recordings;
  recordings.options_ = {.leads = {spec.file_leads().begin(), spec.file_leads().end()},
                         .unit = spec.file_unit(),
                         .sampling_frequency_hz = spec.file_rate_hz()};
  Corpus& corpus = recordings.corpus_;
  corpus.dataset = kName;
  SetOrigin(data_dir, /*version=*/"", corpus);
  // Labels do not change signals, so the table is no index file: signals need not be packed again when it is edited.
  // The record of a WFDB header is its path without extension.
  corpus.record_extensions = {"", ".hea", ".dat", ".mat"};
  corpus.sampling_frequency_hz = spec.sampling_frequency_hz();
  corpus.read_with =
      absl::StrCat(absl::StrJoin(spec.file_leads(), ","), " ", spec.file_unit(), " ", spec.file_rate_hz());
  corpus.records = table.TakeRecords();
  ECG_RETURN_IF_ERROR(recordings.FindFiles(spec, table));
  ECG_RETURN_IF_ERROR(recordings.MakeLabelsOf(spec));
  ECG_RETURN_IF_ERROR(recordings.MakeSplit(spec, table, split));
  return recordings;
}

absl::Status Recordings::FindFiles(const Spec& spec, const LabelTable& table) {
  ECG_ASSIGN_OR_RETURN(std::vector<std::string> files, RecordingFilesBelow(corpus_.data_dir));
  std::erase_if(files, [&](const std::string& file) { return file == spec.table() || file == kSyntheticFile; });
  Records& records = corpus_.records;
  // Searches for what the table calls the file of a record, else for the record's name.
  const auto name_of = [&records](size_t record) {
    return std::string(records.paths()[record].empty() ? records.ids()[record] : records.paths()[record]);
  };
  const FileSearch search(files, records.size(), name_of);
  TextColumn paths;
  std::vector<bool> is_used(files.size());
  size_t missing = 0;
  std::string first_problem;
  for (size_t record = 0; record < records.size(); ++record) {
    const std::string name = name_of(record);
    absl::StatusOr<std::string> file = search.Find(name);
    std::error_code error;
    if (!file.ok() && !records.paths()[record].empty() && fs::exists(corpus_.data_dir / name, error)) file = name;
    if (!file.ok()) {
      paths.Add(name);
      std::string problem = absl::StrCat(spec.table(), ":", table.line(record), ": ", file.status().message(), " in ",
                                         corpus_.data_dir.string(), " or below");
      if (missing++ == 0) first_problem = problem;
      records.SetProblem(record, std::move(problem));
      continue;
    }
    const auto used = std::ranges::lower_bound(files, *file);
    if (used != files.end() && *used == *file) is_used[used - files.begin()] = true;
    // The path of a WFDB record is without extension, for its samples to count in the digest of the source.
    const fs::path stem = fs::path(*file).replace_extension();
    const bool is_wfdb = fs::path(*file).extension() == ".hea" && !fs::exists(corpus_.data_dir / stem, error);
    paths.Add(is_wfdb ? stem.string() : *file);
  }
  records.SetPaths(std::move(paths));
  if (missing == records.size()) {
    return absl::NotFoundError(absl::StrCat(
        "no record of ", spec.table(), " has a file: ", first_problem, ". The folder has ", files.size(), " files",
        files.empty() ? "" : absl::StrCat(", such as ", files[0]), "; write their names in the column \"",
        table.file_column().empty() ? spec.id_column() : table.file_column(),
        "\", or their paths in a column \"file\""));
  }
  const auto unused = std::ranges::count(is_used, false);
  if (unused > 0) {
    const auto first = std::ranges::find(is_used, false) - is_used.begin();
    corpus_.notes.push_back(absl::StrCat(unused, unused == 1 ? " file is" : " files are", " in no row of ",
                                         spec.table(), ", such as ", files[first]));
  }
  if (table.empty_rows() > 0) {
    corpus_.notes.push_back(
        absl::StrCat(table.empty_rows(), " rows of ", spec.table(), " have no label, and are left out"));
  }
  if (table.unknown_sexes() > 0) {
    corpus_.notes.push_back(absl::StrCat("the sex in ", table.unknown_sexes(), " rows of ", spec.table(),
                                         " is neither female nor male, and counts as unknown"));
  }
  return absl::OkStatus();
}

absl::Status Recordings::MakeLabelsOf(const Spec& spec) {
  const TextListColumn& labels = corpus_.records.statements();
  std::map<std::string, int> counts;
  std::vector<int> counts_of(labels.texts().size());
  for (size_t record = 0; record < labels.size(); ++record) {
    for (const int label : labels.codes(record)) ++counts_of[label];
  }
  for (size_t label = 0; label < counts_of.size(); ++label) counts.emplace(labels.texts()[label], counts_of[label]);
  std::set<std::string> classes;
  for (const std::string& name : spec.classes()) {
    if (!counts.contains(name)) {
      const auto append = [](std::string* out, const auto& count) { out->append(count.first); };
      return absl::NotFoundError(absl::StrCat("no record of ", spec.table(), " has the label \"", name,
                                              "\"; the labels are ", absl::StrJoin(counts, ", ", append)));
    }
    classes.insert(name);
  }
  const int least = static_cast<int>(spec.min_share() * static_cast<double>(labels.size()));
  for (const auto& [label, count] : counts) {
    if (spec.classes().empty() && count > least) classes.insert(label);
  }
  labels_ = KeepRows(MakeLabels(labels, classes, /*with_none=*/true),
                     [&](int record) { return corpus_.records.problem(record).empty(); });
  return absl::OkStatus();
}

absl::Status Recordings::MakeSplit(const Spec& spec, const LabelTable& table, int split) {
  const int folds = static_cast<int>(table.folds().size());
  if (folds > 0) {
    // The parts are three folds of one split.
    if (table.folds_are_parts() && spec.cross_validation() > 0) {
      return absl::InvalidArgumentError(absl::StrCat("recordings.cross_validation is ", spec.cross_validation(),
                                                     ", but ", spec.table(),
                                                     " has train, validation and test as its folds, not numbers"));
    }
    const absl::StatusOr<HeldOutFolds> held_out = HoldOutFolds(folds, spec.cross_validation(), split);
    if (!held_out.ok()) return WithContext(held_out.status(), spec.table());
    split_ = SplitByFold(corpus_, labels_, *held_out);
    if (!table.folds_are_parts()) {
      const auto name = [&](int fold) { return table.folds()[fold - 1]; };
      corpus_.notes.push_back(
          absl::StrCat("fold ", name(held_out->validation), " is for validation, ",
                       held_out->first_test == held_out->last_test
                           ? absl::StrCat("fold ", name(held_out->last_test))
                           : absl::StrCat("folds ", name(held_out->first_test), " to ", name(held_out->last_test)),
                       " for the test"));
    }
    return absl::OkStatus();
  }
  if (spec.cross_validation() > 0) {
    return absl::InvalidArgumentError(absl::StrCat("recordings.cross_validation is ", spec.cross_validation(), ", but ",
                                                   spec.table(), " has no folds; give it a column of them"));
  }
  const SplitShares shares = {.train = 1 - spec.validation_share() - spec.test_share(),
                              .validation = spec.validation_share(),
                              .test = spec.test_share()};
  if (shares.train <= 0) {
    return absl::InvalidArgumentError(absl::StrCat("recordings.validation_share and test_share are ", shares.validation,
                                                   " and ", shares.test, ", which leaves nothing for training"));
  }
  // Patients are split, each with the labels of all of its records.
  const TextColumn& names = table.has_patients() ? corpus_.records.patient_ids() : corpus_.records.ids();
  Labels patients = {.classes = labels_.classes};
  TextIndex first_of(names);
  std::vector<int> patient_of(corpus_.records.size());  // of the first record of each patient
  for (int row = 0; row < labels_.rows(); ++row) {
    const int record = labels_.records[row], first = first_of.Add(record);
    if (first == record) {
      patient_of[record] = patients.rows();
      patients.Add(patients.rows());
    }
    const TargetRow targets = labels_.row(row);
    for (size_t k = 0; k < targets.size(); ++k) {
      if (targets[k] != 0) patients.Set(patient_of[first], k);
    }
  }
  const Split of_patients = StratifiedSplit(patients, split, shares);
  std::vector<std::vector<int>*> part_of(patients.rows());
  for (const auto& [from, to] :
       {std::pair{&of_patients.train, &split_.train}, std::pair{&of_patients.validation, &split_.validation},
        std::pair{&of_patients.test, &split_.test}}) {
    for (const int patient : *from) part_of[patient] = to;
  }
  for (int row = 0; row < labels_.rows(); ++row) {
    part_of[patient_of[first_of.Add(labels_.records[row])]]->push_back(row);
  }
  corpus_.notes.push_back(absl::StrFormat("split at random by %s: %g%% train, %g%% validate, %g%% test, seed %d",
                                          table.has_patients() ? "patient" : "record", 100 * shares.train,
                                          100 * shares.validation, 100 * shares.test, split));
  return absl::OkStatus();
}

absl::StatusOr<Signal> Recordings::ReadSignal(int record) const {
  const absl::string_view problem = corpus_.records.problem(record);
  if (!problem.empty()) return absl::InvalidArgumentError(problem);
  const fs::path path = corpus_.data_dir / std::string(corpus_.records.paths()[record]);
  ECG_ASSIGN_OR_RETURN(const Recording recording, ReadRecording(path, options_));
  absl::StatusOr<TwelveLeads> twelve = TwelveLeadsAt(recording, corpus_.sampling_frequency_hz);
  if (!twelve.ok()) return WithContext(twelve.status(), path.string());
  return std::move(twelve->signal);
}

}  // namespace ecg
