// membership.h
//
// Which of the processes of a training this one is, as the launcher's environment says: torchrun, mpirun (Open MPI,
// MPICH), srun, or this program's own --processes.
//
//   ECG_ASSIGN_OR_RETURN(const std::optional<Membership> membership, MembershipFromEnvironment());
//   if (membership) std::printf("process %d of %d\n", membership->rank, membership->size);

#ifndef ECG_DISTRIBUTED_MEMBERSHIP_H_
#define ECG_DISTRIBUTED_MEMBERSHIP_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ecg {

// Membership is the place of a process among those that train together.
struct Membership {
  int rank = 0;        // from 0; the process of rank 0 writes the results
  int size = 1;        // number of processes
  int local_rank = 0;  // from 0, among the processes of this host
  int local_size = 1;
  // Where the processes meet: the host of rank 0, and a free port of it.
  std::string master_address;
  int master_port = 0;
  // How often the launcher has started the processes again.
  int restarts = 0;
};

// MembershipFromEnvironment reads the environment. It returns nullopt where it names no or only one process, and an
// error where it is incomplete or contradicts itself.
absl::StatusOr<std::optional<Membership>> MembershipFromEnvironment();

// LeaveGroupOfEnvironment changes the environment so that programs started from now on belong to no group: the runs of
// a sweep, each worker of which a launcher may have started.
void LeaveGroupOfEnvironment();

// FirstHost returns the first host of a list of Slurm, such as "node[01-03,7],login": "node01".
std::string FirstHost(absl::string_view hosts);

}  // namespace ecg

#endif  // ECG_DISTRIBUTED_MEMBERSHIP_H_
