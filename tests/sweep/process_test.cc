#include "ecg/sweep/process.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "ecg/file/file.h"
#include "ecg/sweep/deadline.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

std::filesystem::path FileFor(const std::string& name) {
  const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / name;
  std::filesystem::remove(file);
  return file;
}

void Wait(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

// Whether `holds` comes true within half a minute.
template <typename Condition>
bool Eventually(const Condition& holds) {
  for (int i = 0; i < 600; ++i) {
    if (holds()) return true;
    Wait(0.05);
  }
  return false;
}

size_t SizeOf(const std::filesystem::path& file) { return ReadFile(file).value_or("").size(); }

// A program that writes to its output again and again; it, and a program that it has started.
const std::string kWriter = "while :; do echo one; sleep 0.05; done & while :; do echo two; sleep 0.05; done";

TEST(ProcessTest, TellsHowItEnded) {
  const std::filesystem::path log = FileFor("log_ended");
  const auto failure = [&](const std::string& script) {
    Process process = Process::Start({"/bin/sh", "-c", script}, log).value();
    EXPECT_TRUE(Eventually([&] { return process.Ended(); }));
    return process.failure();
  };
  EXPECT_EQ(failure("echo hello"), "");
  EXPECT_EQ(failure("exit 3"), "exit status 3");
  EXPECT_EQ(failure("kill -SEGV $$"), "killed by signal 11 (Segmentation fault)");
  EXPECT_EQ(ReadFile(log).value(), "hello\n");
  Process missing = Process::Start({"/no/such/program"}, log).value();
  EXPECT_TRUE(Eventually([&] { return missing.Ended(); }));
  EXPECT_EQ(missing.failure(), "exit status 127");
  EXPECT_EQ(ReadFile(log).value(), "hello\nNo such file or directory\n");
}

TEST(ProcessTest, IsTerminatedWithAllThatItStartedWhenItIsStopped) {
  const std::filesystem::path log = FileFor("log_stopped");
  Process process = Process::Start({"/bin/sh", "-c", kWriter}, log).value();
  EXPECT_TRUE(Eventually([&] { return SizeOf(log) > 20; }));
  process.Stop();
  EXPECT_TRUE(Eventually([&] { return process.Ended(); }));
  EXPECT_EQ(process.failure(), "killed by signal 15 (Terminated)");
  const size_t size = SizeOf(log);
  Wait(0.3);
  EXPECT_EQ(SizeOf(log), size);
}

TEST(ProcessTest, IsKilledWhenItsDeadlinePassesEvenIfItIgnoresSignals) {
  const std::filesystem::path log = FileFor("log_deadline");
  Deadline deadline(1000);
  Process process = Process::Start({"/bin/sh", "-c", absl::StrCat("trap '' TERM; ", kWriter)}, log, &deadline).value();
  EXPECT_TRUE(Eventually([&] { return SizeOf(log) > 20; }));
  process.Stop();
  Wait(0.3);
  EXPECT_FALSE(process.Ended());
  deadline.Expire();
  EXPECT_TRUE(Eventually([&] { return process.Ended(); }));
  EXPECT_EQ(process.failure(), "killed by signal 9 (Killed)");
  EXPECT_FALSE(deadline.PutOff(BootSeconds() + 1000)) << "what has passed cannot be put off";
  const size_t size = SizeOf(log);
  Wait(0.3);
  EXPECT_EQ(SizeOf(log), size);
}

TEST(ProcessTest, IsKilledWhenTheProcessThatStartedItIsKilled) {
  const std::filesystem::path log = FileFor("log_killed");
  const pid_t parent = fork();
  if (parent == 0) {
    const auto process = Process::Start({"/bin/sh", "-c", absl::StrCat("trap '' TERM; ", kWriter)}, log);
    while (process.ok()) pause();
    _exit(1);
  }
  EXPECT_TRUE(Eventually([&] { return SizeOf(log) > 20; }));
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  Wait(0.5);
  const size_t size = SizeOf(log);
  Wait(0.5);
  EXPECT_EQ(SizeOf(log), size);
}

}  // namespace
}  // namespace ecg
