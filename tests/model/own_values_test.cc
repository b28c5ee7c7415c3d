#include "ecg/model/own_values.h"

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

const std::vector<OwnValue> kKnown = {{"width", 32}, {"dropout", 0.25}, {"layers"}};

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

TEST(OwnValuesTest, RefusesANameThatTheBackboneDoesNotKnow) {
  EXPECT_EQ(Refusal([] { Values("values { name: 'widht' number: 3 }"); }),
            "model.own.values has widht, which my::TinyConv does not know; did you mean width?");
  EXPECT_EQ(Refusal([] { Values("values { name: 'colour' number: 3 }"); }),
            "model.own.values has colour, which my::TinyConv does not know; it knows width, dropout, layers");
}

TEST(OwnValuesTest, AsksForANumberWithoutDefault) {
  EXPECT_EQ(Refusal([] { Values("values { name: 'width' number: 3 }"); }),
            "model.own.values has no layers, which my::TinyConv needs; add { name: \"layers\" number: ... }");
}

TEST(OwnValuesTest, RefusesNumbersThatTheBackboneDoesNotTake) {
  const OwnValues values = Values("values { name: 'layers' number: 2.5 }");
  EXPECT_EQ(Refusal([&] { values.Whole("layers", 1, 9); }),
            "model.own.values has layers = 2.5; it must be a whole number");
  EXPECT_EQ(Refusal([&] { values.Whole("layers", 3, 9); }),
            "model.own.values has layers = 2.5; it must be at least 3 and at most 9");
}

}  // namespace
}  // namespace ecg
