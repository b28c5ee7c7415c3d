// pth.h
//
// The weights of a network in the file that PyTorch's torch.save(model.state_dict(), "net.pth") writes: a zip archive
// with a pickle, which names and shapes the tensors, and their elements beside it. Nothing in it is executed or
// trusted.
//
//   ECG_ASSIGN_OR_RETURN(const PthFile file, PthFile::Open("net.pth"));
//   const TensorBytes& weight = file.tensors().at("backbone.conv1.weight");
//
// The form is that of torch/serialization.py and torch/_utils.py, PyTorch 1.6 to 2.6.

#ifndef ECG_FILE_PTH_H_
#define ECG_FILE_PTH_H_

#include <zip.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/file/mapped_file.h"
#include "ecg/file/pickle.h"
#include "ecg/file/safetensors.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// PthFile holds the tensors of a file. They stay valid until it is destroyed.
class PthFile {
 public:
  // Open reads the state dict in `path`: a dict of tensors by name, or a dict that holds exactly one such dict, as
  // training scripts write ({"model": ..., "epoch": 3}). Tensors that are not in C order in the file are put in it.
  static absl::StatusOr<PthFile> Open(const std::filesystem::path& path) {
    PthFile file;
    if (absl::Status status = file.Read(path); !status.ok()) {
      return WithContext(
          status, absl::StrCat("cannot read ", path.string(), " as what torch.save(model.state_dict(), PATH) writes"));
    }
    return file;
  }

  const std::map<std::string, TensorBytes>& tensors() const { return tensors_; }

 private:
  using Kind = PickledValue::Kind;

  // The Python functions that a pickle of tensors calls, and the types of elements as safetensors spells them.
  static constexpr char kRebuildTensor[] = "torch._utils._rebuild_tensor_v2";
  static constexpr char kRebuildParameter[] = "torch._utils._rebuild_parameter";
  static constexpr std::pair<const char*, const char*> kStorages[] = {
      {"torch.FloatStorage", "F32"},     {"torch.DoubleStorage", "F64"}, {"torch.HalfStorage", "F16"},
      {"torch.BFloat16Storage", "BF16"}, {"torch.LongStorage", "I64"},   {"torch.IntStorage", "I32"},
      {"torch.ShortStorage", "I16"},     {"torch.CharStorage", "I8"},    {"torch.ByteStorage", "U8"},
      {"torch.BoolStorage", "BOOL"}};

  // Archive reads the entries of the zip archive, which are stored uncompressed: all together are not longer than it.
  class Archive {
   public:
    absl::Status Open(const std::filesystem::path& path) {
      ECG_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
      size_ = file.bytes().size();
      if (absl::StartsWith(file.bytes(), "\x80")) {
        return absl::UnimplementedError(
            "it is a bare pickle, as PyTorch before 1.6 wrote. Read and save it once more with a newer PyTorch: "
            "torch.save(torch.load(PATH), PATH)");
      }
      int code = 0;
      zip_.reset(zip_open(path.c_str(), ZIP_RDONLY, &code));
      if (zip_ == nullptr) {
        zip_error_t error;
        zip_error_init_with_code(&error, code);
        const std::string why = zip_error_strerror(&error);
        zip_error_fini(&error);
        return absl::DataLossError(absl::StrCat("it is no whole zip archive (", why, "); it may be truncated"));
      }
      // All entries lie in one folder, whose name is any.
      for (zip_int64_t index = 0; index < zip_get_num_entries(zip_.get(), 0); ++index) {
        const char* name = zip_get_name(zip_.get(), index, ZIP_FL_ENC_RAW);
        absl::string_view folder = name == nullptr ? "" : name;
        if (absl::ConsumeSuffix(&folder, "/data.pkl") && !absl::StrContains(folder, '/')) {
          folder_ = absl::StrCat(folder, "/");
          return absl::OkStatus();
        }
      }
      return absl::InvalidArgumentError("the zip archive has no entry FOLDER/data.pkl");
    }

    bool Has(const std::string& name) const { return Find(name) >= 0; }

    // Read returns the bytes of the entry `name` in the archive's folder.
    absl::StatusOr<std::string> Read(const std::string& name) {
      const auto damaged = [&](const auto&... what) {
        return absl::DataLossError(absl::StrCat("the zip archive's entry ", folder_, name, " ", what...));
      };
      const zip_int64_t index = Find(name);
      if (index < 0) return damaged("is missing");
      zip_stat_t stat;
      if (zip_stat_index(zip_.get(), index, 0, &stat) != 0 || (stat.valid & ZIP_STAT_SIZE) == 0 ||
          (stat.valid & ZIP_STAT_COMP_METHOD) == 0) {
        return damaged("cannot be read (", zip_strerror(zip_.get()), ")");
      }
      if (stat.comp_method != ZIP_CM_STORE) return damaged("is compressed; PyTorch stores entries as they are");
      if (stat.size > size_ - read_) return damaged("should have ", stat.size, " bytes, more than there are");
      read_ += stat.size;

      const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen_index(zip_.get(), index, 0), zip_fclose);
      if (file == nullptr) return damaged("cannot be read (", zip_strerror(zip_.get()), ")");
      std::string bytes(stat.size, '\0');
      size_t end = 0;
      zip_int64_t got;
      while ((got = zip_fread(file.get(), bytes.data() + end, bytes.size() - end)) > 0) end += got;
      char beyond;  // the checksum is compared when the end is met
      if (got < 0 || zip_fread(file.get(), &beyond, 1) < 0) {
        return damaged("is damaged (", zip_file_strerror(file.get()), ")");
      }
      if (end != bytes.size()) return damaged("should have ", stat.size, " bytes, found ", end);
      return bytes;
    }

    uint64_t size() const { return size_; }

   private:
    zip_int64_t Find(const std::string& name) const {
      return zip_name_locate(zip_.get(), absl::StrCat(folder_, name).c_str(), ZIP_FL_ENC_RAW);
    }

    std::unique_ptr<zip_t, void (*)(zip_t*)> zip_{nullptr, zip_discard};
    std::string folder_;
    uint64_t size_ = 0, read_ = 0;
  };

  absl::Status Read(const std::filesystem::path& path) {
    Archive archive;
    ECG_RETURN_IF_ERROR(archive.Open(path));
    if (archive.Has("byteorder")) {
      ECG_ASSIGN_OR_RETURN(const std::string order, archive.Read("byteorder"));
      if (order != "little") {
        return absl::UnimplementedError("its byte order is not little. Save it on a little-endian machine");
      }
    }
    ECG_ASSIGN_OR_RETURN(const std::string bytes, archive.Read("data.pkl"));
    constexpr size_t kMost = 16 << 20;  // enough for a hundred thousand tensors
    if (bytes.size() > kMost) {
      return absl::ResourceExhaustedError(
          absl::StrCat("its pickle has ", bytes.size(), " bytes; expected at most ", kMost));
    }
    std::vector<absl::string_view> globals = {"collections.OrderedDict", kRebuildTensor, kRebuildParameter};
    for (const auto& [storage, dtype] : kStorages) globals.push_back(storage);
    absl::StatusOr<Pickle> pickle = Pickle::Parse(bytes, globals);
    if (!pickle.ok()) {
      return WithContext(pickle.status(),
                         "its pickle has other values than tensors by name; save model.state_dict() alone");
    }
    ECG_ASSIGN_OR_RETURN(const PickledValue* state, FindState(pickle->top()));
    room_ = 8 * archive.size();  // tensors may share elements, but a small file must not fill the memory
    for (size_t i = 0; i < state->items.size(); i += 2) {
      const std::string& name = state->items[i]->text;
      ECG_RETURN_IF_ERROR(WithContext(Rebuild(name, *state->items[i + 1], archive), absl::StrCat("tensor ", name)));
    }
    return absl::OkStatus();
  }

  static bool IsTensor(const PickledValue& value) {
    return value.kind == Kind::kCall &&
           (value.items[0]->text == kRebuildTensor || value.items[0]->text == kRebuildParameter);
  }

  // IsState says whether `value` is a dict of tensors by name.
  static bool IsState(const PickledValue& value) {
    if (value.kind != Kind::kDict || value.items.empty()) return false;
    for (size_t i = 0; i < value.items.size(); i += 2) {
      if (value.items[i]->kind != Kind::kText || !IsTensor(*value.items[i + 1])) return false;
    }
    return true;
  }

  // FindState returns `top` if that is a dict of tensors, or else the one such dict in it.
  static absl::StatusOr<const PickledValue*> FindState(const PickledValue& top) {
    if (IsState(top)) return &top;
    if (top.kind != Kind::kDict) return absl::InvalidArgumentError("it holds no dict. Save model.state_dict()");
    std::vector<const PickledValue*> states;
    std::vector<std::string> others;
    for (size_t i = 0; i < top.items.size(); i += 2) {
      const PickledValue &key = *top.items[i], &value = *top.items[i + 1];
      if (IsState(value)) states.push_back(&value);
      if (!IsTensor(value)) others.push_back(key.kind == Kind::kText ? key.text : absl::StrCat(key.integer));
    }
    if (states.size() == 1) return states[0];
    constexpr size_t kNamed = 10;
    if (others.size() > kNamed) others.resize(kNamed), others.push_back("...");
    return absl::InvalidArgumentError(
        absl::StrCat("it holds neither tensors by name nor exactly one dict of them",
                     others.empty() ? "" : absl::StrCat("; no tensors: ", absl::StrJoin(others, ", ")),
                     ". Save model.state_dict() alone"));
  }

  // Rebuild makes the tensor `name` from the call that would rebuild it in Python:
  //   _rebuild_parameter(tensor, requires_grad, hooks)
  //   _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks), offset and stride in elements
  // with the storage as persistent id ("storage", type, name of its entry, device, elements).
  absl::Status Rebuild(const std::string& name, const PickledValue& value, Archive& archive) {
    const PickledValue* call = &value;
    if (call->items[0]->text == kRebuildParameter && !call->items[1]->items.empty()) call = call->items[1]->items[0];
    absl::Status malformed = absl::InvalidArgumentError("its pickle does not have the form that PyTorch writes");
    if (call->kind != Kind::kCall || call->items[0]->text != kRebuildTensor) return malformed;
    const std::vector<PickledValue*>& arguments = call->items[1]->items;
    if (arguments.size() < 4 || arguments[0]->kind != Kind::kPersistent || arguments[1]->kind != Kind::kInteger ||
        arguments[1]->integer < 0 || arguments[2]->kind != Kind::kTuple || arguments[3]->kind != Kind::kTuple) {
      return malformed;
    }
    const std::vector<PickledValue*>& storage = arguments[0]->items[0]->items;
    const std::vector<PickledValue*>&size = arguments[2]->items, &stride = arguments[3]->items;
    constexpr size_t kMostDimensions = 64;  // as in PyTorch
    if (storage.size() != 5 || storage[1]->kind != Kind::kGlobal || storage[2]->kind != Kind::kText ||
        size.size() != stride.size() || size.size() > kMostDimensions) {
      return malformed;
    }
    TensorBytes tensor;
    for (const auto& [global, dtype] : kStorages) {
      if (storage[1]->text == global) tensor.dtype = dtype;
    }
    if (tensor.dtype.empty()) return malformed;
    const int64_t element = SafetensorsElementSize(tensor.dtype);

    const auto [entry, is_new] = storages_.try_emplace(storage[2]->text);
    if (is_new) {
      ECG_ASSIGN_OR_RETURN(entry->second, archive.Read(absl::StrCat("data/", entry->first)));
    }
    const std::string& bytes = entry->second;

    // Sums and products of what the file says have room in 128 bits, as long as they stop growing when too large.
    const int64_t offset = arguments[1]->integer, available = bytes.size() / element;
    __int128 byte_count = element, last = offset;
    std::vector<int64_t> strides;
    for (size_t d = 0; d < size.size(); ++d) {
      if (size[d]->kind != Kind::kInteger || stride[d]->kind != Kind::kInteger) return malformed;
      const int64_t elements = size[d]->integer, step = stride[d]->integer;
      if (elements < 0 || step < 0) return malformed;
      tensor.shape.push_back(elements);
      strides.push_back(elements > 1 ? step : 0);
      byte_count *= elements;
      if (byte_count > room_) {
        return absl::ResourceExhaustedError(
            "it would take many times the bytes of the file, because its elements overlap. Save tensor.contiguous()");
      }
      if (elements > 1) last = std::min<__int128>(last + __int128{elements - 1} * step, available);
    }
    room_ -= static_cast<int64_t>(byte_count);
    if (byte_count > 0) {
      if (last >= available) {
        return absl::DataLossError(absl::StrCat("it reaches beyond the ", available, " elements of its storage ",
                                                entry->first, "; the file may be damaged"));
      }
      tensor.bytes = IsInCOrder(tensor.shape, strides)
                         ? absl::string_view(bytes).substr(offset * element, byte_count)
                         : copies_.emplace_back(InCOrder(bytes, element, offset, tensor.shape, strides));
    }
    tensors_.insert_or_assign(name, std::move(tensor));
    return absl::OkStatus();
  }

  static bool IsInCOrder(const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
    int64_t dense = 1;
    for (size_t d = shape.size(); d-- > 0;) {
      if (shape[d] > 1 && strides[d] != dense) return false;
      dense *= shape[d];
    }
    return true;
  }

  // InCOrder returns the elements of a tensor that has some, each of `element` bytes, with the last index fastest.
  static std::string InCOrder(absl::string_view storage, int64_t element, int64_t offset,
                              const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
    std::string bytes;
    std::vector<int64_t> index(shape.size());
    for (size_t d = shape.size(); d > 0;) {
      bytes.append(storage.data() + offset * element, element);
      for (d = shape.size(); d > 0; --d) {  // the next index; there is none when all digits carry
        offset += strides[d - 1];
        if (++index[d - 1] < shape[d - 1]) break;
        offset -= strides[d - 1] * shape[d - 1];
        index[d - 1] = 0;
      }
    }
    return bytes;
  }

  std::map<std::string, TensorBytes> tensors_;
  std::map<std::string, std::string> storages_;  // by the name of their entry
  std::list<std::string> copies_;                // of tensors that are not in C order in their storage
  int64_t room_ = 0;                             // bytes that tensors may still take
};

}  // namespace ecg

#endif  // ECG_FILE_PTH_H_
