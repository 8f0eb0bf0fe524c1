// See strip.h. All numbers are integers.
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

std::string path_of(const std::vector<Bar>& bars, std::size_t first, std::size_t count, std::size_t part) {
  std::string path;
  for (std::size_t i = 0; i < count; ++i) {
    const auto heights = heights_of(bars[first + i].tally);
    if (heights[part] <= 0) continue;
    int below = 0;
    for (std::size_t lower = 0; lower < part; ++lower) below += heights[lower];
    path += "M" + std::to_string(static_cast<int>(i) * kPitch + 1) + " " + std::to_string(kHeight - below) + "v-" +
            std::to_string(heights[part]) + "h" + std::to_string(kWidth) + "v" + std::to_string(heights[part]) + "z";
  }
  return path;
}

// The place of a bar that the pointer and the keyboard find.
std::string handle_of(const Bar& bar, std::size_t at) {
  const std::string text = escaped(bar.text);
  const std::string area = "<rect class=\"day\" x=\"" + std::to_string(static_cast<int>(at) * kPitch) + "\" width=\"" +
                           std::to_string(kPitch) + "\" height=\"" + std::to_string(kHeight) + "\"><title>" + text +
                           "</title></rect>";
  if (bar.href.empty()) return area;
  return "<a href=\"" + escaped(bar.href) + "\" aria-label=\"" + text + "\">" + area + "</a>";
}

// The later in this order, the worse: it hides what shares its minute.
constexpr std::array<State, 7> kBadness{State::kBeforeCreation, State::kUp,       State::kPaused, State::kMaintenance,
                                        State::kUnknown,        State::kDegraded, State::kDown};

std::size_t badness(State state) {
  return static_cast<std::size_t>(std::find(kBadness.begin(), kBadness.end(), state) - kBadness.begin());
}

// One entry a minute: 1 + badness, 0: nothing known.
std::vector<std::size_t> minutes_of(const Timeline& timeline, Span whole) {
  std::vector<std::size_t> minutes(static_cast<std::size_t>((whole.length().count() + kMinuteMs - 1) / kMinuteMs));
  const auto last = static_cast<std::int64_t>(minutes.size()) - 1;
  for (const LedgerSpan& piece : timeline) {
    const Span part = intersect(piece.span, whole);
    if (part.empty()) continue;
    const std::int64_t from = (part.from - whole.from).count() / kMinuteMs;
    std::int64_t to = ((part.to - whole.from).count() - 1) / kMinuteMs;
    if (piece.state == State::kDown) to = std::max(to, std::min(last, from + kDownMinutes - 1));
    for (std::int64_t i = from; i <= to; ++i) {
      auto& minute = minutes[static_cast<std::size_t>(i)];
      minute = std::max(minute, badness(piece.state) + 1);
    }
  }
  return minutes;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string bar_text(const std::string& name, const Tally& tally, const Uptime& uptime) {
  std::string text = name + ": " + (uptime.uptime ? uptime.display + " up" : std::string("nothing judged"));
  if (tally.down_ms > 0) text += ", down " + duration_text(tally.down_ms);
  if (tally.degraded_ms > 0) text += ", degraded " + duration_text(tally.degraded_ms);
  if (tally.unknown_ms > 0) text += ", unknown " + duration_text(tally.unknown_ms);
  if (tally.incidents > 0) text += ", " + counted(tally.incidents, "incident", "incidents");
  return text;
}

std::vector<Bar> bars_of(const std::vector<DayFigures>& days, const ReportLinks& links) {
  std::vector<Bar> bars;
  for (const DayFigures& day : days)
    bars.push_back({day.tally, bar_text(date_text(day.date), day.tally, day.uptime), links.to(to_string(day.date))});
  return bars;
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

std::string strip_svg(const std::vector<Bar>& bars, std::size_t first, std::size_t count, const std::string& label) {
  const bool links = count > 0 && !bars[first].href.empty();
  std::string svg = "<svg class=\"strip\" viewBox=\"0 0 " + std::to_string(static_cast<int>(count) * kPitch) + " " +
                    std::to_string(kHeight) + "\" preserveAspectRatio=\"none\" role=\"" + (links ? "group" : "img") +
                    "\" aria-label=\"" + escaped(label) + "\">";
  for (std::size_t part = 0; part < kPile.size(); ++part) {
    const std::string path = path_of(bars, first, count, part);
    if (!path.empty()) svg += "<path class=\"fill-" + std::string(state_class(kPile[part])) + "\" d=\"" + path + "\"/>";
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!bars[first + i].text.empty()) svg += handle_of(bars[first + i], i);
  }
  return svg + "</svg>";
}

std::string strip_key(const std::array<std::string_view, 7>& texts) {
  constexpr std::array<std::string_view, 7> kNames{"up",          "degraded", "down",  "unknown",
                                                   "maintenance", "paused",   "before"};
  std::string out;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    out += "<li><svg viewBox=\"0 0 10 12\" aria-hidden=\"true\" focusable=\"false\"><path class=\"fill-" +
           std::string(kNames[i]) + "\" d=\"M1 0h8v12h-8z\"/></svg>" + escaped(texts[i]) + "</li>\n";
  }
  return out;
}

std::string strip_key() {
  return strip_key(
      {"up", "degraded (counts as up)", "down", "unknown: nobody watched", "maintenance", "paused", "not watched yet"});
}

std::string timeline_svg(const Timeline& timeline, Span whole, const std::string& label) {
  const auto minutes = minutes_of(timeline, whole);
  std::array<std::string, kBadness.size()> paths;
  for (std::size_t from = 0; from < minutes.size();) {
    std::size_t to = from;
    while (to < minutes.size() && minutes[to] == minutes[from]) ++to;
    if (minutes[from] != 0) {
      paths[minutes[from] - 1] +=
          "M" + std::to_string(from) + " 0h" + std::to_string(to - from) + "v40h-" + std::to_string(to - from) + "z";
    }
    from = to;
  }
  std::string svg = "<svg class=\"strip timeline\" viewBox=\"0 0 " + std::to_string(minutes.size()) +
                    " 40\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"" + escaped(label) + "\">";
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (!paths[i].empty())
      svg += "<path class=\"fill-" + std::string(state_class(kBadness[i])) + "\" d=\"" + paths[i] + "\"/>";
  }
  return svg + "</svg>";
}

}  // namespace everup::reports
