// preprocessor.h
//
// What a spec's `data.preprocessing` does to signals, in training and in prediction: resampling, filters, scale.
//
//   spec::Preprocessing spec;
//   spec.mutable_band_pass()->set_high_hz(45);
//   ECG_ASSIGN_OR_RETURN(const Preprocessor preprocessor, Preprocessor::Make(spec, 500));
//   ECG_ASSIGN_OR_RETURN(const Signal filtered, preprocessor.Apply(signal));

#ifndef ECG_CORPUS_PREPROCESSOR_H_
#define ECG_CORPUS_PREPROCESSOR_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ecg/signal/filter.h"
#include "ecg/signal/signal.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Preprocessor preprocesses signals. All methods are thread-safe.
class Preprocessor {
 public:
  // Make returns that of `spec` for signals of `sampling_frequency_hz`. Filters that do not fit the rate which the
  // signals have after resampling are an error.
  static absl::StatusOr<Preprocessor> Make(const spec::Preprocessing& spec, int sampling_frequency_hz);

  // sampling_frequency_hz returns the rate of preprocessed signals.
  int sampling_frequency_hz() const { return sampling_frequency_hz_; }

  // ChangesAmplitudes returns whether there is more to do than to resample.
  bool ChangesAmplitudes() const { return !filters_.empty() || amplitudes_ != spec::Preprocessing::IN_MV; }

  // Apply returns the preprocessed `signal`, which may have any rate.
  absl::StatusOr<Signal> Apply(const Signal& signal) const;

 private:
  int sampling_frequency_hz_ = 0;
  std::vector<std::vector<FilterSection>> filters_;
  spec::Preprocessing::Amplitudes amplitudes_ = spec::Preprocessing::IN_MV;
};

// PreprocessingInWords says what `spec` does, such as "resampled to 240 Hz; band-pass of order 3 from 0.5 to 40 Hz",
// for people and for metadata; nothing if it does nothing.
std::string PreprocessingInWords(const spec::Preprocessing& spec);

}  // namespace ecg

#endif  // ECG_CORPUS_PREPROCESSOR_H_
