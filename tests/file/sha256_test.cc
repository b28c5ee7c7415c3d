#include "ecg/file/sha256.h"

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "ecg/file/file.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

// The digests of FIPS 180-4's examples.
constexpr char kOfNothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr char kOfAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr char kOfAMillionAs[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

TEST(Sha256Test, GivesThePublishedDigests) {
  EXPECT_EQ(Sha256().Hex(), kOfNothing);
  Sha256 abc;
  abc.Update("abc");
  EXPECT_EQ(abc.Hex(), kOfAbc);
}

TEST(Sha256Test, DoesNotDependOnHowTheBytesAreCut) {
  Sha256 digest;
  digest.Update(std::string(7, 'a'));
  digest.Update("");
  digest.Update(std::string(999'993, 'a'));
  EXPECT_EQ(digest.Hex(), kOfAMillionAs);
}

TEST(Sha256Test, ReadsAFile) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "as";
  ASSERT_TRUE(WriteFile(path, std::string(1'000'000, 'a')).ok());
  EXPECT_EQ(FileSha256(path).value(), kOfAMillionAs);
  ASSERT_TRUE(WriteFile(path, "").ok());
  EXPECT_EQ(FileSha256(path).value(), kOfNothing);
  EXPECT_TRUE(absl::IsNotFound(FileSha256(path.string() + ".missing").status()));
}

}  // namespace
}  // namespace ecg
