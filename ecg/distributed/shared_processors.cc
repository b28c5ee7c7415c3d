#include "ecg/distributed/shared_processors.h"

#include <ATen/ATen.h>
#include <sched.h>

#include <cstdint>
#include <functional>
#include <string>

#include "ecg/distributed/host_name.h"
#include "ecg/distributed/process_group.h"

namespace ecg {

int ProcessesOnOwnProcessors(ProcessGroup& group) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof allowed, &allowed);
  // A row is the host, and a 1 for each processor that may be used.
  at::Tensor own = at::zeros({1, CPU_SETSIZE + 1}, at::kLong);
  own[0][0] = static_cast<int64_t>(std::hash<std::string>()(HostName()));
  for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
    if (CPU_ISSET(processor, &allowed)) own[0][processor + 1] = 1;
  }
  const at::Tensor all = group.GatherRows(own);
  const at::Tensor on_host = all.select(1, 0) == own[0][0];
  const at::Tensor overlap = (all.narrow(1, 1, CPU_SETSIZE) * own.narrow(1, 1, CPU_SETSIZE)).sum(1) > 0;
  return (on_host & overlap).sum().item<int>();
}

}  // namespace ecg
