// small_ptbxl.h
//
// A few records in PTB-XL's layout, for tests.

#ifndef ECG_TESTS_CORPUS_SMALL_PTBXL_H_
#define ECG_TESTS_CORPUS_SMALL_PTBXL_H_

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/file/csv.h"
#include "ecg/file/file.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "ecg/signal/wfdb_writer.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {

// SmallPtbXl is a folder that is there as long as the object is. Its records are at 100 Hz only.
class SmallPtbXl {
 public:
  explicit SmallPtbXl(const std::string& name) : folder_(std::filesystem::path(testing::TempDir()) / name) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(data_dir() / "records100");
    std::filesystem::create_directories(data_dir() / "records500");
    Write("scp_statements.csv",
          ",description,diagnostic,form,rhythm,diagnostic_class,diagnostic_subclass\n"
          "NORM,normal ECG,1.0,,,NORM,NORM\n"
          "IMI,\"infarction, inferior\",1.0,,,MI,IMI\n"
          "NDT,T abnormality,1.0,1.0,,STTC,STTC\n"
          "XYZ,without a class,1.0,,,,\n"
          "LVOLT,low voltage,,1.0,,,\n"
          "SR,sinus rhythm,,,1.0,,\n");
  }
  ~SmallPtbXl() { std::filesystem::remove_all(folder_); }

  // data_dir returns the corpus's folder; work_dir one that it lies in.
  std::filesystem::path data_dir() const { return folder_ / "data"; }
  const std::filesystem::path& work_dir() const { return folder_; }

  void Write(const std::string& file, const std::string& bytes) const {
    ASSERT_TRUE(WriteFile(data_dir() / file, bytes).ok());
  }

  // AddRecord adds a row to the database, and its files.
  void AddRecord(const std::string& scp_codes, const std::string& fold) {
    ++records_;
    const std::string id = absl::StrCat(records_);
    const std::string name = absl::StrFormat("%05d_lr", records_);
    AppendCsvRow({id, absl::StrCat(1000 + records_, ".0"), scp_codes, fold, absl::StrCat("records100/", name),
                  absl::StrFormat("records500/%05d_hr", records_)},
                 &database_);
    Write("ptbxl_database.csv", database_);
    const absl::StatusOr<WfdbFiles> files = FormatWfdb(MakeSignal(records_ - 1), name);
    ASSERT_TRUE(files.ok()) << files.status();
    Write(absl::StrCat("records100/", name, ".hea"), files->header);
    Write(absl::StrCat("records100/", name, ".dat"), files->samples);
  }

  // MakeSignal returns the samples of a record, counted from 0.
  static Signal MakeSignal(int record) {
    Signal signal = {.sampling_frequency_hz = 100, .samples = 1000, .digital = {}, .calibration = {}};
    for (int lead = 0; lead < kLeads; ++lead) {
      signal.calibration[lead] = {.gain = 1000.0 + lead, .baseline = record};
      for (int sample = 0; sample < 1000; ++sample) {
        signal.digital.push_back(static_cast<int16_t>((sample * (record + 2) * (lead + 3)) % 4001 - 2000));
      }
    }
    return signal;
  }

  // Open opens it, as PtbXl does.
  absl::StatusOr<PtbXl> Open(spec::PtbXl::Task task = spec::PtbXl::ALL, int split = 1) const {
    spec::PtbXl spec;
    spec.set_task(task);
    spec.set_sampling_frequency_hz(100);
    return PtbXl::Open(spec, data_dir(), split);
  }

 private:
  const std::filesystem::path folder_;
  std::string database_ = "ecg_id,patient_id,scp_codes,strat_fold,filename_lr,filename_hr\n";
  int records_ = 0;
};

}  // namespace ecg

#endif  // ECG_TESTS_CORPUS_SMALL_PTBXL_H_
