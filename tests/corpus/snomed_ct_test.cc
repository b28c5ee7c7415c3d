#include "ecg/corpus/snomed_ct.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "ecg/corpus/cpsc2018.h"
#include "ecg/corpus/scp_statements.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(SnomedCtTest, ListsStatementsOfPtbXlAndAllLabelsOfCpsc2018Once) {
  std::set<std::string> codes, scp, cpsc;
  for (const SnomedCtStatement& row : kSnomedCt) {
    EXPECT_TRUE(codes.emplace(row.code).second) << row.code;
    EXPECT_TRUE(scp.emplace(row.scp).second) << row.scp;
    EXPECT_TRUE(std::any_of(kScpStatements.begin(), kScpStatements.end(), [&](const ScpStatement& statement) {
      return statement.code == row.scp;
    })) << row.scp;
    EXPECT_TRUE(row.cpsc.empty() || cpsc.emplace(row.cpsc).second) << row.cpsc;
  }
  EXPECT_EQ(cpsc, std::set<std::string>(Cpsc2018::kLabels.begin(), Cpsc2018::kLabels.end()));
  for (const auto& [code, same] : kSameDiagnosis) {
    EXPECT_FALSE(codes.contains(std::string(code))) << code;
    EXPECT_TRUE(codes.contains(std::string(same))) << same;
  }
}

TEST(SnomedCtTest, MatchesClassesOfDifferentVocabularies) {
  const std::vector<std::string> ptbxl = {"AFIB", "CRBBB", "IMI", "NORM", "SR"};
  const std::vector<std::string> g12ec = {"164889003", "164934002", "426783006", "59118001", "713427006"};
  const std::vector<ClassMatch> matches = MatchClasses(ptbxl, g12ec);
  ASSERT_THAT(matches, SizeIs(3));
  EXPECT_EQ(matches[0].code, "164889003");
  EXPECT_THAT(matches[0].first, ElementsAre(0));
  EXPECT_THAT(matches[0].second, ElementsAre(0));
  EXPECT_THAT(matches[1].first, ElementsAre(1));
  EXPECT_THAT(matches[1].second, ElementsAre(3, 4)) << "two codes of one diagnosis";
  EXPECT_THAT(matches[2].first, ElementsAre(3));

  const std::vector<std::string> cpsc = {"AF", "Normal", "RBBB"};
  EXPECT_THAT(MatchClasses(cpsc, ptbxl), SizeIs(3));
  EXPECT_THAT(MatchClasses(g12ec, cpsc), SizeIs(3));
}

TEST(SnomedCtTest, MatchesNamesThatItDoesNotKnowWithThemselvesOnly) {
  const std::vector<std::string> first = {"IMI", "other"}, second = {"164865005", "other"};
  const std::vector<ClassMatch> matches = MatchClasses(first, second);
  ASSERT_THAT(matches, SizeIs(1));
  EXPECT_EQ(matches[0].code, "other");
  EXPECT_THAT(MatchClasses(first, std::vector<std::string>{}), IsEmpty());
}

}  // namespace
}  // namespace ecg
