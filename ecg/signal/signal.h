// signal.h
//
// The samples of one record, as the recorder stored them. They stay 16-bit integers for as long as possible: a corpus
// in floating point would need twice to four times the memory and say no more.
//
//   const double mv = signal.calibration[lead].ToMv(signal.lead(lead)[sample]);

#ifndef ECG_SIGNAL_SIGNAL_H_
#define ECG_SIGNAL_SIGNAL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ecg/signal/demographics.h"
#include "ecg/signal/lead.h"

namespace ecg {

// Calibration says which amplitude a digital sample stands for.
struct Calibration {
  // gain is how many digital units one mV has. It is finite and not 0.
  double gain = 1;
  // baseline is the digital sample that stands for 0 mV.
  int32_t baseline = 0;

  // ToMv returns the amplitude in mV of the sample `digital`.
  double ToMv(int32_t digital) const { return (static_cast<double>(digital) - baseline) / gain; }

  bool operator==(const Calibration&) const = default;
};

// Signal is the twelve leads of one record.
struct Signal {
  // sampling_frequency_hz is the number of samples in a second of each lead.
  int sampling_frequency_hz = 0;
  // samples is the number of samples of each lead.
  int samples = 0;
  // digital holds the samples, [leads, samples], in the order of kLeadNames.
  std::vector<int16_t> digital;
  // calibration is one for each lead.
  std::array<Calibration, kLeads> calibration;
  // checksums_verified is true when every lead agreed with a checksum that came with it, and false when the source
  // stated none for some lead. (A lead that disagrees is an error, not a Signal.)
  bool checksums_verified = false;
  // rounding_mv is the most that an amplitude of any lead differs from the source's because its samples did not fit 16
  // bits; 0 when the samples are the source's own.
  double rounding_mv = 0;
  // demographics is what is known of the patient.
  Demographics demographics = {};

  // lead returns the samples of one lead.
  std::span<const int16_t> lead(int lead) const {
    return std::span(digital).subspan(static_cast<size_t>(lead) * samples, samples);
  }
};

}  // namespace ecg

#endif  // ECG_SIGNAL_SIGNAL_H_
