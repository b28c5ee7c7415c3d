#include "ecg/experiment/recipe.h"

namespace ecg {

Recipe::Recipe() = default;
Recipe::Recipe(const Recipe& other) = default;
Recipe::Recipe(Recipe&& other) noexcept = default;
Recipe& Recipe::operator=(const Recipe& other) = default;
Recipe& Recipe::operator=(Recipe&& other) noexcept = default;
Recipe::~Recipe() = default;

}  // namespace ecg
