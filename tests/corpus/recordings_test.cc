#include "ecg/corpus/recordings.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/any_corpus.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/split.h"
#include "ecg/file/file.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/signal.h"
#include "ecg/signal/write_recording.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RecordingsTest : public testing::Test {
 protected:
  RecordingsTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~RecordingsTest() override { fs::remove_all(folder_); }

  // Lead k is a wave of k + 1 tenths of a mV, but III and the augmented leads, which are left out.
  static float Mv(int lead, double seconds) {
    return static_cast<float>((lead + 1) * 0.1 * std::sin(2 * 3.14159265 * 1.5 * seconds + lead));
  }

  // Adds a file with `seconds` of eight leads at `hz`.
  void Add(const std::string& path, double hz = 500, double seconds = 4) {
    Recording recording;
    Strip& strip = recording.strips.emplace_back();
    strip.sampling_frequency_hz = hz;
    for (const int lead : {11, 0, 1, 6, 7, 8, 9, 10}) {  // in another order than ours
      Channel& channel = strip.channels.emplace_back();
      channel.name = std::string(kLeadNames[lead]);
      channel.step_mv = 0.001;
      for (int i = 0; i < std::lround(seconds * hz); ++i) {
        channel.mv.push_back(static_cast<float>(std::round(1000 * Mv(lead, i / hz)) * 0.001));
      }
    }
    fs::create_directories((folder_ / path).parent_path());
    ASSERT_EQ(WriteRecording(recording, folder_ / path), absl::OkStatus());
  }

  void Table(absl::string_view text) { ASSERT_EQ(WriteFile(folder_ / "labels.csv", text), absl::OkStatus()); }

  std::string Error(const spec::Recordings& spec = {}, int split = 1) {
    return std::string(Recordings::Open(spec, folder_, split).status().message());
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / "recordings_test";
};

TEST_F(RecordingsTest, ReadsFilesOfAnyFormatAtOneRate) {
  Add("a.xml", 500);
  Add("2024/b.hea", 250);
  Add("2024/c.edf", 1000);
  Add("d.dcm", 500, 6);
  Add("e.csv", 500);
  Table("id,labels\na,A\nb,B\nc.edf,A\nd,A;B\ne,B\n");
  const Recordings recordings = Recordings::Open({}, folder_).value();
  EXPECT_EQ(recordings.corpus().dataset, "recordings");
  EXPECT_EQ(recordings.corpus().records[1].path, "2024/b");
  EXPECT_THAT(recordings.labels().classes, ElementsAre("A", "B"));
  EXPECT_THAT(recordings.labels().row(3), ElementsAre(1, 1));
  for (int record = 0; record < 5; ++record) {
    const absl::StatusOr<Signal> signal = recordings.ReadSignal(record);
    ASSERT_TRUE(signal.ok()) << signal.status();
    EXPECT_EQ(signal->sampling_frequency_hz, 500);
    ASSERT_EQ(signal->samples, record == 3 ? 3000 : 2000);
    for (int i = 0; i < signal->samples; ++i) {
      const auto at = [&](int lead) { return signal->calibration[lead].ToMv(signal->lead(lead)[i]); };
      ASSERT_NEAR(at(11), Mv(11, i / 500.0), 0.002) << "record " << record << ", sample " << i;
      ASSERT_NEAR(at(2), at(1) - at(0), 0.002) << "III is derived";
    }
  }
}

TEST_F(RecordingsTest, PacksOnceWhateverTheLabels) {
  Add("a.xml");
  Add("b.hea");
  Table("id,labels\na,A\nb,B\n");
  const auto digest = [&] { return SourceDigest(Recordings::Open({}, folder_)->corpus()).value(); };
  const std::string before = digest();
  Table("id,labels\na,B\nb,A\n");
  EXPECT_EQ(digest(), before);
  Add("b.hea", 500, 5);
  EXPECT_NE(digest(), before) << "another file";
  spec::Recordings spec;
  spec.set_file_unit("uV");
  EXPECT_NE(SourceDigest(Recordings::Open(spec, folder_)->corpus()).value(), digest()) << "read otherwise";
}

TEST_F(RecordingsTest, RefusesOrSkipsBadFiles) {
  Add("a.xml");
  Table("id,labels\na,A\nb,B\nc,A\nd,A\n");
  ASSERT_EQ(WriteFile(folder_ / "b.txt", "no recording"), absl::OkStatus());
  ASSERT_EQ(WriteFile(folder_ / "d.csv", "time (s),I (mV)\n0,1\n0.002,2\n"), absl::OkStatus());
  const Recordings recordings = Recordings::Open({}, folder_).value();
  EXPECT_THAT(recordings.labels().records, ElementsAre(0, 1, 3)) << "c has no file";
  const absl::Status refused = PackInCache(recordings, {}, folder_ / ".cache").status();
  EXPECT_THAT(std::string(refused.message()), HasSubstr("record c: labels.csv:4: there is no file \"c\""));
  const PackedSignals packed = PackInCache(recordings, {.bad_records = spec::Data::SKIP}, folder_ / ".cache").value();
  EXPECT_THAT(packed.unusable(), ElementsAre(1, 2, 3));
  EXPECT_THAT(packed.reason(1), HasSubstr("b.txt"));
  EXPECT_THAT(packed.reason(3), HasSubstr("missing: II"));
}

TEST_F(RecordingsTest, SaysWhatIsWrongWithFilesAndTheirNames) {
  EXPECT_THAT(Error(), HasSubstr("there is no file labels.csv in it"));
  Table("id,labels\nx,A\ny,B\n");
  EXPECT_THAT(Error(), HasSubstr("no record of labels.csv has a file: labels.csv:2: there is no file \"x\""));
  Add("one/x.xml");
  Add("two/x.xml");
  Add("y.xml");
  EXPECT_THAT(Recordings::Open({}, folder_)->corpus().records[0].problem,
              HasSubstr("two files are called \"x\": one/x.xml and two/x.xml; name one by its path"));
  Table("id,file,labels\nx,one/x.xml,A\ny,y,B\n");
  const Recordings recordings = Recordings::Open({}, folder_).value();
  EXPECT_EQ(recordings.corpus().records[0].path, "one/x.xml");
  EXPECT_THAT(recordings.corpus().notes, Contains(HasSubstr("1 file is in no row of labels.csv, such as two/x.xml")));
}

TEST_F(RecordingsTest, SplitsByFold) {
  std::string table = "id,labels,fold\n";
  for (int fold = 0; fold < 6; ++fold) {
    Add(absl::StrCat(fold, ".hea"), 100, 1);
    absl::StrAppend(&table, fold, ",A,", fold, "\n");
  }
  Table(table);
  const Recordings first = Recordings::Open({}, folder_).value();
  EXPECT_THAT(first.split().validation, ElementsAre(4));
  EXPECT_THAT(first.split().test, ElementsAre(5));
  EXPECT_THAT(first.split().train, SizeIs(4));
  EXPECT_THAT(first.corpus().notes, Contains("fold 4 is for validation, fold 5 for the test"));
  EXPECT_THAT(Recordings::Open({}, folder_, 3)->split().test, ElementsAre(1));
  EXPECT_THAT(Error({}, 4), HasSubstr("labels.csv: data.split is 4, but the 6 folds make 3 splits"));
  spec::Recordings spec;
  spec.set_cross_validation(3);
  const Recordings third = Recordings::Open(spec, folder_, 3).value();
  EXPECT_THAT(third.split().test, ElementsAre(0, 1));
  EXPECT_THAT(third.split().validation, ElementsAre(5));
  EXPECT_THAT(third.corpus().notes, Contains("fold 5 is for validation, folds 0 to 1 for the test"));
}

TEST_F(RecordingsTest, CrossValidatesOverFoldsOnly) {
  for (const char* name : {"a", "b", "c"}) Add(absl::StrCat(name, ".hea"), 100, 1);
  spec::Recordings spec;
  spec.set_cross_validation(3);
  Table("id,labels\na,A\nb,A\nc,A\n");
  EXPECT_THAT(Error(spec), HasSubstr("cross_validation is 3, but labels.csv has no folds"));
  Table("id,labels,fold\na,A,train\nb,A,validation\nc,A,test\n");
  EXPECT_THAT(Error(spec), HasSubstr("has train, validation and test as its folds"));
}

TEST_F(RecordingsTest, SplitsAtRandomByPatientWithTheSharesOfTheSpec) {
  std::string table = "id,patient,labels\n";
  for (int record = 0; record < 200; ++record) {
    ASSERT_EQ(WriteFile(folder_ / absl::StrFormat("%03d.csv", record), "later"), absl::OkStatus());
    absl::StrAppend(&table, absl::StrFormat("%03d,p%d,%s\n", record, record % 100, record % 4 == 0 ? "A" : "B"));
  }
  Table(table);
  spec::Recordings spec;
  spec.set_validation_share(0.2);
  spec.set_test_share(0.3);
  const Recordings recordings = Recordings::Open(spec, folder_).value();
  EXPECT_EQ(recordings.split().train.size(), 100u);
  EXPECT_EQ(recordings.split().validation.size(), 40u);
  EXPECT_EQ(recordings.split().test.size(), 60u);
  EXPECT_THAT(SharedPatients(recordings.corpus(), recordings.labels(), recordings.split()), IsEmpty());
  EXPECT_TRUE(std::ranges::is_sorted(recordings.split().test));
  EXPECT_NE(Recordings::Open(spec, folder_, 2)->split().test, recordings.split().test);
  EXPECT_EQ(Recordings::Open(spec, folder_, 1)->split().test, recordings.split().test);
  spec.set_test_share(0.9);
  EXPECT_THAT(Error(spec), HasSubstr("leaves nothing for training"));
}

TEST_F(RecordingsTest, ChoosesTheClasses) {
  Add("a.hea");
  Add("b.hea");
  Table("id,labels\na,A;C\nb,A;B\n");
  spec::Recordings spec;
  spec.set_min_share(0.5);
  EXPECT_THAT(Recordings::Open(spec, folder_)->labels().classes, ElementsAre("A"));
  spec.add_classes("C");
  const Recordings recordings = Recordings::Open(spec, folder_).value();
  EXPECT_THAT(recordings.labels().classes, ElementsAre("C"));
  EXPECT_THAT(recordings.labels().records, ElementsAre(0, 1)) << "b is a negative of C";
  spec.add_classes("D");
  EXPECT_THAT(Error(spec), HasSubstr("no record of labels.csv has the label \"D\"; the labels are A, B, C"));
}

TEST_F(RecordingsTest, IsTheExternalCorpusOfAnyModel) {
  Add("a.hea", 250);
  Add("b.xml");
  Table("id,labels\na,A\nb,B\n");
  const AnyCorpus other =
      OpenAnyCorpus(folder_, {.sampling_frequency_hz = 100, .cache_dir = folder_ / ".cache"}).value();
  EXPECT_EQ(other.corpus.dataset, "recordings");
  EXPECT_EQ(other.signals.sampling_frequency_hz(), 100);
  EXPECT_EQ(other.signals.samples(0), 400);
}

}  // namespace
}  // namespace ecg
