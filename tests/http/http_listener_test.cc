#include "ecg/http/http_listener.h"

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(HttpListenerTest, LosesNoneOfManyConnectionsAtOnce) {
  httplib::Server server;
  server.new_task_queue = [] { return new httplib::ThreadPool(2); };
  server.Get("/", [](const httplib::Request&, httplib::Response& response) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    response.set_content("here", "text/plain");
  });
  HttpListener listener(server);
  const int port = server.bind_to_any_port("127.0.0.1");
  listener.Start();
  std::atomic<int> answers = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 64; ++i) {
    clients.emplace_back([&] {
      const httplib::Result result = httplib::Client("127.0.0.1", port).Get("/");
      if (result && result->body == "here") ++answers;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(answers, 64);
}

TEST(HttpListenerTest, HasItsPortAloneAndLeavesItAtOnce) {
  httplib::Server first, second;
  HttpListener listener(first), other(second);
  const int port = first.bind_to_any_port("127.0.0.1");
  listener.Start();
  EXPECT_FALSE(second.bind_to_port("127.0.0.1", port));
  listener.Stop();
  EXPECT_TRUE(second.bind_to_port("127.0.0.1", port));
  other.Start();
}

}  // namespace
}  // namespace ecg
