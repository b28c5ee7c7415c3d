// training_parts.h
//
// Makes the parts of a training that a spec chooses.
//
//   ECG_ASSIGN_OR_RETURN(TrainingParts parts, MakeTrainingParts(recipe, spec.training(), {500, scaler}, folder));

#ifndef ECG_EXPERIMENT_TRAINING_PARTS_H_
#define ECG_EXPERIMENT_TRAINING_PARTS_H_

#include <filesystem>

#include "absl/status/statusor.h"
#include "ecg/batch/augmentation.h"
#include "ecg/experiment/recipe.h"
#include "ecg/status/status_macros.h"
#include "ecg/train/callback.h"
#include "ecg/train/early_stopping.h"
#include "ecg/train/training_loop.h"
#include "proto/experiment.pb.h"

namespace ecg {

// MakeTrainingParts returns the parts that `training` chooses, for signals of `context` and a run in `folder`; not the
// objective, the aggregation and the metrics, which evaluation shares.
inline absl::StatusOr<TrainingParts> MakeTrainingParts(const Recipe& recipe, const spec::Training& training,
                                                       const AugmentationContext& context,
                                                       const std::filesystem::path& folder) {
  TrainingParts parts;
  ECG_ASSIGN_OR_RETURN(parts.update_rule, recipe.update_rules.Make(training.optimizer()));
  ECG_ASSIGN_OR_RETURN(parts.schedule, recipe.schedules.Make(training.optimizer()));
  ECG_ASSIGN_OR_RETURN(parts.sampler, recipe.samplers.Make(training.sampler()));
  ECG_ASSIGN_OR_RETURN(parts.augmentations, recipe.augmentations.MakeAll(training.augmentation(), context));
  ECG_ASSIGN_OR_RETURN(parts.callbacks, recipe.callbacks.MakeAll(training.callback(), {folder}));
  if (training.has_early_stopping()) {
    parts.callbacks.push_back(Callbacks::Erase(EarlyStopping(training.early_stopping())));
  }
  return parts;
}

}  // namespace ecg

#endif  // ECG_EXPERIMENT_TRAINING_PARTS_H_
