#include "ecg/distributed/membership.h"

#include <cstdlib>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/status/status_macros.h"

namespace ecg {
namespace {

// Launcher is the variables in which a launcher says what it has started. The local ones may be nullptr.
struct Launcher {
  const char* name;
  const char* rank;
  const char* size;
  const char* local_rank;
  const char* local_size;
  // Set by this launcher alone.
  const char* sign;
  // The hosts on which it starts processes, of which the first gets that of rank 0.
  const char* hosts;
};

// The first one whose `sign` and `size` are set counts. Slurm sets SLURM_PROCID in a batch script too, which is one
// process for all tasks; SLURM_STEP_NUM_TASKS is set by srun alone. srun --mpi=pmi2 sets MPICH's variables, but not the
// local ones. mpirun starts its own helpers with srun, on all hosts of the job but its own.
constexpr Launcher kLaunchers[] = {
    {"torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "WORLD_SIZE", "SLURM_STEP_NODELIST"},
    {"mpirun of Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
     "OMPI_COMM_WORLD_LOCAL_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_JOB_NODELIST"},
    {"mpirun of MPICH", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS", "MPI_LOCALRANKID",
     "SLURM_JOB_NODELIST"},
    {"srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_STEP_TASKS_PER_NODE",
     "SLURM_STEP_NUM_TASKS", "SLURM_STEP_NODELIST"},
    {"a launcher with PMI", "PMI_RANK", "PMI_SIZE", nullptr, nullptr, "PMI_SIZE", "SLURM_JOB_NODELIST"},
};

constexpr int kDefaultPort = 29500;

std::string Variable(const char* name) {
  const char* const text = name == nullptr ? nullptr : std::getenv(name);
  return text == nullptr ? "" : text;
}

// Number returns the number in the variable `name`, or `missing` where that is given and the variable is not set. Slurm
// writes "2(x3)" for three hosts with 2 each: the number before the bracket counts.
absl::StatusOr<int> Number(const Launcher& launcher, const char* name, std::optional<int> missing = std::nullopt) {
  const std::string text = Variable(name);
  if (text.empty()) {
    if (missing) return *missing;
    return absl::InvalidArgumentError(absl::StrCat("$", launcher.size, " is set, as by ", launcher.name, ", but not $",
                                                   name, "; set both, or neither for one process"));
  }
  int number = 0;
  const absl::string_view digits = absl::string_view(text).substr(0, text.find_first_of("(,"));
  if (absl::SimpleAtoi(digits, &number) && number >= 0) return number;
  return absl::InvalidArgumentError(absl::StrCat("$", name, " is \"", text, "\"; expected a whole number"));
}

absl::Status Check(const Launcher& launcher, const Membership& membership) {
  if (membership.rank < membership.size) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("$", launcher.rank, " is ", membership.rank, ", but $", launcher.size,
                                                 " is ", membership.size, ": ranks count from 0"));
}

// SetMaster finds where the processes meet.
absl::Status SetMaster(const Launcher& launcher, Membership& membership) {
  membership.master_address = Variable("MASTER_ADDR");
  if (membership.master_address.empty()) membership.master_address = FirstHost(Variable(launcher.hosts));
  if (membership.master_address.empty()) {
    if (membership.local_size < membership.size) {
      return absl::InvalidArgumentError(
          absl::StrCat("there are ", membership.size, " processes, ", membership.local_size,
                       " of them on this host, but $MASTER_ADDR is not set; set it to the host of rank 0 for all"));
    }
    membership.master_address = "127.0.0.1";
  }
  ECG_ASSIGN_OR_RETURN(membership.master_port, Number(launcher, "MASTER_PORT", kDefaultPort));
  // Torchrun may listen on that port itself, in words that differ between versions of LibTorch.
  if (Variable("TORCHELASTIC_USE_AGENT_STORE") == "True") ++membership.master_port;
  if (membership.master_port >= 1 && membership.master_port <= 65535) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("$MASTER_PORT is ", membership.master_port, "; expected a port from 1 to 65535"));
}

}  // namespace

std::string FirstHost(absl::string_view hosts) {
  const size_t end = hosts.find_first_of("[,");
  const absl::string_view host = hosts.substr(0, end);
  if (end == absl::string_view::npos || hosts[end] == ',') return std::string(host);
  const absl::string_view numbers = hosts.substr(end + 1);
  return absl::StrCat(host, numbers.substr(0, numbers.find_first_of("-,]")));
}

absl::StatusOr<std::optional<Membership>> MembershipFromEnvironment() {
  for (const Launcher& launcher : kLaunchers) {
    if (Variable(launcher.sign).empty() || Variable(launcher.size).empty()) continue;
    Membership membership;
    ECG_ASSIGN_OR_RETURN(membership.size, Number(launcher, launcher.size));
    if (membership.size <= 1) return std::nullopt;
    ECG_ASSIGN_OR_RETURN(membership.rank, Number(launcher, launcher.rank));
    ECG_RETURN_IF_ERROR(Check(launcher, membership));
    // Where nothing is said of hosts, all processes are on this one.
    ECG_ASSIGN_OR_RETURN(membership.local_rank, Number(launcher, launcher.local_rank, membership.rank));
    ECG_ASSIGN_OR_RETURN(membership.local_size, Number(launcher, launcher.local_size, membership.size));
    ECG_RETURN_IF_ERROR(SetMaster(launcher, membership));
    for (const char* restarts : {"TORCHELASTIC_RESTART_COUNT", "SLURM_RESTART_COUNT"}) {
      ECG_ASSIGN_OR_RETURN(const int count, Number(launcher, restarts, 0));
      membership.restarts += count;
    }
    return membership;
  }
  return std::nullopt;
}

void LeaveGroupOfEnvironment() {
  for (const Launcher& launcher : kLaunchers) unsetenv(launcher.sign);
}

}  // namespace ecg
