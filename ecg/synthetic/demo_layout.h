// demo_layout.h
//
// The files of the demo corpus: one type for each layout, with the same hearts in all of them.
//
//   ECG_RETURN_IF_ERROR(G12ecLayout::WriteTables(records, seed, folder));
//   recorder.RecordFor(G12ecLayout::Seconds(seed, number));
//   recorder.Record(heart, noise, random);
//   ECG_RETURN_IF_ERROR(G12ecLayout::WriteRecord(recorder, records[number - 1], number, folder));
//
// Records are numbered from 1. snomed_ct.h has the names of statements in SNOMED CT and CPSC 2018; statements without a
// name there are left out.

#ifndef ECG_SYNTHETIC_DEMO_LAYOUT_H_
#define ECG_SYNTHETIC_DEMO_LAYOUT_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "ecg/corpus/cinc_challenge.h"
#include "ecg/corpus/cpsc2018.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/corpus/recordings.h"
#include "ecg/corpus/scp_statements.h"
#include "ecg/corpus/snomed_ct.h"
#include "ecg/file/csv.h"
#include "ecg/file/file.h"
#include "ecg/random/random.h"
#include "ecg/signal/aecg_writer.h"
#include "ecg/signal/dicom_writer.h"
#include "ecg/signal/edf_writer.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/mat_writer.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/signal.h"
#include "ecg/signal/wfdb_writer.h"
#include "ecg/status/status_macros.h"
#include "ecg/synthetic/demo_records.h"
#include "ecg/synthetic/demo_signs.h"
#include "ecg/synthetic/heart_model.h"
#include "proto/experiment.pb.h"

namespace ecg {

namespace demo_internal {

// WriteUnsynced writes a file of the unfinished folder. Syncing each of thousands of small files would take most of the
// time; they are renamed together, and can be made again.
inline absl::Status WriteUnsynced(const std::filesystem::path& path, absl::string_view bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wbx");
  if (file == nullptr) return ErrnoError("write", path);
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  const absl::Status error = written ? absl::OkStatus() : ErrnoError("write", path);
  if (std::fclose(file) != 0 && error.ok()) return ErrnoError("write", path);
  return error;
}

// Each record has two streams of random numbers, so that its noise can be drawn without its beats.
inline Random HeartRandom(uint64_t seed, int ecg_id) { return Random({seed, static_cast<uint64_t>(ecg_id), 0}); }
inline Random NoiseRandom(uint64_t seed, int ecg_id) { return Random({seed, static_cast<uint64_t>(ecg_id), 1}); }

// DrawnNoise is a record's noise, and its values in PTB-XL's columns.
struct DrawnNoise {
  Noise noise;
  bool drifts = false;
  bool noisy = false;
};

// DrawNoise draws a record's noise: one record in ten drifts, one in ten is noisy, and in one in ten an electrode
// moves.
inline DrawnNoise DrawNoise(Random random) {
  DrawnNoise drawn;
  drawn.drifts = random.Uniform() < 0.1;
  drawn.noisy = random.Uniform() < 0.1;
  drawn.noise.wander = drawn.drifts ? 0.08f : Between(random, 0.01, 0.04);
  drawn.noise.muscle = drawn.noisy ? 0.018f : Between(random, 0.004, 0.012);
  drawn.noise.mains = Between(random, 0.001, 0.008);
  drawn.noise.electrode_motion = random.Uniform() < 0.1 ? Between(random, -0.3, 0.3) : 0;
  return drawn;
}

// LengthRandom is the stream of a record's length.
inline Random LengthRandom(uint64_t seed, int number) { return Random({seed, static_cast<uint64_t>(number), 2}); }

// RecordPath returns a record's path in the corpus, without extension, such as "records500/00000/00001_hr".
inline std::string RecordPath(int ecg_id, int rate_hz) {
  return absl::StrFormat("records%d/%05d/%05d_%s", rate_hz, ecg_id / 1000 * 1000, ecg_id, rate_hz == 500 ? "hr" : "lr");
}

// WriteRecord writes the two files of a record, at `rate_hz`.
inline absl::Status WriteRecord(const HeartRecorder& recorder, int ecg_id, int rate_hz,
                                const std::filesystem::path& directory) {
  const std::string path = RecordPath(ecg_id, rate_hz);
  ECG_ASSIGN_OR_RETURN(const WfdbFiles files,
                       FormatWfdb(recorder.Digitize(rate_hz), std::filesystem::path(path).filename().string()));
  ECG_RETURN_IF_ERROR(WriteUnsynced(directory / (path + ".hea"), files.header));
  return WriteUnsynced(directory / (path + ".dat"), files.samples);
}

// StatementsCsv returns scp_statements.csv, with PTB-XL's columns; those about other standards are empty.
inline std::string StatementsCsv() {
  std::string csv;
  AppendCsvRow(
      {"", "description", "diagnostic", "form", "rhythm", "diagnostic_class", "diagnostic_subclass",
       "Statement Category", "SCP-ECG Statement Description", "AHA code", "aECG REFID", "CDISC Code", "DICOM Code"},
      &csv);
  for (const ScpStatement& statement : kScpStatements) {
    const auto flag = [&](char kind) { return std::string(statement.Is(kind) ? "1.0" : ""); };
    AppendCsvRow({std::string(statement.code), std::string(statement.description), flag('d'), flag('f'), flag('r'),
                  std::string(statement.diagnostic_class), std::string(statement.diagnostic_subclass), "",
                  std::string(statement.description), "", "", "", ""},
                 &csv);
  }
  return csv;
}

// DatabaseCsv returns ptbxl_database.csv, with PTB-XL's 28 columns.
inline std::string DatabaseCsv(const std::vector<DemoRecord>& records, uint64_t seed) {
  std::string csv;
  AppendCsvRow({"ecg_id",
                "patient_id",
                "age",
                "sex",
                "height",
                "weight",
                "nurse",
                "site",
                "device",
                "recording_date",
                "report",
                "scp_codes",
                "heart_axis",
                "infarction_stadium1",
                "infarction_stadium2",
                "validated_by",
                "second_opinion",
                "initial_autogenerated_report",
                "validated_by_human",
                "baseline_drift",
                "static_noise",
                "burst_noise",
                "electrodes_problems",
                "extra_beats",
                "pacemaker",
                "strat_fold",
                "filename_lr",
                "filename_hr"},
               &csv);
  const absl::CivilSecond first(2001, 1, 1);
  for (int ecg_id = 1; ecg_id <= static_cast<int>(records.size()); ++ecg_id) {
    const DemoRecord& record = records[ecg_id - 1];
    const DrawnNoise noise = DrawNoise(NoiseRandom(seed, ecg_id));
    std::vector<absl::string_view> descriptions;
    std::vector<std::string> codes;
    std::string axis, extra_beats, pacemaker;
    for (const int sign : record.statements) {
      const ScpStatement& statement = kScpStatements[sign];
      descriptions.push_back(statement.description);
      codes.push_back(absl::StrFormat("'%s': %s", statement.code, statement.Is('d') ? "100.0" : "0.0"));
      if (statement.code == "LAFB") axis = "ALAD";
      if (statement.code == "LPFB" || statement.code == "RVH") axis = "RAD";
      if (kDemoSigns[sign].parts == kEctopyPart) extra_beats = "ES";
      if (statement.code == "PACE") pacemaker = "ja, pacemaker";
    }
    AppendCsvRow({absl::StrCat(ecg_id),
                  absl::StrCat(record.patient, ".0"),
                  absl::StrCat(record.age, ".0"),
                  absl::StrCat(record.sex),
                  /*height=*/"",
                  /*weight=*/"",
                  /*nurse=*/"",
                  /*site=*/"",
                  "synthetic",
                  absl::StrReplaceAll(absl::FormatCivilTime(first + 7 * 3600 * int64_t{ecg_id}), {{"T", " "}}),
                  absl::StrCat("synthetic: ", absl::StrJoin(descriptions, ", ")),
                  absl::StrCat("{", absl::StrJoin(codes, ", "), "}"),
                  axis,
                  /*infarction_stadium1=*/"",
                  /*infarction_stadium2=*/"",
                  /*validated_by=*/"",
                  /*second_opinion=*/"False",
                  /*initial_autogenerated_report=*/"True",
                  /*validated_by_human=*/"False",
                  noise.drifts ? "alles" : "",
                  noise.noisy ? "alles" : "",
                  /*burst_noise=*/"",
                  noise.noise.electrode_motion != 0 ? "yes" : "",
                  extra_beats,
                  pacemaker,
                  absl::StrCat(record.fold),
                  RecordPath(ecg_id, 100),
                  RecordPath(ecg_id, 500)},
                 &csv);
  }
  return csv;
}

// Rows returns the rows of snomed_ct.h that a record's statements stand in.
inline std::vector<const SnomedCtStatement*> Rows(const DemoRecord& record) {
  std::vector<const SnomedCtStatement*> rows;
  for (const int sign : record.statements) {
    for (const SnomedCtStatement& row : kSnomedCt) {
      if (row.scp == kDemoSigns[sign].code) rows.push_back(&row);
    }
  }
  return rows;
}

}  // namespace demo_internal

// PtbXlLayout is that of PTB-XL: WFDB records of 10 seconds at two rates, and two tables.
struct PtbXlLayout {
  static constexpr absl::string_view kTitle = "PTB-XL (Wagner et al. 2020, doi:10.1038/s41597-020-0495-6)";

  // Draw returns the records.
  static std::vector<DemoRecord> Draw(int records, uint64_t seed) { return DrawDemoRecords(records, seed); }

  // Seconds returns the length of a record.
  static int Seconds(uint64_t /*seed*/, int /*number*/) { return HeartRecorder::kSeconds; }

  // WriteTables makes the folders, and the files that list the records.
  static absl::Status WriteTables(const std::vector<DemoRecord>& records, uint64_t seed,
                                  const std::filesystem::path& directory) {
    for (size_t number = 0; number <= records.size(); number += 1000) {
      for (const int rate_hz : {500, 100}) {
        const std::string path = demo_internal::RecordPath(static_cast<int>(number), rate_hz);
        ECG_RETURN_IF_ERROR(MakeDirectories((directory / path).parent_path()));
      }
    }
    ECG_RETURN_IF_ERROR(
        demo_internal::WriteUnsynced(directory / PtbXl::kStatementsFile, demo_internal::StatementsCsv()));
    return demo_internal::WriteUnsynced(directory / PtbXl::kDatabaseFile, demo_internal::DatabaseCsv(records, seed));
  }

  // WriteRecord writes the files of what `recorder` has recorded.
  static absl::Status WriteRecord(const HeartRecorder& recorder, const DemoRecord& /*record*/, int number,
                                  const std::filesystem::path& directory) {
    for (const int rate_hz : {500, 100}) {
      ECG_RETURN_IF_ERROR(demo_internal::WriteRecord(recorder, number, rate_hz, directory));
    }
    return absl::OkStatus();
  }
};

// G12ecLayout is that of G12EC, and of the other corpora of the PhysioNet/CinC Challenges: WFDB headers with SNOMED CT
// codes over MATLAB files of version 4. One record in fifty is shorter than 10 seconds.
struct G12ecLayout {
  static constexpr absl::string_view kTitle = "G12EC (Perez Alday et al. 2020, doi:10.1088/1361-6579/abc960)";

  static std::vector<DemoRecord> Draw(int records, uint64_t seed) { return DrawDemoRecords(records, seed); }

  static int Seconds(uint64_t seed, int number) {
    Random random = demo_internal::LengthRandom(seed, number);
    return random.Below(50) == 0 ? 5 + static_cast<int>(random.Below(5)) : HeartRecorder::kSeconds;
  }

  static absl::Status WriteTables(const std::vector<DemoRecord>& records, uint64_t /*seed*/,
                                  const std::filesystem::path& directory) {
    for (size_t number = 1; number <= records.size(); number += 1000) {
      ECG_RETURN_IF_ERROR(MakeDirectories((directory / Path(static_cast<int>(number))).parent_path()));
    }
    return absl::OkStatus();
  }

  static absl::Status WriteRecord(const HeartRecorder& recorder, const DemoRecord& record, int number,
                                  const std::filesystem::path& directory) {
    const std::filesystem::path path = directory / Path(number);
    const Signal signal = recorder.Digitize(HeartRecorder::kRateHz);
    ECG_ASSIGN_OR_RETURN(const WfdbFiles files, FormatWfdb(signal, path.filename().string()));
    std::vector<absl::string_view> codes;
    for (const SnomedCtStatement* row : demo_internal::Rows(record)) codes.push_back(Code(row->code));
    const std::string header = absl::StrCat(absl::StrReplaceAll(files.header, {{".dat 16 ", ".mat 16x1+24 "}}),
                                            "# Age: ", record.age, "\n# Sex: ", record.sex == 0 ? "Male" : "Female",
                                            "\n# Dx: ", codes.empty() ? "Unknown" : absl::StrJoin(codes, ","),
                                            "\n# Rx: Unknown\n# Hx: Unknown\n");
    ECG_RETURN_IF_ERROR(demo_internal::WriteUnsynced(path.string() + ".hea", header));
    // MATLAB's version 4: a matrix of 16-bit integers (type 30), its size, that it is real, and the length of its name.
    const uint32_t matrix[] = {30, kLeads, static_cast<uint32_t>(signal.samples), 0, 4};
    return demo_internal::WriteUnsynced(
        path.string() + ".mat", absl::StrCat(absl::string_view(reinterpret_cast<const char*>(matrix), sizeof(matrix)),
                                             absl::string_view("val\0", 4), files.samples));
  }

 private:
  // What G12EC calls right bundle branch block and ventricular premature beats.
  static absl::string_view Code(absl::string_view code) {
    return code == "713427006" ? "59118001" : code == "427172004" ? "17338001" : code;
  }

  static std::string Path(int number) { return absl::StrFormat("g%d/E%05d", (number - 1) / 1000 + 1, number); }
};

// Cpsc2018Layout is that of CPSC 2018: MATLAB files of version 5, of 6 to 20 seconds, and a table. Every record has one
// to three of the nine labels.
struct Cpsc2018Layout {
  static constexpr absl::string_view kTitle = "CPSC 2018 (Liu et al. 2018, doi:10.1166/jmihi.2018.2442)";

  static std::vector<DemoRecord> Draw(int records, uint64_t seed) {
    // About two records in three carry a statement that has a label.
    std::vector<DemoRecord> drawn = DrawDemoRecords(2 * records + 20, seed);
    std::erase_if(drawn, [](const DemoRecord& record) { return LabelsOf(record).empty(); });
    drawn.resize(std::min<size_t>(drawn.size(), records));
    return drawn;
  }

  static int Seconds(uint64_t seed, int number) {
    Random random = demo_internal::LengthRandom(seed, number);
    const double where = random.Uniform();
    return 6 + static_cast<int>(15 * where * where);
  }

  static absl::Status WriteTables(const std::vector<DemoRecord>& records, uint64_t /*seed*/,
                                  const std::filesystem::path& directory) {
    std::string csv;
    AppendCsvRow({"Recording", "First_label", "Second_label", "Third_label"}, &csv);
    for (size_t number = 1; number <= records.size(); ++number) {
      const std::filesystem::path path = Path(static_cast<int>(number));
      ECG_RETURN_IF_ERROR(MakeDirectories((directory / path).parent_path()));
      std::vector<std::string> row = LabelsOf(records[number - 1]);
      row.insert(row.begin(), path.stem().string());
      row.resize(4);
      AppendCsvRow(row, &csv);
    }
    return demo_internal::WriteUnsynced(directory / Cpsc2018::kReferenceFile, csv);
  }

  static absl::Status WriteRecord(const HeartRecorder& recorder, const DemoRecord& record, int number,
                                  const std::filesystem::path& directory) {
    Signal signal = recorder.Digitize(HeartRecorder::kRateHz);
    // Multiples of 1/1024 mV have few binary digits, and are compressed several times faster than those of 1/1000.
    for (int16_t& sample : signal.digital) sample = static_cast<int16_t>(std::lround(sample * 1.024));
    signal.calibration.fill({.gain = 1024, .baseline = 0});
    return WriteMatRecord(directory / Path(number),
                          {.sex = record.sex == 0 ? "Male" : "Female", .age = static_cast<double>(record.age)}, signal);
  }

 private:
  static std::string Path(int number) {
    return absl::StrFormat("TrainingSet%d/A%04d.mat", std::min(3, (number - 1) / 2000 + 1), number);
  }

  // LabelsOf returns the numbers of a record's labels, at most three; normal only by itself.
  static std::vector<std::string> LabelsOf(const DemoRecord& record) {
    std::vector<std::string> labels;
    for (const SnomedCtStatement* row : demo_internal::Rows(record)) {
      const auto label = std::find(Cpsc2018::kLabels.begin(), Cpsc2018::kLabels.end(), row->cpsc);
      if (label != Cpsc2018::kLabels.end()) labels.push_back(absl::StrCat(label - Cpsc2018::kLabels.begin() + 1));
    }
    if (labels.size() > 1) std::erase(labels, "1");
    labels.resize(std::min<size_t>(labels.size(), 3));
    return labels;
  }
};

// RecordingsLayout is that of a corpus of one's own: files of several formats, and a table of labels.
struct RecordingsLayout {
  static constexpr absl::string_view kTitle = "a folder of recordings with a table of labels";

  static std::vector<DemoRecord> Draw(int records, uint64_t seed) { return DrawDemoRecords(records, seed); }

  static int Seconds(uint64_t /*seed*/, int /*number*/) { return HeartRecorder::kSeconds; }

  static absl::Status WriteTables(const std::vector<DemoRecord>& records, uint64_t /*seed*/,
                                  const std::filesystem::path& directory) {
    for (const absl::string_view folder : kFolders) {
      ECG_RETURN_IF_ERROR(MakeDirectories(directory / std::string(folder)));
    }
    std::string csv;
    AppendCsvRow({"id", "patient", "fold", "age", "sex", "labels"}, &csv);
    for (size_t number = 1; number <= records.size(); ++number) {
      const DemoRecord& record = records[number - 1];
      std::vector<absl::string_view> labels;
      for (const int sign : record.statements) labels.push_back(kDemoSigns[sign].code);
      AppendCsvRow({Id(static_cast<int>(number)), absl::StrCat("p", record.patient), absl::StrCat(record.fold),
                    absl::StrCat(record.age), record.sex == 0 ? "male" : "female", absl::StrJoin(labels, ";")},
                   &csv);
    }
    return demo_internal::WriteUnsynced(directory / spec::Recordings().table(), csv);
  }

  static absl::Status WriteRecord(const HeartRecorder& recorder, const DemoRecord& record, int number,
                                  const std::filesystem::path& directory) {
    const Signal signal = recorder.Digitize(HeartRecorder::kRateHz);
    Recording recording;
    recording.sex = record.sex == 0 ? "male" : "female";
    recording.age_years = record.age;
    Strip& strip = recording.strips.emplace_back();
    strip.sampling_frequency_hz = HeartRecorder::kRateHz;
    for (int lead = 0; lead < kLeads; ++lead) {
      const Calibration& calibration = signal.calibration[lead];
      Channel& channel = strip.channels.emplace_back();
      channel.name = std::string(kLeadNames[lead]);
      channel.step_mv = 1 / calibration.gain;
      for (const int16_t sample : signal.lead(lead)) channel.mv.push_back(static_cast<float>(calibration.ToMv(sample)));
    }
    const absl::string_view folder = kFolders[number % kFolders.size()];
    const std::string path = absl::StrCat((directory / std::string(folder)).string(), "/", Id(number));
    if (folder == "wfdb") {
      ECG_ASSIGN_OR_RETURN(const WfdbFiles files, FormatWfdb(recording, Id(number)));
      ECG_RETURN_IF_ERROR(demo_internal::WriteUnsynced(path + ".hea", files.header));
      return demo_internal::WriteUnsynced(path + ".dat", files.samples);
    }
    ECG_ASSIGN_OR_RETURN(const std::string bytes, folder == "aecg"  ? FormatAecg(recording)
                                                  : folder == "edf" ? FormatEdf(recording)
                                                                    : FormatDicom(recording));
    return demo_internal::WriteUnsynced(path + (folder == "aecg" ? ".xml" : folder == "edf" ? ".edf" : ".dcm"), bytes);
  }

 private:
  static constexpr std::array<absl::string_view, 4> kFolders = {"aecg", "dicom", "edf", "wfdb"};

  static std::string Id(int number) { return absl::StrFormat("%05d", number); }
};

// VisitDemoLayout returns visit(layout) for the layout of the dataset called `dataset`, such as "g12ec".
template <typename Visitor>
absl::Status VisitDemoLayout(absl::string_view dataset, Visitor visit) {
  if (dataset == PtbXl::kName) return visit(PtbXlLayout());
  if (dataset == G12ec::kName || dataset == CincChallenge::kName) return visit(G12ecLayout());
  if (dataset == Cpsc2018::kName) return visit(Cpsc2018Layout());
  if (dataset == Recordings::kName) return visit(RecordingsLayout());
  return absl::NotFoundError(absl::StrCat("there is no demo corpus in the layout of ", dataset, "; there are ",
                                          PtbXl::kName, ", ", G12ec::kName, ", ", CincChallenge::kName, ", ",
                                          Cpsc2018::kName, " and ", Recordings::kName));
}

}  // namespace ecg

#endif  // ECG_SYNTHETIC_DEMO_LAYOUT_H_
