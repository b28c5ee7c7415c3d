#include "ecg/report/ecg_page.h"

#include <cairo/cairo-pdf.h>
#include <cairo/cairo-svg.h>
#include <cairo/cairo.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "ecg/file/file.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/twelve_leads.h"
#include "ecg/status/status_macros.h"

namespace ecg {
namespace {

// The page in mm: A4, and on it the paper, with room for a calibration pulse and 250 mm of trace.
constexpr double kWidth = 297, kHeight = 210;
constexpr double kPaperLeft = 16, kPaperTop = 32, kPaperWidth = 265, kPaperHeight = 160;
constexpr double kTraceLeft = kPaperLeft + 10, kTraceWidth = 250;
constexpr double kPngDotsPerInch = 200;

struct Colour {
  double red, green, blue;
};
constexpr Colour kInk = {0.08, 0.08, 0.10}, kThin = {0.97, 0.83, 0.83}, kThick = {0.92, 0.64, 0.64},
                 kEmphasis = {0.95, 0.55, 0.0};

using Cairo = std::unique_ptr<cairo_t, decltype(&cairo_destroy)>;
using Surface = std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)>;

void SetColour(cairo_t* cairo, const Colour& colour, double opacity = 1) {
  cairo_set_source_rgba(cairo, colour.red, colour.green, colour.blue, opacity);
}

void DrawText(cairo_t* cairo, double x, double y, double size, const std::string& text, bool bold = false) {
  cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                         bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cairo, size);
  cairo_move_to(cairo, x, y);
  cairo_show_text(cairo, text.c_str());
}

// DrawGrid draws a line each millimetre, and a thicker one every five.
void DrawGrid(cairo_t* cairo) {
  for (const int step : {1, 5}) {
    for (int x = 0; x <= kPaperWidth; x += step) {
      cairo_move_to(cairo, kPaperLeft + x, kPaperTop);
      cairo_rel_line_to(cairo, 0, kPaperHeight);
    }
    for (int y = 0; y <= kPaperHeight; y += step) {
      cairo_move_to(cairo, kPaperLeft, kPaperTop + y);
      cairo_rel_line_to(cairo, kPaperWidth, 0);
    }
    SetColour(cairo, step == 1 ? kThin : kThick);
    cairo_set_line_width(cairo, step == 1 ? 0.10 : 0.18);
    cairo_stroke(cairo);
  }
}

// DrawPulse draws 1 mV for 0.2 s in front of the row about `y`.
void DrawPulse(cairo_t* cairo, const EcgPage& page, double y) {
  const double length = std::min(0.2 * page.mm_per_second, 8.0), ends = (10 - length) / 2;
  cairo_move_to(cairo, kPaperLeft, y);
  cairo_rel_line_to(cairo, ends, 0);
  cairo_rel_line_to(cairo, 0, -page.mm_per_mv);
  cairo_rel_line_to(cairo, length, 0);
  cairo_rel_line_to(cairo, 0, page.mm_per_mv);
  cairo_rel_line_to(cairo, ends, 0);
  cairo_stroke(cairo);
}

// Median returns that of the numbers of `mv` that are none of NaN; 0 without any.
double Median(std::span<const float> mv) {
  std::vector<float> present;
  std::ranges::copy_if(mv, std::back_inserter(present), [](float x) { return !std::isnan(x); });
  if (present.empty()) return 0;
  const auto middle = present.begin() + static_cast<std::ptrdiff_t>(present.size() / 2);
  std::ranges::nth_element(present, middle);
  return *middle;
}

// DrawTrace draws `seconds` of a lead from `begin_seconds` on, from `x` to the right, about `y`.
void DrawTrace(cairo_t* cairo, const EcgPage& page, const EcgTrace& trace, double begin_seconds, double seconds,
               double x, double y) {
  const double rate = page.sampling_frequency_hz, size = static_cast<double>(trace.mv.size());
  const auto begin = static_cast<size_t>(std::clamp(std::round(begin_seconds * rate), 0.0, size));
  const auto end = static_cast<size_t>(std::clamp(std::round((begin_seconds + seconds) * rate), 0.0, size));
  const std::span<const float> shown = std::span(trace.mv).subspan(begin, end - begin);
  const double zero = Median(shown), mm_per_sample = page.mm_per_second / rate;
  const auto at = [&](size_t i) { return y - (shown[i] - zero) * page.mm_per_mv; };
  if (!trace.emphasis.empty()) {
    cairo_set_line_width(cairo, 2);
    for (size_t i = 1; i < shown.size(); ++i) {
      const double opacity = std::clamp<double>(trace.emphasis[begin + i], 0, 1);
      if (opacity < 0.02 || std::isnan(shown[i - 1]) || std::isnan(shown[i])) continue;
      SetColour(cairo, kEmphasis, opacity);
      cairo_move_to(cairo, x + static_cast<double>(i - 1) * mm_per_sample, at(i - 1));
      cairo_line_to(cairo, x + static_cast<double>(i) * mm_per_sample, at(i));
      cairo_stroke(cairo);
    }
  }
  bool is_pen_down = false;
  for (size_t i = 0; i < shown.size(); ++i) {
    if (std::isnan(shown[i])) {
      is_pen_down = false;
      continue;
    }
    (is_pen_down ? cairo_line_to : cairo_move_to)(cairo, x + static_cast<double>(i) * mm_per_sample, at(i));
    is_pen_down = true;
  }
  SetColour(cairo, kInk);
  cairo_set_line_width(cairo, 0.28);
  cairo_stroke(cairo);
  DrawText(cairo, x + 1, y - 12, 3.6, trace.name, /*bold=*/true);
}

// FindTrace returns the trace of a standard lead.
const EcgTrace* FindTrace(const EcgPage& page, int lead) {
  const auto found =
      std::ranges::find_if(page.leads, [&](const EcgTrace& trace) { return FindLead(trace.name) == lead; });
  return found == page.leads.end() ? nullptr : &*found;
}

// DrawTwelveLeads draws I, II and III in the first quarter of the time, aVR to aVF in the second, and so on, and lead
// II below all over the page.
void DrawTwelveLeads(cairo_t* cairo, const EcgPage& page, double seconds) {
  constexpr int kRows = 4, kColumns = 4;
  constexpr double kRowHeight = kPaperHeight / kRows;
  for (int row = 0; row < kRows; ++row) {
    const double y = kPaperTop + (row + 0.5) * kRowHeight;
    SetColour(cairo, kInk);
    cairo_set_line_width(cairo, 0.28);
    DrawPulse(cairo, page, y);
    if (row == kRows - 1) {
      DrawTrace(cairo, page, *FindTrace(page, /*lead=*/1), page.start_seconds, seconds, kTraceLeft, y);
      break;
    }
    for (int column = 0; column < kColumns; ++column) {
      const double offset = column * seconds / kColumns;
      const double x = kTraceLeft + offset * page.mm_per_second;
      DrawTrace(cairo, page, *FindTrace(page, 3 * column + row), page.start_seconds + offset, seconds / kColumns, x, y);
      if (column == 0) continue;
      cairo_move_to(cairo, x, y - 4);
      cairo_rel_line_to(cairo, 0, 8);
      cairo_set_line_width(cairo, 0.28);
      cairo_stroke(cairo);
    }
  }
}

// DrawRows draws each lead in a row.
void DrawRows(cairo_t* cairo, const EcgPage& page, double seconds) {
  const double height = kPaperHeight / static_cast<double>(page.leads.size());
  for (size_t row = 0; row < page.leads.size(); ++row) {
    const double y = kPaperTop + (static_cast<double>(row) + 0.5) * height;
    SetColour(cairo, kInk);
    cairo_set_line_width(cairo, 0.28);
    DrawPulse(cairo, page, y);
    DrawTrace(cairo, page, page.leads[row], page.start_seconds, seconds, kTraceLeft, y);
  }
}

void DrawPage(cairo_t* cairo, const EcgPage& page) {
  cairo_set_source_rgb(cairo, 1, 1, 1);
  cairo_paint(cairo);
  DrawGrid(cairo);
  SetColour(cairo, kInk);
  DrawText(cairo, kPaperLeft, 12, 5, page.title, /*bold=*/true);
  for (size_t i = 0; i < page.lines.size() && i < 4; ++i) {
    DrawText(cairo, kPaperLeft, 17.5 + 4 * static_cast<double>(i), 3.2, page.lines[i]);
  }
  cairo_save(cairo);
  // A tall R wave of the first row may leave the paper.
  cairo_rectangle(cairo, kPaperLeft, kPaperTop - 8, kPaperWidth, kPaperHeight + 8);
  cairo_clip(cairo);
  cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
  const double seconds = kTraceWidth / page.mm_per_second;
  bool is_standard = true;
  for (int lead = 0; lead < kLeads; ++lead) is_standard = is_standard && FindTrace(page, lead) != nullptr;
  if (is_standard) {
    DrawTwelveLeads(cairo, page, seconds);
  } else {
    DrawRows(cairo, page, seconds);
  }
  cairo_restore(cairo);
  SetColour(cairo, kInk);
  DrawText(cairo, kPaperLeft, kPaperTop + kPaperHeight + 6, 3.2,
           absl::StrFormat("%g mm/s   %g mm/mV   %g Hz   %s   each lead about its median   from %g s",
                           page.mm_per_second, page.mm_per_mv, page.sampling_frequency_hz,
                           page.filters.empty() ? "no filter stated" : page.filters, page.start_seconds));
  cairo_show_page(cairo);
}

// DeriveLimbLeads adds the limb leads that are missing beside I and II, and returns their names.
std::string DeriveLimbLeads(EcgPage& page) {
  const EcgTrace *found_i = FindTrace(page, 0), *found_ii = FindTrace(page, 1);
  if (found_i == nullptr || found_ii == nullptr) return "";
  const std::vector<float> i = found_i->mv, ii = found_ii->mv;
  std::vector<std::string> derived;
  for (const LimbEquation& equation : kLimbEquations) {
    if (FindTrace(page, equation.lead) != nullptr) continue;
    EcgTrace& trace = page.leads.emplace_back();
    trace.name = derived.emplace_back(kLeadNames[equation.lead]);
    trace.mv = Combine(equation.a, i, equation.b, ii);
  }
  return absl::StrJoin(derived, ", ");
}

cairo_status_t AppendBytes(void* text, const unsigned char* bytes, unsigned length) {
  static_cast<std::string*>(text)->append(reinterpret_cast<const char*>(bytes), length);
  return CAIRO_STATUS_SUCCESS;
}

// Draw draws all pages on `surface`, with `units` of it in a millimetre.
absl::Status Draw(cairo_surface_t* surface, double units, std::span<const EcgPage> pages) {
  const Cairo cairo(cairo_create(surface), &cairo_destroy);
  cairo_scale(cairo.get(), units, units);
  for (const EcgPage& page : pages) DrawPage(cairo.get(), page);
  const cairo_status_t status = cairo_status(cairo.get());
  if (status == CAIRO_STATUS_SUCCESS) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("cannot draw: ", cairo_status_to_string(status)));
}

}  // namespace

absl::StatusOr<EcgPage> PageOf(const Recording& recording) {
  const Strip* longest = nullptr;
  const auto seconds = [](const Strip& strip) {
    return static_cast<double>(strip.samples()) / strip.sampling_frequency_hz;
  };
  for (const Strip& strip : recording.strips) {
    if (strip.kind != Strip::Kind::kRhythm || strip.samples() == 0) continue;
    if (longest == nullptr || seconds(strip) > seconds(*longest)) longest = &strip;
  }
  if (longest == nullptr) return absl::InvalidArgumentError("the recording has no rhythm strip to draw");
  EcgPage page = {.sampling_frequency_hz = longest->sampling_frequency_hz, .filters = recording.filters};
  for (const Channel& channel : longest->channels) page.leads.push_back({.name = channel.name, .mv = channel.mv});
  std::vector<std::string> patient;
  if (!recording.sex.empty()) patient.push_back(recording.sex);
  if (recording.age_years) patient.push_back(absl::StrFormat("%g years", *recording.age_years));
  if (!recording.recorded_at.empty()) patient.push_back(absl::StrCat("recorded ", recording.recorded_at));
  if (!patient.empty()) page.lines.push_back(absl::StrJoin(patient, ", "));
  page.lines.push_back(absl::StrCat(recording.machine, recording.machine.empty() ? "" : ", ", recording.format));
  if (const std::string derived = DeriveLimbLeads(page); !derived.empty()) {
    page.lines.push_back(absl::StrCat(derived, " derived from I and II"));
  }
  return page;
}

absl::StatusOr<std::string> DrawEcg(std::span<const EcgPage> pages, EcgDrawingFormat format) {
  if (pages.empty() || (pages.size() > 1 && format != EcgDrawingFormat::kPdf)) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot draw ", pages.size(), " pages into one picture; only a PDF has several"));
  }
  std::string bytes;
  if (format == EcgDrawingFormat::kPng) {
    const double dots = kPngDotsPerInch / 25.4;
    const Surface surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(kWidth * dots),
                                                     static_cast<int>(kHeight * dots)),
                          &cairo_surface_destroy);
    ECG_RETURN_IF_ERROR(Draw(surface.get(), dots, pages));
    cairo_surface_write_to_png_stream(surface.get(), &AppendBytes, &bytes);
    return bytes;
  }
  constexpr double kPointsPerMm = 72 / 25.4;
  const auto create =
      format == EcgDrawingFormat::kPdf ? &cairo_pdf_surface_create_for_stream : &cairo_svg_surface_create_for_stream;
  const Surface surface(create(&AppendBytes, &bytes, kWidth * kPointsPerMm, kHeight * kPointsPerMm),
                        &cairo_surface_destroy);
  ECG_RETURN_IF_ERROR(Draw(surface.get(), kPointsPerMm, pages));
  cairo_surface_finish(surface.get());
  return bytes;
}

absl::Status DrawEcgPages(std::span<const EcgPage> pages, const std::filesystem::path& path) {
  for (const auto& [extension, format] :
       {std::pair{".svg", EcgDrawingFormat::kSvg}, std::pair{".png", EcgDrawingFormat::kPng},
        std::pair{".pdf", EcgDrawingFormat::kPdf}}) {
    if (path.extension() != extension) continue;
    ECG_ASSIGN_OR_RETURN(const std::string bytes, DrawEcg(pages, format));
    return WriteFile(path, bytes);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("cannot draw to ", path.string(), ": expected a name that ends in .pdf, .svg or .png"));
}

}  // namespace ecg
