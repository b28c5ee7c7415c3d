// own_values.h
//
// The values that a spec gives to a custom part by name: `values` of Own in proto/experiment.proto.
//
//   const OwnValues values(spec, {{"width", 32}, {"layers", 4}, {"kernel_size"}});
//   const int width = values.Whole("width", 1, 4096);
//
// A wrong value is refused with one of
//
//   my::TinyConv has width = 0; it must be at least 1 and at most 4096
//   my::TinyConv has no value widht; did you mean width?
//   my::TinyConv needs the value kernel_size; add values with this name

#ifndef ECG_SPEC_OWN_VALUES_H_
#define ECG_SPEC_OWN_VALUES_H_

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ecg/spec/nearest_name.h"
#include "ecg/spec/range.h"
#include "proto/experiment.pb.h"
#include "proto/options.pb.h"

namespace ecg {

// OwnValue is a value that a part knows, with its default where it has one: {"width", 32}, {"column", "rhythm"},
// {"layers"}.
struct OwnValue {
  OwnValue(const char* name) : name(name) {}
  OwnValue(const char* name, double number) : name(name), standard(number) {}
  OwnValue(const char* name, int number) : OwnValue(name, static_cast<double>(number)) {}
  OwnValue(const char* name, const char* text) : name(name), standard(std::string(text)) {}

  std::string name;
  std::variant<std::monostate, double, std::string> standard;
};

// OwnValues are the values of a custom part. They are read in constructors, which return no status: what is wrong is
// thrown as std::invalid_argument, whose text the program prints before it stops.
class OwnValues {
 public:
  // OwnValues takes the values of `own`, a spec::Own or spec::OwnBackbone. The part knows those in `known`, no others.
  template <typename OwnMessage>
  OwnValues(const OwnMessage& own, const std::vector<OwnValue>& known) : part_(own.type()) {
    std::vector<std::string> names;
    for (const OwnValue& value : known) {
      names.push_back(value.name);
      if (const double* number = std::get_if<double>(&value.standard)) numbers_[value.name] = *number;
      if (const std::string* text = std::get_if<std::string>(&value.standard)) texts_[value.name] = *text;
    }
    for (const spec::NamedValue& value : own.values()) {
      if (std::find(names.begin(), names.end(), value.name()) == names.end()) {
        const std::optional<std::string> nearest = NearestName(value.name(), names);
        Refuse(" has no value ", value.name(), "; ",
               nearest         ? absl::StrCat("did you mean ", *nearest, "?")
               : names.empty() ? std::string("it has none")
                               : absl::StrCat("it has ", absl::StrJoin(names, ", ")));
      }
      numbers_.erase(value.name());
      texts_.erase(value.name());
      if (value.has_text()) {
        texts_[value.name()] = value.text();
      } else {
        numbers_[value.name()] = value.number();
      }
    }
    for (const std::string& name : names) {
      if (numbers_.contains(name) || texts_.contains(name)) continue;
      Refuse(" needs the value ", name, "; add values with this name");
    }
  }

  // Number returns the number `name`, which the part knows. It must be from `least` to `most`.
  double Number(const std::string& name, double least, double most) const {
    const auto found = numbers_.find(name);
    if (found == numbers_.end()) Refuse(" has ", name, " = \"", texts_.at(name), "\"; it must be a number");
    const double number = found->second;
    spec::Range range;
    range.set_min(least);
    range.set_max(most);
    if (!InRange(range, number))
      Refuse(" has ", name, " = ", NumberInWords(number), "; it must be ", RangeInWords(range));
    return number;
  }

  // Whole returns the number `name`, which the part knows. It must be a whole one from `least` to `most`.
  int Whole(const std::string& name, int least, int most) const {
    const double number = Number(name, least, most);
    if (number != std::floor(number))
      Refuse(" has ", name, " = ", NumberInWords(number), "; it must be a whole number");
    return static_cast<int>(number);
  }

  // Text returns the text `name`, which the part knows.
  const std::string& Text(const std::string& name) const {
    const auto found = texts_.find(name);
    if (found == texts_.end()) {
      Refuse(" has ", name, " = ", NumberInWords(numbers_.at(name)), "; it must be a text, in quotes");
    }
    return found->second;
  }

 private:
  template <typename... Texts>
  [[noreturn]] void Refuse(const Texts&... texts) const {
    throw std::invalid_argument(absl::StrCat(part_, texts...));
  }

  const std::string part_;
  std::map<std::string, double> numbers_;
  std::map<std::string, std::string> texts_;
};

}  // namespace ecg

#endif  // ECG_SPEC_OWN_VALUES_H_
