#include <filesystem>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/experiment/recipe.h"
#include "ecg/predict/predictor.h"
#include "ecg/predict/stock_recipe.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"

namespace ecg {

absl::StatusOr<Predictor> Predictor::Load(const std::filesystem::path& run, const PredictorOptions& options) {
  ECG_ASSIGN_OR_RETURN(spec::Experiment spec, ReadSpec(run));
  const absl::StatusOr<Recipe> recipe = StockRecipe(spec);
  if (recipe.ok()) return Make(run, std::move(spec), *recipe, options);
  return absl::FailedPreconditionError(absl::StrCat(
      "the run in ", run.string(), " has parts of its own: ", recipe.status().message(),
      ". The binary of its experiment has them: run it with --mode=predict. A program passes its Recipe to "
      "Predictor::Load"));
}

}  // namespace ecg
