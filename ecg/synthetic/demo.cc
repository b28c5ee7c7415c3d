#include "ecg/synthetic/demo.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/file/unfinished_folder.h"
#include "ecg/random/random.h"
#include "ecg/status/status_macros.h"
#include "ecg/synthetic/demo_layout.h"
#include "ecg/synthetic/demo_records.h"
#include "ecg/synthetic/demo_signs.h"
#include "ecg/synthetic/heart_model.h"
#include "ecg/terminal/progress.h"

namespace ecg {

namespace {

// SyntheticText returns the content of SYNTHETIC.txt.
std::string SyntheticText(const DemoOptions& options, absl::string_view layout) {
  return absl::StrCat(
      "These electrocardiograms are synthetic. No person was recorded, and nothing that is measured on them says\n"
      "anything about people.\n\n",
      "records: ", options.records, "\nseed: ", options.seed, "\ngenerator version: ", kDemoVersion, "\n\n",
      "The layout is that of ", layout,
      ".\n"
      "The statements and their frequencies are those of PTB-XL (Wagner et al. 2020,\n"
      "doi:10.1038/s41597-020-0495-6); of rare statements there are more. The signals come from a dipole model of the\n"
      "heart (McSharry et al. 2003, doi:10.1109/TBME.2003.808805; Sameni et al. 2007, doi:10.1155/2007/43407) seen\n"
      "through the lead matrix of Dower et al. 1980 (Clinical Cardiology 3:87-95), with textbook signs of each\n"
      "statement, and drift, mains hum, muscle noise and moving electrodes on top.\n");
}

// FillFolder writes all files of a corpus.
template <typename Layout>
absl::Status FillFolder(const DemoOptions& options, const std::filesystem::path& directory) {
  const std::vector<DemoRecord> records = Layout::Draw(options.records, options.seed);
  const int count = static_cast<int>(records.size());
  ECG_RETURN_IF_ERROR(demo_internal::WriteUnsynced(directory / kSyntheticFile, SyntheticText(options, Layout::kTitle)));
  ECG_RETURN_IF_ERROR(Layout::WriteTables(records, options.seed, directory));

  Progress progress("making the demo corpus", count, "records");
  std::atomic<int> next = 1;
  std::mutex mutex;
  absl::Status status;
  const auto work = [&] {
    HeartRecorder recorder;
    for (int number; (number = next.fetch_add(1)) <= count;) {
      const DemoRecord& record = records[number - 1];
      Random heart_random = demo_internal::HeartRandom(options.seed, number);
      const Heart heart = DrawHeart(record.statements, heart_random);
      recorder.RecordFor(Layout::Seconds(options.seed, number));
      recorder.Record(heart, demo_internal::DrawNoise(demo_internal::NoiseRandom(options.seed, number)).noise,
                      heart_random);
      if (absl::Status written = Layout::WriteRecord(recorder, record, number, directory); !written.ok()) {
        const std::lock_guard lock(mutex);
        status.Update(written);
        next = count + 1;
        return;
      }
      progress.Advance();
    }
  };
  const int threads = options.threads > 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> workers;
  for (int worker = 1; worker < threads; ++worker) workers.emplace_back(work);
  work();
  for (std::thread& worker : workers) worker.join();
  return status;
}

}  // namespace

absl::Status MakeDemo(const DemoOptions& options, const std::filesystem::path& output_dir) {
  if (options.records < 1 || options.records > 99'999) {
    return absl::InvalidArgumentError(
        absl::StrCat("a demo corpus has 1 to 99,999 records, not ", options.records, ": change the number of records"));
  }
  std::filesystem::path output = std::filesystem::absolute(output_dir).lexically_normal();
  if (!output.has_filename()) output = output.parent_path();  // "folder/"
  std::error_code error;
  if (std::filesystem::exists(output, error) &&
      !(std::filesystem::is_directory(output, error) && std::filesystem::is_empty(output, error))) {
    return absl::AlreadyExistsError(absl::StrCat("cannot make a demo corpus in ", output.string(),
                                                 ": something is there already; name a folder that does not exist, or "
                                                 "is empty"));
  }
  ECG_ASSIGN_OR_RETURN(UnfinishedFolder folder, UnfinishedFolder::Create(output));
  ECG_RETURN_IF_ERROR(VisitDemoLayout(options.dataset, [&]<typename Layout>(Layout) -> absl::Status {
    return FillFolder<Layout>(options, folder.path());
  }));
  return folder.Finish();
}

absl::StatusOr<std::filesystem::path> CachedDemo(int records, uint64_t seed, const std::filesystem::path& cache_dir,
                                                 const std::string& dataset) {
  const std::filesystem::path directory =
      cache_dir / "demo" / absl::StrCat(dataset, "-", records, "-", seed, "-v", kDemoVersion);
  const auto is_there = [&] {
    std::error_code error;
    return std::filesystem::exists(directory / kSyntheticFile, error);
  };
  if (is_there()) return directory;
  const absl::Status made = MakeDemo({.dataset = dataset, .records = records, .seed = seed}, directory);
  // Another process may have made it meanwhile.
  if (!made.ok() && !is_there()) return made;
  return directory;
}

}  // namespace ecg
