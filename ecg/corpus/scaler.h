// scaler.h
//
// Standardisation with one mean and one standard deviation for all leads, as in the reference protocol: the network
// sees (x - mean) / deviation. The relative amplitudes of the leads are kept.

#ifndef ECG_CORPUS_SCALER_H_
#define ECG_CORPUS_SCALER_H_

#include <span>

#include "absl/status/statusor.h"

namespace ecg {

class PackedSignals;  // ecg/corpus/packed_signals.h

// Scaler holds the parameters of standardisation.
struct Scaler {
  double mean_mv = 0;
  double standard_deviation_mv = 1;
};

// FitScaler returns the mean and the population standard deviation over all samples and leads of `records`, indices
// into Corpus::records that must be usable. The sums of each lead are exact integers; only combining the leads is in
// floating point. A constant signal is an error, since its standard deviation is 0.
absl::StatusOr<Scaler> FitScaler(const PackedSignals& signals, std::span<const int> records);

}  // namespace ecg

#endif  // ECG_CORPUS_SCALER_H_
