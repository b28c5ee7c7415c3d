// cinc_challenge.h
//
// Corpora in the layout of the PhysioNet/CinC Challenges 2020 and 2021 (Perez Alday et al. 2020,
// doi:10.1088/1361-6579/abc960; Reyna et al. 2021, doi:10.23919/CinC53138.2021.9662687), G12EC among them:
//
//   g1/E00001.hea    a WFDB header, whose comments say who and what was recorded
//   g1/E00001.mat    the samples, 16 bits each behind 24 bytes of MATLAB's
//
//   # Age: 78
//   # Sex: Male
//   # Dx: 67741000119109,426177001        (SNOMED CT codes)
//
//   ECG_ASSIGN_OR_RETURN(G12ec g12ec, G12ec::Open(spec::G12ec(), folder));
//   g12ec.labels().classes;   // 10370003, 111975006, ...
//
// Labels, lengths and splits are those of "In-depth Benchmarking of Deep Neural Network Architectures for ECG
// Diagnosis" (Nonaka and Seita 2021), but for the draws of the split (stratified_split.h), and for samples that are
// marked as missing: there they are zeros, here the record is a bad one.

#ifndef ECG_CORPUS_CINC_CHALLENGE_H_
#define ECG_CORPUS_CINC_CHALLENGE_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/dataset.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/split.h"
#include "ecg/corpus/stratified_split.h"
#include "ecg/file/file.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "ecg/signal/wfdb.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"

namespace ecg {

// ParseDx returns the SNOMED CT codes in the text of a header, in its order; messages call it `name`. "Unknown" is
// none.
inline absl::StatusOr<std::vector<std::string>> ParseDx(absl::string_view text, absl::string_view name) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (!absl::ConsumePrefix(&line, "#")) continue;
    line = absl::StripLeadingAsciiWhitespace(line);
    if (!absl::StartsWithIgnoreCase(line, "Dx:")) continue;
    std::vector<std::string> codes;
    for (absl::string_view code : absl::StrSplit(line.substr(3), ',')) {
      code = absl::StripAsciiWhitespace(code);
      if (code.empty() || absl::EqualsIgnoreCase(code, "Unknown")) continue;
      if (std::find(codes.begin(), codes.end(), code) == codes.end()) codes.emplace_back(code);
    }
    return codes;
  }
  return absl::InvalidArgumentError(
      absl::StrCat(name,
                   ": no line \"#Dx: ...\" with the record's SNOMED CT codes; the folder should hold records of a "
                   "PhysioNet/CinC Challenge"));
}

// PadInFront returns `signal` with `samples` samples, the first of which are 0 mV. A longer one is an error.
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

// CincChallenge is a Dataset: every record below a folder.
class CincChallenge {
 public:
  using Spec = spec::CincChallenge;
  static constexpr char kName[] = "cinc_challenge";
  static constexpr char kDirectoryVariable[] = "ECG_CINC_CHALLENGE_DIR";

  // Open reads every header below `data_dir`. Records are in the order of their names. `split` is the seed of the draw.
  static absl::StatusOr<CincChallenge> Open(const Spec& spec, const std::filesystem::path& data_dir, int split = 1) {
    return Open(spec, data_dir, split, kName);
  }

  // corpus returns all records.
  const Corpus& corpus() const { return corpus_; }
  // labels returns the codes that are predicted. Records that carry none of them are kept, as in the reference.
  const Labels& labels() const { return labels_; }
  // split returns the parts of labels() that train, validate and test.
  const Split& split() const { return split_; }

  // ReadSignal reads the samples of a record, a place in corpus().records.
  absl::StatusOr<Signal> ReadSignal(int record) const {
    const std::filesystem::path path = corpus_.data_dir / corpus_.records[record].path;
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
    SetOrigin(data_dir, "unknown", corpus);
    corpus.record_extensions = {".hea", ".mat", ".dat"};
    corpus.sampling_frequency_hz = spec.sampling_frequency_hz();
    corpus.samples = static_cast<int>(std::lround(spec.record_seconds() * spec.sampling_frequency_hz()));
    ECG_RETURN_IF_ERROR(challenge.ReadHeaders());
    ECG_RETURN_IF_ERROR(challenge.MakeLabelsOf(spec));
    challenge.split_ = StratifiedSplit(challenge.labels_, split);
    return challenge;
  }

 private:
  absl::Status ReadHeaders() {
    using std::filesystem::directory_options;
    const directory_options options =
        directory_options::follow_directory_symlink | directory_options::skip_permission_denied;
    std::error_code error;
    std::map<std::string, std::string> paths;  // without extension, of each name
    for (std::filesystem::recursive_directory_iterator entry(corpus_.data_dir, options, error), end;
         !error && entry != end; entry.increment(error)) {
      if (entry->path().extension() != ".hea") continue;
      const std::string path = entry->path().lexically_relative(corpus_.data_dir).replace_extension().string();
      const auto [other, is_new] = paths.emplace(entry->path().stem().string(), path);
      if (!is_new) {
        return absl::InvalidArgumentError(absl::StrCat("two records of one name below ", corpus_.data_dir.string(),
                                                       ": ", other->second, ".hea and ", path,
                                                       ".hea; name a folder with one "
                                                       "corpus"));
      }
    }
    if (error) {
      return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot read the folder ", corpus_.data_dir.string()));
    }
    if (paths.empty()) {
      return absl::NotFoundError(absl::StrCat("no records in ", corpus_.data_dir.string(),
                                              ": there is no .hea file in it, nor in a folder below it; name the "
                                              "folder that holds them, or get them with `bazel run //cli:download -- ",
                                              corpus_.dataset, " --output_dir=", corpus_.data_dir.string(), "`"));
    }
    for (const auto& [name, path] : paths) {
      const std::string file = (corpus_.data_dir / (path + ".hea")).string();
      ECG_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
      ECG_ASSIGN_OR_RETURN(std::vector<std::string> codes, ParseDx(text, file));
      corpus_.records.push_back(
          {.id = name, .path = path, .patient_id = "", .fold = 0, .statements = std::move(codes)});
    }
    return absl::OkStatus();
  }

  absl::Status MakeLabelsOf(const Spec& spec) {
    std::vector<std::vector<std::string>> statements;
    std::map<std::string, int> counts;
    for (const Record& record : corpus_.records) {
      statements.push_back(record.statements);
      for (const std::string& code : record.statements) ++counts[code];
    }
    std::set<std::string> classes;
    for (const std::string& code : spec.codes()) {
      if (!counts.contains(code)) {
        const auto name = [](std::string* out, const auto& count) { out->append(count.first); };
        return absl::NotFoundError(absl::StrCat("no record in ", corpus_.data_dir.string(), " carries the code \"",
                                                code, "\"; the codes are ", absl::StrJoin(counts, ", ", name)));
      }
      classes.insert(code);
    }
    const int least = static_cast<int>(spec.min_share() * static_cast<double>(corpus_.records.size()));
    for (const auto& [code, count] : counts) {
      if (spec.codes().empty() && count > least) classes.insert(code);
    }
    labels_ = MakeLabels(statements, classes, /*with_none=*/true);
    return absl::OkStatus();
  }

  Corpus corpus_;
  Labels labels_;
  Split split_;
};

// G12ec is a Dataset: the Georgia corpus, all records of which are taken to be 10 seconds long.
class G12ec : public CincChallenge {
 public:
  using Spec = spec::G12ec;
  static constexpr char kName[] = "g12ec";
  static constexpr char kDirectoryVariable[] = "ECG_G12EC_DIR";

  // Open reads every header below `data_dir`. `split` is the seed of the draw.
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

}  // namespace ecg

#endif  // ECG_CORPUS_CINC_CHALLENGE_H_
