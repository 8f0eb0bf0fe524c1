#include "alerts/words.h"

#include <algorithm>
#include <map>

#include "alerts/safe_text.h"
#include "core/calendar.h"

namespace everup::alerts {
namespace {

constexpr std::size_t kNameBytes = 80, kDetailBytes = 200, kEvidenceLines = 40, kHeldShown = 20;

std::string name_of(const Alert& alert) {
  const std::string name = one_line(alert.monitor_name, kNameBytes);
  if (!name.empty()) return name;
  return alert.kind == AlertKind::kOurselves || alert.kind == AlertKind::kTest ? "Everup" : "unnamed";
}

std::string cause_of(const Alert& alert) {
  const std::string words = one_line(alert.cause_english, kNameBytes);
  return words.empty() ? one_line(alert.cause, kNameBytes) : words;
}

milliseconds down_for(const Alert& alert, WallTime until) { return alert.ended_at.value_or(until) - alert.started_at; }

std::string certificate_words(const Alert& alert, WallTime said_at) {
  const std::int64_t days = (alert.started_at - said_at).count() / kDayMs;
  if (alert.started_at <= said_at) return "its certificate has ended";
  if (days == 0) return "its certificate ends in less than a day";
  return "its certificate ends in " + std::to_string(days) + (days == 1 ? " day" : " days");
}

// What stands behind "[TAG] Name: ".
std::string matter_of(const Alert& alert, WallTime said_at) {
  switch (alert.kind) {
    case AlertKind::kDown:
      if (!alert.ended_at) return cause_of(alert);
      return cause_of(alert) + ", over after " + duration_words(down_for(alert, said_at));
    case AlertKind::kUp:
      return "after " + duration_words(down_for(alert, said_at));
    case AlertKind::kDegraded:
    case AlertKind::kUnknown:
    case AlertKind::kSecurity:
    case AlertKind::kOurselves:
      return cause_of(alert);
    case AlertKind::kCertificate:
      return certificate_words(alert, said_at);
    case AlertKind::kFlapping:
      return "goes up and down";
    case AlertKind::kReminder:
      return "for " + duration_words(down_for(alert, said_at)) + ", " + cause_of(alert);
    case AlertKind::kTest:
      return "this channel works";
  }
  return {};
}

const Alert* first_of(const Message& message, AlertKind kind) {
  const auto found = std::find_if(message.alerts.begin(), message.alerts.end(),
                                  [kind](const Alert& alert) { return alert.kind == kind; });
  return found == message.alerts.end() ? nullptr : &*found;
}

bool one_incident(const std::vector<Alert>& alerts) {
  return std::all_of(alerts.begin(), alerts.end(), [&alerts](const Alert& alert) {
    return !alert.incident_id.empty() && alert.incident_id == alerts.front().incident_id;
  });
}

std::string names_of(const std::vector<Alert>& alerts) {
  std::string names;
  const std::size_t shown = alerts.size() > 3 ? 2 : alerts.size();
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) names += i + 1 == alerts.size() ? " and " : ", ";
    names += name_of(alerts[i]);
  }
  if (shown < alerts.size()) names += " and " + std::to_string(alerts.size() - shown) + " more";
  return names;
}

std::string digest_subject(const std::vector<Alert>& alerts) {
  std::map<AlertKind, int> counts;
  for (const Alert& alert : alerts) ++counts[alert.kind];
  if (counts.size() == 1)
    return "[" + tag_of(counts.begin()->first) + "] " + std::to_string(alerts.size()) +
           " monitors: " + names_of(alerts);
  std::string list;
  for (const auto& [kind, count] : counts) {
    list += (list.empty() ? "" : ", ") + std::to_string(count) + " " +
            (kind == AlertKind::kReminder ? "still down" : std::string(slug(kind)));
  }
  return "[ALERTS] " + list + ": " + names_of(alerts);
}

void add(Story& story, std::string label, std::string value) {
  if (!value.empty()) story.facts.push_back({std::move(label), std::move(value), false});
}
void add_link(Story& story, std::string label, const std::string& url) {
  if (is_link(url)) story.facts.push_back({std::move(label), url, true});
}

void add_times(Story& story, const Alert& alert, const Zone* zone) {
  if (alert.kind == AlertKind::kTest) return;
  if (alert.kind == AlertKind::kCertificate) return add(story, "Ends", time_words(alert.started_at, zone));
  add(story, "Since", time_words(alert.started_at, zone));
  if (alert.confirmed_at) add(story, "Confirmed", time_words(*alert.confirmed_at, zone));
  if (!alert.ended_at) return;
  add(story, "Until", time_words(*alert.ended_at, zone));
  add(story, "Lasted", duration_words(*alert.ended_at - alert.started_at));
}

std::string held_words(const std::vector<std::string>& names) {
  std::string list;
  for (std::size_t i = 0; i < names.size() && i < kHeldShown; ++i)
    list += (i == 0 ? "" : ", ") + one_line(names[i], kNameBytes);
  if (names.size() > kHeldShown) list += " and " + std::to_string(names.size() - kHeldShown) + " more";
  return list;
}

Story story_of(const Alert& alert, WallTime said_at, const Zone* zone) {
  Story story;
  story.headline = headline_of(alert, said_at);
  add(story, "Target", one_line(alert.target, 300));
  add_times(story, alert, zone);
  if (alert.kind != AlertKind::kTest) {
    const std::string detail = one_line(alert.detail, kDetailBytes);
    add(story, "Why", detail.empty() ? cause_of(alert) : cause_of(alert) + " (" + detail + ")");
  }
  add(story, "Held behind it", held_words(alert.also_held));
  add_link(story, "Acknowledge", alert.acknowledge_url);
  add_link(story, "Incident", alert.incident_url);
  add_link(story, "Report", alert.report_url);
  for (std::size_t i = 0; i < alert.evidence.size() && i < kEvidenceLines; ++i)
    story.evidence.push_back(one_line(alert.evidence[i], kDetailBytes));
  return story;
}

Story short_story_of(const Alert& alert, WallTime said_at, const Zone* zone) {
  Story story;
  story.headline = "[" + tag_of(alert.kind) + "] " + name_of(alert) + ": " + matter_of(alert, said_at);
  add_times(story, alert, zone);
  add_link(story, "Incident", alert.incident_url);
  return story;
}

}  // namespace

std::string tag_of(AlertKind kind) {
  switch (kind) {
    case AlertKind::kDown:
      return "DOWN";
    case AlertKind::kUp:
      return "UP";
    case AlertKind::kDegraded:
      return "DEGRADED";
    case AlertKind::kUnknown:
      return "UNKNOWN";
    case AlertKind::kCertificate:
      return "CERTIFICATE";
    case AlertKind::kSecurity:
      return "SECURITY";
    case AlertKind::kFlapping:
      return "FLAPPING";
    case AlertKind::kReminder:
      return "STILL DOWN";
    case AlertKind::kTest:
      return "TEST";
    case AlertKind::kOurselves:
      return "EVERUP";
  }
  return {};
}

std::string duration_words(milliseconds length) {
  const std::int64_t seconds = std::max<std::int64_t>(length.count(), 0) / 1000;
  const auto two = [](std::int64_t big, const char* big_unit, std::int64_t small, const char* small_unit) {
    const std::string first = std::to_string(big) + big_unit;
    return small == 0 ? first : first + " " + std::to_string(small) + small_unit;
  };
  if (seconds == 0) return "less than 1 s";
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) return two(seconds / 60, " min", seconds % 60, " s");
  if (seconds < 86'400) return two(seconds / 3600, " h", seconds % 3600 / 60, " min");
  return two(seconds / 86'400, " d", seconds % 86'400 / 3600, " h");
}

std::string time_words(WallTime t, const Zone* zone) {
  const std::string utc = rfc3339(WallTime{t.ms - t.ms % 1000});
  const std::string plain = utc.substr(0, 10) + " " + utc.substr(11, 8) + " UTC";
  if (zone == nullptr || zone->name() == "UTC") return plain;
  return local_text(t, *zone) + " " + std::string(zone->name()) + " (" + plain + ")";
}

bool is_digest(const Message& message) { return message.alerts.size() > 1 && !one_incident(message.alerts); }

bool tells_both(const Message& message) {
  const Alert* down = first_of(message, AlertKind::kDown);
  if (down == nullptr || is_digest(message)) return false;
  return down->ended_at.has_value() || first_of(message, AlertKind::kUp) != nullptr;
}

Alert told_alert(const Message& message) {
  const Alert *down = first_of(message, AlertKind::kDown), *up = first_of(message, AlertKind::kUp);
  if (down == nullptr) return up == nullptr ? message.alerts.back() : *up;
  Alert told = *down;
  if (up != nullptr && !told.ended_at) told.ended_at = up->ended_at.value_or(message.created_at);
  return told;
}

std::string headline_of(const Alert& alert, WallTime said_at) {
  const std::string name = name_of(alert), matter = matter_of(alert, said_at);
  switch (alert.kind) {
    case AlertKind::kDown:
      return name + (alert.ended_at ? " was down: " : " is down: ") + matter + ".";
    case AlertKind::kUp:
      return name + " is up again " + matter + ".";
    case AlertKind::kDegraded:
      return name + " is degraded: " + matter + ".";
    case AlertKind::kUnknown:
      return "Nobody could look at " + name + ": " + matter + ".";
    case AlertKind::kCertificate:
      return name + ": " + matter + ".";
    case AlertKind::kSecurity:
      return name + " is not safe: " + matter + ".";
    case AlertKind::kFlapping:
      return name + " goes up and down. You hear of it again when it stays up or down.";
    case AlertKind::kReminder:
      return name + " is still down " + matter + ".";
    case AlertKind::kTest:
      return "This is a test: messages of Everup reach this channel.";
    case AlertKind::kOurselves:
      return "Everup itself needs your attention: " + matter + ".";
  }
  return {};
}

std::string subject_of(const Message& message) {
  if (message.alerts.empty()) return "[ALERTS] nothing to tell";
  if (is_digest(message)) return one_line(digest_subject(message.alerts), kSubjectBytesMax);
  const Alert alert = told_alert(message);
  return one_line("[" + (tells_both(message) ? "DOWN, UP" : tag_of(alert.kind)) + "] " + name_of(alert) + ": " +
                      matter_of(alert, message.created_at),
                  kSubjectBytesMax);
}

Words words_of(const Message& message, const Zone* zone) {
  Words words;
  words.subject = subject_of(message);
  const std::string channel = one_line(message.channel.name, kNameBytes);
  words.closing = "You get this because " + (channel.empty() ? "this channel" : "the channel \"" + channel + "\"") +
                  " is told about " + (is_digest(message) ? "these monitors." : "this monitor.");
  if (message.alerts.empty()) return words;
  if (!is_digest(message)) {
    words.stories.push_back(story_of(told_alert(message), message.created_at, zone));
    return words;
  }
  words.opening = std::to_string(message.alerts.size()) + " alerts at once:";
  const std::size_t listed = std::min(message.alerts.size(), kDigestAlertsMax);
  for (std::size_t i = 0; i < listed; ++i)
    words.stories.push_back(short_story_of(message.alerts[i], message.created_at, zone));
  words.left_out = message.alerts.size() - listed;
  return words;
}

}  // namespace everup::alerts
