// xml.h
//
// The XML that recorders write, read without DTD, entities or other files, in whatever encoding it is.
//
//   ECG_ASSIGN_OR_RETURN(const XmlDocument document, XmlDocument::Parse(bytes));
//   for (const pugi::xml_node lead : XmlChildren(document.root(), "LeadData")) Read(XmlText(lead, "LeadID"));
//
// Elements are found by their local name: "value" is also "hl7:value". Files are often wrong about their encoding
// ("ISO8859-1", UTF-8 that is said to be UTF-16), so only their bytes count.

#ifndef ECG_SIGNAL_XML_H_
#define ECG_SIGNAL_XML_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "pugixml.hpp"

namespace ecg {

// XmlLocalName returns the name of `node` without a namespace's prefix.
inline absl::string_view XmlLocalName(pugi::xml_node node) {
  const absl::string_view name = node.name();
  const size_t colon = name.rfind(':');
  return colon == name.npos ? name : name.substr(colon + 1);
}

// XmlChild returns the first element in `node` called `name`; an empty node, which has no children and no text, where
// there is none.
inline pugi::xml_node XmlChild(pugi::xml_node node, absl::string_view name) {
  for (const pugi::xml_node child : node.children()) {
    if (XmlLocalName(child) == name) return child;
  }
  return pugi::xml_node();
}

// XmlPath returns XmlChild of XmlChild, and so on.
template <typename... Names>
pugi::xml_node XmlPath(pugi::xml_node node, Names... names) {
  ((node = XmlChild(node, names)), ...);
  return node;
}

// XmlChildren returns all elements in `node` called `name`.
inline std::vector<pugi::xml_node> XmlChildren(pugi::xml_node node, absl::string_view name) {
  std::vector<pugi::xml_node> children;
  for (const pugi::xml_node child : node.children()) {
    if (XmlLocalName(child) == name) children.push_back(child);
  }
  return children;
}

// XmlNext returns the element that follows `node` in the document within `top`, children first; an empty node at the
// end. It walks trees of any depth without recursion.
inline pugi::xml_node XmlNext(pugi::xml_node node, pugi::xml_node top) {
  if (node.first_child()) return node.first_child();
  while (node && node != top && !node.next_sibling()) node = node.parent();
  return node == top ? pugi::xml_node() : node.next_sibling();
}

// XmlDescendants returns all elements below `top` called `name`, in the document's order.
inline std::vector<pugi::xml_node> XmlDescendants(pugi::xml_node top, absl::string_view name) {
  std::vector<pugi::xml_node> found;
  for (pugi::xml_node node = XmlNext(top, top); node; node = XmlNext(node, top)) {
    if (XmlLocalName(node) == name) found.push_back(node);
  }
  return found;
}

// XmlText returns the text of `node` without the space around it.
inline absl::string_view XmlText(pugi::xml_node node) { return absl::StripAsciiWhitespace(node.child_value()); }

// XmlText returns the text of the element in `node` called `name`; empty where there is none.
inline absl::string_view XmlText(pugi::xml_node node, absl::string_view name) { return XmlText(XmlChild(node, name)); }

// XmlAttribute returns the attribute of `node` called `name`; empty where there is none.
inline absl::string_view XmlAttribute(pugi::xml_node node, absl::string_view name) {
  for (const pugi::xml_attribute attribute : node.attributes()) {
    if (attribute.name() == name) return absl::StripAsciiWhitespace(attribute.value());
  }
  return "";
}

// XmlNumber parses `text`, which messages call `name`. No finite number is an error.
inline absl::StatusOr<double> XmlNumber(absl::string_view text, absl::string_view name) {
  double number = 0;
  if (absl::SimpleAtod(text, &number) && std::isfinite(number)) return number;
  return absl::InvalidArgumentError(text.empty()
                                        ? absl::StrCat(name, " is missing; a number is expected")
                                        : absl::StrCat(name, " is \"", text.substr(0, 40), "\", not a number"));
}

namespace xml_internal {

// Narrow returns the begin of `bytes` as ASCII, one byte a character, whether they are UTF-8 or UTF-16.
inline std::string Narrow(absl::string_view bytes) {
  constexpr size_t kEnough = 1 << 16;
  const bool big_endian = absl::StartsWith(bytes, "\xFE\xFF") || absl::StartsWith(bytes, absl::string_view("\0<", 2));
  const bool little_endian =
      absl::StartsWith(bytes, "\xFF\xFE") || absl::StartsWith(bytes, absl::string_view("<\0", 2));
  if (!big_endian && !little_endian) return std::string(bytes.substr(0, kEnough));
  std::string narrow;
  for (size_t i = big_endian ? 1 : 0; i < bytes.size() && narrow.size() < kEnough; i += 2) narrow += bytes[i];
  narrow.erase(0, narrow[0] == '<' ? 0 : 1);
  return narrow;
}

// Skip cuts `text` behind the first `end`, and tells whether there is one.
inline bool Skip(absl::string_view end, absl::string_view* text) {
  const size_t position = text->find(end);
  if (position == text->npos) return false;
  text->remove_prefix(position + end.size());
  return true;
}

}  // namespace xml_internal

// XmlRootName returns the local name of the outermost element of the document `bytes`, of which it reads no more than
// it needs; empty when they are no XML.
inline std::string XmlRootName(absl::string_view bytes) {
  const std::string narrow = xml_internal::Narrow(bytes);
  absl::string_view text = narrow;
  absl::ConsumePrefix(&text, "\xEF\xBB\xBF");
  while (true) {
    text = absl::StripLeadingAsciiWhitespace(text);
    if (absl::StartsWith(text, "<?")) {
      if (!xml_internal::Skip("?>", &text)) return "";
    } else if (absl::StartsWith(text, "<!--")) {
      if (!xml_internal::Skip("-->", &text)) return "";
    } else if (absl::StartsWith(text, "<!")) {
      const absl::string_view declaration = text.substr(0, text.find('>'));
      if (!xml_internal::Skip(absl::StrContains(declaration, "[") ? "]" : ">", &text)) return "";
      absl::ConsumePrefix(&text, ">");
    } else {
      break;
    }
  }
  if (!absl::ConsumePrefix(&text, "<") || text.empty() || (!absl::ascii_isalpha(text[0]) && text[0] != '_')) return "";
  text = text.substr(0, text.find_first_of(" \t\r\n/>"));
  const size_t colon = text.rfind(':');
  return std::string(colon == text.npos ? text : text.substr(colon + 1));
}

// XmlDocument is a document in memory, some ten times as large as the file.
class XmlDocument {
 public:
  // Parse reads the document `bytes`. A document that is not well-formed, or has more elements and attributes than any
  // recorder writes, is an error that says in which line.
  static absl::StatusOr<XmlDocument> Parse(absl::string_view bytes) {
    constexpr size_t kMostBytes = 512 << 20;
    constexpr size_t kMostNodes = 4'000'000;
    if (bytes.size() > kMostBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("the XML has ", bytes.size(), " bytes; at most ", kMostBytes, " are read"));
    }
    const size_t nodes = std::count(bytes.begin(), bytes.end(), '<') + std::count(bytes.begin(), bytes.end(), '=');
    if (nodes > kMostNodes) {
      return absl::InvalidArgumentError(
          absl::StrCat("the XML has about ", nodes, " elements and attributes; at most ", kMostNodes, " are read"));
    }
    // Zeros behind the document are padding, but for the last byte of UTF-16.
    while (bytes.size() >= 2 && bytes.back() == '\0' && bytes[bytes.size() - 2] == '\0') bytes.remove_suffix(1);
    XmlDocument document;
    document.document_ = std::make_unique<pugi::xml_document>();
    const pugi::xml_parse_result result =
        document.document_->load_buffer(bytes.data(), bytes.size(), pugi::parse_default | pugi::parse_embed_pcdata);
    if (!result) {
      const size_t end = std::min<size_t>(std::max<ptrdiff_t>(result.offset, 0), bytes.size());
      return absl::DataLossError(absl::StrCat("line ", 1 + std::count(bytes.begin(), bytes.begin() + end, '\n'),
                                              ": the XML is damaged or cut short: ", result.description()));
    }
    if (!document.root()) return absl::DataLossError("the XML has no element");
    return document;
  }

  // root returns the outermost element.
  pugi::xml_node root() const { return document_->document_element(); }

 private:
  XmlDocument() = default;

  std::unique_ptr<pugi::xml_document> document_;
};

}  // namespace ecg

#endif  // ECG_SIGNAL_XML_H_
