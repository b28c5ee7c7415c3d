#include "ecg/corpus/pack.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/corpus/scaler.h"
#include "ecg/file/csv.h"
#include "ecg/file/file.h"
#include "ecg/file/file_lock.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "ecg/signal/wfdb_writer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "proto/experiment.pb.h"
#include "tests/corpus/small_ptbxl.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr int kRecords = 7;

class PackTest : public testing::Test {
 protected:
  PackTest() {
    for (int record = 0; record < kRecords; ++record) files_.AddRecord("{'NORM': 100.0}", absl::StrCat(record + 1));
  }

  absl::StatusOr<PackedSignals> PackNow(const PackOptions& options = {}) {
    absl::StatusOr<PtbXl> ptbxl = files_.Open();
    if (!ptbxl.ok()) return ptbxl.status();
    return Pack(*ptbxl, folder_, options);
  }

  // The file that a repeated packing would replace.
  ino_t SignalsInode() const {
    struct stat status = {};
    stat((folder_ / "signals.npy").c_str(), &status);
    return status.st_ino;
  }

  std::vector<std::string> NamesBesideTheFolder() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.parent_path())) names.push_back(entry.path().filename());
    return names;
  }

  void Truncate(const std::string& file) { fs::resize_file(files_.data_dir() / file, 100); }

  SmallPtbXl files_{"pack_test"};
  const fs::path folder_ = files_.work_dir() / "packed" / "small";
};

TEST_F(PackTest, HoldsTheSamplesAndCalibrationsOfEveryRecord) {
  for (const int threads : {1, 3}) {
    fs::remove_all(folder_);
    const absl::StatusOr<PackedSignals> signals = PackNow({.threads = threads});
    ASSERT_TRUE(signals.ok()) << signals.status();
    EXPECT_EQ(signals->records(), kRecords);
    EXPECT_EQ(signals->leads(), 12);
    EXPECT_EQ(signals->samples(), 1000);
    EXPECT_EQ(signals->sampling_frequency_hz(), 100);
    EXPECT_EQ(signals->dataset(), "ptbxl");
    EXPECT_FALSE(signals->synthetic());
    EXPECT_THAT(signals->unusable(), ElementsAre());
    for (int record = 0; record < kRecords; ++record) {
      const Signal expected = SmallPtbXl::MakeSignal(record);
      EXPECT_EQ(signals->id(record), absl::StrCat(record + 1));
      EXPECT_TRUE(signals->usable(record));
      EXPECT_THAT(signals->signal(record), testing::ElementsAreArray(expected.digital));
      for (int lead = 0; lead < kLeads; ++lead) {
        EXPECT_EQ(signals->calibration(record, lead), expected.calibration[lead]);
      }
      EXPECT_THAT(signals->lead(record, 5), testing::ElementsAreArray(expected.lead(5)));
    }
  }
}

TEST_F(PackTest, WritesFilesThatOtherProgramsCanRead) {
  ASSERT_TRUE(PackNow().ok());
  const CsvTable records = CsvTable::Read(folder_ / "records.csv").value();
  ASSERT_EQ(records.rows(), kRecords);
  const auto field = [&](int row, const char* column) { return records.at(row, records.Column(column).value()); };
  EXPECT_EQ(field(2, "id"), "3");
  EXPECT_EQ(field(2, "path"), "records100/00003_lr");
  EXPECT_EQ(field(2, "fold"), "3");
  EXPECT_EQ(field(2, "state"), "verified");
  EXPECT_EQ(field(2, "gain_aVR"), "1003");
  EXPECT_EQ(field(2, "baseline_V6"), "2");
  const nlohmann::json corpus = nlohmann::json::parse(ReadFile(folder_ / "corpus.json").value());
  EXPECT_EQ(corpus["leads"][3], "aVR");
  EXPECT_EQ(corpus["sampling_frequency_hz"], 100);
  const std::string npy = ReadFile(folder_ / "signals.npy").value();
  EXPECT_THAT(npy, HasSubstr("{'descr': '<i2', 'fortran_order': False, 'shape': (7, 12, 1000), }"));
  EXPECT_EQ(npy.size(), 128u + 7 * 12 * 1000 * 2);
}

TEST_F(PackTest, IsReusedByEveryTaskAndSplit) {
  ASSERT_TRUE(PackNow().ok());
  const ino_t inode = SignalsInode();
  const PtbXl other = files_.Open(spec::PtbXl::SUPERDIAGNOSTIC, 4).value();
  ASSERT_TRUE(Pack(other, folder_).ok());
  EXPECT_EQ(SignalsInode(), inode);
}

TEST_F(PackTest, IsRebuiltWhenARecordChanges) {
  ASSERT_TRUE(PackNow().ok());
  const ino_t inode = SignalsInode();
  Signal signal = SmallPtbXl::MakeSignal(4);
  signal.digital[17] = 1234;
  const WfdbFiles files = FormatWfdb(signal, "00005_lr").value();
  files_.Write("records100/00005_lr.hea", files.header);
  files_.Write("records100/00005_lr.dat", files.samples);
  const absl::StatusOr<PackedSignals> signals = PackNow();
  ASSERT_TRUE(signals.ok()) << signals.status();
  EXPECT_NE(SignalsInode(), inode);
  EXPECT_EQ(signals->signal(4)[17], 1234);
}

TEST_F(PackTest, IsRebuiltWhenATableOrATimeOfChangeChanges) {
  ASSERT_TRUE(PackNow().ok());
  ino_t inode = SignalsInode();
  files_.AddRecord("{}", "8");
  EXPECT_EQ(PackNow()->records(), kRecords + 1);
  EXPECT_NE(SignalsInode(), inode);
  inode = SignalsInode();
  const fs::path file = files_.data_dir() / "records100" / "00001_lr.dat";
  fs::last_write_time(file, fs::last_write_time(file) + std::chrono::seconds(1));
  ASSERT_TRUE(PackNow().ok());
  EXPECT_NE(SignalsInode(), inode);
}

TEST_F(PackTest, KeepsWhatIsMappedWhenItIsRebuilt) {
  const PackedSignals before = PackNow().value();
  files_.AddRecord("{}", "8");
  const PackedSignals after = PackNow().value();
  EXPECT_THAT(before.signal(3), testing::ElementsAreArray(SmallPtbXl::MakeSignal(3).digital));
  EXPECT_EQ(before.records(), kRecords);
  EXPECT_EQ(after.records(), kRecords + 1);
}

TEST_F(PackTest, RefusesABadRecordByDefaultAndLeavesNothing) {
  Truncate("records100/00006_lr.dat");
  Truncate("records100/00003_lr.dat");
  const absl::Status status = PackNow({.threads = 3}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("record 3: "));  // the first one, whoever reads faster
  EXPECT_THAT(std::string(status.message()), HasSubstr("24000 bytes expected"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("bad_records: SKIP"));
  EXPECT_THAT(NamesBesideTheFolder(), ElementsAre(".small.lock"));
}

TEST_F(PackTest, SkipsAndListsBadRecordsWhenToldTo) {
  Truncate("records100/00003_lr.dat");
  fs::remove(files_.data_dir() / "records100" / "00006_lr.hea");
  const absl::StatusOr<PackedSignals> signals = PackNow({.bad_records = spec::Data::SKIP});
  ASSERT_TRUE(signals.ok()) << signals.status();
  EXPECT_THAT(signals->unusable(), ElementsAre(2, 5));
  EXPECT_FALSE(signals->usable(2));
  EXPECT_TRUE(signals->usable(3));
  EXPECT_THAT(signals->reason(2), HasSubstr("24000 bytes expected"));
  EXPECT_THAT(signals->reason(5), HasSubstr("00006_lr.hea: No such file"));
  EXPECT_THAT(signals->signal(2), testing::Each(0));
  EXPECT_THAT(signals->signal(6), testing::ElementsAreArray(SmallPtbXl::MakeSignal(6).digital));
  EXPECT_THAT(std::string(FitScaler(*signals, std::vector<int>{1, 2}).status().message()),
              HasSubstr("record 3 is not usable"));
}

TEST_F(PackTest, DoesNotLetSkippedRecordsPassWhereTheyAreRefused) {
  Truncate("records100/00003_lr.dat");
  ASSERT_TRUE(PackNow({.bad_records = spec::Data::SKIP}).ok());
  const absl::Status status = PackNow().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("record 3: "));
  EXPECT_TRUE(PackNow({.bad_records = spec::Data::SKIP}).ok());
}

TEST_F(PackTest, NoticesThatASkippedRecordHasBeenFixed) {
  fs::rename(files_.data_dir() / "records100" / "00003_lr.dat", files_.work_dir() / "away");
  EXPECT_THAT(PackNow({.bad_records = spec::Data::SKIP})->unusable(), ElementsAre(2));
  fs::rename(files_.work_dir() / "away", files_.data_dir() / "records100" / "00003_lr.dat");
  EXPECT_TRUE(PackNow().ok());
}

TEST_F(PackTest, DoesNotSkipEverything) {
  fs::remove_all(files_.data_dir() / "records100");
  const absl::Status status = PackNow({.bad_records = spec::Data::SKIP}).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("none of the 7 records in"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("00001_lr.hea: No such file"));
}

TEST_F(PackTest, CleansUpBehindAJobThatWasKilled) {
  fs::create_directories(folder_.parent_path() / ".small.partial");
  ASSERT_TRUE(WriteFile(folder_.parent_path() / ".small.partial" / "signals.npy", "half").ok());
  fs::create_directories(folder_.parent_path() / ".small.old");
  ASSERT_TRUE(PackNow().ok());
  EXPECT_THAT(NamesBesideTheFolder(), UnorderedElementsAre("small", ".small.lock"));
}

TEST_F(PackTest, LeavesNothingThatIsTakenForWholeWhenItIsKilled) {
  // Killed at many moments; whatever was there then, the next one gets it right.
  for (int microseconds = 0; microseconds < 20'000; microseconds += 1'000) {
    fs::remove_all(folder_);
    const pid_t child = fork();
    if (child == 0) {
      (void)PackNow({.threads = 1});
      _exit(0);
    }
    usleep(microseconds);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    if (fs::exists(folder_)) {
      EXPECT_TRUE(PackedSignals::Open(folder_).ok());
    }
    const absl::StatusOr<PackedSignals> signals = PackNow();
    ASSERT_TRUE(signals.ok()) << signals.status();
    EXPECT_THAT(signals->signal(6), testing::ElementsAreArray(SmallPtbXl::MakeSignal(6).digital));
    EXPECT_THAT(NamesBesideTheFolder(), UnorderedElementsAre("small", ".small.lock"));
  }
}

TEST_F(PackTest, LetsSeveralProcessesAskAtOnce) {
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      const absl::StatusOr<PackedSignals> signals = PackNow();
      _exit(signals.ok() && signals->signal(6)[999] == SmallPtbXl::MakeSignal(6).digital[999] ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_THAT(NamesBesideTheFolder(), UnorderedElementsAre("small", ".small.lock"));
}

TEST_F(PackTest, OpensALargeCorpusThatWasPackedInPartsAsOne) {
  Truncate("records100/00005_lr.dat");
  const PackOptions options = {.bad_records = spec::Data::SKIP, .records_per_part = 3};
  const absl::StatusOr<PackedSignals> signals = PackNow(options);
  ASSERT_TRUE(signals.ok()) << signals.status();
  EXPECT_THAT(NamesBesideTheFolder(),
              UnorderedElementsAre("small-1-of-3", "small-2-of-3", "small-3-of-3", ".small-1-of-3.lock",
                                   ".small-2-of-3.lock", ".small-3-of-3.lock"));
  EXPECT_EQ(signals->records(), kRecords);
  EXPECT_EQ(signals->samples(), 1000);
  EXPECT_THAT(signals->unusable(), ElementsAre(4));
  EXPECT_FALSE(signals->usable(4));
  EXPECT_THAT(signals->reason(4), HasSubstr("24000 bytes expected"));
  EXPECT_EQ(signals->reason(3), "");
  for (const int record : {0, 2, 3, 5, 6}) {
    const Signal expected = SmallPtbXl::MakeSignal(record);
    EXPECT_EQ(signals->id(record), absl::StrCat(record + 1));
    EXPECT_TRUE(signals->usable(record));
    EXPECT_THAT(signals->signal(record), testing::ElementsAreArray(expected.digital));
    EXPECT_THAT(signals->lead(record, 5), testing::ElementsAreArray(expected.lead(5)));
    EXPECT_EQ(signals->calibration(record, 7), expected.calibration[7]);
  }
  // What belongs to one record in one part is refused as it is in one file.
  EXPECT_THAT(std::string(PackNow({.records_per_part = 3}).status().message()), HasSubstr("record 5: "));
  const CsvTable records = CsvTable::Read(fs::path(folder_.string() + "-2-of-3") / "records.csv").value();
  ASSERT_EQ(records.rows(), 3);
  EXPECT_EQ(records.at(2, records.Column("id").value()), "6");
  EXPECT_EQ(records.at(2, records.Column("path").value()), "records100/00006_lr");
}

TEST_F(PackTest, PacksThePartsThatNoOtherProcessPacks) {
  const PackOptions options = {.records_per_part = 3};
  const auto part = [&](int number) { return folder_.parent_path() / absl::StrCat("small-", number, "-of-3"); };
  fs::create_directories(folder_.parent_path());
  int begin[2];
  ASSERT_EQ(pipe(begin), 0);
  const pid_t child = fork();
  if (child == 0) {
    char byte = 0;
    if (read(begin[0], &byte, 1) != 1) _exit(2);
    const absl::StatusOr<PackedSignals> signals = PackNow(options);
    _exit(signals.ok() && signals->signal(6)[999] == SmallPtbXl::MakeSignal(6).digital[999] ? 0 : 1);
  }
  // After the fork, since a child has the locks that are open then.
  absl::StatusOr<FileLock> first = FileLock::Acquire(folder_.parent_path() / ".small-1-of-3.lock", "");
  ASSERT_TRUE(first.ok());
  ASSERT_EQ(write(begin[1], "x", 1), 1);
  for (int i = 0; i < 1000 && !fs::exists(part(3)); ++i) usleep(10'000);
  EXPECT_TRUE(fs::exists(part(2)));
  EXPECT_TRUE(fs::exists(part(3)));
  // It waits for the one that is packed elsewhere, and packs it when that process ended without having done so.
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, WNOHANG), 0);
  EXPECT_FALSE(fs::exists(part(1)));
  { const FileLock released = *std::move(first); }
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(fs::exists(part(1)));
}

TEST_F(PackTest, KeepsThePartsThatAKilledJobHasFinished) {
  const PackOptions options = {.records_per_part = 3};
  ASSERT_TRUE(PackNow(options).ok());
  const auto inode = [&](int number) {
    struct stat status = {};
    stat(absl::StrCat(folder_.string(), "-", number, "-of-3/signals.npy").c_str(), &status);
    return status.st_ino;
  };
  const ino_t first = inode(1);
  fs::remove_all(absl::StrCat(folder_.string(), "-2-of-3"));
  fs::create_directories(folder_.parent_path() / ".small-2-of-3.partial");
  ASSERT_TRUE(WriteFile(folder_.parent_path() / ".small-2-of-3.partial" / "signals.npy", "half").ok());
  const absl::StatusOr<PackedSignals> signals = PackNow(options);
  ASSERT_TRUE(signals.ok()) << signals.status();
  EXPECT_THAT(signals->signal(4), testing::ElementsAreArray(SmallPtbXl::MakeSignal(4).digital));
  EXPECT_EQ(inode(1), first);
  EXPECT_FALSE(fs::exists(folder_.parent_path() / ".small-2-of-3.partial"));
}

TEST_F(PackTest, RebuildsAllPartsWhenTheSourceHasChanged) {
  ASSERT_TRUE(PackNow({.records_per_part = 3}).ok());
  files_.AddRecord("{}", "8");
  files_.AddRecord("{}", "9");
  files_.AddRecord("{}", "10");
  const absl::StatusOr<PackedSignals> signals = PackNow({.records_per_part = 3});
  ASSERT_TRUE(signals.ok()) << signals.status();
  EXPECT_EQ(signals->records(), kRecords + 3);
  EXPECT_THAT(signals->signal(1), testing::ElementsAreArray(SmallPtbXl::MakeSignal(1).digital));
  // Those of another number of parts are removed, and so is a single folder, but for what is not of this program.
  EXPECT_FALSE(fs::exists(folder_.string() + "-1-of-3"));
  ASSERT_TRUE(PackNow().ok());
  EXPECT_THAT(NamesBesideTheFolder(), UnorderedElementsAre("small", ".small.lock"));
  fs::create_directories(folder_.string() + "-1-of-2");
  ASSERT_TRUE(WriteFile(fs::path(folder_.string() + "-1-of-2") / "thesis.txt", "dear to me").ok());
  ASSERT_TRUE(PackNow({.records_per_part = 4}).ok());
  EXPECT_FALSE(fs::exists(folder_));
  EXPECT_TRUE(fs::exists(folder_.string() + "-1-of-2"));
  EXPECT_TRUE(fs::exists(folder_.string() + "-3-of-3"));
}

TEST_F(PackTest, DoesNotSkipEverythingOfALargeCorpus) {
  fs::remove_all(files_.data_dir() / "records100");
  for (int i = 0; i < 2; ++i) {  // packed, and found packed
    const absl::Status status = PackNow({.bad_records = spec::Data::SKIP, .records_per_part = 3}).status();
    EXPECT_THAT(std::string(status.message()), HasSubstr("none of the 7 records in"));
  }
}

TEST_F(PackTest, DoesNotReplaceAFolderThatHoldsOtherFiles) {
  fs::create_directories(folder_);
  ASSERT_TRUE(WriteFile(folder_ / "thesis.txt", "dear to me").ok());
  const absl::Status status = PackNow().status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("holds thesis.txt, which is no part of packed signals"));
  EXPECT_EQ(ReadFile(folder_ / "thesis.txt").value(), "dear to me");
}

TEST_F(PackTest, RebuildsADamagedFolder) {
  ASSERT_TRUE(PackNow().ok());
  fs::resize_file(folder_ / "signals.npy", 1000);
  EXPECT_EQ(PackedSignals::Open(folder_).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(PackNow().ok());
  ASSERT_TRUE(WriteFile(folder_ / "corpus.json", "{").ok());
  EXPECT_TRUE(PackNow().ok());
  fs::remove(folder_ / "records.csv");
  EXPECT_TRUE(PackNow().ok());
}

TEST_F(PackTest, SaysWhatIsWrongWithAFolderThatCannotBeOpened) {
  const auto error = [&] { return std::string(PackedSignals::Open(folder_).status().message()); };
  EXPECT_THAT(error(), HasSubstr("corpus.json: No such file"));
  ASSERT_TRUE(PackNow().ok());
  const std::string records = ReadFile(folder_ / "records.csv").value();
  ASSERT_TRUE(WriteFile(folder_ / "records.csv", records.substr(0, records.rfind("\n7,") + 1)).ok());
  EXPECT_THAT(error(), HasSubstr("signals.npy holds <i2 [7, 12, 1000] in 168128 bytes"));
  EXPECT_THAT(error(), HasSubstr("promise <i2 [6, 12, 1000]"));
  ASSERT_TRUE(WriteFile(folder_ / "corpus.json", "{\"format\": \"something else\"}").ok());
  EXPECT_THAT(error(), HasSubstr("has the format \"something else\", not \"ecg packed signals 2\""));
  EXPECT_THAT(error(), HasSubstr("delete the folder"));
}

TEST_F(PackTest, SaysThatAFolderCannotBeMade) {
  ASSERT_TRUE(WriteFile(files_.work_dir() / "file", "").ok());
  const PtbXl ptbxl = files_.Open().value();
  const absl::Status status = Pack(ptbxl, files_.work_dir() / "file" / "packed").status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot make the folder"));
}

TEST_F(PackTest, KeepsEachFolderAndRateApartInTheCache) {
  const fs::path cache = files_.work_dir() / "cache";
  const PtbXl slow = files_.Open().value();
  files_.Write("records500/00001_hr.hea", "");
  const PtbXl fast = PtbXl::Open(spec::PtbXl(), files_.data_dir()).value();
  EXPECT_NE(PackedFolder(slow.corpus(), cache), PackedFolder(fast.corpus(), cache));
  Corpus moved = slow.corpus();
  moved.data_dir = files_.work_dir();
  EXPECT_NE(PackedFolder(slow.corpus(), cache), PackedFolder(moved, cache));
  moved.data_dir = files_.data_dir() / ".." / "data";
  EXPECT_EQ(PackedFolder(slow.corpus(), cache), PackedFolder(moved, cache));
  ASSERT_TRUE(PackInCache(slow, {}, cache).ok());
  EXPECT_TRUE(PackedSignals::Open(PackedFolder(slow.corpus(), cache)).ok());
}

}  // namespace
}  // namespace ecg
