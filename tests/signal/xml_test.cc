#include "ecg/signal/xml.h"

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

std::string Wide(absl::string_view text, bool big_endian) {
  std::string wide = big_endian ? "\xFE\xFF" : "\xFF\xFE";
  for (const char c : text) wide += big_endian ? std::string({'\0', c}) : std::string({c, '\0'});
  return wide;
}

TEST(XmlTest, FindsElementsByTheirLocalNameAndTextWithoutSpace) {
  const XmlDocument document =
      XmlDocument::Parse("<h:a xmlns:h='x'><h:b c=' 1 '> t </h:b><b><![CDATA[u]]></b><d><b>v</b></d></h:a>").value();
  EXPECT_EQ(XmlLocalName(document.root()), "a");
  EXPECT_EQ(XmlText(document.root(), "b"), "t");
  EXPECT_EQ(XmlAttribute(XmlChild(document.root(), "b"), "c"), "1");
  EXPECT_EQ(XmlChildren(document.root(), "b").size(), 2);
  EXPECT_EQ(XmlText(XmlChildren(document.root(), "b")[1]), "u");
  EXPECT_EQ(XmlDescendants(document.root(), "b").size(), 3);
  EXPECT_EQ(XmlText(XmlPath(document.root(), "d", "b")), "v");
  EXPECT_EQ(XmlText(XmlPath(document.root(), "x", "y"), "z"), "");
}

TEST(XmlTest, ReadsWhateverEncodingTheBytesHave) {
  for (const bool big_endian : {false, true}) {
    const std::string wide = Wide("<?xml version='1.0' encoding='UTF-8'?>\n<a>b</a>\n", big_endian);
    EXPECT_EQ(XmlRootName(wide), "a");
    EXPECT_EQ(XmlText(XmlDocument::Parse(wide).value().root()), "b");
    EXPECT_EQ(XmlText(XmlDocument::Parse(wide + std::string(4, '\0')).value().root()), "b");
  }
  EXPECT_TRUE(XmlDocument::Parse("<?xml version='1.0' encoding='ISO8859-1'?><a>\xFC</a>").ok());
  EXPECT_TRUE(XmlDocument::Parse("<?xml version='1.0' encoding='UTF-16'?><a>b</a>").ok());
}

TEST(XmlTest, NamesTheOutermostElementBehindWhatMayStandInFront) {
  EXPECT_EQ(XmlRootName("\xEF\xBB\xBF<?xml?>\n<!-- <b> --><!DOCTYPE a [<!ENTITY x \"y\">]>\n<n:a c='d'/>"), "a");
  EXPECT_EQ(XmlRootName("<!DOCTYPE a SYSTEM \"a.dtd\"><a>"), "a");
  for (const absl::string_view text : {"", "a", "<", "< a>", "<1>", "<!-- a", "<?xml", "1,2\n"}) {
    EXPECT_EQ(XmlRootName(text), "") << text;
  }
}

TEST(XmlTest, NeverReadsEntities) {
  const XmlDocument document =
      XmlDocument::Parse("<!DOCTYPE a [<!ENTITY x SYSTEM \"/etc/passwd\"><!ENTITY y \"z\">]><a>&x;&y;&lt;</a>").value();
  EXPECT_EQ(XmlText(document.root()), "&x;&y;<");
}

TEST(XmlTest, SaysWhereADocumentIsDamaged) {
  EXPECT_THAT(std::string(XmlDocument::Parse("<a>\n<b>\n</a>").status().message()),
              HasSubstr("line 3: the XML is damaged"));
  EXPECT_THAT(std::string(XmlDocument::Parse("<a>\n<b>").status().message()), HasSubstr("damaged or cut short"));
  EXPECT_FALSE(XmlDocument::Parse("").ok());
}

TEST(XmlTest, ReadsDeepDocumentsAndRefusesHugeOnes) {
  std::string deep, end;
  for (int i = 0; i < 200'000; ++i) {
    deep += "<a>";
    end += "</a>";
  }
  const XmlDocument document = XmlDocument::Parse(absl::StrCat(deep, end)).value();
  EXPECT_EQ(XmlDescendants(document.root(), "a").size(), 199'999);
  EXPECT_THAT(std::string(XmlDocument::Parse(std::string(4'000'001, '<')).status().message()), HasSubstr("at most"));
}

TEST(XmlTest, ParsesFiniteNumbersOnly) {
  EXPECT_EQ(XmlNumber("-2.5", "x").value(), -2.5);
  EXPECT_EQ(std::string(XmlNumber("", "x").status().message()), "x is missing; a number is expected");
  EXPECT_EQ(std::string(XmlNumber("1e999", "x").status().message()), "x is \"1e999\", not a number");
  EXPECT_FALSE(XmlNumber("nan", "x").ok());
}

}  // namespace
}  // namespace ecg
