// Draws what augmentations do to a record, as an SVG file that any browser shows: a lead before each augmentation,
// grey, and after it, black, for three draws of its random numbers.
//
//   bazel run //cli:show_augmentations -- --output=augmentations.svg
//   bazel run //cli:show_augmentations -- --output=mine.svg --augmentation='time_mask { most_share: 0.5 }'
//                                         --record=FILE
//
// Without --augmentation it draws every one, with its defaults. Records are WFDB, named without extension; without any,
// two synthetic ones are used. Mixup and cutmix mix the first with the second.

#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "ecg/batch/augmentation.h"
#include "ecg/batch/batch.h"
#include "ecg/command_line/command_line.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/corpus/scaler.h"
#include "ecg/experiment/recipe.h"
#include "ecg/file/file.h"
#include "ecg/file/path.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "ecg/signal/wfdb.h"
#include "ecg/spec/check.h"
#include "ecg/status/status_macros.h"
#include "ecg/synthetic/demo.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/text_format.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

struct Flags {
  std::string output = "augmentations.svg";
  std::vector<std::string> augmentations;
  std::vector<std::string> records;
  std::string lead = "II";
  double seconds = 2.5;
  int64_t seed = 1;
};

// Signals reads the records of `flags`, or makes two.
absl::StatusOr<std::vector<Signal>> Signals(const Flags& flags) {
  std::vector<Signal> signals;
  if (flags.records.empty()) {
    ECG_ASSIGN_OR_RETURN(const std::filesystem::path folder, CachedDemo(10, /*seed=*/1, CacheDirectory()));
    ECG_ASSIGN_OR_RETURN(const PtbXl demo, PtbXl::Open(spec::PtbXl(), folder));
    for (const int record : {0, 1}) {
      ECG_ASSIGN_OR_RETURN(signals.emplace_back(), demo.ReadSignal(record));
    }
  }
  for (const std::string& record : flags.records) {
    ECG_ASSIGN_OR_RETURN(signals.emplace_back(), ReadWfdb(UserPath(record)));
  }
  if (signals.size() == 1) signals.push_back(signals[0]);
  for (const Signal& signal : signals) {
    if (signal.sampling_frequency_hz != signals[0].sampling_frequency_hz) {
      return absl::InvalidArgumentError(absl::StrCat("the records are at ", signals[0].sampling_frequency_hz, " and ",
                                                     signal.sampling_frequency_hz,
                                                     " Hz; expected the same sampling frequency"));
    }
  }
  return signals;
}

// Crops returns the first `samples` samples of all leads of `signals`, in mV, float32 [B, C, L].
torch::Tensor Crops(const std::vector<Signal>& signals, int samples) {
  torch::Tensor crops = torch::zeros({static_cast<int64_t>(signals.size()), kLeads, samples});
  auto values = crops.accessor<float, 3>();
  for (size_t i = 0; i < signals.size(); ++i) {
    for (int lead = 0; lead < kLeads; ++lead) {
      for (int t = 0; t < std::min(samples, signals[i].samples); ++t) {
        values[i][lead][t] = static_cast<float>(signals[i].calibration[lead].ToMv(signals[i].lead(lead)[t]));
      }
    }
  }
  return crops;
}

// Chosen returns the augmentations of `flags`, or each that there is.
absl::StatusOr<std::vector<spec::Augmentation>> Chosen(const Flags& flags) {
  std::vector<spec::Augmentation> chosen;
  for (const std::string& text : flags.augmentations) {
    spec::Augmentation& one = chosen.emplace_back();
    if (!google::protobuf::TextFormat::ParseFromString(text, &one)) {
      return absl::InvalidArgumentError(absl::StrCat("--augmentation='", text,
                                                     "' is no augmentation; expected one as in a spec, such as "
                                                     "'time_mask { most_share: 0.5 }'"));
    }
    const std::vector<Problem> problems = CheckRanges(one);
    if (!problems.empty()) return absl::InvalidArgumentError(problems[0].message);
  }
  if (!chosen.empty()) return chosen;
  const google::protobuf::OneofDescriptor* oneof = spec::Augmentation::descriptor()->FindOneofByName("augmentation");
  for (int i = 0; i < oneof->field_count(); ++i) {
    if (oneof->field(i)->message_type() == spec::Own::descriptor()) continue;
    spec::Augmentation& one = chosen.emplace_back();
    one.GetReflection()->MutableMessage(&one, oneof->field(i));
  }
  return chosen;
}

// The drawing, in pixels.
constexpr int kDraws = 3;
constexpr double kWidth = 400, kHeight = 180, kMargin = 20, kPixelsPerMv = 40;

// Curve returns an SVG line through `mv`, [L], with 0 mV at (x, y). What is beyond 2 mV is cut off.
std::string Curve(const torch::Tensor& mv, double x, double y, const char* colour) {
  std::string points;
  const auto values = mv.accessor<float, 1>();
  const int64_t samples = mv.size(0);
  for (int64_t t = 0; t < samples; ++t) {
    absl::StrAppendFormat(&points, "%.1f,%.1f ", x + kWidth * static_cast<double>(t) / static_cast<double>(samples),
                          y - kPixelsPerMv * std::clamp(values[t], -2.0f, 2.0f));
  }
  return absl::StrFormat("<polyline fill='none' stroke='%s' stroke-width='1' points='%s'/>\n", colour, points);
}

// Row returns the drawing of `augmentation`, which `one` chooses: `lead` of the first of `before`, [B, C, L] in mV,
// `top` below the top.
std::string Row(const spec::Augmentation& one, const AnyAugmentation& augmentation, const torch::Tensor& before,
                int lead, int64_t seed, double top) {
  std::string name;
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  printer.PrintToString(one, &name);
  std::string row = absl::StrFormat("<text x='%g' y='%g' font-weight='bold'>%s</text>\n", kMargin, top + 16,
                                    absl::StrReplaceAll(name, {{"&", "&amp;"}, {"<", "&lt;"}}));
  const int64_t count = before.size(0);
  for (int draw = 0; draw < kDraws; ++draw) {
    const double left = kMargin + draw * (kWidth + kMargin), middle = top + kHeight / 2 + 12;
    torch::manual_seed(seed + draw);
    Batch batch = {before, torch::eye(count), {}, {}};
    augmentation.Apply(torch::rand({count, augmentation.numbers()}), batch);
    const float own = batch.targets[0][0].item<float>();
    if (own < 1) {
      absl::StrAppendFormat(&row, "<text x='%g' y='%g' fill='#777'>targets: %.0f%% of this record</text>\n", left,
                            top + 32, 100 * own);
    }
    absl::StrAppend(&row, Curve(before[0][lead], left, middle, "#aaa"),
                    Curve(batch.signals[0][lead].contiguous(), left, middle, "black"));
  }
  return row;
}

absl::Status Run(const Flags& flags) {
  const auto* lead = std::find(kLeadNames.begin(), kLeadNames.end(), flags.lead);
  if (lead == kLeadNames.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--lead=", flags.lead, " is no lead; the leads are ", absl::StrJoin(kLeadNames, ", ")));
  }
  ECG_ASSIGN_OR_RETURN(const std::vector<Signal> signals, Signals(flags));
  ECG_ASSIGN_OR_RETURN(const std::vector<spec::Augmentation> chosen, Chosen(flags));
  const int hz = signals[0].sampling_frequency_hz;
  const torch::Tensor before = Crops(signals, static_cast<int>(flags.seconds * hz));
  Recipe recipe;
  AddBuiltInParts(recipe);
  std::string rows;
  double top = 0;
  for (const spec::Augmentation& one : chosen) {
    ECG_ASSIGN_OR_RETURN(const std::unique_ptr<AnyAugmentation> augmentation,
                         recipe.augmentations.Make(one, AugmentationContext{hz, Scaler()}));
    rows += Row(one, *augmentation, before, static_cast<int>(lead - kLeadNames.begin()), flags.seed, top);
    top += kHeight;
  }
  const std::filesystem::path path = UserPath(flags.output);
  ECG_RETURN_IF_ERROR(WriteFile(
      path, absl::StrFormat("<svg xmlns='http://www.w3.org/2000/svg' width='%g' height='%g' font-family='sans-serif' "
                            "font-size='13'>\n<rect width='100%%' height='100%%' fill='white'/>\n%s</svg>\n",
                            kDraws * (kWidth + kMargin) + kMargin, top, rows)));
  std::printf("%s\n", path.c_str());
  return absl::OkStatus();
}

}  // namespace
}  // namespace ecg

int main(int argc, char** argv) {
  ecg::Flags flags;
  CLI::App app("Draws what augmentations do to a record.", "show_augmentations");
  app.add_option("--output", flags.output, "The SVG file to write")->capture_default_str();
  ecg::Repeatable(
      app.add_option("--augmentation", flags.augmentations,
                     "An augmentation as in a spec, such as 'mixup { alpha: 1 }'; may be repeated; default: all"));
  ecg::Repeatable(
      app.add_option("--record", flags.records, "A WFDB record, without extension; a second one is mixed with it"));
  app.add_option("--lead", flags.lead, "The lead to draw")->capture_default_str();
  app.add_option("--seconds", flags.seconds, "Length of the crop")->check(CLI::Range(0.1, 60.0))->capture_default_str();
  app.add_option("--seed", flags.seed, "Seed of the random numbers")->capture_default_str();
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;
  return ecg::ExitStatus(ecg::Run(flags));
}
