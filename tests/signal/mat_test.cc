#include "ecg/signal/mat.h"

#include <cstdint>
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
#include "tests/signal/mat_file.h"

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
  EXPECT_THAT(ErrorOf("EEG", "data"), HasSubstr("mat_test.mat: no variable EEG; the variables are ECG"));
  EXPECT_THAT(ErrorOf("ECG", "height"), HasSubstr("ECG has no field height; its fields are sex, age, data"));
  EXPECT_THAT(ErrorOf("ECG", "sex"), HasSubstr("ECG.sex is not a matrix of real numbers"));
}

TEST_F(MatTest, RefusesOtherAndDamagedFiles) {
  ASSERT_TRUE(WriteFile(path_, "MATLAB 7.3 MAT-file, Platform: GLNXA64").ok());
  EXPECT_THAT(ErrorOf("ECG", "data"), HasSubstr("is of MATLAB version 7.3 (HDF5), which is not supported"));
  ASSERT_TRUE(WriteFile(path_, "no MATLAB file at all, but text").ok());
  EXPECT_THAT(ErrorOf("ECG", "data"), HasSubstr("mat_test.mat: no MATLAB file of version 4 or 5: 31 bytes"));
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
  EXPECT_THAT(ErrorOf("ECG", "data"), HasSubstr("mat_test.mat: byte 128: the compressed data are damaged"));
}

TEST(MatBytesTest, ReadsEveryTypeOfNumbersInBothByteOrdersCompressedOrNot) {
  const auto check = [](const std::string& file, const std::vector<double>& expected) {
    const absl::StatusOr<MatMatrix> matrix = ParseMatMatrix(file, "val");
    ASSERT_TRUE(matrix.ok()) << matrix.status();
    EXPECT_EQ(matrix->rows, 3);
    EXPECT_EQ(matrix->columns, 1);
    EXPECT_EQ(matrix->values, expected);
  };
  for (const bool big_endian : {false, true}) {
    const MatBytes bytes(big_endian);
    const auto check_class = [&](uint32_t array_class, uint32_t type, auto first, auto second) {
      const std::vector<decltype(first)> numbers = {first, second, 0};
      const std::string matrix = bytes.Matrix(array_class, type, {3, 1}, "val", bytes.Raw(numbers));
      const std::vector<double> expected(numbers.begin(), numbers.end());
      check(bytes.File5(matrix), expected);
      check(bytes.File5(bytes.Compress(matrix)), expected);
    };
    check_class(6, 9, 0.1, -1e300);                // double
    check_class(7, 7, 0.5f, -3e38f);               // single
    check_class(8, 1, int8_t{-128}, int8_t{127});  // integers
    check_class(9, 2, uint8_t{0}, uint8_t{255});
    check_class(10, 3, int16_t{-32768}, int16_t{32767});
    check_class(11, 4, uint16_t{1}, uint16_t{65535});
    check_class(12, 5, int32_t{-7}, int32_t{2147483647});
    check_class(13, 6, uint32_t{1}, uint32_t{4294967295});
    check_class(14, 12, int64_t{-5}, int64_t{1} << 50);
    check_class(15, 13, uint64_t{5}, uint64_t{1} << 50);
    check_class(6, 2, uint8_t{3}, uint8_t{200});  // double that is stored as whole numbers
    check_class(6, 3, int16_t{-300}, int16_t{200});
    check_class(7, 5, int32_t{-70000}, int32_t{9});
    check(bytes.Matrix4(0, 3, 1, "val", bytes.Raw(std::vector<double>{1.5, -2, 0})), {1.5, -2, 0});
    check(bytes.Matrix4(1, 3, 1, "val", bytes.Raw(std::vector<float>{1.5, -2, 0})), {1.5, -2, 0});
    check(bytes.Matrix4(2, 3, 1, "val", bytes.Raw(std::vector<int32_t>{70000, -2, 0})), {70000, -2, 0});
    check(bytes.Matrix4(3, 3, 1, "val", bytes.Raw(std::vector<int16_t>{-32768, -2, 0})), {-32768, -2, 0});
    check(bytes.Matrix4(4, 3, 1, "val", bytes.Raw(std::vector<uint16_t>{65535, 2, 0})), {65535, 2, 0});
    check(bytes.Matrix4(5, 3, 1, "val", bytes.Raw(std::vector<uint8_t>{255, 2, 0})), {255, 2, 0});
  }
}

TEST(MatBytesTest, ReadsTheVariableAmongOthers) {
  const MatBytes bytes;
  const std::string text =
      bytes.Element(14, bytes.Head(4, {1, 3}, "note") + bytes.Element(4, bytes.Raw(std::vector<uint16_t>{97, 98, 99})));
  const std::string val = bytes.Matrix(6, 9, {1, 2}, "val", bytes.Raw(std::vector<double>{1, 2}));
  const std::string empty = bytes.Structure("ECG", {{"data", bytes.Element(14, "")}});
  for (const std::string& file : {bytes.File5(text + val + empty), bytes.File5(empty + bytes.Compress(text) + val)}) {
    EXPECT_THAT(ParseMatMatrix(file, "val")->values, ElementsAre(1, 2));
    EXPECT_EQ(ParseMatField(file, "ECG", "data")->values.size(), 0u);
  }
  const std::string file4 =
      bytes.Matrix4(3, 1, 1, "first", bytes.Raw(int16_t{5})) + bytes.Matrix4(0, 1, 1, "val", bytes.Raw(7.5));
  EXPECT_THAT(ParseMatMatrix(file4, "val")->values, ElementsAre(7.5));
}

TEST(MatBytesTest, RefusesAMatrixThatStatesOtherSizesThanItHolds) {
  const MatBytes bytes;
  const std::string numbers = bytes.Raw(std::vector<double>(12 * 60, 1.0));
  const auto error = [&](const std::vector<int32_t>& dims, uint32_t type = 9) {
    const std::string data = bytes.Matrix(6, type, dims, "", numbers);
    return std::string(
        ParseMatField(bytes.File5(bytes.Structure("ECG", {{"data", data}})), "ECG", "data").status().message());
  };
  EXPECT_EQ(error({12, 60}), "");
  EXPECT_THAT(error({12, 124}), HasSubstr("ECG.data states 12 x 124 numbers, 11904 bytes; 5760 found"));
  EXPECT_THAT(error({12, 59}), HasSubstr("ECG.data states 12 x 59 numbers"));
  EXPECT_THAT(error({2147483647, 2147483647}), HasSubstr("ECG.data states 2147483647 x 2147483647 numbers"));
  EXPECT_THAT(error({12, -60}), HasSubstr("the dimensions of an array are 12 x -60"));
  EXPECT_THAT(error({12}), HasSubstr("the dimensions of an array are 12"));
  EXPECT_THAT(error({12, 30, 2}), HasSubstr("3 dimensions"));
  EXPECT_THAT(error({12, 60}, 13), HasSubstr("numbers of array class 6 are stored as element type 13"));
}

TEST(MatBytesTest, RefusesAStructureThatIsNotOne) {
  const MatBytes bytes;
  const std::string matrix = bytes.Matrix(6, 9, {1, 1}, "", bytes.Raw(1.0));
  const std::string good = bytes.File5(bytes.Structure("ECG", {{"sex", matrix}, {"data", matrix}}));
  ASSERT_TRUE(ParseMatField(good, "ECG", "data").ok());
  const auto error_at = [&](size_t byte, int bit) {
    std::string file = good;
    file[byte] ^= 1 << bit;
    return std::string(ParseMatField(file, "ECG", "data").status().message());
  };
  EXPECT_THAT(error_at(163, 6), HasSubstr("ECG is an array of 1073741825 x 1 structures, one expected"));
  EXPECT_THAT(error_at(160, 0), HasSubstr("ECG is an array of 0 x 1 structures"));
  EXPECT_THAT(error_at(191, 7), HasSubstr("field names of -2147483640 bytes"));
  EXPECT_THAT(error_at(188, 0), HasSubstr("field names of 9 bytes each in 16 bytes"));
  EXPECT_THAT(error_at(144, 2), HasSubstr("is not a structure (array class 6)"));
  EXPECT_THAT(error_at(135, 4), HasSubstr("byte 128: an element of "));
  EXPECT_THAT(
      std::string(ParseMatField(bytes.Matrix4(0, 1, 1, "ECG", bytes.Raw(1.0)), "ECG", "data").status().message()),
      HasSubstr("MATLAB version 4, which has no structures"));
}

TEST(SharedCasesTest, AreErrorsThatNameTheFileWhereABitOfAMatlabFileIsFlipped) {
  const char* shared = std::getenv("ECG_SHARED_DIR");
  if (shared == nullptr) GTEST_SKIP() << "ECG_SHARED_DIR is not set";
  const fs::path cases = fs::path(shared) / "cases";
  const auto error = [&](const std::string& folder) {
    return std::string(ReadMatField(cases / folder / "A0001.mat", "ECG", "data").status().message());
  };
  EXPECT_THAT(error("21_mat5_one_bit_crash"),
              HasSubstr("A0001.mat: ECG is an array of 1073741825 x 1 structures, one expected"));
  EXPECT_THAT(error("21b_mat5_more_columns_than_numbers"), HasSubstr("A0001.mat: ECG.data states 12 x 124 numbers"));
  EXPECT_THAT(error("21e_mat5_one_bit_crash_elsewhere"), HasSubstr("A0001.mat: byte 184: an element of "));
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
