// demo.h
//
// A synthetic corpus in the layout of PTB-XL, or of another corpus (demo_layout.h), for trying everything without the
// real one: records of a heart model whose beats, rhythm, axis, intervals and waves follow the statements of each
// record (heart_model.h, demo_signs.h).
//
//   ECG_RETURN_IF_ERROR(MakeDemo({.records = 1000, .seed = 1}, "/data/demo"));
//   ECG_ASSIGN_OR_RETURN(std::filesystem::path data_dir, CachedDemo(1000, 1, CacheDirectory()));
//
// Beside the files of the corpus, the folder has SYNTHETIC.txt, which marks its records as synthetic.

#ifndef ECG_SYNTHETIC_DEMO_H_
#define ECG_SYNTHETIC_DEMO_H_

#include <cstdint>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/corpus/ptbxl.h"

namespace ecg {

// kDemoVersion is the version of the generator, so that a cached corpus of an older one is not used.
inline constexpr int kDemoVersion = 4;

// DemoOptions are the options of a synthetic corpus.
struct DemoOptions {
  // dataset is the corpus whose layout is used: "ptbxl", "g12ec", "cinc_challenge", "cpsc2018" or
  // "recordings".
  std::string dataset = PtbXl::kName;
  // records is the number of records, 1 to 99,999.
  int records = 1000;
  // seed decides every random draw.
  uint64_t seed = 1;
  // threads is the number of threads; 0 is one for each core. The corpus does not depend on it.
  int threads = 0;
};

// MakeDemo writes a corpus to `output_dir`, which must not exist, or be empty. The folder appears when it is complete.
// A terminal shows the progress.
absl::Status MakeDemo(const DemoOptions& options, const std::filesystem::path& output_dir);

// CachedDemo returns the folder of a corpus under `cache_dir`, and makes it if it does not exist.
absl::StatusOr<std::filesystem::path> CachedDemo(int records, uint64_t seed, const std::filesystem::path& cache_dir,
                                                 const std::string& dataset = PtbXl::kName);

}  // namespace ecg

#endif  // ECG_SYNTHETIC_DEMO_H_
