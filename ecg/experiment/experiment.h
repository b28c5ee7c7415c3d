// experiment.h
//
// Names the types that a program is compiled for: the corpus, the network, and what it is trained for.
//
//   using Program = Experiment<PtbXl, Classifier<ResNet<BasicBlock>>, Trainer<MultiLabel>>;
//   const Recipe recipe = Program::MakeRecipe();

#ifndef ECG_EXPERIMENT_EXPERIMENT_H_
#define ECG_EXPERIMENT_EXPERIMENT_H_

#include <exception>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/corpus/dataset.h"
#include "ecg/experiment/recipe.h"
#include "ecg/model/network.h"
#include "ecg/spec/part_registry.h"
#include "ecg/train/objective.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Trainer names what a network is trained for. How it is trained (update rule, schedule, augmentations, ...) is chosen
// when the program runs.
template <Objective O>
struct Trainer {
  static absl::StatusOr<std::unique_ptr<AnyObjective>> MakeObjective(const spec::Training& training,
                                                                     const TrainingLabels& labels) {
    const auto* chosen = training.GetReflection()->GetOneofFieldDescriptor(
        training, training.GetDescriptor()->FindOneofByName("objective"));
    if (chosen == nullptr || chosen->message_type() != O::Spec::descriptor()) {
      return absl::InternalError("the spec has another objective than the program");
    }
    const google::protobuf::Message& spec = training.GetReflection()->GetMessage(training, chosen);
    try {
      return Objectives::Erase(MakePart<O>(static_cast<const typename O::Spec&>(spec), labels));
    } catch (const std::exception& error) {
      return absl::InvalidArgumentError(error.what());
    }
  }
};

// Experiment names the parts of one. Its choices must be those of the spec that the program gets.
template <Dataset D, NetworkModel Model, typename TrainerType>
struct Experiment {
  static Recipe MakeRecipe() {
    Recipe recipe;
    recipe.dataset = std::string(absl::string_view(D::kName));
    recipe.directory_variable = DirectoryVariable<D>();
    recipe.open_dataset = &OpenDataset<D>;
    recipe.make_member = &MakeMember;
    recipe.make_objective = &TrainerType::MakeObjective;
    return recipe;
  }

 private:
  static std::shared_ptr<Network> MakeMember(const spec::Model& model, int leads, int classes) {
    return std::make_shared<Model>(model, leads, classes);
  }
};

}  // namespace ecg

#endif  // ECG_EXPERIMENT_EXPERIMENT_H_
