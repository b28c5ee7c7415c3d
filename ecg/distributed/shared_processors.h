// shared_processors.h
//
// How many processes of a group compute on the same processors.

#ifndef ECG_DISTRIBUTED_SHARED_PROCESSORS_H_
#define ECG_DISTRIBUTED_SHARED_PROCESSORS_H_

#include "ecg/distributed/process_group.h"

namespace ecg {

// ProcessesOnOwnProcessors returns how many processes of `group`, with this one, may use a processor of this host that
// this one may use. Some launchers give each process its own processors, and others all to all.
int ProcessesOnOwnProcessors(ProcessGroup& group);

}  // namespace ecg

#endif  // ECG_DISTRIBUTED_SHARED_PROCESSORS_H_
