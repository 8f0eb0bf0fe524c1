// When a cron expression comes due, in a zone's local time: vixie's five fields and words, without seconds, @reboot and
// what newer crons add (L, W, #, ?). Pure; a value, any thread.
//
// Day of month and day of week: when both are restricted a day needs to fit one of them, else both (a field that begins
// with '*' is unrestricted). A local time that a zone skips comes due at the first instant after the gap; one that
// happens twice comes due the first time only. Known weakness: cron itself runs "every five minutes" through the
// repeated hour; here nothing is due in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/calendar.h"
#include "core/result.h"
#include "core/time.h"
#include "core/zone.h"

namespace everup {

class Cron {
 public:
  static constexpr std::size_t kTextMax = 200;
  // "*/5 8-18 * * mon-fri", "@daily". kInvalid: one sentence that names the field and what it may hold; also for an
  // expression that never comes due, such as the 30th of February.
  static Result<Cron> parse(std::string_view text);

  // The first instant strictly after `after` at which it comes due. nullopt: not within the next twelve years.
  std::optional<WallTime> next(WallTime after, const Zone& zone) const;
  // Does it come due in this minute of this day, by the calendar alone?
  bool fits(Date date, int hour, int minute) const;

 private:
  bool fits_day(Date date) const;
  std::optional<WallTime> next_on(Date date, int from_minute, WallTime after, const Zone& zone) const;

  std::uint64_t minutes_ = 0;   // bits 0 … 59
  std::uint32_t hours_ = 0;     // bits 0 … 23
  std::uint32_t days_ = 0;      // bits 1 … 31
  std::uint32_t months_ = 0;    // bits 1 … 12
  std::uint32_t weekdays_ = 0;  // bits 0 (Sunday) … 6
  bool any_day_ = false, any_weekday_ = false;
};

}  // namespace everup
