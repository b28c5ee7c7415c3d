// demographics.h
//
// What is known of a patient beside the ECG, and the numbers that a network reads of it.
//
//   const Demographics demographics = {.age_years = 63, .sex = "female"};
//   const std::array<float, kDemographicNumbers> numbers = demographics.ToNumbers();

#ifndef ECG_SIGNAL_DEMOGRAPHICS_H_
#define ECG_SIGNAL_DEMOGRAPHICS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>

namespace ecg {

// kDemographicNumbers is how many numbers a network reads: four values, and for each whether it is missing.
inline constexpr int kDemographicNumbers = 8;

// Demographics is what is known; the rest is nothing, or empty.
struct Demographics {
  std::optional<double> age_years = {};
  // "male" or "female".
  std::string sex = {};
  std::optional<double> height_cm = {};
  std::optional<double> weight_kg = {};

  // ToNumbers returns (age - 60) / 20, -1 for male and 1 for female, (height - 170) / 10 and (weight - 75) / 15, then
  // for each of them 1 where it is missing, and else 0. A missing value is 0. Ages over 95 years, also infinite ones,
  // which stand for ages that a corpus does not tell, count as 95. The scale is that of adults, so that values are of
  // order 1.
  std::array<float, kDemographicNumbers> ToNumbers() const {
    std::array<float, kDemographicNumbers> numbers = {};
    const auto set = [&](size_t i, std::optional<double> value) {
      numbers[i] = static_cast<float>(value.value_or(0));
      numbers[4 + i] = value ? 0 : 1;
    };
    const auto scaled = [](std::optional<double> value, double middle, double scale) -> std::optional<double> {
      if (!value) return std::nullopt;
      return (*value - middle) / scale;
    };
    set(0, scaled(age_years ? std::optional(std::min(*age_years, 95.0)) : std::nullopt, 60, 20));
    set(1, sex == "male" ? std::optional(-1.0) : sex == "female" ? std::optional(1.0) : std::nullopt);
    set(2, scaled(height_cm, 170, 10));
    set(3, scaled(weight_kg, 75, 15));
    return numbers;
  }

  bool operator==(const Demographics&) const = default;
};

}  // namespace ecg

#endif  // ECG_SIGNAL_DEMOGRAPHICS_H_
