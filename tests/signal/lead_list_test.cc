#include "ecg/signal/lead_list.h"

#include <vector>

#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(LeadListTest, JoinsChestLeadsThatFollowEachOther) {
  EXPECT_EQ(LeadList(std::vector{0, 1, 6, 7, 8, 9, 10, 11}), "I, II, V1 to V6");
  EXPECT_EQ(LeadList(std::vector{6, 7, 9, 10, 11}), "V1, V2, V4 to V6");
  EXPECT_EQ(LeadList(std::vector{2, 3, 4, 5, 6}), "III, aVR, aVL, aVF, V1");
}

TEST(LeadListTest, NamesOneLeadNoneOrAll) {
  EXPECT_EQ(LeadList(std::vector{11}), "V6");
  EXPECT_EQ(LeadList({}), "");
  EXPECT_EQ(LeadList(std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}), "I to V6");
}

}  // namespace
}  // namespace ecg
