// Instants as text: RFC 3339, proleptic Gregorian, years 1970 … 9999, no leap seconds inside (23:59:60 reads as the
// next minute). Calendar arithmetic is std::chrono's; nothing here reads a clock or a zone.
#include "core/time.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace everup {

namespace {

constexpr std::int64_t kLastMs = 253'402'300'799'999;  // 9999-12-31T23:59:59.999Z

// Takes digits off the front of a text; every failure sticks.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  int number(std::size_t digits) {
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (!digit_next()) return fail();
      value = value * 10 + (take() - '0');
    }
    return value;
  }
  void expect(std::string_view any_of) {
    if (text_.empty() || any_of.find(text_.front()) == std::string_view::npos) {
      fail();
    } else {
      text_.remove_prefix(1);
    }
  }
  bool accept(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool digit_next() const { return !text_.empty() && text_.front() >= '0' && text_.front() <= '9'; }
  char take() {
    const char c = text_.front();
    text_.remove_prefix(1);
    return c;
  }
  int fail() {
    good_ = false;
    text_ = {};
    return 0;
  }
  bool good() const { return good_; }
  bool done() const { return good_ && text_.empty(); }

 private:
  std::string_view text_;
  bool good_ = true;
};

// ".5" → 500; digits below a millisecond are read and cut.
int fraction_ms(Reader& in) {
  if (!in.accept('.')) return 0;
  if (!in.digit_next()) return in.fail();
  int ms = 0, scale = 100;
  for (; in.digit_next(); scale /= 10) ms += (in.take() - '0') * scale;
  return ms;
}

// "Z", "+01:00", "-23:59" → minutes east of UTC.
int offset_minutes(Reader& in) {
  if (in.accept('Z') || in.accept('z')) return 0;
  const int sign = in.accept('-') ? -1 : 1;
  if (sign == 1 && !in.accept('+')) return in.fail();
  const int hours = in.number(2);
  in.expect(":");
  const int minutes = in.number(2);
  if (hours > 23 || minutes > 59) return in.fail();
  return sign * (hours * 60 + minutes);
}

std::optional<WallTime> within_range(std::int64_t ms) {
  if (ms < 0 || ms > kLastMs) return std::nullopt;
  return WallTime{ms};
}

std::optional<WallTime> unix_seconds(std::string_view text) {
  if (text.empty() || text.size() > 12) return std::nullopt;
  std::int64_t seconds = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    seconds = seconds * 10 + (c - '0');
  }
  return within_range(seconds * 1000);
}

}  // namespace

Span intersect(Span a, Span b) { return {std::max(a.from, b.from), std::min(a.to, b.to)}; }

std::string rfc3339(WallTime t) {
  using namespace std::chrono;
  const sys_time<milliseconds> instant{milliseconds(std::clamp<std::int64_t>(t.ms, 0, kLastMs))};
  const auto day = floor<days>(instant);
  const year_month_day date{day};
  const hh_mm_ss<milliseconds> time{instant - day};
  std::array<char, 48> text{};
  const int head = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d",
                                 static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                                 static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                                 static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  std::string out(text.data(), static_cast<std::size_t>(head));
  if (const auto ms = static_cast<int>(time.subseconds().count()); ms != 0) {
    const int tail = std::snprintf(text.data(), text.size(), ".%03d", ms);
    out.append(text.data(), static_cast<std::size_t>(tail));
  }
  return out + 'Z';
}

std::optional<WallTime> parse_time(std::string_view text) {
  if (text.size() < 20) return unix_seconds(text);
  if (text.size() > 64) return std::nullopt;
  using namespace std::chrono;
  Reader in(text);
  const int y = in.number(4);
  in.expect("-");
  const int mo = in.number(2);
  in.expect("-");
  const int d = in.number(2);
  in.expect("Tt");
  const int h = in.number(2);
  in.expect(":");
  const int mi = in.number(2);
  in.expect(":");
  const int s = in.number(2);
  const int ms = fraction_ms(in);
  const int offset = offset_minutes(in);
  const year_month_day date{year{y}, month{static_cast<unsigned>(mo)}, day{static_cast<unsigned>(d)}};
  if (!in.done() || !date.ok() || h > 23 || mi > 59 || s > 60) return std::nullopt;
  const std::int64_t days_ms = sys_days{date}.time_since_epoch().count() * kDayMs;
  const std::int64_t minute = (h * 60 + mi - offset) * std::int64_t{60'000};
  // A leap second may only stand at the end of a UTC day (RFC 3339 5.7).
  if (s == 60 && (((minute % kDayMs) + kDayMs) % kDayMs) != kDayMs - 60'000) return std::nullopt;
  return within_range(days_ms + minute + s * std::int64_t{1000} + (s == 60 ? 0 : ms));
}

}  // namespace everup
