#include "ecg/signal/sample_text.h"

#include <cmath>
#include <string>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(SampleTextTest, ParsesNumbersWithCommasOrSpaceBetweenThem) {
  EXPECT_THAT(ParseSamples("\t3,-2,\n +1.5e1 ;0,").value(), ElementsAre(3, -2, 15, 0));
  EXPECT_THAT(ParseSamples(" \n").value(), ElementsAre());
  EXPECT_TRUE(std::isnan(ParseSamples("NaN").value()[0]));
  EXPECT_EQ(std::string(ParseSamples("1,2x").status().message()), "sample 1: \"2x\" is not a number");
  for (const absl::string_view text : {"inf", "1e999", "0x10", "--1", "+-1", "+", "1.2.3"}) {
    EXPECT_FALSE(ParseSample(text).ok()) << text;
  }
}

TEST(SampleTextTest, DecodesBase64InManyLines) {
  EXPECT_THAT(Base64Samples("/////\n wEA ").value(), ElementsAre(-1, -1, 1));
  EXPECT_THAT(Base64Samples("AIA=").value(), ElementsAre(-32768));
  EXPECT_THAT(std::string(Base64Samples("AAAA").status().message()), HasSubstr("3 bytes are no whole number"));
  EXPECT_THAT(std::string(Base64Samples("A*AA").status().message()), HasSubstr("are not base64"));
}

TEST(SampleTextTest, MakesUtf8OfUtf16) {
  EXPECT_EQ(Utf8Text("\xEF\xBB\xBFµ"), "µ");
  EXPECT_EQ(Utf8Text("plain"), "plain");
  EXPECT_EQ(Utf8Text(absl::string_view("\xFF\xFE"
                                       "a\0\xB5\0\x17\x53",
                                       8)),
            "aµ北");
  EXPECT_EQ(Utf8Text(absl::string_view("\xFE\xFF\0a\0\xB5\xD8\x00", 8)), "aµ?");
}

}  // namespace
}  // namespace ecg
