// damaged_recording.h
//
// Reads files of a format that are damaged in many ways. Whatever the damage, a reader returns, and what it returns is
// sound and no larger than the file allows.

#ifndef TESTS_SIGNAL_DAMAGED_RECORDING_H_
#define TESTS_SIGNAL_DAMAGED_RECORDING_H_

#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/random/random.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"
#include "gtest/gtest.h"

namespace ecg {

// ExpectSound checks that `recording`, read from a file of `bytes` bytes, can be used.
inline void ExpectSound(const Recording& recording, size_t bytes) {
  size_t samples = 0;
  EXPECT_FALSE(recording.strips.empty());
  for (const Strip& strip : recording.strips) {
    EXPECT_GT(strip.sampling_frequency_hz, 0);
    EXPECT_GT(strip.samples(), 0u);
    for (const Channel& channel : strip.channels) {
      EXPECT_EQ(channel.mv.size(), strip.samples());
      samples += channel.mv.size();
    }
  }
  // A Huffman code takes a bit, bimodal compression stores one sample of up to 8, and channels may be padded.
  EXPECT_LE(samples, 64 * 256 * bytes);
}

// ReadDamaged reads `bytes`, from memory of just their size so that a sanitizer sees a byte that is read beyond them.
template <RecordingFormat Format>
bool ReadDamaged(absl::string_view bytes) {
  const std::vector<char> copy(bytes.begin(), bytes.end());
  const RecordingFile file = {.path = "damaged", .bytes = absl::string_view(copy.data(), copy.size())};
  Format::Recognises(file);
  const absl::StatusOr<Recording> recording = Format::Read(file);
  if (recording.ok()) {
    ExpectSound(*recording, bytes.size());
  } else {
    EXPECT_GT(recording.status().message().size(), 10u);
  }
  return recording.ok();
}

// ExpectSurvivesDamage reads `whole` in `lengths` shorter lengths and with `rounds` changes: flipped bits, other bytes,
// numbers that are extreme, parts that are left out or repeated. Most are made within the first `head` bytes.
template <RecordingFormat Format>
void ExpectSurvivesDamage(const std::string& whole, size_t lengths, size_t rounds, size_t head) {
  ASSERT_TRUE(ReadDamaged<Format>(whole));
  for (size_t i = 0; i < lengths; ++i)
    ReadDamaged<Format>(absl::string_view(whole).substr(0, whole.size() * i / lengths));
  Random random({whole.size()});
  head = std::min(head, whole.size());
  for (size_t round = 0; round < rounds; ++round) {
    std::string bytes = whole;
    for (uint64_t changes = 1 + random.Below(3); changes > 0 && bytes.size() > 4; --changes) {
      const size_t at = random.Below(random.Below(4) == 0 ? bytes.size() : std::min(head, bytes.size()));
      switch (random.Below(6)) {
        case 0:
          bytes[at] = static_cast<char>(bytes[at] ^ 1 << random.Below(8));
          break;
        case 1:
          bytes[at] = static_cast<char>(random.Below(256));
          break;
        case 2:
          bytes.replace(at, std::min<size_t>(bytes.size() - at, 1 + random.Below(4)), 1 + random.Below(4), '\xFF');
          break;
        case 3:
          bytes.replace(at, std::min<size_t>(bytes.size() - at, 1 + random.Below(4)), 1 + random.Below(4), '\0');
          break;
        case 4:
          bytes.erase(at, 1 + random.Below(8));
          break;
        default:
          bytes.insert(at, whole.substr(random.Below(whole.size()), random.Below(24)));
      }
    }
    ReadDamaged<Format>(bytes);
  }
}

// MostMemoryMb returns the most memory that the process has taken so far.
inline int64_t MostMemoryMb() {
  struct rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

}  // namespace ecg

#endif  // TESTS_SIGNAL_DAMAGED_RECORDING_H_
