#include "ecg/experiment/recipe.h"

#include <memory>
#include <utility>
#include <vector>

#include "ecg/model/deep_ensemble.h"
#include "ecg/model/network.h"
#include "proto/experiment.pb.h"

namespace ecg {

Recipe::Recipe() = default;
Recipe::Recipe(const Recipe& other) = default;
Recipe::Recipe(Recipe&& other) noexcept = default;
Recipe& Recipe::operator=(const Recipe& other) = default;
Recipe& Recipe::operator=(Recipe&& other) noexcept = default;
Recipe::~Recipe() = default;

std::shared_ptr<Network> Recipe::MakeNetwork(const spec::Model& model, int leads, int classes) const {
  if (model.ensemble_size() <= 1) return make_member(model, leads, classes);
  std::vector<std::shared_ptr<Network>> members;
  for (int i = 0; i < model.ensemble_size(); ++i) members.push_back(make_member(model, leads, classes));
  return std::make_shared<DeepEnsemble>(std::move(members));
}

}  // namespace ecg
