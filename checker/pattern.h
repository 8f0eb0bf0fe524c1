// Regular expressions that strangers wrote: RE2 (linear time, no backtracking) behind our own name, with a bound on the
// program's memory.
//
// Immutable after compile(), any thread. Limits: kPatternBytesMax of source, kPatternMemoryMax of compiled program and
// cache.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"

namespace everup::checker {

inline constexpr std::size_t kPatternBytesMax = 1024;
inline constexpr std::size_t kPatternMemoryMax = 256 * 1024;

class Pattern {
 public:
  // kInvalid with RE2's own words, or with the bound that was passed.
  static Result<std::shared_ptr<const Pattern>> compile(const std::string& source);
  ~Pattern();
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  // True when the pattern matches anywhere. Bytes that are not UTF-8 match nothing but \C and never make it fail.
  bool found_in(std::string_view text) const;

 private:
  struct Compiled;
  explicit Pattern(std::unique_ptr<Compiled> compiled);
  std::unique_ptr<Compiled> compiled_;
};

// For core's validate(): true, or false with a reason in `*why` (may be null).
bool regex_ok(const std::string& source, std::string* why);

}  // namespace everup::checker
