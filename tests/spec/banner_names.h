// The names that the examples in the banners of ecg/spec use and do not declare. `spec` is both the namespace of the
// messages and what an example calls its experiment, so that each example has its own.

#ifndef TESTS_SPEC_BANNER_NAMES_H_
#define TESTS_SPEC_BANNER_NAMES_H_

#include <string>

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
}

}  // namespace ecg

#endif  // TESTS_SPEC_BANNER_NAMES_H_
