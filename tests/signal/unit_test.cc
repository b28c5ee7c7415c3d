#include "ecg/signal/unit.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

TEST(UnitTest, KnowsEverySpellingOfAUnit) {
  for (const char* unit : {"mV", "mv", "MV", "Mv", " mV ", "millivolt", "milliVolts", "mVolt", "\xE3\x8E\xB7"}) {
    EXPECT_EQ(UnitsPerMv(unit).value(), 1) << unit;
  }
  // The sign of micro is U+00B5, U+03BC (Greek), one byte of Latin-1, one of DOS, or a u.
  for (const char* unit : {"uV", "uv", "UV", "\xC2\xB5V", "\xC2\xB5v", "\xCE\xBCV", "\xCE\xBCv", "\xB5V", "\xE6V",
                           "microvolt", "MicroVolts", "\xC2\xB5Volt", "\xE3\x8E\xB6"}) {
    EXPECT_EQ(UnitsPerMv(unit).value(), 1000) << unit;
  }
  for (const char* unit : {"V", "v", "Volt", "volts"}) EXPECT_EQ(UnitsPerMv(unit).value(), 0.001) << unit;
  EXPECT_EQ(UnitsPerMv("nV").value(), 1e6);
}

TEST(UnitTest, DoesNotGuess) {
  for (const char* unit : {"", "m", "bpm", "mmHg", "Ohm", "mVs", "kV", "pV", "mA", "adu", "%", "\xC2V", "NU"}) {
    EXPECT_FALSE(UnitsPerMv(unit).ok()) << unit;
  }
  EXPECT_THAT(std::string(UnitsPerMv("Ohm").status().message()),
              HasSubstr("the unit \"Ohm\" is not supported; the supported ones are V, mV, uV and nV"));
}

}  // namespace
}  // namespace ecg
