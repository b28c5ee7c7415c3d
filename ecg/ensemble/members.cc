#include "ecg/ensemble/members.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/run/model_metadata.h"
#include "ecg/run/predictions.h"
#include "ecg/run/run_folder.h"
#include "ecg/run/run_json.h"
#include "ecg/score/mean_of_members.h"
#include "ecg/status/status_macros.h"
#include "proto/run.pb.h"

namespace ecg {
namespace {

absl::StatusOr<Member> ReadMember(const std::filesystem::path& path) {
  Member member = {.folder = RunFolder(path)};
  ECG_ASSIGN_OR_RETURN(member.spec, member.folder.ReadSpecWithClasses());
  ECG_RETURN_IF_ERROR(member.folder.CheckOneNetwork("an ensemble"));
  std::error_code error;
  for (const std::filesystem::path& file : {member.folder.run(), member.folder.model()}) {
    if (std::filesystem::exists(file, error)) continue;
    return absl::FailedPreconditionError(absl::StrCat("the run in ", path.string(), " is not finished: there is no ",
                                                      file.filename().string(), ". Continue it with --resume"));
  }
  ECG_ASSIGN_OR_RETURN(member.run, ReadRun(member.folder.run()));
  ECG_ASSIGN_OR_RETURN(member.model, ModelMetadata::Read(member.folder.model()));
  return member;
}

// ListDifference says where two lists of names differ first.
std::string ListDifference(const std::vector<std::string>& first, const std::vector<std::string>& other,
                           absl::string_view one) {
  const auto [a, b] = std::ranges::mismatch(first, other);
  const size_t number = a - first.begin() + 1;
  const std::string place = absl::StrCat(one, " number ", number);
  if (a == first.end()) return absl::StrCat("the second has ", other.size() - first.size(), " more, from ", *b, " on");
  if (b == other.end()) return absl::StrCat("the first has ", first.size() - other.size(), " more, from ", *a, " on");
  return absl::StrCat(place, " is ", *a, " in the first and ", *b, " in the second");
}

// CheckAlike refuses `other` beside `first`.
absl::Status CheckAlike(const Member& first, const Member& other) {
  const auto differ = [&](absl::string_view what, absl::string_view how) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot average ", first.name(), " and ", other.name(), ", because their ", what, ": ", how));
  };
  std::error_code error;
  if (std::filesystem::equivalent(first.folder.path(), other.folder.path(), error)) {
    return absl::InvalidArgumentError(absl::StrCat(first.name(), " and ", other.name(), " are the same run"));
  }
  if (first.model.classes != other.model.classes) {
    return differ("classes differ", ListDifference(first.model.classes, other.model.classes, "class"));
  }
  if (first.model.leads != other.model.leads) {
    return differ("leads differ", ListDifference(first.model.leads, other.model.leads, "lead"));
  }
  if (first.model.sampling_frequency_hz != other.model.sampling_frequency_hz) {
    return differ("sampling frequencies differ",
                  absl::StrCat(first.model.sampling_frequency_hz, " Hz in the first and ",
                               other.model.sampling_frequency_hz, " Hz in the second"));
  }
  if (first.exclusive() != other.exclusive()) {
    return differ("objectives differ", absl::StrCat("the classes of the ", first.exclusive() ? "first" : "second",
                                                    " exclude each other, and those of the other do not"));
  }
  return absl::OkStatus();
}

// CheckSameCorpus refuses members that were not begun on the records of the first. A run of an older version tells only
// the name of its corpus.
absl::Status CheckSameCorpus(const Member& first, const Member& other) {
  const absl::StatusOr<run::CorpusIdentity> a = first.folder.ReadCorpus(), b = other.folder.ReadCorpus();
  const bool told = a.ok() && b.ok() && a->has_digest() && b->has_digest();
  if (told ? a->digest() == b->digest() : first.run.dataset() == other.run.dataset()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(first.name(), " and ", other.name(), " were not trained on the same corpus"));
}

// Shared returns the predictions in the files `file` of all members.
absl::StatusOr<SharedPredictions> Shared(const std::vector<Member>& members,
                                         std::filesystem::path (RunFolder::*file)() const, absl::string_view part) {
  SharedPredictions shared;
  for (const Member& member : members) {
    const std::filesystem::path path = (member.folder.*file)();
    if (std::error_code error; !std::filesystem::exists(path, error)) {
      return absl::FailedPreconditionError(
          absl::StrCat("there is no ", path.string(), "; --mode=evaluate on the run's own records writes it"));
    }
    ECG_ASSIGN_OR_RETURN(PredictionTable table, ReadPredictions(path));
    ECG_RETURN_IF_ERROR(CheckSameCorpus(members[0], member));
    if (table.classes != member.model.classes) {
      return absl::FailedPreconditionError(absl::StrCat(path.string(), " has other classes than the network"));
    }
    if (shared.probabilities.empty()) {
      shared = {std::move(table.records), std::move(table.classes), std::move(table.targets), {}};
      shared.probabilities.push_back(std::move(table.probabilities));
      continue;
    }
    const auto differ = [&](absl::string_view what) {
      return absl::FailedPreconditionError(
          absl::StrCat(members[0].name(), " and ", member.name(), " do not have the same ", part, " records: ", what));
    };
    std::unordered_map<std::string, size_t> rows;
    for (size_t row = 0; row < table.records.size(); ++row) rows.emplace(table.records[row], row);
    const auto in_common = std::ranges::count_if(shared.records, [&](const auto& id) { return rows.contains(id); });
    if (static_cast<size_t>(in_common) != shared.records.size() || rows.size() != shared.records.size()) {
      return differ(absl::StrCat(
          "the first has ", shared.records.size(), ", the second ", table.records.size(), ", and ", in_common,
          " are in both. A record that only one was tested on may be a training ", "record of the other"));
    }
    const size_t classes = shared.classes.size();
    std::vector<float>& probabilities = shared.probabilities.emplace_back();
    for (size_t record = 0; record < shared.records.size(); ++record) {
      const size_t row = rows.at(shared.records[record]);
      for (size_t k = 0; k < classes; ++k) {
        if (table.targets[row * classes + k] != shared.targets[record * classes + k]) {
          return differ(absl::StrCat("record ", shared.records[record], " has another target of ", shared.classes[k]));
        }
        probabilities.push_back(table.probabilities[row * classes + k]);
      }
    }
  }
  return shared;
}

}  // namespace

absl::StatusOr<std::vector<Member>> ReadMembers(const std::vector<std::filesystem::path>& folders) {
  if (folders.size() < 2) return absl::InvalidArgumentError("an ensemble has two or more members; name their runs");
  std::vector<Member> members;
  for (const std::filesystem::path& folder : folders) {
    ECG_ASSIGN_OR_RETURN(Member member, ReadMember(folder));
    for (const Member& other : members) ECG_RETURN_IF_ERROR(CheckAlike(other, member));
    members.push_back(std::move(member));
  }
  return members;
}

std::vector<float> SharedPredictions::Mean(MembersMean::Of of, bool exclusive) const {
  const std::vector<std::span<const float>> members(probabilities.begin(), probabilities.end());
  return MeanOfMembers(members, {.of = of, .classes = classes.size(), .exclusive = exclusive});
}

absl::StatusOr<SharedPredictions> SharedTestPredictions(const std::vector<Member>& members) {
  return Shared(members, &RunFolder::predictions, "test");
}

absl::StatusOr<SharedPredictions> SharedValidationPredictions(const std::vector<Member>& members) {
  return Shared(members, &RunFolder::validation_predictions, "validation");
}

}  // namespace ecg
