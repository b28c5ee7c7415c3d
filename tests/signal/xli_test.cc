#include "ecg/signal/xli.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Codes of 10 bits, high bit first, behind the head of a chunk with the first difference `difference`.
std::string Chunk(const std::vector<int>& codes, int difference) {
  std::string bytes;
  uint32_t buffer = 0;
  int bits = 0;
  for (const int code : codes) {
    buffer = buffer << 10 | static_cast<uint32_t>(code);
    for (bits += 10; bits >= 8; bits -= 8) bytes += static_cast<char>(buffer >> (bits - 8));
  }
  if (bits > 0) bytes += static_cast<char>(buffer << (8 - bits));
  const auto size = static_cast<char>(bytes.size());
  return std::string({size, 0, 0, 0, 1, 0, static_cast<char>(difference), static_cast<char>(difference >> 8)}) + bytes;
}

TEST(XliTest, IntegratesSecondDifferences) {
  // High bytes of 4 samples, then low bytes: 5, 7, 64 + 3, 64.
  const auto channels = DecompressXli(Chunk({0, 0, 0, 0, 5, 7, 67, 64}, 1), 4).value();
  ASSERT_EQ(channels.size(), 1);
  // 2 * 7 - 5 - 1, then 2 * 8 - 7 - 3.
  EXPECT_THAT(channels[0], ElementsAre(5, 7, 8, 6));
}

TEST(XliTest, KnowsACodeThatIsMadeByTheVeryCodeBefore) {
  // 256 is {0, 0} when it first comes; 257 is {0, 0, 0}.
  EXPECT_THAT(DecompressXli(Chunk({0, 256, 257, 1023}, 0), 10).value()[0], ElementsAre(0, 0, 64 * 0 + 0));
  EXPECT_THAT(std::string(DecompressXli(Chunk({0, 257}, 0), 10).status().message()),
              HasSubstr("XLI channel 1: the code 257 comes before code 257"));
}

TEST(XliTest, RefusesChunksThatAreCutShortOrTooLong) {
  const std::string chunk = Chunk({1, 2, 3, 4}, 0);
  EXPECT_THAT(std::string(DecompressXli(chunk.substr(0, 5), 4).status().message()), HasSubstr("the head is cut short"));
  EXPECT_THAT(std::string(DecompressXli(chunk.substr(0, 10), 4).status().message()),
              HasSubstr("5 bytes expected, 2 found"));
  std::vector<int> codes = {0};
  for (int code = 256; code < 500; ++code) codes.push_back(code);
  EXPECT_THAT(std::string(DecompressXli(Chunk({codes.begin(), codes.begin() + 90}, 0), 100).status().message()),
              HasSubstr("more than 1224 bytes of samples"));
  EXPECT_THAT(DecompressXli("", 4).value(), ElementsAre());
}

}  // namespace
}  // namespace ecg
