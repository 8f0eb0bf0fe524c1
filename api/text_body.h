// Small JSON bodies that are one object of strings, strict: every wrong or unknown field is told by its pointer. Pure;
// nlohmann stays in text_body_json.cpp.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace everup::api {

struct TextField {
  const char* name;
  std::optional<std::string>* out;
  bool required = true;
  std::size_t bytes_max = 256;
};
struct TextBody {
  FieldErrors errors;
  bool syntax = false;  // no JSON at all: 400
  bool ok() const { return errors.empty(); }
};
TextBody read_texts(std::string_view json, std::initializer_list<TextField> fields);

}  // namespace everup::api
