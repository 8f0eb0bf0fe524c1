// See words.h.
#include "reports/words.h"

#include <array>
#include <cstddef>

namespace everup::reports {

std::string_view state_word(State state) {
  switch (state) {
    case State::kUp:
      return "Up";
    case State::kDegraded:
      return "Degraded";
    case State::kDown:
      return "Down";
    case State::kUnknown:
      return "Unknown";
    case State::kMaintenance:
      return "Maintenance";
    case State::kPaused:
      return "Paused";
    case State::kBeforeCreation:
      return "Not watched yet";
  }
  return "Unknown";
}

std::string_view state_class(State state) { return state == State::kBeforeCreation ? "before" : slug(state); }

std::string short_date_text(Date date) {
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto month = static_cast<std::size_t>((date.month + 11) % 12);
  return std::to_string(date.day) + " " + std::string(kMonths[month]);
}

std::string date_text(Date date) { return short_date_text(date) + " " + std::to_string(date.year); }

std::string_view window_title(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kTitles{
      {{"24h", "24 hours"}, {"7d", "7 days"}, {"30d", "30 days"}, {"90d", "90 days"}, {"365d", "365 days"}}};
  for (const auto& [known, title] : kTitles)
    if (known == name) return title;
  return name;
}

std::string counted(std::int64_t n, std::string_view one, std::string_view many) {
  return std::to_string(n) + " " + std::string(n == 1 ? one : many);
}

}  // namespace everup::reports
