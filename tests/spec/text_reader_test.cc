#include "ecg/spec/text_reader.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "tests/spec/sample.pb.h"

namespace ecg {
namespace {

using ::google::protobuf::TextFormat;
using ::google::protobuf::util::MessageDifferencer;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The findings of reading `text`, each as "line:column: message".
std::vector<std::string> Findings(absl::string_view text) {
  spec::sample::Drawing drawing;
  TextReader reader(text);
  reader.ReadMessage(drawing);
  std::vector<std::string> lines;
  for (const TextReader::Finding& finding : reader.findings()) {
    lines.push_back(absl::StrCat(finding.location.line, ":", finding.location.column, ": ", finding.message));
  }
  return lines;
}

TEST(TextReaderTest, ReadsWhatProtobufsOwnReaderReads) {
  for (const absl::string_view text : {
           "",
           "# only a comment",
           "circle {}",
           "circle: { pen: BOLD, rings: 3; } blue < depth: .25 >",
           "sizes: 1 sizes: [2, 3] sizes: [] sizes: 0x10",
           "shades { depth: 1e-3 } shades: [{ depth: 0.5f }, {}] shades {}",
           "serial: -9223372036854775808 filled: false",
           "title: 'a\\n\\x41' \"b\" # comment\n  \"c\\\"\"",
           "shades { depth: -2 } shades { depth: 3 }",
       }) {
    SCOPED_TRACE(text);
    spec::sample::Drawing ours, theirs;
    ASSERT_TRUE(TextFormat::ParseFromString(std::string(text), &theirs));
    TextReader reader(text);
    reader.ReadMessage(ours);
    EXPECT_THAT(reader.findings(), IsEmpty());
    EXPECT_TRUE(MessageDifferencer::Equals(ours, theirs)) << ours.DebugString();
  }
}

TEST(TextReaderTest, ContinuesAfterAnErrorAndKeepsWhatItCouldRead) {
  const std::string text = "serial: x\nfoo { bar: [1, { a: 'b' }] }\nfilled: maybe\ntitle: 'kept'";
  spec::sample::Drawing drawing;
  TextReader reader(text);
  reader.ReadMessage(drawing);
  EXPECT_EQ(reader.findings().size(), 3);
  EXPECT_EQ(drawing.title(), "kept");
  EXPECT_FALSE(drawing.has_serial());
}

TEST(TextReaderTest, SaysWhatAValueOfTheWrongKindShouldBe) {
  EXPECT_THAT(Findings("serial: 1.5"), ElementsAre("1:9: serial is 1.5; write a whole number"));
  EXPECT_THAT(Findings("serial: 9223372036854775808"),
              ElementsAre("1:9: serial is 9223372036854775808; write a whole number"));
  EXPECT_THAT(Findings("filled: 'true'"), ElementsAre("1:9: filled is 'true'; write true or false"));
  EXPECT_THAT(Findings("title: none"), ElementsAre("1:8: title is none; write a text in quotes"));
  EXPECT_THAT(Findings("blue { depth: inf }"),
              ElementsAre("1:15: blue.depth is inf; write a number, above 0 and below 1"));
  EXPECT_THAT(Findings("blue { depth: 1e999 }"),
              ElementsAre("1:15: blue.depth is 1e999; write a number, above 0 and below 1"));
  EXPECT_THAT(Findings("blue { depth: 0x1 }"),
              ElementsAre("1:15: blue.depth is 0x1; write a number, above 0 and below 1"));
  EXPECT_THAT(Findings("blue: 3"), ElementsAre("1:7: blue is 3; write blue { ... }"));
  EXPECT_THAT(Findings("serial { }"), ElementsAre("1:8: found {; write a colon and the value of serial"));
  EXPECT_THAT(Findings("serial: { a: 1 }"), ElementsAre("1:9: serial begins with {; write a whole number"));
  EXPECT_THAT(Findings("sizes: [1, x, -2]"), ElementsAre("1:12: sizes[1] is x; write a whole number, at least 1"));
}

TEST(TextReaderTest, ListsTheValuesOfAnEnumNearestFirst) {
  EXPECT_THAT(Findings("circle { pen: BOLT }"), ElementsAre("1:15: circle.pen is BOLT; write BOLD or THIN or NEW"));
  EXPECT_THAT(Findings("circle { pen: 1 }"), ElementsAre("1:15: circle.pen is 1; write NEW or THIN or BOLD"));
  EXPECT_THAT(Findings("circle { pen: -THIN }"), ElementsAre("1:15: circle.pen is -THIN; write THIN or BOLD or NEW"));
}

TEST(TextReaderTest, SaysWhatAnUnknownFieldWasMeantToBe) {
  EXPECT_THAT(Findings("cirle {}"), ElementsAre("1:1: the drawing has no field \"cirle\"; did you mean circle?"));
  EXPECT_THAT(Findings("circle { ring: 2 }"), ElementsAre("1:10: circle has no field \"ring\"; did you mean rings?"));
  EXPECT_THAT(Findings("circle { side: 2 }"),
              ElementsAre("1:10: circle has no field \"side\"; did you mean square.side?"));
  EXPECT_THAT(Findings("circle { width: 2 }"), ElementsAre("1:10: circle has no field \"width\"; it has pen, rings"));
  EXPECT_THAT(Findings("red { width: 2 }"), ElementsAre("1:7: red has no field \"width\"; it has none: write {}"));
  EXPECT_THAT(Findings("colour: red"),
              ElementsAre("1:1: the drawing has no field \"colour\"; choose its colour by name: red {} or blue {}"));
  EXPECT_THAT(Findings("circle { filled: true }"),
              ElementsAre("1:10: circle has no field \"filled\"; the drawing has: is a } missing before it?"));
}

TEST(TextReaderTest, RefusesAFieldOrAChoiceGivenTwice) {
  EXPECT_THAT(Findings("serial: 1\nserial: 2"),
              ElementsAre("2:1: serial is given twice, first on line 1; keep one of the two"));
  EXPECT_THAT(Findings("red {}\nblue { depth: x }"),
              ElementsAre("2:1: colour is given twice, as red on line 1 and as blue; keep one of the two",
                          "2:15: blue.depth is x; write a number, above 0 and below 1"));
}

TEST(TextReaderTest, StopsWhereTheRestCannotBeRead) {
  EXPECT_THAT(Findings("circle {\n  rings: 1\n"),
              ElementsAre("3:1: found the end of the text; write the name of a field or }"));
  EXPECT_THAT(Findings("} circle {}"), ElementsAre("1:1: found }; write the name of a field"));
  EXPECT_THAT(Findings("serial:"), ElementsAre("1:8: found the end of the text; write the value of serial"));
  EXPECT_THAT(Findings("serial: }"), ElementsAre("1:9: found }; write the value of serial"));
  EXPECT_THAT(Findings("serial 1"), ElementsAre("1:8: found 1; write a colon and the value of serial"));
  EXPECT_THAT(Findings("sizes: [1 2]"), ElementsAre("1:11: found 2; write a comma or the ] of sizes"));
  EXPECT_THAT(Findings("foo: [1, 2"), ElementsAre("1:1: the drawing has no field \"foo\"; it has circle, square, "
                                                  "untold, red, blue, sizes, shades, shadow, serial, filled, title",
                                                  "1:11: found the end of the text; write the rest of this value"));
  EXPECT_THAT(Findings("serial: 10filled: true"), ElementsAre("1:12: Need space between number and identifier."));
  EXPECT_THAT(Findings("blue { depth: 1e }"), ElementsAre("1:17: \"e\" must be followed by exponent."));
  EXPECT_THAT(Findings("title: 'open\nserial: x"), ElementsAre("1:13: String literals cannot cross line boundaries."));
}

TEST(TextReaderTest, RemembersWhereEachFieldIsNamed) {
  spec::sample::Drawing drawing;
  TextReader reader("circle {\n  rings: 3\n}\nsizes: [4,\n 5]");
  reader.ReadMessage(drawing);
  const auto where = [&](const std::string& path) {
    const TextReader::Location location = reader.LocationOf(path);
    return absl::StrCat(location.line, ":", location.column);
  };
  EXPECT_EQ(where("circle.rings"), "2:3");
  EXPECT_EQ(where("sizes[1]"), "5:2");
  EXPECT_EQ(where("circle.pen"), "1:1") << "of what is absent, where the message around it is";
  EXPECT_EQ(where("colour"), "1:1") << "of what is absent at the root, the start";
}

}  // namespace
}  // namespace ecg
