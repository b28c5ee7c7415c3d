#include "ecg/report/ecg_page.h"

#include <cairo/cairo.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr double kRateHz = 100;

std::filesystem::path TestPath(const std::string& name) { return std::filesystem::path(testing::TempDir()) / name; }

std::string Content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A page with one lead: 1 mV for 5 s, then nothing for 1 s, then 0 mV.
EcgPage OneLead() {
  std::vector<float> mv(1000, 0.0f);
  for (int i = 0; i < 500; ++i) mv[i] = 1;
  for (int i = 500; i < 600; ++i) mv[i] = std::numeric_limits<float>::quiet_NaN();
  return {.title = "one lead", .sampling_frequency_hz = kRateHz, .leads = {{.name = "I", .mv = mv}}};
}

// Image is a drawn page.
class Image {
 public:
  explicit Image(const std::filesystem::path& path)
      : surface_(cairo_image_surface_create_from_png(path.c_str()), &cairo_surface_destroy) {}

  int width() const { return cairo_image_surface_get_width(surface_.get()); }
  int height() const { return cairo_image_surface_get_height(surface_.get()); }

  // Rows returns the rows of the paper with ink at `x_mm`, in mm from the top.
  std::vector<double> InkAt(double x_mm) const {
    const int x = static_cast<int>(std::lround(x_mm * kDotsPerMm));
    const uint8_t* const data = cairo_image_surface_get_data(surface_.get());
    const int stride = cairo_image_surface_get_stride(surface_.get());
    std::vector<double> rows;
    for (int y = static_cast<int>(33 * kDotsPerMm); y < static_cast<int>(190 * kDotsPerMm); ++y) {
      const uint32_t pixel = *reinterpret_cast<const uint32_t*>(data + static_cast<size_t>(y) * stride + 4 * x);
      if ((pixel >> 8 & 0xff) < 60) rows.push_back(y / kDotsPerMm);
    }
    return rows;
  }

 private:
  static constexpr double kDotsPerMm = 200 / 25.4;
  std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)> surface_;
};

TEST(EcgPageTest, HasTenMillimetresForAMillivoltAndTwentyFiveForASecond) {
  const std::filesystem::path path = TestPath("scale.png");
  ASSERT_EQ(DrawEcgPages({{OneLead()}}, path), absl::OkStatus());
  const Image image(path);
  EXPECT_NEAR(image.width(), 297 / 25.4 * 200, 1);
  EXPECT_NEAR(image.height(), 210 / 25.4 * 200, 1);
  // The trace begins 26 mm from the left: 60 mm later it is at 1 mV, 200 mm later at 0 mV.
  const std::vector<double> early = image.InkAt(26 + 60), late = image.InkAt(26 + 200);
  ASSERT_FALSE(early.empty());
  ASSERT_FALSE(late.empty());
  EXPECT_NEAR(late.front() - early.front(), 10, 0.3);
  // It ends at 5 s, and goes on at 6 s.
  EXPECT_FALSE(image.InkAt(26 + 124.5).empty());
  EXPECT_TRUE(image.InkAt(26 + 126).empty());
  EXPECT_TRUE(image.InkAt(26 + 149).empty());
  EXPECT_FALSE(image.InkAt(26 + 151).empty());
}

TEST(EcgPageTest, ShowsTwelveLeadsForAQuarterOfTheTimeEach) {
  EcgPage page = {.sampling_frequency_hz = kRateHz};
  for (int lead = 0; lead < kLeads; ++lead) {
    // Only V4 to V6, which stand in the last column, and the rhythm strip have beats of 2 mV.
    std::vector<float> mv(1000, 0.0f);
    if (lead >= 9) mv[800] = 2;
    page.leads.push_back({.name = std::string(kLeadNames[lead]), .mv = mv});
  }
  const std::filesystem::path path = TestPath("twelve.png");
  ASSERT_EQ(DrawEcgPages({{page}}, path), absl::OkStatus());
  const auto height = [&](double seconds) {
    const std::vector<double> ink = Image(path).InkAt(26 + 25 * seconds);
    return ink.empty() ? 0 : ink.size();
  };
  EXPECT_GT(height(8), 3 * height(7));
}

TEST(EcgPageTest, PutsSeveralRecordsIntoOnePdf) {
  const std::filesystem::path path = TestPath("three.pdf");
  ASSERT_EQ(DrawEcgPages({{OneLead(), OneLead(), OneLead()}}, path), absl::OkStatus());
  const std::string pdf = Content(path);
  EXPECT_THAT(pdf, StartsWith("%PDF-"));
  EXPECT_THAT(pdf, HasSubstr("/Count 3"));
}

TEST(EcgPageTest, DrawsASvg) {
  const std::filesystem::path path = TestPath("one.svg");
  ASSERT_EQ(DrawEcgPages({{OneLead()}}, path), absl::OkStatus());
  EXPECT_THAT(Content(path), HasSubstr("<svg"));
}

TEST(EcgPageTest, RefusesOtherFormatsAndSeveralPagesInAPicture) {
  EXPECT_THAT(DrawEcgPages({{OneLead()}}, TestPath("one.gif")).message(), HasSubstr(".pdf, .svg or .png"));
  EXPECT_THAT(DrawEcgPages({{OneLead(), OneLead()}}, TestPath("two.png")).message(),
              HasSubstr("only a PDF has several"));
  EXPECT_FALSE(std::filesystem::exists(TestPath("two.png")));
}

TEST(EcgPageTest, SaysWhoWhenAndWhichMachine) {
  Recording recording;
  recording.format = "GE MUSE XML 7.1.0";
  recording.machine = "MAC 5000";
  recording.recorded_at = "2008-07-10T16:54:57";
  recording.sex = "female";
  recording.age_years = 61;
  recording.filters = "notch 50 Hz";
  Strip& strip = recording.strips.emplace_back();
  strip.sampling_frequency_hz = 250;
  strip.channels.emplace_back().name = "V1";
  strip.channels[0].mv = {0, 1};
  const EcgPage page = PageOf(recording).value();
  EXPECT_THAT(page.lines, ElementsAre("female, 61 years, recorded 2008-07-10T16:54:57", "MAC 5000, GE MUSE XML 7.1.0"));
  EXPECT_EQ(page.filters, "notch 50 Hz");
  EXPECT_EQ(page.leads[0].name, "V1");
}

TEST(EcgPageTest, DerivesTheLimbLeadsThatAMachineDoesNotStore) {
  Recording recording;
  Strip& strip = recording.strips.emplace_back();
  strip.sampling_frequency_hz = 250;
  strip.channels = {{.name = "I", .mv = {1, 2}}, {.name = "II", .mv = {3, 4}}};
  const EcgPage page = PageOf(recording).value();
  ASSERT_EQ(page.leads.size(), 6);
  EXPECT_THAT(page.leads[2].mv, ElementsAre(2, 2));    // III
  EXPECT_THAT(page.leads[3].mv, ElementsAre(-2, -3));  // aVR
  EXPECT_THAT(page.lines.back(), HasSubstr("III, aVR, aVL, aVF derived"));
}

TEST(EcgPageTest, RefusesARecordingWithoutARhythmStrip) {
  EXPECT_THAT(PageOf(Recording()).status().message(), HasSubstr("no rhythm strip"));
}

}  // namespace
}  // namespace ecg
