// demo_signs.h
//
// The effect of each SCP-ECG statement on the heart model of the demo corpus, its frequency in PTB-XL, and which
// statements exclude each other, in one table.
//
//   Heart heart = DrawHeart({FindDemoSign("IMI"), FindDemoSign("SR")}, random);
//
// The signs are strong, and the same in every record, so that a network learns even the statements that few records
// carry. They are textbook signs, not those of real patients.

#ifndef ECG_SYNTHETIC_DEMO_SIGNS_H_
#define ECG_SYNTHETIC_DEMO_SIGNS_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "ecg/random/random.h"
#include "ecg/synthetic/heart_model.h"

namespace ecg {

// The parts of the electrocardiogram that statements are about. Two statements about the same part exclude each other.
enum Part : uint32_t {
  kRhythmPart = 1 << 0,
  kRatePart = 1 << 1,
  kAtriaPart = 1 << 2,
  kAvPart = 1 << 3,  // the conduction from atria to ventricles
  kEctopyPart = 1 << 4,
  kPatternPart = 1 << 5,  // of ectopic beats
  kInitialPart = 1 << 6,  // of the QRS complex
  kBundlesPart = 1 << 7,
  kAxisPart = 1 << 8,
  kVoltagePart = 1 << 9,
  kFormPart = 1 << 10,  // fragmentation of the QRS complex
  kStPart = 1 << 11,
  kTPart = 1 << 12,
  kQtPart = 1 << 13,
  kVentriclesPart = kInitialPart | kBundlesPart | kAxisPart | kVoltagePart | kFormPart | kStPart | kTPart | kQtPart,
  kAllButRhythmPart = kAtriaPart | kAvPart | kEctopyPart | kPatternPart | kVentriclesPart,
};

// The directions of the territories of the heart's wall.
namespace territory {
inline constexpr Vector kSeptal = {-0.25f, 0, -0.95f};
inline constexpr Vector kAnterior = {0.35f, 0.1f, -0.93f};
inline constexpr Vector kAnterolateral = {0.80f, -0.15f, -0.55f};
inline constexpr Vector kLateral = {0.90f, -0.40f, 0.20f};
inline constexpr Vector kInferior = {-0.05f, 1.0f, 0.05f};
inline constexpr Vector kInferolateral = {0.65f, 0.75f, 0.10f};
inline constexpr Vector kInferoposterior = {-0.05f, 0.70f, 0.70f};
inline constexpr Vector kInferoposterolateral = {0.55f, 0.55f, 0.65f};
inline constexpr Vector kPosterior = {0, 0.05f, 1.0f};
inline constexpr Vector kEverywhere = {0.65f, 0.60f, -0.35f};
}  // namespace territory

// Infarct takes the force of a territory from the QRS complex, lifts its ST segment and inverts its T wave.
inline void Infarct(Heart& heart, Vector where) {
  heart.necrosis.peak += -0.75f * where;
  heart.ShiftSt(0.20f * where);
  heart.t += -0.45f * where;
}

// Ischaemia lowers the ST segment of a territory a little and inverts its T wave.
inline void Ischaemia(Heart& heart, Vector where) {
  heart.ShiftSt(-0.08f * where);
  heart.t += -0.75f * where;
}

// SubendocardialInjury lowers the ST segment of a territory, and leaves the T wave.
inline void SubendocardialInjury(Heart& heart, Vector where) { heart.ShiftSt(-0.36f * where); }

// LeftBundleBlock lets the right ventricle activate the left one, slowly: wide, notched, to the left and back.
inline void LeftBundleBlock(Heart& heart) {
  heart.septum.peak = heart.base.peak = {};
  heart.wall.centre_seconds = -0.012f;
  heart.wall.width_seconds = 0.022f;
  heart.wall.peak.z = 0.45f;
  heart.posterior = {0.040f, 0.022f, {0.75f, 0.10f, 0.75f}};
  heart.t = {-0.32f, -0.08f, -0.30f};
  heart.ShiftSt({-0.08f, 0, -0.10f});
}

// DemoSign is a row of the table.
struct DemoSign {
  absl::string_view code;
  // ptbxl_records is how many of the 21,837 records of PTB-XL 1.0.1 carry the statement.
  int ptbxl_records;
  // parts are what the statement is about.
  uint32_t parts;
  // apply changes the heart.
  void (*apply)(Heart& heart, Random& random);
  // companion is a statement that always occurs with this one; empty for none.
  absl::string_view companion = "";
};

// kDemoSigns holds a sign for each of kScpStatements, in the same order.
inline constexpr std::array<DemoSign, 71> kDemoSigns = {{
    // Diagnostic statements.
    {"NDT", 1829, kTPart, [](Heart& h, Random&) { h.t_rise = -0.45f, h.t_peak = 0.40f; }},
    {"NST_", 770, kStPart, [](Heart& h, Random&) { h.st_late += -0.28f * territory::kEverywhere; }},
    {"DIG", 181, kStPart | kQtPart,
     [](Heart& h, Random&) {
       h.st_early += -0.12f * territory::kEverywhere;
       h.st_middle += -0.40f * territory::kEverywhere;
       h.t_seconds = 0.24f;
     }},
    {"LNGQT", 118, kQtPart,
     [](Heart& h, Random&) {
       h.t_seconds = 0.45f;
       h.t *= 1.4f;
     }},
    {"NORM", 9528, kAllButRhythmPart, [](Heart&, Random&) {}},
    {"IMI", 2685, kInitialPart, [](Heart& h, Random&) { Infarct(h, territory::kInferior); }},
    {"ASMI", 2363, kInitialPart, [](Heart& h, Random&) { Infarct(h, territory::kSeptal); }},
    {"LVH", 2137, kVoltagePart | kTPart,
     [](Heart& h, Random&) {
       h.wall.peak *= 1.7f;
       h.posterior.peak *= 1.8f;
       h.st_late += {-0.12f, -0.03f, 0.03f};
       h.t = {-0.28f, 0.05f, -0.22f};
     }},
    {"LAFB", 1626, kAxisPart,
     [](Heart& h, Random& random) {
       h.PointAxis(Between(random, -62, -52));
       h.septum.peak += {-0.05f, 0.28f, 0};
     }},
    {"ISC_", 1275, kStPart | kTPart,
     [](Heart& h, Random&) {
       h.ShiftSt(-0.10f * territory::kEverywhere);
       h.t *= -0.35f;
     }},
    {"IRBBB", 1118, kBundlesPart,
     [](Heart& h, Random&) { h.late = {0.044f, 0.009f, {-0.35f, -0.03f, -0.50f}}; }},
    {"1AVB", 797, kAvPart, [](Heart& h, Random& random) { h.pr_seconds = Between(random, 0.27, 0.31); }},
    {"IVCD", 789, kBundlesPart,
     [](Heart& h, Random&) {
       h.qrs_stretch = 1.55f;
       h.base.peak *= 1.6f;
     }},
    {"ISCAL", 660, kStPart | kTPart, [](Heart& h, Random&) { Ischaemia(h, territory::kAnterolateral); }},
    {"CRBBB", 542, kBundlesPart,
     [](Heart& h, Random&) {
       h.base.peak = {};
       h.late = {0.060f, 0.019f, {-0.55f, -0.05f, -0.75f}};
       h.t += {0.04f, 0, 0.22f};
     }},
    {"CLBBB", 536, kVentriclesPart, [](Heart& h, Random&) { LeftBundleBlock(h); }},
    {"ILMI", 479, kInitialPart, [](Heart& h, Random&) { Infarct(h, territory::kInferolateral); }},
    {"LAO/LAE", 427, kAtriaPart,
     [](Heart& h, Random&) {
       h.left_atrium_delay_seconds = 0.058f;
       h.left_atrium = {0.16f, 0.12f, 0.18f};
     }},
    {"AMI", 354, kInitialPart, [](Heart& h, Random&) { Infarct(h, territory::kAnterior); }},
    {"ALMI", 290, kInitialPart, [](Heart& h, Random&) { Infarct(h, territory::kAnterolateral); }},
    {"ISCIN", 219, kStPart | kTPart, [](Heart& h, Random&) { Ischaemia(h, territory::kInferior); }},
    {"INJAS", 215, kStPart, [](Heart& h, Random&) { SubendocardialInjury(h, territory::kSeptal); }},
    {"LMI", 201, kInitialPart, [](Heart& h, Random&) { Infarct(h, territory::kLateral); }},
    {"ISCIL", 179, kStPart | kTPart, [](Heart& h, Random&) { Ischaemia(h, territory::kInferolateral); }},
    {"LPFB", 177, kAxisPart, [](Heart& h, Random& random) { h.PointAxis(Between(random, 112, 122)); }},
    {"ISCAS", 170, kStPart | kTPart, [](Heart& h, Random&) { Ischaemia(h, territory::kSeptal); }},
    {"INJAL", 148, kStPart, [](Heart& h, Random&) { SubendocardialInjury(h, territory::kAnterolateral); }},
    {"ISCLA", 142, kStPart | kTPart, [](Heart& h, Random&) { Ischaemia(h, territory::kLateral); }},
    {"RVH", 126, kAxisPart | kVoltagePart | kTPart,
     [](Heart& h, Random&) {
       h.PointAxis(115);
       h.wall.peak.z = -0.95f;
       h.posterior.peak = {};
       h.base.peak = {-0.55f, -0.10f, 0.10f};
       h.t = {0.25f, 0.15f, 0.22f};
     }},
    {"ANEUR", 104, kInitialPart | kStPart,
     [](Heart& h, Random&) {
       h.necrosis.peak += -0.45f * territory::kAnterior;
       h.ShiftSt(0.40f * territory::kAnterior);
     }},
    {"RAO/RAE", 99, kAtriaPart, [](Heart& h, Random&) { h.right_atrium = {0.06f, 0.30f, -0.17f}; }},
    {"EL", 97, kTPart | kQtPart | kAtriaPart,
     [](Heart& h, Random&) {
       h.right_atrium *= 0.4f, h.left_atrium *= 0.4f;
       h.t *= 3.2f;
       h.t_rise = 0;
       h.t_width_seconds = 0.025f;
     }},
    {"WPW", 80, kInitialPart | kBundlesPart | kAvPart,
     [](Heart& h, Random&) {
       h.pr_seconds = 0.105f;
       h.delta.peak = 0.6f * h.wall.peak;
       h.septum.peak = {};
       h.t *= 0.5f;
     }},
    {"ILBBB", 77, kBundlesPart,
     [](Heart& h, Random&) {
       h.qrs_stretch = 1.30f;
       h.septum.peak = {0.35f, 0.10f, 0.30f};
       h.base.peak = {0.25f, 0, 0.35f};
       h.t = {0.05f, 0.20f, -0.30f};
     }},
    {"IPLMI", 51, kInitialPart, [](Heart& h, Random&) { Infarct(h, territory::kInferoposterolateral); }},
    {"ISCAN", 44, kStPart | kTPart, [](Heart& h, Random&) { Ischaemia(h, territory::kAnterior); }},
    {"IPMI", 33, kInitialPart, [](Heart& h, Random&) { Infarct(h, territory::kInferoposterior); }},
    {"SEHYP", 30, kVoltagePart, [](Heart& h, Random&) { h.septum.peak *= 4; }},
    {"INJIN", 18, kStPart, [](Heart& h, Random&) { SubendocardialInjury(h, territory::kInferior); }},
    {"INJLA", 17, kStPart, [](Heart& h, Random&) { SubendocardialInjury(h, territory::kLateral); }},
    {"PMI", 17, kInitialPart, [](Heart& h, Random&) { Infarct(h, territory::kPosterior); }},
    {"3AVB", 16, kAvPart | kRatePart | kEctopyPart | kPatternPart,
     [](Heart& h, Random& random) {
       h.conduction = Conduction::kNone;
       h.rate_bpm = Between(random, 34, 42);
       h.respiratory_variation = 0;
       h.qrs_stretch *= 1.2f;
     }},
    {"INJIL", 15, kStPart, [](Heart& h, Random&) { SubendocardialInjury(h, territory::kInferolateral); }},
    {"2AVB", 14, kAvPart | kRatePart | kEctopyPart | kPatternPart,
     [](Heart& h, Random&) { h.conduction = Conduction::kWenckebach; }},
    // Statements of form.
    {"ABQRS", 3327, kFormPart, [](Heart& h, Random&) { h.notch.peak = -0.50f * h.wall.peak; }},
    {"PVC", 1146, kEctopyPart, [](Heart& h, Random&) { h.ectopy = Ectopy::kVentricular; }},
    {"STD_", 1009, kStPart, [](Heart& h, Random&) { h.st_early += -0.34f * territory::kEverywhere; }},
    {"VCLVH", 875, kVoltagePart,
     [](Heart& h, Random&) {
       h.wall.peak *= 1.7f;
       h.posterior.peak *= 1.8f;
     }},
    {"QWAVE", 548, kInitialPart, [](Heart& h, Random&) { h.necrosis.peak += -0.65f * territory::kInferolateral; }},
    {"LOWT", 438, kTPart, [](Heart& h, Random&) { h.t *= 0.2f; }},
    {"NT_", 423, kTPart,
     [](Heart& h, Random&) {
       h.t_rise = h.t_peak = 0.7f;
       h.t_split_seconds = 0.090f;
       h.t_width_seconds = 0.028f;
     }},
    {"PAC", 398, kEctopyPart, [](Heart& h, Random&) { h.ectopy = Ectopy::kAtrial; }},
    {"LPR", 340, kAvPart, [](Heart& h, Random& random) { h.pr_seconds = Between(random, 0.205, 0.225); }},
    {"INVT", 294, kTPart, [](Heart& h, Random&) { h.t *= -1.0f; }},
    {"LVOLT", 182, kVoltagePart, [](Heart& h, Random&) { h.voltage *= 0.35f; }},
    {"HVOLT", 62, kVoltagePart, [](Heart& h, Random&) { h.voltage *= 2.0f; }},
    {"TAB_", 35, kTPart,
     [](Heart& h, Random&) {
       h.t *= 2.2f;
       h.t_width_seconds = 0.055f;
     }},
    {"STE_", 28, kStPart, [](Heart& h, Random&) { h.ShiftSt(0.32f * territory::kEverywhere); }},
    {"PRC(S)", 10, kEctopyPart, [](Heart& h, Random&) { h.ectopy = Ectopy::kUnspecified; }},
    // Statements of rhythm.
    {"SR", 16782, kRhythmPart, [](Heart&, Random&) {}},
    {"AFIB", 1514, kRhythmPart | kRatePart | kAtriaPart | kAvPart | kPatternPart,
     [](Heart& h, Random& random) {
       h.rhythm = Rhythm::kFibrillation;
       h.rate_bpm = Between(random, 75, 115);
     }},
    {"STACH", 826, kRhythmPart | kRatePart, [](Heart& h, Random& random) { h.rate_bpm = Between(random, 108, 132); }},
    {"SARRH", 772, kRhythmPart | kRatePart,
     [](Heart& h, Random& random) { h.respiratory_variation = Between(random, 0.32, 0.38); }},
    {"SBRAD", 637, kRhythmPart | kRatePart, [](Heart& h, Random& random) { h.rate_bpm = Between(random, 42, 52); }},
    {"PACE", 296, kRhythmPart | kRatePart | kAllButRhythmPart,
     [](Heart& h, Random& random) {
       h.rhythm = Rhythm::kPaced;
       h.rate_bpm = Between(random, 60, 78);
       h.respiratory_variation = 0;
       LeftBundleBlock(h);
       h.PointAxis(-70);
     }},
    {"SVARR", 157, kRhythmPart | kRatePart | kAtriaPart | kAvPart | kEctopyPart | kPatternPart,
     [](Heart& h, Random&) { h.rhythm = Rhythm::kWandering; }},
    {"BIGU", 82, kPatternPart, [](Heart& h, Random&) { h.ectopy_every = 2; }, "PVC"},
    {"AFLT", 73, kRhythmPart | kRatePart | kAtriaPart | kAvPart | kEctopyPart | kPatternPart,
     [](Heart& h, Random& random) {
       h.rhythm = Rhythm::kFlutter;
       h.rate_bpm = Between(random, 65, 150);
     }},
    {"SVTAC", 27, kRhythmPart | kRatePart | kAtriaPart | kAvPart | kEctopyPart | kPatternPart,
     [](Heart& h, Random& random) {
       h.rhythm = Rhythm::kSupraventricularTachycardia;
       h.rate_bpm = Between(random, 175, 195);
       h.respiratory_variation = 0;
       h.ShiftSt(-0.15f * territory::kEverywhere);
     }},
    {"PSVT", 24, kRhythmPart | kRatePart | kAtriaPart | kAvPart | kEctopyPart | kPatternPart,
     [](Heart& h, Random&) { h.rhythm = Rhythm::kParoxysmalTachycardia; }},
    {"TRIGU", 20, kPatternPart, [](Heart& h, Random&) { h.ectopy_every = 3; }, "PVC"},
}};

// FindDemoSign returns the position of a code in kDemoSigns, which must have it.
constexpr int FindDemoSign(absl::string_view code) {
  int position = 0;
  while (kDemoSigns[position].code != code) ++position;
  return position;
}

// DrawHeart returns the heart of a record that carries `signs`, positions in kDemoSigns in ascending order: a healthy
// one with some variation, changed by its statements.
inline Heart DrawHeart(const std::vector<int>& signs, Random& random) {
  Heart heart;
  heart.rate_bpm = Between(random, 62, 86);
  heart.respiratory_variation = Between(random, 0.01, 0.05);
  heart.PointAxis(Between(random, 25, 60));
  heart.pr_seconds = Between(random, 0.135, 0.165);
  heart.voltage = std::clamp(1 + 0.1f * Normal(random), 0.75f, 1.3f);
  heart.t *= std::clamp(1 + 0.1f * Normal(random), 0.75f, 1.3f);
  heart.t += 0.02f * Vector{Normal(random), Normal(random), Normal(random)};
  heart.posterior.peak *= std::clamp(1 + 0.1f * Normal(random), 0.7f, 1.4f);
  heart.t_seconds = Between(random, 0.29, 0.31);
  for (const int sign : signs) kDemoSigns[sign].apply(heart, random);
  return heart;
}

}  // namespace ecg

#endif  // ECG_SYNTHETIC_DEMO_SIGNS_H_
