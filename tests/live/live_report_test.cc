#include "ecg/live/live_report.h"

#include <httplib.h>

#include <limits>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "ecg/live/live_server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "proto/run.pb.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

// What a report reads of a training's progress.
struct Progress {
  const run::TrainingState& state;
  int epoch = 0, step = 0, steps = 0;
  double loss = 0;
};

class LiveReportTest : public testing::Test {
 protected:
  // What a page that connects now gets.
  nlohmann::json Values() const {
    std::string text;
    httplib::Client("127.0.0.1", server_->port()).Get("/events", [&](const char* data, size_t length) {
      text.append(data, length);
      return text.find("\n\n") == text.npos;
    });
    return nlohmann::json::parse(text.substr(6, text.find("\n\n") - 6));
  }

  void AskToStop() const {
    const std::string address = server_->address(), host = absl::StrCat("127.0.0.1:", server_->port());
    const httplib::Headers headers = {{"Origin", "http://" + host}, {"X-Token", address.substr(address.find('#') + 1)}};
    ASSERT_EQ(httplib::Client("127.0.0.1", server_->port()).Post("/stop", headers, "", "text/plain")->status, 200);
  }

  const std::unique_ptr<LiveServer> server_ = LiveServer::Start(0).value();
  LiveReport report_{*server_};
};

TEST_F(LiveReportTest, ShowsEachEpochWithItsValidationWhereItHasOne) {
  report_.Begin("resnet18_all", "runs/1");
  report_.Describe("network", "macro ROC-AUC", 20);
  run::TrainingState state;
  run::Epoch& epoch = *state.add_history();
  epoch.set_epoch(1);
  epoch.set_train_loss(std::numeric_limits<double>::infinity());
  epoch.set_learning_rate(0.25);
  EXPECT_FALSE(report_.EndEpoch(Progress{state}));
  nlohmann::json values = Values();
  EXPECT_EQ(values["name"], "resnet18_all");
  EXPECT_EQ(values["epochs"], 20);
  EXPECT_EQ(values["history"][0]["learningRate"], 0.25);
  EXPECT_TRUE(values["history"][0]["trainLoss"].is_null());
  EXPECT_FALSE(values["history"][0].contains("validationScore"));
  epoch.set_validation_loss(3);
  epoch.set_validation_score(0.5);
  EXPECT_FALSE(report_.EndEpoch(Progress{state}));
  EXPECT_EQ(Values()["history"][0]["validationScore"], 0.5);
}

TEST_F(LiveReportTest, AsksToStopOnceThereAreWeightsThatValidated) {
  run::TrainingState state;
  state.add_history()->set_epoch(1);
  EXPECT_FALSE(report_.EndEpoch(Progress{state}));
  AskToStop();
  EXPECT_FALSE(report_.EndEpoch(Progress{state})) << "no epoch was validated";
  state.add_history()->set_epoch(2);
  state.set_best_epoch(2);
  EXPECT_TRUE(report_.EndEpoch(Progress{state}));
}

TEST_F(LiveReportTest, ShowsTheStepsAtMostTwiceASecondAndAlwaysTheLast) {
  run::TrainingState state;
  report_.BeginEpoch(Progress{state, 1, 0, 3});
  report_.EndStep(Progress{state, 1, 1, 3, 9});
  EXPECT_EQ(Values()["step"]["step"], 0);
  report_.EndStep(Progress{state, 1, 3, 3, 7});
  EXPECT_EQ(Values()["step"]["step"], 3);
  EXPECT_EQ(Values()["step"]["loss"], 7);
}

TEST_F(LiveReportTest, ShowsResultErrorAndBytesThatAreNoText) {
  report_.Begin("a\xFF\"b", "runs/\n1");
  EXPECT_THAT(Values()["name"].get<std::string>(), HasSubstr("\"b"));
  report_.End("test macro ROC-AUC 0.9");
  EXPECT_EQ(Values()["stage"], "finished");
  EXPECT_EQ(Values()["result"], "test macro ROC-AUC 0.9");
  report_.Fail(absl::InternalError("no memory"));
  EXPECT_EQ(Values()["stage"], "failed");
  EXPECT_EQ(Values()["result"], "no memory");
}

}  // namespace
}  // namespace ecg
