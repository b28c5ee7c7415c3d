// text_list_column.h
//
// Lists of texts of which few differ, such as the statements of each record. Each different text is kept once; a list
// has 4 bytes for each of its texts, and 8 more.
//
//   TextListColumn statements;
//   statements.Add(std::vector<std::string>{"NORM", "SR"});
//   statements[0];         // NORM, SR
//   statements.codes(0);   // 0, 1: places in statements.texts()

#ifndef ECG_CORPUS_TEXT_LIST_COLUMN_H_
#define ECG_CORPUS_TEXT_LIST_COLUMN_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace ecg {

// TextListColumn is a list of such lists that only grows.
class TextListColumn {
 public:
  // Add appends a list, `texts`, a range of std::string.
  template <typename Range>
  void Add(const Range& texts) {
    for (const std::string& text : texts) {
      const auto [code, is_new] = code_of_.try_emplace(text, static_cast<int>(texts_.size()));
      if (is_new) texts_.push_back(text);
      codes_.push_back(code->second);
    }
    ends_.push_back(codes_.size());
  }

  size_t size() const { return ends_.size(); }

  // texts returns the different texts, in the order in which they first occur.
  const std::vector<std::string>& texts() const { return texts_; }

  // first returns how many texts the lists before list `i` have together.
  size_t first(size_t i) const { return i == 0 ? 0 : ends_[i - 1]; }

  // codes returns the texts of list `i` as places in texts(). It is valid until the next call of Add.
  std::span<const int> codes(size_t i) const { return std::span(codes_).subspan(first(i), ends_[i] - first(i)); }

  // List `i` has these texts.
  std::vector<std::string> operator[](size_t i) const {
    std::vector<std::string> list;
    for (const int code : codes(i)) list.push_back(texts_[code]);
    return list;
  }

 private:
  std::vector<std::string> texts_;
  absl::flat_hash_map<std::string, int> code_of_;
  std::vector<int> codes_;
  std::vector<size_t> ends_;
};

}  // namespace ecg

#endif  // ECG_CORPUS_TEXT_LIST_COLUMN_H_
