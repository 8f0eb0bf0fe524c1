// A repeated window is walked period by period (day, week, month), from the period before the asked span on, or from
// the first one when they are counted. Weakness: a COUNT of thousands is counted through at every call.
#include "core/maintenance.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>

namespace everup {

namespace {

using std::chrono::sys_days;

constexpr std::size_t kTextMax = 500;
constexpr int kPeriodsMax = 200'000;
constexpr int kYearMax = 9999;
constexpr std::array<std::string_view, 7> kDays{"SU", "MO", "TU", "WE", "TH", "FR", "SA"};

Error wrong(std::string what) { return {ErrorCode::kInvalid, std::move(what)}; }

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

std::optional<int> number_of(std::string_view text) {
  const bool minus = text.starts_with('-');
  if (minus || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || text.size() > 5) return std::nullopt;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return minus ? -value : value;
}

// "20261231", "20261231T235959", "20261231T235959Z".
std::optional<WallTime> until_of(std::string_view text, const Zone& zone) {
  const bool utc = text.ends_with('Z');
  if (utc) text.remove_suffix(1);
  if ((text.size() != 8 || utc) && text.size() != 15) return std::nullopt;
  const std::string day =
      std::string(text.substr(0, 4)) + "-" + std::string(text.substr(4, 2)) + "-" + std::string(text.substr(6, 2));
  const auto date = parse_date(day);
  if (!date) return std::nullopt;
  if (text.size() == 8) return day_span(*date, zone).to - milliseconds(1);
  if (text[8] != 'T') return std::nullopt;
  const auto hour = number_of(text.substr(9, 2)), minute = number_of(text.substr(11, 2)),
             second = number_of(text.substr(13, 2));
  const auto within = [](const std::optional<int>& n, int most) { return n && *n >= 0 && *n <= most; };
  if (!within(hour, 23) || !within(minute, 59) || !within(second, 59)) return std::nullopt;
  if (!utc) return local_to_utc(*date, *hour, *minute, *second, zone);
  return parse_time(day + "T" + std::string(text.substr(9, 2)) + ":" + std::string(text.substr(11, 2)) + ":" +
                    std::string(text.substr(13, 2)) + "Z");
}

// Calls `each` with every element of "a,b,c"; the first error ends it.
template <class Each>
Status for_each_of(std::string_view list, Each each) {
  for (;;) {
    const auto comma = std::min(list.find(','), list.size());
    if (Status status = each(list.substr(0, comma)); !status) return status;
    if (comma == list.size()) return ok();
    list.remove_prefix(comma + 1);
  }
}

Status read_frequency(std::string_view value, Recurrence& out) {
  if (value == "DAILY")
    out.every = Recurrence::Every::kDay;
  else if (value == "WEEKLY")
    out.every = Recurrence::Every::kWeek;
  else if (value == "MONTHLY")
    out.every = Recurrence::Every::kMonth;
  else
    return wrong("FREQ is DAILY, WEEKLY or MONTHLY");
  return ok();
}

Status read_by_day(std::string_view value, Recurrence& out) {
  return for_each_of(value, [&](std::string_view part) -> Status {
    const Error bad =
        wrong("BYDAY holds MO, TU, WE, TH, FR, SA, SU; with FREQ=MONTHLY also 1MO to 5MO and -1MO to -5MO");
    if (part.size() < 2 || out.by_day.size() == 14) return bad;
    const auto day = std::find(kDays.begin(), kDays.end(), part.substr(part.size() - 2));
    const auto nth = part.size() == 2 ? std::optional(0) : number_of(part.substr(0, part.size() - 2));
    if (day == kDays.end() || !nth || *nth < -5 || *nth > 5 || (part.size() > 2 && *nth == 0)) return bad;
    out.by_day.push_back({static_cast<int>(day - kDays.begin()), *nth});
    return ok();
  });
}

Status read_month_days(std::string_view value, Recurrence& out) {
  return for_each_of(value, [&](std::string_view part) -> Status {
    const auto day = number_of(part);
    if (!day || *day == 0 || *day < -31 || *day > 31 || out.by_month_day.size() == 31)
      return wrong("BYMONTHDAY holds days 1 to 31, or -1 to -31 counted from the month's end");
    out.by_month_day.push_back(*day);
    return ok();
  });
}

Status read_part(std::string_view name, std::string_view value, const Zone& zone, Recurrence& out) {
  if (name == "FREQ") return read_frequency(value, out);
  if (name == "BYDAY") return read_by_day(value, out);
  if (name == "BYMONTHDAY") return read_month_days(value, out);
  if (name == "UNTIL") {
    out.until = until_of(value, zone);
    return out.until ? ok() : Status(wrong("UNTIL is a day such as 20261231, or 20261231T220000Z"));
  }
  if (name == "WKST") return value == "MO" ? ok() : Status(wrong("WKST is MO: weeks begin on Monday here"));
  const auto number = number_of(value);
  if (name == "INTERVAL") {
    out.interval = number.value_or(0);
    return number && *number >= 1 && *number <= 400 ? ok() : Status(wrong("INTERVAL is 1 to 400"));
  }
  if (name == "COUNT") {
    out.count = number;
    return number && *number >= 1 && *number <= 10'000 ? ok() : Status(wrong("COUNT is 1 to 10000"));
  }
  return wrong("'" + std::string(name.substr(0, 40)) +
               "' is not known here; known are FREQ, INTERVAL, BYDAY, BYMONTHDAY, COUNT, UNTIL and WKST");
}

Status check(const Recurrence& r, bool has_frequency) {
  if (!has_frequency) return wrong("a rule begins with FREQ=DAILY, FREQ=WEEKLY or FREQ=MONTHLY");
  if (r.count && r.until) return wrong("COUNT and UNTIL exclude each other");
  const bool month = r.every == Recurrence::Every::kMonth;
  if (r.every == Recurrence::Every::kDay && !r.by_day.empty())
    return wrong("BYDAY belongs to FREQ=WEEKLY and FREQ=MONTHLY");
  if (!month && !r.by_month_day.empty()) return wrong("BYMONTHDAY belongs to FREQ=MONTHLY");
  const bool nth = std::any_of(r.by_day.begin(), r.by_day.end(), [](const auto& day) { return day.nth != 0; });
  if (!month && nth) return wrong("an nth weekday such as 2TU belongs to FREQ=MONTHLY");
  if (!r.by_day.empty() && !r.by_month_day.empty()) return wrong("BYDAY and BYMONTHDAY exclude each other here");
  return ok();
}

// ---- days
// ---------------------------------------------------------------------------------------------------------------

sys_days days_of(Date d) {
  return std::chrono::year{d.year} / std::chrono::month{static_cast<unsigned>(d.month)} /
         std::chrono::day{static_cast<unsigned>(d.day)};
}
Date date_of_days(sys_days days) {
  const std::chrono::year_month_day ymd{days};
  return {static_cast<int>(ymd.year()), static_cast<int>(static_cast<unsigned>(ymd.month())),
          static_cast<int>(static_cast<unsigned>(ymd.day()))};
}
int weekday_of(sys_days days) { return static_cast<int>(std::chrono::weekday{days}.c_encoding()); }
int days_in(int year, int month) {
  const std::chrono::year_month_day_last last{std::chrono::year{year} /
                                              std::chrono::month{static_cast<unsigned>(month)} / std::chrono::last};
  return static_cast<int>(static_cast<unsigned>(last.day()));
}

struct Local {
  sys_days day;
  int second = 0;  // of the day
};
Local shown(WallTime t, const Zone& zone) {
  const std::chrono::sys_time<milliseconds> local{milliseconds(t.ms + std::int64_t{1000} * zone.offset_s(t))};
  const auto day = std::chrono::floor<std::chrono::days>(local);
  return {day, static_cast<int>(std::chrono::floor<std::chrono::seconds>(local - day).count())};
}

// The days of one rule, period by period.
class Days {
 public:
  Days(const Recurrence& rule, sys_days first) : rule_(rule), first_(first) {
    const Date date = date_of_days(first);
    monday_ = first - std::chrono::days((weekday_of(first) + 6) % 7);
    month_ = date.year * 12 + date.month - 1;
    day_of_month_ = date.day;
  }
  // A period that begins before `day`, and none of whose followers is left out.
  int period_before(sys_days day) const {
    const auto away = (day - first_).count();
    const int unit = rule_.every == Recurrence::Every::kDay ? 1 : rule_.every == Recurrence::Every::kWeek ? 7 : 31;
    return static_cast<int>(std::max<std::int64_t>(0, away / unit / rule_.interval - 1));
  }
  sys_days begin_of(int period) const {
    switch (rule_.every) {
      case Recurrence::Every::kDay:
        return first_ + std::chrono::days(period * rule_.interval);
      case Recurrence::Every::kWeek:
        return monday_ + std::chrono::days(7 * period * rule_.interval);
      case Recurrence::Every::kMonth:
        return days_of({month_of(period) / 12, month_of(period) % 12 + 1, 1});
    }
    assertion_failed("a frequency of the table", __FILE__, __LINE__);
  }
  // Ascending, none twice, none before the first.
  std::vector<sys_days> of(int period) const {
    std::vector<sys_days> days;
    switch (rule_.every) {
      case Recurrence::Every::kDay:
        days.push_back(begin_of(period));
        break;
      case Recurrence::Every::kWeek:
        week(begin_of(period), days);
        break;
      case Recurrence::Every::kMonth:
        month(begin_of(period), days);
        break;
    }
    std::sort(days.begin(), days.end());
    days.erase(std::unique(days.begin(), days.end()), days.end());
    std::erase_if(days, [this](sys_days day) { return day < first_; });
    return days;
  }

 private:
  int month_of(int period) const { return month_ + period * rule_.interval; }
  void week(sys_days monday, std::vector<sys_days>& days) const {
    if (rule_.by_day.empty()) days.push_back(monday + (first_ - monday_));
    for (const auto& day : rule_.by_day) days.push_back(monday + std::chrono::days((day.weekday + 6) % 7));
  }
  void month(sys_days begin, std::vector<sys_days>& days) const {
    const Date date = date_of_days(begin);
    const int length = days_in(date.year, date.month);
    const auto add = [&](int day) {
      if (day >= 1 && day <= length) days.push_back(begin + std::chrono::days(day - 1));
    };
    if (rule_.by_day.empty() && rule_.by_month_day.empty()) add(day_of_month_);
    for (const int day : rule_.by_month_day) add(day > 0 ? day : length + 1 + day);
    for (const auto& wanted : rule_.by_day) {
      const int first = 1 + (wanted.weekday - weekday_of(begin) + 7) % 7;
      const int last = first + (length - first) / 7 * 7;
      if (wanted.nth > 0) add(first + 7 * (wanted.nth - 1));
      if (wanted.nth < 0) add(last + 7 * (wanted.nth + 1));
      for (int day = first; wanted.nth == 0 && day <= length; day += 7) add(day);
    }
  }

  const Recurrence& rule_;
  sys_days first_, monday_;
  int month_ = 0, day_of_month_ = 1;
};

}  // namespace

Result<Recurrence> parse_rrule(std::string_view given, const Zone& zone) {
  if (given.size() > kTextMax) return wrong("a rule has at most 500 characters");
  const std::string whole = upper(given);
  std::string_view text = whole;
  if (text.starts_with("RRULE:")) text.remove_prefix(6);
  Recurrence out;
  std::vector<std::string_view> seen;
  while (!text.empty()) {
    const auto end = std::min(text.find(';'), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) return wrong("a rule is made of NAME=VALUE with ';' between them");
    const std::string_view name = part.substr(0, equals);
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) return wrong(std::string(name) + " comes once");
    seen.push_back(name);
    if (Status status = read_part(name, part.substr(equals + 1), zone, out); !status) return status.error();
  }
  const bool has_frequency = std::find(seen.begin(), seen.end(), "FREQ") != seen.end();
  if (Status status = check(out, has_frequency); !status) return status.error();
  return out;
}

bool starts_by_its_rule(const MaintenanceRule& rule) {
  if (!rule.repeats) return true;
  const sys_days first = shown(rule.starts_at, *rule.zone).day;
  const auto days = Days(*rule.repeats, first).of(0);
  return !days.empty() && days.front() == first;
}

std::vector<Span> occurrences(const MaintenanceRule& rule, Span window, std::size_t most) {
  std::vector<Span> out;
  const auto offer = [&](WallTime from) {
    const Span span{from, from + rule.length};
    const bool again = !out.empty() && out.back().from == from;
    if (span.to > window.from && from < window.to && !span.empty() && !again) out.push_back(span);
    return out.size() < most && from < window.to;
  };
  if (most == 0 || window.empty()) return out;
  if (!rule.repeats) {
    offer(rule.starts_at);
    return out;
  }
  const Local first = shown(rule.starts_at, *rule.zone);
  const Days days(*rule.repeats, first.day);
  const WallTime earliest{std::max(window.from.ms - rule.length.count(), rule.starts_at.ms)};
  const int begin = rule.repeats->count ? 0 : days.period_before(shown(earliest, *rule.zone).day);
  int counted = 0;
  for (int period = begin; period - begin < kPeriodsMax; ++period) {
    const sys_days opens = days.begin_of(period);
    if (date_of_days(opens).year > kYearMax) break;
    const std::int64_t opens_ms = std::int64_t{opens.time_since_epoch().count()} * kDayMs;
    if (opens_ms - 2 * kDayMs > window.to.ms) break;
    for (const sys_days day : days.of(period)) {
      if (rule.repeats->count && ++counted > *rule.repeats->count) return out;
      const WallTime from = day == first.day ? rule.starts_at
                                             : local_to_utc(date_of_days(day), first.second / 3600,
                                                            first.second / 60 % 60, first.second % 60, *rule.zone);
      if ((rule.repeats->until && from > *rule.repeats->until) || !offer(from)) return out;
    }
  }
  return out;
}

}  // namespace everup
