#include "ecg/file/pth.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/file/safetensors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/download/zip_file.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Made by tests/data/make_state_dict.py.
constexpr char kStateDict[] = "tests/data/state_dict.pth";

std::filesystem::path TestPath(const std::string& name) { return std::filesystem::path(testing::TempDir()) / name; }

template <typename T>
std::vector<double> As(absl::string_view bytes) {
  std::vector<T> numbers(bytes.size() / sizeof(T));
  if (!bytes.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return {numbers.begin(), numbers.end()};
}

std::vector<double> NumbersOf(const TensorBytes& tensor) {
  if (tensor.dtype == "F32") return As<float>(tensor.bytes);
  if (tensor.dtype == "F64") return As<double>(tensor.bytes);
  if (tensor.dtype == "I64") return As<int64_t>(tensor.bytes);
  if (tensor.dtype == "I32") return As<int32_t>(tensor.bytes);
  if (tensor.dtype == "I16") return As<int16_t>(tensor.bytes);
  if (tensor.dtype == "I8") return As<int8_t>(tensor.bytes);
  if (tensor.dtype == "U8" || tensor.dtype == "BOOL") return As<uint8_t>(tensor.bytes);
  // The two halves, none of whose numbers here is subnormal.
  const int mantissa_bits = tensor.dtype == "F16" ? 10 : 7;
  const int bias = tensor.dtype == "F16" ? 15 : 127;
  std::vector<double> numbers = As<uint16_t>(tensor.bytes);
  for (double& number : numbers) {
    const int bits = static_cast<int>(number), unit = 1 << mantissa_bits;
    number = std::ldexp(1 + static_cast<double>(bits % unit) / unit, bits / unit - bias);
  }
  return numbers;
}

TEST(PthFileTest, ReadsWhatPyTorchWrote) {
  const PthFile file = PthFile::Open(kStateDict).value();
  std::map<std::string, std::pair<std::string, std::vector<int64_t>>> expected = {
      {"conv.weight", {"F32", {3, 2, 5}}},
      {"conv.bias", {"F32", {3}}},
      {"bn.weight", {"F32", {3}}},
      {"bn.bias", {"F32", {3}}},
      {"bn.running_mean", {"F32", {3}}},
      {"bn.running_var", {"F32", {3}}},
      {"bn.num_batches_tracked", {"I64", {}}},
      {"fc.weight", {"F32", {2, 3}}},
      {"fc.bias", {"F32", {2}}},
      {"fc.transposed", {"F32", {4, 3}}},
      {"fc.column", {"F32", {4}}},
      {"fc.tied", {"F32", {2, 3}}},
      {"fc.repeated", {"F32", {2, 3}}},
      {"fc.empty", {"F32", {0, 3}}},
      {"fc.parameter", {"F32", {2}}},
      {"type.float64", {"F64", {3}}},
      {"type.float16", {"F16", {3}}},
      {"type.bfloat16", {"BF16", {3}}},
      {"type.int32", {"I32", {3}}},
      {"type.int16", {"I16", {3}}},
      {"type.int8", {"I8", {3}}},
      {"type.uint8", {"U8", {3}}},
      {"type.bool", {"BOOL", {2}}}};
  EXPECT_EQ(file.tensors().size(), expected.size());
  for (const auto& [name, tensor] : file.tensors()) {
    SCOPED_TRACE(name);
    EXPECT_EQ(tensor.dtype, expected[name].first);
    EXPECT_EQ(tensor.shape, expected[name].second);
    const double first = absl::StrContains(tensor.dtype, 'F') ? 0.25 : 0;
    std::vector<double> numbers(NumbersOf(tensor).size());
    for (size_t k = 0; k < numbers.size(); ++k) numbers[k] = first + (name == "fc.repeated" ? 0 : k);
    if (name == "fc.transposed") numbers = {0.25, 4.25, 8.25, 1.25, 5.25, 9.25, 2.25, 6.25, 10.25, 3.25, 7.25, 11.25};
    EXPECT_EQ(NumbersOf(tensor), numbers);
    size_t bytes = SafetensorsElementSize(tensor.dtype);
    for (const int64_t dimension : tensor.shape) bytes *= dimension;
    EXPECT_EQ(tensor.bytes.size(), bytes);
  }
}

// Parts of a pickle as Python writes them.
std::string Integer(int64_t value) {
  std::string bytes = "\x8a\x08";
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(value >> 8 * i));
  return bytes;
}
std::string Text(const std::string& text) { return absl::StrCat("\x8c", std::string(1, text.size()), text); }
std::string Tuple(const std::vector<std::string>& items) { return absl::StrCat("(", absl::StrJoin(items, ""), "t"); }
std::string Integers(const std::vector<int64_t>& values) {
  std::vector<std::string> items;
  for (const int64_t value : values) items.push_back(Integer(value));
  return Tuple(items);
}
std::string Dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string bytes = "}(";
  for (const auto& [name, value] : items) absl::StrAppend(&bytes, Text(name), value);
  return bytes + "u";
}

// Tensor pickles a float32 tensor of the storage data/0.
std::string Tensor(int64_t offset, const std::vector<int64_t>& size, const std::vector<int64_t>& stride,
                   const std::string& key = "0") {
  const std::string storage = Tuple({Text("storage"), "ctorch\nFloatStorage\n", Text(key), Text("cpu"), Integer(4)});
  return absl::StrCat("ctorch._utils\n_rebuild_tensor_v2\n",
                      Tuple({storage + "Q", Integer(offset), Integers(size), Integers(stride), "\x89", "}"}), "R");
}

// Open makes a file of `value` and a storage of the numbers 0, 1, 2, 3, and reads it.
absl::StatusOr<PthFile> Open(const std::string& value, const std::vector<ZipEntry>& more = {}) {
  const float numbers[] = {0, 1, 2, 3};
  std::vector<ZipEntry> entries = {{.name = "any/data.pkl", .bytes = "\x80\x02" + value + "."},
                                   {.name = "any/data/0", .bytes = {reinterpret_cast<const char*>(numbers), 16}}};
  entries.insert(entries.end(), more.begin(), more.end());
  MakeZip(TestPath("made.pth"), entries);
  return PthFile::Open(TestPath("made.pth"));
}

TEST(PthFileTest, PutsElementsInCOrder) {
  const auto numbers = [](const std::string& tensor) {
    return NumbersOf(Open(Dict({{"t", tensor}})).value().tensors().at("t"));
  };
  EXPECT_THAT(numbers(Tensor(0, {2, 2}, {2, 1})), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(numbers(Tensor(0, {2, 2}, {1, 2})), ElementsAre(0, 2, 1, 3));
  EXPECT_THAT(numbers(Tensor(1, {3}, {1})), ElementsAre(1, 2, 3));
  EXPECT_THAT(numbers(Tensor(1, {2}, {2})), ElementsAre(1, 3));
  EXPECT_THAT(numbers(Tensor(0, {2, 2, 2}, {1, 0, 2})), ElementsAre(0, 2, 0, 2, 1, 3, 1, 3));
  EXPECT_THAT(numbers(Tensor(3, {}, {})), ElementsAre(3));
  EXPECT_THAT(numbers(Tensor(2, {1, 2, 1}, {INT64_MAX, 1, 7})), ElementsAre(2, 3));  // a stride that no index uses
  EXPECT_THAT(numbers(Tensor(0, {0, int64_t{1} << 62, 4}, {2, 1, 1})), ElementsAre());
}

TEST(PthFileTest, FindsTheOneDictOfTensorsInATrainingScriptsDict) {
  const std::string model = Dict({{"weight", Tensor(0, {4}, {1})}});
  EXPECT_EQ(Open(Dict({{"epoch", "K\x03"}, {"model", model}})).value().tensors().count("weight"), 1u);
  EXPECT_THAT(Open(Dict({{"epoch", "K\x03"}, {"model", model}, {"best", model}})).status().message(),
              HasSubstr("no tensors: epoch, model, best. Save model.state_dict() alone"));
  EXPECT_THAT(Open(Dict({{"weight", Tensor(0, {4}, {1})}, {"epoch", "K\x03"}})).status().message(),
              HasSubstr("no tensors: epoch. "));
  EXPECT_THAT(Open("}").status().message(), HasSubstr("neither tensors by name"));
  EXPECT_THAT(Open(Tensor(0, {4}, {1})).status().message(), HasSubstr("it holds no dict"));
}

TEST(PthFileTest, ReadsTheStateDictOfALightningCheckpoint) {
  const std::string optimizer = Dict({{"state", Dict({{"exp_avg", Tensor(0, {4}, {1})}, {"step", "K\x03"}})},
                                      {"param_groups", "](}" + Text("lr") + "G" + std::string(8, '\0') + "se"}});
  const absl::StatusOr<PthFile> file =
      Open(Dict({{"epoch", "K\x03"},
                 {"pytorch-lightning_version", Text("2.1.0")},
                 {"state_dict", "ccollections\nOrderedDict\n)R(" + Text("model.weight") + Tensor(0, {4}, {1}) + "u"},
                 {"callbacks", Dict({{"ModelCheckpoint", Dict({{"best_model_path", Text("a.ckpt")}})}})},
                 {"optimizer_states", "](" + optimizer + "e"},
                 {"lr_schedulers", "]"},
                 {"hparams_name", "N"}}));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->tensors().count("model.weight"), 1u);
}

TEST(PthFileTest, RefusesTensorsThatTheirStorageDoesNotHold) {
  const auto error = [](const std::string& tensor) {
    return std::string(Open(Dict({{"t", tensor}})).status().message());
  };
  const int64_t huge = int64_t{1} << 62;
  EXPECT_THAT(error(Tensor(0, {5}, {1})), HasSubstr("tensor t: it reaches beyond the 4 elements of its storage 0"));
  EXPECT_THAT(error(Tensor(1, {2, 2}, {2, 1})), HasSubstr("beyond the 4 elements"));
  EXPECT_THAT(error(Tensor(INT64_MAX, {2}, {1})), HasSubstr("beyond the 4 elements"));
  EXPECT_THAT(error(Tensor(4, {}, {})), HasSubstr("beyond the 4 elements"));
  EXPECT_THAT(error(Tensor(0, {2, 2, 2}, {INT64_MAX, INT64_MAX, INT64_MAX})), HasSubstr("beyond the 4 elements"));
  EXPECT_THAT(error(Tensor(0, {huge, 4}, {0, 0})), HasSubstr("many times the bytes of the file"));
  EXPECT_THAT(error(Tensor(0, {1 << 20}, {0})), HasSubstr("many times the bytes of the file"));
  EXPECT_THAT(error(Tensor(-1, {1}, {1})), HasSubstr("does not have the form that PyTorch writes"));
  EXPECT_THAT(error(Tensor(-1, {}, {})), HasSubstr("does not have the form that PyTorch writes"));
  EXPECT_THAT(error(Tensor(0, {-1}, {1})), HasSubstr("does not have the form that PyTorch writes"));
  EXPECT_THAT(error(Tensor(3, {2}, {-1})), HasSubstr("does not have the form that PyTorch writes"));
  EXPECT_THAT(error(Tensor(0, {2}, {})), HasSubstr("does not have the form that PyTorch writes"));
  EXPECT_THAT(error(Tensor(0, {4}, {1}, "../1")), HasSubstr("entry any/data/../1 is missing"));
}

TEST(PthFileTest, RefusesOtherObjectsByName) {
  EXPECT_THAT(Open("cos\nsystem\n" + Tuple({Text("ls")}) + "R").status().message(),
              HasSubstr("save model.state_dict() alone: byte 2: the Python object os.system"));
  EXPECT_THAT(Open(Dict({{"t", "ctorch\nFloatStorage\n)R"}})).status().message(), HasSubstr("no tensors: t"));
}

TEST(PthFileTest, RefusesFilesThatAreDamagedOrOfAnotherForm) {
  const std::string whole = ReadFile(kStateDict).value();
  const auto error = [](const std::string& bytes) {
    EXPECT_TRUE(WriteFile(TestPath("bad.pth"), bytes).ok());
    return std::string(PthFile::Open(TestPath("bad.pth")).status().message());
  };
  for (size_t size = 0; size < whole.size(); size += 97) {
    EXPECT_THAT(error(whole.substr(0, size)), HasSubstr("it may be truncated")) << size;
  }
  std::string changed = whole;
  ++changed[whole.find("conv.weight")];
  EXPECT_THAT(error(changed), HasSubstr("state_dict/data.pkl is damaged"));
  EXPECT_THAT(error("\x80\x02\x8a\nl\xfc\x9c"), HasSubstr("PyTorch before 1.6"));

  const std::string good = Dict({{"t", Tensor(0, {4}, {1})}});
  EXPECT_TRUE(Open(good, {{.name = "any/byteorder", .bytes = "little"}}).ok());
  EXPECT_THAT(Open(good, {{.name = "any/byteorder", .bytes = "big"}}).status().message(), HasSubstr("byte order"));
  MakeZip(TestPath("other.zip"), {{.name = "any/notes.txt", .bytes = "?"}});
  EXPECT_THAT(PthFile::Open(TestPath("other.zip")).status().message(), HasSubstr("no entry FOLDER/data.pkl"));
  MakeZip(TestPath("deflated.pth"), {{.name = "any/data.pkl", .bytes = std::string(1 << 20, 'N'), .compressed = true}});
  EXPECT_THAT(PthFile::Open(TestPath("deflated.pth")).status().message(), HasSubstr("data.pkl is compressed"));
}

}  // namespace
}  // namespace ecg
