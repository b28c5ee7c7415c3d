// gradient_norm.h
//
// A callback: writes the norm of the gradient of each step to gradient_norm.csv in the run's folder.

#ifndef EXAMPLES_OWN_PARTS_GRADIENT_NORM_H_
#define EXAMPLES_OWN_PARTS_GRADIENT_NORM_H_

#include <torch/torch.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "ecg/file/csv.h"
#include "ecg/file/file.h"
#include "ecg/train/callback.h"
#include "proto/experiment.pb.h"

namespace my {

class GradientNorm {
 public:
  using Spec = ecg::spec::Own;
  GradientNorm(const Spec&, const ecg::CallbackContext& context) : path_(context.folder / "gradient_norm.csv") {
    ecg::AppendCsvRow({"epoch", "step", "norm"}, &text_);
  }

  void EndStep(const ecg::TrainingProgress& progress) {
    std::vector<torch::Tensor> norms;
    for (const torch::Tensor& parameter : progress.network.parameters()) {
      if (parameter.grad().defined()) norms.push_back(parameter.grad().norm());
    }
    ecg::AppendCsvRow({absl::StrCat(progress.epoch), absl::StrCat(progress.step),
                       absl::StrCat(torch::stack(norms).norm().item<float>())},
                      &text_);
  }

  absl::Status EndEpoch(const ecg::TrainingProgress&) { return ecg::WriteFile(path_, text_); }

 private:
  std::filesystem::path path_;
  std::string text_;
};

static_assert(ecg::Callback<GradientNorm>);

}  // namespace my

#endif  // EXAMPLES_OWN_PARTS_GRADIENT_NORM_H_
