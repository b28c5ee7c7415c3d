#include "ecg/corpus/scaler.h"

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/signal/signal.h"

namespace ecg {

absl::StatusOr<Scaler> FitScaler(const PackedSignals& signals, std::span<const int> records) {
  // Total variance = mean of the parts' variances + variance of their means. A part is a lead of a record; its weight
  // is its length relative to the first record.
  struct Part {
    double mean_mv;
    double weight;
  };
  std::vector<Part> parts;
  double variances = 0;
  int read = 0;
  for (const int record : records) {
    if (!signals.usable(record)) {
      return absl::InvalidArgumentError(
          absl::StrCat("record ", signals.id(record), " is not usable: ", signals.reason(record)));
    }
    if (++read % 256 == 0) signals.Release();  // pages that were read are not needed again soon
    const int64_t samples = signals.samples(record);
    const double count = static_cast<double>(samples);
    const double weight = count / signals.samples(records[0]);
    for (int lead = 0; lead < signals.leads(); ++lead) {
      int64_t sum = 0;
      int64_t sum_of_squares = 0;
      for (const int16_t sample : signals.lead(record, lead)) {
        sum += sample;
        sum_of_squares += int32_t{sample} * sample;
      }
      const Calibration& calibration = signals.calibration(record, lead);
      parts.push_back({(static_cast<double>(sum) / count - calibration.baseline) / calibration.gain, weight});
      // n times the sum of squared deviations: exceeds 2^63 from 2^16 samples on.
      const __int128 spread = static_cast<__int128>(samples) * sum_of_squares - static_cast<__int128>(sum) * sum;
      variances += weight * (static_cast<double>(spread) / (count * count) / (calibration.gain * calibration.gain));
    }
  }
  signals.Release();
  if (parts.empty()) return absl::InvalidArgumentError("no training records to compute the mean amplitude from");
  double mean_mv = 0, weights = 0;
  for (const Part& part : parts) {
    mean_mv += part.weight * part.mean_mv;
    weights += part.weight;
  }
  mean_mv /= weights;
  for (const Part& part : parts) variances += part.weight * ((part.mean_mv - mean_mv) * (part.mean_mv - mean_mv));
  const Scaler scaler = {.mean_mv = mean_mv, .standard_deviation_mv = std::sqrt(variances / weights)};
  if (!(scaler.standard_deviation_mv > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("all samples of the ", records.size(), " training records are ", mean_mv, " mV"));
  }
  return scaler;
}

}  // namespace ecg
