// training_parts.h
//
// Makes the parts of a training that a spec chooses.
//
//   ECG_ASSIGN_OR_RETURN(TrainingParts parts, MakeTrainingParts(recipe, spec, *objective, {500, scaler}, folder));

#ifndef ECG_EXPERIMENT_TRAINING_PARTS_H_
#define ECG_EXPERIMENT_TRAINING_PARTS_H_

#include <filesystem>

#include "absl/status/statusor.h"
#include "ecg/batch/augmentation.h"
#include "ecg/experiment/recipe.h"
#include "ecg/status/status_macros.h"
#include "ecg/train/callback.h"
#include "ecg/train/early_stopping.h"
#include "ecg/train/objective.h"
#include "ecg/train/training_loop.h"
#include "proto/experiment.pb.h"

namespace ecg {

// MakeTrainingParts returns the parts that `spec` chooses, for signals of `context` and a run in `folder`.
inline absl::StatusOr<TrainingParts> MakeTrainingParts(const Recipe& recipe, const spec::Experiment& spec,
                                                       AnyObjective& objective, const AugmentationContext& context,
                                                       const std::filesystem::path& folder) {
  const spec::Training& training = spec.training();
  TrainingParts parts;
  parts.objective = &objective;
  ECG_ASSIGN_OR_RETURN(parts.update_rule, recipe.update_rules.Make(training.optimizer()));
  ECG_ASSIGN_OR_RETURN(parts.schedule, recipe.schedules.Make(training.optimizer()));
  ECG_ASSIGN_OR_RETURN(parts.sampler, recipe.samplers.Make(training.sampler()));
  ECG_ASSIGN_OR_RETURN(parts.augmentations, recipe.augmentations.MakeAll(training.augmentation(), context));
  ECG_ASSIGN_OR_RETURN(parts.aggregation, recipe.aggregations.Make(spec.evaluation(), {&objective}));
  ECG_ASSIGN_OR_RETURN(parts.metrics, recipe.metrics.MakeAll(spec.evaluation().metric()));
  ECG_ASSIGN_OR_RETURN(parts.callbacks, recipe.callbacks.MakeAll(training.callback(), {folder}));
  if (training.has_early_stopping()) {
    parts.callbacks.push_back(Callbacks::Erase(EarlyStopping(training.early_stopping())));
  }
  return parts;
}

}  // namespace ecg

#endif  // ECG_EXPERIMENT_TRAINING_PARTS_H_
