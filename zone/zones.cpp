// Names are looked up under a lock; a found zone is immutable and asked without one (date::time_zone loads its file
// under a once_flag). date throws for unknown names and for a missing tzdata: both are "unknown" here, the only place
// where its exceptions are seen.
#include "zone/zones.h"

#include <date/tz.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace everup {

namespace {

constexpr WallTime kNever{std::numeric_limits<std::int64_t>::max()};
constexpr std::int64_t kFirstSecond = -62'135'596'800, kLastSecond = 253'402'300'799;  // years 1 … 9999

class Utc final : public Zone {
 public:
  std::string_view name() const override { return "UTC"; }
  int offset_s(WallTime) const override { return 0; }
  WallTime next_transition(WallTime) const override { return kNever; }
};

class TzdbZone final : public Zone {
 public:
  TzdbZone(std::string name, const date::time_zone* zone) : name_(std::move(name)), zone_(zone) {}
  std::string_view name() const override { return name_; }
  int offset_s(WallTime t) const override { return static_cast<int>(info_at(t).offset.count()); }
  WallTime next_transition(WallTime t) const override {
    const std::int64_t end = info_at(t).end.time_since_epoch().count();
    return end > kLastSecond ? kNever : WallTime{end * 1000};
  }

 private:
  date::sys_info info_at(WallTime t) const {
    const auto second = std::chrono::floor<std::chrono::seconds>(milliseconds(t.ms)).count();
    return zone_->get_info(
        date::sys_seconds{std::chrono::seconds(std::clamp<std::int64_t>(second, kFirstSecond, kLastSecond))});
  }
  std::string name_;
  const date::time_zone* zone_;  // owned by date's database, which is never reloaded here
};

// IANA names only: no path out of the database, no second copies ("posix/…"), no clocks with leap seconds ("right/…").
bool acceptable(std::string_view name) {
  const auto fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '_' ||
           c == '-' || c == '+';
  };
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), fine) &&
         !name.starts_with("right/") && !name.starts_with("posix/");
}

std::unique_ptr<const Zone> load(std::string_view name) {
  try {
    const date::time_zone* zone = date::locate_zone(name);
    if (zone->name() != name) return nullptr;
    zone->get_info(
        date::sys_seconds{});  // reads the file now, so that a broken one is unknown and not a later exception
    return std::make_unique<TzdbZone>(std::string(name), zone);
  } catch (const std::exception&) {
    return nullptr;
  }
}

}  // namespace

TzdbZones::TzdbZones() { found_.emplace("UTC", std::make_unique<Utc>()); }
TzdbZones::~TzdbZones() = default;

const Zone* TzdbZones::find(std::string_view iana_name) const {
  const std::lock_guard lock(mutex_);
  if (const auto known = found_.find(iana_name); known != found_.end()) return known->second.get();
  if (!acceptable(iana_name)) return nullptr;
  auto zone = load(iana_name);
  if (!zone) return nullptr;
  return found_.emplace(std::string(iana_name), std::move(zone)).first->second.get();
}

}  // namespace everup
