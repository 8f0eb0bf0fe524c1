// Badge addresses of Uptime Kuma and Gatus, so that embeds keep working after a move: in place of their id or key
// stands the monitor's badge token. The look and the words are ours (a figure is cut, never rounded up); of Kuma's
// parameters the labels, colours, prefix, suffix and style count, of those that do not parse the default stays.
#include <array>

#include "api/badge_answers.h"
#include "api/house.h"
#include "badges/color.h"

namespace everup::api {
namespace {

constexpr BadgeForm kSvg{false, 300}, kStatusSvg{false, 60}, kStatusJson{true, 60};
constexpr std::int64_t kLongestMs = 365 * kDayMs;
constexpr std::size_t kAffixMax = 64;

// "24" (hours), "90m", "24h", "30d", "1y"; at most a year.
std::optional<std::int64_t> duration_ms(std::string_view text) {
  if (text.empty() || text.size() > 6) return std::nullopt;
  std::int64_t unit = kHourMs;
  constexpr std::array<std::pair<char, std::int64_t>, 4> kUnits{
      {{'m', 60'000}, {'h', kHourMs}, {'d', kDayMs}, {'y', kLongestMs}}};
  for (const auto& [letter, ms] : kUnits) {
    if (text.back() != letter) continue;
    unit = ms;
    text.remove_suffix(1);
    break;
  }
  std::int64_t count = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    count = count * 10 + (c - '0');
  }
  if (text.empty() || count == 0 || count * unit > kLongestMs) return std::nullopt;
  return count * unit;
}

std::string affix(const Call& call, std::string_view name) {
  const std::string* value = call.parameter(name);
  return value == nullptr ? std::string() : value->substr(0, kAffixMax);
}

void recolor(const Call& call, std::string_view name, badges::BadgeText& text) {
  const std::string* value = call.parameter(name);
  if (value == nullptr) return;
  const auto color = badges::parse_color(*value);
  if (color) text.message_color = *color;
}

void reword(const Call& call, std::string_view name, badges::BadgeText& text) {
  const std::string* value = call.parameter(name);
  if (value != nullptr && !value->empty()) text.message = *value;
}

// Kuma's prefix and suffix: around a figure, not around "n/a".
void wrap(const Call& call, badges::BadgeText& text) {
  if (text.message != "n/a") text.message = affix(call, "prefix") + text.message + affix(call, "suffix");
  if (!text.label.empty()) text.label = affix(call, "labelPrefix") + text.label + affix(call, "labelSuffix");
}

template <class Dress>
Answer drawn(BadgeWords words, const BadgeForm& form, Dress dress) {
  if (auto* refusal = std::get_if<HttpResponse>(&words)) return std::move(*refusal);
  auto& text = std::get<badges::BadgeText>(words);
  dress(text);
  return badge_answer(text, form);
}

badges::BadgeOptions options_of(const Call& call) { return badges::parse_badge_options(call.query).options; }

using WindowWords = BadgeWords (*)(const Call&, const badges::BadgeOptions&, const BadgeForm&, std::int64_t,
                                   const std::string&);
Answer kuma_window(const Call& call, WindowWords words) {
  const std::string window = call.path.size() > 1 ? call.path[1] : "24";
  const auto options = options_of(call);
  const auto length = duration_ms(window);
  if (!length) return badge_answer(badges::not_found_badge(options), kSvg, 404);
  const bool bare = window.find_first_not_of("0123456789") == std::string::npos;
  return drawn(words(call, options, kSvg, *length, bare ? window + "h" : window), kSvg,
               [&call](badges::BadgeText& text) { wrap(call, text); });
}

Answer gatus_window(const Call& call, WindowWords words) {
  const auto options = options_of(call);
  const auto length = duration_ms(call.path[1]);
  if (!length) return badge_answer(badges::not_found_badge(options), kSvg, 404);
  return drawn(words(call, options, kSvg, *length, call.path[1]), kSvg, [](badges::BadgeText&) {});
}

struct KumaState {
  std::string_view word, label, color;
};
constexpr std::array<KumaState, 6> kKumaStates{{{"up", "upLabel", "upColor"},
                                                {"degraded", "upLabel", "upColor"},
                                                {"down", "downLabel", "downColor"},
                                                {"unknown", "pendingLabel", "pendingColor"},
                                                {"paused", "pendingLabel", "pendingColor"},
                                                {"maintenance", "maintenanceLabel", "maintenanceColor"}}};

}  // namespace

Answer kuma_status(Call& call) {
  return drawn(status_words(call, options_of(call), kStatusSvg), kStatusSvg, [&call](badges::BadgeText& text) {
    for (const KumaState& state : kKumaStates) {
      if (text.message != state.word) continue;
      recolor(call, state.color, text);
      reword(call, state.label, text);
      break;
    }
    wrap(call, text);
  });
}

Answer kuma_uptime(Call& call) { return kuma_window(call, uptime_words); }
Answer kuma_response(Call& call) { return kuma_window(call, response_words); }

Answer kuma_certificate(Call& call) {
  return drawn(cert_words(call, options_of(call), kSvg), kSvg, [&call](badges::BadgeText& text) { wrap(call, text); });
}

Answer gatus_uptime(Call& call) { return gatus_window(call, uptime_words); }
Answer gatus_response(Call& call) { return gatus_window(call, response_words); }
Answer gatus_health(Call& call) {
  return drawn(status_words(call, options_of(call), kStatusSvg), kStatusSvg, [](badges::BadgeText&) {});
}
Answer gatus_shields(Call& call) {
  return drawn(status_words(call, options_of(call), kStatusJson), kStatusJson, [](badges::BadgeText&) {});
}

}  // namespace everup::api
