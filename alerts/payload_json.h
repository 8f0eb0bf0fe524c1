// What webhooks, Slack, PagerDuty and templates are sent. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/alert.h"
#include "core/zone.h"

namespace everup::alerts {

inline constexpr std::size_t kPayloadBytesMax = 20'000;  // Standard Webhooks' advice

// Standard Webhooks: {"type":"incident.opened","timestamp":…,"data":{…}}. A message about one thing has its alert as
// `data`; a DOWN with its UP and a digest have {"alerts":[…],"count":n}. What would not fit is left out (evidence
// first, then the last alerts) and `truncated` says so.
std::string webhook_payload(const Message& message);
std::string_view event_type(const Message& message);

// Slack's incoming webhooks, as Mattermost, Rocket.Chat and Discord's "/slack" take them too.
std::string slack_payload(const Message& message, const Zone* zone);

// PagerDuty Events v2: one event an alert, trigger or resolve, told apart by the incident. An outage that is over
// already is a trigger of severity "info" and its resolve. At most kEventsMax.
inline constexpr std::size_t kEventsMax = 50;
std::vector<std::string> pagerduty_events(const Message& message);

// A template: "{{name}}" becomes the field of that name, escaped for where it stands; an unknown name becomes nothing.
// Fields: subject text kind tag monitor monitor_id target cause detail started_at ended_at duration incident_id
// incident_url report_url acknowledge_url message_id count.
enum class Escape : std::uint8_t { kNone, kJson, kUrl };
std::string fill_template(std::string_view text, const Message& message, const Zone* zone, Escape escape);
// How the body of a channel is escaped: by its Content-Type, else JSON when it looks like it.
Escape escape_of(const Channel& channel);
const std::vector<std::string_view>& template_fields();

}  // namespace everup::alerts
