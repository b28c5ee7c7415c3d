#include <filesystem>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/experiment/recipe.h"
#include "ecg/predict/predictor.h"
#include "ecg/predict/stock_recipe.h"
#include "proto/experiment.pb.h"

namespace ecg {

absl::StatusOr<Predictor> Predictor::Load(const std::filesystem::path& run, const PredictorOptions& options) {
  const auto recipe_of = [](const std::filesystem::path& folder,
                            const spec::Experiment& spec) -> absl::StatusOr<Recipe> {
    absl::StatusOr<Recipe> recipe = StockRecipe(spec);
    if (recipe.ok()) return recipe;
    return absl::FailedPreconditionError(absl::StrCat(
        "the run in ", folder.string(), " has parts of its own: ", recipe.status().message(),
        ". The binary of its experiment has them: run it with --mode=predict. A program passes its Recipe to "
        "Predictor::Load"));
  };
  return Open(run, recipe_of, options);
}

}  // namespace ecg
