// cinc_challenge.h
//
// Corpora in the layout of the PhysioNet/CinC Challenges 2020 and 2021 (Perez Alday et al. 2020,
// doi:10.1088/1361-6579/abc960; Reyna et al. 2021, doi:10.23919/CinC53138.2021.9662687), G12EC among them:
//
//   g1/E00001.hea    a WFDB header, whose comments give age, sex and diagnoses
//   g1/E00001.mat    int16 samples after a MATLAB header of 24 bytes
//
//   # Age: 78
//   # Sex: Male
//   # Dx: 67741000119109,426177001        (SNOMED CT codes)
//
//   ECG_ASSIGN_OR_RETURN(G12ec g12ec, G12ec::Open(spec::G12ec(), folder));
//   g12ec.labels().classes;   // 10370003, 111975006, ...
//
// Labels, lengths and splits follow "In-depth Benchmarking of Deep Neural Network Architectures for ECG Diagnosis"
// (Nonaka and Seita 2021), with two exceptions: the random numbers of the split (stratified_split.h), and samples
// marked as missing, which are zeros there and make a bad record here.

#ifndef ECG_CORPUS_CINC_CHALLENGE_H_
#define ECG_CORPUS_CINC_CHALLENGE_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/dataset.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/records.h"
#include "ecg/corpus/split.h"
#include "ecg/corpus/stratified_split.h"
#include "ecg/corpus/text_column.h"
#include "ecg/corpus/text_list_column.h"
#include "ecg/file/file.h"
#include "ecg/signal/demographics.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording_fields.h"
#include "ecg/signal/signal.h"
#include "ecg/signal/wfdb.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"

namespace ecg {

// ParseDx returns the SNOMED CT codes of a WFDB header's text, in order; error messages call the file `name`. Codes are
// digits, separated by commas, semicolons or blanks. "Unknown", "NaN" and an empty field give no code; anything else is
// an error, so that no label is lost silently.
inline absl::StatusOr<std::vector<std::string>> ParseDx(absl::string_view text, absl::string_view name) {
  absl::ConsumePrefix(&text, "\xEF\xBB\xBF");
  std::vector<std::string> codes;
  bool found = false;
  int line_number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++line_number;
    line = absl::StripAsciiWhitespace(line);
    if (!absl::ConsumePrefix(&line, "#")) continue;
    const std::pair<absl::string_view, absl::string_view> field = absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (!absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(field.first), "Dx") || !absl::StrContains(line, ':'))
      continue;
    found = true;
    for (const absl::string_view code : absl::StrSplit(field.second, absl::ByAnyChar(",; \t"), absl::SkipEmpty())) {
      if (absl::EqualsIgnoreCase(code, "Unknown") || absl::EqualsIgnoreCase(code, "NaN")) continue;
      if (!std::all_of(code.begin(), code.end(), absl::ascii_isdigit)) {
        return absl::InvalidArgumentError(
            absl::StrCat(name, ":", line_number, ": Dx is \"", absl::StripAsciiWhitespace(field.second), "\", where \"",
                         code, "\" is not a SNOMED CT code; digits are expected, and commas between codes"));
      }
      if (std::find(codes.begin(), codes.end(), code) == codes.end()) codes.emplace_back(code);
    }
  }
  if (found) return codes;
  return absl::InvalidArgumentError(absl::StrCat(name, ": no line \"#Dx: ...\" with the record's SNOMED CT codes"));
}

// ParseHeaderDemographics returns what a WFDB header's text states of the patient, "# Age: 78" and "# Sex: Female".
inline Demographics ParseHeaderDemographics(absl::string_view text) {
  Demographics patient;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (!absl::ConsumePrefix(&line, "#")) continue;
    const std::pair<absl::string_view, absl::string_view> field = absl::StrSplit(line, absl::MaxSplits(':', 1));
    const absl::string_view name = absl::StripAsciiWhitespace(field.first);
    double age = 0;
    if (absl::EqualsIgnoreCase(name, "Sex")) {
      patient.sex = SexFromWord(field.second);
    } else if (absl::EqualsIgnoreCase(name, "Age") && !patient.age_years &&
               absl::SimpleAtod(absl::StripAsciiWhitespace(field.second), &age) && age >= 0 && age <= 130) {
      patient.age_years = age;
    }
  }
  return patient;
}

// PadInFront zero-pads `signal` (0 mV) in front to `samples` samples. A longer signal is an error.
inline absl::StatusOr<Signal> PadInFront(Signal signal, int samples) {
  if (signal.samples == samples) return signal;
  if (signal.samples > samples) {
    return absl::InvalidArgumentError(
        absl::StrCat(signal.samples, " samples, where ", samples, " are the most that are expected"));
  }
  std::vector<int16_t> digital;
  for (int lead = 0; lead < kLeads; ++lead) {
    const int32_t zero = signal.calibration[lead].baseline;
    if (zero != static_cast<int16_t>(zero)) {
      return absl::OutOfRangeError(
          absl::StrCat("lead ", kLeadNames[lead], ": 0 mV is ", zero, ", which does not fit 16 bits"));
    }
    digital.insert(digital.end(), samples - signal.samples, static_cast<int16_t>(zero));
    digital.insert(digital.end(), signal.lead(lead).begin(), signal.lead(lead).end());
  }
  signal.digital = std::move(digital);
  signal.samples = samples;
  return signal;
}

// CincChallenge is a Dataset: all records below a folder.
class CincChallenge {
 public:
  using Spec = spec::CincChallenge;
  static constexpr char kName[] = "cinc_challenge";
  static constexpr char kDirectoryVariable[] = "ECG_CINC_CHALLENGE_DIR";

  // Open reads all headers below `data_dir`. Records are sorted by name. `split` seeds the stratified split.
  static absl::StatusOr<CincChallenge> Open(const Spec& spec, const std::filesystem::path& data_dir, int split = 1) {
    return Open(spec, data_dir, split, kName);
  }

  // corpus returns all records.
  const Corpus& corpus() const { return corpus_; }
  // labels returns the label matrix of the classes. A record without any of them is kept, as in the reference; a record
  // whose header cannot be read is left out.
  const Labels& labels() const { return labels_; }
  // split returns the training, validation and test rows of labels().
  const Split& split() const { return split_; }

  // ReadSignal reads the signal of a record, an index into corpus().records.
  absl::StatusOr<Signal> ReadSignal(int record) const {
    const absl::string_view problem = corpus_.records.problem(record);
    if (!problem.empty()) return absl::InvalidArgumentError(problem);
    const std::filesystem::path path = corpus_.data_dir / std::string(corpus_.records.paths()[record]);
    ECG_ASSIGN_OR_RETURN(Signal signal, ReadWfdb(path));
    if (signal.sampling_frequency_hz != corpus_.sampling_frequency_hz) {
      return absl::InvalidArgumentError(absl::StrCat(path.string(), ".hea: ", signal.sampling_frequency_hz,
                                                     " Hz, where ", corpus_.sampling_frequency_hz, " Hz are expected"));
    }
    if (corpus_.samples == 0) return signal;
    absl::StatusOr<Signal> padded = PadInFront(std::move(signal), corpus_.samples);
    if (!padded.ok()) return WithContext(padded.status(), path.string() + ".hea");
    return padded;
  }

 protected:
  static absl::StatusOr<CincChallenge> Open(const Spec& spec, const std::filesystem::path& data_dir, int split,
                                            absl::string_view name) {
    CincChallenge challenge;
    Corpus& corpus = challenge.corpus_;
    corpus.dataset = std::string(name);
    SetOrigin(data_dir, /*version=*/"", corpus);
    corpus.record_extensions = {".hea", ".mat", ".dat"};
    corpus.sampling_frequency_hz = spec.sampling_frequency_hz();
    corpus.samples = static_cast<int>(std::lround(spec.record_seconds() * spec.sampling_frequency_hz()));
    ECG_RETURN_IF_ERROR(challenge.ReadHeaders());
    ECG_RETURN_IF_ERROR(challenge.MakeLabelsOf(spec));
    challenge.split_ = StratifiedSplit(challenge.labels_, split);
    return challenge;
  }

 private:
  // Headers are the names of records, the paths of their headers without extension, and their places by name.
  struct Headers {
    TextColumn names, paths;
    std::vector<int> by_name;
  };

  // FindHeaders returns all headers below the folder.
  absl::StatusOr<Headers> FindHeaders() const {
    using std::filesystem::directory_options;
    const directory_options options =
        directory_options::follow_directory_symlink | directory_options::skip_permission_denied;
    std::error_code error;
    Headers headers;
    TextIndex known(headers.names);
    for (std::filesystem::recursive_directory_iterator entry(corpus_.data_dir, options, error), end;
         !error && entry != end; entry.increment(error)) {
      // Skip what systems and editors leave behind: macOS's ._E00001.hea and __MACOSX, notebook checkpoints. A record's
      // name starts with a letter or a digit.
      const std::string file = entry->path().filename().string();
      std::error_code ignored;
      const bool is_directory = entry->is_directory(ignored);
      if (file[0] == '.' || file == "__MACOSX") {
        if (is_directory) entry.disable_recursion_pending();
        continue;
      }
      if (is_directory || entry->path().extension() != ".hea") continue;
      const std::string path = entry->path().lexically_relative(corpus_.data_dir).replace_extension().string();
      const int place = static_cast<int>(headers.names.size());
      headers.names.Add(entry->path().stem().string());
      headers.paths.Add(path);
      if (const int other = known.Add(place); other != place) {
        return absl::InvalidArgumentError(absl::StrCat("two records of one name below ", corpus_.data_dir.string(),
                                                       ": ", headers.paths[other], ".hea and ", path,
                                                       ".hea; name a folder with one corpus"));
      }
    }
    if (error) {
      return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot read the folder ", corpus_.data_dir.string()));
    }
    if (headers.names.size() == 0) {
      return absl::NotFoundError(absl::StrCat("no records in ", corpus_.data_dir.string(),
                                              ": there is no .hea file in it, nor in a folder below it; name the "
                                              "folder that holds them, or get them with `bazel run //cli:download -- ",
                                              corpus_.dataset, " --output_dir=", corpus_.data_dir.string(), "`"));
    }
    headers.by_name.resize(headers.names.size());
    std::iota(headers.by_name.begin(), headers.by_name.end(), 0);
    std::sort(headers.by_name.begin(), headers.by_name.end(),
              [&](int a, int b) { return headers.names[a] < headers.names[b]; });
    return headers;
  }

  // ReadHeaders reads the labels and sampling frequencies of all records. A header that cannot be read becomes the
  // record's `problem`, because the spec may skip bad records. It is an error if no header can be read.
  absl::Status ReadHeaders() {
    ECG_ASSIGN_OR_RETURN(const Headers headers, FindHeaders());
    absl::Status first_problem;
    bool any_good = false;
    std::map<int, std::string> file_at_rate;  // a header for each sampling frequency
    for (const int place : headers.by_name) {
      Record record = {.id = std::string(headers.names[place]), .path = std::string(headers.paths[place])};
      const std::string file = (corpus_.data_dir / (record.path + ".hea")).string();
      const absl::StatusOr<std::string> text = ReadFile(file);
      absl::StatusOr<std::vector<std::string>> codes = text.ok() ? ParseDx(*text, file) : text.status();
      if (codes.ok()) {
        record.statements = *std::move(codes);
        record.demographics = ParseHeaderDemographics(*text);
        any_good = true;
        if (const auto header = ParseWfdbHeader(*text, file); header.ok()) {
          file_at_rate.emplace(std::lround(header->sampling_frequency_hz), file);
        }
      } else {
        record.problem = std::string(codes.status().message());
        first_problem.Update(codes.status());
      }
      corpus_.records.Add(record);
    }
    if (!any_good) {
      return absl::Status(first_problem.code(),
                          absl::StrCat("none of the ", headers.names.size(), " headers in ", corpus_.data_dir.string(),
                                       " can be used; the folder should hold records of a PhysioNet/CinC Challenge. "
                                       "The first: ",
                                       first_problem.message()));
    }
    // If every record has another sampling frequency, skipping bad records would not help.
    const int hz = corpus_.sampling_frequency_hz;
    if (file_at_rate.empty() || file_at_rate.contains(hz)) return absl::OkStatus();
    const auto& [other_hz, file] = *file_at_rate.begin();
    return absl::InvalidArgumentError(
        absl::StrCat(corpus_.data_dir.string(), " has no record at ", hz, " Hz: ", file, " has ", other_hz,
                     " Hz; set cinc_challenge { sampling_frequency_hz: ", other_hz,
                     " } (a network that was trained at another rate cannot be tested on this corpus)"));
  }

  absl::Status MakeLabelsOf(const Spec& spec) {
    const TextListColumn& statements = corpus_.records.statements();
    std::vector<int> counts_of(statements.texts().size());
    int good_records = 0;
    for (size_t record = 0; record < statements.size(); ++record) {
      good_records += corpus_.records.problem(record).empty();
      for (const int code : statements.codes(record)) ++counts_of[code];
    }
    std::map<std::string, int> counts;
    for (size_t code = 0; code < counts_of.size(); ++code) counts.emplace(statements.texts()[code], counts_of[code]);
    std::set<std::string> classes;
    for (const std::string& code : spec.codes()) {
      if (!counts.contains(code)) {
        const auto name = [](std::string* out, const auto& count) { out->append(count.first); };
        return absl::NotFoundError(absl::StrCat("no record in ", corpus_.data_dir.string(), " carries the code \"",
                                                code, "\"; the codes are ", absl::StrJoin(counts, ", ", name)));
      }
      classes.insert(code);
    }
    const int least = static_cast<int>(spec.min_share() * good_records);
    for (const auto& [code, count] : counts) {
      if (spec.codes().empty() && count > least) classes.insert(code);
    }
    labels_ = KeepRows(MakeLabels(statements, classes, /*with_none=*/true),
                       [&](int record) { return corpus_.records.problem(record).empty(); });
    return absl::OkStatus();
  }

  Corpus corpus_;
  Labels labels_;
  Split split_;
};

// G12ec is a Dataset: the Georgia corpus, with all records padded to 10 seconds.
class G12ec : public CincChallenge {
 public:
  using Spec = spec::G12ec;
  static constexpr char kName[] = "g12ec";
  static constexpr char kDirectoryVariable[] = "ECG_G12EC_DIR";

  // Open reads all headers below `data_dir`. `split` seeds the stratified split.
  static absl::StatusOr<G12ec> Open(const Spec&, const std::filesystem::path& data_dir, int split = 1) {
    spec::CincChallenge challenge;
    challenge.set_record_seconds(10);
    ECG_ASSIGN_OR_RETURN(CincChallenge opened, CincChallenge::Open(challenge, data_dir, split, kName));
    return G12ec(std::move(opened));
  }

 private:
  explicit G12ec(CincChallenge&& challenge) : CincChallenge(std::move(challenge)) {}
};

static_assert(Dataset<CincChallenge>);
static_assert(Dataset<G12ec>);

// Compiled once, in datasets.cc, rather than in every program.
extern template absl::StatusOr<std::unique_ptr<AnyDataset>> OpenDataset<CincChallenge>(const spec::Data&,
                                                                                       const std::filesystem::path&);
extern template absl::StatusOr<std::unique_ptr<AnyDataset>> OpenDataset<G12ec>(const spec::Data&,
                                                                               const std::filesystem::path&);

}  // namespace ecg

#endif  // ECG_CORPUS_CINC_CHALLENGE_H_
