// own_values.h
//
// The numbers that a spec gives to an own backbone by their names: `values` of OwnBackbone in proto/experiment.proto.
//
//   const OwnValues values(spec, {{"width", 32}, {"layers", 4}, {"kernel_size"}});
//   const int width = values.Whole("width", 1, 4096);
//
//   model.own.values has width = 0; it must be at least 1 and at most 4096
//   model.own.values has widht, which my::TinyConv does not know; did you mean width?
//   model.own.values has no kernel_size, which my::TinyConv needs; add { name: "kernel_size" number: ... }

#ifndef ECG_MODEL_OWN_VALUES_H_
#define ECG_MODEL_OWN_VALUES_H_

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ecg/spec/nearest_name.h"
#include "ecg/spec/range.h"
#include "proto/experiment.pb.h"
#include "proto/options.pb.h"

namespace ecg {

// OwnValue is a number that a backbone knows.
struct OwnValue {
  std::string name;
  // What it is where the spec does not say. Without a default the spec must.
  std::optional<double> standard = std::nullopt;
};

// OwnValues are the numbers of an own backbone. They are read where a network is made, in constructors, which return no
// status: what is wrong is thrown as std::invalid_argument, whose text the program prints before it stops.
class OwnValues {
 public:
  // OwnValues takes the numbers in `spec`. The backbone knows those in `known`, and no others.
  OwnValues(const spec::OwnBackbone& spec, const std::vector<OwnValue>& known) {
    std::vector<std::string> names;
    for (const OwnValue& value : known) {
      names.push_back(value.name);
      if (value.standard) numbers_[value.name] = *value.standard;
    }
    for (const spec::NamedNumber& value : spec.values()) {
      if (std::find(names.begin(), names.end(), value.name()) == names.end()) {
        const std::optional<std::string> nearest = NearestName(value.name(), names);
        Refuse(value.name(), ", which ", spec.type(), " does not know; ",
               nearest ? absl::StrCat("did you mean ", *nearest, "?")
                       : absl::StrCat("it knows ", absl::StrJoin(names, ", ")));
      }
      numbers_[value.name()] = value.number();
    }
    for (const std::string& name : names) {
      if (numbers_.contains(name)) continue;
      Refuse("no ", name, ", which ", spec.type(), " needs; add { name: \"", name, "\" number: ... }");
    }
  }

  // Number returns the number `name`, which the backbone knows. It must be from `least` to `most`.
  double Number(const std::string& name, double least, double most) const {
    const double number = numbers_.at(name);
    spec::Range range;
    range.set_min(least);
    range.set_max(most);
    if (!InRange(range, number)) Refuse(name, " = ", NumberInWords(number), "; it must be ", RangeInWords(range));
    return number;
  }

  // Whole returns the number `name`, which the backbone knows. It must be a whole one from `least` to `most`.
  int Whole(const std::string& name, int least, int most) const {
    const double number = Number(name, least, most);
    if (number != std::floor(number)) {
      Refuse(name, " = ", NumberInWords(number), "; it must be a whole number");
    }
    return static_cast<int>(number);
  }

 private:
  template <typename... Texts>
  [[noreturn]] static void Refuse(const Texts&... texts) {
    throw std::invalid_argument(absl::StrCat("model.own.values has ", texts...));
  }

  std::map<std::string, double> numbers_;
};

}  // namespace ecg

#endif  // ECG_MODEL_OWN_VALUES_H_
