// heartbeat.h
//
// Notices which process of a group has ended, hangs or cannot be reached. Each process counts up in a store that all
// share; that of rank 0 watches whose number stands still, and tells the others.
//
//   Heartbeat heartbeat(membership, connect, std::chrono::seconds(20));
//   try {
//     Exchange();
//   } catch (const std::exception& error) {
//     throw PeerError(heartbeat.WhoFailed(error.what()));
//   }

#ifndef ECG_DISTRIBUTED_HEARTBEAT_H_
#define ECG_DISTRIBUTED_HEARTBEAT_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "ecg/distributed/membership.h"

namespace ecg {

// SharedStore is texts and numbers by key, which all processes of a group see.
class SharedStore {
 public:
  virtual ~SharedStore() = default;

  // Add adds `amount` to the number at `key`, which begins as 0, and returns it.
  virtual int64_t Add(const std::string& key, int64_t amount) = 0;
  virtual void Set(const std::string& key, absl::string_view text) = 0;
  // Get returns the text at `key`, which must be there.
  virtual std::string Get(const std::string& key) = 0;
};

// Heartbeat beats every second, in a thread of its own, until it is destroyed. A process that learns of a failure and
// does not end by itself within a few seconds is ended, with a message and exit status 1: its main thread may wait for
// a process that is gone.
class Heartbeat {
 public:
  // `connect` returns a connection of its own to the store; it is called in the thread. A process that was not heard of
  // for `silence` counts as lost.
  Heartbeat(const Membership& membership, std::function<std::unique_ptr<SharedStore>()> connect,
            std::chrono::seconds silence);
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;
  ~Heartbeat();

  // NoteCall notes that this process begins a call that all must make, so that one which does not can be named.
  void NoteCall();

  // Fail tells the others that this process ends, with the error `message`, and waits a moment until they know.
  void Fail(absl::string_view message);

  // WhoFailed is to be asked where an exchange failed with the error `seen`. It waits until it is known which process
  // is to blame, and returns that in words.
  std::string WhoFailed(absl::string_view seen);

 private:
  // What the threads use, which may outlive this object: they may wait for a store that does not answer.
  struct Shared;

  const std::shared_ptr<Shared> shared_;
};

}  // namespace ecg

#endif  // ECG_DISTRIBUTED_HEARTBEAT_H_
