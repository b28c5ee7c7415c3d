#include "ecg/corpus/records.h"

#include <malloc.h>

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/text_column.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(RecordsTest, ReturnTheRecordsThatWereAdded) {
  Records records;
  EXPECT_TRUE(records.empty());
  records.Add({.id = "1",
               .path = "r/1",
               .patient_id = "p",
               .fold = 3,
               .statements = {"SR", "NORM"},
               .demographics = {.age_years = 63.5}});
  records.Add(
      {.id = "2", .demographics = {.age_years = std::numeric_limits<double>::infinity()}, .problem = "no file"});
  ASSERT_EQ(records.size(), 2u);
  const Record first = records[0], second = records[1];
  EXPECT_EQ(first.id, "1");
  EXPECT_EQ(first.path, "r/1");
  EXPECT_EQ(first.patient_id, "p");
  EXPECT_EQ(first.fold, 3);
  EXPECT_THAT(first.statements, ElementsAre("SR", "NORM"));
  EXPECT_EQ(first.demographics.age_years, 63.5);
  EXPECT_EQ(first.problem, "");
  EXPECT_EQ(second.id, "2");
  EXPECT_EQ(second.patient_id, "");
  EXPECT_EQ(second.fold, 0);
  EXPECT_THAT(second.statements, IsEmpty());
  EXPECT_EQ(second.demographics.age_years, std::numeric_limits<double>::infinity());
  EXPECT_EQ(second.problem, "no file");
  records.Add({});
  EXPECT_EQ(records[2].demographics.age_years, std::nullopt);
}

TEST(RecordsTest, ChangeWhatIsKnownLater) {
  Records records;
  records.Add({.id = "a"});
  records.Add({.id = "b", .path = "old"});
  records.SetFold(1, 7);
  records.SetProblem(0, "two files");
  TextColumn paths;
  paths.Add("new/a");
  paths.Add("new/b");
  records.SetPaths(std::move(paths));
  EXPECT_EQ(records[1].fold, 7);
  EXPECT_EQ(records[1].path, "new/b");
  EXPECT_EQ(records[0].problem, "two files");
  EXPECT_EQ(records[1].problem, "");
}

// The bytes that are allocated, large blocks included.
size_t AllocatedBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(RecordsTest, AHundredThousandOfThemAndTheirLabelsTakeAtMost200BytesEach) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer allocates memory in its own way";
#endif
  constexpr int kRecords = 100'000;
  const size_t before = AllocatedBytes();
  Records records;
  for (int i = 0; i < kRecords; ++i) {
    records.Add({.id = absl::StrFormat("%d", i),
                 .path = absl::StrFormat("records100/%05d/%05d_lr", i / 1000 * 1000, i),
                 .patient_id = absl::StrFormat("%d", 10'000 + i / 2),
                 .fold = 1 + i % 10,
                 .statements = {absl::StrFormat("S%d", i % 71), absl::StrFormat("S%d", i % 29), "SR"},
                 .demographics = {.age_years = i % 90}});
  }
  const Labels labels = MakeLabels(records.statements());
  const double bytes = static_cast<double>(AllocatedBytes() - before) / kRecords;
  EXPECT_EQ(labels.rows(), kRecords);
  EXPECT_GT(bytes, 40) << "else the measurement is wrong";
  EXPECT_LE(bytes, 200);
}

}  // namespace
}  // namespace ecg
