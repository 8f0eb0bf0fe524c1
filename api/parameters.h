// Query parameters with their bounds: reads each, collects every error (as "parameter"), so that a caller learns all at
// once. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/routes.h"
#include "core/result.h"
#include "core/time.h"

namespace everup::api {

class Parameters {
 public:
  explicit Parameters(const Call& call) : call_(call) {}
  std::int64_t integer(std::string_view name, std::int64_t fallback, std::int64_t min, std::int64_t max);
  std::string text(std::string_view name, std::size_t bytes_max);
  std::optional<WallTime> time(std::string_view name);
  // "60", "90s", "5m", "1h", "1d" in seconds.
  std::optional<std::int64_t> duration_s(std::string_view name);
  // [from, to) with defaults; from < to.
  Span window(milliseconds default_length, milliseconds length_max);
  void wrong(std::string_view name, std::string_view code, std::string detail);
  const FieldErrors& errors() const { return errors_; }
  bool ok() const { return errors_.empty(); }

 private:
  const Call& call_;
  FieldErrors errors_;
};

// Parameters that `known` ("limit cursor tag+"; + : may come more than once) does not name, or that came twice.
FieldErrors unknown_parameters(const Call& call, std::string_view known);

}  // namespace everup::api
