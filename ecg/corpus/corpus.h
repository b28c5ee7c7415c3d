// corpus.h
//
// The records of a corpus, before any signal is read.

#ifndef ECG_CORPUS_CORPUS_H_
#define ECG_CORPUS_CORPUS_H_

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/records.h"

namespace ecg {

// Corpus is a list of records with the same sampling frequency.
struct Corpus {
  // dataset is the name of the corpus, such as "ptbxl".
  std::string dataset;
  // version is the release of the corpus; empty where nothing states it.
  std::string version;
  // synthetic is true for simulated records.
  bool synthetic = false;
  // data_dir is the corpus's folder.
  std::filesystem::path data_dir;
  // index_files are the files in data_dir that list the records, their statements and folds.
  std::vector<std::string> index_files;
  // record_extensions are the extensions of a record's files, such as ".hea" and ".dat"; Record::path comes before
  // them.
  std::vector<std::string> record_extensions;
  // read_with is what else decides how files are read, such as the unit of tables; empty where nothing does.
  std::string read_with = {};
  // notes are what a user should know of the records and their split.
  std::vector<std::string> notes = {};
  // sampling_frequency_hz is the sampling frequency of all leads, in Hz.
  int sampling_frequency_hz = 0;
  // samples is the number of samples per lead; 0 if records differ in length.
  int samples = 0;
  // records are in the order of the source.
  Records records;
};

// CorpusTitle returns the name of a corpus and its version, where it is known: "ptbxl 1.0.3".
inline std::string CorpusTitle(absl::string_view dataset, absl::string_view version) {
  return absl::StrCat(dataset, version.empty() ? "" : " ", version);
}

// kSyntheticFile marks the folder of a synthetic corpus.
inline constexpr char kSyntheticFile[] = "SYNTHETIC.txt";

// SetOrigin sets the folder and the version of `corpus`, and whether it is synthetic.
inline void SetOrigin(const std::filesystem::path& data_dir, std::string version, Corpus& corpus) {
  std::error_code error;
  corpus.data_dir = data_dir;
  corpus.synthetic = std::filesystem::exists(data_dir / kSyntheticFile, error);
  corpus.version = corpus.synthetic ? "synthetic" : std::move(version);
}

}  // namespace ecg

#endif  // ECG_CORPUS_CORPUS_H_
