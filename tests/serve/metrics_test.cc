#include "ecg/serve/metrics.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

TEST(RequestMetricsTest, CountsRequestsByStatusAndTime) {
  RequestMetrics metrics;
  metrics.Add(200, 0.02);
  metrics.Add(200, 0.2);
  metrics.Add(422, 40);
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("ecg_requests_total{code=\"200\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("ecg_requests_total{code=\"422\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("ecg_request_seconds_bucket{le=\"0.025\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("ecg_request_seconds_bucket{le=\"30\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("ecg_request_seconds_bucket{le=\"+Inf\"} 3\n"));
}

TEST(RequestMetricsTest, WritesEveryDigitOfLargeNumbers) {
  EXPECT_THAT(RequestMetrics::Line("ecg_batches_total", "counter", "Batches.", 1'234'567),
              EndsWith("\necg_batches_total 1234567\n"));
  RequestMetrics metrics;
  metrics.Add(200, 1'234'567.25);
  EXPECT_THAT(metrics.Text(), HasSubstr("\necg_request_seconds_sum 1234567.250000\n"));
}

}  // namespace
}  // namespace ecg
