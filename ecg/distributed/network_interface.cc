#include "ecg/distributed/network_interface.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace ecg {
namespace {

constexpr char kVariable[] = "GLOO_SOCKET_IFNAME";

// An address for documentation (RFC 5737), to which the default route leads. Nothing is sent to it.
constexpr char kAnywhere[] = "192.0.2.1";

// InNumbers returns `address` in numbers; empty where it is of another family than IPv4 and IPv6.
std::string InNumbers(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address == nullptr) return "";
  if (address->sa_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text, sizeof text);
  } else if (address->sa_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text, sizeof text);
  }
  return text;
}

// AddressTowards returns the address of this host from which packets to `host` would be sent; empty where there is no
// way, or no such host.
std::string AddressTowards(const std::string& host) {
  addrinfo hints = {}, *found = nullptr;
  hints.ai_socktype = SOCK_DGRAM;
  if (getaddrinfo(host.c_str(), "9", &hints, &found) != 0) return "";
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    // Connecting a datagram socket sends nothing.
    const int probe = socket(one->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_storage own = {};
    socklen_t size = sizeof own;
    const bool known = probe >= 0 && connect(probe, one->ai_addr, one->ai_addrlen) == 0 &&
                       getsockname(probe, reinterpret_cast<sockaddr*>(&own), &size) == 0;
    if (probe >= 0) close(probe);
    if (known) return InNumbers(reinterpret_cast<const sockaddr*>(&own));
  }
  return "";
}

bool IsLoopback(absl::string_view address) { return absl::StartsWith(address, "127.") || address == "::1"; }

}  // namespace

absl::StatusOr<NetworkInterface> InterfaceTowards(const std::string& host, bool several_hosts) {
  ifaddrs* found = nullptr;
  if (getifaddrs(&found) != 0) return absl::InternalError("cannot list the network interfaces of this host");
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(found, freeifaddrs);
  const char* const wanted = std::getenv(kVariable);
  std::string address;
  if (wanted == nullptr) {
    address = AddressTowards(host);
    if (several_hosts && (address.empty() || IsLoopback(address))) address = AddressTowards(kAnywhere);
    // The loopback has many addresses, of which the interface lists one.
    if (IsLoopback(address)) address = absl::StrContains(address, ':') ? "::1" : "127.0.0.1";
  }
  std::set<std::string> names;
  for (const ifaddrs* one = found; one != nullptr; one = one->ifa_next) {
    const std::string here = InNumbers(one->ifa_addr);
    if (here.empty() || (one->ifa_flags & IFF_UP) == 0) continue;
    names.insert(one->ifa_name);
    if (wanted != nullptr ? absl::string_view(wanted) == one->ifa_name : here == address) {
      return NetworkInterface{one->ifa_name, here};
    }
  }
  if (wanted != nullptr) {
    return absl::NotFoundError(absl::StrCat("$", kVariable, " is \"", wanted,
                                            "\", which is no interface of this host; ", "expected one of ",
                                            absl::StrJoin(names, ", ")));
  }
  return absl::NotFoundError(absl::StrCat("this host has no way to ", host, ", where rank 0 is expected; set $",
                                          kVariable, " to the interface that leads to the other hosts, one of ",
                                          absl::StrJoin(names, ", ")));
}

}  // namespace ecg
