#include "ecg/file/bus_error.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ecg/file/file.h"
#include "ecg/file/mapped_file.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

std::filesystem::path TestPath(const std::string& name) { return std::filesystem::path(testing::TempDir()) / name; }

// MakeFile makes a file of four pages.
std::filesystem::path MakeFile(const std::string& name) {
  EXPECT_TRUE(WriteFile(TestPath(name), std::string(4 * sysconf(_SC_PAGESIZE), 'x')).ok());
  return TestPath(name);
}

// Sum reads all of `file`.
int Sum(const MappedFile& file) {
  int sum = 0;
  for (const char byte : file.bytes()) sum += byte;
  return sum;
}

TEST(BusErrorDeathTest, AFileThatShrinksEndsTheProgramWithAMessageThatNamesIt) {
  const auto read_what_is_cut = [] {
    const MappedFile other = MappedFile::Open(MakeFile("other")).value();
    MappedFile opened = MappedFile::Open(MakeFile("shrinks")).value();
    const MappedFile file = std::move(opened);
    std::filesystem::resize_file(TestPath("shrinks"), sysconf(_SC_PAGESIZE));
    std::printf("%d", Sum(other) + Sum(file));
  };
  EXPECT_EXIT(read_what_is_cut(), testing::ExitedWithCode(1),
              "error: cannot read .*/shrinks any more: the file has become shorter, or its disk has failed");
}

TEST(BusErrorDeathTest, AFileThatShrinksUnderAnotherThreadIsNamedAsWell) {
  const auto read_what_is_cut = [] {
    const MappedFile file = MappedFile::Open(MakeFile("under a thread")).value();
    std::filesystem::resize_file(TestPath("under a thread"), 0);
    std::thread([&] { std::printf("%d", Sum(file)); }).join();
  };
  EXPECT_EXIT(read_what_is_cut(), testing::ExitedWithCode(1), "cannot read .*/under a thread any more");
}

TEST(BusErrorDeathTest, OtherBusErrorsKillTheProgramAsBefore) {
  const auto read_unwatched = [] {
    MappedFile::Open(MakeFile("closed")).value();  // installs the handler, and is closed again
    const std::filesystem::path path = MakeFile("unwatched");
    FILE* file = std::fopen(path.c_str(), "r");
    const auto* bytes = static_cast<const char*>(mmap(nullptr, 1, PROT_READ, MAP_SHARED, fileno(file), 0));
    std::filesystem::resize_file(path, 0);
    std::printf("%d", bytes[0]);
  };
  EXPECT_EXIT(read_unwatched(), testing::KilledBySignal(SIGBUS), "");
  const auto be_sent_the_signal = [] {
    const MappedFile file = MappedFile::Open(MakeFile("sent")).value();
    kill(getpid(), SIGBUS);
  };
  EXPECT_EXIT(be_sent_the_signal(), testing::KilledBySignal(SIGBUS), "");
}

TEST(BusErrorDeathTest, AHandlerThatWasThereBeforeIsCalledForOtherBusErrors) {
  const auto be_sent_the_signal = [] {
    signal(SIGBUS, [](int) { _exit(7); });
    const MappedFile file = MappedFile::Open(MakeFile("handled")).value();
    kill(getpid(), SIGBUS);
  };
  EXPECT_EXIT(be_sent_the_signal(), testing::ExitedWithCode(7), "");
}

TEST(BusErrorTest, RangesAreReusedOnceTheirFilesAreClosed) {
  char bytes[2];
  MappedRange* const first = BusErrors::Watch(bytes, 1, "a");
  MappedRange* const second = BusErrors::Watch(bytes + 1, 1, std::string(5000, 'b'));
  EXPECT_NE(first, second);
  EXPECT_EQ(std::string(second->path), std::string(sizeof second->path - 1, 'b'));
  BusErrors::Unwatch(first);
  EXPECT_EQ(BusErrors::Watch(bytes, 1, "c"), first);
  EXPECT_EQ(std::string(first->path), "c");
  BusErrors::Unwatch(first);
  BusErrors::Unwatch(second);
}

}  // namespace
}  // namespace ecg
