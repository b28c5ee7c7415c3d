#include "ecg/corpus/joined.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ecg/corpus/built_in_dataset.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/dataset.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/records.h"
#include "ecg/corpus/snomed_ct.h"
#include "ecg/corpus/split.h"
#include "ecg/signal/signal.h"
#include "ecg/spec/field_path.h"
#include "ecg/status/status_macros.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

// OpenPart opens `part` in `folder`.
absl::StatusOr<std::unique_ptr<AnyDataset>> OpenPart(const spec::JoinedPart& part, const std::filesystem::path& folder,
                                                     int split) {
  const google::protobuf::FieldDescriptor* chosen =
      ChosenAlternative(part, part.GetDescriptor()->FindOneofByName("dataset"));
  if (chosen == nullptr) {
    return absl::InvalidArgumentError("it names no dataset; write which layout its folder has, such as ptb_xl {}");
  }
  spec::Data data;
  data.set_split(split);
  // The alternatives are called as in Data.
  data.GetReflection()
      ->MutableMessage(&data, data.GetDescriptor()->FindFieldByName(chosen->name()))
      ->CopyFrom(part.GetReflection()->GetMessage(part, chosen));
  return OpenBuiltInDataset(data, folder);
}

}  // namespace

absl::StatusOr<Joined> Joined::Open(const Spec& spec, const std::filesystem::path& data_dir, int split) {
  if (spec.part_size() == 0) {
    return absl::InvalidArgumentError(
        "data.joined has no part; name the corpora, such as part { folder: \"ptbxl\" ptb_xl {} }");
  }
  Joined joined;
  joined.corpus_.dataset = kName;
  joined.corpus_.data_dir = std::filesystem::absolute(data_dir);
  joined.corpus_.sampling_frequency_hz = spec.sampling_frequency_hz();
  for (int i = 0; i < spec.part_size(); ++i) {
    const absl::Status added = joined.AddPart(spec.part(i), joined.corpus_.data_dir / spec.part(i).folder(), split);
    if (!added.ok()) return WithContext(added, absl::StrCat("data.joined.part[", i, "]"));
  }
  joined.JoinLabels(spec.classes());
  return joined;
}

absl::Status Joined::AddPart(const spec::JoinedPart& part, const std::filesystem::path& folder, int split) {
  if (part.folder().empty()) {
    return absl::InvalidArgumentError(
        "it names no folder; write where the corpus lies, below data_dir, such as "
        "folder: \"ptbxl\"");
  }
  ECG_ASSIGN_OR_RETURN(std::unique_ptr<AnyDataset> dataset, OpenPart(part, folder, split));
  if (dataset->corpus().sampling_frequency_hz != corpus_.sampling_frequency_hz) {
    spec::Preprocessing resampling;
    resampling.set_sampling_frequency_hz(corpus_.sampling_frequency_hz);
    ECG_ASSIGN_OR_RETURN(dataset, Preprocessed(std::move(dataset), resampling));
  }
  const Corpus& added = dataset->corpus();
  const std::filesystem::path normal = folder.lexically_normal();
  const std::string name = (normal.has_filename() ? normal : normal.parent_path()).filename().string();
  for (const Part& other : parts_) {
    if (other.name != name) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("its folder is called ", name, ", as that of a part before it; rename one of them"));
  }
  const bool is_first = parts_.empty();
  parts_.push_back(
      {.name = name, .dataset = std::move(dataset), .first_record = static_cast<int>(corpus_.records.size())});
  for (size_t i = 0; i < added.records.size(); ++i) {
    Record record = added.records[i];
    record.id = absl::StrCat(name, "/", record.id);
    // An absolute path stays what it is when it is appended to data_dir.
    record.path = (added.data_dir / record.path).string();
    if (!record.patient_id.empty()) record.patient_id = absl::StrCat(name, "/", record.patient_id);
    corpus_.records.Add(record);
  }
  absl::StrAppend(&corpus_.version, is_first ? "" : " and ", CorpusTitle(added.dataset, added.version));
  corpus_.synthetic = corpus_.synthetic || added.synthetic;
  corpus_.samples = is_first || corpus_.samples == added.samples ? added.samples : 0;
  for (const std::string& file : added.index_files) {
    corpus_.index_files.push_back((added.data_dir / file).string());
  }
  for (const std::string& extension : added.record_extensions) {
    if (std::ranges::count(corpus_.record_extensions, extension) == 0) corpus_.record_extensions.push_back(extension);
  }
  absl::StrAppend(&corpus_.read_with, is_first ? "" : "\n", added.data_dir.string(), ": ", added.read_with);
  for (const std::string& note : added.notes) corpus_.notes.push_back(absl::StrCat(name, ": ", note));
  return absl::OkStatus();
}

void Joined::JoinLabels(Spec::Classes choice) {
  // What the classes of each part are called in all: a finding that two vocabularies name differently has its first
  // name.
  std::vector<std::vector<std::string>> names_of_parts;
  std::map<std::string, size_t> parts_with;
  std::vector<std::string> known;
  for (const Part& part : parts_) {
    std::vector<std::string> names = part.dataset->labels().classes;
    for (const ClassMatch& match : MatchClasses(known, names)) {
      if (match.first.size() != 1) continue;  // finer in what is known: it is not known which of them is meant
      for (const int k : match.second) names[k] = known[match.first[0]];
    }
    for (const std::string& name : std::set<std::string>(names.begin(), names.end())) {
      if (++parts_with[name] == 1) known.push_back(name);
    }
    names_of_parts.push_back(std::move(names));
  }
  for (const auto& [name, parts] : parts_with) {  // in code-point order
    if (choice == Spec::ALL_CLASSES || parts == parts_.size()) labels_.classes.push_back(name);
  }
  const bool has_likelihoods =
      std::ranges::any_of(parts_, [](const Part& part) { return !part.dataset->labels().likelihoods.empty(); });
  for (size_t p = 0; p < parts_.size(); ++p) {
    const Labels& own = parts_[p].dataset->labels();
    std::vector<std::ptrdiff_t> place_of;  // of each of its classes in all, or beyond
    for (const std::string& name : names_of_parts[p]) {
      place_of.push_back(std::ranges::lower_bound(labels_.classes, name) - labels_.classes.begin());
      const size_t place = place_of.back();
      if (place == labels_.classes.size() || labels_.classes[place] != name) place_of.back() = -1;
    }
    const int first_row = labels_.rows();
    for (int row = 0; row < own.rows(); ++row) {
      labels_.Add(parts_[p].first_record + own.records[row]);
      std::vector<float> likelihoods(labels_.classes.size());
      const std::vector<float> targets = own.training_targets(row);
      for (size_t k = 0; k < place_of.size(); ++k) {
        if (place_of[k] < 0 || own.row(row)[k] == 0) continue;
        labels_.Set(labels_.rows() - 1, place_of[k]);
        likelihoods[place_of[k]] = std::max(likelihoods[place_of[k]], targets[k]);
      }
      if (has_likelihoods) labels_.AddLikelihoods(likelihoods);
    }
    for (const auto& [from, to] :
         {std::pair{&Split::train, &split_.train}, std::pair{&Split::validation, &split_.validation},
          std::pair{&Split::test, &split_.test}}) {
      for (const int row : parts_[p].dataset->split().*from) to->push_back(first_row + row);
    }
    const std::set<std::string> own_names(names_of_parts[p].begin(), names_of_parts[p].end());
    const auto absent =
        std::ranges::count_if(labels_.classes, [&](const std::string& name) { return !own_names.contains(name); });
    if (absent == 0) continue;
    corpus_.notes.push_back(absl::StrCat(parts_[p].name, " has none of ", absent, " of the ", labels_.classes.size(),
                                         " classes, which count as absent in its records"));
  }
}

absl::StatusOr<Signal> Joined::ReadSignal(int record) const {
  const auto after = std::ranges::upper_bound(parts_, record, {}, &Part::first_record);
  const Part& part = *std::prev(after);
  return part.dataset->ReadSignal(record - part.first_record);
}

}  // namespace ecg
