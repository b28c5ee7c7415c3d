// The names that the examples in the banners of ecg/distributed use and do not declare.

#ifndef TESTS_DISTRIBUTED_BANNER_NAMES_H_
#define TESTS_DISTRIBUTED_BANNER_NAMES_H_

#include <torch/types.h>

#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "ecg/distributed/heartbeat.h"
#include "ecg/distributed/membership.h"
#include "ecg/distributed/process_group.h"
#include "ecg/status/status_macros.h"

namespace ecg {

extern const std::unique_ptr<ProcessGroup> group;
extern const torch::Tensor gradient, loss, weights;
extern const std::vector<torch::Tensor> parameters;

}  // namespace ecg

namespace ecg::heartbeat_example {

extern const Membership membership;
extern const std::function<std::unique_ptr<SharedStore>()> connect;
void Exchange();

}  // namespace ecg::heartbeat_example

namespace ecg::launch_example {

extern const int processes;
extern char** argv;

}  // namespace ecg::launch_example

namespace ecg::process_group_example {

extern const std::optional<Membership> membership;

}  // namespace ecg::process_group_example

#endif  // TESTS_DISTRIBUTED_BANNER_NAMES_H_
