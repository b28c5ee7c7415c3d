// main.h
//
// The command line of an experiment. It is compiled once for all of them.
//
//   int main(int argc, char** argv) {
//     return ecg::Main({.name = "resnet18_all", .file = "examples/resnet18_all.textproto", .text = R"(...)"},
//                      Program::MakeRecipe(), argc, argv);
//   }

#ifndef ECG_EXPERIMENT_MAIN_H_
#define ECG_EXPERIMENT_MAIN_H_

#include "ecg/experiment/recipe.h"
#include "ecg/spec/embedded_spec.h"

namespace ecg {

// Main executes the command line of the experiment `embedded`, which is made of `recipe`. It returns the exit
// status: 0, or 1 after an error, which it prints.
int Main(const EmbeddedSpec& embedded, Recipe recipe, int argc, char** argv);

}  // namespace ecg

#endif  // ECG_EXPERIMENT_MAIN_H_
