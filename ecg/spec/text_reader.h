// text_reader.h
//
// Reads protobuf's text format into a message. Unlike protobuf's own reader it continues after an error, so that all
// errors are reported at once, says what would be right, and knows the line and column of each field.
//
//   TextReader reader(text);
//   reader.ReadMessage(experiment);
//   for (const TextReader::Finding& finding : reader.findings()) std::cerr << finding.message;
//   reader.LocationOf("training.epochs");   // line and column
//
// It supports fields, lists in brackets, nested messages and comments; not extensions and Any.

#ifndef ECG_SPEC_TEXT_READER_H_
#define ECG_SPEC_TEXT_READER_H_

#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/message.h"

namespace ecg {

// ExpectedValue describes what `field` accepts, such as "a number, above 0 and at most 10". For an enum it lists the
// values, with those most similar to `found` in front.
std::string ExpectedValue(const google::protobuf::FieldDescriptor& field, absl::string_view found);

// TextReader reads one text.
class TextReader : private google::protobuf::io::ErrorCollector {
 public:
  // Location is a place in the text; the first is line 1, column 1.
  struct Location {
    int line = 1;
    int column = 1;

    bool operator<(const Location& other) const { return std::tie(line, column) < std::tie(other.line, other.column); }
  };

  // Finding is one error: where, what is wrong, and what would be right.
  struct Finding {
    Location location;
    std::string message;
  };

  // `text` must outlive the reader.
  explicit TextReader(absl::string_view text);

  // ReadMessage reads the whole text as the fields of `message`, the root of all paths.
  void ReadMessage(google::protobuf::Message& message);

  // ReadFieldValue reads the whole text as the value of `field` of `message`, which is at `path` in a `root`.
  void ReadFieldValue(google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field,
                      const std::string& path, const google::protobuf::Descriptor& root);

  // findings are the errors so far, in the order of the text.
  const std::vector<Finding>& findings() const { return findings_; }

  // LocationOf returns where the field at `path` is named, or else the innermost message around it, or else the start.
  Location LocationOf(std::string path) const;

 private:
  using Tokenizer = google::protobuf::io::Tokenizer;
  using Message = google::protobuf::Message;
  using FieldDescriptor = google::protobuf::FieldDescriptor;

  // The methods below return false when the rest of the text cannot be read.

  // Reads fields up to and with the symbol `end`; "" is the end of the text.
  bool ReadFields(Message& message, const std::string& path, absl::string_view end);

  bool ReadField(Message& message, const std::string& message_path);

  // Says whether neither `field` nor another alternative of its oneof is in `message` yet.
  bool CheckIsFirst(const Message& message, const FieldDescriptor& field, const std::string& message_path,
                    Location location);

  // Reads one value, or the list of a repeated field in brackets.
  bool ReadValues(Message& message, const FieldDescriptor& field, const std::string& path);

  bool ReadValue(Message& message, const FieldDescriptor& field, const std::string& path);

  // Sets or adds the value that a token of `type` with the content `text` means; false when it is no value of `field`.
  static bool SetScalar(Message& message, const FieldDescriptor& field, Tokenizer::TokenType type,
                        const std::string& text, bool negative);

  // Steps over a value of any kind.
  bool SkipValue();

  bool AtBracket();

  bool TryConsume(absl::string_view symbol);

  Location Here() { return {tokenizer_.current().line + 1, tokenizer_.current().column + 1}; }

  // Reports that the current token is not what the text format wants here.
  bool Unexpected(absl::string_view advice);

  void Report(Location location, std::string message) { findings_.push_back({location, std::move(message)}); }

  // The tokenizer found a character or a literal that it cannot read.
  void AddError(int line, int column, const std::string& message) override;

  google::protobuf::io::ArrayInputStream input_;
  std::vector<Finding> findings_;
  std::map<std::string, Location> locations_;
  const google::protobuf::Descriptor* root_ = nullptr;
  bool broken_ = false;
  Tokenizer tokenizer_;
};

}  // namespace ecg

#endif  // ECG_SPEC_TEXT_READER_H_
