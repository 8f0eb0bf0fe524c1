// Writes JSON text, append-only: answers are made of it without a DOM. Pure. Strings must be UTF-8; broken sequences
// become U+FFFD.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace everup::api {

std::string json_string(std::string_view text);    // with quotes
std::string json_millis(std::int64_t ms);          // 1234 → 1.234 (seconds with milliseconds, trailing zeros cut)
std::string json_thousandths(std::int64_t value);  // 99982 → 99.982

// One object or array under construction; nest by writing raw() values. take() closes it.
class JsonWriter {
 public:
  static JsonWriter object() { return JsonWriter('{', '}'); }
  static JsonWriter array() { return JsonWriter('[', ']'); }
  JsonWriter& key(std::string_view name);  // objects: before each value
  JsonWriter& raw(std::string_view json);
  JsonWriter& text(std::string_view value) { return raw(json_string(value)); }
  JsonWriter& number(std::int64_t value) { return raw(std::to_string(value)); }
  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonWriter& null() { return raw("null"); }
  JsonWriter& field(std::string_view name, std::string_view value) { return key(name).text(value); }
  JsonWriter& field_raw(std::string_view name, std::string_view json) { return key(name).raw(json); }
  std::string take() &&;

 private:
  JsonWriter(char open, char close) : out_(1, open), close_(close) {}
  std::string out_;
  char close_;
  bool after_key_ = false;
};

}  // namespace everup::api
