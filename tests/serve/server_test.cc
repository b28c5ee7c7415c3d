#include "ecg/serve/server.h"

#include <httplib.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/predict/predictor.h"
#include "ecg/signal/signal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/predict/made_run.h"
#include "tests/predict/made_signal.h"
#include "tests/signal/mutated_file.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / "server_test";
    std::filesystem::remove_all(folder_);
    ASSERT_EQ(MakeRun(folder_), absl::OkStatus());
  }

  httplib::Client Connect(const Server& server) {
    httplib::Client client("127.0.0.1", server.port());
    client.set_read_timeout(60);
    return client;
  }
  static httplib::Result Post(httplib::Client& client, const std::string& body, const std::string& query = "") {
    return client.Post("/v1/predict" + query, body, "application/octet-stream");
  }
  ServerOptions Options() const {
    ServerOptions options;
    options.port = 0;
    return options;
  }

  std::filesystem::path folder_;
};

TEST_F(ServerTest, AnswersAFileWithWhatThePredictorSays) {
  const Predictor predictor = Predictor::Load(folder_).value();
  Server server(predictor, Options());
  ASSERT_EQ(server.Start(), absl::OkStatus());
  httplib::Client client = Connect(server);
  const httplib::Result result = Post(client, TableOf(MadeSignal(1)), "?name=a.csv&plot=1");
  ASSERT_TRUE(result);
  ASSERT_EQ(result->status, 200) << result->body;
  const nlohmann::json json = nlohmann::json::parse(result->body);
  EXPECT_EQ(json["recording"], "a.csv");
  EXPECT_EQ(json["model"]["synthetic"], true);
  EXPECT_THAT(json["model"]["disclaimer"].get<std::string>(), HasSubstr("Not a medical device"));
  EXPECT_THAT(json["svg"].get<std::string>(), HasSubstr("<svg"));
  const Signal signal = MadeSignal(1);
  const Prediction prediction = predictor.PredictAll(std::span(&signal, 1)).value()[0];
  const std::vector<float>& expected = prediction.probabilities;
  EXPECT_NEAR(json["unlike_training"]["distance"].get<double>(), prediction.unlikeness->distance, 1e-3);
  EXPECT_EQ(json["unlike_training"]["validation_records"], 20);
  ASSERT_EQ(json["statements"].size(), 5);
  for (const nlohmann::json& statement : json["statements"]) {
    for (size_t k = 0; k < 5; ++k) {
      if (predictor.model().classes[k] != statement["code"]) continue;
      EXPECT_NEAR(statement["probability"].get<double>(), expected[k], 1e-5);
    }
  }
}

TEST_F(ServerTest, TakesABodyOfAnyTypeAsCurlSendsIt) {
  Server server(Predictor::Load(folder_).value(), Options());
  ASSERT_EQ(server.Start(), absl::OkStatus());
  httplib::Client client = Connect(server);
  for (const char* type : {"application/x-www-form-urlencoded", "text/xml", ""}) {
    const httplib::Result result = client.Post("/v1/predict", TableOf(MadeSignal(1)), type);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->status, 200) << type << ": " << result->body;
  }
}

TEST_F(ServerTest, TakesAFormWithAFile) {
  Server server(Predictor::Load(folder_).value(), Options());
  ASSERT_EQ(server.Start(), absl::OkStatus());
  httplib::Client client = Connect(server);
  const httplib::Result result = client.Post(
      "/v1/predict", httplib::MultipartFormDataItems{{"file", TableOf(MadeSignal(1)), "b.csv", "text/csv"}});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200) << result->body;
  EXPECT_EQ(nlohmann::json::parse(result->body)["recording"], "b.csv");
}

TEST_F(ServerTest, AnswersManyAtOnceEachWithItsOwn) {
  const Predictor predictor = Predictor::Load(folder_).value();
  Server server(predictor, Options());
  ASSERT_EQ(server.Start(), absl::OkStatus());
  std::vector<std::string> answers(24), expected(4);
  for (int number = 0; number < 4; ++number) {
    httplib::Client client = Connect(server);
    expected[number] = nlohmann::json::parse(Post(client, TableOf(MadeSignal(number)))->body)["statements"][0]["code"];
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < 24; ++i) {
    threads.emplace_back([&, i] {
      httplib::Client client = Connect(server);
      const httplib::Result result = Post(client, TableOf(MadeSignal(i % 4)));
      if (result) answers[i] = nlohmann::json::parse(result->body)["statements"][0]["code"];
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 24; ++i) EXPECT_EQ(answers[i], expected[i % 4]);
  httplib::Client client = Connect(server);
  const std::string metrics = client.Get("/metrics")->body;
  EXPECT_THAT(metrics, HasSubstr("ecg_requests_total{code=\"200\"} 28\n"));
  EXPECT_THAT(metrics, HasSubstr("ecg_recordings_total 28\n"));
}

TEST_F(ServerTest, SaysWhatIsWrongWithABody) {
  Server server(Predictor::Load(folder_).value(), Options());
  ASSERT_EQ(server.Start(), absl::OkStatus());
  httplib::Client client = Connect(server);
  const auto error = [&](const std::string& body, const std::string& query = "") {
    const httplib::Result result = Post(client, body, query);
    EXPECT_EQ(result->status, 422) << result->body;
    return nlohmann::json::parse(result->body)["error"].get<std::string>();
  };
  EXPECT_THAT(error("\x01\x02 no recording"), HasSubstr("format"));
  EXPECT_THAT(error(""), HasSubstr("empty"));
  EXPECT_THAT(error(TableOf(MadeSignal(0, 200))), HasSubstr("2.00 s"));
  EXPECT_THAT(error(TableOf(MadeSignal(0)), "?rate=fast"), HasSubstr("rate is \"fast\""));
  EXPECT_EQ(client.Get("/nothing")->status, 404);
  EXPECT_EQ(client.Get("/healthz")->status, 200);
}

TEST_F(ServerTest, RefusesBodiesThatAreTooLargeAndRecordingsThatAreTooLong) {
  ServerOptions options = Options();
  options.body_bytes = 200'000;
  options.recording_seconds = 15;
  Server server(Predictor::Load(folder_).value(), options);
  ASSERT_EQ(server.Start(), absl::OkStatus());
  httplib::Client client = Connect(server);
  EXPECT_EQ(Post(client, TableOf(MadeSignal(0)))->status, 200);
  EXPECT_EQ(Post(client, TableOf(MadeSignal(0, 1600)))->status, 422);
  const std::string bytes(300'000, 'x');
  EXPECT_EQ(Post(client, bytes)->status, 413);
  // The length of these is not known before.
  const httplib::ContentProviderWithoutLength in_chunks = [&bytes](size_t, httplib::DataSink& sink) {
    sink.write(bytes.data(), bytes.size());
    sink.done();
    return true;
  };
  client.set_keep_alive(true);
  const httplib::Result chunked = client.Post("/v1/predict", in_chunks, "application/octet-stream");
  ASSERT_TRUE(chunked);
  EXPECT_EQ(chunked->status, 413) << chunked->body;
  client.set_compress(true);
  const httplib::Result compressed = Post(client, bytes);
  ASSERT_TRUE(compressed);
  EXPECT_EQ(compressed->status, 413) << compressed->body;
  EXPECT_EQ(nlohmann::json::parse(compressed->body)["error"], "the body has more than 200000 bytes");
  EXPECT_EQ(Post(client, TableOf(MadeSignal(0)))->status, 200);
}

TEST_F(ServerTest, ClosesAConnectionOnWhichItHasNotReadAll) {
  Server server(Predictor::Load(folder_).value(), Options());
  ASSERT_EQ(server.Start(), absl::OkStatus());
  httplib::Client client = Connect(server);
  client.set_keep_alive(true);
  // Few enough bytes that the client has sent all when the connection is closed.
  const std::string bytes(10'000, 'x');
  const httplib::Headers gzip = {{"Content-Encoding", "gzip"}};
  const httplib::Result broken = client.Post("/v1/predict", gzip, bytes, "application/octet-stream");
  ASSERT_TRUE(broken);
  EXPECT_EQ(broken->status, 422);
  EXPECT_EQ(broken->get_header_value("Connection"), "close");
  EXPECT_THAT(nlohmann::json::parse(broken->body)["error"].get<std::string>(), HasSubstr("cannot be read"));
  EXPECT_EQ(Post(client, TableOf(MadeSignal(0)))->status, 200);
  const httplib::Result elsewhere = client.Post("/v1/other", bytes, "application/octet-stream");
  ASSERT_TRUE(elsewhere);
  EXPECT_EQ(elsewhere->status, 404);
  EXPECT_EQ(elsewhere->get_header_value("Connection"), "close");
  EXPECT_EQ(Post(client, TableOf(MadeSignal(0)))->status, 200);
}

// The memory of this process, in bytes.
size_t ResidentBytes() {
  size_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// A made table, and real files of all formats where they are.
std::vector<std::string> Bodies() {
  std::vector<std::string> bodies = {TableOf(MadeSignal(0))};
  const char* const shared = std::getenv("ECG_SHARED_DIR");
  std::error_code error;
  if (shared == nullptr) return bodies;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::filesystem::path(shared) / "formats", error)) {
    if (!entry.is_regular_file() || entry.path().extension() == ".json" || entry.file_size() > 2'000'000) continue;
    bodies.push_back(ReadFile(entry.path()).value());
  }
  return bodies;
}

TEST_F(ServerTest, StaysWellAfterAThousandBrokenBodies) {
  Server server(Predictor::Load(folder_).value(), Options());
  ASSERT_EQ(server.Start(), absl::OkStatus());
  httplib::Client client = Connect(server);
  client.set_keep_alive(true);
  const std::string before = Post(client, TableOf(MadeSignal(1)))->body;
  const std::vector<std::string> bodies = Bodies();
  const int rounds = 1 + 250 / static_cast<int>(bodies.size());
  int refused = 0, sent = 0;
  size_t warm = 0;
  for (int pass = 0; pass < 4; ++pass) {
    for (const std::string& whole : bodies) {
      ForEachMutation(whole, rounds, [&](absl::string_view bytes) {
        const httplib::Result result = Post(client, std::string(bytes));
        ASSERT_TRUE(result) << "no answer to request " << sent;
        ASSERT_TRUE(result->status == 200 || result->status == 422) << result->body;
        refused += result->status == 422;
        ++sent;
      });
    }
    if (pass == 0) warm = ResidentBytes();
  }
  EXPECT_GE(sent, 1000);
  EXPECT_GT(refused, 0);
  EXPECT_LT(ResidentBytes(), warm + (size_t{24} << 20)) << "memory should not grow with the number of bodies";
  EXPECT_EQ(client.Get("/readyz")->status, 200);
  EXPECT_EQ(Post(client, TableOf(MadeSignal(1)))->body, before);
}

TEST_F(ServerTest, AsksForTheTokenWhereOneIsSet) {
  ServerOptions options = Options();
  options.token = "secret";
  Server server(Predictor::Load(folder_).value(), options);
  ASSERT_EQ(server.Start(), absl::OkStatus());
  httplib::Client client = Connect(server);
  EXPECT_EQ(Post(client, TableOf(MadeSignal(0)))->status, 401);
  client.set_bearer_token_auth("secre");
  EXPECT_EQ(Post(client, TableOf(MadeSignal(0)))->status, 401);
  client.set_bearer_token_auth("secret");
  EXPECT_EQ(Post(client, TableOf(MadeSignal(0)))->status, 200);
}

TEST_F(ServerTest, AnswersTheNextRequestOfAConnectionAfterOneWithoutTheToken) {
  ServerOptions options = Options();
  options.token = "secret";
  Server server(Predictor::Load(folder_).value(), options);
  ASSERT_EQ(server.Start(), absl::OkStatus());
  httplib::Client client = Connect(server);
  client.set_keep_alive(true);
  const httplib::Result refused = Post(client, TableOf(MadeSignal(0)));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 401);
  EXPECT_FALSE(refused->has_header("Connection")) << "the connection should stay open";
  client.set_bearer_token_auth("secret");
  const httplib::Result answered = Post(client, TableOf(MadeSignal(0)));
  ASSERT_TRUE(answered);
  EXPECT_EQ(answered->status, 200) << answered->body;
}

TEST_F(ServerTest, StopsAfterTheRequestsThatRun) {
  auto server = std::make_unique<Server>(Predictor::Load(folder_).value(), Options());
  ASSERT_EQ(server->Start(), absl::OkStatus());
  httplib::Client client = Connect(*server);
  EXPECT_EQ(client.Get("/readyz")->status, 200);
  std::thread stopper([&] { server->Stop(); });
  stopper.join();
  EXPECT_FALSE(Post(client, TableOf(MadeSignal(0))));
}

TEST_F(ServerTest, NamesAPortThatIsTaken) {
  Server first(Predictor::Load(folder_).value(), Options());
  ASSERT_EQ(first.Start(), absl::OkStatus());
  ServerOptions options;
  options.port = first.port();
  Server second(Predictor::Load(folder_).value(), options);
  EXPECT_THAT(second.Start().message(), HasSubstr(absl::StrCat(first.port())));
}

}  // namespace
}  // namespace ecg
