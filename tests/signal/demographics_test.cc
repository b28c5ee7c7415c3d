#include "ecg/signal/demographics.h"

#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using testing::ElementsAre;

TEST(DemographicsTest, AreNumbersOfOrderOneAndAFlagForEachThatIsMissing) {
  EXPECT_THAT((Demographics{.age_years = 80, .sex = "female", .height_cm = 160, .weight_kg = 90}.ToNumbers()),
              ElementsAre(1, 1, -1, 1, 0, 0, 0, 0));
  EXPECT_THAT((Demographics{.age_years = 60, .sex = "male"}.ToNumbers()), ElementsAre(0, -1, 0, 0, 0, 0, 1, 1));
}

TEST(DemographicsTest, TellWhatIsMissingFromTheMean) {
  EXPECT_THAT(Demographics().ToNumbers(), ElementsAre(0, 0, 0, 0, 1, 1, 1, 1));
  EXPECT_THAT(Demographics{.age_years = 60}.ToNumbers(), ElementsAre(0, 0, 0, 0, 0, 1, 1, 1));
}

TEST(DemographicsTest, TakeAnAgeThatIsNotToldForAnOldOne) {
  const Demographics old = {.age_years = std::numeric_limits<double>::infinity()};
  EXPECT_EQ(old.ToNumbers()[0], 1.75f) << "95 years";
}

}  // namespace
}  // namespace ecg
