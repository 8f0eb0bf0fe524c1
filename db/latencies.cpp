// What looks took: points of a short window from the looks, steps of a long one from the tallied days (cold_rows.h).
#include <algorithm>
#include <pqxx/pqxx>

#include "db/cold_rows.h"

namespace everup::db {
namespace {

WallTime down_to(WallTime at, std::int64_t width) { return WallTime{at.ms / width * width}; }
WallTime up_to(WallTime at, std::int64_t width) { return WallTime{(at.ms + width - 1) / width * width}; }

LatencyPart* part_at(LatencySteps& steps, WallTime at) {
  if (at < steps.first) return nullptr;
  const auto index = static_cast<std::size_t>((at.ms - steps.first.ms) / steps.step.count());
  return index < steps.parts.size() ? &steps.parts[index] : nullptr;
}

std::string corrupt_day(const LookSource& source, WallTime day, const std::string& why) {
  return to_string(source.monitor) + ", day of " + rfc3339(day) + ": " + why;
}

// Whole days of [from, to), both starts of days.
Status add_days(const LookSource& source, WallTime from, WallTime to, LatencySteps& out) {
  if (to <= from) return ok();
  for (const auto& row : source.days(from, to, true)) {
    const WallTime day{row[0].as<std::int64_t>()};
    const auto whole = unpack_latency(bytes_in(row[1]));
    if (!whole) return Error{whole.error().code, corrupt_day(source, day, whole.error().what)};
    if (LatencyPart* part = part_at(out, day)) part->merge(*whole);
  }
  return ok();
}

// Whole hours of [from, to), both starts of hours.
Status add_hours(const LookSource& source, WallTime from, WallTime to, LatencySteps& out) {
  if (to <= from) return ok();
  for (const auto& row : source.days(down_to(from, kDayMs), up_to(to, kDayMs), false)) {
    const WallTime day{row[0].as<std::int64_t>()};
    const auto hours = unpack_latency_hours(bytes_in(row[1]));
    if (!hours) return Error{hours.error().code, corrupt_day(source, day, hours.error().what)};
    for (std::size_t i = 0; i < hours->size(); ++i) {
      const WallTime hour = day + milliseconds(static_cast<std::int64_t>(i) * kHourMs);
      LatencyPart* part = hour >= from && hour < to ? part_at(out, hour) : nullptr;
      if (part != nullptr) part->merge((*hours)[i]);
    }
  }
  return ok();
}

Status add_looks(const LookSource& source, Span window, Span asked, bool by_slot, std::size_t most, LatencySteps& out) {
  if (window.empty()) return ok();
  const auto rows = looks_in(source, window, most);
  if (!rows) return rows.error();
  for (const ResultRow& row : *rows) {
    const WallTime at = by_slot ? row.slot_at : row.started_at;
    LatencyPart* part = !row.missed && asked.contains(at) ? part_at(out, at) : nullptr;
    if (part != nullptr) part->add(static_cast<int>(row.verdict), row.timings.total_us);
  }
  return ok();
}

}  // namespace

Status add_latencies(const LookSource& source, WallTime tallied_through, Span window, std::size_t most,
                     LatencySteps& out) {
  const auto fits = [&](std::int64_t width) { return out.step.count() % width == 0 && out.first.ms % width == 0; };
  const bool by_slot = fits(kHourMs);
  const WallTime from = up_to(window.from, kHourMs), to = down_to(std::min(window.to, tallied_through), kHourMs);
  if (!by_slot || to <= from) return add_looks(source, window, window, by_slot, most, out);
  WallTime days_from = to, days_to = to;  // none
  if (fits(kDayMs) && up_to(from, kDayMs) < down_to(to, kDayMs)) {
    days_from = up_to(from, kDayMs), days_to = down_to(to, kDayMs);
  }
  if (Status status = add_days(source, days_from, days_to, out); !status) return status;
  if (Status status = add_hours(source, from, days_from, out); !status) return status;
  if (Status status = add_hours(source, days_to, to, out); !status) return status;
  if (Status status = add_looks(source, {window.from, from}, window, by_slot, most, out); !status) return status;
  return add_looks(source, {to, window.to}, window, by_slot, most, out);
}

}  // namespace everup::db
