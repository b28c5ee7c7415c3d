// corpus.h
//
// What is known of a set of records before any sample is read.

#ifndef ECG_CORPUS_CORPUS_H_
#define ECG_CORPUS_CORPUS_H_

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace ecg {

// Record is one electrocardiogram of a corpus.
struct Record {
  // id is the record's name in the corpus, such as PTB-XL's ecg_id "1".
  std::string id;
  // path leads from the corpus's folder to the record's files, without their extension.
  std::string path;
  // patient_id is the patient's name in the corpus; empty when it does not say.
  std::string patient_id;
  // fold is the part of the corpus, from 1, that the record belongs to; 0 when the corpus has no folds. A patient's
  // records share a fold.
  int fold = 0;
  // statements are the codes that the record carries, in the order of the source.
  std::vector<std::string> statements;
  // problem is why the record cannot be used, where that is known before its samples are read; else empty. Such a record
  // is in no split, and Pack refuses or skips it.
  std::string problem;
};

// Corpus is a set of records of the same sampling frequency, in a fixed order.
struct Corpus {
  // dataset is the name of the corpus, such as "ptbxl".
  std::string dataset;
  // version is the corpus's own version number, or "unknown".
  std::string version;
  // synthetic is true when the records were computed rather than taken from people.
  bool synthetic = false;
  // data_dir is the folder that the records lie in.
  std::filesystem::path data_dir;
  // index_files are the files, in data_dir, that list the records, their statements and folds.
  std::vector<std::string> index_files;
  // record_extensions are what follows Record::path in the names of a record's files, such as ".hea" and ".dat".
  std::vector<std::string> record_extensions;
  // sampling_frequency_hz is the number of samples in a second of each lead.
  int sampling_frequency_hz = 0;
  // samples is the number of samples of each lead of each record; 0 when records differ in length.
  int samples = 0;
  // records are in the order of the source.
  std::vector<Record> records;
};

// kSyntheticFile marks a folder in the layout of a corpus whose records were computed.
inline constexpr char kSyntheticFile[] = "SYNTHETIC.txt";

// SetOrigin tells `corpus` where its records lie and of which version they are, if they were not computed.
inline void SetOrigin(const std::filesystem::path& data_dir, std::string version, Corpus& corpus) {
  std::error_code error;
  corpus.data_dir = data_dir;
  corpus.synthetic = std::filesystem::exists(data_dir / kSyntheticFile, error);
  corpus.version = corpus.synthetic ? "synthetic" : std::move(version);
}

}  // namespace ecg

#endif  // ECG_CORPUS_CORPUS_H_
