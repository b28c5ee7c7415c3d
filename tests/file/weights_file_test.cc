#include "ecg/file/weights_file.h"

#include <filesystem>
#include <map>
#include <string>

#include "ecg/file/file.h"
#include "ecg/file/safetensors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

std::filesystem::path TestPath(const std::string& name) { return std::filesystem::path(testing::TempDir()) / name; }

TEST(WeightsFileTest, DetectsTheKindFromTheContent) {
  const WeightsFile pth = WeightsFile::Open("tests/data/state_dict.pth").value();
  EXPECT_THAT(pth.metadata(), IsEmpty());
  ASSERT_TRUE(WriteSafetensors(TestPath("misnamed.pth"), pth.tensors(), {{"name", "test"}}).ok());
  const WeightsFile safetensors = WeightsFile::Open(TestPath("misnamed.pth")).value();
  EXPECT_THAT(safetensors.metadata(), ElementsAre(Pair("name", "test")));
  ASSERT_EQ(safetensors.tensors().size(), pth.tensors().size());
  for (const auto& [name, tensor] : pth.tensors()) {
    const TensorBytes& same = safetensors.tensors().at(name);
    EXPECT_EQ(same.dtype, tensor.dtype) << name;
    EXPECT_EQ(same.shape, tensor.shape) << name;
    EXPECT_EQ(same.bytes, tensor.bytes) << name;
  }
}

TEST(WeightsFileTest, RefusesOtherFiles) {
  ASSERT_TRUE(WriteFile(TestPath("text"), "These are no weights at all.").ok());
  EXPECT_THAT(WeightsFile::Open(TestPath("text")).status().message(), HasSubstr("neither as safetensors nor"));
  ASSERT_TRUE(WriteFile(TestPath("empty"), "").ok());
  EXPECT_THAT(WeightsFile::Open(TestPath("empty")).status().message(), HasSubstr("neither as safetensors nor"));
  EXPECT_THAT(WeightsFile::Open(TestPath("absent")).status().message(), HasSubstr("absent"));
}

}  // namespace
}  // namespace ecg
