#include "ecg/file/safetensors.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

std::filesystem::path TestPath(const std::string& name) { return std::filesystem::path(testing::TempDir()) / name; }

// File returns a file with the header `json` and `data` behind it.
std::string File(const std::string& json, const std::string& data) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(uint64_t{json.size()} >> 8 * i));
  return absl::StrCat(bytes, json, data);
}

// Entry returns a header's entry of a tensor of bytes.
std::string Entry(const std::string& name, int size, int begin, int end) {
  return absl::StrCat("\"", name, "\":{\"dtype\":\"U8\",\"shape\":[", size, "],\"data_offsets\":[", begin, ",", end,
                      "]}");
}

absl::Status StatusOf(const std::string& bytes) {
  EXPECT_TRUE(WriteFile(TestPath("made.safetensors"), bytes).ok());
  return SafetensorsFile::Open(TestPath("made.safetensors")).status();
}

std::string ErrorOf(const std::string& json, const std::string& data) {
  return std::string(StatusOf(File(json, data)).message());
}

TEST(SafetensorsTest, ReadsWhatItWrote) {
  const std::map<std::string, TensorBytes> tensors = {{"b", {"F32", {2}, "abcdefgh"}},
                                                      {"a", {"U8", {1, 3}, "xyz"}},
                                                      {"none", {"F64", {0, 4}, ""}},
                                                      {"one", {"I16", {}, "12"}}};
  ASSERT_TRUE(WriteSafetensors(TestPath("written"), tensors, {{"name", "test"}}).ok());
  const SafetensorsFile file = SafetensorsFile::Open(TestPath("written")).value();
  EXPECT_THAT(file.metadata(), ElementsAre(Pair("name", "test")));
  ASSERT_EQ(file.tensors().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const TensorBytes& same = file.tensors().at(name);
    EXPECT_EQ(same.dtype, tensor.dtype) << name;
    EXPECT_EQ(same.shape, tensor.shape) << name;
    EXPECT_EQ(same.bytes, tensor.bytes) << name;
  }
}

TEST(SafetensorsTest, ReadsTensorsInAnyOrderAndAHeaderPaddedWithBlanks) {
  EXPECT_TRUE(StatusOf(File(absl::StrCat("{", Entry("a", 2, 1, 3), ",", Entry("b", 1, 0, 1), "}   "), "xyz")).ok());
  EXPECT_TRUE(StatusOf(File(absl::StrCat("{", Entry("a", 3, 0, 3), ",", Entry("empty", 0, 3, 3), "}"), "xyz")).ok());
  EXPECT_TRUE(StatusOf(File("{}", "")).ok());
}

TEST(SafetensorsTest, RefusesBytesBehindTheLastTensor) {
  EXPECT_THAT(ErrorOf(absl::StrCat("{", Entry("a", 3, 0, 3), "}"), "xyz and more"),
              HasSubstr("its tensors end at byte 3 behind its header, but 9 more follow"));
  EXPECT_THAT(ErrorOf("{}", "x"), HasSubstr("but 1 more follow"));
}

TEST(SafetensorsTest, RefusesBytesThatNoTensorOwns) {
  EXPECT_THAT(ErrorOf(absl::StrCat("{", Entry("a", 1, 0, 1), ",", Entry("b", 1, 2, 3), "}"), "xyz"),
              HasSubstr("bytes 1 to 2 behind its header, before tensor b, belong to no tensor"));
  EXPECT_THAT(ErrorOf(absl::StrCat("{", Entry("a", 1, 2, 3), "}"), "xyz"), HasSubstr("bytes 0 to 2"));
}

TEST(SafetensorsTest, RefusesTensorsThatOverlap) {
  EXPECT_THAT(ErrorOf(absl::StrCat("{", Entry("a", 2, 0, 2), ",", Entry("b", 2, 1, 3), "}"), "xyz"),
              HasSubstr("tensor b begins at byte 1 behind the header, where another tensor still is, up to byte 2"));
  EXPECT_THAT(ErrorOf(absl::StrCat("{", Entry("a", 3, 0, 3), ",", Entry("b", 3, 0, 3), "}"), "xyz"),
              HasSubstr("allows no overlaps"));
  EXPECT_THAT(ErrorOf(absl::StrCat("{", Entry("a", 3, 0, 3), ",", Entry("inside", 0, 2, 2), "}"), "xyz"),
              HasSubstr("tensor inside begins at byte 2"));
}

TEST(SafetensorsTest, RefusesDuplicateNames) {
  EXPECT_THAT(ErrorOf(absl::StrCat("{", Entry("a", 3, 0, 3), ",", Entry("a", 3, 3, 6), "}"), "xyzxyz"),
              HasSubstr("the key a twice"));
  EXPECT_THAT(ErrorOf("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]}}", "x"),
              HasSubstr("the key dtype twice"));
  EXPECT_TRUE(StatusOf(File(absl::StrCat("{\"__metadata__\":{\"a\":\"\"},", Entry("a", 1, 0, 1), "}"), "x")).ok());
}

TEST(SafetensorsTest, RefusesSizesThatDoNotFitTypeAndShape) {
  const auto error = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return ErrorOf(absl::StrCat("{\"t\":{\"dtype\":", dtype, ",\"shape\":", shape, ",\"data_offsets\":", offsets, "}}"),
                   "12345678");
  };
  EXPECT_EQ(error("\"F32\"", "[2]", "[0,8]"), "");
  EXPECT_THAT(error("\"F32\"", "[3]", "[0,8]"), HasSubstr("type F32 and shape [3] do not fit its 8 bytes"));
  EXPECT_THAT(error("\"F64\"", "[2]", "[0,8]"), HasSubstr("do not fit"));
  EXPECT_THAT(error("\"F32\"", "[0]", "[0,8]"), HasSubstr("do not fit"));
  EXPECT_THAT(error("\"U8\"", "[4294967296, 4294967296, 4294967296, 4294967296]", "[0,8]"), HasSubstr("do not fit"));
  EXPECT_THAT(error("\"F4\"", "[16]", "[0,8]"), HasSubstr("elements of type F4 are not supported"));
  EXPECT_THAT(error("8", "[8]", "[0,8]"), HasSubstr("no dtype that is a string"));
  for (const std::string shape : {"[-8]", "[8.0]", "[\"8\"]", "8", "{}", "[18446744073709551615]", "null"}) {
    EXPECT_THAT(error("\"U8\"", shape, "[0,8]"), HasSubstr("its shape is not a list")) << shape;
  }
  for (const std::string offsets : {"[0]", "[0,8,8]", "[-1,8]", "[0,8.5]", "8", "[0,1e3]"}) {
    EXPECT_THAT(error("\"U8\"", "[8]", offsets), HasSubstr("its data_offsets are not two")) << offsets;
  }
  EXPECT_THAT(error("\"U8\"", "[8]", "[8,0]"), HasSubstr("should lie at bytes 8 to 0 of 8"));
  EXPECT_THAT(error("\"U8\"", "[9]", "[0,9]"), HasSubstr("may be truncated"));
}

TEST(SafetensorsTest, RefusesHeadersThatAreNoneOfTheFormat) {
  EXPECT_THAT(std::string(StatusOf("1234567").message()), HasSubstr("expected at least 8 bytes, found 7"));
  EXPECT_THAT(ErrorOf("[]", ""), HasSubstr("does not begin with {"));
  EXPECT_THAT(ErrorOf(" {}", ""), HasSubstr("does not begin with {"));
  EXPECT_THAT(ErrorOf("{", ""), HasSubstr("not a JSON object"));
  EXPECT_THAT(ErrorOf("{} {}", ""), HasSubstr("not a JSON object"));
  EXPECT_THAT(ErrorOf("{\"t\":3}", ""), HasSubstr("tensor t: its entry"));
  EXPECT_THAT(ErrorOf("{\"__metadata__\":{\"n\":3}}", ""), HasSubstr("__metadata__ is not an object of strings"));
  const std::string cut = File(absl::StrCat("{", Entry("a", 3, 0, 3), "}"), "xyz").substr(0, 20);
  EXPECT_THAT(std::string(StatusOf(cut).message()), HasSubstr("the whole file has 20; it may be truncated"));
}

TEST(SafetensorsTest, RefusesAHeaderLongerThanTheFormatAllows) {
  std::string json = "{}";
  json.resize(kMaxSafetensorsHeader, ' ');
  EXPECT_TRUE(StatusOf(File(json, "")).ok());
  json += ' ';
  EXPECT_THAT(ErrorOf(json, ""), HasSubstr("the format allows at most 100000000"));
  std::filesystem::remove(TestPath("made.safetensors"));
}

TEST(SafetensorsTest, NamesThatSafetensorsCannotHaveAreNotWritten) {
  for (const std::string name : {"__metadata__", "\xff"}) {
    const std::map<std::string, TensorBytes> tensors = {{name, {"U8", {1}, "x"}}};
    EXPECT_FALSE(WriteSafetensors(TestPath("unwritten"), tensors).ok());
    EXPECT_FALSE(std::filesystem::exists(TestPath("unwritten")));
  }
}

}  // namespace
}  // namespace ecg
