// What a monitor demands of an answer, judged: the first broken demand as a cause and a sentence "this, wanted that".
// Pure.
//
// The same keys are judged twice: broken in `expect` they mean down, in `warn` degraded (SHAPES 4); the caller decides
// which it asks. Thread: any, one Patterns per thread. Limits: kPatternsMax compiled patterns are kept; JSON nests at
// most kJsonDepthMax deep; details have at most 200 bytes. Known weakness: judging JSON parses the whole kept body (at
// most 1 MiB, about 16 MiB of memory for a moment).
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "checker/pattern.h"
#include "core/monitor.h"
#include "core/outcome.h"
#include "core/time.h"

namespace everup::checker {

inline constexpr std::size_t kPatternsMax = 128;
inline constexpr int kJsonDepthMax = 32;

struct HttpAnswer {
  int status = 0;
  int http_version = 0;      // 10, 11, 20
  std::string_view head;     // raw, with the status line
  std::string_view body;     // decoded, what was kept
  bool body_capped = false;  // there was more than the cap
  std::int32_t total_us = 0;
  std::optional<WallTime> certificate_not_after;
  WallTime now;
};

struct Broken {
  Cause cause = Cause::kInternal;
  std::string detail;
};

// Compiled patterns, the latest used ones. A pattern that does not compile (validation refuses those) is null.
class Patterns {
 public:
  std::shared_ptr<const Pattern> find(const std::string& source);
  std::size_t kept() const { return order_.size(); }

 private:
  using Entry = std::pair<std::string, std::shared_ptr<const Pattern>>;
  std::list<Entry> order_;  // most recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_source_;
};

// `status_when_empty`: what an empty expect.status means ("200-299" in `expect`, "" = anything in `warn`).
std::optional<Broken> first_broken(const HttpExpect& expect, const HttpAnswer& answer,
                                   std::string_view status_when_empty, Patterns& patterns);
// Does judging need more of the body than the excerpt that is kept anyway?
bool wants_body(const HttpExpect& expect);
// Every value of the header, in order, trimmed.
std::vector<std::string_view> header_values(std::string_view head, std::string_view name);

// "$", ".name", "[0]", "['name']" and '["name"]'. nullopt: not such a path.
struct JsonStep {
  std::string key;
  std::size_t index = 0;
  bool is_index = false;
  bool operator==(const JsonStep&) const = default;
};
std::optional<std::vector<JsonStep>> parse_json_path(std::string_view path);
// Empty: the value at the path equals the wanted JSON text (numbers by value; a wanted text that is no JSON is a
// string). Else what is wrong.
std::string json_mismatch(std::string_view body, const JsonExpect& expect);

}  // namespace everup::checker
