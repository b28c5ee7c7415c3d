#include "ecg/corpus/scaler.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <span>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/signal/signal.h"

namespace ecg {
namespace {

// What the threads read before it is released, and in how many threads.
constexpr size_t kBytesOfAThread = 8 << 20, kMostThreads = 8;

// LeadSums are the sum and the sum of squares of the samples of one lead.
struct LeadSums {
  int64_t sum = 0;
  int64_t sum_of_squares = 0;
};

// SumLeads returns the sums of `records`, [records, leads].
std::vector<LeadSums> SumLeads(const PackedSignals& signals, std::span<const int> records) {
  std::vector<LeadSums> sums;
  for (const int record : records) {
    for (int lead = 0; lead < signals.leads(); ++lead) {
      int64_t sum = 0, sum_of_squares = 0;
      for (const int16_t sample : signals.lead(record, lead)) {
        sum += sample;
        sum_of_squares += int32_t{sample} * sample;
      }
      sums.push_back({sum, sum_of_squares});
    }
  }
  return sums;
}

}  // namespace

absl::StatusOr<Scaler> FitScaler(const PackedSignals& signals, std::span<const int> records) {
  // Total variance = mean of the parts' variances + variance of their means. A part is a lead of a record; its weight
  // is its length relative to the first record. Means are summed with more digits than a double has, because the
  // variance of the means is a difference of such sums: to keep every mean would take 192 bytes a record.
  double variances = 0, means_mv = 0, weights = 0;
  long double first_mv = 0, deviations = 0, squared_deviations = 0;  // from the first mean
  const size_t threads = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMostThreads);
  const size_t bytes = records.empty() ? 0 : signals.signal(records[0]).size_bytes();
  const size_t records_at_once = std::max<size_t>(kBytesOfAThread / std::max<size_t>(bytes, 1 << 10), 1);
  for (size_t begin = 0; begin < records.size(); begin += threads * records_at_once) {
    // Every core sums some records; the sums are then combined in order.
    std::vector<std::future<std::vector<LeadSums>>> sums;
    for (size_t first = begin; first < std::min(begin + threads * records_at_once, records.size());
         first += records_at_once) {
      const std::span<const int> some = records.subspan(first, std::min(records_at_once, records.size() - first));
      sums.push_back(std::async(std::launch::async, SumLeads, std::cref(signals), some));
    }
    size_t next = begin;
    for (std::future<std::vector<LeadSums>>& future : sums) {
      const std::vector<LeadSums> of_leads = future.get();
      for (size_t part = 0; part < of_leads.size(); ++part) {
        const int record = records[next + part / signals.leads()], lead = static_cast<int>(part % signals.leads());
        if (!signals.usable(record)) {
          return absl::InvalidArgumentError(
              absl::StrCat("record ", signals.id(record), " is not usable: ", signals.reason(record)));
        }
        const int64_t samples = signals.samples(record);
        const double count = static_cast<double>(samples);
        const double weight = count / signals.samples(records[0]);
        const auto [sum, sum_of_squares] = of_leads[part];
        const Calibration calibration = signals.calibration(record, lead);
        const double mean_mv = (static_cast<double>(sum) / count - calibration.baseline) / calibration.gain;
        if (weights == 0) first_mv = mean_mv;
        means_mv += weight * mean_mv;
        weights += weight;
        deviations += weight * (mean_mv - first_mv);
        squared_deviations += weight * ((mean_mv - first_mv) * (mean_mv - first_mv));
        // n times the sum of squared deviations: exceeds 2^63 from 2^16 samples on.
        const __int128 spread = static_cast<__int128>(samples) * sum_of_squares - static_cast<__int128>(sum) * sum;
        variances += weight * (static_cast<double>(spread) / (count * count) / (calibration.gain * calibration.gain));
      }
      next += of_leads.size() / signals.leads();
    }
    signals.Release();  // pages that were read are not needed again soon
  }
  if (weights == 0) return absl::InvalidArgumentError("no training records to compute the mean amplitude from");
  const double mean_mv = means_mv / weights;
  const long double shift = mean_mv - first_mv;
  variances += static_cast<double>(
      std::max(0.0L, squared_deviations - 2 * shift * deviations + shift * shift * static_cast<long double>(weights)));
  const Scaler scaler = {.mean_mv = mean_mv, .standard_deviation_mv = std::sqrt(variances / weights)};
  if (!(scaler.standard_deviation_mv > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("all samples of the ", records.size(), " training records are ", mean_mv, " mV"));
  }
  return scaler;
}

}  // namespace ecg
