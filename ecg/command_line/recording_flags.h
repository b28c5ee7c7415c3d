// recording_flags.h
//
// The flags of every program that reads recordings: what a table of numbers does not say of itself, and what a file
// does not say of the patient.
//
//   RecordingOptions options;
//   CLI::App app("Reads a recording.");
//   AddRecordingFlags(app, options);

#ifndef ECG_COMMAND_LINE_RECORDING_FLAGS_H_
#define ECG_COMMAND_LINE_RECORDING_FLAGS_H_

#include "CLI/CLI.hpp"
#include "ecg/signal/recording_format.h"

namespace ecg {

// AddRecordingFlags adds --leads, --unit, --rate, --age, --sex, --height and --weight to `app`. `options` must outlive
// it.
inline void AddRecordingFlags(CLI::App& app, RecordingOptions& options) {
  app.add_option("--leads", options.leads,
                 "The names of a table's columns, where it has no header: \"-\" leaves one out, \"time (s)\" is one of "
                 "times")
      ->delimiter(',')
      ->allow_extra_args(false);  // what follows is a file
  app.add_option("--unit", options.unit, "The unit of a table's amplitudes, where it does not say: mV, uV, V or nV");
  app.add_option("--rate", options.sampling_frequency_hz,
                 "The samples a second of a table, where it does not say, in Hz")
      ->check(CLI::PositiveNumber);
  app.add_option("--age", options.patient.age_years, "The patient's age in years, where a file does not state it")
      ->check(CLI::Range(0.0, 150.0));
  app.add_option("--sex", options.patient.sex, "The patient's sex, where a file does not state it")
      ->check(CLI::IsMember({"female", "male"}));
  app.add_option("--height", options.patient.height_cm, "The patient's height in cm, where a file does not state it")
      ->check(CLI::Range(20.0, 260.0));
  app.add_option("--weight", options.patient.weight_kg, "The patient's weight in kg, where a file does not state it")
      ->check(CLI::Range(0.3, 700.0));
}

}  // namespace ecg

#endif  // ECG_COMMAND_LINE_RECORDING_FLAGS_H_
