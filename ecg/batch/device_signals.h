// device_signals.h
//
// All samples of packed signals in device memory, as int16 as on disk. The full PTB-XL at 500 Hz takes 2.6 GB.
//
//   const DeviceSignals on_device(signals, torch::kCUDA, /*longest_segment=*/1250);
//   part.on_device = &on_device;

#ifndef ECG_BATCH_DEVICE_SIGNALS_H_
#define ECG_BATCH_DEVICE_SIGNALS_H_

#include <torch/types.h>

#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

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
    // In chunks, so that the host's pages can be released after each: records that follow each other in memory, which
    // those of different parts of a large corpus do not.
    constexpr int64_t kPiece = int64_t{1} << 25;
    int64_t count = 0;
    for (int record = 0; record < signals.records();) {
      const std::span<const int16_t> first = signals.signal(record);
      int64_t size = 0;
      do {
        first_.push_back(count + size);
        size += std::ssize(signals.signal(record++));
      } while (size < kPiece && record < signals.records() && signals.signal(record).data() == first.data() + size);
      int16_t* const samples = const_cast<int16_t*>(first.data());  // are only read
      if (size > 0) samples_.narrow(0, count, size).copy_(torch::from_blob(samples, {size}, torch::kInt16));
      count += size;
      signals.Release();
    }
    samples_.narrow(0, count, longest_segment).zero_();
  }

  // samples returns all samples, int16 [N], record by record and lead by lead, followed by `longest_segment` zeros, so
  // that a segment may run past the end.
  const torch::Tensor& samples() const { return samples_; }

  // Offset returns the index in samples() of the first sample of a lead.
  int64_t Offset(int record, int lead) const { return first_[record] + int64_t{lead} * signals_.samples(record); }

 private:
  static int64_t Count(const PackedSignals& signals) {
    int64_t count = 0;
    for (int record = 0; record < signals.records(); ++record) count += std::ssize(signals.signal(record));
    return count;
  }

  const PackedSignals& signals_;
  torch::Tensor samples_;
  std::vector<int64_t> first_;  // of each record, in samples_
};

}  // namespace ecg

#endif  // ECG_BATCH_DEVICE_SIGNALS_H_
