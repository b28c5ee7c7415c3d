#include "ecg/file/path.h"

#include <cstdlib>

#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(UserPathTest, ResolvesARelativePathAgainstTheUsersFolder) {
  setenv("BUILD_WORKING_DIRECTORY", "/home/ada/project", 1);
  EXPECT_EQ(UserPath("data/ptbxl"), "/home/ada/project/data/ptbxl");
  EXPECT_EQ(UserPath("/data/ptbxl"), "/data/ptbxl");
  EXPECT_EQ(UserPath(""), "");
  unsetenv("BUILD_WORKING_DIRECTORY");
  EXPECT_EQ(UserPath("data/ptbxl"), "data/ptbxl");
}

TEST(UserPathTest, ExpandsATilde) {
  setenv("BUILD_WORKING_DIRECTORY", "/home/ada/project", 1);
  setenv("HOME", "/home/ada", 1);
  EXPECT_EQ(UserPath("~/data"), "/home/ada/data");
  EXPECT_EQ(UserPath("~data"), "/home/ada/project/~data");
  EXPECT_EQ(UserPath("./~/data"), "/home/ada/project/./~/data");
}

TEST(CacheDirectoryTest, IsTheChosenOneIfThereIsOne) {
  setenv("HOME", "/home/ada", 1);
  EXPECT_EQ(CacheDirectory("/scratch"), "/scratch");
  EXPECT_EQ(CacheDirectory("~/scratch"), "/home/ada/scratch");
  EXPECT_EQ(CacheDirectory(""), CacheDirectory());
}

TEST(CacheDirectoryTest, FollowsTheEnvironment) {
  setenv("HOME", "/home/ada", 1);
  setenv("XDG_CACHE_HOME", "/var/cache/ada", 1);
  EXPECT_EQ(CacheDirectory(), "/var/cache/ada/ecg");
  setenv("XDG_CACHE_HOME", "not/absolute", 1);
  EXPECT_EQ(CacheDirectory(), "/home/ada/.cache/ecg");
  setenv("XDG_CACHE_HOME", "", 1);
  EXPECT_EQ(CacheDirectory(), "/home/ada/.cache/ecg");
  unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(CacheDirectory(), "/home/ada/.cache/ecg");
  unsetenv("HOME");
  EXPECT_TRUE(CacheDirectory().is_absolute());
}

}  // namespace
}  // namespace ecg
