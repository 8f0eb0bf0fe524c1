// See api/json_text.h.
#include "api/json_text.h"

#include <array>
#include <cstdio>
#include <utility>

namespace everup::api {
namespace {

// Length of the well-formed UTF-8 sequence at the start of `text`, 0 when it is broken (RFC 3629: no surrogates, no
// overlong forms).
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = at(0);
  const auto tail = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool bad = (first == 0xE0 && at(1) < 0xA0) || (first == 0xED && at(1) > 0x9F);
    return !bad && tail(1) && tail(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool bad = (first == 0xF0 && at(1) < 0x90) || (first == 0xF4 && at(1) > 0x8F);
    return !bad && tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

void append_escaped(std::string* out, unsigned char c) {
  switch (c) {
    case '"':
      out->append("\\\"");
      return;
    case '\\':
      out->append("\\\\");
      return;
    case '\n':
      out->append("\\n");
      return;
    case '\r':
      out->append("\\r");
      return;
    case '\t':
      out->append("\\t");
      return;
    default:
      break;
  }
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "\\u%04x", static_cast<unsigned>(c));
  out->append(text.data());
}

std::string decimal(std::int64_t thousandths) {
  const bool negative = thousandths < 0;
  const std::int64_t value = negative ? -thousandths : thousandths;
  std::string out = (negative ? "-" : "") + std::to_string(value / 1000);
  if (const auto rest = value % 1000; rest != 0) {
    std::string digits = std::to_string(1000 + rest).substr(1);
    while (digits.back() == '0') digits.pop_back();
    out += "." + digits;
  }
  return out;
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string out = "\"";
  out.reserve(text.size() + 2);
  while (!text.empty()) {
    const std::size_t n = sequence_length(text);
    const auto first = static_cast<unsigned char>(text[0]);
    if (n == 0) {
      out.append("\xEF\xBF\xBD");
    } else if (n == 1 && (first < 0x20 || first == '"' || first == '\\' || first == 0x7f)) {
      append_escaped(&out, first);
    } else {
      out.append(text.substr(0, n));
    }
    text.remove_prefix(n == 0 ? 1 : n);
  }
  out.push_back('"');
  return out;
}

std::string json_millis(std::int64_t ms) { return decimal(ms); }
std::string json_thousandths(std::int64_t value) { return decimal(value); }

JsonWriter& JsonWriter::key(std::string_view name) {
  if (out_.size() > 1) out_.push_back(',');
  out_.append(json_string(name)).push_back(':');
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  if (!after_key_ && out_.size() > 1) out_.push_back(',');
  after_key_ = false;
  out_.append(json);
  return *this;
}

std::string JsonWriter::take() && {
  out_.push_back(close_);
  return std::move(out_);
}

}  // namespace everup::api
