#include "ecg/file/crc_ccitt.h"

#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(CrcCcittTest, GivesTheCheckValueOfTheAlgorithm) {
  EXPECT_EQ(CrcCcitt("123456789"), 0x29B1);
  EXPECT_EQ(CrcCcitt(""), 0xFFFF);
}

}  // namespace
}  // namespace ecg
