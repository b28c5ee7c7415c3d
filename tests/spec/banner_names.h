// The names that the examples in the banners of ecg/spec use and do not declare. `spec` is both the namespace of the
// messages and what an example calls its experiment, so that each example has its own.

#ifndef TESTS_SPEC_BANNER_NAMES_H_
#define TESTS_SPEC_BANNER_NAMES_H_

#include <memory>
#include <string>

#include "ecg/spec/part_registry.h"
#include "proto/experiment.pb.h"

namespace ecg {

using spec::Experiment;
extern const std::string text;
extern spec::Experiment experiment;

namespace check_example {
extern Experiment spec;
}
namespace compiled_example {
extern Experiment spec;
}
namespace field_path_example {
extern Experiment spec;
}
namespace override_example {
extern Experiment spec;
}
namespace resolve_example {
extern Experiment spec;
}
namespace settings_example {
extern Experiment spec;
}
namespace sampling_example {
extern Experiment spec;
inline constexpr struct { int sampling_frequency_hz = 500; } corpus;
}  // namespace sampling_example
namespace own_values_example {
extern ecg::spec::Own spec;
}
namespace part_registry_example {
extern Experiment spec;
struct AnyUpdateRule {
  virtual ~AnyUpdateRule() = default;
};
struct Adam {
  using Spec = ecg::spec::Adam;
  explicit Adam(const Spec&) {}
};
namespace my {
struct Lion {
  using Spec = ecg::spec::Own;
  explicit Lion(const Spec&) {}
};
}  // namespace my
struct UpdateRules {
  static constexpr char kName[] = "update_rules";
  using Interface = AnyUpdateRule;
  using Context = NoContext;
  template <typename Rule>
  static std::unique_ptr<AnyUpdateRule> Erase(const Rule&) {
    return std::make_unique<AnyUpdateRule>();
  }
};
}  // namespace part_registry_example

}  // namespace ecg

#endif  // TESTS_SPEC_BANNER_NAMES_H_
