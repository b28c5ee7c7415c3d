#include "ecg/status/status_macros.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

absl::Status Passed(const absl::Status& status, bool& went_on) {
  ECG_RETURN_IF_ERROR(status);
  went_on = true;
  return absl::OkStatus();
}

TEST(StatusMacrosTest, ReturnsAnErrorAndContinuesWithoutOne) {
  bool went_on = false;
  EXPECT_EQ(Passed(absl::DataLossError("bad"), went_on), absl::DataLossError("bad"));
  EXPECT_FALSE(went_on);
  EXPECT_TRUE(Passed(absl::OkStatus(), went_on).ok());
  EXPECT_TRUE(went_on);
}

TEST(StatusMacrosTest, EvaluatesItsExpressionOnce) {
  int evaluated = 0;
  const auto pass = [&evaluated]() -> absl::Status {
    ECG_RETURN_IF_ERROR((++evaluated, absl::OkStatus()));
    return absl::OkStatus();
  };
  EXPECT_TRUE(pass().ok());
  EXPECT_EQ(evaluated, 1);
}

TEST(StatusMacrosTest, IsOneStatementForAnElse) {
  const auto pass = [](bool check) -> absl::Status {
    if (check)
      ECG_RETURN_IF_ERROR(absl::DataLossError("checked"));
    else
      return absl::NotFoundError("not checked");
    return absl::OkStatus();
  };
  EXPECT_TRUE(absl::IsDataLoss(pass(true)));
  EXPECT_TRUE(absl::IsNotFound(pass(false)));
}

absl::StatusOr<int> Sum(absl::StatusOr<int> left, absl::StatusOr<int> right) {
  ECG_ASSIGN_OR_RETURN(const int a, left);
  int b;
  ECG_ASSIGN_OR_RETURN(b, right);
  return a + b;
}

TEST(StatusMacrosTest, AssignsToADeclarationAndToAVariable) {
  EXPECT_EQ(Sum(1, 2).value(), 3);
  EXPECT_EQ(Sum(absl::NotFoundError("left"), 2).status(), absl::NotFoundError("left"));
  EXPECT_EQ(Sum(1, absl::NotFoundError("right")).status(), absl::NotFoundError("right"));
}

TEST(StatusMacrosTest, MovesWhatCannotBeCopied) {
  const auto pass = [](absl::StatusOr<std::unique_ptr<int>> owned) -> absl::StatusOr<int> {
    ECG_ASSIGN_OR_RETURN(const std::unique_ptr<int> mine, std::move(owned));
    return *mine;
  };
  EXPECT_EQ(pass(std::make_unique<int>(7)).value(), 7);
}

TEST(StatusMacrosTest, PutsTheContextBeforeTheMessage) {
  EXPECT_EQ(WithContext(absl::DataLossError("too short"), "record 7"), absl::DataLossError("record 7: too short"));
  EXPECT_TRUE(WithContext(absl::OkStatus(), "record 7").ok());
}

}  // namespace
}  // namespace ecg
