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

TEST(LeadTest, KnowsNamesWithAWordInFront) {
  for (const char* name : {"ECG II", "ecg ii", "EKG II", "Lead II", "LEAD_II", "ECG Lead II", "ECG lead: II", "ECG-II",
                           "EKG.II", "ECGII", "LeadII", " II ", "II (Einthoven)", "Lead II (Einthoven)", "DII"}) {
    EXPECT_EQ(FindLead(name), 1) << name;
  }
  for (const char* name : {"ECG aVR", "Lead AVR", "ECG-aVR", "EKG avr"}) EXPECT_EQ(FindLead(name), 3) << name;
  EXPECT_EQ(FindPlainLead("aVR"), 3);
  EXPECT_EQ(FindPlainLead("ECG aVR"), std::nullopt);
}

TEST(LeadTest, KnowsTheNamesOfIso11073) {
  EXPECT_EQ(FindLead("MDC_ECG_LEAD_I"), 0);
  EXPECT_EQ(FindLead("MDC_ECG_LEAD_AVR"), 3);
  EXPECT_EQ(FindLead("MDC_ECG_LEAD_aVF"), 5);
  EXPECT_EQ(FindLead("MDC_ECG_LEAD_V6"), 11);
  EXPECT_EQ(FindLead("MDC_ECG_ELEC_POTL_III"), 2);
}

TEST(LeadTest, SpellsTheStandardLeadsOneWayAndLeavesOthers) {
  EXPECT_EQ(LeadName("MDC_ECG_LEAD_AVR"), "aVR");
  EXPECT_EQ(LeadName("EKG v1"), "V1");
  EXPECT_EQ(LeadName("Resp "), "Resp ");
}

TEST(LeadTest, DoesNotGuess) {
  for (const char* name :
       {"", "IV", "V7", "MLII", "-aVR", "vx", "ECG", "Lead", "ECG 1", "ECG -aVR", "ECG--aVR", "Lead V3R",
        "MDC_ECG_LEAD_V3R", "MDC_ECG_LEAD_", "ECG I filtered", "RESP", "I II", "(Einthoven)"}) {
    EXPECT_EQ(FindLead(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace ecg
