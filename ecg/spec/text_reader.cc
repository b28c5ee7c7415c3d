#include "ecg/spec/text_reader.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/spec/field_path.h"
#include "ecg/spec/nearest_name.h"
#include "ecg/spec/range.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/message.h"
#include "proto/options.pb.h"

namespace ecg {

std::string ExpectedValue(const google::protobuf::FieldDescriptor& field, absl::string_view found) {
  using google::protobuf::FieldDescriptor;
  std::string kind;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return "true or false";
    case FieldDescriptor::CPPTYPE_STRING:
      return "a text in quotes";
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return absl::StrCat(field.name(), " { ... }");
    case FieldDescriptor::CPPTYPE_ENUM: {
      std::vector<std::string> names;
      for (int i = 0; i < field.enum_type()->value_count(); ++i) names.push_back(field.enum_type()->value(i)->name());
      return absl::StrJoin(NearestFirst(found, std::move(names)), " or ");
    }
    case FieldDescriptor::CPPTYPE_DOUBLE:
      kind = "a number";
      break;
    default:
      kind = "a whole number";
  }
  const std::string range = RangeInWords(field.options().GetExtension(spec::range));
  return range.empty() ? kind : absl::StrCat(kind, ", ", range);
}

TextReader::TextReader(absl::string_view text) : input_(text.data(), text.size()), tokenizer_(&input_, this) {
  tokenizer_.set_comment_style(Tokenizer::SH_COMMENT_STYLE);
  tokenizer_.set_allow_f_after_float(true);
  tokenizer_.Next();
}

void TextReader::ReadMessage(google::protobuf::Message& message) {
  root_ = message.GetDescriptor();
  ReadFields(message, "", "");
}

void TextReader::ReadFieldValue(google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field,
                                const std::string& path, const google::protobuf::Descriptor& root) {
  root_ = &root;
  if (ReadValues(message, field, path) && tokenizer_.current().type != Tokenizer::TYPE_END) {
    Unexpected("the value ends before it");
  }
}

TextReader::Location TextReader::LocationOf(std::string path) const {
  while (true) {
    if (const auto found = locations_.find(path); found != locations_.end()) return found->second;
    const size_t end = path.find_last_of(".[");
    if (end == std::string::npos) return {};
    path.resize(end);
  }
}

bool TextReader::ReadFields(Message& message, const std::string& path, absl::string_view end) {
  // The end of the text is a token without text.
  while (tokenizer_.current().text != end) {
    if (broken_) return false;
    if (tokenizer_.current().type != Tokenizer::TYPE_IDENTIFIER) {
      return Unexpected(end.empty() ? "write the name of a field" : absl::StrCat("write the name of a field or ", end));
    }
    if (!ReadField(message, path)) return false;
    if (!TryConsume(",")) TryConsume(";");
  }
  tokenizer_.Next();
  return true;
}

bool TextReader::ReadField(Message& message, const std::string& message_path) {
  const Location location = Here();
  const std::string name = tokenizer_.current().text;
  tokenizer_.Next();
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr) {
    Report(location, UnknownField(*message.GetDescriptor(), message_path, name, *root_));
    TryConsume(":");
    return SkipValue();
  }

  const std::string path = JoinPath(message_path, name);
  const bool takes = field->is_repeated() || CheckIsFirst(message, *field, message_path, location);
  if (takes) locations_.emplace(path, location);
  if (!TryConsume(":") && field->message_type() == nullptr) {
    return Unexpected(absl::StrCat("write a colon and the value of ", path));
  }
  if (takes) return ReadValues(message, *field, path);
  // The value of a field that is there already is read for its errors only.
  const std::unique_ptr<Message> scratch(message.New());
  return ReadValues(*scratch, *field, path);
}

bool TextReader::CheckIsFirst(const Message& message, const FieldDescriptor& field, const std::string& message_path,
                              Location location) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const std::string path = JoinPath(message_path, field.name());
  if (reflection.HasField(message, &field)) {
    Report(location,
           absl::StrCat(path, " is given twice, first on line ", LocationOf(path).line, "; keep one of the two"));
    return false;
  }
  const google::protobuf::OneofDescriptor* oneof = field.containing_oneof();
  if (oneof == nullptr || !reflection.HasOneof(message, oneof)) return true;
  const std::string other = reflection.GetOneofFieldDescriptor(message, oneof)->name();
  Report(location, absl::StrCat(JoinPath(message_path, oneof->name()), " is given twice, as ", other, " on line ",
                                LocationOf(JoinPath(message_path, other)).line, " and as ", field.name(),
                                "; keep one of the two"));
  return false;
}

bool TextReader::ReadValues(Message& message, const FieldDescriptor& field, const std::string& path) {
  if (!field.is_repeated()) return ReadValue(message, field, path);
  const bool is_list = TryConsume("[");
  if (is_list && TryConsume("]")) return true;
  do {
    const int index = message.GetReflection()->FieldSize(message, &field);
    const std::string element_path = absl::StrCat(path, "[", index, "]");
    locations_.emplace(element_path, Here());
    if (!ReadValue(message, field, element_path)) return false;
  } while (is_list && TryConsume(","));
  return !is_list || TryConsume("]") || Unexpected(absl::StrCat("write a comma or the ] of ", path));
}

bool TextReader::ReadValue(Message& message, const FieldDescriptor& field, const std::string& path) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const Location location = Here();
  if (tokenizer_.current().type == Tokenizer::TYPE_END) return Unexpected(absl::StrCat("write the value of ", path));
  if (field.message_type() != nullptr) {
    const absl::string_view end = TryConsume("{") ? "}" : TryConsume("<") ? ">" : "";
    if (!end.empty()) {
      return ReadFields(
          field.is_repeated() ? *reflection.AddMessage(&message, &field) : *reflection.MutableMessage(&message, &field),
          path, end);
    }
  }
  if (AtBracket()) {
    Report(location,
           absl::StrCat(path, " begins with ", tokenizer_.current().text, "; write ", ExpectedValue(field, "")));
    return SkipValue();
  }
  const bool negative = TryConsume("-");
  const Tokenizer::Token token = tokenizer_.current();
  if (broken_) return false;
  if (token.type == Tokenizer::TYPE_SYMBOL || token.type == Tokenizer::TYPE_END) {
    return Unexpected(absl::StrCat("write the value of ", path));
  }
  tokenizer_.Next();
  std::string text = token.text;
  if (token.type == Tokenizer::TYPE_STRING) {
    // Pieces that stand side by side are one text.
    text.clear();
    Tokenizer::ParseStringAppend(token.text, &text);
    while (tokenizer_.current().type == Tokenizer::TYPE_STRING) {
      Tokenizer::ParseStringAppend(tokenizer_.current().text, &text);
      tokenizer_.Next();
    }
  }
  if (!SetScalar(message, field, token.type, text, negative)) {
    Report(location,
           absl::StrCat(path, " is ", negative ? "-" : "", token.text, "; write ", ExpectedValue(field, token.text)));
  }
  return true;
}

bool TextReader::SetScalar(Message& message, const FieldDescriptor& field, Tokenizer::TokenType type,
                           const std::string& text, bool negative) {
  using google::protobuf::Reflection;
  const Reflection& reflection = *message.GetReflection();
  const auto put = [&](auto set, auto add, const auto& value) {
    field.is_repeated() ? (reflection.*add)(&message, &field, value) : (reflection.*set)(&message, &field, value);
    return true;
  };
  const auto read_integer = [&](auto largest, auto& value) {
    value = 0;
    const spec::Range& range = field.options().GetExtension(spec::range);
    if (type == Tokenizer::TYPE_IDENTIFIER && range.has_zero() && text == range.zero()) return !negative;
    uint64_t magnitude;
    if (type != Tokenizer::TYPE_INTEGER ||
        !Tokenizer::ParseInteger(text, static_cast<uint64_t>(largest) + (negative ? 1 : 0), &magnitude)) {
      return false;
    }
    value = negative ? 0 - magnitude : magnitude;
    return true;
  };
  const bool is_word = type == Tokenizer::TYPE_IDENTIFIER && !negative;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: {
      int32_t value;
      return read_integer(std::numeric_limits<int32_t>::max(), value) &&
             put(&Reflection::SetInt32, &Reflection::AddInt32, value);
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      int64_t value;
      return read_integer(std::numeric_limits<int64_t>::max(), value) &&
             put(&Reflection::SetInt64, &Reflection::AddInt64, value);
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      if (type != Tokenizer::TYPE_INTEGER && type != Tokenizer::TYPE_FLOAT) return false;
      // As protobuf does, refuse hexadecimal and octal numbers here.
      if (type == Tokenizer::TYPE_INTEGER && text.size() > 1 && text[0] == '0') return false;
      const double value = Tokenizer::ParseFloat(text);
      return std::isfinite(value) && put(&Reflection::SetDouble, &Reflection::AddDouble, negative ? -value : value);
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      return is_word && (text == "true" || text == "false") &&
             put(&Reflection::SetBool, &Reflection::AddBool, text == "true");
    case FieldDescriptor::CPPTYPE_ENUM: {
      const google::protobuf::EnumValueDescriptor* value = field.enum_type()->FindValueByName(text);
      return is_word && value != nullptr && put(&Reflection::SetEnum, &Reflection::AddEnum, value);
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      if (negative || type != Tokenizer::TYPE_STRING) return false;
      return put(static_cast<void (Reflection::*)(Message*, const FieldDescriptor*, std::string) const>(
                     &Reflection::SetString),
                 static_cast<void (Reflection::*)(Message*, const FieldDescriptor*, std::string) const>(
                     &Reflection::AddString),
                 text);
    }
    default:
      return false;
  }
}

bool TextReader::SkipValue() {
  TryConsume("-");
  int depth = 0;
  do {
    const Tokenizer::Token& token = tokenizer_.current();
    if (token.type == Tokenizer::TYPE_END) return Unexpected("write the rest of this value");
    if (AtBracket()) {
      ++depth;
    } else if (token.text == "}" || token.text == ">" || token.text == "]") {
      if (--depth < 0) return Unexpected("write a value");
    }
    tokenizer_.Next();
  } while (depth > 0);
  return true;
}

bool TextReader::AtBracket() {
  const std::string& text = tokenizer_.current().text;
  return text == "{" || text == "<" || text == "[";
}

bool TextReader::TryConsume(absl::string_view symbol) {
  if (tokenizer_.current().text != symbol) return false;
  tokenizer_.Next();
  return true;
}

bool TextReader::Unexpected(absl::string_view advice) {
  if (broken_) return false;
  broken_ = true;
  const bool at_end = tokenizer_.current().type == Tokenizer::TYPE_END;
  Report(Here(), absl::StrCat("found ", at_end ? "the end of the text" : tokenizer_.current().text, "; ", advice));
  return false;
}

void TextReader::AddError(int line, int column, const std::string& message) {
  if (broken_) return;
  broken_ = true;
  Report({line + 1, column + 1}, message);
}

}  // namespace ecg
