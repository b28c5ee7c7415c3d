#include "ecg/signal/lead.h"

#include <optional>

#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(LeadTest, FindsEachLeadByItsName) {
  for (int lead = 0; lead < kLeads; ++lead) EXPECT_EQ(FindLead(kLeadNames[lead]), lead);
}

TEST(LeadTest, DoesNotMindUpperOrLowerCase) {
  EXPECT_EQ(FindLead("AVR"), 3);
  EXPECT_EQ(FindLead("avf"), 5);
  EXPECT_EQ(FindLead("v6"), 11);
  EXPECT_EQ(FindLead("iii"), 2);
}

TEST(LeadTest, DoesNotGuess) {
  for (const char* name : {"", "IV", "V7", "MLII", "I ", "-aVR", "vx"}) EXPECT_EQ(FindLead(name), std::nullopt) << name;
}

}  // namespace
}  // namespace ecg
