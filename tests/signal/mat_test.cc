#include "ecg/signal/mat.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/file/file.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/mat_writer.h"
#include "ecg/signal/signal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

class MatTest : public testing::Test {
 protected:
  MatTest() {
    fs::remove(path_);
    signal_.samples = 700;
    for (int lead = 0; lead < kLeads; ++lead) {
      signal_.calibration[lead] = {.gain = 300.0 + lead, .baseline = lead};
      for (int sample = 0; sample < signal_.samples; ++sample) {
        signal_.digital.push_back(static_cast<int16_t>(sample * (lead + 3) % 4001 - 2000));
      }
    }
  }

  std::string ErrorOf(const std::string& variable, const std::string& field) {
    return std::string(ReadMatField(path_, variable, field).status().message());
  }

  const fs::path path_ = fs::path(testing::TempDir()) / "mat_test.mat";
  Signal signal_;
};

TEST_F(MatTest, ReadsTheNumbersThatWereWritten) {
  ASSERT_EQ(WriteMatRecord(path_, {.sex = "Female", .age = 74}, signal_), absl::OkStatus());
  const absl::StatusOr<MatMatrix> data = ReadMatField(path_, "ECG", "data");
  ASSERT_TRUE(data.ok()) << data.status();
  ASSERT_EQ(data->rows, 12);
  ASSERT_EQ(data->columns, 700);
  for (int lead = 0; lead < kLeads; ++lead) {
    for (int sample = 0; sample < signal_.samples; ++sample) {
      EXPECT_EQ(data->at(lead, sample), signal_.calibration[lead].ToMv(signal_.lead(lead)[sample]));
    }
  }
  EXPECT_THAT(ReadMatField(path_, "ECG", "age")->values, ElementsAre(74));
}

TEST_F(MatTest, WritesTheSameBytesForTheSameRecord) {
  ASSERT_EQ(WriteMatRecord(path_, {.sex = "Male", .age = 50}, signal_), absl::OkStatus());
  const std::string first = ReadFile(path_).value();
  fs::remove(path_);
  ASSERT_EQ(WriteMatRecord(path_, {.sex = "Male", .age = 50}, signal_), absl::OkStatus());
  EXPECT_EQ(ReadFile(path_).value(), first);
}

TEST_F(MatTest, SaysWhatIsNotThere) {
  EXPECT_THAT(ErrorOf("ECG", "data"), HasSubstr("cannot read"));
  ASSERT_EQ(WriteMatRecord(path_, {.sex = "Male", .age = 50}, signal_), absl::OkStatus());
  EXPECT_THAT(ErrorOf("EEG", "data"), HasSubstr("mat_test.mat: no variable EEG that can be read"));
  EXPECT_THAT(ErrorOf("ECG", "height"), HasSubstr("ECG has no field height"));
  EXPECT_THAT(ErrorOf("ECG", "sex"), HasSubstr("ECG.sex is not a matrix of real numbers"));
}

TEST_F(MatTest, RefusesOtherAndDamagedFiles) {
  ASSERT_TRUE(WriteFile(path_, "MATLAB 7.3 MAT-file, Platform: GLNXA64").ok());
  EXPECT_THAT(ErrorOf("ECG", "data"), HasSubstr("does not start with \"MATLAB 5.0 MAT-file\""));
  fs::remove(path_);
  ASSERT_EQ(WriteMatRecord(path_, {.sex = "Male", .age = 50}, signal_), absl::OkStatus());
  const std::string whole = ReadFile(path_).value();
  for (const size_t size : {19u, 128u, 131u, 500u, 2000u}) {
    ASSERT_TRUE(WriteFile(path_, whole.substr(0, size)).ok());
    EXPECT_FALSE(ReadMatField(path_, "ECG", "data").ok()) << size << " of " << whole.size() << " bytes";
  }
  std::string flipped = whole;
  flipped[20000] ^= 1;
  ASSERT_TRUE(WriteFile(path_, flipped).ok());
  EXPECT_THAT(ErrorOf("ECG", "data"), HasSubstr("mat_test.mat: the file is damaged"));
}

// The numbers are those of scipy.io.loadmat.
TEST(MatSampleTest, ReadsRecordsOfCpsc2018Exactly) {
  const char* shared = std::getenv("ECG_SHARED_DIR");
  if (shared == nullptr) GTEST_SKIP() << "ECG_SHARED_DIR is not set";
  const fs::path folder = fs::path(shared) / "cpsc2018-sample";
  const auto column = [](const MatMatrix& data, int sample) {
    std::vector<double> leads;
    for (int lead = 0; lead < data.rows; ++lead) leads.push_back(data.at(lead, sample));
    return leads;
  };
  const absl::StatusOr<MatMatrix> smooth = ReadMatField(folder / "A1980.mat", "ECG", "data");
  ASSERT_TRUE(smooth.ok()) << smooth.status();
  ASSERT_EQ(smooth->columns, 5000);
  EXPECT_THAT(column(*smooth, 0),
              ElementsAreArray({0.20186720825056673, 0.36506207901091914, 0.16319487076035244, -0.28397243513885295,
                                0.019880485447036054, 0.2635389294493815, 0.19009939588760028, 1.1189866153165997,
                                1.3675940554890569, 1.3688110941522513, 1.16979667624882, 0.48406081380161325}));
  EXPECT_THAT(
      column(*smooth, 4999),
      ElementsAreArray({-0.017375117824845552, -0.06829469646254611, -0.05091957863770058, 0.04291390551169508,
                        0.01600603992285783, -0.0597002642990369, -0.003014936221435616, 0.058178261591030914,
                        0.045469126874528934, 0.03850372381476495, -0.008508327944606105, -0.027941934698604735}));
  const absl::StatusOr<MatMatrix> longer = ReadMatField(folder / "A1983.mat", "ECG", "data");
  ASSERT_TRUE(longer.ok()) << longer.status();
  ASSERT_EQ(longer->columns, 7500);
  EXPECT_EQ(longer->at(0, 0), 0.0052508);
  EXPECT_EQ(longer->at(11, 0), -0.11011813333333334);
  EXPECT_EQ(longer->at(0, 7499), -0.023749199999999998);
  EXPECT_EQ(longer->at(11, 7499), -0.06011813333333334);
  EXPECT_THAT(ReadMatField(folder / "A1983.mat", "ECG", "age")->values, ElementsAre(49));
}

}  // namespace
}  // namespace ecg
