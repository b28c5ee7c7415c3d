#include "ecg/sweep/claim.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ecg/file/file.h"
#include "ecg/sweep/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAreArray;

std::filesystem::path FolderFor(const std::string& name) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / name;
  std::filesystem::remove_all(folder);
  EXPECT_TRUE(MakeDirectories(folder).ok());
  return folder;
}

void Wait(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

template <typename Condition>
bool Eventually(const Condition& holds) {
  for (int i = 0; i < 1200; ++i) {
    if (holds()) return true;
    Wait(0.05);
  }
  return false;
}

// Claims `name` if it is free.
std::optional<Claim> TryTake(Claims& claims, const std::string& name) {
  const std::optional<SeenClaim> seen = claims.Look(name).value();
  if (seen && !seen->is_free) return std::nullopt;
  return claims.Take(name, seen).value();
}

bool IsFree(Claims& claims, const std::string& name) {
  const std::optional<SeenClaim> seen = claims.Look(name).value();
  return !seen || seen->is_free;
}

// Another process that does `work`, and then waits to be killed. It tells what it has to tell by files.
class Other {
 public:
  explicit Other(const std::function<void()>& work) : id_(fork()) {
    if (id_ != 0) return;
    work();
    while (true) pause();
  }
  ~Other() {
    Kill();
    waitpid(id_, nullptr, 0);
  }
  void Kill() const { kill(id_, SIGKILL); }
  void Stop() const { kill(id_, SIGSTOP); }
  void Continue() const { kill(id_, SIGCONT); }

 private:
  const pid_t id_;
};

void Tell(const std::filesystem::path& file, const std::string& text) {
  if (!WriteFile(file, text).ok()) _exit(1);
}

bool Told(const std::filesystem::path& file) { return std::filesystem::exists(file); }

TEST(ClaimTest, OneOfManyProcessesGetsAClaim) {
  constexpr int kProcesses = 5, kClaims = 40;
  const std::filesystem::path folder = FolderFor("claim_many");
  std::vector<std::string> names;
  for (int i = 0; i < kClaims; ++i) names.push_back(absl::StrCat("run=", i));
  std::vector<std::string> taken;
  {
    std::vector<std::unique_ptr<Other>> others;
    for (int p = 0; p < kProcesses; ++p) {
      others.push_back(std::make_unique<Other>([&] {
        Claims claims(folder / "claims", 1000);
        std::vector<Claim> held;
        std::string mine;
        for (const std::string& name : names) {
          std::optional<Claim> claim = TryTake(claims, name);
          if (!claim) continue;
          absl::StrAppend(&mine, mine.empty() ? "" : " ", name);
          held.push_back(*std::move(claim));
        }
        Tell(folder / absl::StrCat("told", p), mine);
        while (true) pause();
      }));
    }
    for (int p = 0; p < kProcesses; ++p) {
      const std::filesystem::path file = folder / absl::StrCat("told", p);
      ASSERT_TRUE(Eventually([&] { return Told(file); }));
      for (const auto& name : absl::StrSplit(ReadFile(file).value(), ' ', absl::SkipEmpty())) taken.emplace_back(name);
    }
  }
  EXPECT_THAT(taken, UnorderedElementsAreArray(names));
}

TEST(ClaimTest, IsFreeAgainOnceGivenBackFailedOrFinished) {
  const std::filesystem::path folder = FolderFor("claim_ends");
  Claims one(folder / "claims", 1000), other(folder / "claims", 1000);
  EXPECT_EQ(other.Look("a=1").value(), std::nullopt);
  {
    const std::optional<Claim> claim = TryTake(one, "a=1");
    ASSERT_TRUE(claim && claim->held());
    EXPECT_FALSE(IsFree(other, "a=1"));
    EXPECT_FALSE(IsFree(one, "a=1")) << "nor can its own worker take it twice";
    EXPECT_EQ(other.Look("a=1").value()->claim.process(), getpid());
  }
  EXPECT_TRUE(IsFree(other, "a=1")) << "it was given back when it was destroyed";
  std::optional<Claim> claim = TryTake(other, "a=1");
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->number(), 2);
  ASSERT_TRUE(claim->Fail("exit status 1").ok());
  const std::optional<SeenClaim> seen = one.Look("a=1").value();
  ASSERT_TRUE(seen && seen->is_free && seen->failed());
  EXPECT_EQ(seen->claim.reason(), "exit status 1");
  claim = one.Take("a=1", seen).value();
  ASSERT_TRUE(claim);
  ASSERT_TRUE(claim->Finish().ok());
  EXPECT_EQ(other.Look("a=1").value(), std::nullopt);
  EXPECT_TRUE(one.Names().empty());
}

TEST(ClaimTest, LastsAsLongAsItsWorkerLives) {
  const std::filesystem::path folder = FolderFor("claim_lasts");
  Claims one(folder / "claims", 4), other(folder / "claims", 4);
  const std::optional<Claim> claim = TryTake(one, "a=1");
  ASSERT_TRUE(claim);
  for (int i = 0; i < 60; ++i) {
    ASSERT_FALSE(IsFree(other, "a=1")) << i;
    Wait(0.1);
  }
  EXPECT_TRUE(claim->held());
}

TEST(ClaimTest, IsNotWonByAWorkerThatKnowsAnOldOneOnly) {
  const std::filesystem::path folder = FolderFor("claim_old");
  Claims one(folder / "claims", 1000), slow(folder / "claims", 1000);
  ASSERT_TRUE(TryTake(one, "a=1"));
  const std::optional<SeenClaim> old = slow.Look("a=1").value();
  ASSERT_TRUE(old && old->is_free && old->number == 1);
  ASSERT_TRUE(TryTake(one, "a=1"));
  EXPECT_FALSE(slow.Take("a=1", old).value()) << "number 2 was taken";
  ASSERT_TRUE(TryTake(one, "a=1"));
  const std::optional<Claim> newest = TryTake(one, "a=1");
  ASSERT_TRUE(newest);
  ASSERT_EQ(newest->number(), 4);
  ASSERT_FALSE(std::filesystem::exists(folder / "claims" / "a=1" / "2"));
  EXPECT_FALSE(slow.Take("a=1", old).value()) << "number 2 can be made again, but is not the newest";
  EXPECT_FALSE(std::filesystem::exists(folder / "claims" / "a=1" / "2"));
  EXPECT_TRUE(newest->held());
}

TEST(ClaimTest, OfAKilledWorkerOnTheSameMachineIsSoonFree) {
  const std::filesystem::path folder = FolderFor("claim_killed");
  const Other other([&] {
    Claims claims(folder / "claims", 1000);
    const std::optional<Claim> claim = TryTake(claims, "a=1");
    Tell(folder / "told", claim ? "taken" : "not");
    while (true) pause();
  });
  ASSERT_TRUE(Eventually([&] { return Told(folder / "told"); }));
  Claims claims(folder / "claims", 1000);
  EXPECT_FALSE(IsFree(claims, "a=1"));
  Wait(3);
  EXPECT_FALSE(IsFree(claims, "a=1"));
  other.Kill();
  EXPECT_TRUE(Eventually([&] { return IsFree(claims, "a=1"); }));
  EXPECT_TRUE(TryTake(claims, "a=1"));
}

// A worker that cannot be seen to be gone, as one on another machine.
TEST(ClaimTest, OfAWorkerThatStandsStillIsLostBeforeOthersTakeIt) {
  const std::filesystem::path folder = FolderFor("claim_suspended");
  constexpr double kLease = 5;
  const Other other([&] {
    Claims claims(folder / "claims", kLease);
    std::optional<Claim> claim = TryTake(claims, "a=1");
    if (!claim) _exit(1);
    Process process = Process::Start({"/bin/sh", "-c", "while :; do echo alive; sleep 0.05; done"}, folder / "log",
                                     &claim->deadline())
                          .value();
    Tell(folder / "told", "taken");
    while (claim->held()) Wait(0.05);
    while (!process.Ended()) Wait(0.05);
    Tell(folder / "lost", process.failure());
    // It must not disturb whoever has it by now.
    if (!claim->GiveBack().ok()) _exit(1);
    Tell(folder / "ended", IsFree(claims, "a=1") ? "free" : "held by another");
  });
  ASSERT_TRUE(Eventually([&] { return Told(folder / "told"); }));
  const auto log_size = [&] { return ReadFile(folder / "log").value_or("").size(); };
  Claims claims(folder / "claims", kLease);
  for (double waited = 0; waited < 1.5 * kLease; waited += 0.1) {
    ASSERT_FALSE(IsFree(claims, "a=1"));
    Wait(0.1);
  }
  ASSERT_GT(log_size(), 0);

  other.Stop();
  std::optional<Claim> mine;
  const auto since = std::chrono::steady_clock::now();
  EXPECT_TRUE(Eventually([&] {
    mine = TryTake(claims, "a=1");
    return mine.has_value();
  }));
  EXPECT_GE(std::chrono::steady_clock::now() - since, std::chrono::duration<double>(kLease * 0.7));
  // Its process was killed before, although the worker itself could do nothing.
  const size_t size = log_size();
  Wait(0.5);
  EXPECT_EQ(log_size(), size);
  EXPECT_FALSE(Told(folder / "lost"));

  other.Continue();
  ASSERT_TRUE(Eventually([&] { return Told(folder / "ended"); }));
  EXPECT_EQ(ReadFile(folder / "lost").value(), "killed by signal 9 (Killed)");
  EXPECT_EQ(ReadFile(folder / "ended").value(), "held by another");
  EXPECT_TRUE(mine->held());
  EXPECT_EQ(claims.Look("a=1").value()->claim.process(), getpid());
}

TEST(ClaimTest, SaysThatAFileIsNoClaim) {
  const std::filesystem::path folder = FolderFor("claim_damaged");
  ASSERT_TRUE(MakeDirectories(folder / "claims" / "a=1").ok());
  ASSERT_TRUE(WriteFile(folder / "claims" / "a=1" / "1", "nonsense").ok());
  Claims claims(folder / "claims", 1);
  EXPECT_FALSE(IsFree(claims, "a=1"));
  Wait(1.5);
  EXPECT_THAT(std::string(claims.Look("a=1").status().message()), HasSubstr("a=1/1 is not a claim; delete it"));
}

}  // namespace
}  // namespace ecg
