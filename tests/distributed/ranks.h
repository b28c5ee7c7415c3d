// ranks.h
//
// Several processes of a group within one test: as threads, where only numbers matter, or as real processes, where some
// shall fail.

#ifndef ECG_TESTS_DISTRIBUTED_RANKS_H_
#define ECG_TESTS_DISTRIBUTED_RANKS_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "ecg/distributed/membership.h"
#include "ecg/distributed/process_group.h"
#include "gtest/gtest.h"

namespace ecg {

// FreePort returns a port of the loopback that nobody listens on.
inline int FreePort() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bind(listener, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  close(listener);
  return ntohs(address.sin_port);
}

// MembershipOf returns that of `rank` of `size` processes of this host.
inline Membership MembershipOf(int rank, int size, int port) {
  return {.rank = rank,
          .size = size,
          .local_rank = rank,
          .local_size = size,
          .master_address = "127.0.0.1",
          .master_port = port};
}

// RunAsThreads calls work(group) as each of `size` ranks, each in a thread of its own.
inline void RunAsThreads(int size, const std::function<void(ProcessGroup&)>& work) {
  const int port = FreePort();
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([=, &work] {
      const auto group = ProcessGroup::Join(MembershipOf(rank, size, port), {});
      ASSERT_TRUE(group.ok()) << group.status();
      work(**group);
      (*group)->Leave();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace ecg

#endif  // ECG_TESTS_DISTRIBUTED_RANKS_H_
