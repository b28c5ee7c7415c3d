#include "ecg/terminal/progress.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(WithThousandsTest, GroupsTheDigits) {
  EXPECT_EQ(WithThousands(0), "0");
  EXPECT_EQ(WithThousands(999), "999");
  EXPECT_EQ(WithThousands(21837), "21,837");
  EXPECT_EQ(WithThousands(1234567), "1,234,567");
  EXPECT_EQ(WithThousands(-123), "-123");
  EXPECT_EQ(WithThousands(-1234), "-1,234");
}

TEST(ProgressTest, ShowsTheShareTheRateAndTheTimeLeft) {
  Progress progress("packing", 20'000, "records");
  progress.Advance(5'000, "loss 12.3");
  EXPECT_EQ(progress.Line(10),
            "packing  [======>                 ]  25%  5,000/20,000 records  500/s  30 s left  loss 12.3");
  EXPECT_THAT(progress.Line(1000), HasSubstr("50 min left"));
  EXPECT_THAT(progress.Line(10000), HasSubstr("8.3 h left"));
}

TEST(ProgressTest, StartsWithoutARateAndEndsWithoutTimeLeft) {
  Progress progress("packing", 2, "records");
  EXPECT_EQ(progress.Line(0), "packing  [>                       ]   0%  0/2 records  0/s");
  progress.Advance();
  progress.Advance();
  EXPECT_EQ(progress.Line(2), "packing  [========================] 100%  2/2 records  1/s");
}

TEST(ProgressTest, WritesBytesAsMegabytes) {
  Progress progress("downloading", 1'800'000'000, "bytes");
  progress.Advance(2'500'000);
  EXPECT_EQ(progress.Line(1), "downloading  [>                       ]   0%  2.5 MB/1800 MB  2.5 MB/s  12 min left");
}

TEST(ProgressTest, CountsWhatWasDoneBeforeInTheBarButNotInTheRate) {
  Progress progress("downloading", 100, "files", 50);
  EXPECT_EQ(progress.Line(1), "downloading  [============>           ]  50%  50/100 files  0/s");
  progress.Advance(10);
  EXPECT_EQ(progress.Line(10), "downloading  [==============>         ]  60%  60/100 files  1/s  40 s left");
}

TEST(ProgressTest, AcceptsAWrongTotal) {
  Progress nothing("packing", 0, "records");
  nothing.Advance(3);
  EXPECT_THAT(nothing.Line(1), HasSubstr("] 100%  3/1 records"));
  EXPECT_THAT(nothing.Line(1), Not(HasSubstr("left")));
}

TEST(ProgressTest, CountsFromSeveralThreads) {
  Progress progress("packing", 40'000, "records");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&progress] {
      for (int record = 0; record < 10'000; ++record) progress.Advance();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(progress.Line(1), HasSubstr("40,000/40,000 records"));
}

TEST(ProgressTest, PrintsNothingWhereThereIsNoTerminal) {
  testing::internal::CaptureStderr();
  {
    Progress progress("packing", 2, "records");
    progress.Advance();
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(ProgressTest, FitsTheLineOfATerminalAndClearsItAtTheEnd) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) GTEST_SKIP() << "no pseudo-terminal here";
  const int other_end = open(ptsname(terminal), O_RDWR | O_NOCTTY);
  ASSERT_GE(other_end, 0);
  const winsize narrow{.ws_row = 24, .ws_col = 40, .ws_xpixel = 0, .ws_ypixel = 0};
  ASSERT_EQ(ioctl(other_end, TIOCSWINSZ, &narrow), 0);

  const int stderr_before = dup(STDERR_FILENO);
  dup2(other_end, STDERR_FILENO);
  {
    Progress progress("packing", 20'000, "records");
    progress.Advance(5'000);
  }
  dup2(stderr_before, STDERR_FILENO);
  close(stderr_before);

  // The terminal may hand the bytes over in several pieces.
  const std::string expected = "\r\033[Kpacking  [======>                 ]  25\r\033[K";
  std::string drawn;
  pollfd readable{.fd = terminal, .events = POLLIN, .revents = 0};
  while (drawn.size() < expected.size() && poll(&readable, 1, 5000) > 0) {
    char bytes[1000];
    const ssize_t count = read(terminal, bytes, sizeof bytes);
    if (count <= 0) break;
    drawn.append(bytes, count);
  }
  close(other_end);
  close(terminal);
  EXPECT_EQ(drawn, expected);
}

}  // namespace
}  // namespace ecg
