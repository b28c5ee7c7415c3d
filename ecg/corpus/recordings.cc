#include "ecg/corpus/recordings.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/label_table.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/split.h"
#include "ecg/corpus/stratified_split.h"
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

// FileIndex finds files by name: the path, the name, or either without extension.
class FileIndex {
 public:
  explicit FileIndex(const std::vector<std::string>& files) {
    for (const std::string& file : files) {
      // The record of a folder with unisens.xml is the folder.
      const fs::path path = fs::path(file).filename() == "unisens.xml" ? fs::path(file).parent_path() : fs::path(file);
      Add(path.string(), 0, file);
      Add(fs::path(path).replace_extension().string(), 1, file);
      Add(path.filename().string(), 2, file);
      Add(path.stem().string(), 3, file);
    }
  }

  // Find returns the file called `name`, relative to the folder.
  absl::StatusOr<std::string> Find(const std::string& name) const {
    const auto found = entries_.find(fs::path(name).lexically_normal().string());
    if (found == entries_.end()) return absl::NotFoundError(absl::StrCat("there is no file \"", name, "\""));
    if (found->second.other.empty()) return found->second.file;
    return absl::InvalidArgumentError(absl::StrCat("two files are called \"", name, "\": ", found->second.file, " and ",
                                                   found->second.other, "; name one by its path"));
  }

 private:
  struct Entry {
    int rank = 0;  // the least is the most exact name
    std::string file, other;
  };

  void Add(const std::string& name, int rank, const std::string& file) {
    const auto [found, is_new] = entries_.try_emplace(name, Entry{rank, file, ""});
    Entry& entry = found->second;
    if (is_new || entry.file == file || rank > entry.rank) return;
    if (rank < entry.rank) {
      entry = {rank, file, ""};
    } else {
      entry.other = file;
    }
  }

  absl::flat_hash_map<std::string, Entry> entries_;
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
  ECG_ASSIGN_OR_RETURN(const LabelTable table, LabelTable::Read(data_dir / spec.table(), spec));
  Recordings recordings;
  recordings.options_ = {.leads = {spec.file_leads().begin(), spec.file_leads().end()},
                         .unit = spec.file_unit(),
                         .sampling_frequency_hz = spec.file_rate_hz()};
  Corpus& corpus = recordings.corpus_;
  corpus.dataset = kName;
  SetOrigin(data_dir, "unknown", corpus);
  // Labels do not change signals, so the table is no index file: signals need not be packed again when it is edited. The
  // record of a WFDB header is its path without extension.
  corpus.record_extensions = {"", ".hea", ".dat", ".mat"};
  corpus.sampling_frequency_hz = spec.sampling_frequency_hz();
  corpus.read_with =
      absl::StrCat(absl::StrJoin(spec.file_leads(), ","), " ", spec.file_unit(), " ", spec.file_rate_hz());
  ECG_RETURN_IF_ERROR(recordings.FindFiles(spec, table));
  ECG_RETURN_IF_ERROR(recordings.MakeLabelsOf(spec, table));
  ECG_RETURN_IF_ERROR(recordings.MakeSplit(spec, table, split));
  return recordings;
}

absl::Status Recordings::FindFiles(const Spec& spec, const LabelTable& table) {
  ECG_ASSIGN_OR_RETURN(std::vector<std::string> files, RecordingFilesBelow(corpus_.data_dir));
  std::erase_if(files, [&](const std::string& file) { return file == spec.table() || file == kSyntheticFile; });
  const FileIndex index(files);
  std::set<std::string> used;
  int missing = 0;
  std::string first_problem;
  for (const LabelRow& row : table.rows()) {
    Record& record = corpus_.records.emplace_back();
    record.id = row.id;
    record.patient_id = row.patient;
    record.fold = row.fold;
    record.statements = row.labels;
    record.age_years = row.age_years;
    absl::StatusOr<std::string> file = index.Find(row.file.empty() ? row.id : row.file);
    std::error_code error;
    if (!file.ok() && !row.file.empty() && fs::exists(corpus_.data_dir / row.file, error)) file = row.file;
    if (!file.ok()) {
      record.path = row.file.empty() ? row.id : row.file;
      record.problem = absl::StrCat(spec.table(), ":", row.line, ": ", file.status().message(), " in ",
                                    corpus_.data_dir.string(), " or below");
      if (missing++ == 0) first_problem = record.problem;
      continue;
    }
    used.insert(*file);
    record.path = *file;
    // The path of a WFDB record is without extension, for its samples to count in the digest of the source.
    const fs::path stem = fs::path(*file).replace_extension();
    if (fs::path(*file).extension() == ".hea" && !fs::exists(corpus_.data_dir / stem, error))
      record.path = stem.string();
  }
  if (missing == static_cast<int>(table.rows().size())) {
    return absl::NotFoundError(absl::StrCat(
        "no record of ", spec.table(), " has a file: ", first_problem, ". The folder has ", files.size(), " files",
        files.empty() ? "" : absl::StrCat(", such as ", files[0]), "; write their names in the column \"",
        table.file_column().empty() ? spec.id_column() : table.file_column(),
        "\", or their paths in a column \"file\""));
  }
  std::erase_if(files, [&](const std::string& file) { return used.contains(file); });
  if (!files.empty()) {
    corpus_.notes.push_back(absl::StrCat(files.size(), files.size() == 1 ? " file is" : " files are", " in no row of ",
                                         spec.table(), ", such as ", files[0]));
  }
  if (table.empty_rows() > 0) {
    corpus_.notes.push_back(
        absl::StrCat(table.empty_rows(), " rows of ", spec.table(), " have no label, and are left out"));
  }
  return absl::OkStatus();
}

absl::Status Recordings::MakeLabelsOf(const Spec& spec, const LabelTable& table) {
  std::vector<std::vector<std::string>> labels;
  std::map<std::string, int> counts;
  for (const LabelRow& row : table.rows()) {
    labels.push_back(row.labels);
    for (const std::string& label : row.labels) ++counts[label];
  }
  std::set<std::string> classes;
  for (const std::string& name : spec.classes()) {
    if (!counts.contains(name)) {
      const auto append = [](std::string* out, const auto& count) { out->append(count.first); };
      return absl::NotFoundError(absl::StrCat("no record of ", spec.table(), " has the label \"", name,
                                              "\"; the labels are ", absl::StrJoin(counts, ", ", append)));
    }
    classes.insert(name);
  }
  const int least = static_cast<int>(spec.min_share() * static_cast<double>(table.rows().size()));
  for (const auto& [label, count] : counts) {
    if (spec.classes().empty() && count > least) classes.insert(label);
  }
  labels_ = KeepRows(MakeLabels(labels, classes, /*with_none=*/true),
                     [&](int record) { return corpus_.records[record].problem.empty(); });
  return absl::OkStatus();
}

absl::Status Recordings::MakeSplit(const Spec& spec, const LabelTable& table, int split) {
  const int folds = static_cast<int>(table.folds().size());
  if (folds > 0) {
    const int splits = table.folds_are_parts() ? 1 : folds / 2;
    if (split > splits) {
      return absl::InvalidArgumentError(absl::StrCat("data.split is ", split, ", but the ", folds, " folds of ",
                                                     spec.table(), " make ", splits,
                                                     splits == 1 ? " split" : " splits"));
    }
    const int test = table.folds_are_parts() ? 3 : folds - 2 * (split - 1);
    split_ = SplitByFold(corpus_, labels_, test - 1, test);
    if (!table.folds_are_parts()) {
      corpus_.notes.push_back(absl::StrCat("fold ", table.folds()[test - 2], " is for validation, fold ",
                                           table.folds()[test - 1], " for the test"));
    }
    return absl::OkStatus();
  }
  const SplitShares shares = {.train = 1 - spec.validation_share() - spec.test_share(),
                              .validation = spec.validation_share(),
                              .test = spec.test_share()};
  if (shares.train <= 0) {
    return absl::InvalidArgumentError(absl::StrCat("recordings.validation_share and test_share are ", shares.validation,
                                                   " and ", shares.test, ", which leaves nothing for training"));
  }
  // Patients are split, each with the labels of all of its records.
  Labels patients = {.classes = labels_.classes, .records = {}, .targets = {}};
  std::vector<std::vector<int>> rows_of;
  std::map<std::string, int> number_of;
  for (int row = 0; row < labels_.rows(); ++row) {
    const Record& record = corpus_.records[labels_.records[row]];
    const auto [found, is_new] =
        number_of.emplace(table.has_patients() ? record.patient_id : record.id, rows_of.size());
    if (is_new) {
      rows_of.emplace_back();
      patients.records.push_back(found->second);
      patients.targets.resize(patients.targets.size() + labels_.classes.size());
    }
    rows_of[found->second].push_back(row);
    for (size_t k = 0; k < labels_.classes.size(); ++k) {
      patients.targets[found->second * labels_.classes.size() + k] |= labels_.row(row)[k];
    }
  }
  const Split of_patients = StratifiedSplit(patients, split, shares);
  for (const auto& [from, to] :
       {std::pair{&of_patients.train, &split_.train}, std::pair{&of_patients.validation, &split_.validation},
        std::pair{&of_patients.test, &split_.test}}) {
    for (const int patient : *from) to->insert(to->end(), rows_of[patient].begin(), rows_of[patient].end());
    std::ranges::sort(*to);
  }
  corpus_.notes.push_back(absl::StrFormat("split at random by %s: %g%% train, %g%% validate, %g%% test, seed %d",
                                          table.has_patients() ? "patient" : "record", 100 * shares.train,
                                          100 * shares.validation, 100 * shares.test, split));
  return absl::OkStatus();
}

absl::StatusOr<Signal> Recordings::ReadSignal(int record) const {
  const std::string& problem = corpus_.records[record].problem;
  if (!problem.empty()) return absl::InvalidArgumentError(problem);
  const fs::path path = corpus_.data_dir / corpus_.records[record].path;
  ECG_ASSIGN_OR_RETURN(const Recording recording, ReadRecording(path, options_));
  absl::StatusOr<TwelveLeads> twelve = TwelveLeadsAt(recording, corpus_.sampling_frequency_hz);
  if (!twelve.ok()) return WithContext(twelve.status(), path.string());
  return std::move(twelve->signal);
}

}  // namespace ecg
