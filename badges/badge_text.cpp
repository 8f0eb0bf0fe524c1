// What badges say: figures and states → words and colours, and the query's options. See badge.h.
#include <algorithm>
#include <array>
#include <cstdint>

#include "badges/badge.h"
#include "badges/color.h"

namespace everup::badges {
namespace {

constexpr std::int64_t kFullPercent = 100'000;  // thousandths of a percent
constexpr std::int64_t kCoverageShownBelow = 95'000;

// Floored figures decide, so a badge never looks better than it reads.
Tone tone_of(std::int64_t uptime) {
  struct Step {
    std::int64_t at_least;
    Tone tone;
  };
  constexpr std::array<Step, 5> kSteps{{{99'950, Tone::kUp},
                                        {99'900, Tone::kAlmost},
                                        {99'500, Tone::kFair},
                                        {99'000, Tone::kDegraded},
                                        {97'000, Tone::kPartial}}};
  for (const Step& step : kSteps)
    if (uptime >= step.at_least) return step.tone;
  return Tone::kDown;
}

Tone tone_of(State state) {
  switch (state) {
    case State::kUp:
      return Tone::kUp;
    case State::kDegraded:
      return Tone::kDegraded;
    case State::kDown:
      return Tone::kDown;
    case State::kMaintenance:
      return Tone::kMaintenance;
    case State::kUnknown:
    case State::kPaused:
    case State::kBeforeCreation:
      return Tone::kNeutral;
  }
  return Tone::kNeutral;
}

BadgeText dressed(std::string label, std::string message, Tone tone, const BadgeOptions& options) {
  BadgeText out;
  out.label = options.label.value_or(std::move(label));
  out.message = std::move(message);
  out.label_color = options.label_color.value_or(std::string(tone_color(Tone::kLabel, options.palette)));
  out.message_color = options.color.value_or(std::string(tone_color(tone, options.palette)));
  out.id_suffix = options.id_suffix;
  out.style = options.style;
  return out;
}

std::string coverage_note(const Uptime& uptime, const BadgeOptions& options) {
  if (!options.coverage || !uptime.coverage || *uptime.coverage >= kCoverageShownBelow) return {};
  return " (" + std::to_string(*uptime.coverage * 100 / kFullPercent) + "% watched)";
}

// Sets one option, or says what is allowed.
using Setter = std::optional<std::string> (*)(BadgeOptions&, const std::string& value);

std::optional<std::string> set_style(BadgeOptions& options, const std::string& value) {
  constexpr std::array<std::pair<std::string_view, Style>, 4> kStyles{{{"flat", Style::kFlat},
                                                                       {"flat-square", Style::kFlatSquare},
                                                                       {"plastic", Style::kPlastic},
                                                                       {"for-the-badge", Style::kForTheBadge}}};
  for (const auto& [name, style] : kStyles) {
    if (value != name) continue;
    options.style = style;
    return std::nullopt;
  }
  return "flat, flat-square, plastic or for-the-badge";
}
std::optional<std::string> set_palette(BadgeOptions& options, const std::string& value) {
  if (value == "everup" || value == "shields") {
    options.palette = value == "shields" ? Palette::kShields : Palette::kEverup;
    return std::nullopt;
  }
  return "everup or shields";
}
std::optional<std::string> set_label(BadgeOptions& options, const std::string& value) {
  if (value.size() > 4 * kLabelMax) return "at most 64 characters";
  options.label = value;
  return std::nullopt;
}
std::optional<std::string> set_color(BadgeOptions& options, const std::string& value) {
  const auto color = parse_color(value, options.palette);
  if (!color) return color.error().what.substr(sizeof("color: ") - 1);
  options.color = *color;
  return std::nullopt;
}
std::optional<std::string> set_label_color(BadgeOptions& options, const std::string& value) {
  const auto color = parse_color(value, options.palette);
  if (!color) return color.error().what.substr(sizeof("color: ") - 1);
  options.label_color = *color;
  return std::nullopt;
}
std::optional<std::string> set_decimals(BadgeOptions& options, const std::string& value) {
  if (value.size() != 1 || value[0] < '0' || value[0] > '3') return "0, 1, 2 or 3";
  options.decimals = value[0] - '0';
  return std::nullopt;
}
std::optional<std::string> set_id_suffix(BadgeOptions& options, const std::string& value) {
  const auto allowed = value.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
  if (value.size() > kIdSuffixMax || allowed != std::string::npos) return "at most 32 of A-Z a-z 0-9 _ -";
  options.id_suffix = value;
  return std::nullopt;
}
std::optional<std::string> set_coverage(BadgeOptions& options, const std::string& value) {
  if (value != "on" && value != "off") return "on or off";
  options.coverage = value == "on";
  return std::nullopt;
}

struct OptionRow {
  std::string_view name;
  Setter set;
};
// palette stands first: it decides what named colours mean, wherever it stands in the query.
constexpr std::array<OptionRow, 8> kOptions{{{"palette", set_palette},
                                             {"style", set_style},
                                             {"label", set_label},
                                             {"color", set_color},
                                             {"labelColor", set_label_color},
                                             {"decimals", set_decimals},
                                             {"idSuffix", set_id_suffix},
                                             {"coverage", set_coverage}}};

}  // namespace

ParsedOptions parse_badge_options(const std::vector<std::pair<std::string, std::string>>& query) {
  ParsedOptions out;
  for (const OptionRow& row : kOptions) {
    for (const auto& [name, value] : query) {
      if (name != row.name) continue;
      if (auto allowed = row.set(out.options, value))
        out.errors.push_back(
            {std::string(row.name), "invalid_parameter", std::string(row.name) + " must be " + *allowed});
    }
  }
  return out;
}

BadgeText uptime_badge(const Uptime& uptime, const Tally& tally, std::string_view window, const BadgeOptions& options) {
  const std::string label = "uptime " + std::string(window);
  if (!uptime.uptime) return dressed(label, "n/a", Tone::kNeutral, options);
  const std::string figure = options.decimals ? display_percent(tally, options.decimals) : uptime.display;
  return dressed(label, figure + coverage_note(uptime, options), tone_of(*uptime.uptime), options);
}

BadgeText status_badge(State state, const BadgeOptions& options) {
  const std::string word = state == State::kBeforeCreation ? "unknown" : std::string(slug(state));
  return dressed("status", word, tone_of(state), options);
}

BadgeText response_badge(std::optional<std::int64_t> median_us, std::string_view window, const BadgeOptions& options) {
  const std::string label = "response " + std::string(window);
  if (!median_us) return dressed(label, "n/a", Tone::kNeutral, options);
  const std::int64_t ms = (std::max<std::int64_t>(*median_us, 0) + 500) / 1000;
  struct Step {
    std::int64_t below_ms;
    Tone tone;
  };
  constexpr std::array<Step, 4> kSteps{
      {{300, Tone::kUp}, {800, Tone::kFair}, {2000, Tone::kDegraded}, {5000, Tone::kPartial}}};
  Tone tone = Tone::kDown;
  for (auto step = kSteps.rbegin(); step != kSteps.rend(); ++step)
    if (ms < step->below_ms) tone = step->tone;
  const std::string figure = ms < 10'000 ? std::to_string(ms) + " ms" : std::to_string((ms + 500) / 1000) + " s";
  return dressed(label, figure, tone, options);
}

BadgeText cert_badge(std::optional<std::int64_t> days_left, const BadgeOptions& options) {
  constexpr std::int64_t kWarnDays = 14, kDownDays = 7;
  if (!days_left) return dressed("cert", "n/a", Tone::kNeutral, options);
  if (*days_left < 0) return dressed("cert", "expired", Tone::kDown, options);
  const Tone tone = *days_left >= kWarnDays ? Tone::kUp : *days_left >= kDownDays ? Tone::kDegraded : Tone::kDown;
  return dressed("cert", std::to_string(*days_left) + (*days_left == 1 ? " day" : " days"), tone, options);
}

BadgeText not_found_badge(const BadgeOptions& options) {
  BadgeText out = dressed("badge", "not found", Tone::kNeutral, options);
  out.is_error = true;
  return out;
}

}  // namespace everup::badges
