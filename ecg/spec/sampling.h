// sampling.h
//
// What an experiment's seconds are in samples.
//
//   CropSamples(spec.data());   // 2.5 s at 500 Hz: 1250

#ifndef ECG_SPEC_SAMPLING_H_
#define ECG_SPEC_SAMPLING_H_

#include <cmath>

#include "proto/experiment.pb.h"

namespace ecg {

// SamplingFrequencyHz is the number of samples per second and lead of the chosen dataset, and 0 when none is chosen.
inline int SamplingFrequencyHz(const spec::Data& data) {
  switch (data.dataset_case()) {
    case spec::Data::kPtbXl:
      return data.ptb_xl().sampling_frequency_hz();
    case spec::Data::kG12Ec:
    case spec::Data::kCpsc2018:
      return 500;
    case spec::Data::kCincChallenge:
      return data.cinc_challenge().sampling_frequency_hz();
    case spec::Data::DATASET_NOT_SET:
      break;
  }
  return 0;
}

// RecordSeconds is the length of each record of the chosen dataset, and 0 when they differ or none is chosen.
inline double RecordSeconds(const spec::Data& data) {
  if (data.has_ptb_xl() || data.has_g12ec()) return 10;
  return data.cinc_challenge().record_seconds();
}

// CropSamples is the length of a crop, and of a window, in samples.
inline int CropSamples(const spec::Data& data) {
  return static_cast<int>(std::lround(data.crop_seconds() * SamplingFrequencyHz(data)));
}

// StrideSamples is the number of samples from the start of one window to the start of the next.
inline int StrideSamples(const spec::Experiment& spec) {
  return static_cast<int>(std::lround(spec.evaluation().stride_seconds() * SamplingFrequencyHz(spec.data())));
}

}  // namespace ecg

#endif  // ECG_SPEC_SAMPLING_H_
