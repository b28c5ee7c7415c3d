// recording_flags.h
//
// The flags of every program that reads recordings: what a table of numbers does not say of itself.
//
//   RecordingOptions options;
//   CLI::App app("Reads a recording.");
//   AddRecordingFlags(app, options);

#ifndef ECG_COMMAND_LINE_RECORDING_FLAGS_H_
#define ECG_COMMAND_LINE_RECORDING_FLAGS_H_

#include "CLI/CLI.hpp"
#include "ecg/signal/recording_format.h"

namespace ecg {

// AddRecordingFlags adds --leads, --unit and --rate to `app`. `options` must outlive it.
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
}

}  // namespace ecg

#endif  // ECG_COMMAND_LINE_RECORDING_FLAGS_H_
