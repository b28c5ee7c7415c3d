// recipe.h
//
// What a program is made of: one factory for its dataset, network and objective, whose types are compiled in, and a
// registry for each kind of part that is chosen at run time. Main takes a recipe, and depends on no type behind it.
//
//   Recipe recipe = Experiment<PtbXl, Classifier<ResNet<BasicBlock>>, Trainer<MultiLabel>>::MakeRecipe();
//   recipe.update_rules.Add<my::Lion>("my::Lion");
//   return Main(kSpec, std::move(recipe), argc, argv);

#ifndef ECG_EXPERIMENT_RECIPE_H_
#define ECG_EXPERIMENT_RECIPE_H_

#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "ecg/batch/augmentation.h"
#include "ecg/batch/sampler.h"
#include "ecg/corpus/dataset.h"
#include "ecg/evaluation/aggregation.h"
#include "ecg/experiment/result_writer.h"
#include "ecg/model/network.h"
#include "ecg/score/metric.h"
#include "ecg/spec/part_registry.h"
#include "ecg/train/callback.h"
#include "ecg/train/objective.h"
#include "ecg/train/schedule.h"
#include "ecg/train/update_rule.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Recipe is a value that can be copied.
struct Recipe {
  // Compiled once, in recipe.cc, rather than in every program.
  Recipe();
  Recipe(const Recipe& other);
  Recipe(Recipe&& other) noexcept;
  Recipe& operator=(const Recipe& other);
  Recipe& operator=(Recipe&& other) noexcept;
  ~Recipe();

  // MakeNetwork returns the network of `model`, on the CPU, with first weights from LibTorch's random numbers.
  std::shared_ptr<Network> MakeNetwork(const spec::Model& model, int leads, int classes) const;

  // The dataset's name, such as "ptbxl", and the environment variable that may name its folder, or nullptr.
  std::string dataset;
  const char* directory_variable = nullptr;
  absl::StatusOr<std::unique_ptr<AnyDataset>> (*open_dataset)(const spec::Data& data,
                                                              const std::filesystem::path& data_dir) = nullptr;
  // A network, of an ensemble one of its members.
  NetworkFactory make_member = nullptr;
  absl::StatusOr<std::unique_ptr<AnyObjective>> (*make_objective)(const spec::Training& training,
                                                                  const TrainingLabels& labels) = nullptr;

  PartRegistry<UpdateRules> update_rules;
  PartRegistry<Schedules> schedules;
  PartRegistry<Samplers> samplers;
  PartRegistry<Augmentations> augmentations;
  PartRegistry<Aggregations> aggregations;
  PartRegistry<Metrics> metrics;
  PartRegistry<Callbacks> callbacks;
  PartRegistry<ResultWriters> result_writers;
};

// AddBuiltInParts adds every part of this project to the registries of `recipe`. Its source is written when it is
// built, from the alternatives in proto/experiment.proto.
void AddBuiltInParts(Recipe& recipe);

}  // namespace ecg

#endif  // ECG_EXPERIMENT_RECIPE_H_
