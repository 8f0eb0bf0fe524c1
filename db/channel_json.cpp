// See channel_json.h. A merge patch is applied to the whole JSON of a draft (secrets included), and the result is read
// like a POST body: one reader for both.
#include "db/channel_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "core/kind_settings.h"
#include "core/outcome.h"
#include "db/alert_keys.h"
#include "db/json_reader.h"

namespace everup::db {
namespace {
constexpr std::size_t kNameMax = 100, kAddressMax = 254, kUrlMax = 2000, kSecretMax = 500, kBodyMax = 16 * 1024;
constexpr std::size_t kHeadersMax = 20, kHeaderNameMax = 100, kHeaderValueMax = 1000;
constexpr std::size_t kStepsMax = 10, kStepChannelsMax = 20, kMatchMax = 1000, kUpdateMax = 4000;
constexpr std::int32_t kDelayMaxS = 7 * 86400;

const std::vector<std::pair<const char*, ChannelKind>> kKinds{{"email", ChannelKind::kEmail},
                                                              {"webhook", ChannelKind::kWebhook},
                                                              {"slack", ChannelKind::kSlack},
                                                              {"pagerduty", ChannelKind::kPagerduty},
                                                              {"template", ChannelKind::kTemplate}};

json parse_text(std::string_view text, FieldErrors& errors, bool& syntax) {
  check_json(text, errors, syntax);
  return errors.empty() ? json::parse(text.begin(), text.end(), nullptr, false) : json();
}

bool clean(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; });
}
bool visible(std::string_view text) { return clean(text) && text.find(' ') == std::string_view::npos; }

bool plausible_address(std::string_view text) {
  const auto at = text.find('@');
  return visible(text) && text.size() <= kAddressMax && at != std::string_view::npos && at > 0 &&
         at + 1 < text.size() && text.find('@', at + 1) == std::string_view::npos &&
         text.find_first_of("<>,;:\"\\()[]") == std::string_view::npos && printable(text, kAddressMax) == text;
}

bool plausible_url(std::string_view text) {
  const bool https = text.starts_with("https://"), http = text.starts_with("http://");
  const std::size_t head = https ? 8 : 7;
  return (https || http) && text.size() <= kUrlMax && text.size() > head && text[head] != '/' && visible(text) &&
         std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) > 126; });
}

// ---- channels
// ------------------------------------------------------------------------------------------------------------------------

void text_between(Reader& reader, const std::string& name, std::size_t low, std::size_t high, std::string& out) {
  const std::size_t before = reader.errors().size();
  reader.text(name, out);
  if (reader.errors().size() == before && (out.size() < low || out.size() > high || !clean(out))) {
    reader.wrong(name, "out_of_range",
                 std::to_string(low) + " to " + std::to_string(high) + " bytes without control characters are allowed");
  }
}

std::optional<int> minute_of_day(const std::string& text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  int hour = -1, minute = -1;
  const char* p = text.data();
  if (std::from_chars(p, p + 2, hour).ptr != p + 2 || std::from_chars(p + 3, p + 5, minute).ptr != p + 5)
    return std::nullopt;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return std::nullopt;
  return hour * 60 + minute;
}

std::string clock_text(int minute) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%02d:%02d", minute / 60 % 24, minute % 60);
  return text.data();
}

void read_quiet(Reader& reader, std::optional<QuietHours>& out) {
  const json* value = reader.find("quiet_hours");
  if (value == nullptr || value->is_null()) return;
  Reader inner(*value, reader.at("quiet_hours"), reader.errors());
  std::string from, to;
  inner.text("from", from), inner.text("to", to);
  inner.finish();
  const auto first = minute_of_day(from), last = minute_of_day(to);
  if (!first) inner.wrong("from", "bad_time", "a time of the day like 22:00 is expected");
  if (!last) inner.wrong("to", "bad_time", "a time of the day like 07:00 is expected");
  if (first && last) out = QuietHours{*first, *last};
}

void read_headers(Reader& reader, const std::map<std::string, std::string>& before,
                  std::map<std::string, std::string>& out) {
  const json* value = reader.find("headers");
  if (value == nullptr || value->is_null()) return;
  if (!value->is_object()) return reader.wrong("headers", "wrong_type", "an object of names and texts is expected");
  if (value->size() > kHeadersMax) return reader.wrong("headers", "too_many", "at most 20 are allowed");
  for (const auto& [name, text] : value->items()) {
    const std::string pointer = reader.at("headers") + "/" + pointer_step(name);
    const bool token =
        !name.empty() && name.size() <= kHeaderNameMax && std::all_of(name.begin(), name.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        });
    if (!token) {
      complain(reader.errors(), pointer, "invalid_value", "a name is made of letters, digits, - and _");
    } else if (text.is_null() && before.contains(name)) {
      out[name] = before.at(name);  // as we print a secret one
    } else if (!text.is_string() || text.get_ref<const std::string&>().size() > kHeaderValueMax ||
               !clean(text.get_ref<const std::string&>())) {
      complain(reader.errors(), pointer, "invalid_value", "a text of at most 1000 bytes on one line is expected");
    } else {
      out[name] = text.get<std::string>();
    }
  }
}

// The secret of this kind: "secret" or "routing_key".
const char* secret_name(ChannelKind kind) { return kind == ChannelKind::kPagerduty ? "routing_key" : "secret"; }

void read_secret_of(Reader& reader, const Channel& before, Channel& out) {
  const char* name = secret_name(out.kind);
  if (before.kind == out.kind) out.secret = before.secret;
  read_secret(reader, name, out.secret, !before.secret.empty());
  if (out.secret.size() > kSecretMax || !visible(out.secret))
    reader.wrong(name, "out_of_range", "at most 500 visible characters are allowed");
  if (out.kind == ChannelKind::kWebhook && !out.secret.empty() && !out.secret.starts_with("whsec_"))
    reader.wrong(name, "invalid_value", "whsec_ and base64 is expected; leave it out to get one");
}

void read_place(Reader& reader, const Channel& before, Channel& out) {
  switch (out.kind) {
    case ChannelKind::kEmail:
      reader.text("to", out.to);
      if (!plausible_address(out.to))
        reader.wrong("to", "invalid_value", "an address like ops@example.com, at most 254 bytes, is expected");
      return;
    case ChannelKind::kPagerduty:
      read_secret_of(reader, before, out);
      if (out.secret.empty()) reader.wrong("routing_key", "required", "the integration's routing key is expected");
      return;
    case ChannelKind::kTemplate:
      reader.text("body", out.body);
      if (out.body.empty() || out.body.size() > kBodyMax)
        reader.wrong("body", "out_of_range", "1 to 16384 bytes with {{name}} fields are allowed");
      read_headers(reader, before.headers, out.headers);
      break;
    case ChannelKind::kWebhook:
      read_secret_of(reader, before, out);
      break;
    case ChannelKind::kSlack:
      break;
  }
  reader.text("url", out.url);
  if (!plausible_url(out.url))
    reader.wrong("url", "invalid_value", "an http(s) URL of at most 2000 visible ASCII characters is expected");
}

std::string name_of(const Channel& channel) {
  switch (channel.kind) {
    case ChannelKind::kEmail:
      return channel.to.substr(0, kNameMax);
    case ChannelKind::kPagerduty:
      return "PagerDuty";
    case ChannelKind::kSlack:
      return "Slack";
    case ChannelKind::kWebhook:
    case ChannelKind::kTemplate:
      break;
  }
  const auto start = channel.url.find("://");
  const std::string rest = start == std::string::npos ? channel.url : channel.url.substr(start + 3);
  return rest.substr(0, std::min(rest.find_first_of("/?#"), kNameMax));
}

void read_channel(const json& object, const ChannelDraft& before, FieldErrors& errors, ChannelDraft& out) {
  Reader reader(object, "#", errors);
  Channel& c = out.settings;
  if (reader.find("kind") == nullptr)
    return reader.wrong("kind", "required", "email, webhook, slack, pagerduty or template is expected");
  reader.word("kind", c.kind, kKinds);
  read_place(reader, before.settings, c);
  if (reader.find("name") != nullptr) text_between(reader, "name", 1, kNameMax, c.name);
  reader.boolean("enabled", c.enabled);
  text_between(reader, "timezone", 1, kNameMax, c.timezone);
  read_quiet(reader, out.quiet);
  reader.boolean("hold_down", out.hold_down);
  reader.integer("digest_after", out.digest_after, 1, 1000);
  reader.finish();
  if (c.name.empty()) c.name = name_of(c);
}

ordered_json channel_object(const ChannelDraft& draft, Secrets secrets) {
  const Channel& c = draft.settings;
  ordered_json out{{"name", c.name}, {"kind", std::string(slug(c.kind))}};
  if (c.kind == ChannelKind::kEmail) out["to"] = c.to;
  const bool has_url =
      c.kind == ChannelKind::kWebhook || c.kind == ChannelKind::kSlack || c.kind == ChannelKind::kTemplate;
  if (has_url) out["url"] = c.url;
  if (!c.secret.empty()) put_secret(out, secret_name(c.kind), c.secret, secrets);
  if (c.kind == ChannelKind::kTemplate) {
    ordered_json headers = ordered_json::object();
    for (const auto& [name, value] : c.headers) {
      const bool hidden = secrets == Secrets::kHidden && HttpHeader{name, value}.secret();
      headers[name] = hidden ? ordered_json() : ordered_json(value);
    }
    out["headers"] = std::move(headers);
    out["body"] = c.body;
  }
  out["enabled"] = c.enabled;
  out["timezone"] = c.timezone;
  out["quiet_hours"] = draft.quiet
                           ? ordered_json{{"from", clock_text(draft.quiet->from)}, {"to", clock_text(draft.quiet->to)}}
                           : ordered_json();
  out["hold_down"] = draft.hold_down;
  if (c.kind == ChannelKind::kEmail) out["digest_after"] = draft.digest_after;
  return out;
}

// "{…}" → "…"
std::string members(const ordered_json& object) {
  const std::string text = dump(object);
  return text.substr(1, text.size() - 2);
}

// ---- policies
// ------------------------------------------------------------------------------------------------------------------------

void read_match(Reader& reader, PolicyDraft& out) {
  const json* value = reader.find("match");
  if (value == nullptr || value->is_null()) return;
  Reader inner(*value, reader.at("match"), reader.errors());
  std::vector<std::string> ids;
  inner.texts("tags", kMatchMax, out.tags);
  inner.texts("monitors", kMatchMax, ids);
  inner.finish();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto id = parse_id<MonitorTag>(ids[i]);
    if (id) {
      out.monitors.push_back(*id);
    } else {
      inner.wrong("monitors/" + std::to_string(i), "invalid_value", "a monitor's id (mon_…) is expected");
    }
  }
  for (std::size_t i = 0; i < out.tags.size(); ++i) {
    if (out.tags[i].empty() || out.tags[i].size() > 50 || !visible(out.tags[i]))
      complain(reader.errors(), inner.at("tags") + "/" + std::to_string(i), "invalid_value", "a tag is expected");
  }
}

void read_kinds(Reader& reader, PolicyDraft& out) {
  std::vector<std::string> words;
  if (reader.find("on") == nullptr) return static_cast<void>(out.on = default_kinds());
  reader.texts("on", 10, words);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto found = std::find_if(policy_kinds().begin(), policy_kinds().end(),
                                    [&](AlertKind kind) { return slug(kind) == words[i]; });
    if (found == policy_kinds().end()) {
      complain(reader.errors(), reader.at("on") + "/" + std::to_string(i), "invalid_value",
               "one of these is expected: down, degraded, unknown, certificate, security");
    } else if (std::find(out.on.begin(), out.on.end(), *found) == out.on.end()) {
      out.on.push_back(*found);
    }
  }
  if (words.empty())
    reader.wrong("on", "required", "at least one is expected: down, degraded, unknown, certificate, security");
}

void read_step(const json& object, const std::string& pointer, FieldErrors& errors, PolicyStep& out) {
  Reader reader(object, pointer, errors);
  reader.integer("delay_s", out.delay_s, 0, kDelayMaxS);
  std::vector<std::string> ids;
  reader.texts("channels", kStepChannelsMax, ids);
  reader.finish();
  if (ids.empty()) reader.wrong("channels", "required", "at least one channel's id (chn_…) is expected");
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto id = parse_id<ChannelTag>(ids[i]);
    if (!id) {
      complain(errors, reader.at("channels") + "/" + std::to_string(i), "invalid_value",
               "a channel's id (chn_…) is expected");
    } else if (std::find(out.channels.begin(), out.channels.end(), *id) == out.channels.end()) {
      out.channels.push_back(*id);
    }
  }
}

void read_policy(const json& object, FieldErrors& errors, PolicyDraft& out) {
  Reader reader(object, "#", errors);
  out.name = "Alerts";
  text_between(reader, "name", 1, kNameMax, out.name);
  read_match(reader, out);
  read_kinds(reader, out);
  read_list(reader, "steps", kStepsMax, out.steps, [&](const json& one, const std::string& pointer, PolicyStep& step) {
    read_step(one, pointer, errors, step);
  });
  if (out.steps.empty()) reader.wrong("steps", "required", "at least one step with channels is expected");
  std::stable_sort(out.steps.begin(), out.steps.end(),
                   [](const PolicyStep& a, const PolicyStep& b) { return a.delay_s < b.delay_s; });
  for (std::size_t i = 1; i < out.steps.size(); ++i) {
    if (out.steps[i].delay_s == out.steps[i - 1].delay_s)
      reader.wrong("steps", "duplicate", "each delay_s comes once; a step may name several channels");
  }
  const std::size_t before = errors.size();
  reader.integer("remind_s", out.remind_s, 0, kDelayMaxS);
  if (errors.size() == before && out.remind_s > 0 && out.remind_s < 60)
    reader.wrong("remind_s", "out_of_range", "0 (never) or 60 to 604800 seconds are allowed");
  reader.finish();
}

ordered_json policy_object(const PolicyDraft& draft) {
  ordered_json match = ordered_json::object();
  if (!draft.tags.empty()) match["tags"] = draft.tags;
  if (!draft.monitors.empty()) {
    ordered_json ids = ordered_json::array();
    for (const MonitorId id : draft.monitors) ids.push_back(to_string(id));
    match["monitors"] = std::move(ids);
  }
  ordered_json on = ordered_json::array(), steps = ordered_json::array();
  for (const AlertKind kind : draft.on) on.push_back(std::string(slug(kind)));
  for (const PolicyStep& step : draft.steps) {
    ordered_json ids = ordered_json::array();
    for (const ChannelId id : step.channels) ids.push_back(to_string(id));
    steps.push_back({{"delay_s", step.delay_s}, {"channels", std::move(ids)}});
  }
  return {{"name", draft.name},
          {"match", std::move(match)},
          {"on", std::move(on)},
          {"steps", std::move(steps)},
          {"remind_s", draft.remind_s}};
}

// ---- evidence
// ------------------------------------------------------------------------------------------------------------------------

class Lines {
 public:
  void add(const std::string& text) {
    if (list_.size() < 40 && !text.empty()) list_.push_back(printable(text, 200));
  }
  void add_lines(const std::string& label, const std::string& text, std::size_t most) {
    std::size_t start = 0;
    for (std::size_t n = 0; n < most && start < text.size(); ++n) {
      const auto end = std::min(text.find('\n', start), text.size());
      std::string line = text.substr(start, end - start);
      if (line.ends_with('\r')) line.pop_back();
      if (!line.empty()) add(label + line);
      start = end + 1;
    }
  }
  std::vector<std::string> take() { return std::move(list_); }

 private:
  std::vector<std::string> list_;
};

std::string text_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

void add_transcript(const json& evidence, Lines& out) {
  const auto transcript = evidence.find("transcript");
  if (transcript == evidence.end() || !transcript->is_array()) return;
  for (const json& line : *transcript) {
    if (!line.is_object()) continue;
    const std::string direction = text_in(line, "dir");
    out.add((direction == "in" ? "<- " : direction == "out" ? "-> " : "=== ") + text_in(line, "text"));
  }
}

}  // namespace

Parsed<ChannelDraft> parse_channel(std::string_view text) {
  Parsed<ChannelDraft> out;
  const json object = parse_text(text, out.errors, out.syntax);
  if (out.ok()) read_channel(object, {}, out.errors, out.value);
  return out;
}

Parsed<ChannelDraft> patch_channel(const ChannelDraft& draft, std::string_view text) {
  Parsed<ChannelDraft> out;
  const json patch = parse_text(text, out.errors, out.syntax);
  if (!out.ok()) return out;
  json whole = json::parse(dump(channel_object(draft, Secrets::kHidden)));
  // Another kind keeps nothing of the former one's place.
  const auto kind = patch.find("kind");
  if (kind != patch.end() && *kind != whole["kind"]) {
    for (const char* name : {"to", "url", "secret", "secret_set", "routing_key", "routing_key_set", "headers", "body"})
      whole.erase(name);
    if (*kind != "email") whole.erase("digest_after");
  }
  whole.merge_patch(patch);
  read_channel(whole, draft, out.errors, out.value);
  return out;
}

std::string channel_fields_json(const ChannelDraft& draft) { return members(channel_object(draft, Secrets::kHidden)); }

std::string channel_secrets_json(const Channel& channel) {
  if (channel.secret.empty() && channel.headers.empty()) return {};
  return dump(json{{"secret", channel.secret}, {"headers", channel.headers}});
}

Status read_channel_secrets(std::string_view text, Channel& channel) {
  const json object = json::parse(text.begin(), text.end(), nullptr, false);
  const Error corrupt{ErrorCode::kCorrupt, "channel: its secrets are not what was written"};
  if (!object.is_object()) return corrupt;
  channel.secret = text_in(object, "secret");
  const auto headers = object.find("headers");
  if (headers == object.end() || !headers->is_object()) return corrupt;
  for (const auto& [name, value] : headers->items()) {
    if (!value.is_string()) return corrupt;
    channel.headers[name] = value.get<std::string>();
  }
  return ok();
}

std::string channel_secrets_context(AccountId account, ChannelId channel) {
  return std::to_string(account.value) + "/channel/" + std::to_string(channel.value) + "/secrets";
}

Parsed<PolicyDraft> parse_policy(std::string_view text) {
  Parsed<PolicyDraft> out;
  const json object = parse_text(text, out.errors, out.syntax);
  if (out.ok()) read_policy(object, out.errors, out.value);
  return out;
}

Parsed<PolicyDraft> patch_policy(const PolicyDraft& draft, std::string_view text) {
  Parsed<PolicyDraft> out;
  const json patch = parse_text(text, out.errors, out.syntax);
  if (!out.ok()) return out;
  json whole = json::parse(dump(policy_object(draft)));
  whole.merge_patch(patch);
  read_policy(whole, out.errors, out.value);
  return out;
}

std::string policy_fields_json(const PolicyDraft& draft) { return members(policy_object(draft)); }

Parsed<UpdateDraft> parse_incident_update(std::string_view text) {
  Parsed<UpdateDraft> out;
  const json object = parse_text(text, out.errors, out.syntax);
  if (!out.ok()) return out;
  Reader reader(object, "#", out.errors);
  reader.text("text", out.value.text);
  reader.boolean("public", out.value.shown);
  if (const json* given = reader.find("stage"); given != nullptr && !given->is_null()) {
    const auto stage = given->is_string() ? incident_stage(given->get_ref<const std::string&>()) : std::nullopt;
    if (!stage) reader.wrong("stage", "not_allowed", "investigating, identified, monitoring or null are allowed");
    out.value.stage = stage.value_or(IncidentStage::kNone);
  }
  reader.finish();
  if (out.value.text.empty() || out.value.text.size() > kUpdateMax)
    reader.wrong("text", "out_of_range", "1 to 4000 bytes are allowed");
  return out;
}

Parsed<std::string> parse_incident_patch(std::string_view text) {
  Parsed<std::string> out;
  const json object = parse_text(text, out.errors, out.syntax);
  if (!out.ok()) return out;
  Reader reader(object, "#", out.errors);
  const json* cause = reader.find("root_cause");
  if (cause == nullptr) {
    reader.wrong("root_cause", "required", "a text of at most 4000 bytes, or null, is expected");
  } else if (!cause->is_null()) {
    reader.text_of(*cause, "root_cause", out.value);
    if (out.value.size() > kUpdateMax) reader.wrong("root_cause", "out_of_range", "at most 4000 bytes are allowed");
  }
  reader.finish();
  return out;
}

std::vector<std::string> evidence_lines(std::string_view text) {
  const json evidence = json::parse(text.begin(), text.end(), nullptr, false);
  Lines out;
  if (!evidence.is_object()) return out.take();
  if (const std::string address = text_in(evidence, "address"); !address.empty()) out.add("asked " + address);
  const auto hops = evidence.find("hops");
  if (hops != evidence.end() && hops->is_array()) {
    for (const json& hop : *hops) {
      if (hop.is_string()) out.add(hop.get<std::string>());
    }
  }
  out.add_lines("", text_in(evidence, "head"), 12);
  const auto certificate = evidence.find("certificate");
  if (certificate != evidence.end() && certificate->is_object()) {
    out.add("certificate of " + text_in(*certificate, "subject") + " by " + text_in(*certificate, "issuer") +
            ", ends " + text_in(*certificate, "not_after"));
    if (const std::string wrong = text_in(*certificate, "verify_error"); !wrong.empty())
      out.add("certificate: " + wrong);
  }
  add_transcript(evidence, out);
  out.add_lines("", text_in(evidence, "body_excerpt"), 6);
  return out.take();
}

std::optional<SeenCertificate> certificate_in(std::string_view text) {
  const json evidence = json::parse(text.begin(), text.end(), nullptr, false);
  if (!evidence.is_object()) return std::nullopt;
  const auto found = evidence.find("certificate");
  if (found == evidence.end() || !found->is_object()) return std::nullopt;
  const auto first = parse_time(text_in(*found, "not_before")), last = parse_time(text_in(*found, "not_after"));
  const std::string digest = text_in(*found, "sha256");
  const bool hex = digest.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!first || !last || digest.size() != 64 || !hex) return std::nullopt;
  return SeenCertificate{digest, *first, *last};
}

}  // namespace everup::db
