// See canonical_json.h. Duplicate members are found by the parser's callback, because the object would keep only one.
#include "reports/canonical_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "core/utf8.h"

namespace everup::reports {
namespace {

using Json = nlohmann::json;

std::u16string utf16(std::string_view text) {
  std::u16string out;
  while (!text.empty()) {
    char32_t c = 0;
    const std::size_t length = std::max<std::size_t>(utf8_front(text, c), 1);
    text.remove_prefix(length);
    if (c < 0x10000) {
      out.push_back(static_cast<char16_t>(c));
    } else {
      out.push_back(static_cast<char16_t>(0xd800 + ((c - 0x10000) >> 10)));
      out.push_back(static_cast<char16_t>(0xdc00 + ((c - 0x10000) & 0x3ff)));
    }
  }
  return out;
}

void write_string(std::string& out, const std::string& text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  constexpr std::string_view kShort = "\b\f\n\r\t", kLetters = "bfnrt";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (const auto at = kShort.find(c); at != std::string_view::npos) {
      out += '\\';
      out += kLetters[at];
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void write(std::string& out, const Json& value);

void write_object(std::string& out, const Json& value) {
  std::vector<std::pair<std::u16string, const std::string*>> names;
  for (const auto& [name, member] : value.items()) names.emplace_back(utf16(name), &name);
  std::sort(names.begin(), names.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  out += '{';
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += ',';
    write_string(out, *names[i].second);
    out += ':';
    write(out, value.at(*names[i].second));
  }
  out += '}';
}

void write_array(std::string& out, const Json& value) {
  out += '[';
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (i > 0) out += ',';
    write(out, value[i]);
  }
  out += ']';
}

void write(std::string& out, const Json& value) {
  if (value.is_object()) return write_object(out, value);
  if (value.is_array()) return write_array(out, value);
  if (value.is_string()) return write_string(out, value.get_ref<const std::string&>());
  if (value.is_number()) {
    out += ecmascript_number(value.get<double>());
  } else if (value.is_boolean()) {
    out += value.get<bool>() ? "true" : "false";
  } else {
    out += "null";
  }
}

// Watches a parse: depth and members that come twice.
class Watch {
 public:
  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kDepthMax) fault_ = "nested deeper than 32";
    if (event == Json::parse_event_t::object_start) seen_.emplace_back();
    if (event == Json::parse_event_t::object_end) seen_.pop_back();
    if (event == Json::parse_event_t::key) {
      const std::string& name = parsed.get_ref<const std::string&>();
      if (!seen_.back().insert(name).second) fault_ = "member \"" + name + "\" comes twice";
    }
    return true;
  }
  const std::string& fault() const { return fault_; }

 private:
  std::vector<std::set<std::string>> seen_;
  std::string fault_;
};

Result<Json> parsed(std::string_view text) {
  // Brackets first: the parser itself would follow any depth.
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      quoted = !quoted;
    else if (!quoted && (text[i] == '[' || text[i] == '{'))
      ++depth;
    else if (!quoted && (text[i] == ']' || text[i] == '}'))
      --depth;
    if (depth > kDepthMax) return Error{ErrorCode::kInvalid, "JSON: nested deeper than 32"};
  }
  Watch watch;
  try {
    Json value = Json::parse(text, std::ref(watch));
    if (!watch.fault().empty()) return Error{ErrorCode::kInvalid, "JSON: " + watch.fault()};
    return value;
  } catch (const Json::exception&) {
    return Error{ErrorCode::kInvalid, "JSON: the text is none (RFC 8259), or a number is too large"};
  }
}

}  // namespace

std::string ecmascript_number(double value) {
  if (value == 0) return "0";  // -0 too
  std::array<char, 40> buffer{};
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(value), std::chars_format::scientific);
  const std::string text(buffer.data(), end.ptr);  // "9.9982e+01", shortest
  const auto e = text.find('e');
  std::string digits = text.substr(0, e);
  if (digits.size() > 1) digits.erase(1, 1);
  const int exponent = std::stoi(text.substr(e + 1)) + 1;  // ECMAScript's n: value is 0.digits × 10^n
  const int count = static_cast<int>(digits.size());
  std::string out = value < 0 ? "-" : "";
  if (count <= exponent && exponent <= 21)
    return out + digits + std::string(static_cast<std::size_t>(exponent - count), '0');
  if (0 < exponent && exponent <= 21) return out + digits.insert(static_cast<std::size_t>(exponent), ".");
  if (-6 < exponent && exponent <= 0)
    return out + "0." + std::string(static_cast<std::size_t>(-exponent), '0') + digits;
  if (count > 1) digits.insert(1, ".");
  return out + digits + "e" + (exponent > 0 ? "+" : "-") + std::to_string(std::abs(exponent - 1));
}

Result<std::string> canonical_json(std::string_view text) {
  const auto value = parsed(text);
  if (!value) return value.error();
  std::string out;
  write(out, *value);
  return out;
}

Result<Detached> detached(std::string_view text, const std::string& name) {
  auto value = parsed(text);
  if (!value) return value.error();
  if (!value->is_object() || !value->contains(name))
    return Error{ErrorCode::kInvalid, "JSON: there is no \"" + name + "\""};
  Detached out;
  write(out.member, value->at(name));
  value->erase(name);
  write(out.rest, *value);
  return out;
}

Result<std::string> attached(std::string_view object, const std::string& name, std::string_view member) {
  auto value = parsed(object);
  auto more = parsed(member);
  if (!value) return value.error();
  if (!more) return more.error();
  if (!value->is_object()) return Error{ErrorCode::kInvalid, "JSON: an object is expected"};
  (*value)[name] = *std::move(more);
  std::string out;
  write(out, *value);
  return out;
}

}  // namespace everup::reports
