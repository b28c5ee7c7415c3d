// dicom_dataset.h
//
// The elements of a DICOM file (PS3.5, PS3.10), in the transfer syntaxes of objects that are no images: implicit,
// explicit, big endian and deflated.
//
//   ECG_ASSIGN_OR_RETURN(const DicomFile file, DicomFile::Parse(bytes));
//   file.dataset().Text(kDicomSopClassUid);  // "1.2.840.10008.5.1.4.1.1.9.1.1"
//   for (const DicomDataset& group : file.dataset().Items(DicomTag(0x5400, 0x0100))) ...
//
// A file that is cut short or damaged is parsed as far as it goes; error() then tells where it ends. Nothing in a file
// is trusted: sizes are compared with the bytes that are there, sequences may be nested 32 times, and what is deflated
// may grow 64 times. DCMTK is not used because damaged files crash and hang it.

#ifndef ECG_SIGNAL_DICOM_DATASET_H_
#define ECG_SIGNAL_DICOM_DATASET_H_

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "ecg/file/byte_reader.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// DicomTag is the number of an element.
constexpr uint32_t DicomTag(uint32_t group, uint32_t element) { return group << 16 | element; }

inline constexpr uint32_t kDicomTransferSyntaxUid = DicomTag(0x0002, 0x0010);
inline constexpr uint32_t kDicomSopClassUid = DicomTag(0x0008, 0x0016);

class DicomDataset;

// DicomElement is one value of a data set, or the items of a sequence.
struct DicomElement {
  // vr is the value representation, such as "DS"; "" in an implicit data set.
  std::string vr;
  absl::string_view value;
  std::vector<DicomDataset> items;
};

// DicomDataset is a set of elements. It points into the bytes that it was parsed of.
class DicomDataset {
 public:
  explicit DicomDataset(std::endian order = std::endian::little) : order_(order) {}

  // order returns the byte order of numbers.
  std::endian order() const { return order_; }

  // Find returns an element, or nothing.
  const DicomElement* Find(uint32_t tag) const {
    const auto found = elements_.find(tag);
    return found == elements_.end() ? nullptr : &found->second;
  }
  // Value returns the bytes of an element, or none.
  absl::string_view Value(uint32_t tag) const {
    const DicomElement* element = Find(tag);
    return element == nullptr ? absl::string_view() : element->value;
  }
  // Text returns a text, without what fills it up; "" when there is none.
  std::string Text(uint32_t tag) const { return FixedText(Value(tag)); }
  // Number returns a number that is stored as text, the first if there are several.
  std::optional<double> Number(uint32_t tag) const {
    const std::string text = Text(tag);
    double number = 0;
    if (!absl::SimpleAtod(text.substr(0, text.find('\\')), &number) || !std::isfinite(number)) return std::nullopt;
    return number;
  }
  // Whole returns a number of 16 or 32 bits; 0 when there is none.
  uint32_t Whole(uint32_t tag) const {
    ByteReader reader(Value(tag), order_);
    if (reader.left() >= 4) return reader.Read<uint32_t>();
    return reader.Read<uint16_t>();
  }
  // Items returns the items of a sequence; none when it is not there.
  const std::vector<DicomDataset>& Items(uint32_t tag) const {
    static const std::vector<DicomDataset> none;
    const DicomElement* element = Find(tag);
    return element == nullptr ? none : element->items;
  }

  // Add adds an element unless it is there already.
  void Add(uint32_t tag, DicomElement element) { elements_.emplace(tag, std::move(element)); }

 private:
  std::endian order_;
  std::map<uint32_t, DicomElement> elements_;
};

namespace dicom_internal {

constexpr uint32_t kItem = DicomTag(0xFFFE, 0xE000);
constexpr uint32_t kItemEnd = DicomTag(0xFFFE, 0xE00D);
constexpr uint32_t kSequenceEnd = DicomTag(0xFFFE, 0xE0DD);
constexpr uint32_t kUndefined = 0xFFFFFFFF;
constexpr int kMostLevels = 32;

// IsWanted tells whether elements of a group are kept: identification, patient, acquisition, waveforms.
constexpr bool IsWanted(uint32_t tag) {
  for (const uint32_t group : {0x0002, 0x0008, 0x0010, 0x0018, 0x003A, 0x5400}) {
    if (tag >> 16 == group) return true;
  }
  return false;
}

// IsSequence tells whether an element is a sequence of those that describe waveforms; an implicit data set does not
// say.
constexpr bool IsSequence(uint32_t tag) {
  return tag == DicomTag(0x5400, 0x0100) || tag == DicomTag(0x003A, 0x0200) || tag == DicomTag(0x003A, 0x0208) ||
         tag == DicomTag(0x003A, 0x0209) || tag == DicomTag(0x003A, 0x0211);
}

// Parser parses data sets. The first error ends it.
class Parser {
 public:
  // The bytes that Parser gets are those of a file from byte `first` on, for messages.
  Parser(std::endian order, bool is_explicit, const char* begin, size_t first)
      : order_(order), is_explicit_(is_explicit), begin_(begin), first_(first) {}

  const std::string& error() const { return error_; }

  // Parse returns the elements in `*bytes`, up to an end mark or, if `only_group` is not 0, another group, and removes
  // them.
  DicomDataset Parse(absl::string_view* bytes, int level, uint32_t only_group = 0) {
    DicomDataset dataset(order_);
    while (error_.empty() && !bytes->empty()) {
      if (bytes->size() < 8) {
        if (bytes->find_first_not_of('\0') != absl::string_view::npos) Fail(bytes->data(), "an element is cut short");
        *bytes = {};
        break;
      }
      const uint32_t tag = Tag(bytes->data());
      if (only_group != 0 && tag >> 16 != only_group) break;
      if (tag == 0) {  // zeros that fill the file up
        *bytes = {};
        break;
      }
      if (tag == kItemEnd || tag == kSequenceEnd) {
        if (tag == kItemEnd) bytes->remove_prefix(8);
        break;
      }
      DicomElement element = ParseElement(tag, bytes, level);
      if (IsWanted(tag)) dataset.Add(tag, std::move(element));
    }
    return dataset;
  }

 private:
  void Fail(const char* at, absl::string_view what) {
    if (error_.empty()) error_ = absl::StrCat("byte ", first_ + (at - begin_), ": ", what);
  }

  uint32_t Tag(const char* at) const {
    return DicomTag(LoadNumber<uint16_t>(at, order_), LoadNumber<uint16_t>(at + 2, order_));
  }

  // ParseElement parses the element at the front of `*bytes`, which has at least 8 bytes.
  DicomElement ParseElement(uint32_t tag, absl::string_view* bytes, int level) {
    const char* at = bytes->data();
    DicomElement element;
    uint32_t size = 0;
    if (!is_explicit_ || tag >> 16 == 0xFFFE) {
      size = LoadNumber<uint32_t>(at + 4, order_);
      bytes->remove_prefix(8);
    } else {
      element.vr = std::string(at + 4, 2);
      if (!absl::ascii_isupper(element.vr[0]) || !absl::ascii_isupper(element.vr[1])) {
        Fail(at, absl::StrFormat("element (%04X,%04X) has no value representation", tag >> 16, tag & 0xFFFF));
        return element;
      }
      constexpr absl::string_view kLong = "OB OD OF OL OV OW SQ SV UC UN UR UT UV";
      const bool is_long = absl::StrContains(kLong, element.vr);
      if (is_long && bytes->size() < 12) {
        Fail(at, "an element is cut short");
        return element;
      }
      size = is_long ? LoadNumber<uint32_t>(at + 8, order_) : LoadNumber<uint16_t>(at + 6, order_);
      bytes->remove_prefix(is_long ? 12 : 8);
    }
    const bool is_undefined = size == kUndefined;
    const uint32_t stated = size;
    if (!is_undefined) size = static_cast<uint32_t>(std::min<size_t>(size, bytes->size()));
    if (is_undefined || element.vr == "SQ" || (element.vr.empty() && IsSequence(tag))) {
      absl::string_view content = is_undefined ? *bytes : bytes->substr(0, size);
      // An unknown element of undefined size is an implicit sequence; so is one whose representation was lost.
      const bool was_explicit = is_explicit_;
      if (element.vr == "UN") is_explicit_ = false;
      const bool is_fragments = element.vr == "OB" || element.vr == "OW";
      element.items = ParseItems(&content, level + 1, is_fragments);
      is_explicit_ = was_explicit;
      bytes->remove_prefix(is_undefined ? bytes->size() - content.size() : size);
    } else {
      element.value = bytes->substr(0, size);
      bytes->remove_prefix(size);
    }
    if (!is_undefined && stated > size) {  // after what is inside, so that as much as possible is read
      Fail(at, absl::StrFormat("element (%04X,%04X) has %u bytes, of which %u are there", tag >> 16, tag & 0xFFFF,
                               stated, size));
    }
    return element;
  }

  // ParseItems parses the items in `*bytes`, up to the end mark of the sequence, and removes them.
  std::vector<DicomDataset> ParseItems(absl::string_view* bytes, int level, bool is_fragments) {
    std::vector<DicomDataset> items;
    if (level > kMostLevels) Fail(bytes->data(), "sequences are nested too deeply");
    while (error_.empty() && !bytes->empty()) {
      const char* at = bytes->data();
      const uint32_t tag = bytes->size() < 8 ? 0 : Tag(at);
      if (tag == kSequenceEnd) {
        bytes->remove_prefix(8);
        break;
      }
      if (tag != kItem) {
        Fail(at, "an item of a sequence expected");
        break;
      }
      const uint32_t size = LoadNumber<uint32_t>(at + 4, order_);
      bytes->remove_prefix(8);
      const size_t there = std::min<size_t>(size, bytes->size());
      if (is_fragments) {
        bytes->remove_prefix(there);
      } else if (size == kUndefined) {
        items.push_back(Parse(bytes, level));
      } else {
        absl::string_view content = bytes->substr(0, there);
        items.push_back(Parse(&content, level));
        bytes->remove_prefix(there);
        if (size > there) Fail(at, absl::StrCat("an item has ", size, " bytes, of which ", there, " are there"));
      }
    }
    return items;
  }

  std::endian order_;
  bool is_explicit_;
  const char* begin_;
  size_t first_;
  std::string error_;
};

// Inflate returns what a raw deflate stream holds, as far as it goes.
inline std::string Inflate(absl::string_view compressed, std::string* error) {
  struct Stream : z_stream {
    Stream() : z_stream() {}
    ~Stream() { inflateEnd(this); }
  } stream;
  const size_t most = 64 * compressed.size() + (size_t{1} << 24);
  std::string bytes;
  int code = inflateInit2(&stream, -MAX_WBITS);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::vector<char> piece(1 << 16);
  while (code == Z_OK && bytes.size() <= most) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    code = inflate(&stream, Z_NO_FLUSH);
    bytes.append(piece.data(), piece.size() - stream.avail_out);
  }
  if (code == Z_OK) *error = absl::StrCat("the deflated data set takes more than ", most, " bytes");
  if (code != Z_OK && code != Z_STREAM_END) *error = "the deflated data set is cut short or damaged";
  return bytes;
}

}  // namespace dicom_internal

// DicomFile is a file's data set.
class DicomFile {
 public:
  // Recognises tells whether `bytes` are a DICOM file: by DICM at byte 128 or, where that is left out, by an element of
  // group 2 or 8 at the start, and a UID of DICOM's soon behind it.
  static bool Recognises(absl::string_view bytes) {
    if (bytes.size() >= kPreambleBytes + 4 && bytes.substr(kPreambleBytes, 4) == "DICM") return true;
    if (bytes.size() < 16) return false;
    const bool is_little = (bytes[0] == 8 || bytes[0] == 2) && bytes[1] == 0;
    const bool is_big = bytes[0] == 0 && (bytes[1] == 8 || bytes[1] == 2);
    return (is_little || is_big) && absl::StrContains(bytes.substr(0, 1024), "1.2.840.10008.");
  }

  // Parse parses a file. `bytes` must live as long as what it returns.
  static absl::StatusOr<DicomFile> Parse(absl::string_view bytes) {
    using dicom_internal::Parser;
    if (!Recognises(bytes)) return absl::DataLossError("not a DICOM file: no DICM at byte 128");
    DicomFile file;
    const char* begin = bytes.data();
    if (bytes.substr(std::min(kPreambleBytes, bytes.size()), 4) == "DICM") bytes.remove_prefix(kPreambleBytes + 4);
    Parser head_parser(std::endian::little, true, begin, 0);
    std::string syntax;
    if (!bytes.empty() && bytes[0] == 2) {
      syntax = head_parser.Parse(&bytes, 0, 2).Text(kDicomTransferSyntaxUid);
      if (!head_parser.error().empty()) {
        return absl::DataLossError(absl::StrCat(head_parser.error(), "; the file is cut short or damaged"));
      }
    }
    std::endian order = std::endian::little;
    bool is_explicit = true;
    if (syntax == "1.2.840.10008.1.2") {
      is_explicit = false;
    } else if (syntax == "1.2.840.10008.1.2.2") {
      order = std::endian::big;
    } else if (!absl::StartsWith(syntax, "1.2.840.10008.1.2.")) {  // not stated, or private
      if (bytes.size() < 8) return absl::DataLossError("no data set behind the head; the file is cut short");
      if (bytes[0] == 0) order = std::endian::big;
      is_explicit = absl::ascii_isupper(bytes[4]) && absl::ascii_isupper(bytes[5]);
    }
    if (syntax == "1.2.840.10008.1.2.1.99") {
      file.inflated_ = std::make_unique<std::string>(dicom_internal::Inflate(bytes, &file.error_));
      bytes = *file.inflated_;
      begin = bytes.data();
    }
    Parser parser(order, is_explicit, begin, 0);
    file.dataset_ = parser.Parse(&bytes, 0);
    if (file.error_.empty()) file.error_ = parser.error();
    return file;
  }

  const DicomDataset& dataset() const { return dataset_; }
  // error tells where and why the data set ends early; "" when it does not.
  const std::string& error() const { return error_; }

 private:
  static constexpr size_t kPreambleBytes = 128;

  std::unique_ptr<std::string> inflated_;  // what the elements of a deflated data set point into
  DicomDataset dataset_;
  std::string error_;
};

}  // namespace ecg

#endif  // ECG_SIGNAL_DICOM_DATASET_H_
