#include "ecg/corpus/cpsc2018.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/scaler.h"
#include "ecg/file/file.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/mat_writer.h"
#include "ecg/signal/signal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Cpsc2018Test : public testing::Test {
 protected:
  Cpsc2018Test() {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "data" / "TrainingSet1");
    fs::create_directories(folder_ / "data" / "TrainingSet3");
    Write("TrainingSet3/REFERENCE.csv",
          "Recording,First_label,Second_label,Third_label\nA0001,5,,\nA0002,1,,\nA0003,2,5,8\nA0004,9,,\n");
    for (int record = 0; record < 4; ++record) Add(absl::StrCat("TrainingSet1/A000", record + 1), record);
  }
  ~Cpsc2018Test() override { fs::remove_all(folder_); }

  void Write(const std::string& file, const std::string& bytes) {
    ASSERT_TRUE(WriteFile(folder_ / "data" / file, bytes).ok());
  }

  // Records are 700, 600, 500 and 400 samples long.
  static Signal MakeSignal(int record) {
    Signal signal = {.sampling_frequency_hz = 500, .samples = 700 - 100 * record, .digital = {}, .calibration = {}};
    for (int lead = 0; lead < kLeads; ++lead) {
      signal.calibration[lead] = {.gain = 1000.0 + lead, .baseline = record};
      for (int sample = 0; sample < signal.samples; ++sample) {
        signal.digital.push_back(static_cast<int16_t>((sample * (record + 2) * (lead + 3)) % 4001 - 2000));
      }
    }
    return signal;
  }

  void Add(const std::string& path, int record) {
    const fs::path file = folder_ / "data" / (path + ".mat");
    ASSERT_EQ(WriteMatRecord(file, {.sex = "Male", .age = 60}, MakeSignal(record)), absl::OkStatus());
  }

  absl::StatusOr<Cpsc2018> Open() { return Cpsc2018::Open({}, folder_ / "data"); }

  std::string ErrorWith(const std::string& rows) {
    Write("TrainingSet3/REFERENCE.csv", "Recording,First_label,Second_label,Third_label\n" + rows);
    return std::string(Open().status().message());
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / "cpsc2018_test";
};

TEST_F(Cpsc2018Test, ReadsTheRecordsAndTheirLabels) {
  const absl::StatusOr<Cpsc2018> cpsc = Open();
  ASSERT_TRUE(cpsc.ok()) << cpsc.status();
  EXPECT_EQ(cpsc->corpus().dataset, "cpsc2018");
  EXPECT_EQ(cpsc->corpus().sampling_frequency_hz, 500);
  EXPECT_EQ(cpsc->corpus().samples, 0);
  EXPECT_EQ(cpsc->corpus().records[2].path, "TrainingSet1/A0003");
  EXPECT_THAT(cpsc->corpus().records[2].statements, ElementsAre("AF", "RBBB", "STD"));
  EXPECT_THAT(cpsc->labels().classes, ElementsAre("AF", "Normal", "RBBB", "STD", "STE"));
  EXPECT_THAT(cpsc->labels().row(2), ElementsAre(1, 0, 1, 1, 0));
}

TEST_F(Cpsc2018Test, KeepsAmplitudesFinerThanARecorder) {
  const Cpsc2018 cpsc = Open().value();
  const absl::StatusOr<Signal> signal = cpsc.ReadSignal(3);
  ASSERT_TRUE(signal.ok()) << signal.status();
  const Signal expected = MakeSignal(3);
  ASSERT_EQ(signal->samples, 400);
  for (int lead = 0; lead < kLeads; ++lead) {
    for (int sample = 0; sample < 400; ++sample) {
      EXPECT_NEAR(signal->calibration[lead].ToMv(signal->lead(lead)[sample]),
                  expected.calibration[lead].ToMv(expected.lead(lead)[sample]), 0.00004);
    }
  }
}

TEST_F(Cpsc2018Test, PacksRecordsOfDifferentLength) {
  const Cpsc2018 cpsc = Open().value();
  for (const int threads : {1, 3}) {
    fs::remove_all(folder_ / "packed");
    const absl::StatusOr<PackedSignals> signals = Pack(cpsc, folder_ / "packed", {.threads = threads});
    ASSERT_TRUE(signals.ok()) << signals.status();
    EXPECT_EQ(signals->samples(), 0);
    for (int record = 0; record < 4; ++record) {
      const Signal expected = cpsc.ReadSignal(record).value();
      EXPECT_EQ(signals->samples(record), 700 - 100 * record);
      EXPECT_THAT(signals->signal(record), ElementsAreArray(expected.digital));
      EXPECT_THAT(signals->lead(record, 11), ElementsAreArray(expected.lead(11)));
      EXPECT_EQ(signals->calibration(record, 11), expected.calibration[11]);
    }
  }
  const std::string offsets = ReadFile(folder_ / "packed" / "offsets.npy").value();
  EXPECT_THAT(offsets, HasSubstr("{'descr': '<i8', 'fortran_order': False, 'shape': (5,), }"));
  EXPECT_THAT(ReadFile(folder_ / "packed" / "signals.npy").value(), HasSubstr("'shape': (26400,), }"));
}

TEST_F(Cpsc2018Test, SkipsABadRecordOfSeveralAndKeepsTheOthers) {
  const Cpsc2018 cpsc = Open().value();
  fs::resize_file(folder_ / "data" / "TrainingSet1" / "A0002.mat", 1000);
  EXPECT_THAT(std::string(Pack(cpsc, folder_ / "packed", {.threads = 3}).status().message()),
              HasSubstr("record A0002: "));
  const absl::StatusOr<PackedSignals> signals =
      Pack(cpsc, folder_ / "packed", {.bad_records = spec::Data::SKIP, .threads = 3});
  ASSERT_TRUE(signals.ok()) << signals.status();
  EXPECT_THAT(signals->unusable(), ElementsAre(1));
  EXPECT_THAT(signals->signal(1), IsEmpty());
  EXPECT_THAT(signals->signal(2), SizeIs(12 * 500));
}

TEST_F(Cpsc2018Test, NoticesADamagedOffsetsFile) {
  ASSERT_TRUE(Pack(Open().value(), folder_ / "packed").ok());
  const std::string offsets = ReadFile(folder_ / "packed" / "offsets.npy").value();
  const auto error_with = [&](const std::string& bytes) {
    EXPECT_TRUE(WriteFile(folder_ / "packed" / "offsets.npy", bytes).ok());
    return std::string(PackedSignals::Open(folder_ / "packed").status().message());
  };
  EXPECT_THAT(error_with(offsets.substr(0, offsets.size() - 8)), HasSubstr("offsets.npy holds <i8 [5] in"));
  std::string moved = offsets;
  ++moved[offsets.size() - 16];
  EXPECT_THAT(error_with(moved), HasSubstr("record A0003 from 15600 to 21601 is no place for 12 leads"));
  EXPECT_EQ(error_with(offsets), "");
}

TEST_F(Cpsc2018Test, WeighsEachSampleEquallyInTheScaler) {
  const PackedSignals signals = Pack(Open().value(), folder_ / "packed").value();
  long double sum = 0, squares = 0, count = 0;
  for (const int record : {1, 3}) {
    for (int lead = 0; lead < kLeads; ++lead) {
      for (const int16_t sample : signals.lead(record, lead)) {
        const long double mv = signals.calibration(record, lead).ToMv(sample);
        sum += mv, squares += mv * mv, ++count;
      }
    }
  }
  const double mean = static_cast<double>(sum / count);
  const double deviation = static_cast<double>(std::sqrt(squares / count - sum / count * (sum / count)));
  const Scaler scaler = FitScaler(signals, std::vector<int>{1, 3}).value();
  EXPECT_NEAR(scaler.mean_mv, mean, 1e-14 * deviation);
  EXPECT_NEAR(scaler.standard_deviation_mv, deviation, 1e-14 * deviation);
}

TEST_F(Cpsc2018Test, RefusesABrokenTableAndNamesTheLineAndTheColumn) {
  EXPECT_THAT(ErrorWith("A0001,10,,\n"), HasSubstr("REFERENCE.csv:2: column \"First_label\": \"10\" is not a label"));
  EXPECT_THAT(ErrorWith("A0001,,,\n"), HasSubstr("\"\" is not a label from 1 to 9"));
  EXPECT_THAT(ErrorWith("A0001,1,5,\n"), HasSubstr("a normal record has another label"));
  EXPECT_THAT(ErrorWith("A0001,1,,\nA0001,2,,\n"),
              HasSubstr("REFERENCE.csv:3: column \"Recording\": \"A0001\" is also"));
  EXPECT_THAT(ErrorWith("../A0001,1,,\n"), HasSubstr("is not the name of a record"));
  EXPECT_THAT(std::string(Cpsc2018::Open({}, folder_).status().message()),
              HasSubstr("there is no file REFERENCE.csv in it, nor in its folders TrainingSet1 to TrainingSet3"));
}

// The folders of shared/cases that are in the layout of CPSC 2018.
TEST(Cpsc2018CaseTest, RefusesADamagedMatlabFileAndNamesIt) {
  const char* shared = std::getenv("ECG_SHARED_DIR");
  if (shared == nullptr) GTEST_SKIP() << "ECG_SHARED_DIR is not set";
  const fs::path packed = fs::path(testing::TempDir()) / "cpsc2018_case_test";
  fs::remove_all(packed);
  for (const char* name :
       {"21_mat5_one_bit_crash", "21b_mat5_more_columns_than_numbers", "21e_mat5_one_bit_crash_elsewhere"}) {
    const Cpsc2018 cpsc = Cpsc2018::Open({}, fs::path(shared) / "cases" / name).value();
    for (const spec::Data::BadRecords bad_records : {spec::Data::REFUSE, spec::Data::SKIP}) {
      EXPECT_THAT(std::string(Pack(cpsc, packed, {.bad_records = bad_records}).status().message()),
                  HasSubstr("A0001.mat: "));
    }
  }
}

TEST_F(Cpsc2018Test, SkipsAMatlabFileWithAFlippedBit) {
  const Cpsc2018 cpsc = Open().value();
  const fs::path file = folder_ / "data" / "TrainingSet1" / "A0003.mat";
  const std::string whole = ReadFile(file).value();
  for (const size_t byte : {126u, 129u, 133u, 140u, 1000u}) {
    std::string flipped = whole;
    flipped[byte] ^= 64;
    ASSERT_TRUE(WriteFile(file, flipped).ok());
    const absl::StatusOr<PackedSignals> signals = Pack(cpsc, folder_ / "packed", {.bad_records = spec::Data::SKIP});
    ASSERT_TRUE(signals.ok()) << signals.status();
    EXPECT_THAT(signals->unusable(), ElementsAre(2)) << "byte " << byte;
    EXPECT_THAT(signals->reason(2), HasSubstr("A0003.mat: "));
  }
}

TEST_F(Cpsc2018Test, NamesTheRecordWhoseFileIsMissing) {
  Write("TrainingSet3/REFERENCE.csv", "Recording,First_label,Second_label,Third_label\nA0001,1,,\nA0009,2.0,,\n");
  EXPECT_THAT(std::string(Pack(Open().value(), folder_ / "packed").status().message()), HasSubstr("record A0009: "));
}

// The numbers are those of scipy.io.loadmat.
TEST(Cpsc2018SampleTest, KeepsRealRecordsToWithinTheirSixteenBits) {
  const char* shared = std::getenv("ECG_SHARED_DIR");
  if (shared == nullptr) GTEST_SKIP() << "ECG_SHARED_DIR is not set";
  const fs::path folder = fs::path(testing::TempDir()) / "cpsc2018_sample_test";
  fs::remove_all(folder);
  fs::create_directories(folder);
  for (const char* name : {"A1980", "A1982", "A1983"}) {
    fs::create_symlink(fs::path(shared) / "cpsc2018-sample" / (std::string(name) + ".mat"),
                       folder / (std::string(name) + ".mat"));
  }
  ASSERT_TRUE(WriteFile(folder / "REFERENCE.csv",
                        "Recording,First_label,Second_label,Third_label\nA1980,1,,\nA1982,2,,\nA1983,1,,\n")
                  .ok());
  const Cpsc2018 cpsc = Cpsc2018::Open({}, folder).value();
  const absl::StatusOr<Signal> signal = cpsc.ReadSignal(2);
  ASSERT_TRUE(signal.ok()) << signal.status();
  EXPECT_EQ(signal->samples, 7500);
  const auto mv = [&](int lead, int sample) { return signal->calibration[lead].ToMv(signal->lead(lead)[sample]); };
  EXPECT_NEAR(mv(0, 0), 0.0052508, 3e-5);
  EXPECT_NEAR(mv(8, 0), -0.14202906666666668, 3e-5);
  EXPECT_NEAR(mv(11, 7499), -0.06011813333333334, 3e-5);
  EXPECT_TRUE(cpsc.ReadSignal(0).ok() && cpsc.ReadSignal(1).ok());
  fs::remove_all(folder);
}

}  // namespace
}  // namespace ecg
