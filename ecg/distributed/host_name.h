// host_name.h
//
// The name of this machine.

#ifndef ECG_DISTRIBUTED_HOST_NAME_H_
#define ECG_DISTRIBUTED_HOST_NAME_H_

#include <unistd.h>

#include <string>

namespace ecg {

// HostName returns the name of this machine in its network; "" where it has none.
inline std::string HostName() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

}  // namespace ecg

#endif  // ECG_DISTRIBUTED_HOST_NAME_H_
