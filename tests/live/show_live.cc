// Shows a made-up training on a live page, for the test of the page in a browser:
//
//   show_live EPOCHS DONE
//
// The first DONE epochs are over at once; each further one waits in its middle for a line on stdin, and the training
// ends where there are no more lines. It prints the page's address, and in the end the number of epochs.

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "ecg/live/live_report.h"
#include "ecg/live/live_server.h"
#include "proto/run.pb.h"

namespace {

// Progress has what LiveReport reads of a training's progress.
struct Progress {
  const ecg::run::TrainingState& state;
  int epoch = 0, step = 0, steps = 0;
  double loss = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const int epochs = std::atoi(argv[1]);
  const int done = std::atoi(argv[2]);
  const absl::StatusOr<std::unique_ptr<ecg::LiveServer>> server = ecg::LiveServer::Start(std::nullopt);
  if (!server.ok()) return 1;
  std::printf("%s\n", (*server)->address().c_str());
  std::fflush(stdout);
  ecg::LiveReport report(**server);
  report.Begin("resnet18_all", "runs/resnet18_all/20261128-152000");
  report.Describe(
      "corpus    ptbxl synthetic, 1,000 records at 500 Hz\ntask      71 classes, 800 training, 100 validation and 100 "
      "test "
      "records\nscaling   mean 0.0169191 mV, standard deviation 0.223514 mV\nnetwork   4,022,471 parameters, on cpu\n",
      "macro ROC-AUC", epochs);
  ecg::run::TrainingState state;
  report.BeginTraining(Progress{state});
  bool stops = false;
  for (int number = 1; number <= epochs && !stops; ++number) {
    const double loss = 45 * std::exp(-0.12 * number) + 6;
    constexpr int kSteps = 12;
    report.BeginEpoch(Progress{state, number, 0, kSteps});
    if (number > done) {
      std::this_thread::sleep_for(std::chrono::milliseconds(600));  // the report shows steps twice a second
      report.EndStep(Progress{state, number, 7, kSteps, loss});
      std::string line;
      if (!std::getline(std::cin, line)) break;
    }
    report.EndStep(Progress{state, number, kSteps, kSteps, loss});
    report.EndBatches(Progress{state, number});
    ecg::run::Epoch& epoch = *state.add_history();
    epoch.set_epoch(number);
    epoch.set_train_loss(loss);
    epoch.set_train_score(1 - 0.45 * std::exp(-0.15 * number));
    epoch.set_validation_loss(loss + 6 + 3 * std::cos(2.1 * number));
    epoch.set_validation_score(0.94 - 0.38 * std::exp(-0.2 * number) + 0.012 * std::sin(2.3 * number));
    epoch.set_learning_rate(0.0005 * (1 + std::cos(3.14159 * number / epochs)));
    epoch.set_seconds(5 + 0.3 * std::sin(number));
    if (epoch.validation_score() > state.best_score()) {
      state.set_best_epoch(number);
      state.set_best_score(epoch.validation_score());
    }
    stops = report.EndEpoch(Progress{state, number});
  }
  report.EndTraining(Progress{state});
  report.End("test macro ROC-AUC 0.9081 (bootstrap mean 0.8975, 5% 0.8822, 95% 0.9126; 71 classes)");
  std::printf("%d\n", state.history_size());
}
