#include "ecg/spec/own_values.h"

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

const std::vector<OwnValue> kKnown = {{"width", 32}, {"dropout", 0.25}, {"layers"}, {"column", "rhythm"}};

// The numbers of a spec with these `values`.
OwnValues Values(const std::string& values) {
  spec::OwnBackbone spec;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString("type: 'my::TinyConv' " + values, &spec));
  return OwnValues(spec, kKnown);
}

// What `read` is refused with.
std::string Refusal(const std::function<void()>& read) {
  try {
    read();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(OwnValuesTest, TakesWhatTheSpecSaysAndElseTheDefault) {
  const OwnValues values = Values("values { name: 'layers' number: 3 } values { name: 'dropout' number: 0.5 }");
  EXPECT_EQ(values.Whole("layers", 1, 3), 3);
  EXPECT_EQ(values.Whole("width", 1, 4096), 32);
  EXPECT_EQ(values.Number("dropout", 0, 0.5), 0.5);
}

TEST(OwnValuesTest, TakesTexts) {
  const OwnValues values = Values("values { name: 'layers' number: 3 } values { name: 'width' text: 'wide' }");
  EXPECT_EQ(values.Text("column"), "rhythm");
  EXPECT_EQ(Refusal([&] { values.Number("width", 0, 9); }), "my::TinyConv has width = \"wide\"; it must be a number");
  EXPECT_EQ(Refusal([&] { values.Text("layers"); }), "my::TinyConv has layers = 3; it must be a text, in quotes");
}

TEST(OwnValuesTest, RefusesANameThatThePartDoesNotKnow) {
  EXPECT_EQ(Refusal([] { Values("values { name: 'widht' number: 3 }"); }),
            "my::TinyConv has no value widht; did you mean width?");
  EXPECT_EQ(Refusal([] { Values("values { name: 'colour' number: 3 }"); }),
            "my::TinyConv has no value colour; it has width, dropout, layers, column");
}

TEST(OwnValuesTest, AsksForANumberWithoutDefault) {
  EXPECT_EQ(Refusal([] { Values("values { name: 'width' number: 3 }"); }),
            "my::TinyConv needs the value layers; add values with this name");
}

TEST(OwnValuesTest, RefusesNumbersThatThePartDoesNotTake) {
  const OwnValues values = Values("values { name: 'layers' number: 2.5 }");
  EXPECT_EQ(Refusal([&] { values.Whole("layers", 1, 9); }), "my::TinyConv has layers = 2.5; it must be a whole number");
  EXPECT_EQ(Refusal([&] { values.Whole("layers", 3, 9); }),
            "my::TinyConv has layers = 2.5; it must be at least 3 and at most 9");
}

}  // namespace
}  // namespace ecg
