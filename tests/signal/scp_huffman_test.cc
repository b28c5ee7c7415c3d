#include "ecg/signal/scp_huffman.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ScpHuffmanTest, DecodesSmallNumbersBySignAndSize) {
  const ScpHuffman huffman = ScpHuffman::Parse("\x1F\x4E").value();
  EXPECT_TRUE(huffman.compresses());
  // 0, 100, 101, 1100, 1101, and a 1 that fills the byte
  EXPECT_THAT(huffman.Decode("\x4B\x9B", 100).value(), ElementsAre(0, 1, -1, 2, -2));
  EXPECT_THAT(huffman.Decode("\x4B\x9B", 3).value(), ElementsAre(0, 1, -1));
  EXPECT_THAT(huffman.Decode("", 3).value(), IsEmpty());
}

TEST(ScpHuffmanTest, ReadsNumbersOf16BitsWithoutTables) {
  const ScpHuffman huffman = ScpHuffman::Parse(absl::string_view("\0\0", 2)).value();
  EXPECT_FALSE(huffman.compresses());
  EXPECT_THAT(huffman.Decode("\x01\x02\xFF\xFF\x07", 100).value(), ElementsAre(0x201, -1));
}

TEST(ScpHuffmanTest, RefusesTablesThatCannotBe) {
  const auto error = [](const absl::string_view section) {
    return std::string(ScpHuffman::Parse(section).status().message());
  };
  EXPECT_THAT(error("\x01"), HasSubstr("the section is empty"));
  EXPECT_THAT(error(absl::string_view("\1\0\1\0\1\1\1", 7)), HasSubstr("table 1 is cut short"));
  EXPECT_THAT(error(absl::string_view("\1\0\0\0", 4)), HasSubstr("table 1 has no codes"));
  EXPECT_THAT(error(absl::string_view("\1\0\1\0\0\4\1\0\0\0\0\0\0", 13)), HasSubstr("a prefix of 0 bits among 4"));
  EXPECT_THAT(error(absl::string_view("\1\0\1\0\3\2\1\0\0\0\0\0\0", 13)), HasSubstr("a prefix of 3 bits among 2"));
}

}  // namespace
}  // namespace ecg
