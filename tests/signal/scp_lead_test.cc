#include "ecg/signal/scp_lead.h"

#include <cstddef>
#include <optional>

#include "ecg/signal/lead.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(ScpLeadTest, SpellsTheStandardLeadsAsWeDo) {
  constexpr size_t kNumbers[] = {1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8};
  for (int lead = 0; lead < kLeads; ++lead) EXPECT_EQ(ScpLeadName(kNumbers[lead]), kLeadNames[lead]);
}

TEST(ScpLeadTest, KnowsOtherLeads) {
  EXPECT_EQ(ScpLeadName(9), "V7");
  EXPECT_EQ(ScpLeadName(11), "V3R");
  EXPECT_EQ(ScpLeadName(16), "X");
  EXPECT_EQ(ScpLeadName(66), "V8");
  EXPECT_EQ(ScpLeadName(87), "V");
  EXPECT_EQ(ScpLeadName(134), "S");
  EXPECT_EQ(ScpLeadName(0), std::nullopt);
  EXPECT_EQ(ScpLeadName(135), std::nullopt);
}

}  // namespace
}  // namespace ecg
