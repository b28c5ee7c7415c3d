// network_interface.h
//
// Through which network interface processes on several hosts reach each other.
//
//   ECG_ASSIGN_OR_RETURN(const NetworkInterface interface, InterfaceTowards("node01", /*several_hosts=*/true));
//   std::printf("through %s (%s)\n", interface.name.c_str(), interface.address.c_str());

#ifndef ECG_DISTRIBUTED_NETWORK_INTERFACE_H_
#define ECG_DISTRIBUTED_NETWORK_INTERFACE_H_

#include <string>

#include "absl/status/statusor.h"

namespace ecg {

// NetworkInterface is one of this host, with its address in numbers.
struct NetworkInterface {
  std::string name;
  std::string address;
};

// InterfaceTowards returns the interface that $GLOO_SOCKET_IFNAME names, or else the one that leads to `host`. Debian
// maps a host's own name to 127.0.1.1, where no other host finds it: with `several_hosts`, where the way to `host` is
// the loopback, it is the interface of the default route instead.
absl::StatusOr<NetworkInterface> InterfaceTowards(const std::string& host, bool several_hosts);

}  // namespace ecg

#endif  // ECG_DISTRIBUTED_NETWORK_INTERFACE_H_
