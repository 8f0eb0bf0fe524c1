// Badges: values in, SVG bytes (or the shields endpoint's JSON) out. Pure; any thread; no I/O.
//
// Geometry is that of shields (badge-maker 6) in its styles flat, flat-square, plastic and for-the-badge: width of
// Verdana, in the first three rounded up to odd; textLength pins it whatever font the viewer has. Colours are our own,
// dark enough for white text (WCAG AA); palette=shields gives the classic ones. Whatever text comes in, well-formed
// XML 1.0 goes out: control characters and bad UTF-8 are removed, text is cut (label 64, message 128 characters) and
// escaped; the elements are svg, title, linearGradient, stop, clipPath, rect, g and text. Known weaknesses: kerning is
// not counted, as in shields; characters above U+FFFF get the width of an "m"; shields' blurred second shadow is left
// out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ledger.h"
#include "core/result.h"
#include "core/standing.h"

namespace everup::badges {

enum class Style : unsigned char { kFlat, kFlatSquare, kPlastic, kForTheBadge };
enum class Palette : unsigned char { kEverup, kShields };

inline constexpr std::size_t kLabelMax = 64;     // characters
inline constexpr std::size_t kMessageMax = 128;  // characters
inline constexpr std::size_t kIdSuffixMax = 32;

// What a badge says. Colours are "#rrggbb"; anything else is drawn in grey. An empty label leaves only the message.
struct BadgeText {
  std::string label, message;
  std::string label_color = "#555555", message_color = "#59636e";
  std::string id_suffix;  // [A-Za-z0-9_-]{0,32}: keeps ids apart when several badges stand in one HTML page
  Style style = Style::kFlat;
  bool is_error = false;  // shields' isError: the reader may not colour it over
  bool operator==(const BadgeText&) const = default;
};
std::string badge_svg(const BadgeText& text);
// {"schemaVersion":1,"label":…,"message":…,"color":…,"labelColor":…,"isError":…,"style":…,"cacheSeconds":…}, shields'
// keys and no others.
std::string shields_json(const BadgeText& text, int cache_s = 300);

struct BadgeOptions {
  Style style = Style::kFlat;
  Palette palette = Palette::kEverup;
  std::optional<std::string> label;               // replaces the default label; may be empty
  std::optional<std::string> color, label_color;  // "#rrggbb"
  std::optional<int> decimals;                    // 0 … 3
  std::string id_suffix;
  bool coverage = true;  // false: no "(61% watched)"
  bool operator==(const BadgeOptions&) const = default;
};
// The query's decoded pairs: style, label, labelColor, color, decimals, palette, idSuffix, coverage. Unknown names are
// ignored (caches and trackers add their own), the last of equal names wins. A FieldError's pointer is the parameter's
// name; what is wrong keeps its default, so that a badge can be drawn all the same.
struct ParsedOptions {
  BadgeOptions options;
  FieldErrors errors;
};
ParsedOptions parse_badge_options(const std::vector<std::pair<std::string, std::string>>& query);
// Named (shields' and the basic CSS names) or hex with 3 or 6 digits, "#" optional → "#rrggbb".
Result<std::string> parse_color(std::string_view text, Palette palette = Palette::kEverup);

// "uptime 30d | 99.98%"; below 95 % coverage "99.98% (61% watched)"; nothing judged "n/a". `window` is "30d" and its
// like.
BadgeText uptime_badge(const Uptime& uptime, const Tally& tally, std::string_view window,
                       const BadgeOptions& options = {});
// "status | up"
BadgeText status_badge(State state, const BadgeOptions& options = {});
// "response 24h | 231 ms": the median of what was answered; nothing answered "n/a".
BadgeText response_badge(std::optional<std::int64_t> median_us, std::string_view window,
                         const BadgeOptions& options = {});
// "cert | 41 days", "expired" from the end on; not known "n/a". Below 14 days degraded, below 7 down.
BadgeText cert_badge(std::optional<std::int64_t> days_left, const BadgeOptions& options = {});
// For an unknown, private or deleted token (404 with this SVG).
BadgeText not_found_badge(const BadgeOptions& options = {});

// Geometry, for tests and for those who lay badges out: width in px of `text` as shields rounds it.
int text_width_px(std::string_view text);

// Headers that go with every badge (conventions 4.3); cache control is the route's.
inline constexpr std::string_view kBadgeType = "image/svg+xml; charset=utf-8";
inline constexpr std::string_view kBadgeCsp = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";

}  // namespace everup::badges
