// stock_recipe.h
//
// The recipe of a spec that names none but this project's parts, for programs that are not compiled for one experiment.
//
//   ECG_ASSIGN_OR_RETURN(const Recipe recipe, StockRecipe(spec));

#ifndef ECG_PREDICT_STOCK_RECIPE_H_
#define ECG_PREDICT_STOCK_RECIPE_H_

#include "absl/status/statusor.h"
#include "ecg/experiment/recipe.h"
#include "proto/experiment.pb.h"

namespace ecg {

// StockRecipe returns a recipe with every network and objective of this project, without a dataset. A spec with a
// network, an objective or an aggregation of one's own is an error.
absl::StatusOr<Recipe> StockRecipe(const spec::Experiment& spec);

}  // namespace ecg

#endif  // ECG_PREDICT_STOCK_RECIPE_H_
