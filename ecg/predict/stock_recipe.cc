#include "ecg/predict/stock_recipe.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/experiment/experiment.h"
#include "ecg/experiment/recipe.h"
#include "ecg/model/any_network.h"
#include "ecg/model/network.h"
#include "ecg/status/status_macros.h"
#include "ecg/train/objective.h"
#include "proto/experiment.pb.h"

namespace ecg {

absl::StatusOr<Recipe> StockRecipe(const spec::Experiment& spec) {
  if (spec.training().has_own()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the objective ", spec.training().own().type(), " is not one of this project's"));
  }
  if (spec.evaluation().has_own_aggregation()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the aggregation ", spec.evaluation().own_aggregation().type(), " is not one of this project's"));
  }
  // A network of one's own is found here, and not when the factory is called.
  ECG_RETURN_IF_ERROR(AnyNetwork(spec.model(), /*leads=*/12, /*classes=*/1).status());
  Recipe recipe;
  recipe.make_member = [](const spec::Model& model, int leads, int classes) -> std::shared_ptr<Network> {
    return AnyNetwork(model, leads, classes).value();
  };
  recipe.make_objective =
      spec.training().has_multi_class() ? &Trainer<MultiClass>::MakeObjective : &Trainer<MultiLabel>::MakeObjective;
  AddBuiltInParts(recipe);
  return recipe;
}

}  // namespace ecg
