// launch.h
//
// Starts this program several times on this host, as one training.
//
//   if (processes > 1) return LaunchProcesses(processes, argv);

#ifndef ECG_DISTRIBUTED_LAUNCH_H_
#define ECG_DISTRIBUTED_LAUNCH_H_

namespace ecg {

// LaunchProcesses starts this program `count` times with the arguments `argv`, each with its rank in the environment
// (ecg/distributed/membership.h), waits for all, and returns the exit status for this process: 0 if each has ended
// well. Where one fails the others, which notice by themselves, have half a minute to say so; then they are killed.
// SIGINT and SIGTERM are passed on.
int LaunchProcesses(int count, char** argv);

}  // namespace ecg

#endif  // ECG_DISTRIBUTED_LAUNCH_H_
