// Changes MATLAB files in many thousand ways, and reads them: flipped bits, other sizes, files that are cut short, and
// pieces of one file in another.

#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/random/random.h"
#include "ecg/signal/mat.h"
#include "gtest/gtest.h"
#include "tests/signal/mat_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace ecg {
namespace {

// Files of all kinds, 12 x 60 numbers each.
std::vector<std::string> Files() {
  std::vector<double> mv;
  std::vector<int16_t> digital;
  for (int i = 0; i < 12 * 60; ++i) {
    mv.push_back(i / 7.0 - 50);
    digital.push_back(static_cast<int16_t>(37 * i - 13000));
  }
  std::vector<std::string> files;
  for (const bool big_endian : {false, true}) {
    const MatBytes bytes(big_endian);
    const std::string sex = bytes.Element(14, bytes.Head(4, {1, 4}, "") + bytes.Element(16, "Male"));
    const std::string age = bytes.Matrix(6, 2, {1, 1}, "", "\x4a");
    const std::string record =
        bytes.Structure("ECG", {{"sex", sex}, {"age", age}, {"data", bytes.Matrix(6, 9, {12, 60}, "", bytes.Raw(mv))}});
    const std::string val = bytes.Matrix(10, 3, {12, 60}, "val", bytes.Raw(digital));
    files.push_back(bytes.File5(record));
    files.push_back(bytes.File5(bytes.Compress(record)));
    files.push_back(bytes.File5(val));
    files.push_back(bytes.File5(bytes.Compress(record) + bytes.Compress(val)));
    files.push_back(bytes.Matrix4(3, 12, 60, "val", bytes.Raw(digital)));
    files.push_back(bytes.Matrix4(0, 1, 1, "x", bytes.Raw(1.5)) + bytes.Matrix4(0, 12, 60, "val", bytes.Raw(mv)));
  }
  return files;
}

void Fuzz(absl::string_view bytes) {
  // In memory of its own size, so that a sanitizer sees a byte that is read beyond the end.
  const std::vector<uint8_t> copy(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
}

TEST(MatFuzzTest, ReadsEveryFileAsItIs) {
  for (const std::string& file : Files()) {
    const absl::StatusOr<MatMatrix> field = ParseMatField(file, "ECG", "data");
    const absl::StatusOr<MatMatrix> val = ParseMatMatrix(file, "val");
    EXPECT_TRUE(field.ok() || val.ok()) << field.status() << val.status();
    if (field.ok()) {
      EXPECT_EQ(field->at(5, 7), (12 * 7 + 5) / 7.0 - 50);
    }
    if (val.ok() && val->at(0, 0) == -13000) {
      EXPECT_EQ(val->at(5, 7), 37 * (12 * 7 + 5) - 13000);
    }
  }
}

TEST(MatFuzzTest, SurvivesEveryFlippedBitOfTheHeadsAndReadsNoOtherNumbers) {
  const std::string whole = Files()[0];
  const MatMatrix expected = ParseMatField(whole, "ECG", "data").value();
  const size_t numbers = whole.size() - 8 * expected.values.size();
  for (size_t bit = 0; bit < 8 * numbers; ++bit) {
    std::string file = whole;
    file[bit / 8] ^= 1 << bit % 8;
    const absl::StatusOr<MatMatrix> read = ParseMatField(file, "ECG", "data");
    if (!read.ok()) continue;
    EXPECT_EQ(read->rows, 12) << "bit " << bit;
    EXPECT_EQ(read->columns, 60) << "bit " << bit;
    EXPECT_EQ(read->values, expected.values) << "bit " << bit;
  }
}

TEST(MatFuzzTest, SurvivesEveryFlippedBitOfEveryFile) {
  for (const std::string& whole : Files()) {
    for (size_t byte = 0; byte < std::min<size_t>(whole.size(), 800); ++byte) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string file = whole;
        file[byte] ^= 1 << bit;
        Fuzz(file);
      }
    }
  }
}

TEST(MatFuzzTest, SurvivesEveryLength) {
  for (const std::string& whole : Files()) {
    for (size_t size = 0; size < whole.size(); size += size < 600 ? 1 : 13) {
      Fuzz(absl::string_view(whole).substr(0, size));
      // Padding is all that may be missing.
      const bool read = ParseMatMatrix(absl::string_view(whole).substr(0, size), "val").ok();
      EXPECT_FALSE(read && size + 7 < whole.size()) << size << " of " << whole.size();
    }
  }
}

TEST(MatFuzzTest, SurvivesEverySizeThatIsAnother) {
  for (const bool big_endian : {false, true}) {
    const MatBytes bytes(big_endian);
    for (const std::string& whole : Files()) {
      for (size_t at = 0; at + 4 <= std::min<size_t>(whole.size(), 600); at += 4) {
        for (const uint32_t size : {0u, 1u, 3u, 5u, 7u, 8u, 61u, 124u, 0x7fffu, 0xffffu, 0x10000u, 0x40000u, 0x4000000u,
                                    0x40000001u, 0x7fffffffu, 0x80000000u, 0xfffffff8u, 0xffffffffu}) {
          std::string file = whole;
          file.replace(at, 4, bytes.Raw(size));
          Fuzz(file);
        }
      }
    }
  }
}

TEST(MatFuzzTest, SurvivesManyChangesAtOnce) {
  const std::vector<std::string> files = Files();
  Random random({7});
  for (int round = 0; round < 60'000; ++round) {
    std::string file = files[random.Below(files.size())];
    for (uint64_t changes = 1 + random.Below(4); changes > 0; --changes) {
      const size_t at = random.Below(random.Below(2) == 0 ? std::min<size_t>(file.size(), 400) : file.size());
      const std::string& other = files[random.Below(files.size())];
      switch (random.Below(5)) {
        case 0:
          file[at] ^= 1 << random.Below(8);
          break;
        case 1:
          file[at] = static_cast<char>(random.Below(256));
          break;
        case 2:
          file.erase(at, 1 + random.Below(16));
          break;
        case 3:
          file.insert(at, other.substr(random.Below(other.size()), random.Below(64)));
          break;
        default:
          file = file.substr(0, at) + other.substr(random.Below(other.size()));
      }
      if (file.empty()) file = "M";
    }
    Fuzz(file);
  }
}

TEST(MatFuzzTest, InflatesNoMoreThanAnElementStates) {
  const MatBytes bytes;
  const std::string matrix = bytes.Matrix(6, 9, {12, 60}, "val", std::string(8 * 12 * 60, '\0'));
  const auto stating = [&](uint32_t size, size_t more) {
    std::string changed = matrix + std::string(more, '\0');
    changed.replace(4, 4, bytes.Raw(size));
    return ParseMatMatrix(bytes.File5(bytes.Compress(changed)), "val");
  };
  const uint32_t size = static_cast<uint32_t>(matrix.size() - 8);
  EXPECT_TRUE(stating(size, 0).ok());
  EXPECT_FALSE(stating(64, 0).ok());
  EXPECT_FALSE(stating(size, 50 << 20).ok()) << "50 MB of zeros in a file of 50 kB";
  EXPECT_FALSE(stating(200 << 20, 0).ok());
  EXPECT_FALSE(stating(0xffffffff, 0).ok());
}

// Runs last: what all the tests above took at most, the 50 MB of zeros and their copies among it.
TEST(MatFuzzTest, TakesLittleMemory) {
  struct rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  EXPECT_LT(usage.ru_maxrss, 300'000) << "kB";
}

}  // namespace
}  // namespace ecg
