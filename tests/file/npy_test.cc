#include "ecg/file/npy.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A header as NumPy 1.24 writes it, with `dictionary` padded to 118 bytes.
std::string Header(std::string dictionary, char major = 1) {
  dictionary.resize(117, ' ');
  return std::string("\x93NUMPY", 6) + major + std::string("\0\x76\0", 3) + dictionary + "\n";
}

TEST(NpyTest, WritesByteForByteWhatNumPyWrites) {
  EXPECT_EQ(FormatNpyHeader("<i2", {500, 12, 5000}),
            Header("{'descr': '<i2', 'fortran_order': False, 'shape': (500, 12, 5000), }"));
  EXPECT_EQ(FormatNpyHeader("<f4", {7}), Header("{'descr': '<f4', 'fortran_order': False, 'shape': (7,), }"));
  EXPECT_EQ(FormatNpyHeader("|u1", {}), Header("{'descr': '|u1', 'fortran_order': False, 'shape': (), }"));
}

TEST(NpyTest, AlignsTheElementsWhateverTheShape) {
  for (int64_t size = 1; size < 1'000'000'000'000'000'000; size *= 10) {
    const std::string header = FormatNpyHeader("<i2", {size, size, size, size, size});
    EXPECT_EQ(header.size() % 64, 0u) << size;
    EXPECT_THAT(ParseNpyHeader(header).value().shape, ElementsAre(size, size, size, size, size));
  }
}

TEST(NpyTest, ReadsAHeaderInFrontOfElements) {
  const NpyHeader header =
      ParseNpyHeader(Header("{'descr': '<i2', 'fortran_order': False, 'shape': (3, 4), }") + "elements").value();
  EXPECT_EQ(header.dtype, "<i2");
  EXPECT_THAT(header.shape, ElementsAre(3, 4));
  EXPECT_EQ(header.bytes, 128u);
  EXPECT_THAT(ParseNpyHeader(FormatNpyHeader("|u1", {})).value().shape, IsEmpty());
}

TEST(NpyTest, RefusesWhatItDoesNotUnderstand) {
  const auto error = [](const std::string& file) { return std::string(ParseNpyHeader(file).status().message()); };
  EXPECT_THAT(error(""), HasSubstr("not a NumPy array"));
  EXPECT_THAT(error("PK\x03\x04 a zip file"), HasSubstr("not a NumPy array"));
  const std::string good = Header("{'descr': '<i2', 'fortran_order': False, 'shape': (3, 4), }");
  EXPECT_THAT(error(good.substr(0, 100)), HasSubstr("of 128 bytes in a file of 100 bytes"));
  EXPECT_THAT(error(Header("", 2)), HasSubstr("version 2.0"));
  EXPECT_THAT(error(Header("{'descr': '<i2', 'fortran_order': True, 'shape': (3, 4), }")), HasSubstr("Fortran"));
  EXPECT_THAT(error(Header("{'descr': '<i2', 'fortran_order': False, 'shape': (3, x), }")), HasSubstr("shape (3, x)"));
  EXPECT_THAT(error(Header("{'descr': '<i2', 'fortran_order': False, 'shape': (-3,), }")), HasSubstr("shape (-3,)"));
  EXPECT_THAT(error(Header("{'descr': [('a', '<i2')], 'fortran_order': False, 'shape': (3,), }")),
              HasSubstr("without 'descr': '"));
}

}  // namespace
}  // namespace ecg
