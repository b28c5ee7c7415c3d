// ranks.h
//
// Several processes of a group within one test: as threads, where only numbers matter, or as real processes, where some
// shall fail.

#ifndef ECG_TESTS_DISTRIBUTED_RANKS_H_
#define ECG_TESTS_DISTRIBUTED_RANKS_H_

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "ecg/distributed/free_port.h"
#include "ecg/distributed/membership.h"
#include "ecg/distributed/process_group.h"
#include "gtest/gtest.h"

namespace ecg {

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
