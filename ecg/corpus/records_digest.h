// records_digest.h
//
// A digest that identifies a set of records, wherever they are stored.

#ifndef ECG_CORPUS_RECORDS_DIGEST_H_
#define ECG_CORPUS_RECORDS_DIGEST_H_

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "absl/strings/str_cat.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/file/sha256.h"

namespace ecg {

// RecordsDigest returns the SHA-256 digest, in hexadecimal, of the ids, lengths and calibrations of all records in
// `signals`, and of eight samples of the first and the last lead of each: enough to identify a corpus without reading
// all of it.
inline std::string RecordsDigest(const PackedSignals& signals) {
  constexpr int kSamples = 8;
  Sha256 digest;
  for (int record = 0; record < signals.records(); ++record) {
    if (record % 256 == 255) signals.Release();  // pages that were read are not needed again soon
    digest.Update(absl::StrCat(signals.id(record), "\n"));
    if (!signals.usable(record)) continue;
    const int samples = signals.samples(record);
    digest.Update(absl::StrCat(samples, "\n"));
    for (const int lead : {0, signals.leads() - 1}) {
      const Calibration calibration = signals.calibration(record, lead);
      digest.Update(absl::StrCat(calibration.gain, " ", calibration.baseline, "\n"));
      const std::span<const int16_t> values = signals.lead(record, lead);
      for (int i = 0; i < kSamples; ++i) {
        digest.Update(absl::StrCat(values[static_cast<int64_t>(samples - 1) * i / (kSamples - 1)], " "));
      }
    }
  }
  signals.Release();
  return digest.Hex();
}

}  // namespace ecg

#endif  // ECG_CORPUS_RECORDS_DIGEST_H_
