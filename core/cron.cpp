// Days are walked one by one, the minutes of a day in order: the first that lies after the asked instant is the answer,
// because local_to_utc() never goes back when local time goes on.
#include "core/cron.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>

namespace everup {

namespace {

constexpr int kDaysMax = 12 * 366;  // 29 February may be eight years away (1896 to 1904), and a weekday is no help
constexpr int kMinutesOfDay = 24 * 60;

struct FieldFacts {
  std::string_view name;
  int low, high;
  std::string_view words;  // of three letters, from `low` on; empty: none
};
constexpr std::array<FieldFacts, 5> kFields{{{"minute", 0, 59, ""},
                                             {"hour", 0, 23, ""},
                                             {"day of the month", 1, 31, ""},
                                             {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
                                             {"day of the week", 0, 7, "sunmontuewedthufrisat"}}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kWords{{{"@yearly", "0 0 1 1 *"},
                                                                               {"@annually", "0 0 1 1 *"},
                                                                               {"@monthly", "0 0 1 * *"},
                                                                               {"@weekly", "0 0 * * 0"},
                                                                               {"@daily", "0 0 * * *"},
                                                                               {"@midnight", "0 0 * * *"},
                                                                               {"@hourly", "0 * * * *"}}};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::optional<int> number_of(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<int> value_of(std::string_view text, const FieldFacts& field) {
  const auto number = number_of(text);
  if (number) return *number >= field.low && *number <= field.high ? number : std::nullopt;
  if (text.size() != 3) return std::nullopt;
  for (std::size_t at = 0; at < field.words.size(); at += 3) {
    if (field.words.substr(at, 3) == text) return field.low + static_cast<int>(at / 3);
  }
  return std::nullopt;
}

Error wrong(const FieldFacts& field, std::string_view part) {
  std::string allowed = std::to_string(field.low) + " to " + std::to_string(field.high);
  if (!field.words.empty()) allowed += ", names such as " + std::string(field.words.substr(0, 3));
  return {ErrorCode::kInvalid, "the " + std::string(field.name) + " '" + std::string(part.substr(0, 40)) +
                                   "' is not understood; allowed are " + allowed +
                                   ", ranges a-b, lists a,b and steps */n or a-b/n"};
}

// One element of a list: "*", "5", "mon-fri", "*/10", "8-18/2", "5/15" (from 5 on).
Result<std::uint64_t> bits_of_part(std::string_view part, const FieldFacts& field) {
  const auto slash = std::min(part.find('/'), part.size());
  const std::string_view range = part.substr(0, slash);
  int step = 1;
  if (slash < part.size()) {
    const auto given = number_of(part.substr(slash + 1));
    if (!given || *given < 1 || *given > field.high) return wrong(field, part);
    step = *given;
  }
  int from = field.low, to = field.high;
  if (range != "*") {
    const auto dash = std::min(range.find('-'), range.size());
    const auto first = value_of(range.substr(0, dash), field);
    const auto last = dash < range.size() ? value_of(range.substr(dash + 1), field) : first;
    if (!first || !last || *last < *first) return wrong(field, part);
    from = *first;
    to = dash < range.size() || slash == part.size() ? *last : field.high;
  }
  std::uint64_t bits = 0;
  for (int value = from; value <= to; value += step) bits |= std::uint64_t{1} << static_cast<unsigned>(value);
  return bits;
}

Result<std::uint64_t> bits_of(std::string_view text, const FieldFacts& field) {
  std::uint64_t bits = 0;
  for (;;) {
    const auto comma = std::min(text.find(','), text.size());
    const auto part = bits_of_part(text.substr(0, comma), field);
    if (!part) return part.error();
    bits |= *part;
    if (comma == text.size()) return bits;
    text.remove_prefix(comma + 1);
  }
}

std::optional<std::array<std::string_view, 5>> five_fields(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  std::array<std::string_view, 5> out;
  std::size_t count = 0;
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
    if (text.empty()) break;
    if (count == out.size()) return std::nullopt;
    out[count++] = text.substr(0, text.find_first_of(kBlank));
    text.remove_prefix(out[count - 1].size());
  }
  return count == out.size() ? std::optional(out) : std::nullopt;
}

bool has(std::uint64_t bits, int bit) { return (bits >> static_cast<unsigned>(bit) & 1U) != 0; }

int weekday_of(Date date) {
  const std::chrono::sys_days days{std::chrono::year{date.year} / static_cast<int>(date.month) / date.day};
  return static_cast<int>(std::chrono::weekday{days}.c_encoding());
}

// Whether some month of it has such a day; weekdays are in every month.
bool ever(std::uint64_t days, std::uint64_t months) {
  constexpr std::array<int, 12> kLongest{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  for (int month = 1; month <= 12; ++month) {
    if (!has(months, month)) continue;
    for (int day = 1; day <= kLongest.at(static_cast<std::size_t>(month - 1)); ++day) {
      if (has(days, day)) return true;
    }
  }
  return false;
}

}  // namespace

Result<Cron> Cron::parse(std::string_view given) {
  if (given.size() > kTextMax) return Error{ErrorCode::kInvalid, "a cron expression has at most 200 characters"};
  std::string text = lower(given);
  if (text.starts_with('@')) {
    const auto word = std::find_if(kWords.begin(), kWords.end(), [&](const auto& w) { return w.first == text; });
    if (word == kWords.end()) {
      return Error{ErrorCode::kInvalid, "the words are @hourly, @daily, @midnight, @weekly, @monthly and @yearly"};
    }
    text = word->second;
  }
  const auto fields = five_fields(text);
  if (!fields) {
    return Error{ErrorCode::kInvalid,
                 "must be five fields (minute, hour, day of the month, month, day of the week) such as \"0 3 * * *\", "
                 "or @hourly, @daily, @weekly, @monthly, @yearly"};
  }
  std::array<std::uint64_t, 5> bits{};
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    const auto read = bits_of((*fields)[i], kFields[i]);
    if (!read) return read.error();
    bits[i] = *read;
  }
  Cron cron;
  cron.minutes_ = bits[0];
  cron.hours_ = static_cast<std::uint32_t>(bits[1]);
  cron.days_ = static_cast<std::uint32_t>(bits[2]);
  cron.months_ = static_cast<std::uint32_t>(bits[3]);
  cron.weekdays_ = static_cast<std::uint32_t>((bits[4] | bits[4] >> 7U) & 0x7FU);  // 7 is Sunday too
  cron.any_day_ = (*fields)[2].starts_with('*');
  cron.any_weekday_ = (*fields)[4].starts_with('*');
  const bool by_day_alone = cron.any_day_ || cron.any_weekday_;
  if (by_day_alone && !ever(cron.days_, cron.months_)) {
    return Error{ErrorCode::kInvalid, "it never comes due: none of its months has such a day"};
  }
  return cron;
}

bool Cron::fits_day(Date date) const {
  if (!has(months_, date.month)) return false;
  const bool day = has(days_, date.day), weekday = has(weekdays_, weekday_of(date));
  return any_day_ || any_weekday_ ? day && weekday : day || weekday;
}

bool Cron::fits(Date date, int hour, int minute) const {
  return has(minutes_, minute) && has(hours_, hour) && fits_day(date);
}

std::optional<WallTime> Cron::next_on(Date date, int from_minute, WallTime after, const Zone& zone) const {
  for (int at = from_minute; at < kMinutesOfDay; ++at) {
    if (!has(hours_, at / 60)) {
      at += 59 - at % 60;
      continue;
    }
    if (!has(minutes_, at % 60)) continue;
    const WallTime due = local_to_utc(date, at / 60, at % 60, 0, zone);
    if (due > after) return due;
  }
  return std::nullopt;
}

// From what the clock on the wall shows at `after`: every earlier local time has come due by then.
std::optional<WallTime> Cron::next(WallTime after, const Zone& zone) const {
  const std::int64_t shown = after.ms + std::int64_t{1000} * zone.offset_s(after);
  const std::int64_t day = shown >= 0 ? shown / kDayMs : (shown - kDayMs + 1) / kDayMs;
  const std::chrono::year_month_day ymd{std::chrono::sys_days{std::chrono::days{day}}};
  Date date{static_cast<int>(ymd.year()), static_cast<int>(static_cast<unsigned>(ymd.month())),
            static_cast<int>(static_cast<unsigned>(ymd.day()))};
  int from_minute = static_cast<int>((shown - day * kDayMs) / 60'000);
  for (int days = 0; days < kDaysMax; ++days, date = next_day(date), from_minute = 0) {
    if (!fits_day(date)) continue;
    if (const auto due = next_on(date, from_minute, after, zone)) return due;
  }
  return std::nullopt;
}

}  // namespace everup
