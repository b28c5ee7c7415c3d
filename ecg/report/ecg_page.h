// ecg_page.h
//
// ECGs drawn as clinicians know them: on paper with millimetres, 25 mm a second and 10 mm a millivolt, twelve leads in
// three rows of four with a rhythm strip below, calibration pulses, and what was filtered.
//
//   const Recording recording;
//   ECG_ASSIGN_OR_RETURN(EcgPage page, PageOf(recording));
//   page.title = "record 17";
//   ECG_RETURN_IF_ERROR(DrawEcgPages({{page}}, "17.pdf"));

#ifndef ECG_REPORT_ECG_PAGE_H_
#define ECG_REPORT_ECG_PAGE_H_

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/signal/recording.h"

namespace ecg {

// EcgTrace is one lead of a page.
struct EcgTrace {
  std::string name;
  // mv holds the amplitudes in mV; the trace has a gap where one is NaN.
  std::vector<float> mv;
  // emphasis is how much each sample is highlighted, 0 to 1; empty for not at all.
  std::vector<float> emphasis = {};
};

// EcgPage is what stands on one page of A4, landscape.
struct EcgPage {
  std::string title = {};
  // lines stand below the title: who, when, which machine, what a model says.
  std::vector<std::string> lines = {};
  double sampling_frequency_hz = 0;
  // leads are drawn in columns of 2.5 s if they are the twelve standard leads, else one a row.
  std::vector<EcgTrace> leads = {};
  // start_seconds is the time of the first sample that is drawn; a page shows 10 s.
  double start_seconds = 0;
  double mm_per_second = 25;
  double mm_per_mv = 10;
  // filters says in words what was filtered; it stands in the footer.
  std::string filters = {};
};

// kPageSeconds is how much of a recording one page shows at 25 mm/s.
inline constexpr double kPageSeconds = 10;

// PageOf returns the page of the longest rhythm strip of `recording`, with sex, age, time and machine as far as they
// are known. III and the augmented leads are derived where I and II are there and they are not. A lead is drawn about
// its median, so that an offset of the electrodes does not push it out of its row. A recording without a rhythm strip
// is an error.
absl::StatusOr<EcgPage> PageOf(const Recording& recording);

// EcgDrawingFormat is the format of a drawing.
enum class EcgDrawingFormat { kSvg, kPng, kPdf };

// DrawEcg returns the drawing of `pages`: a PDF has any number of them, an SVG and a PNG one.
absl::StatusOr<std::string> DrawEcg(std::span<const EcgPage> pages, EcgDrawingFormat format);

// DrawEcgPages draws `pages` to `path`: .pdf takes any number, .svg and .png one. The file appears when it is complete.
absl::Status DrawEcgPages(std::span<const EcgPage> pages, const std::filesystem::path& path);

}  // namespace ecg

#endif  // ECG_REPORT_ECG_PAGE_H_
