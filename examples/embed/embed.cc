// Reads an ECG with a trained model, in C++: `bazel run //examples/embed -- RUN FILE`.

#include <iostream>

#include "ecg/predict/predictor.h"
#include "ecg/predict/prepare.h"
#include "ecg/signal/read_recording.h"
#include "ecg/status/status_macros.h"

absl::Status Read(const char* run, const char* file) {
  ECG_ASSIGN_OR_RETURN(const ecg::Predictor predictor, ecg::Predictor::Load(run));
  ECG_ASSIGN_OR_RETURN(const ecg::Recording recording, ecg::ReadRecording(file));
  ECG_ASSIGN_OR_RETURN(const ecg::PreparedRecording ready, ecg::PrepareRecording(recording, predictor.model()));
  ECG_ASSIGN_OR_RETURN(const std::vector<float> probabilities, predictor.Predict(ready.signal));
  for (const std::string& warning : ready.warnings) std::cerr << "warning: " << warning << "\n";
  for (size_t k = 0; k < probabilities.size(); ++k) {
    std::cout << predictor.model().classes[k] << " " << probabilities[k] << "\n";
  }
  return absl::OkStatus();
}

int main(int argc, char** argv) {
  const absl::Status status = argc == 3 ? Read(argv[1], argv[2]) : absl::InvalidArgumentError("expected RUN FILE");
  if (!status.ok()) std::cerr << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
