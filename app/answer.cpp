#include "app/answer.h"

#include <fmt/format.h>

#include <cstdio>

namespace everup::app {

int failed(const char* command, const Error& error, int code) {
  fmt::print(stderr, "everup {}: {}\n", command, error.what);
  return code;
}

int wrong_usage(const char* command, const std::string& what) {
  fmt::print(stderr, "everup {}: {}\n", command, what);
  return kUsage;
}

int printed(const std::string& line) {
  fmt::print("{}\n", line);
  return std::fflush(stdout) == 0 ? kDone : kFailed;
}

std::string text_of(const nlohmann::ordered_json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || it->is_null()) return "-";
  return it->is_string() ? it->get<std::string>() : it->dump();
}

}  // namespace everup::app
