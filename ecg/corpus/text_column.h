// text_column.h
//
// The texts of many records in one buffer: 8 bytes a text beside its characters, where a std::string has 32 and an
// allocation.
//
//   TextColumn ids;
//   ids.Add("A0001");
//   ids[0];   // A0001
//
//   TextIndex index(ids);        // 5 to 12 bytes a text
//   index.Add(0);                // 0: there was no such text before
//   index.Find("A0001").value(); // 0

#ifndef ECG_CORPUS_TEXT_COLUMN_H_
#define ECG_CORPUS_TEXT_COLUMN_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace ecg {

// TextColumn is a list of texts that only grows.
class TextColumn {
 public:
  // Add appends a text.
  void Add(absl::string_view text) {
    text_.append(text.data(), text.size());
    ends_.push_back(text_.size());
  }

  size_t size() const { return ends_.size(); }

  // characters returns the number of characters of all texts together; 0 where all are empty.
  size_t characters() const { return text_.size(); }

  // Text `i` is valid until the next call of Add.
  absl::string_view operator[](size_t i) const {
    const size_t begin = i == 0 ? 0 : ends_[i - 1];
    return absl::string_view(text_).substr(begin, ends_[i] - begin);
  }

 private:
  std::string text_;
  std::vector<size_t> ends_;
};

// TextIndex finds texts of a column, which must outlive it and stay where it is.
class TextIndex {
 public:
  explicit TextIndex(const TextColumn& column) : places_(0, Hash{&column}, Equal{&column}) {}

  // Add adds text `place` of the column, and returns the place of the first that was added with the same text.
  int Add(int place) { return *places_.insert(place).first; }

  // Find returns the place of the first that was added with this text.
  std::optional<int> Find(absl::string_view text) const {
    const auto found = places_.find(text);
    return found == places_.end() ? std::nullopt : std::optional<int>(*found);
  }

 private:
  // Only places are stored; these functions look at their texts.
  struct Texts {
    using is_transparent = void;
    absl::string_view TextOf(int place) const { return (*column)[place]; }
    static absl::string_view TextOf(absl::string_view text) { return text; }
    const TextColumn* column;
  };
  struct Hash : Texts {
    template <typename T>
    size_t operator()(const T& key) const {
      return absl::Hash<absl::string_view>()(TextOf(key));
    }
  };
  struct Equal : Texts {
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return TextOf(a) == TextOf(b);
    }
  };

  absl::flat_hash_set<int, Hash, Equal> places_;
};

}  // namespace ecg

#endif  // ECG_CORPUS_TEXT_COLUMN_H_
