// JSON ⇄ channels and alert policies: strings in, strings out (nlohmann stays in the .cpp). Strict as monitor_json.h:
// unknown and duplicate fields, wrong types and bad values are errors with a JSON pointer. Whether named channels,
// monitors and time zones exist is for those who know them to judge. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/alert.h"
#include "db/alert_plan.h"
#include "db/monitor_json.h"

namespace everup::db {

// A channel as its owner defines it; `settings.id` and `account` are empty in a draft.
struct ChannelDraft {
  Channel settings;
  std::optional<QuietHours> quiet;
  bool hold_down = false;
  int digest_after = 5;  // e-mail: more within 60 s leave as one
};

// A POST body. Needed: kind, and what that kind needs (email: to; webhook, slack, template: url; template: body;
// pagerduty: routing_key). A webhook's secret stays empty when absent (the store makes it).
Parsed<ChannelDraft> parse_channel(std::string_view json);
// RFC 7396 on the API's shape; secrets that are absent or null are kept while the kind is the same.
Parsed<ChannelDraft> patch_channel(const ChannelDraft& draft, std::string_view json);
// The API's fields of a draft, as members of an object without its braces: secrets read null beside "secret_set".
std::string channel_fields_json(const ChannelDraft& draft);
// What is sealed: {"secret":…,"headers":{…}}; "" when there is nothing.
std::string channel_secrets_json(const Channel& channel);
Status read_channel_secrets(std::string_view json, Channel& channel);  // kCorrupt
// The context with which they are sealed.
std::string channel_secrets_context(AccountId account, ChannelId channel);

// A POST body. Needed: steps. `on` defaults to default_kinds().
Parsed<PolicyDraft> parse_policy(std::string_view json);
Parsed<PolicyDraft> patch_policy(const PolicyDraft& draft, std::string_view json);
std::string policy_fields_json(const PolicyDraft& draft);  // as channel_fields_json

// {"text":…,"public":false,"stage":"identified"}: an update of an incident.
struct UpdateDraft {
  std::string text;
  bool shown = false;
  IncidentStage stage = IncidentStage::kNone;
};
Parsed<UpdateDraft> parse_incident_update(std::string_view json);
// {"root_cause":…}: PATCH of an incident; null empties it.
Parsed<std::string> parse_incident_patch(std::string_view json);

// What a message shows of stored evidence: at most 40 lines of 200 bytes, printable. Empty for what is no evidence.
std::vector<std::string> evidence_lines(std::string_view evidence_json);
// The leaf certificate in stored evidence: its SHA-256 and end; nullopt when there is none.
struct SeenCertificate {
  std::string sha256;
  WallTime not_before, not_after;
};
std::optional<SeenCertificate> certificate_in(std::string_view evidence_json);

}  // namespace everup::db
