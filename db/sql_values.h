// Values on their way into and out of SQL parameters. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/result.h"

namespace everup::db {

// PostgreSQL's array literal: {"a","b"}; nullopt is NULL.
std::string array_of(const std::vector<std::int64_t>& values);
std::string array_of(const std::vector<std::string>& values);
std::string array_of(const std::vector<std::optional<std::string>>& values);
// bytea's text form.
std::string hex_bytes(std::string_view bytes);
// A pattern for ILIKE that finds `text` anywhere.
std::string like_anywhere(std::string_view text);

// Cursors: opaque base64url of a version byte, a kind and a body.
std::string to_cursor(char kind, std::string_view body);
std::optional<std::string> from_cursor(char kind, std::string_view cursor);
// "12:-3:abc" → its whole-number fields; nullopt when there are not exactly `count`.
std::optional<std::vector<std::int64_t>> numbers_in(std::string_view text, std::size_t count);

// "mon_…", "slug:…" or a bare slug. Exactly one is set.
struct MonitorName {
  std::int64_t id = 0;
  std::string slug;
};
// kNotFound for what can be no monitor's name.
Result<MonitorName> monitor_name(std::string_view text);
Error no_such_monitor();

}  // namespace everup::db
