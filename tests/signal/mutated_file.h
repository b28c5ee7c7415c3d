// Damaged copies of a file: cut short, with flipped bits, with other bytes, with pieces left out, doubled or moved.
//
//   ForEachMutation(whole, 3000, [](absl::string_view bytes) { (void)Format::Read(RecordingFile{"", bytes}); });

#ifndef TESTS_SIGNAL_MUTATED_FILE_H_
#define TESTS_SIGNAL_MUTATED_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/random/random.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"
#include "gtest/gtest.h"

namespace ecg {

// Mutate returns `whole` after one random change.
inline std::string Mutate(std::string whole, Random* random) {
  if (whole.empty()) return whole;
  const size_t at = random->Below(whole.size());
  switch (random->Below(6)) {
    case 0:
      whole[at] ^= static_cast<char>(1 << random->Below(8));
      break;
    case 1:
      whole[at] = static_cast<char>(random->Below(256));
      break;
    case 2:
      whole.erase(at, 1 + random->Below(40));
      break;
    case 3:
      whole.insert(at, whole.substr(random->Below(whole.size()), 1 + random->Below(60)));
      break;
    case 4:
      whole[at] = "0123456789-.,<>/=\" e"[random->Below(20)];
      break;
    default:
      whole.resize(at);
  }
  return whole;
}

// ForEachMutation calls visit(bytes) with `rounds` damaged copies of `whole`, each in memory of its own size, so that a
// sanitizer sees a byte that is read beyond the end.
template <typename Visit>
void ForEachMutation(const std::string& whole, int rounds, Visit visit) {
  Random random({11});
  for (int round = 0; round < rounds; ++round) {
    std::string bytes = whole;
    for (uint64_t changes = 1 + random.Below(3); changes > 0; --changes) bytes = Mutate(std::move(bytes), &random);
    const std::unique_ptr<char[]> copy(new char[bytes.size()]);
    std::copy(bytes.begin(), bytes.end(), copy.get());
    visit(absl::string_view(copy.get(), bytes.size()));
  }
}

// ExpectSurvivesMutations reads `whole` and `rounds` damaged copies of it. One that is read must have samples, and as
// many in each channel.
template <RecordingFormat Format>
void ExpectSurvivesMutations(const std::string& whole, int rounds, const RecordingOptions& options = {}) {
  const absl::StatusOr<Recording> undamaged =
      Format::Read(RecordingFile{.path = "", .bytes = whole, .options = options});
  ASSERT_TRUE(undamaged.ok()) << undamaged.status();
  int errors = 0;
  ForEachMutation(whole, rounds, [&](absl::string_view bytes) {
    const RecordingFile file = {.path = "", .bytes = bytes, .options = options};
    Format::Recognises(file);
    const absl::StatusOr<Recording> recording = Format::Read(file);
    if (!recording.ok()) {
      ++errors;
      EXPECT_NE(recording.status().message(), "");
      return;
    }
    EXPECT_FALSE(recording->strips.empty());
    for (const Strip& strip : recording->strips) {
      EXPECT_GT(strip.sampling_frequency_hz, 0);
      for (const Channel& channel : strip.channels) EXPECT_EQ(channel.mv.size(), strip.samples());
    }
  });
  EXPECT_GT(errors, rounds / 20);
}

}  // namespace ecg

#endif  // TESTS_SIGNAL_MUTATED_FILE_H_
