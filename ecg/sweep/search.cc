#include "ecg/sweep/search.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/random/random.h"
#include "ecg/spec/override.h"
#include "ecg/status/status_macros.h"
#include "ecg/sweep/finished_run.h"
#include "ecg/sweep/halving.h"
#include "ecg/sweep/link_file.h"
#include "ecg/sweep/plan.h"
#include "ecg/sweep/search_space.h"
#include "google/protobuf/text_format.h"
#include "proto/sweep.pb.h"

namespace ecg {
namespace {

// Proposals of one setting that are tried before a random one is, and random ones before there is none left.
constexpr int kProposals = 20;
constexpr int kDraws = 1000;

// This many failures without a success are not bad luck.
constexpr size_t kFailures = 3;

// A number for a text, the same on every machine (Fowler, Noll and Vo's hash 1a, 64 bits).
uint64_t NumberOf(absl::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

template <typename Message>
absl::StatusOr<Message> ReadDecision(const std::filesystem::path& path) {
  ECG_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  Message message;
  if (google::protobuf::TextFormat::ParseFromString(text, &message)) return message;
  return absl::DataLossError(
      absl::StrCat(path.string(), " is not a decision of this search; delete the folder of the search to begin anew"));
}

absl::Status WriteDecision(const std::filesystem::path& path, const google::protobuf::Message& message) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(message, &text);
  ECG_RETURN_IF_ERROR(MakeDirectories(path.parent_path()));
  // Where another worker was faster, it has decided.
  return LinkFile(path, text).status();
}

}  // namespace

Search::Search(const spec::Sweep& sweep, const std::vector<SweepExperiment>& experiments, const SweepChanges& changes,
               std::filesystem::path folder)
    : sweep_(sweep),
      experiments_(&experiments),
      changes_(changes),
      folder_(std::move(folder)),
      space_(sweep),
      bracket_size_(BracketSize(sweep.search())),
      rungs_(Rungs(sweep.search())) {
  for (spec::Axis& axis : *sweep_.mutable_axis()) {
    if (axis.has_search()) axis.set_use(spec::Axis::CHOSEN);
  }
}

absl::StatusOr<Search> Search::Create(const spec::Sweep& sweep, const std::vector<SweepExperiment>& experiments,
                                      const SweepChanges& changes, std::filesystem::path folder) {
  Search search(sweep, experiments, changes, std::move(folder));
  ECG_ASSIGN_OR_RETURN(const std::deque<PlannedRun> runs,
                       RunsOfSetting(search.sweep_, experiments, changes, search.space_.Lowest()));
  for (const PlannedRun& run : runs) {
    const std::vector<std::string> values = search.CellOf(run);
    if (std::ranges::count(search.cells_, values, &Cell::values) > 0) continue;
    Cell& cell = search.cells_.emplace_back();
    cell.values = values;
    std::vector<std::string> words;
    for (int a = 0; a < sweep.axis_size(); ++a) {
      if (!values[a].empty()) words.push_back(absl::StrCat(sweep.axis(a).name(), "=", values[a]));
    }
    cell.label = words.empty() ? "all" : absl::StrJoin(words, ",");
  }
  const size_t size = search.bracket_size_, all = search.space_.Count();
  if (all < size) {
    return absl::InvalidArgumentError(absl::StrCat(
        "there are ", all, " settings to search, but a bracket of search.halving has ", size, "; write fewer rungs"));
  }
  search.settings_ = all / size * size;
  if (sweep.search().has_budget_runs()) {
    search.settings_ = std::min(search.settings_, sweep.search().budget_runs() / runs.size() / size * size);
  }
  if (search.settings_ > 0) return search;
  return absl::InvalidArgumentError(absl::StrCat(
      "search.budget_runs is ", sweep.search().budget_runs(), ", but ",
      search.bracket_size_ > 1 ? absl::StrCat("one bracket of ", search.bracket_size_, " settings") : "one setting",
      " in each cell of the table takes ", runs.size() * size, " runs; write at least as many"));
}

std::filesystem::path Search::SettingFile(const Cell& cell, size_t number) const {
  return folder_ / cell.label / absl::StrCat("setting-", number + 1, ".textproto");
}

std::filesystem::path Search::PromotionFile(const Cell& cell, int bracket, int rung) const {
  return folder_ / cell.label / absl::StrCat("promoted-", bracket + 1, "-", rung + 1, ".textproto");
}

std::vector<std::string> Search::CellOf(const PlannedRun& run) const {
  std::vector<std::string> values(sweep_.axis_size());
  for (int a = 0; a < sweep_.axis_size(); ++a) {
    const spec::Axis::Use use = sweep_.axis(a).use();
    if (use == spec::Axis::ROW || use == spec::Axis::COLUMN) values[a] = run.values[a];
  }
  return values;
}

absl::Status Search::Read(Plan& plan) {
  for (size_t c = 0; c < cells_.size(); ++c) ECG_RETURN_IF_ERROR(ReadCell(c, plan));
  return absl::OkStatus();
}

absl::Status Search::ReadCell(size_t c, Plan& plan) {
  const Cell& cell = cells_[c];
  AskServer(folder_ / cell.label);
  while (true) {
    ECG_ASSIGN_OR_RETURN(const bool has_more, ReadSetting(c, plan));
    if (!has_more) break;
  }
  for (size_t bracket = 0; bracket < cell.tried.size() / bracket_size_; ++bracket) {
    for (int rung = 0; rung + 1 < rungs_; ++rung) {
      if (cell.promoted.count({bracket, rung}) > 0) continue;
      ECG_ASSIGN_OR_RETURN(const bool is_decided, ReadPromotion(c, static_cast<int>(bracket), rung, plan));
      if (!is_decided) break;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Search::ReadSetting(size_t c, Plan& plan) {
  Cell& cell = cells_[c];
  const size_t number = cell.tried.size();
  const std::filesystem::path path = SettingFile(cell, number);
  const absl::StatusOr<spec::SearchedSetting> read = ReadDecision<spec::SearchedSetting>(path);
  if (absl::IsNotFound(read.status())) return false;
  ECG_RETURN_IF_ERROR(read.status());
  Setting setting;
  for (const std::string& text : read->value()) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
    const size_t place = setting.size();
    if (place < space_.axes().size() && parts.first == sweep_.axis(space_.axes()[place]).name()) {
      setting.push_back(parts.second);
    }
  }
  if (setting.size() != space_.axes().size() || read->value_size() != static_cast<int>(setting.size())) {
    return absl::FailedPreconditionError(absl::StrCat(path.string(), " has the setting ",
                                                      absl::StrJoin(read->value(), ","),
                                                      ", of a search of other axes; pass another --output_dir"));
  }
  cell.tried.push_back({.setting = std::move(setting), .rungs = {}});
  ECG_RETURN_IF_ERROR(WithContext(AddRuns(c, number, 0, plan), path.string()));
  return true;
}

absl::StatusOr<bool> Search::ReadPromotion(size_t c, int bracket, int rung, Plan& plan) {
  Cell& cell = cells_[c];
  const std::filesystem::path path = PromotionFile(cell, bracket, rung);
  const absl::StatusOr<spec::Promotion> read = ReadDecision<spec::Promotion>(path);
  if (absl::IsNotFound(read.status())) return false;
  ECG_RETURN_IF_ERROR(read.status());
  for (const int number : read->setting()) {
    if (number < 1 || static_cast<size_t>(number) > cell.tried.size() ||
        cell.tried[number - 1].rungs.size() != static_cast<size_t>(rung) + 1) {
      return absl::FailedPreconditionError(absl::StrCat(path.string(), " names the setting ", number,
                                                        ", which is not at this rung; pass another --output_dir"));
    }
    ECG_RETURN_IF_ERROR(WithContext(AddRuns(c, number - 1, rung + 1, plan), path.string()));
  }
  cell.promoted.insert({bracket, rung});
  return true;
}

absl::Status Search::AddRuns(size_t c, size_t setting, int rung, Plan& plan) {
  Tried& tried = cells_[c].tried[setting];
  ECG_ASSIGN_OR_RETURN(std::deque<PlannedRun> runs, RunsOfSetting(sweep_, *experiments_, changes_, tried.setting));
  std::vector<const PlannedRun*>& of_rung = tried.rungs.emplace_back();
  for (PlannedRun& run : runs) {
    if (CellOf(run) != cells_[c].values) continue;
    run.cell = static_cast<int>(c);
    run.setting = static_cast<int>(setting);
    run.rung = rung;
    if (rungs_ > 1) {
      const int epochs = RungEpochs(sweep_.search(), run.spec.training().epochs(), rung);
      if (rung + 1 < rungs_) absl::StrAppend(&run.name, ",epochs=", epochs);
      // Also at the last rung: a run that goes on has its earlier spec.
      run.set.push_back(absl::StrCat("training.epochs=", epochs));
      ECG_RETURN_IF_ERROR(Override(run.spec, run.set.back()));
    }
    if (rung > 0 && !DependsOnEpochs(run.spec)) run.goes_on_from = tried.rungs[rung - 1][of_rung.size()];
    of_rung.push_back(&plan.runs.emplace_back(std::move(run)));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Search::Decide(Plan& plan, const FinishedRuns& finished, bool wants_run) {
  const size_t before = plan.runs.size();
  ECG_RETURN_IF_ERROR(Read(plan));
  for (size_t c = 0; c < cells_.size(); ++c) {
    Cell& cell = cells_[c];
    for (size_t bracket = 0; bracket < cell.tried.size() / bracket_size_; ++bracket) {
      for (int rung = 0; rung + 1 < rungs_; ++rung) {
        const int number = static_cast<int>(bracket);
        if (cell.promoted.count({number, rung}) > 0) continue;
        bool is_done = true;
        for (size_t s = bracket * bracket_size_; s < (bracket + 1) * bracket_size_; ++s) {
          const Tried& tried = cell.tried[s];
          if (tried.rungs.size() > static_cast<size_t>(rung)) is_done &= IsDone(tried.rungs[rung], plan, finished);
        }
        if (!is_done) break;
        ECG_RETURN_IF_ERROR(Promote(c, number, rung, finished));
        ECG_RETURN_IF_ERROR(ReadPromotion(c, number, rung, plan).status());
      }
    }
  }
  const bool only_fails = plan.failed.size() >= kFailures && finished.empty();
  if (wants_run && !only_fails && plan.runs.size() == before) {
    // Cells take turns.
    std::vector<size_t> order(cells_.size());
    for (size_t c = 0; c < order.size(); ++c) order[c] = c;
    std::ranges::stable_sort(order, {}, [&](size_t c) { return cells_[c].tried.size(); });
    for (const size_t c : order) {
      ECG_ASSIGN_OR_RETURN(const bool is_proposed, Propose(c, plan, finished));
      if (!is_proposed) continue;
      ECG_RETURN_IF_ERROR(ReadCell(c, plan));
      break;
    }
  }
  plan.is_open = std::ranges::any_of(cells_, [&](const Cell& cell) {
    return HasBudget(cell, plan, finished) || !AreDone(cell, cell.tried.size(), plan, finished);
  });
  return plan.runs.size() > before;
}

bool Search::GoesOn(const PlannedRun& run) const {
  if (run.rung + 1 >= rungs_ || DependsOnEpochs(run.spec)) return false;
  const Cell& cell = cells_[run.cell];
  if (cell.promoted.count({run.setting / static_cast<int>(bracket_size_), run.rung}) == 0) return true;
  return cell.tried[run.setting].rungs.size() > static_cast<size_t>(run.rung) + 1;
}

std::optional<double> Search::Score(const std::vector<const PlannedRun*>& runs, const FinishedRuns& finished) const {
  double sum = 0;
  for (const PlannedRun* run : runs) {
    const auto found = finished.find(run->name);
    if (found == finished.end()) return std::nullopt;
    sum += found->second.validation_score;
  }
  return sum / static_cast<double>(runs.size());
}

bool Search::IsDone(const std::vector<const PlannedRun*>& runs, const Plan& plan, const FinishedRuns& finished) const {
  return std::ranges::all_of(
      runs, [&](const PlannedRun* run) { return finished.count(run->name) > 0 || plan.failed.count(run->name) > 0; });
}

bool Search::AreDone(const Cell& cell, size_t end, const Plan& plan, const FinishedRuns& finished) const {
  if (end % bracket_size_ != 0 && !cell.is_exhausted) return false;
  for (size_t bracket = 0; bracket < end / bracket_size_; ++bracket) {
    for (int rung = 0; rung + 1 < rungs_; ++rung) {
      if (cell.promoted.count({bracket, rung}) == 0) return false;
    }
  }
  return std::all_of(cell.tried.begin(), cell.tried.begin() + static_cast<std::ptrdiff_t>(end),
                     [&](const Tried& tried) { return IsDone(tried.rungs.back(), plan, finished); });
}

absl::Status Search::Promote(size_t c, int bracket, int rung, const FinishedRuns& finished) const {
  const Cell& cell = cells_[c];
  std::vector<std::pair<double, int>> scores;
  for (size_t s = bracket * bracket_size_; s < (bracket + 1) * bracket_size_; ++s) {
    if (cell.tried[s].rungs.size() <= static_cast<size_t>(rung)) continue;
    const std::optional<double> score = Score(cell.tried[s].rungs[rung], finished);
    if (score) scores.emplace_back(*score, static_cast<int>(s) + 1);
  }
  // The first of several that are equally good.
  std::ranges::stable_sort(scores, std::ranges::greater(), &std::pair<double, int>::first);
  size_t count = bracket_size_;
  for (int below = 0; below <= rung; ++below) count /= sweep_.search().halving().factor();
  spec::Promotion promotion;
  for (size_t i = 0; i < std::min(count, scores.size()); ++i) promotion.add_setting(scores[i].second);
  return WriteDecision(PromotionFile(cell, bracket, rung), promotion);
}

SearchHistory Search::History(const Cell& cell, size_t known, const FinishedRuns& finished) const {
  // A setting that went further was better than all that did not; those at the same rung had the same epochs.
  std::vector<std::tuple<int, double, size_t>> ranked;
  for (size_t s = 0; s < known; ++s) {
    std::tuple<int, double, size_t> key = {-1, 0, s};
    for (size_t rung = 0; rung < cell.tried[s].rungs.size(); ++rung) {
      const std::optional<double> score = Score(cell.tried[s].rungs[rung], finished);
      if (score) key = {static_cast<int>(rung), *score, s};
    }
    ranked.push_back(key);
  }
  std::ranges::stable_sort(ranked, std::ranges::greater(),
                           [](const auto& key) { return std::pair(std::get<0>(key), std::get<1>(key)); });
  SearchHistory history;
  for (const auto& key : ranked) history.ranked.push_back(cell.tried[std::get<2>(key)].setting);
  for (size_t s = known; s < cell.tried.size(); ++s) history.pending.push_back(cell.tried[s].setting);
  return history;
}

bool Search::HasBudget(const Cell& cell, const Plan& plan, const FinishedRuns& finished) const {
  const size_t number = cell.tried.size();
  if (number >= settings_ || cell.is_exhausted) return false;
  // A bracket that was begun is brought to its end.
  if (number % bracket_size_ != 0) return true;
  if (!sweep_.search().has_budget_hours()) return true;
  double seconds = 0;
  for (const PlannedRun& run : plan.runs) {
    const auto found = finished.find(run.name);
    if (found == finished.end()) continue;
    seconds += found->second.seconds;
    // The time of a run that went on includes that of the run before.
    if (run.goes_on_from == nullptr) continue;
    const auto before = finished.find(run.goes_on_from->name);
    if (before != finished.end()) seconds -= before->second.seconds;
  }
  return seconds < sweep_.search().budget_hours() * 3600;
}

absl::StatusOr<bool> Search::Propose(size_t c, const Plan& plan, const FinishedRuns& finished) {
  Cell& cell = cells_[c];
  if (!HasBudget(cell, plan, finished)) return false;
  const spec::Search& search = sweep_.search();
  const size_t number = cell.tried.size(), begin = number / bracket_size_ * bracket_size_;
  const bool is_random =
      search.method() == spec::Search::RANDOM || number < static_cast<size_t>(search.random_settings());
  size_t known = 0;
  if (!is_random && begin + 1 > static_cast<size_t>(search.parallel())) {
    known = (begin + 1 - search.parallel()) / bracket_size_ * bracket_size_;
  }
  // The number of settings in progress is limited for the random ones as well: those that come after them wait for
  // them.
  if (!AreDone(cell, known, plan, finished)) return false;
  const SearchHistory history = History(cell, known, finished);
  for (int attempt = 0; attempt < kProposals + kDraws; ++attempt) {
    Random random({static_cast<uint64_t>(search.seed()), NumberOf(cell.label), number, static_cast<uint64_t>(attempt)});
    Setting setting = is_random || attempt >= kProposals ? space_.Draw(random) : space_.ProposeByTpe(history, random);
    if (std::ranges::count(cell.tried, setting, &Tried::setting) > 0) continue;
    // Values that are right one by one may be wrong together.
    if (!RunsOfSetting(sweep_, *experiments_, changes_, setting).ok()) continue;
    spec::SearchedSetting decision;
    for (size_t i = 0; i < setting.size(); ++i) {
      decision.add_value(absl::StrCat(sweep_.axis(space_.axes()[i]).name(), "=", setting[i]));
    }
    ECG_RETURN_IF_ERROR(WriteDecision(SettingFile(cell, number), decision));
    return true;
  }
  cell.is_exhausted = true;
  return false;
}

}  // namespace ecg
