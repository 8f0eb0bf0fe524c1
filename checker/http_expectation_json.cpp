// The one demand that needs a JSON parser (its header costs seconds of compile time: it stays here).
#include <nlohmann/json.hpp>
#include <string>

#include "checker/http_expectation.h"

namespace everup::checker {

namespace {

using Json = nlohmann::json;

// Before anything is allocated: strings are skipped, brackets counted.
bool deeper_than(std::string_view text, int depth_max) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > depth_max) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

const Json* walk(const Json& document, const std::vector<JsonStep>& steps) {
  const Json* at = &document;
  for (const JsonStep& step : steps) {
    if (step.is_index) {
      if (!at->is_array() || step.index >= at->size()) return nullptr;
      at = &(*at)[step.index];
    } else {
      const auto found = at->is_object() ? at->find(step.key) : at->end();
      if (!at->is_object() || found == at->end()) return nullptr;
      at = &*found;
    }
  }
  return at;
}

std::string shown(const Json& value) {
  return printable(value.dump(-1, ' ', false, Json::error_handler_t::replace), 60);
}

}  // namespace

std::string json_mismatch(std::string_view body, const JsonExpect& expect) {
  const std::string path = printable(expect.path, 60);
  const auto steps = parse_json_path(expect.path);
  if (!steps) return "not a JSON path: " + path;
  if (deeper_than(body, kJsonDepthMax))
    return "the body nests deeper than " + std::to_string(kJsonDepthMax) + " levels";
  const Json document = Json::parse(body.begin(), body.end(), nullptr, false);
  if (document.is_discarded()) return "the body is not JSON, wanted " + path;
  Json wanted = deeper_than(expect.equals, kJsonDepthMax) ? Json() : Json::parse(expect.equals, nullptr, false);
  if (wanted.is_discarded()) wanted = expect.equals;
  const Json* found = walk(document, *steps);
  if (found == nullptr) return path + " is missing, wanted " + shown(wanted);
  return *found == wanted ? std::string() : path + " is " + shown(*found) + ", wanted " + shown(wanted);
}

}  // namespace everup::checker
