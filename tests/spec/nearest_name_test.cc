#include "ecg/spec/nearest_name.h"

#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;

TEST(NearestNameTest, CountsTheLettersToChangeWhateverTheirCase) {
  EXPECT_EQ(EditDistance("", ""), 0);
  EXPECT_EQ(EditDistance("", "abc"), 3);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
  EXPECT_EQ(EditDistance("sitting", "kitten"), 3);
  EXPECT_EQ(EditDistance("all", "ALL"), 0);
  EXPECT_EQ(EditDistance("modle", "model"), 1);
}

TEST(NearestNameTest, FindsTheNearestNameOfAMisspeltOne) {
  const std::vector<std::string> names = {"epochs", "batch_size", "learning_rate"};
  EXPECT_EQ(NearestName("learning_rat", names), "learning_rate");
  EXPECT_EQ(NearestName("batchsize", names), "batch_size");
  EXPECT_EQ(NearestName("Epoch", names), "epochs");
}

TEST(NearestNameTest, TakesAnAbbreviationForTheNameThatItBegins) {
  EXPECT_EQ(NearestName("learn", {"epochs", "learning_rate"}), "learning_rate");
  EXPECT_EQ(NearestName("SUPER", {"FORM", "SUPERDIAGNOSTIC"}), "SUPERDIAGNOSTIC");
}

TEST(NearestNameTest, FindsNothingWhereNothingIsNear) {
  EXPECT_EQ(NearestName("colour", {"epochs", "learning_rate"}), std::nullopt);
  EXPECT_EQ(NearestName("lr", {"epochs", "learning_rate"}), std::nullopt);
  EXPECT_EQ(NearestName("anything", {}), std::nullopt);
}

TEST(NearestNameTest, SortsByDistanceAndKeepsTheOrderOfEqualOnes) {
  EXPECT_THAT(NearestFirst("FORMS", {"ALL", "RHYTHM", "FORM"}), ElementsAre("FORM", "ALL", "RHYTHM"));
  EXPECT_THAT(NearestFirst("", {"b", "a"}), ElementsAre("b", "a"));
}

}  // namespace
}  // namespace ecg
