#include "ecg/file/pickle.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = PickledValue::Kind;

// Bytes makes a string of a literal that has zeros in it.
template <size_t N>
std::string Bytes(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

absl::Status ErrorOf(absl::string_view bytes) {
  return Pickle::Parse(bytes, {"collections.OrderedDict", "torch.FloatStorage"}).status();
}

// What pickle.dumps([-2, 255, 65535, 2**40, -1, "ab", None, 0.5, (), (1,), (1, 2)], 2) gives.
const std::string kList = Bytes(
    "\x80\x02]q\x00(J\xfe\xff\xff\xffK\xffM\xff\xff\x8a\x06\x00\x00\x00\x00\x00\x01J\xff\xff\xff\xffX\x02\x00\x00\x00"
    "abq\x01NG?\xe0\x00\x00\x00\x00\x00\x00)K\x01\x85q\x02K\x01K\x02\x86q\x03"
    "e.");

TEST(PickleTest, ReadsPlainData) {
  const Pickle pickle = Pickle::Parse(kList, {}).value();
  const std::vector<PickledValue*>& items = pickle.top().items;
  ASSERT_EQ(pickle.top().kind, Kind::kList);
  ASSERT_EQ(items.size(), 11u);
  std::vector<int64_t> integers;
  for (int i = 0; i < 5; ++i) integers.push_back(items[i]->integer);
  EXPECT_THAT(integers, ElementsAre(-2, 255, 65535, int64_t{1} << 40, -1));
  EXPECT_EQ(items[5]->text, "ab");
  EXPECT_EQ(items[6]->kind, Kind::kOther);
  EXPECT_EQ(items[7]->kind, Kind::kOther);
  EXPECT_TRUE(items[8]->items.empty());
  EXPECT_EQ(items[9]->items.size(), 1u);
  EXPECT_EQ(items[10]->items[1]->integer, 2);
}

TEST(PickleTest, ReadsWhatProtocol4AddsAndLosesTheAttributesOfADict) {
  // An OrderedDict with one item, the key of which is its value too, and an attribute.
  const std::string bytes = Bytes(
      "\x80\x04\x95\x2f\x00\x00\x00\x00\x00\x00\x00\x8c\x0b"
      "collections\x94\x8c\x0bOrderedDict\x94\x93\x94)R\x94"
      "\x8c\x01"
      "a\x94h\x04s}\x8c\x01"
      "b\x88sb.");
  const Pickle pickle = Pickle::Parse(bytes, {"collections.OrderedDict"}).value();
  EXPECT_EQ(pickle.top().kind, Kind::kDict);
  ASSERT_EQ(pickle.top().items.size(), 2u);
  EXPECT_EQ(pickle.top().items[0]->text, "a");
  EXPECT_EQ(pickle.top().items[1], pickle.top().items[0]);
}

TEST(PickleTest, DescribesCallsInsteadOfMakingThem) {
  const Pickle pickle = Pickle::Parse(Bytes("\x80\x02"
                                            "ctorch\nFloatStorage\nK\x07Q\x85R."),
                                      {"torch.FloatStorage"})
                            .value();
  ASSERT_EQ(pickle.top().kind, Kind::kCall);
  EXPECT_EQ(pickle.top().items[0]->text, "torch.FloatStorage");
  const PickledValue& argument = *pickle.top().items[1]->items.at(0);
  ASSERT_EQ(argument.kind, Kind::kPersistent);
  EXPECT_EQ(argument.items[0]->integer, 7);
}

TEST(PickleTest, SaysWhichByteItRefusesAndWhy) {
  for (const auto& [bytes, message] : std::vector<std::pair<std::string, std::string>>{
           {Bytes("\x80\x02(cos\nsystem\nX\x02\x00\x00\x00ls\x85R."), "byte 3: the Python object os.system"},
           {Bytes("\x80\x04\x8c\x02os\x8c\x06system\x93."), "byte 14: the Python object os.system"},
           {Bytes("(S'ls'\nios\nsystem\n."), "byte 1: the instruction STRING"},
           {Bytes("(ios\nsystem\n."), "byte 1: the instruction INST"},
           {Bytes("\x80\x02)\x81."), "byte 3: the instruction NEWOBJ"},
           {Bytes("\x80\x02\xff."), "byte 2: the instruction 0xff"},
           {Bytes("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01."), "an integer of 9 bytes"},
           {Bytes("(NuN."), "byte 2: a dict's key without a value"},
           {Bytes("NK\x01s."), "byte 3: it takes a value that was never"},
           {Bytes("NNNs."), "byte 3: it finds another kind of value"},
           {Bytes("N(\x85."), "byte 2: it takes a value that was never"},  // not from below the mark
           {Bytes("Nt."), "byte 1: there is no mark"},
           {Bytes("h\x05."), "byte 0: it refers to value 5"},
           {Bytes("NNR."), "byte 2: it finds another kind of value"},
           {Bytes("ccollections\nOrderedDict\nN\x85R."), "byte 27: an OrderedDict that is made from something"},
           {Bytes("X\xff\xff\xff\xff."), "byte 0: it continues beyond the end"},
           {Bytes("cos"), "byte 0: it continues beyond the end"},
           {Bytes("."), "byte 0: it takes a value that was never"},
       }) {
    EXPECT_THAT(ErrorOf(bytes).message(), HasSubstr(message));
  }
}

TEST(PickleTest, RefusesEveryTruncatedPickle) {
  for (size_t size = 0; size < kList.size(); ++size) EXPECT_FALSE(ErrorOf(kList.substr(0, size)).ok()) << size;
}

TEST(PickleTest, SurvivesValuesThatContainThemselves) {
  const std::string bytes = Bytes(
      "]q\x00h\x00"
      "a.");
  const Pickle pickle = Pickle::Parse(bytes, {}).value();
  EXPECT_EQ(pickle.top().items[0], &pickle.top());
  const std::string nested = std::string(1 << 20, ']') + std::string((1 << 20) - 1, 'a') + ".";
  EXPECT_EQ(Pickle::Parse(nested, {}).value().top().items.size(), 1u);
}

}  // namespace
}  // namespace ecg
