#include "core/maintenance_window.h"

#include <algorithm>
#include <limits>

#include "core/complaints.h"
#include "core/utf8.h"

namespace everup {

namespace {

constexpr WallTime kFarAway{std::numeric_limits<std::int64_t>::max() / 2};

void check_match(const MaintenanceDraft& draft, Complaints& complaints) {
  complaints.need(draft.monitors.empty() || draft.tags.empty(), "#/match", "conflict",
                  "names monitors or tags, not both; without match it means every monitor");
  complaints.need(draft.monitors.size() <= MaintenanceDraft::kMonitorsMax, "#/match/monitors", "too_many",
                  "at most 1000 monitors; give them a tag");
  complaints.need(draft.tags.size() <= MaintenanceDraft::kTagsMax, "#/match/tags", "too_many", "at most 20 tags");
  for (std::size_t i = 0; i < draft.tags.size(); ++i) {
    const std::string& tag = draft.tags[i];
    const bool good = !tag.empty() && tag.size() <= 50 && std::all_of(tag.begin(), tag.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' ||
             c == ':' || c == '-';
    });
    complaints.need(good, "#/match/tags/" + std::to_string(i), "invalid_tag",
                    "must be 1 to 50 of A-Z, a-z, 0-9 and '_.:-'");
  }
}

void check_length(const MaintenanceDraft& draft, Complaints& complaints) {
  const milliseconds most = draft.rrule.empty() ? kMaintenanceMax : kRepeatedMax;
  const std::string at = draft.rrule.empty() ? "#/ends_at" : "#/duration_s";
  complaints.need(draft.length >= kMaintenanceMin && draft.length <= most, at, "out_of_range",
                  draft.rrule.empty() ? "must be 60 seconds to 366 days after starts_at"
                                      : "must be between 60 and 2678400 (31 days)");
}

}  // namespace

Result<MaintenanceRule> rule_of(const MaintenanceDraft& draft, const Zones& zones) {
  MaintenanceRule rule{draft.starts_at, draft.length, {}, zones.find(draft.timezone)};
  if (rule.zone == nullptr) return Error{ErrorCode::kInvalid, "timezone: " + draft.timezone + " is unknown"};
  if (draft.rrule.empty()) return rule;
  auto repeats = parse_rrule(draft.rrule, *rule.zone);
  if (!repeats) return repeats.error();
  rule.repeats = *std::move(repeats);
  return rule;
}

FieldErrors validate(const MaintenanceDraft& draft, const Zones& zones, WallTime now) {
  Complaints complaints;
  const auto characters = utf8_characters(draft.name);
  complaints.need(characters && *characters >= 1 && *characters <= 100 && plain_text(draft.name), "#/name",
                  "invalid_name", "must be 1 to 100 characters of text without control characters");
  check_match(draft, complaints);
  check_length(draft, complaints);
  complaints.need(draft.starts_at.ms % 1000 == 0, "#/starts_at", "invalid_time", "must be a whole second");
  const Zone* zone = zones.find(draft.timezone);
  complaints.need(zone != nullptr, "#/timezone", "unknown_timezone", "must be an IANA name such as Europe/Prague");
  if (zone == nullptr) return complaints.take();
  const auto rule = rule_of(draft, zones);
  complaints.need(rule.ok(), "#/rrule", "invalid_rule", rule.ok() ? "" : rule.error().what);
  if (!rule) return complaints.take();
  if (!starts_by_its_rule(*rule)) {
    const auto first = occurrences(*rule, {draft.starts_at, kFarAway}, 1);
    complaints.wrong("#/starts_at", "not_by_rule",
                     first.empty() ? "the rule gives no window from there on"
                                   : "must be a start by the rule; the first one is " + rfc3339(first.front().from));
  }
  complaints.need(!occurrences(*rule, {now, kFarAway}, 1).empty(), draft.rrule.empty() ? "#/ends_at" : "#/rrule",
                  "over_already", "must not be over: a window never changes what was measured before it was saved");
  return complaints.take();
}

}  // namespace everup
