// scp_huffman.h
//
// The Huffman codes of SCP-ECG (EN 1064, annex C), with the default table or with tables of the file.
//
//   ECG_ASSIGN_OR_RETURN(const ScpHuffman huffman, ScpHuffman::Parse(section_2));
//   ECG_ASSIGN_OR_RETURN(std::vector<int32_t> values, huffman.Decode(bytes, 5000));
//
// A code is a prefix, which may be followed by bits of a signed number. Bits are read from the most significant bit of
// a byte on.

#ifndef ECG_SIGNAL_SCP_HUFFMAN_H_
#define ECG_SIGNAL_SCP_HUFFMAN_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/file/byte_reader.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// ScpHuffman decodes the samples of a lead.
class ScpHuffman {
 public:
  // kDefaultTable stands in place of the number of tables where the file uses the default table.
  static constexpr int kDefaultTable = 19999;

  // Parse reads the content of section 2. Without tables, samples are numbers of 16 bits.
  static absl::StatusOr<ScpHuffman> Parse(absl::string_view section) {
    ByteReader reader(section);
    const int tables = reader.Read<uint16_t>();
    if (!reader.ok()) return absl::DataLossError("the number of Huffman tables expected, the section is empty");
    ScpHuffman huffman;
    if (tables == kDefaultTable) {
      huffman.tables_.push_back(DefaultTable());
      return huffman;
    }
    for (int i = 0; i < tables; ++i) {
      ECG_ASSIGN_OR_RETURN(Table table, ParseTable(i + 1, &reader));
      huffman.tables_.push_back(std::move(table));
    }
    return huffman;
  }

  // compresses tells whether there are tables.
  bool compresses() const { return !tables_.empty(); }

  // Decode returns the numbers in `bytes`, at most `most`: bytes end with up to 15 bits that are no number. Fewer are
  // returned when the bytes end before.
  absl::StatusOr<std::vector<int32_t>> Decode(absl::string_view bytes, size_t most) const {
    std::vector<int32_t> values;
    if (!compresses()) {
      most = std::min(most, bytes.size() / 2);
      values.reserve(most);
      for (ByteReader reader(bytes); values.size() < most;) values.push_back(reader.Read<int16_t>());
      return values;
    }
    Bits bits(bytes);
    const Table* table = &tables_.front();
    while (values.size() < most) {
      const size_t start = bits.position();
      const Code* code = Match(*table, &bits);
      if (code == nullptr) {
        if (bits.left() == 0) break;  // the bits that fill the last bytes, or a file that is cut short
        return absl::DataLossError(
            absl::StrCat("no Huffman code at bit ", start, ", sample ", values.size() + 1, "; the file is damaged"));
      }
      if (code->extra_bits > bits.left()) break;
      const int32_t extra = bits.ReadSigned(code->extra_bits);
      if (code->is_switch) {
        const size_t next = static_cast<size_t>(code->base);
        if (next < 1 || next > tables_.size()) {
          return absl::DataLossError(absl::StrCat("a switch to Huffman table ", code->base, " of ", tables_.size(),
                                                  " at bit ", start, "; the file is damaged"));
        }
        table = &tables_[next - 1];
      } else {
        values.push_back(static_cast<int32_t>(static_cast<uint32_t>(code->base) + static_cast<uint32_t>(extra)));
      }
    }
    return values;
  }

 private:
  // Bits reads bits.
  class Bits {
   public:
    explicit Bits(absl::string_view bytes) : bytes_(bytes) {}

    size_t position() const { return position_; }
    size_t left() const { return 8 * bytes_.size() - position_; }
    uint32_t Read() {
      const uint32_t bit = static_cast<uint8_t>(bytes_[position_ / 8]) >> (7 - position_ % 8) & 1;
      ++position_;
      return bit;
    }
    int32_t ReadSigned(int count) {
      if (count == 0) return 0;
      uint32_t value = Read() == 0 ? 0 : ~uint32_t{0};
      for (int i = 1; i < count; ++i) value = value << 1 | Read();
      return static_cast<int32_t>(value);
    }

   private:
    absl::string_view bytes_;
    size_t position_ = 0;
  };

  struct Code {
    int32_t base = 0;
    unsigned extra_bits = 0;
    bool is_switch = false;  // to the table with the number `base`
  };

  struct Table {
    // codes are keyed by prefix, behind a 1 that tells prefixes of different length apart.
    std::unordered_map<uint64_t, Code> codes;
    int longest_prefix = 0;
  };

  // Match reads a prefix, and returns its code, or nothing when there is none.
  static const Code* Match(const Table& table, Bits* bits) {
    uint64_t prefix = 1;
    for (int length = 1; length <= table.longest_prefix && bits->left() > 0; ++length) {
      prefix = prefix << 1 | bits->Read();
      if (const auto found = table.codes.find(prefix); found != table.codes.end()) return &found->second;
    }
    return nullptr;
  }

  // Add adds a code, whose prefix of `length` bits is stored with its first bit as the least significant one.
  static void Add(int length, uint32_t reversed_prefix, Code code, Table* table) {
    uint64_t prefix = 1;
    for (int bit = 0; bit < length; ++bit) prefix = prefix << 1 | (reversed_prefix >> bit & 1);
    table->codes.emplace(prefix, code);
    table->longest_prefix = std::max(table->longest_prefix, length);
  }

  // DefaultTable is made of 0 for 0; of n ones, a zero and the sign for n = 1 to 8; and of nine ones, followed by a 0
  // and 8 bits, or by a 1 and 16 bits.
  static Table DefaultTable() {
    Table table;
    Add(1, 0, {}, &table);
    for (int n = 1; n <= 8; ++n) {
      const uint32_t ones = (1u << n) - 1;
      Add(n + 2, ones, {.base = n}, &table);
      Add(n + 2, ones | 1u << (n + 1), {.base = -n}, &table);
    }
    Add(10, 0x1FF, {.extra_bits = 8}, &table);
    Add(10, 0x3FF, {.extra_bits = 16}, &table);
    return table;
  }

  static absl::StatusOr<Table> ParseTable(int number, ByteReader* reader) {
    Table table;
    const int codes = reader->Read<uint16_t>();
    for (int i = 0; i < codes; ++i) {
      const int prefix_bits = reader->Read<uint8_t>();
      const int all_bits = reader->Read<uint8_t>();
      const int mode = reader->Read<uint8_t>();
      const int32_t base = reader->Read<int16_t>();
      const uint32_t prefix = reader->Read<uint32_t>();
      if (!reader->ok()) return absl::DataLossError(absl::StrCat("Huffman table ", number, " is cut short"));
      if (prefix_bits < 1 || prefix_bits > 32 || all_bits < prefix_bits || all_bits - prefix_bits > 32) {
        return absl::DataLossError(absl::StrCat("code ", i + 1, " of Huffman table ", number, " has a prefix of ",
                                                prefix_bits, " bits among ", all_bits,
                                                "; a prefix of 1 to 32 bits and up to 32 more expected"));
      }
      Add(prefix_bits, prefix,
          {.base = base, .extra_bits = static_cast<unsigned>(all_bits - prefix_bits), .is_switch = mode == 0}, &table);
    }
    if (table.codes.empty()) return absl::DataLossError(absl::StrCat("Huffman table ", number, " has no codes"));
    return table;
  }

  std::vector<Table> tables_;
};

}  // namespace ecg

#endif  // ECG_SIGNAL_SCP_HUFFMAN_H_
