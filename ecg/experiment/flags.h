// flags.h
//
// The flags of an experiment's command line.
//
//   Flags flags;
//   AddFlags("ECG_PTBXL_DIR", flags, app);
//   if (const std::optional<int> status = ParseFlags(app, argc, argv)) return *status;
//   ECG_RETURN_IF_ERROR(CheckFlags(flags));

#ifndef ECG_EXPERIMENT_FLAGS_H_
#define ECG_EXPERIMENT_FLAGS_H_

#include <optional>
#include <string>
#include <vector>

#include "CLI/App.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/predict/predict_command.h"

namespace ecg {

// Flags are what a person may say on the command line; the help that AddFlags gives them says what each is.
struct Flags {
  std::string data_dir;
  std::string output_dir;
  std::string device;
  std::string settings;
  std::vector<std::string> set;
  std::string mode = "train";
  std::string initial_weights;
  std::string live;  // what LivePort reads, or empty: no live page
  int demo_records = 0;
  int processes = 1;
  int peer_timeout = 20;
  bool resume = false;
  bool resume_or_begin = false;
  bool describe = false;
  PredictCommand predict;

  // Whether the run is there already.
  bool continues() const { return resume || mode == "evaluate" || mode == "predict"; }
};

// AddFlags adds all flags to `app`. `directory_variable` is the environment variable that may name the folder of the
// corpus, or null. `flags` must outlive `app`.
void AddFlags(const char* directory_variable, Flags& flags, CLI::App& app);

// CheckFlags refuses flags that do not go together.
absl::Status CheckFlags(const Flags& flags);

// LivePort returns the port that --live names, or nothing where any will do.
absl::StatusOr<std::optional<int>> LivePort(const std::string& live);

}  // namespace ecg

#endif  // ECG_EXPERIMENT_FLAGS_H_
