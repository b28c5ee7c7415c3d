#include "ecg/score/mean_of_members.h"

#include <cmath>
#include <span>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using Of = MembersMean::Of;

std::vector<float> Mean(const std::vector<std::vector<float>>& members, const MembersMean& mean) {
  return MeanOfMembers(std::vector<std::span<const float>>(members.begin(), members.end()), mean);
}

TEST(MeanOfMembersTest, IsTheMeanOfTheProbabilitiesOfEachRecordAndClass) {
  EXPECT_THAT(Mean({{0.25f, 0.5f, 1, 0}, {0.75f, 0.25f, 0, 0}}, {.of = Of::kProbability, .classes = 2}),
              ElementsAre(0.5f, 0.375f, 0.5f, 0));
}

TEST(MeanOfMembersTest, OfMembersThatAgreeIsWhatTheySay) {
  const std::vector<float> same = {0.1f, 0.7f, 1e-7f};
  EXPECT_EQ(Mean({same, same, same}, {.of = Of::kProbability, .classes = 3}), same);
  for (const float one : same) {
    EXPECT_THAT(Mean({{one}, {one}}, {.of = Of::kLogit, .classes = 1}), ElementsAre(FloatEq(one)));
  }
}

TEST(MeanOfMembersTest, OfLogitsIsTheProbabilityOfTheirMean) {
  const auto sigmoid = [](double logit) { return static_cast<float>(1 / (1 + std::exp(-logit))); };
  EXPECT_THAT(Mean({{sigmoid(3), sigmoid(-4)}, {sigmoid(-1), sigmoid(-2)}}, {.of = Of::kLogit, .classes = 2}),
              ElementsAre(FloatNear(sigmoid(1), 1e-6), FloatNear(sigmoid(-3), 1e-6)));
}

TEST(MeanOfMembersTest, OfLogitsOfClassesThatExcludeEachOtherAddsUpToOne) {
  // The logits 0, 1 and 2, 0: their mean is 1, 0.5.
  const auto softmax = [](double a, double b) {
    return std::vector<float>{static_cast<float>(std::exp(a) / (std::exp(a) + std::exp(b))),
                              static_cast<float>(std::exp(b) / (std::exp(a) + std::exp(b)))};
  };
  const std::vector<float> expected = softmax(1, 0.5);
  EXPECT_THAT(Mean({softmax(0, 1), softmax(2, 0)}, {.of = Of::kLogit, .classes = 2, .exclusive = true}),
              ElementsAre(FloatNear(expected[0], 1e-6), FloatNear(expected[1], 1e-6)));
}

TEST(MeanOfMembersTest, HasANumberWhereOneMemberIsCertain) {
  EXPECT_THAT(Mean({{0, 1}, {0.5f, 0.5f}}, {.of = Of::kLogit, .classes = 2}),
              ElementsAre(FloatNear(std::exp(-8.5f), 1e-6), FloatNear(1 - std::exp(-8.5f), 1e-6)));
  const std::vector<float> exclusive = Mean({{0, 1}, {1, 0}}, {.of = Of::kLogit, .classes = 2, .exclusive = true});
  EXPECT_THAT(exclusive, ElementsAre(FloatEq(0.5f), FloatEq(0.5f)));
}

TEST(MeanOfMembersTest, IsNoNumberWhereAMemberGivesNone) {
  EXPECT_TRUE(std::isnan(Mean({{NAN}, {0.5f}}, {.of = Of::kLogit, .classes = 1})[0]));
}

TEST(MeanOfMembersTest, HasTwoNames) {
  EXPECT_EQ(*MembersMeanOf("logit"), Of::kLogit);
  EXPECT_EQ(*MembersMeanOf("probability"), Of::kProbability);
  EXPECT_THAT(MembersMeanOf("median").status().message(), HasSubstr("\"median\"; expected probability or logit"));
}

}  // namespace
}  // namespace ecg
