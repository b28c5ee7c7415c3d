#include "ecg/live/live_server.h"

#include <httplib.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class LiveServerTest : public testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<LiveServer>> server = LiveServer::Start(0);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  httplib::Client Client() const {
    httplib::Client client("127.0.0.1", server_->port());
    client.set_read_timeout(20);
    return client;
  }
  std::string Host(const std::string& name = "127.0.0.1") const { return absl::StrCat(name, ":", server_->port()); }
  std::string Token() const { return server_->address().substr(server_->address().find('#') + 1); }

  // The status of a request to stop.
  int Stop(const std::string& host, const std::string& origin, const std::string& token) const {
    httplib::Headers headers = {{"Host", host}, {"X-Token", token}};
    if (!origin.empty()) headers.emplace("Origin", origin);
    const httplib::Result result = Client().Post("/stop", headers, "", "text/plain");
    return result ? result->status : -1;
  }

  // The events that a page gets until there are `count`, or the connection ends.
  std::vector<std::string> Events(size_t count) const {
    std::string text;
    std::vector<std::string> events;
    Client().Get("/events", [&](const char* data, size_t length) {
      text.append(data, length);
      size_t end;
      while ((end = text.find("\n\n")) != text.npos) {
        if (text.starts_with("data: ")) events.push_back(text.substr(6, end - 6));
        text.erase(0, end + 2);
      }
      return events.size() < count;
    });
    return events;
  }

  std::unique_ptr<LiveServer> server_;
};

TEST_F(LiveServerTest, ServesAPageThatNeedsNoOtherOrigin) {
  const httplib::Result page = Client().Get("/");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 200);
  EXPECT_THAT(page->body, StartsWith("<!DOCTYPE html>"));
  EXPECT_THAT(page->get_header_value("Content-Security-Policy"), HasSubstr("default-src 'none'"));
  EXPECT_THAT(page->body, Not(HasSubstr(Token()))) << "the page should not tell others the token";
}

TEST_F(LiveServerTest, SendsAllValuesFirstAndThenWhatChanges) {
  server_->Set("name", "\"a\"");
  server_->Set("stage", "\"training\"");
  std::vector<std::string> events;
  std::thread page([&] { events = Events(2); });
  std::thread other([&] { Events(2); });
  // The second event comes once the first was sent; a value that is set meanwhile may come with it.
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  server_->Set("stage", "\"testing\"");
  page.join();
  other.join();
  EXPECT_THAT(events, ElementsAre(R"({"name":"a","stage":"training"})", R"({"stage":"testing"})"));
}

TEST_F(LiveServerTest, SendsTheLastValuesBeforeItEnds) {
  server_->Set("stage", "\"training\"");
  std::vector<std::string> events;
  std::thread page([&] { events = Events(100); });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  server_->Set("stage", "\"finished\"");
  server_.reset();
  page.join();
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back(), R"({"stage":"finished"})");
}

TEST_F(LiveServerTest, StopsForItsOwnPageThatHasTheToken) {
  EXPECT_FALSE(server_->stop_requested());
  EXPECT_EQ(Stop(Host(), "http://" + Host(), Token()), 200);
  EXPECT_TRUE(server_->stop_requested());
  EXPECT_THAT(Events(1), ElementsAre(R"({"stopping":true})"));
}

TEST_F(LiveServerTest, StopsThroughAForwardedPort) {
  EXPECT_EQ(Stop("localhost:9999", "http://localhost:9999", Token()), 200);
  EXPECT_TRUE(server_->stop_requested());
}

TEST_F(LiveServerTest, DoesNotStopForOtherPagesNamesAndUsers) {
  const std::string own = "http://" + Host();
  EXPECT_EQ(Stop(Host(), "https://example.org", Token()), 403) << "another site";
  EXPECT_EQ(Stop(Host(), "http://127.0.0.1:1", Token()), 403) << "a page of another program";
  EXPECT_EQ(Stop(Host(), "null", Token()), 403) << "a sandboxed frame";
  EXPECT_EQ(Stop(Host(), "", Token()), 403) << "no origin";
  EXPECT_EQ(Stop(Host("example.org"), "http://" + Host("example.org"), Token()), 403)
      << "a name that was made to point here";
  EXPECT_EQ(Stop(Host("127.0.0.1.example.org"), "http://" + Host("127.0.0.1.example.org"), Token()), 403);
  EXPECT_EQ(Stop(Host(), own, ""), 403) << "no token";
  EXPECT_EQ(Stop(Host(), own, std::string(32, '0')), 403) << "another token";
  EXPECT_FALSE(server_->stop_requested());
}

TEST_F(LiveServerTest, ShowsNothingUnderAnotherName) {
  server_->Set("name", "\"a\"");
  for (const char* path : {"/", "/events"}) {
    const httplib::Result result = Client().Get(path, httplib::Headers{{"Host", Host("example.org")}});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->status, 403) << path;
  }
}

TEST_F(LiveServerTest, RefusesATakenPortByItsNumber) {
  const absl::StatusOr<std::unique_ptr<LiveServer>> second = LiveServer::Start(server_->port());
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(absl::StrCat("port ", server_->port())));
}

TEST_F(LiveServerTest, TwoThatNameNoPortTakeDifferentOnes) {
  const std::unique_ptr<LiveServer> first = LiveServer::Start(std::nullopt).value();
  const std::unique_ptr<LiveServer> second = LiveServer::Start(std::nullopt).value();
  EXPECT_GE(first->port(), LiveServer::kFirstPort);
  EXPECT_GT(second->port(), first->port());
  EXPECT_THAT(second->address(), StartsWith(absl::StrCat("http://127.0.0.1:", second->port(), "/#")));
}

TEST_F(LiveServerTest, HoldsAManagedNumberOfPages) {
  server_->Set("name", "\"a\"");
  std::vector<std::thread> pages;
  for (int i = 0; i < 12; ++i) pages.emplace_back([&] { Events(2); });
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const httplib::Result refused = Client().Get("/events");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(Client().Get("/")->status, 200) << "short requests should still be answered";
  server_->Set("name", "\"b\"");
  for (std::thread& page : pages) page.join();
}

}  // namespace
}  // namespace ecg
