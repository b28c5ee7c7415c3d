// mat.h
//
// Matrices of numbers in MATLAB files of version 4 to 7.2. CPSC 2018 has a structure ECG with the fields sex, age and
// data, of version 5:
//
//   ECG_ASSIGN_OR_RETURN(MatMatrix data, ReadMatField("A0001.mat", "ECG", "data"));
//   data.at(lead, sample);  // mV
//
//   ECG_ASSIGN_OR_RETURN(MatMatrix val, ReadMatMatrix("E00001.mat", "val"));
//
// A file that is not compressed has no checksum, so nothing in it is trusted: every size is compared with the bytes
// that are there before it is used. Memory is at most eight times the file's (or its uncompressed elements') size.
//
// Format: https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf

#ifndef ECG_SIGNAL_MAT_H_
#define ECG_SIGNAL_MAT_H_

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// MatMatrix is a matrix of numbers.
struct MatMatrix {
  int rows = 0;
  int columns = 0;
  // values holds the columns one after the other, as MATLAB does.
  std::vector<double> values;

  // at returns one number.
  double at(int row, int column) const { return values[static_cast<size_t>(column) * rows + row]; }
};

// MatVersion is the layout of a MATLAB file.
enum class MatVersion {
  kNone,  // not a MATLAB file
  k4,     // matrices, each behind a header of 20 bytes
  k5,     // MATLAB 5 to 7.2: tagged elements behind a header of 128 bytes, compressed or not
  k73,    // MATLAB 7.3: an HDF5 file, which is not read
};

namespace mat_internal {

static_assert(std::endian::native == std::endian::little, "MATLAB files are read on little-endian machines");

// The types of an element, and the classes of an array, by the format's own numbers.
enum Type : uint32_t {
  kInt8 = 1,
  kUint8 = 2,
  kInt16 = 3,
  kUint16 = 4,
  kInt32 = 5,
  kUint32 = 6,
  kSingle = 7,
  kDouble = 9,
  kInt64 = 12,
  kUint64 = 13,
  kMatrix = 14,
  kCompressed = 15,
  kUtf8 = 16,
};
enum Class : uint32_t { kStructClass = 2, kDoubleClass = 6, kSingleClass = 7, kUint64Class = 15, kOpaqueClass = 17 };

constexpr size_t kHeaderBytes = 128;
// The most that a compressed element may take when it is inflated: 90 minutes of 12 leads at 500 Hz, as double.
constexpr size_t kMostBytes = size_t{1} << 28;

// Load returns the number at `bytes`, from the other byte order when `swapped`.
template <typename Number>
Number Load(const char* bytes, bool swapped) {
  std::array<char, sizeof(Number)> raw;
  std::memcpy(raw.data(), bytes, sizeof(Number));
  if (swapped) std::reverse(raw.begin(), raw.end());
  return std::bit_cast<Number>(raw);
}

// VisitType returns visit(int8_t{}) and so on for an element type of numbers, and visit(nullptr) for any other.
template <typename Visitor>
auto VisitType(uint32_t type, Visitor visit) {
  switch (type) {
    case kInt8:
      return visit(int8_t{});
    case kUint8:
      return visit(uint8_t{});
    case kInt16:
      return visit(int16_t{});
    case kUint16:
      return visit(uint16_t{});
    case kInt32:
      return visit(int32_t{});
    case kUint32:
      return visit(uint32_t{});
    case kSingle:
      return visit(float{});
    case kDouble:
      return visit(double{});
    case kInt64:
      return visit(int64_t{});
    case kUint64:
      return visit(uint64_t{});
    default:
      return visit(nullptr);
  }
}

// NumberBytes returns the size of a number of an element type, or 0 when it is not one of numbers.
inline size_t NumberBytes(uint32_t type) {
  return VisitType(type,
                   [](auto number) { return std::is_null_pointer_v<decltype(number)> ? size_t{0} : sizeof(number); });
}

// Holds tells whether numbers of the array class `array_class` may be stored as `type`. MATLAB stores whole numbers in
// the narrowest type that holds them, never in one that its class cannot represent; a file that does is damaged.
inline bool Holds(uint32_t array_class, uint32_t type) {
  constexpr std::array<Type, 10> kStorageOf = {kDouble, kSingle, kInt8,   kUint8, kInt16,
                                               kUint16, kInt32,  kUint32, kInt64, kUint64};  // of classes 6 to 15
  if (array_class < kDoubleClass || array_class > kUint64Class || NumberBytes(type) == 0) return false;
  const Type own = kStorageOf[array_class - kDoubleClass];
  if (type == own) return true;
  const bool is_integer = type != kSingle && type != kDouble;
  return (is_integer || own == kDouble) && NumberBytes(type) < NumberBytes(own) + (own == kSingle);
}

// Numbers returns `count` numbers of `type` that lie at `bytes`.
inline std::vector<double> Numbers(absl::string_view bytes, uint32_t type, size_t count, bool swapped) {
  std::vector<double> values(count);
  VisitType(type, [&](auto number) {
    if constexpr (!std::is_null_pointer_v<decltype(number)>) {
      const char* next = bytes.data();
      for (double& value : values) {
        value = static_cast<double>(Load<decltype(number)>(next, swapped));
        next += sizeof(number);
      }
    }
  });
  return values;
}

// Element is one tagged piece of a version 5 file.
struct Element {
  uint32_t type = 0;
  absl::string_view data;
};

// Elements cuts a run of elements into pieces.
class Elements {
 public:
  // Elements reads `bytes`, the first of which is byte `first` of `where`, for messages.
  Elements(absl::string_view bytes, bool swapped, std::string where, size_t first = 0)
      : rest_(bytes), swapped_(swapped), where_(std::move(where)), position_(first) {}
  Elements() = default;

  bool done() const { return rest_.empty(); }
  bool swapped() const { return swapped_; }

  // Error returns an error about the element that comes next.
  template <typename... What>
  absl::Status Error(const What&... what) const {
    return absl::DataLossError(absl::StrCat("byte ", position_, where_, ": ", what...));
  }

  // Next returns the next element, whose bytes are all there.
  absl::StatusOr<Element> Next() {
    constexpr size_t kTagBytes = 8;
    if (rest_.size() < kTagBytes) {
      return Error("an element expected, ", rest_.size(), " bytes found; the file is cut short or damaged");
    }
    Element element = {.type = Load<uint32_t>(rest_.data(), swapped_), .data = {}};
    size_t size = element.type >> 16;  // not 0: a small element, whose data are in its tag
    size_t step = kTagBytes;
    if (size != 0) {
      element.type &= 0xffff;
      if (size > 4) return Error("a small element of ", size, " bytes, at most 4 expected; the file is damaged");
      element.data = rest_.substr(4, size);
    } else {
      size = Load<uint32_t>(rest_.data() + 4, swapped_);
      if (size > rest_.size() - kTagBytes) {
        return Error("an element of ", size, " bytes, of which ", rest_.size() - kTagBytes,
                     " are there; the file is cut short or damaged");
      }
      element.data = rest_.substr(kTagBytes, size);
      step += element.type == kCompressed ? size : (size + 7) / 8 * 8;
    }
    step = std::min(step, rest_.size());  // some writers leave out the last padding
    rest_.remove_prefix(step);
    position_ += step;
    return element;
  }

  // NextOf returns the next element, which must be of `type`.
  absl::StatusOr<absl::string_view> NextOf(uint32_t type, absl::string_view what) {
    const Elements before = *this;
    ECG_ASSIGN_OR_RETURN(const Element element, Next());
    if (element.type == type) return element.data;
    return before.Error(what, " (element type ", type, ") expected, type ", element.type, " found; ",
                        "the file is damaged");
  }

  // Inside returns the elements inside `element`, which Next has returned last.
  Elements Inside(const Element& element) const {
    return Elements(element.data, swapped_, where_, position_ - rest_before(element));
  }

  const std::string& where() const { return where_; }

 private:
  // How far the data of `element` lie before the present position.
  size_t rest_before(const Element& element) const { return rest_.data() - element.data.data(); }

  absl::string_view rest_;
  bool swapped_ = false;
  std::string where_;
  size_t position_ = 0;
};

// Inflate returns the element that is compressed in `compressed`, its tag included.
inline absl::StatusOr<std::string> Inflate(absl::string_view compressed, bool swapped) {
  struct Stream : z_stream {
    Stream() : z_stream() {}
    ~Stream() { inflateEnd(this); }
  } stream;
  if (inflateInit(&stream) != Z_OK) return absl::InternalError("cannot start zlib");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::string element;
  std::vector<char> piece(1 << 16);
  int code = Z_OK;
  while (code == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    code = inflate(&stream, Z_NO_FLUSH);
    element.append(piece.data(), piece.size() - stream.avail_out);
    // The element states its size, which bounds what a small file can make of memory.
    if (element.size() < 8) continue;
    const size_t stated = Load<uint32_t>(element.data() + 4, swapped);
    if (stated > kMostBytes) {
      return absl::DataLossError(absl::StrCat("a compressed element of ", stated, " bytes, at most ", kMostBytes,
                                              " expected; the file is damaged"));
    }
    if (element.size() > 8 + (stated + 7) / 8 * 8) {
      return absl::DataLossError(
          absl::StrCat("a compressed element states ", stated, " bytes and holds more; the file is damaged"));
    }
  }
  if (code == Z_STREAM_END) return element;
  const char* reason = stream.msg != nullptr ? stream.msg : "they end too early";
  return absl::DataLossError(absl::StrCat("the compressed data are damaged (", reason, "); fetch the file again"));
}

// Array is the head of a matrix element: what all classes of arrays have.
struct Array {
  uint32_t array_class = kDoubleClass;
  bool is_complex = false;
  std::vector<int32_t> dims = {0, 0};
  std::string name;
  Elements rest;  // what follows the head
};

inline absl::StatusOr<Array> ReadArray(Elements elements) {
  Array array;
  if (elements.done()) return array;  // an empty matrix has no head
  const Elements begin = elements;
  ECG_ASSIGN_OR_RETURN(const absl::string_view flags, elements.NextOf(kUint32, "the flags of an array"));
  if (flags.size() != 8) return begin.Error(flags.size(), " bytes of array flags, 8 expected; the file is damaged");
  const uint32_t word = Load<uint32_t>(flags.data(), elements.swapped());
  array.array_class = word & 0xff;
  array.is_complex = (word & 0x800) != 0;
  if (array.array_class == kOpaqueClass) return array;  // an object of MATLAB's own, with another layout
  const Elements before_dims = elements;
  ECG_ASSIGN_OR_RETURN(const Element dims, elements.Next());
  if (dims.type != kInt32 && dims.type != kUint32) {  // some writers take the latter
    return before_dims.Error("the dimensions of an array expected, element type ", dims.type,
                             " found; the file is damaged");
  }
  array.dims.clear();
  for (size_t at = 0; at + 4 <= dims.data.size(); at += 4) {
    array.dims.push_back(Load<int32_t>(dims.data.data() + at, elements.swapped()));
  }
  if (dims.data.size() % 4 != 0 || array.dims.size() < 2 ||
      *std::min_element(array.dims.begin(), array.dims.end()) < 0) {
    return before_dims.Error("the dimensions of an array are ", absl::StrJoin(array.dims, " x "),
                             "; the file is damaged");
  }
  const Elements before_name = elements;
  ECG_ASSIGN_OR_RETURN(const Element name, elements.Next());
  if (name.type != kInt8 && name.type != kUint8 && name.type != kUtf8) {
    return before_name.Error("the name of an array expected, element type ", name.type, " found; the file is damaged");
  }
  array.name = std::string(name.data.substr(0, name.data.find('\0')));
  array.rest = elements;
  return array;
}

// ToMatrix returns the numbers of `array`; messages call it `name`.
inline absl::StatusOr<MatMatrix> ToMatrix(Array array, absl::string_view name) {
  const auto error = [&](const auto&... what) { return absl::DataLossError(absl::StrCat(name, what...)); };
  if (array.array_class < kDoubleClass || array.array_class > kUint64Class || array.is_complex ||
      array.dims.size() != 2) {
    return error(" is not a matrix of real numbers (", array.is_complex ? "complex, " : "", "array class ",
                 array.array_class, ", ", array.dims.size(), " dimensions)");
  }
  MatMatrix matrix = {.rows = array.dims[0], .columns = array.dims[1], .values = {}};
  const uint64_t count = static_cast<uint64_t>(matrix.rows) * static_cast<uint64_t>(matrix.columns);
  if (count == 0) return matrix;
  ECG_ASSIGN_OR_RETURN(const Element numbers, array.rest.Next());
  const size_t bytes = NumberBytes(numbers.type);
  if (!Holds(array.array_class, numbers.type)) {
    return error(": numbers of array class ", array.array_class, " are stored as element type ", numbers.type,
                 "; the file is damaged");
  }
  if (numbers.data.size() != count * bytes) {
    return error(" states ", matrix.rows, " x ", matrix.columns, " numbers, ", count * bytes, " bytes; ",
                 numbers.data.size(), " found; the file is damaged");
  }
  if (!array.rest.done()) return error(" has more behind its numbers; the file is damaged");
  matrix.values = Numbers(numbers.data, numbers.type, count, array.rest.swapped());
  return matrix;
}

// ToField returns the field `field` of the structure `array`.
inline absl::StatusOr<MatMatrix> ToField(Array array, absl::string_view field) {
  if (array.array_class != kStructClass) {
    return absl::DataLossError(absl::StrCat(array.name, " is not a structure (array class ", array.array_class, ")"));
  }
  if (!std::all_of(array.dims.begin(), array.dims.end(), [](int32_t size) { return size == 1; })) {
    return absl::DataLossError(
        absl::StrCat(array.name, " is an array of ", absl::StrJoin(array.dims, " x "), " structures, one expected"));
  }
  Elements& elements = array.rest;
  const Elements before = elements;
  ECG_ASSIGN_OR_RETURN(const absl::string_view length, elements.NextOf(kInt32, "the length of the field names"));
  ECG_ASSIGN_OR_RETURN(const absl::string_view names, elements.NextOf(kInt8, "the field names"));
  const int32_t bytes = length.size() == 4 ? Load<int32_t>(length.data(), elements.swapped()) : 0;
  if (bytes < 1 || names.size() % bytes != 0) {
    return before.Error("field names of ", bytes, " bytes each in ", names.size(), " bytes; the file is damaged");
  }
  std::vector<std::string> fields;
  std::optional<MatMatrix> found;
  for (size_t at = 0; at < names.size(); at += bytes) {
    const absl::string_view padded = names.substr(at, bytes);
    fields.emplace_back(padded.substr(0, padded.find('\0')));
    const Elements before_field = elements;
    ECG_ASSIGN_OR_RETURN(const Element element, elements.Next());
    if (element.type != kMatrix) {
      return before_field.Error("the field ", fields.back(), " expected, element type ", element.type,
                                " found; the file is damaged");
    }
    if (fields.back() != field) continue;
    ECG_ASSIGN_OR_RETURN(Array value, ReadArray(elements.Inside(element)));
    ECG_ASSIGN_OR_RETURN(found, ToMatrix(std::move(value), absl::StrCat(array.name, ".", field)));
  }
  if (!elements.done()) return elements.Error("more behind the fields of ", array.name, "; the file is damaged");
  if (found) return *std::move(found);
  return absl::DataLossError(
      absl::StrCat(array.name, " has no field ", field, "; its fields are ", absl::StrJoin(fields, ", ")));
}

inline absl::Status NoVariable(absl::string_view variable, const std::vector<std::string>& variables) {
  return absl::DataLossError(absl::StrCat("no variable ", variable, "; the variables are ",
                                          variables.empty() ? "none" : absl::StrJoin(variables, ", ")));
}

// Parse5 returns use(array) for the variable `variable` of a version 5 file. All other variables are checked, too, so
// that a file that is cut short is noticed.
template <typename Use>
absl::StatusOr<MatMatrix> Parse5(absl::string_view bytes, absl::string_view variable, Use use) {
  const bool swapped = bytes.substr(kHeaderBytes - 2, 2) == "MI";
  Elements elements(bytes.substr(kHeaderBytes), swapped, "", kHeaderBytes);
  std::vector<std::string> variables;
  std::optional<MatMatrix> found;
  while (!elements.done()) {
    const Elements before = elements;
    ECG_ASSIGN_OR_RETURN(Element element, elements.Next());
    Elements inside = elements.Inside(element);
    std::string inflated;
    if (element.type == kCompressed) {
      absl::StatusOr<std::string> result = Inflate(element.data, swapped);
      if (!result.ok()) return before.Error(result.status().message());
      inflated = *std::move(result);
      Elements only(inflated, swapped, " of the uncompressed element");
      ECG_ASSIGN_OR_RETURN(element, only.Next());
      inside = only.Inside(element);
    }
    if (element.type != kMatrix) {
      return before.Error("a variable expected, element type ", element.type, " found; the file is damaged");
    }
    ECG_ASSIGN_OR_RETURN(Array array, ReadArray(inside));
    variables.push_back(array.name);
    if (array.name != variable) continue;
    if (std::count(variables.begin(), variables.end(), array.name) > 1) {
      return before.Error("a second variable ", variable, "; the file is damaged");
    }
    ECG_ASSIGN_OR_RETURN(found, use(std::move(array)));
  }
  if (!found) return NoVariable(variable, variables);
  return *std::move(found);
}

// Head4 is what stands before each matrix of a version 4 file.
struct Head4 {
  static constexpr size_t kBytes = 20;

  bool swapped = false;
  uint32_t type = 0;  // of the numbers, as in version 5
  bool is_text_or_sparse = false;
  int32_t rows = 0;
  int32_t columns = 0;
  bool is_complex = false;
  int32_t name_bytes = 0;

  // values_at returns where the numbers start, counted from the head.
  size_t values_at() const { return kBytes + name_bytes; }
  // bytes returns the size of the matrix with its head.
  uint64_t bytes() const {
    return values_at() + (is_complex ? 2 : 1) * NumberBytes(type) * static_cast<uint64_t>(rows) * columns;
  }
};

// ParseHead4 returns the head at the start of `bytes`, if there is one with a matrix that fits.
inline absl::StatusOr<Head4> ParseHead4(absl::string_view bytes) {
  constexpr std::array<Type, 6> kTypes = {kDouble, kSingle, kInt32, kInt16, kUint16, kUint8};
  const absl::Status none = absl::DataLossError("not a matrix of a MATLAB version 4 file");
  if (bytes.size() < Head4::kBytes) return none;
  Head4 head;
  // The number MOPT: M is the byte order (0 little, 1 big), P the type of the numbers, T the kind of matrix.
  uint32_t mopt = Load<uint32_t>(bytes.data(), false);
  if (mopt > 9999) mopt = Load<uint32_t>(bytes.data(), head.swapped = true);
  const auto number = [&](size_t index) { return Load<int32_t>(bytes.data() + 4 * index, head.swapped); };
  const uint32_t type = mopt / 10 % 10, kind = mopt % 10;
  if (mopt / 1000 != (head.swapped ? 1u : 0u) || mopt / 100 % 10 != 0 || type >= kTypes.size() || kind > 2) return none;
  head.type = kTypes[type];
  head.is_text_or_sparse = kind != 0;
  head.rows = number(1), head.columns = number(2), head.name_bytes = number(4);
  head.is_complex = number(3) == 1;
  if (head.rows < 0 || head.columns < 0 || head.name_bytes < 1 || (number(3) != 0 && number(3) != 1)) return none;
  // The number of elements comes first: the number of bytes could overflow.
  const uint64_t count = static_cast<uint64_t>(head.rows) * static_cast<uint64_t>(head.columns);
  if (count > bytes.size() || head.bytes() > bytes.size()) return none;
  return head;
}

inline absl::StatusOr<MatMatrix> Parse4(absl::string_view bytes, absl::string_view variable) {
  std::vector<std::string> variables;
  std::optional<MatMatrix> found;
  for (size_t at = 0; at < bytes.size();) {
    const absl::string_view rest = bytes.substr(at);
    const absl::StatusOr<Head4> head = ParseHead4(rest);
    if (!head.ok()) {
      return absl::DataLossError(absl::StrCat("byte ", at, ": a matrix of MATLAB version 4 expected, that fits into ",
                                              rest.size(), " bytes; the file is cut short or damaged"));
    }
    const absl::string_view padded = rest.substr(Head4::kBytes, head->name_bytes);
    variables.emplace_back(padded.substr(0, padded.find('\0')));
    at += head->bytes();
    if (variables.back() != variable) continue;
    if (head->is_text_or_sparse || head->is_complex) {
      return absl::DataLossError(absl::StrCat(variable, " is not a full matrix of real numbers"));
    }
    MatMatrix matrix = {.rows = head->rows, .columns = head->columns, .values = {}};
    const size_t count = static_cast<size_t>(matrix.rows) * matrix.columns;
    matrix.values = Numbers(rest.substr(head->values_at()), head->type, count, head->swapped);
    found = std::move(matrix);
  }
  if (!found) return NoVariable(variable, variables);
  return *std::move(found);
}

}  // namespace mat_internal

// MatVersionOf tells which MATLAB file `bytes` are.
inline MatVersion MatVersionOf(absl::string_view bytes) {
  using mat_internal::kHeaderBytes;
  constexpr absl::string_view kHdf5 = "\x89HDF\r\n\x1a\n";
  if (absl::StartsWith(bytes, "MATLAB 7.3") || absl::StartsWith(bytes, kHdf5)) return MatVersion::k73;
  if (bytes.size() >= kHeaderBytes) {
    // Version 1.0 in the file's own byte order, then "MI", which reads "IM" from a little-endian file.
    const absl::string_view mark = bytes.substr(kHeaderBytes - 4, 4);
    if (mark == absl::string_view("\x00\x02IM", 4)) return MatVersion::k73;
    if (mark == absl::string_view("\x00\x01IM", 4) || mark == absl::string_view("\x01\x00MI", 4)) return MatVersion::k5;
  }
  if (absl::StartsWith(bytes, "MATLAB 5")) return MatVersion::k5;
  return mat_internal::ParseHead4(bytes).ok() ? MatVersion::k4 : MatVersion::kNone;
}

namespace mat_internal {

// CheckVersion returns an error for a file that cannot be read whatever it holds.
inline absl::StatusOr<MatVersion> CheckVersion(absl::string_view bytes) {
  const MatVersion version = MatVersionOf(bytes);
  if (version == MatVersion::k73) {
    return absl::UnimplementedError(
        "the file is of MATLAB version 7.3 (HDF5), which is not supported; save it as version 7: save(file, '-v7')");
  }
  if (version == MatVersion::kNone) {
    return absl::DataLossError(absl::StrCat("no MATLAB file of version 4 or 5: ", bytes.size(),
                                            " bytes, without the header of either; save it as MATLAB version 7 or "
                                            "earlier"));
  }
  if (version == MatVersion::k5 && (bytes.size() < kHeaderBytes || (bytes.substr(kHeaderBytes - 2, 2) != "IM" &&
                                                                    bytes.substr(kHeaderBytes - 2, 2) != "MI"))) {
    return absl::DataLossError("the 128 bytes of the header of a MATLAB version 5 file are cut short or damaged");
  }
  return version;
}

}  // namespace mat_internal

// ParseMatField returns the field `field` of the structure `variable` in a MATLAB file with the content `bytes`: a
// matrix of real numbers of any class. The numbers are those of the file, integers of 64 bits rounded to double. An
// error is a message without the name of the file.
inline absl::StatusOr<MatMatrix> ParseMatField(absl::string_view bytes, absl::string_view variable,
                                               absl::string_view field) {
  ECG_ASSIGN_OR_RETURN(const MatVersion version, mat_internal::CheckVersion(bytes));
  if (version == MatVersion::k4) {
    return absl::DataLossError("the file is of MATLAB version 4, which has no structures; version 5 expected");
  }
  return mat_internal::Parse5(
      bytes, variable, [&](mat_internal::Array array) { return mat_internal::ToField(std::move(array), field); });
}

// ParseMatMatrix returns the matrix `variable`, as ParseMatField does.
inline absl::StatusOr<MatMatrix> ParseMatMatrix(absl::string_view bytes, absl::string_view variable) {
  ECG_ASSIGN_OR_RETURN(const MatVersion version, mat_internal::CheckVersion(bytes));
  if (version == MatVersion::k4) return mat_internal::Parse4(bytes, variable);
  return mat_internal::Parse5(
      bytes, variable, [&](mat_internal::Array array) { return mat_internal::ToMatrix(std::move(array), variable); });
}

// ReadMatField reads the field `field` of the structure `variable` in the file `path`, as ParseMatField does. May be
// called from several threads.
inline absl::StatusOr<MatMatrix> ReadMatField(const std::filesystem::path& path, absl::string_view variable,
                                              absl::string_view field) {
  ECG_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  absl::StatusOr<MatMatrix> matrix = ParseMatField(bytes, variable, field);
  if (!matrix.ok()) return WithContext(matrix.status(), path.string());
  return matrix;
}

// ReadMatMatrix reads the matrix `variable` in the file `path`, as ParseMatMatrix does.
inline absl::StatusOr<MatMatrix> ReadMatMatrix(const std::filesystem::path& path, absl::string_view variable) {
  ECG_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  absl::StatusOr<MatMatrix> matrix = ParseMatMatrix(bytes, variable);
  if (!matrix.ok()) return WithContext(matrix.status(), path.string());
  return matrix;
}

}  // namespace ecg

#endif  // ECG_SIGNAL_MAT_H_
