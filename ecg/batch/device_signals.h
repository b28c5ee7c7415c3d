// device_signals.h
//
// All samples of packed signals in device memory, as int16 as on disk. The full PTB-XL at 500 Hz takes 2.6 GB.
//
//   const DeviceSignals on_device(signals, torch::kCUDA, /*longest_segment=*/1250);
//   part.on_device = &on_device;

#ifndef ECG_BATCH_DEVICE_SIGNALS_H_
#define ECG_BATCH_DEVICE_SIGNALS_H_

#include <torch/types.h>

#include <algorithm>
#include <cstdint>

#include "ecg/corpus/packed_signals.h"

namespace ecg {

// DeviceSignals holds the samples on the device.
class DeviceSignals {
 public:
  // Bytes returns the device memory that the samples of `signals` take.
  static int64_t Bytes(const PackedSignals& signals) { return Count(signals) * int64_t{sizeof(int16_t)}; }

  // Segments may have at most `longest_segment` samples. `signals` must outlive the object.
  DeviceSignals(const PackedSignals& signals, torch::Device device, int longest_segment)
      : signals_(signals),
        samples_(torch::empty({Count(signals) + longest_segment}, torch::dtype(torch::kInt16).device(device))) {
    // In chunks, so that the host's pages can be released after each.
    constexpr int64_t kPiece = int64_t{1} << 25;
    const int64_t count = Count(signals);
    int16_t* const first = const_cast<int16_t*>(signals.signal(0).data());  // is only read
    for (int64_t at = 0; at < count; at += kPiece) {
      const int64_t size = std::min(kPiece, count - at);
      samples_.narrow(0, at, size).copy_(torch::from_blob(first + at, {size}, torch::kInt16));
      signals.Release();
    }
    samples_.narrow(0, count, longest_segment).zero_();
  }

  // samples returns all samples, int16 [N], record by record and lead by lead, followed by `longest_segment` zeros, so
  // that a segment may run past the end.
  const torch::Tensor& samples() const { return samples_; }

  // Offset returns the index in samples() of the first sample of a lead.
  int64_t Offset(int record, int lead) const { return signals_.lead(record, lead).data() - signals_.signal(0).data(); }

 private:
  static int64_t Count(const PackedSignals& signals) {
    const auto last = signals.signal(signals.records() - 1);
    return last.data() + last.size() - signals.signal(0).data();
  }

  const PackedSignals& signals_;
  torch::Tensor samples_;
};

}  // namespace ecg

#endif  // ECG_BATCH_DEVICE_SIGNALS_H_
