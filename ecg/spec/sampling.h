// sampling.h
//
// Durations of a spec in samples. The sampling frequency is that of the corpus. Before the corpus is opened, a spec is
// checked with the frequency that it states.
//
//   CropSamples(spec.data(), corpus.sampling_frequency_hz);   // 2.5 s at 500 Hz: 1250

#ifndef ECG_SPEC_SAMPLING_H_
#define ECG_SPEC_SAMPLING_H_

#include <algorithm>
#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/spec/field_path.h"
#include "ecg/spec/range.h"
#include "ecg/status/status_macros.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/experiment.pb.h"
#include "proto/options.pb.h"

namespace ecg {

// ChosenDataset returns the message of the dataset that `data` chooses, or nullptr.
inline const google::protobuf::Message* ChosenDataset(const spec::Data& data) {
  const auto* chosen = ChosenAlternative(data, data.GetDescriptor()->FindOneofByName("dataset"));
  return chosen == nullptr ? nullptr : &data.GetReflection()->GetMessage(data, chosen);
}

// StatedSamplingFrequencyHz is the number of samples per second and lead that the records of the chosen dataset have
// whatever they are, or that its message asks for, before any preprocessing; 0 when the records tell.
inline int StatedSamplingFrequencyHz(const spec::Data& data) {
  const google::protobuf::Message* dataset = ChosenDataset(data);
  if (dataset == nullptr) return 0;
  const auto* field = dataset->GetDescriptor()->FindFieldByName("sampling_frequency_hz");
  return field != nullptr ? dataset->GetReflection()->GetInt32(*dataset, field)
                          : dataset->GetDescriptor()->options().GetExtension(spec::sampling_frequency_hz);
}

// PreprocessedSamplingFrequencyHz is that of signals which had `sampling_frequency_hz` before preprocessing.
inline int PreprocessedSamplingFrequencyHz(const spec::Data& data, int sampling_frequency_hz) {
  const int resampled_hz = data.preprocessing().sampling_frequency_hz();
  return resampled_hz > 0 ? resampled_hz : sampling_frequency_hz;
}

// StatedRecordSeconds is the length of each record of the chosen dataset in seconds, and 0 when the records tell.
inline double StatedRecordSeconds(const spec::Data& data) {
  const google::protobuf::Message* dataset = ChosenDataset(data);
  if (dataset == nullptr) return 0;
  const auto* field = dataset->GetDescriptor()->FindFieldByName("record_seconds");
  return field != nullptr ? dataset->GetReflection()->GetDouble(*dataset, field)
                          : dataset->GetDescriptor()->options().GetExtension(spec::record_seconds);
}

// CheckWholeSamples refuses a field, at `path`, of `seconds` that are no whole number of samples, and tells the nearest
// that are.
inline absl::Status CheckWholeSamples(absl::string_view path, double seconds, int sampling_frequency_hz) {
  const double samples = seconds * sampling_frequency_hz;
  if (samples >= 1 && std::abs(samples - std::round(samples)) < 1e-6) return absl::OkStatus();
  const double below = std::max(1.0, std::floor(samples));
  return absl::InvalidArgumentError(absl::StrCat(path, " is ", NumberInWords(seconds), "; at ", sampling_frequency_hz,
                                                 " Hz it must be a whole number of samples, such as ",
                                                 NumberInWords(below / sampling_frequency_hz), " or ",
                                                 NumberInWords((below + 1) / sampling_frequency_hz)));
}

// CheckSampling refuses crops and strides of `spec` that are no whole number of samples.
inline absl::Status CheckSampling(const spec::Experiment& spec, int sampling_frequency_hz) {
  ECG_RETURN_IF_ERROR(CheckWholeSamples("data.crop_seconds", spec.data().crop_seconds(), sampling_frequency_hz));
  return CheckWholeSamples("evaluation.stride_seconds", spec.evaluation().stride_seconds(), sampling_frequency_hz);
}

// CropSamples is the length of a crop, and of a window, in samples.
inline int CropSamples(const spec::Data& data, int sampling_frequency_hz) {
  return static_cast<int>(std::lround(data.crop_seconds() * sampling_frequency_hz));
}

// StrideSamples is the number of samples from the start of one window to the start of the next.
inline int StrideSamples(const spec::Experiment& spec, int sampling_frequency_hz) {
  return static_cast<int>(std::lround(spec.evaluation().stride_seconds() * sampling_frequency_hz));
}

}  // namespace ecg

#endif  // ECG_SPEC_SAMPLING_H_
