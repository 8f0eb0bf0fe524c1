// JSON objects read field by field: a Reader walks one object and knows which fields were asked for; what is left over
// at its end is unknown. The only headers of ours with nlohmann in them are this one and kind_json.h, for `*_json.cpp`
// of db/ alone. Values; any thread; a Reader lives shorter than what it reads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "db/strict_json.h"

namespace everup::db {

using nlohmann::json;
using nlohmann::ordered_json;

inline std::string dump(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}
inline std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

class Reader {
 public:
  Reader(const json& object, std::string pointer, FieldErrors& errors)
      : object_(object), pointer_(std::move(pointer)), errors_(errors) {
    if (!object_.is_object()) complain(errors_, pointer_, "wrong_type", "an object is expected");
  }
  std::string at(const std::string& name) const { return pointer_ + "/" + pointer_step(name); }
  FieldErrors& errors() { return errors_; }
  void wrong(const std::string& name, const char* code, std::string detail) {
    complain(errors_, at(name), code, std::move(detail));
  }

  // The field, or null when absent; it counts as known from now on.
  const json* find(const std::string& name) {
    known_.push_back(name);
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  void text(const std::string& name, std::string& out) {
    const json* value = find(name);
    if (value != nullptr) text_of(*value, name, out);
  }
  void text_of(const json& value, const std::string& name, std::string& out) {
    if (!value.is_string()) return wrong(name, "wrong_type", "a string is expected");
    if (value.get_ref<const std::string&>().find('\0') != std::string::npos)
      return wrong(name, "invalid_text", "NUL is not allowed");
    out = value.get<std::string>();
  }
  void boolean(const std::string& name, bool& out) {
    const json* value = find(name);
    if (value == nullptr) return;
    if (!value->is_boolean()) return wrong(name, "wrong_type", "true or false is expected");
    out = value->get<bool>();
  }
  template <class T>
  void integer(const std::string& name, T& out, std::int64_t low = std::numeric_limits<T>::min(),
               std::int64_t high = std::numeric_limits<T>::max()) {
    if (const json* value = find(name)) integer_of(*value, name, out, low, high);
  }
  template <class T>
  void integer_of(const json& value, const std::string& name, T& out, std::int64_t low, std::int64_t high) {
    if (!value.is_number_integer()) return wrong(name, "wrong_type", "a whole number is expected");
    const bool huge = value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(high);
    if (huge || value.get<std::int64_t>() < low) {
      return wrong(name, "out_of_range", std::to_string(low) + " to " + std::to_string(high) + " are allowed");
    }
    out = static_cast<T>(value.get<std::int64_t>());
  }
  // One of the words; `out` is left alone when it is none of them.
  template <class T>
  void word(const std::string& name, T& out, const std::vector<std::pair<const char*, T>>& words) {
    const json* value = find(name);
    if (value == nullptr) return;
    std::string text = value->is_number_integer() ? dump(*value) : std::string{}, allowed;
    if (value->is_string()) text = value->get<std::string>();
    for (const auto& [word, meaning] : words) {
      if (text == word) return static_cast<void>(out = meaning);
      allowed += (allowed.empty() ? "" : ", ") + std::string(word);
    }
    wrong(name, "invalid_value", "one of these is expected: " + allowed);
  }
  // Absent or null: nullopt.
  template <class T>
  void maybe_integer(const std::string& name, std::optional<T>& out, std::int64_t low, std::int64_t high) {
    const json* value = find(name);
    if (value != nullptr && !value->is_null()) integer_of(*value, name, out.emplace(0), low, high);
  }
  void maybe_boolean(const std::string& name, std::optional<bool>& out) {
    if (find(name) != nullptr) boolean(name, out.emplace(false));
  }
  // At most `most` strings; one alone need not be a list.
  void texts(const std::string& name, std::size_t most, std::vector<std::string>& out) {
    const json* value = find(name);
    if (value == nullptr) return;
    if (value->is_string()) return text_of(*value, name, out.emplace_back());
    if (!value->is_array()) return wrong(name, "wrong_type", "a list of strings is expected");
    if (value->size() > most) return wrong(name, "too_many", "at most " + std::to_string(most) + " are allowed");
    for (std::size_t i = 0; i < value->size(); ++i) {
      const json& one = (*value)[i];
      const std::string pointer = at(name) + "/" + std::to_string(i);
      if (!one.is_string()) {
        complain(errors_, pointer, "wrong_type", "a string is expected");
      } else {
        out.push_back(one.get<std::string>());
      }
    }
  }
  // The elements of a list, or nothing.
  const json* list(const std::string& name) {
    const json* value = find(name);
    if (value == nullptr || value->is_array()) return value;
    wrong(name, "wrong_type", "a list is expected");
    return nullptr;
  }
  void finish() {
    if (!object_.is_object()) return;
    for (const auto& [name, value] : object_.items()) {
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      std::string allowed;
      for (const std::string& one : known_) allowed += (allowed.empty() ? "" : ", ") + one;
      wrong(name, "unknown_field", "there is no such field; allowed: " + allowed);
    }
  }

 private:
  const json& object_;
  std::string pointer_;
  FieldErrors& errors_;
  std::vector<std::string> known_;
};

template <class T>
const char* word_of(const std::vector<std::pair<const char*, T>>& words, T value) {
  for (const auto& [word, meaning] : words) {
    if (meaning == value) return word;
  }
  return words.front().first;
}

template <class T, class Fn>
void read_list(Reader& reader, const std::string& name, std::size_t most, std::vector<T>& out, Fn each) {
  const json* list = reader.list(name);
  if (list == nullptr) return;
  if (list->size() > most) return reader.wrong(name, "too_many", "at most " + std::to_string(most) + " are allowed");
  for (std::size_t i = 0; i < list->size(); ++i)
    each((*list)[i], reader.at(name) + "/" + std::to_string(i), out.emplace_back());
}

// A secret that may be absent or null: then it stays what it was ("" for a new one). True: there is one now.
inline bool read_secret(Reader& reader, const std::string& name, std::string& out, bool was_set) {
  bool ignored = false;
  reader.boolean(name + "_set", ignored);  // as we print it
  const json* value = reader.find(name);
  if (value == nullptr || value->is_null()) return was_set;
  reader.text_of(*value, name, out);
  return true;
}

enum class Secrets { kHidden, kLeftOut, kIncluded };  // the API's shape; storage; inside, for a merge

inline void put_secret(ordered_json& object, const char* name, const std::string& value, Secrets secrets) {
  switch (secrets) {
    case Secrets::kHidden:
      object[name] = nullptr;
      object[std::string(name) + "_set"] = true;
      return;
    case Secrets::kLeftOut:
      return;
    case Secrets::kIncluded:
      object[name] = value;
      return;
  }
}

}  // namespace everup::db
