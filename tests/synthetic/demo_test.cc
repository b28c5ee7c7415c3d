#include "ecg/synthetic/demo.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/corpus/scp_statements.h"
#include "ecg/file/csv.h"
#include "ecg/file/file.h"
#include "ecg/file/unfinished_folder.h"
#include "ecg/random/random.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "ecg/signal/wfdb.h"
#include "ecg/synthetic/demo_layout.h"
#include "ecg/synthetic/demo_records.h"
#include "ecg/synthetic/demo_signs.h"
#include "ecg/synthetic/heart_model.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// A folder of the test's own, empty.
fs::path NewFolder(const std::string& name) {
  const fs::path folder = fs::path(::testing::TempDir()) / "demo_test" / name;
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

// Every file below `folder` with its bytes.
std::map<std::string, std::string> Contents(const fs::path& folder) {
  std::map<std::string, std::string> contents;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) contents[fs::relative(entry.path(), folder)] = *ReadFile(entry.path());
  }
  return contents;
}

// A record that carries `codes`, without noise.
Signal RecordOf(const std::vector<std::string>& codes, int rate_hz = 500) {
  std::vector<int> signs;
  for (const std::string& code : codes) signs.push_back(FindDemoSign(code));
  std::sort(signs.begin(), signs.end());
  Random random({7});
  HeartRecorder recorder;
  recorder.Record(DrawHeart(signs, random), {.wander = 0, .mains = 0, .muscle = 0}, random);
  return recorder.Digitize(rate_hz);
}

// The samples where a QRS complex is steepest: where the sum over the leads of the absolute slopes has its beats'
// maxima.
std::vector<int> Beats(const Signal& signal) {
  std::vector<double> slope(signal.samples, 0);
  for (int lead = 0; lead < kLeads; ++lead) {
    const auto samples = signal.lead(lead);
    for (int n = 2; n < signal.samples - 2; ++n) slope[n] += std::abs(samples[n + 2] - samples[n - 2]);
  }
  const double threshold = 0.4 * *std::max_element(slope.begin(), slope.end());
  std::vector<int> beats;
  for (int n = 0; n < signal.samples; ++n) {
    if (slope[n] < threshold) continue;
    if (beats.empty() || n - beats.back() > 0.2 * signal.sampling_frequency_hz) {
      beats.push_back(n);
    } else if (slope[n] > slope[beats.back()]) {
      beats.back() = n;
    }
  }
  return beats;
}

double BeatsPerMinute(const Signal& signal) {
  const std::vector<int> beats = Beats(signal);
  return 60.0 * signal.sampling_frequency_hz * (beats.size() - 1) / (beats.back() - beats.front());
}

// The amplitude in mV of a lead, so many seconds after each beat, on average. Measured from just before the P wave.
double Level(const Signal& signal, const char* lead_name, double seconds) {
  const int lead = *FindLead(lead_name);
  double sum = 0;
  int count = 0;
  for (const int beat : Beats(signal)) {
    const int place = beat + static_cast<int>(seconds * signal.sampling_frequency_hz);
    const int rest = beat - static_cast<int>(0.23 * signal.sampling_frequency_hz);
    if (rest < 0 || place >= signal.samples) continue;
    sum += signal.calibration[lead].ToMv(signal.lead(lead)[place] - signal.lead(lead)[rest]);
    ++count;
  }
  return sum / count;
}

// Seconds around each beat, on average, for which the leads together change fast: the width of the QRS complex.
double QrsSeconds(const Signal& signal) {
  double sum = 0;
  int count = 0;
  for (const int beat : Beats(signal)) {
    const int reach = signal.sampling_frequency_hz / 8;
    if (beat < reach + 2 || beat + reach + 2 >= signal.samples) continue;
    int first = beat, last = beat;
    for (int n = beat - reach; n <= beat + reach; ++n) {
      double slope = 0;
      for (int lead = 0; lead < kLeads; ++lead) slope += std::abs(signal.lead(lead)[n + 2] - signal.lead(lead)[n - 2]);
      if (slope / kLeads < 30) continue;  // 30 units in 8 ms
      first = std::min(first, n);
      last = std::max(last, n);
    }
    sum += static_cast<double>(last - first) / signal.sampling_frequency_hz;
    ++count;
  }
  return sum / count;
}

// Seconds from the highest point of the P wave in lead II to the R peak.
double PrSeconds(const Signal& signal) {
  const auto ii = signal.lead(1);
  double sum = 0;
  int count = 0;
  for (const int beat : Beats(signal)) {
    if (beat < 200 || beat + 20 >= signal.samples) continue;
    const auto r = std::max_element(ii.begin() + beat - 20, ii.begin() + beat + 20);
    const auto p = std::max_element(r - 180, r - 40);
    sum += static_cast<double>(r - p) / signal.sampling_frequency_hz;
    ++count;
  }
  return sum / count;
}

TEST(DemoTest, TheSameSeedGivesTheSameBytesForAnyNumberOfThreads) {
  const fs::path folder = NewFolder("threads");
  ASSERT_TRUE(MakeDemo({.records = 30, .seed = 5, .threads = 1}, folder / "one").ok());
  ASSERT_TRUE(MakeDemo({.records = 30, .seed = 5, .threads = 4}, folder / "four").ok());
  ASSERT_TRUE(MakeDemo({.records = 30, .seed = 6, .threads = 4}, folder / "other").ok());
  const auto one = Contents(folder / "one");
  EXPECT_EQ(one.size(), 3 + 4 * 30);
  EXPECT_EQ(one, Contents(folder / "four"));
  EXPECT_NE(one.at("records500/00000/00001_hr.dat"), Contents(folder / "other").at("records500/00000/00001_hr.dat"));
}

TEST(DemoTest, AThousandRecordsHaveEveryStatementInEveryFold) {
  std::map<int, std::set<int>> folds_of;
  std::map<int, int> counts;
  std::map<int, int> fold_sizes;
  for (const DemoRecord& record : DrawDemoRecords(1000, 1)) {
    ++fold_sizes[record.fold];
    for (const int sign : record.statements) {
      folds_of[sign].insert(record.fold);
      ++counts[sign];
    }
  }
  for (size_t sign = 0; sign < kDemoSigns.size(); ++sign) {
    EXPECT_GE(counts[sign], 20) << kDemoSigns[sign].code;
    EXPECT_EQ(folds_of[sign].size(), 10) << kDemoSigns[sign].code;
  }
  for (int fold = 1; fold <= kDemoFolds; ++fold) EXPECT_NEAR(fold_sizes[fold], 100, 10) << "fold " << fold;
}

TEST(DemoTest, AsManyRecordsAsPtbXlHaveItsFrequencies) {
  std::vector<int> counts(kDemoSigns.size(), 0);
  for (const DemoRecord& record : DrawDemoRecords(21837, 1)) {
    for (const int sign : record.statements) ++counts[sign];
  }
  for (size_t sign = 0; sign < kDemoSigns.size(); ++sign) {
    const int expected = DemoQuota(kDemoSigns[sign], 21837);
    EXPECT_NEAR(expected, kDemoSigns[sign].ptbxl_records, 10) << kDemoSigns[sign].code;
    EXPECT_NEAR(counts[sign], expected, 0.05 * expected) << kDemoSigns[sign].code;
  }
}

TEST(DemoTest, StatementsThatExcludeEachOtherDoNotOccurTogether) {
  for (const DemoRecord& record : DrawDemoRecords(1000, 3)) {
    uint32_t taken = 0;
    for (const int sign : record.statements) {
      EXPECT_EQ(taken & kDemoSigns[sign].parts, 0u) << kDemoSigns[sign].code;
      taken |= kDemoSigns[sign].parts;
    }
    EXPECT_NE(taken & kRhythmPart, 0u) << "a record without a rhythm";
  }
}

TEST(DemoTest, APatientStaysInOneFold) {
  const std::vector<DemoRecord> records = DrawDemoRecords(1000, 1);
  std::map<int, const DemoRecord*> first;
  for (const DemoRecord& record : records) {
    const DemoRecord& same = *first.emplace(record.patient, &record).first->second;
    EXPECT_EQ(record.fold, same.fold);
    EXPECT_EQ(record.sex, same.sex);
    EXPECT_EQ(record.age, same.age);
    EXPECT_GE(record.age, 18);
    EXPECT_LE(record.age, 89);
  }
  EXPECT_LT(first.size(), records.size()) << "no patient has several records";
}

TEST(DemoTest, SmallCorporaCanBeMade) {
  for (const int records : {1, 2, 10, 64}) {
    const std::vector<DemoRecord> drawn = DrawDemoRecords(records, 1);
    ASSERT_EQ(static_cast<int>(drawn.size()), records);
    for (const DemoRecord& record : drawn) EXPECT_FALSE(record.statements.empty());
  }
}

TEST(DemoTest, PtbXlReadsItAndKnowsThatItIsSynthetic) {
  const fs::path folder = NewFolder("read") / "demo";
  ASSERT_TRUE(MakeDemo({.records = 60, .seed = 2}, folder).ok());
  const std::vector<DemoRecord> drawn = DrawDemoRecords(60, 2);
  for (const int rate_hz : {500, 100}) {
    PtbXl::Spec spec;
    spec.set_sampling_frequency_hz(rate_hz);
    const absl::StatusOr<PtbXl> ptbxl = PtbXl::Open(spec, folder);
    ASSERT_TRUE(ptbxl.ok()) << ptbxl.status();
    EXPECT_TRUE(ptbxl->corpus().synthetic);
    ASSERT_EQ(ptbxl->corpus().records.size(), 60u);
    for (int place = 0; place < 60; ++place) {
      const Record& record = ptbxl->corpus().records[place];
      EXPECT_EQ(record.fold, drawn[place].fold);
      EXPECT_EQ(record.statements.size(), drawn[place].statements.size());
      // The reader compares every lead with the header's checksum and first sample.
      const absl::StatusOr<Signal> signal = ptbxl->ReadSignal(place);
      ASSERT_TRUE(signal.ok()) << signal.status();
      EXPECT_TRUE(signal->checksums_verified);
      EXPECT_EQ(signal->calibration[0], (Calibration{.gain = 1000, .baseline = 0}));
    }
  }
}

TEST(DemoTest, TheTablesHaveTheColumnsOfPtbXl) {
  const char* shared = std::getenv("ECG_SHARED_DIR");
  if (shared == nullptr) GTEST_SKIP() << "set ECG_SHARED_DIR to compare with the real tables";
  const fs::path real = fs::path(shared) / "ptbxl-first500";
  const fs::path folder = NewFolder("tables") / "demo";
  ASSERT_TRUE(MakeDemo({.records = 5}, folder).ok());
  for (const char* file : {PtbXl::kDatabaseFile, PtbXl::kStatementsFile}) {
    EXPECT_EQ(CsvTable::Read(folder / file)->header(), CsvTable::Read(real / file)->header());
  }
  // Name, description, kinds, class and subclass of every statement.
  const CsvTable ours = *CsvTable::Read(folder / PtbXl::kStatementsFile);
  const CsvTable theirs = *CsvTable::Read(real / PtbXl::kStatementsFile);
  ASSERT_EQ(ours.rows(), theirs.rows());
  for (int row = 0; row < ours.rows(); ++row) {
    for (int column = 0; column < 7; ++column) EXPECT_EQ(ours.at(row, column), theirs.at(row, column));
  }
}

TEST(DemoTest, EverySignIsInTheOrderOfTheStatements) {
  for (size_t sign = 0; sign < kDemoSigns.size(); ++sign) EXPECT_EQ(kDemoSigns[sign].code, kScpStatements[sign].code);
}

TEST(DemoTest, TheLeadsObeyEinthovenAndGoldberger) {
  Random random({1});
  HeartRecorder recorder;
  recorder.Record(Heart(), {.electrode_motion = 0.3f}, random);
  for (const int rate_hz : {500, 100}) {
    const Signal signal = recorder.Digitize(rate_hz);
    ASSERT_EQ(signal.samples, 10 * rate_hz);
    for (int n = 0; n < signal.samples; ++n) {
      const int i = signal.lead(0)[n], ii = signal.lead(1)[n];
      ASSERT_NEAR(signal.lead(2)[n], ii - i, 1);
      ASSERT_NEAR(signal.lead(3)[n], -0.5 * (i + ii), 1);
      ASSERT_NEAR(signal.lead(4)[n], i - 0.5 * ii, 1);
      ASSERT_NEAR(signal.lead(5)[n], ii - 0.5 * i, 1);
    }
  }
}

TEST(DemoTest, TheFilesAt100HzAreThoseAt500HzLowPassFiltered) {
  const Signal fast = RecordOf({"NORM", "SR"});
  const Signal slow = RecordOf({"NORM", "SR"}, 100);
  double squares = 0;
  for (int n = 0; n < slow.samples; ++n) {
    squares += std::pow(slow.lead(7)[n] - fast.lead(7)[5 * n], 2);
  }
  EXPECT_LT(std::sqrt(squares / slow.samples), 30) << "root mean square in units of 1/1000 mV";
}

TEST(DemoTest, TheHeartRateFollowsTheRhythm) {
  EXPECT_NEAR(BeatsPerMinute(RecordOf({"SR"})), 75, 16);
  EXPECT_NEAR(BeatsPerMinute(RecordOf({"SBRAD"})), 47, 6);
  EXPECT_NEAR(BeatsPerMinute(RecordOf({"STACH"})), 120, 14);
  EXPECT_NEAR(BeatsPerMinute(RecordOf({"SVTAC"})), 178, 15);
  EXPECT_NEAR(BeatsPerMinute(RecordOf({"SR", "3AVB"})), 38, 5);
}

TEST(DemoTest, FibrillationIsIrregularAndPacingIsNot) {
  const auto irregularity = [](const Signal& signal) {
    const std::vector<int> beats = Beats(signal);
    double sum = 0, squares = 0;
    for (size_t beat = 1; beat < beats.size(); ++beat) {
      const double interval = beats[beat] - beats[beat - 1];
      sum += interval;
      squares += interval * interval;
    }
    const double mean = sum / (beats.size() - 1);
    return std::sqrt(squares / (beats.size() - 1) - mean * mean) / mean;
  };
  EXPECT_GT(irregularity(RecordOf({"AFIB"})), 0.15);
  EXPECT_GT(irregularity(RecordOf({"SARRH"})), 0.08);
  EXPECT_LT(irregularity(RecordOf({"SR"})), 0.06);
  EXPECT_LT(irregularity(RecordOf({"PACE"})), 0.03);
}

TEST(DemoTest, BundleBranchBlocksWidenTheQrsComplex) {
  const double normal = QrsSeconds(RecordOf({"NORM", "SR"}));
  EXPECT_NEAR(normal, 0.09, 0.02);
  EXPECT_GT(QrsSeconds(RecordOf({"CLBBB", "SR"})), 0.12);
  EXPECT_GT(QrsSeconds(RecordOf({"CRBBB", "SR"})), 0.12);
  EXPECT_GT(QrsSeconds(RecordOf({"IRBBB", "SR"})), normal + 0.005);
}

TEST(DemoTest, AFirstDegreeBlockLengthensThePrInterval) {
  EXPECT_NEAR(PrSeconds(RecordOf({"NORM", "SR"})), 0.15, 0.03);
  EXPECT_NEAR(PrSeconds(RecordOf({"1AVB", "SBRAD"})), 0.29, 0.03);
  EXPECT_NEAR(PrSeconds(RecordOf({"LPR", "SBRAD"})), 0.215, 0.025);
}

TEST(DemoTest, TheStSegmentRisesInTheLeadsOfTheInfarct) {
  constexpr double kSt = 0.11;  // seconds from the QRS complex
  const Signal normal = RecordOf({"NORM", "SR"});
  const Signal inferior = RecordOf({"IMI", "SR"});
  const Signal anterior = RecordOf({"AMI", "SR"});
  const auto rise = [&](const Signal& signal, const char* lead) {
    return Level(signal, lead, kSt) - Level(normal, lead, kSt);
  };
  for (const char* lead : {"II", "III", "aVF"}) {
    EXPECT_GT(rise(inferior, lead), 0.08) << lead;
    EXPECT_LT(rise(anterior, lead), rise(inferior, lead) - 0.05) << lead;
  }
  for (const char* lead : {"V2", "V3", "V4"}) {
    EXPECT_GT(rise(anterior, lead), 0.08) << lead;
    EXPECT_LT(rise(inferior, lead), rise(anterior, lead) - 0.05) << lead;
  }
  EXPECT_LT(rise(RecordOf({"INJIN", "SR"}), "aVF"), -0.15);
}

TEST(DemoTest, RefusesAFolderThatHoldsSomething) {
  const fs::path folder = NewFolder("occupied");
  ASSERT_TRUE(WriteFile(folder / "thesis.txt", "important").ok());
  const absl::Status status = MakeDemo({.records = 3}, folder);
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(status.message()), HasSubstr(folder.string()));
  EXPECT_EQ(Contents(folder), (std::map<std::string, std::string>{{"thesis.txt", "important"}}));
}

TEST(DemoTest, FillsAFolderThatIsEmpty) {
  const fs::path folder = NewFolder("empty");
  ASSERT_TRUE(MakeDemo({.records = 3}, folder.string() + "/").ok());
  EXPECT_TRUE(fs::exists(folder / PtbXl::kDatabaseFile));
}

TEST(DemoTest, RefusesANumberOfRecordsThatTheLayoutCannotHold) {
  const fs::path folder = NewFolder("numbers");
  EXPECT_THAT(std::string(MakeDemo({.records = 0}, folder / "demo").message()), HasSubstr("not 0"));
  EXPECT_THAT(std::string(MakeDemo({.records = 100'000}, folder / "demo").message()), HasSubstr("99,999"));
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST(DemoTest, LeavesNothingWhenItFails) {
  const fs::path folder = NewFolder("failure");
  ASSERT_TRUE(WriteFile(folder / "file", "").ok());
  // A file stands where the parent folder should be.
  EXPECT_FALSE(MakeDemo({.records = 3}, folder / "file" / "demo").ok());
  EXPECT_EQ(Contents(folder).size(), 1u);
  {
    absl::StatusOr<UnfinishedFolder> unfinished = UnfinishedFolder::Create(folder / "demo");
    ASSERT_TRUE(unfinished.ok());
    ASSERT_TRUE(demo_internal::WriteUnsynced(unfinished->path() / "piece", "piece").ok());
    EXPECT_EQ(Contents(folder).size(), 2u);
  }
  EXPECT_EQ(Contents(folder).size(), 1u);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1);
}

TEST(DemoTest, TheCachedCorpusIsMadeOnce) {
  const fs::path cache = NewFolder("cache");
  const absl::StatusOr<fs::path> first = CachedDemo(4, 9, cache);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->filename(), absl::StrCat("ptbxl-4-9-v", kDemoVersion));
  const auto written = fs::last_write_time(*first / kSyntheticFile);
  const absl::StatusOr<fs::path> second = CachedDemo(4, 9, cache);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(fs::last_write_time(*second / kSyntheticFile), written);
}

}  // namespace
}  // namespace ecg
