// See strip.h. All numbers are integers; the text in it is made here, from dates and figures only, and needs no
// escaping
// ("<0.001%" is the one exception and is escaped).
#include "reports/strip.h"

#include <algorithm>
#include <array>

#include "reports/words.h"

namespace everup::reports {
namespace {

constexpr int kHeight = 40;
constexpr int kPitch = 10;
constexpr int kWidth = 8;
constexpr int kLeast = 4;                  // what is shown at all is at least so high
constexpr int kLeastDown = 6;              // a down of one second is seen
constexpr std::int64_t kShownPercent = 1;  // of the day; below it unknown, pauses and maintenance are left to the table

// From the bottom of a bar to its top.
constexpr std::array<State, 7> kPile{State::kDown,          State::kDegraded,    State::kUp,
                                     State::kUnknown,       State::kMaintenance, State::kPaused,
                                     State::kBeforeCreation};

std::int64_t ms_of(const Tally& t, State state) {
  switch (state) {
    case State::kUp:
      return t.up_ms;
    case State::kDegraded:
      return t.degraded_ms;
    case State::kDown:
      return t.down_ms;
    case State::kUnknown:
      return t.unknown_ms;
    case State::kMaintenance:
      return t.maintenance_ms;
    case State::kPaused:
      return t.paused_ms;
    case State::kBeforeCreation:
      return t.before_creation_ms;
  }
  return 0;
}

int least_height(State state) { return state == State::kDown ? kLeastDown : kLeast; }

bool always_shown(State state) { return state == State::kDown || state == State::kDegraded || state == State::kUp; }

// Heights in the order of kPile; they add up to kHeight unless the day is empty.
std::array<int, kPile.size()> heights_of(const Tally& t) {
  std::array<int, kPile.size()> heights{};
  const std::int64_t total = t.total_ms();
  if (total <= 0) return heights;
  int sum = 0;
  for (std::size_t i = 0; i < kPile.size(); ++i) {
    const std::int64_t ms = ms_of(t, kPile[i]);
    if (ms == 0 || (!always_shown(kPile[i]) && ms * 100 < total * kShownPercent)) continue;
    heights[i] = std::max(static_cast<int>(ms * kHeight / total), least_height(kPile[i]));
    sum += heights[i];
  }
  *std::max_element(heights.begin(), heights.end()) +=
      kHeight - sum;  // seven parts of at most 6 leave the largest one room
  return heights;
}

std::string escaped(std::string text) {
  const auto at = text.find('<');
  if (at != std::string::npos) text.replace(at, 1, "&lt;");
  return text;
}

std::string path_of(const std::vector<DayFigures>& days, std::size_t first, std::size_t count, std::size_t part) {
  std::string path;
  for (std::size_t i = 0; i < count; ++i) {
    const auto heights = heights_of(days[first + i].tally);
    if (heights[part] <= 0) continue;
    int below = 0;
    for (std::size_t lower = 0; lower < part; ++lower) below += heights[lower];
    path += "M" + std::to_string(static_cast<int>(i) * kPitch + 1) + " " + std::to_string(kHeight - below) + "v-" +
            std::to_string(heights[part]) + "h" + std::to_string(kWidth) + "v" + std::to_string(heights[part]) + "z";
  }
  return path;
}

}  // namespace

std::string day_text(const DayFigures& day) {
  std::string text = date_text(day.date) + ": ";
  text += day.uptime.uptime ? day.uptime.display + " up" : std::string("nothing judged");
  if (day.tally.down_ms > 0) text += ", down " + duration_text(day.tally.down_ms);
  if (day.tally.degraded_ms > 0) text += ", degraded " + duration_text(day.tally.degraded_ms);
  if (day.tally.unknown_ms > 0) text += ", unknown " + duration_text(day.tally.unknown_ms);
  if (day.tally.incidents > 0) text += ", " + counted(day.tally.incidents, "incident", "incidents");
  return text;
}

std::string strip_patterns() {
  return "<svg class=\"patterns\" width=\"0\" height=\"0\" aria-hidden=\"true\" focusable=\"false\"><defs>"
         "<pattern id=\"hatch\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" "
         "patternTransform=\"rotate(45)\">"
         "<rect class=\"hatch-ground\" width=\"5\" height=\"5\"/><rect class=\"hatch-line\" width=\"2\" "
         "height=\"5\"/></pattern>"
         "<pattern id=\"dots\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\">"
         "<circle class=\"dot\" cx=\"1.5\" cy=\"1.5\" r=\"1\"/></pattern>"
         "<pattern id=\"bars\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\">"
         "<rect class=\"bar-ground\" width=\"4\" height=\"4\"/><rect class=\"bar-line\" width=\"4\" "
         "height=\"2\"/></pattern>"
         "</defs></svg>";
}

std::string strip_svg(const std::vector<DayFigures>& days, std::size_t first, std::size_t count,
                      const std::string& label) {
  std::string svg = "<svg class=\"strip\" viewBox=\"0 0 " + std::to_string(static_cast<int>(count) * kPitch) + " " +
                    std::to_string(kHeight) + "\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"" + label +
                    "\">";
  for (std::size_t part = 0; part < kPile.size(); ++part) {
    const std::string path = path_of(days, first, count, part);
    if (!path.empty()) svg += "<path class=\"fill-" + std::string(state_class(kPile[part])) + "\" d=\"" + path + "\"/>";
  }
  for (std::size_t i = 0; i < count; ++i) {
    svg += "<rect class=\"day\" x=\"" + std::to_string(static_cast<int>(i) * kPitch) + "\" width=\"" +
           std::to_string(kPitch) + "\" height=\"" + std::to_string(kHeight) + "\"><title>" +
           escaped(day_text(days[first + i])) + "</title></rect>";
  }
  return svg + "</svg>";
}

}  // namespace everup::reports
