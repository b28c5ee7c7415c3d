// main.h
//
// The command line of a sweep.
//
//   int main(int argc, char** argv) {
//     return ecg::SweepMain(
//         {.sweep = {.name = "grid_resnet18", .file = "examples/grid_resnet18.sweep.textproto", .text = R"()"},
//          .program = "examples/grid_resnet18",
//          .experiments = {{.spec = {.name = "resnet18_all", .file = "examples/resnet18_all.textproto", .text = R"()"},
//                           .program = "examples/resnet18_all"}}},
//         argc, argv);
//   }

#ifndef ECG_SWEEP_MAIN_H_
#define ECG_SWEEP_MAIN_H_

#include <string>
#include <vector>

#include "ecg/spec/embedded_spec.h"

namespace ecg {

// EmbeddedSweep is what the build puts into the binary of a sweep.
struct EmbeddedSweep {
  struct Experiment {
    EmbeddedSpec spec;
    std::string program;  // from the root of the build
  };

  EmbeddedSpec sweep;
  std::string program;
  std::vector<Experiment> experiments;
};

// SweepMain is the program of a sweep. It returns the exit status: 0, or 1 after an error, which it prints.
int SweepMain(const EmbeddedSweep& embedded, int argc, char** argv);

}  // namespace ecg

#endif  // ECG_SWEEP_MAIN_H_
