#include "ecg/file/byte_reader.h"

#include <bit>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(ByteReaderTest, ReadsNumbersOfEitherByteOrder) {
  const absl::string_view bytes("\x01\x02\xFF\xFE\x00\x00\x80\x3F", 8);
  ByteReader little(bytes);
  EXPECT_EQ(little.Read<uint16_t>(), 0x0201);
  EXPECT_EQ(little.Read<int16_t>(), -257);
  EXPECT_EQ(little.Read<float>(), 1.0f);
  EXPECT_EQ(little.left(), 0u);
  EXPECT_TRUE(little.ok());
  ByteReader big(bytes, std::endian::big);
  EXPECT_EQ(big.Read<uint16_t>(), 0x0102);
  EXPECT_EQ(big.Read<int16_t>(), -2);
}

TEST(ByteReaderTest, IsNotOkBeyondTheEndAndStaysSo) {
  ByteReader reader("abc");
  EXPECT_EQ(reader.Take(2), "ab");
  EXPECT_EQ(reader.position(), 2u);
  EXPECT_EQ(reader.Read<uint32_t>(), 0u);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.Take(1), "");
  EXPECT_EQ(reader.Take(0), "");
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReaderTest, TakesATextOutOfItsField) {
  EXPECT_EQ(FixedText(absl::string_view(" Mort\x01"
                                        "ara \0 old",
                                        16)),
            "Mortara");
  EXPECT_EQ(FixedText(""), "");
  EXPECT_EQ(FixedText("full"), "full");
}

}  // namespace
}  // namespace ecg
