// corpus_source.h
//
// Where the corpora are published. Another version or corpus is another row.
//
//   ECG_ASSIGN_OR_RETURN(const CorpusSource source, FindCorpusSource("ptbxl", "1.0.3"));
//   source.archive_url;   // "https://physionet.org/..."

#ifndef ECG_DOWNLOAD_CORPUS_SOURCE_H_
#define ECG_DOWNLOAD_CORPUS_SOURCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace ecg {

// CorpusSource is one version of a corpus as published: a zip archive with one top folder, and a list of the SHA-256
// digests of the files below it.
struct CorpusSource {
  std::string name;  // as typed on the command line
  std::string version;
  std::string title;
  std::string archive_url;
  std::string checksums_url;
  std::string page;  // the web page about the corpus and its licence
  std::string licence;
  int64_t unpacked_bytes = 0;  // on disk, roughly, to check the free space before the download
  std::string folder = {};     // of the archive, with a "/" at its end: only what is below it is kept; empty for all
};

// CorpusSources returns all rows, the versions of a corpus from old to new.
inline const std::vector<CorpusSource>& CorpusSources() {
  static const auto* const sources = [] {
    auto* rows = new std::vector<CorpusSource>;
    for (const std::string version : {"1.0.1", "1.0.2", "1.0.3"}) {
      rows->push_back({
          .name = "ptbxl",
          .version = version,
          .title = "PTB-XL",
          .archive_url = "https://physionet.org/static/published-projects/ptb-xl/"
                         "ptb-xl-a-large-publicly-available-electrocardiography-dataset-" +
                         version + ".zip",
          .checksums_url = "https://physionet.org/files/ptb-xl/" + version + "/SHA256SUMS.txt",
          .page = "https://physionet.org/content/ptb-xl/" + version + "/",
          .licence = "CC BY 4.0",
          .unpacked_bytes = 3'500'000'000,
      });
    }
    // The Challenge of 2021 has the same G12EC, but no archive.
    CorpusSource challenge = {
        .name = "cinc_challenge",
        .version = "1.0.2",
        .title = "PhysioNet/CinC Challenge 2020",
        .archive_url =
            "https://physionet.org/static/published-projects/challenge-2020/"
            "classification-of-12-lead-ecgs-the-physionetcomputing-in-cardiology-challenge-2020-1.0.2.zip",
        .checksums_url = "https://physionet.org/files/challenge-2020/1.0.2/SHA256SUMS.txt",
        .page = "https://physionet.org/content/challenge-2020/1.0.2/",
        .licence = "CC BY 4.0",
        .unpacked_bytes = 9'000'000'000,
    };
    rows->push_back(challenge);
    challenge.name = "g12ec";
    challenge.title = "G12EC, of the PhysioNet/CinC Challenge 2020";
    challenge.unpacked_bytes = 1'300'000'000;
    challenge.folder = "training/georgia/";
    rows->push_back(challenge);
    return rows;
  }();
  return *sources;
}

// FindCorpusSource returns the row of `name` and `version`; an empty version is the newest. For a corpus that must be
// downloaded by hand the error explains how.
inline absl::StatusOr<CorpusSource> FindCorpusSource(absl::string_view name, absl::string_view version) {
  if (name == "cpsc2018") {
    return absl::FailedPreconditionError(
        "CPSC 2018 is published without checksums to verify it with, so please download it yourself: get REFERENCE.csv "
        "and TrainingSet1.zip to TrainingSet3.zip from "
        "http://2018.icbeb.org/Challenge.html, unpack the three into one folder, put REFERENCE.csv beside them, and "
        "name "
        "the folder with --data_dir or $ECG_CPSC2018_DIR. The same records are also part of cinc_challenge, in "
        "training/cpsc_2018, for specs with the dataset cinc_challenge");
  }
  const CorpusSource* found = nullptr;
  std::string known;
  for (const CorpusSource& source : CorpusSources()) {
    absl::StrAppend(&known, known.empty() ? "" : ", ", source.name, " ", source.version);
    if (name == source.name && (version.empty() || version == source.version)) found = &source;
  }
  if (found == nullptr) {
    return absl::NotFoundError(absl::StrCat("there is no corpus ", name, version.empty() ? "" : " ", version,
                                            " to download; there are: ", known));
  }
  return *found;
}

}  // namespace ecg

#endif  // ECG_DOWNLOAD_CORPUS_SOURCE_H_
