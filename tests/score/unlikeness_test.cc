#include "ecg/score/unlikeness.h"

#include <cmath>
#include <vector>

#include "gtest/gtest.h"

namespace ecg {
namespace {

// 1, 2, ... 200, not in order.
ReferenceDistances TwoHundred() {
  std::vector<double> distances;
  for (int i = 0; i < 200; ++i) distances.push_back(i * 77 % 200 + 1);
  return ReferenceDistances(distances);
}

TEST(UnlikenessTest, IsTheShareOfTheValidationRecordsThatAreNearer) {
  const ReferenceDistances validation = TwoHundred();
  EXPECT_EQ(validation.sorted().front(), 1);
  EXPECT_EQ(validation.sorted().back(), 200);
  EXPECT_EQ(validation.Compare(0.5).reference_share, 0);
  EXPECT_EQ(validation.Compare(1).reference_share, 0) << "one as near is not nearer";
  EXPECT_EQ(validation.Compare(100.5).reference_share, 0.5);
  EXPECT_EQ(validation.Compare(200).reference_share, 0.995);
  EXPECT_EQ(validation.Compare(201).reference_share, 1);
  EXPECT_EQ(validation.Compare(201).references, 200);
}

TEST(UnlikenessTest, WarnsFromNinetyNinePercentOn) {
  const ReferenceDistances validation = TwoHundred();
  EXPECT_FALSE(validation.Compare(198).is_warned());
  EXPECT_TRUE(validation.Compare(198.5).is_warned());
}

TEST(UnlikenessTest, WarnsOfADistanceThatIsNoNumber) {
  EXPECT_TRUE(TwoHundred().Compare(std::nan("")).is_warned());
  EXPECT_TRUE(TwoHundred().Compare(INFINITY).is_warned());
}

TEST(UnlikenessTest, IsToldWithoutRoundingItUp) {
  EXPECT_EQ(TwoHundred().Compare(100.5).Text(),
            "more unlike the training records than 50.0% of the validation records");
  EXPECT_EQ(Unlikeness({.reference_share = 0.99951, .references = 2183}).Text(),
            "more unlike the training records than 99.9% of the validation records");
  EXPECT_EQ(TwoHundred().Compare(999).Text(), "more unlike the training records than all 200 validation records");
}

}  // namespace
}  // namespace ecg
