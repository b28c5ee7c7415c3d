#include "ecg/corpus/joined.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/cinc_challenge.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/corpus/snomed_ct.h"
#include "ecg/signal/signal.h"
#include "ecg/synthetic/demo.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class JoinedTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    root() = std::filesystem::path(testing::TempDir()) / "joined";
    std::filesystem::remove_all(root());
    std::filesystem::create_directories(root());
    ASSERT_EQ(MakeDemo({.dataset = PtbXl::kName, .records = 60, .seed = 1}, root() / "hospital"), absl::OkStatus());
    ASSERT_EQ(MakeDemo({.dataset = G12ec::kName, .records = 50, .seed = 2}, root() / "georgia"), absl::OkStatus());
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(root()); }

  static std::filesystem::path& root() {
    static std::filesystem::path root;
    return root;
  }

  static spec::Joined Spec(const std::string& text) {
    spec::Joined spec;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &spec));
    return spec;
  }

  static absl::StatusOr<Joined> OpenBoth(const std::string& more = "") {
    return Joined::Open(Spec("part { folder: 'hospital' ptb_xl {} } part { folder: 'georgia' g12ec {} } " + more),
                        root(), 1);
  }

  // ClassesOf returns the classes of each record that has a row.
  static std::map<std::string, std::set<std::string>> ClassesOf(const Corpus& corpus, const Labels& labels) {
    std::map<std::string, std::set<std::string>> classes;
    for (int row = 0; row < labels.rows(); ++row) {
      std::set<std::string>& of_record = classes[corpus.records[labels.records[row]].id];
      for (size_t k = 0; k < labels.classes.size(); ++k) {
        if (labels.row(row)[k] != 0) of_record.insert(labels.classes[k]);
      }
    }
    return classes;
  }

  static std::string ErrorOf(const std::string& spec) {
    return std::string(Joined::Open(Spec(spec), root(), 1).status().message());
  }
};

TEST_F(JoinedTest, KeepsTheRecordsTheirFindingsAndTheSplitOfEachPart) {
  const absl::StatusOr<Joined> joined = OpenBoth();
  ASSERT_EQ(joined.status(), absl::OkStatus());
  const absl::StatusOr<PtbXl> hospital = PtbXl::Open({}, root() / "hospital");
  const absl::StatusOr<G12ec> georgia = G12ec::Open({}, root() / "georgia");
  EXPECT_EQ(joined->corpus().records.size(), 110u);
  EXPECT_TRUE(joined->corpus().synthetic);
  EXPECT_EQ(joined->labels().rows(), hospital->labels().rows() + georgia->labels().rows());
  EXPECT_EQ(joined->split().train.size(), hospital->split().train.size() + georgia->split().train.size());
  EXPECT_EQ(joined->split().validation.size(),
            hospital->split().validation.size() + georgia->split().validation.size());
  EXPECT_EQ(joined->split().test.size(), hospital->split().test.size() + georgia->split().test.size());

  // A class has one name in all, but means the same.
  const auto codes = [](const std::set<std::string>& names) {
    std::set<std::string> result;
    for (const std::string& name : names) result.insert(SnomedCtCode(name));
    return result;
  };
  const auto found = ClassesOf(joined->corpus(), joined->labels());
  for (const auto& [id, names] : ClassesOf(hospital->corpus(), hospital->labels())) {
    EXPECT_EQ(found.at("hospital/" + id), names);
  }
  for (const auto& [id, names] : ClassesOf(georgia->corpus(), georgia->labels())) {
    EXPECT_EQ(codes(found.at("georgia/" + id)), codes(names)) << id;
  }
  for (const int row : joined->split().test) {
    const std::string id = joined->corpus().records[joined->labels().records[row]].id;
    EXPECT_TRUE(found.contains(id)) << id;
  }
}

TEST_F(JoinedTest, TakesTwoNamesOfAFindingForOneClass) {
  const absl::StatusOr<Joined> joined = OpenBoth();
  ASSERT_EQ(joined.status(), absl::OkStatus());
  const std::vector<std::string>& classes = joined->labels().classes;
  EXPECT_TRUE(std::ranges::is_sorted(classes));
  ASSERT_THAT(G12ec::Open({}, root() / "georgia")->labels().classes, Contains("164889003"));
  EXPECT_THAT(classes, Contains("AFIB"));
  EXPECT_THAT(classes, Not(Contains("164889003"))) << "which is atrial fibrillation, too";
}

TEST_F(JoinedTest, MayHaveTheCommonClassesOnly) {
  const absl::StatusOr<Joined> joined = OpenBoth("classes: COMMON_CLASSES");
  ASSERT_EQ(joined.status(), absl::OkStatus());
  EXPECT_THAT(joined->labels().classes, Contains("AFIB"));
  EXPECT_THAT(joined->corpus().notes, Not(Contains(HasSubstr("count as absent"))));
  EXPECT_LT(joined->labels().classes.size(), OpenBoth()->labels().classes.size());
  EXPECT_THAT(OpenBoth()->corpus().notes, Contains(HasSubstr("count as absent in its records")));
}

TEST_F(JoinedTest, ReadsTheSignalsOfAllPartsAtOneRate) {
  const absl::StatusOr<Joined> joined = OpenBoth("sampling_frequency_hz: 250");
  ASSERT_EQ(joined.status(), absl::OkStatus());
  EXPECT_EQ(joined->corpus().sampling_frequency_hz, 250);
  EXPECT_EQ(joined->corpus().samples, 2500);
  for (const int record : {0, 59, 60, 109}) {
    const absl::StatusOr<Signal> signal = joined->ReadSignal(record);
    ASSERT_EQ(signal.status(), absl::OkStatus()) << record;
    EXPECT_EQ(signal->sampling_frequency_hz, 250);
    EXPECT_EQ(signal->samples, 2500);
  }
  const absl::StatusOr<Joined> as_is = OpenBoth();
  EXPECT_EQ(as_is->ReadSignal(60)->digital, G12ec::Open({}, root() / "georgia")->ReadSignal(0)->digital);
}

TEST_F(JoinedTest, NamesThePartThatItCannotOpen) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("data.joined has no part"));
  EXPECT_THAT(ErrorOf("part { folder: 'hospital' }"), HasSubstr("data.joined.part[0]: it names no dataset"));
  EXPECT_THAT(ErrorOf("part { folder: 'hospital' ptb_xl {} } part { g12ec {} }"),
              HasSubstr("data.joined.part[1]: it names no folder"));
  EXPECT_THAT(ErrorOf("part { folder: 'hospital' ptb_xl {} } part { folder: 'hospital/' ptb_xl {} }"),
              HasSubstr("data.joined.part[1]: its folder is called hospital"));
  EXPECT_THAT(ErrorOf("part { folder: 'nowhere' ptb_xl {} }"), HasSubstr("data.joined.part[0]: no PTB-XL in"));
}

}  // namespace
}  // namespace ecg
