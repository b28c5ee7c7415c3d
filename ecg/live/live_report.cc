#include "ecg/live/live_report.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "ecg/live/live_server.h"
#include "nlohmann/json.hpp"
#include "proto/run.pb.h"

namespace ecg {
namespace {

using Json = nlohmann::ordered_json;

// Text returns `json` without failing on bytes that are not UTF-8, which a path may have.
std::string Text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }
std::string Text(absl::string_view text) { return Text(Json(std::string(text))); }

}  // namespace

void LiveReport::Begin(absl::string_view name, absl::string_view folder) {
  server_->Set("name", Text(name));
  server_->Set("folder", Text(folder));
  ShowStage("reading the records");
}

void LiveReport::Describe(absl::string_view summary, absl::string_view score_name, int epochs) {
  server_->Set("summary", Text(summary));
  server_->Set("scoreName", Text(score_name));
  server_->Set("epochs", Text(Json(epochs)));
}

void LiveReport::End(absl::string_view result) {
  server_->Set("result", Text(result));
  ShowStage("finished");
}

void LiveReport::Fail(const absl::Status& status) {
  server_->Set("result", Text(absl::string_view(status.message())));
  ShowStage("failed");
}

void LiveReport::ShowHistory(const run::TrainingState& state) {
  Json history = Json::array();
  for (const run::Epoch& epoch : state.history()) {
    Json& row = history.emplace_back();
    row["epoch"] = epoch.epoch();
    // JSON has no infinite numbers; the library writes null for them.
    row["trainLoss"] = epoch.train_loss();
    if (epoch.has_train_score()) row["trainScore"] = epoch.train_score();
    if (epoch.has_validation_score()) {
      row["validationLoss"] = epoch.validation_loss();
      row["validationScore"] = epoch.validation_score();
    }
    row["learningRate"] = epoch.learning_rate();
    row["seconds"] = epoch.seconds();
  }
  server_->Set("history", Text(history));
  server_->Set("bestEpoch", Text(Json(state.best_epoch())));
}

void LiveReport::ShowStep(int epoch, int step, int steps, double loss) {
  server_->Set("step", Text(Json{{"epoch", epoch}, {"step", step}, {"steps", steps}, {"loss", loss}}));
}

void LiveReport::ShowStage(absl::string_view stage) { server_->Set("stage", Text(stage)); }

}  // namespace ecg
