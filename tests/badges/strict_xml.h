// A small strict XML 1.0 reader for what we make ourselves: elements, attributes in double quotes, text, the five
// entities and numeric ones; no DTD, no comments, no processing instructions. Test code only.
#pragma once

#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace everup::testing {

struct XmlElement {
  std::string name;
  std::map<std::string, std::string> attributes;  // values unescaped
  std::string text;                               // unescaped, of this element only
  std::vector<XmlElement> children;
};

class StrictXml {
 public:
  // nullopt: not well-formed; `why` tells.
  static std::optional<XmlElement> parse(std::string_view text, std::string* why) {
    StrictXml reader(text);
    auto root = reader.element();
    if (root && reader.at_ != text.size()) reader.fail("text after the root");
    *why = reader.why_;
    if (!reader.why_.empty()) return std::nullopt;
    return root;
  }

 private:
  explicit StrictXml(std::string_view text) : text_(text) {}

  bool fail(const std::string& what) {
    if (why_.empty()) why_ = what + " at byte " + std::to_string(at_);
    return false;
  }
  bool here(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  bool take(std::string_view what) {
    if (!here(what)) return false;
    at_ += what.size();
    return true;
  }
  std::string name() {
    const std::size_t from = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '-'))
      ++at_;
    if (from == at_) fail("a name is missing");
    return std::string(text_.substr(from, at_ - from));
  }
  std::string entity() {
    for (const auto& [entity, c] :
         {std::pair{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}})
      if (take(entity)) return c;
    fail("a bare & or an unknown entity");
    ++at_;
    return {};
  }
  // Text up to `end`, which stays.
  std::string characters(char end) {
    std::string out;
    while (at_ < text_.size() && text_[at_] != end) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '<' || (c == '>' && end == '"')) fail("a bare < or >");
      if (c < 0x20 || c == 0x7f) fail("a control character");
      if (c == '&') {
        out += entity();
      } else {
        out.push_back(text_[at_++]);
      }
    }
    return out;
  }
  std::optional<XmlElement> element() {
    if (!take("<")) return fail("no element"), std::nullopt;
    XmlElement out;
    out.name = name();
    while (take(" ")) {
      const std::string key = name();
      if (key.empty() || !take("=\"")) return fail("no attribute value"), std::nullopt;
      if (!out.attributes.emplace(key, characters('"')).second) fail("an attribute twice");
      if (!take("\"")) return fail("an open attribute"), std::nullopt;
    }
    if (take("/>")) return out;
    if (!take(">")) return fail("an open tag"), std::nullopt;
    while (why_.empty() && !here("</")) {
      if (at_ >= text_.size()) return fail("an open element"), std::nullopt;
      if (!here("<")) {
        out.text += characters('<');
        continue;
      }
      auto child = element();
      if (!child) return std::nullopt;
      out.children.push_back(*std::move(child));
    }
    if (!take("</" + out.name + ">")) return fail("another element closed"), std::nullopt;
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string why_;
};

inline void names_in(const XmlElement& element, std::set<std::string>& names) {
  names.insert(element.name);
  for (const XmlElement& child : element.children) names_in(child, names);
}

inline void attributes_in(const XmlElement& element, std::set<std::string>& names) {
  for (const auto& [name, value] : element.attributes) names.insert(name);
  for (const XmlElement& child : element.children) attributes_in(child, names);
}

}  // namespace everup::testing
