// Compares records, labels, splits and scaler with what the reference protocol's own Python code computed from the
// first 500 records of PTB-XL.

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/corpus/scaler.h"
#include "ecg/corpus/split.h"
#include "ecg/file/file.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;

class ProtocolTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* shared = std::getenv("ECG_SHARED_DIR");
    if (shared == nullptr) {
      GTEST_SKIP() << "set ECG_SHARED_DIR to a folder with parity/protocol.json and ptbxl-first500 to run this test";
    }
    shared_ = shared;
    protocol_ = nlohmann::json::parse(ReadFile(shared_ / "parity" / "protocol.json").value());
  }

  PtbXl Open(spec::PtbXl::Task task, int split) const {
    spec::PtbXl spec;
    spec.set_task(task);
    return PtbXl::Open(spec, shared_ / "ptbxl-first500", split).value();
  }

  fs::path shared_;
  nlohmann::json protocol_;
};

TEST_F(ProtocolTest, HasTheSameClassesRecordsLabelsAndSplitsInEveryTask) {
  for (const auto& [name, task] :
       std::vector<std::pair<std::string, spec::PtbXl::Task>>{{"all", spec::PtbXl::ALL},
                                                              {"diagnostic", spec::PtbXl::DIAGNOSTIC},
                                                              {"subdiagnostic", spec::PtbXl::SUBDIAGNOSTIC},
                                                              {"superdiagnostic", spec::PtbXl::SUPERDIAGNOSTIC},
                                                              {"form", spec::PtbXl::FORM},
                                                              {"rhythm", spec::PtbXl::RHYTHM}}) {
    SCOPED_TRACE(name);
    const nlohmann::json& expected = protocol_["tasks"][name];
    for (int split = 1; split <= 5; ++split) {
      const PtbXl ptbxl = Open(task, split);
      const Labels& labels = ptbxl.labels();
      EXPECT_EQ(ptbxl.corpus().records.size(), protocol_["records"]);
      EXPECT_EQ(nlohmann::json(labels.classes), expected["classes"]);
      EXPECT_EQ(labels.rows(), expected["records_kept"]);
      ASSERT_EQ(expected["rows"].size(), labels.records.size());
      std::vector<int> positives(labels.classes.size());
      for (int row = 0; row < labels.rows(); ++row) {
        std::vector<std::string> names;
        for (size_t i = 0; i < labels.classes.size(); ++i) {
          if (labels.row(row)[i] == 1) names.push_back(labels.classes[i]);
          positives[i] += labels.row(row)[i];
        }
        const std::string& id = ptbxl.corpus().records[labels.records[row]].id;
        EXPECT_EQ(nlohmann::json(names), expected["rows"][id]) << "record " << id;
      }
      EXPECT_EQ(nlohmann::json(positives), expected["positives_per_class"]);

      const nlohmann::json& sizes = expected["splits"][absl::StrCat(split)];
      EXPECT_EQ(ptbxl.split().train.size(), sizes["train"]);
      EXPECT_EQ(ptbxl.split().validation.size(), sizes["validation"]);
      EXPECT_EQ(ptbxl.split().test.size(), sizes["test"]);
      const nlohmann::json& folds = protocol_["split_settings"][absl::StrCat(split)];
      for (const int row : ptbxl.split().validation) {
        EXPECT_EQ(ptbxl.corpus().records[labels.records[row]].fold, folds["val_index"]);
      }
      for (const int row : ptbxl.split().test) {
        EXPECT_EQ(ptbxl.corpus().records[labels.records[row]].fold, folds["test_index"]);
      }
    }
  }
}

TEST_F(ProtocolTest, HasTheSameScalerInEverySplit) {
  const fs::path cache = fs::path(testing::TempDir()) / "protocol_test";
  for (int split = 1; split <= 5; ++split) {
    const PtbXl ptbxl = Open(spec::PtbXl::ALL, split);
    const absl::StatusOr<PackedSignals> signals = PackInCache(ptbxl, {}, cache);
    ASSERT_TRUE(signals.ok()) << signals.status();
    std::vector<int> records;
    for (const int row : ptbxl.split().train) records.push_back(ptbxl.labels().records[row]);
    const Scaler scaler = FitScaler(*signals, records).value();
    const nlohmann::json& expected = protocol_["scaler"][absl::StrCat(split)];
    const double mean = expected["mean_mv"];
    const double deviation = expected["standard_deviation_mv"];
    EXPECT_NEAR(scaler.mean_mv, mean, 1e-12 * deviation);
    EXPECT_NEAR(scaler.standard_deviation_mv, deviation, 1e-12 * deviation);
    RecordProperty(absl::StrCat("relative_error_of_the_deviation_in_split_", split),
                   absl::StrCat(std::abs(scaler.standard_deviation_mv / deviation - 1)));
    std::printf("split %d: mean %.17g (%.17g), deviation %.17g (%.17g)\n", split, scaler.mean_mv, mean,
                scaler.standard_deviation_mv, deviation);
  }
  fs::remove_all(cache);
}

TEST_F(ProtocolTest, HasTheSameAmplitudes) {
  const PtbXl ptbxl = Open(spec::PtbXl::ALL, 1);
  const Signal signal = ptbxl.ReadSignal(0).value();
  const nlohmann::json& expected = protocol_["first_record"];
  for (int lead = 0; lead < kLeads; ++lead) {
    EXPECT_NEAR(signal.calibration[lead].ToMv(signal.lead(lead).front()), expected["first_row_mv"][lead], 1e-12);
    EXPECT_NEAR(signal.calibration[lead].ToMv(signal.lead(lead).back()), expected["last_row_mv"][lead], 1e-12);
  }
}

}  // namespace
}  // namespace ecg
