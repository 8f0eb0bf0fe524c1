// See api/views.h.
#include "api/views.h"

#include <charconv>

#include "api/http_response.h"
#include "api/json_text.h"
#include "core/schedule.h"
#include "db/monitor_json.h"

namespace everup::api {
namespace {

std::string tags_json(const std::vector<std::string>& tags) {
  JsonWriter list = JsonWriter::array();
  for (const std::string& tag : tags) list.text(tag);
  return std::move(list).take();
}

std::string phases_json(const Timings& t) {
  JsonWriter out = JsonWriter::object();
  const auto phase = [&out](std::string_view name, std::int32_t us) {
    if (us >= 0) out.key(name).raw(json_millis(us));  // microseconds as milliseconds with three decimals
  };
  phase("dns", t.dns_us);
  phase("connect", t.connect_us);
  phase("tls", t.tls_us);
  phase("wait", t.wait_us);
  phase("transfer", t.transfer_us);
  return std::move(out).take();
}

std::string region_name(Region region) { return region == kLocalRegion ? "local" : "region-" + std::to_string(region); }

std::string_view reason_slug(const Reason& reason) {
  if (reason.cause != 0) {
    const auto cause = cause_from_number(reason.cause);
    return cause ? facts(*cause).slug : std::string_view("internal");
  }
  if (reason.gap != 0) return slug(static_cast<GapReason>(reason.gap));
  return {};
}

void add_percent(JsonWriter* out, std::string_view name, const std::optional<std::int64_t>& value) {
  out->key(name).raw(percent_json(value));
}

}  // namespace

std::string time_json(WallTime t) { return json_string(rfc3339(t)); }
std::string time_json(const std::optional<WallTime>& t) { return t ? time_json(*t) : "null"; }
std::string percent_json(const std::optional<std::int64_t>& thousandths) {
  return thousandths ? json_thousandths(*thousandths) : "null";
}

std::string monitor_json(const db::MonitorView& view, WallTime now, std::string_view uptime_30d,
                         std::string_view alert_policies) {
  const Monitor& m = view.monitor;
  JsonWriter out = JsonWriter::object();
  out.field("id", to_string(m.id)).field("name", m.name).field("slug", m.slug).field("target", m.target.url());
  out.field("kind", slug(m.target.kind)).key("interval_s").number(m.interval_s).key("timeout_ms").number(m.timeout_ms);
  out.field_raw("confirm", db::confirm_json(m.confirm)).field_raw("options", db::options_json(m.settings));
  out.field_raw("expect", db::expect_json(m.settings)).field_raw("warn", db::warn_json(m.settings));
  out.field_raw("tags", tags_json(m.tags)).key("paused").boolean(m.paused).field("timezone", m.timezone);
  out.field_raw("public", db::links_json(m.links));
  out.field("state", slug(view.state)).field_raw("since", time_json(view.since));
  out.field_raw("suspect_since", time_json(view.suspect_since))
      .field_raw("last_checked_at", time_json(view.last_checked_at));
  const auto next = m.paused ? std::optional<WallTime>() : next_slot(m.id, std::int64_t{m.interval_s} * 1000, now);
  out.field_raw("next_check_at", time_json(next));
  out.field_raw("last_result", view.last_result ? result_json(*view.last_result) : "null");
  if (!uptime_30d.empty()) out.field_raw("uptime_30d", uptime_30d);
  if (!alert_policies.empty()) out.field_raw("alert_policies", alert_policies);
  if (view.secrets_lost) out.key("secrets_lost").boolean(true);
  if (!view.heartbeat_url.empty()) out.field("heartbeat_url", view.heartbeat_url);
  out.field("badge_token", m.badge_token).field("report_token", m.report_token);
  out.key("revision")
      .number(m.revision)
      .field_raw("created_at", time_json(m.created_at))
      .field_raw("updated_at", time_json(m.updated_at));
  return std::move(out).take();
}

std::string monitor_etag(const Monitor& monitor, std::string_view body) {
  return "\"r" + std::to_string(monitor.revision) + "." + content_etag(body).substr(1, 16) + "\"";
}

bool if_match_fits(std::string_view list, std::int32_t revision) {
  bool fits = false;
  for_each_element(list, [&](std::string_view entry) {
    if (entry == "*") fits = true;
    if (!entry.starts_with("\"r") || !entry.ends_with('"')) return;
    std::int32_t named = 0;
    const auto [at, error] = std::from_chars(entry.data() + 2, entry.data() + entry.size(), named);
    fits = fits || (error == std::errc() && (*at == '"' || *at == '.' || *at == '-') && named == revision);
  });
  return fits;
}

std::string result_json(const db::ResultRow& row, bool with_id) {
  JsonWriter out = JsonWriter::object();
  if (with_id) out.field("id", db::result_id(row));
  out.field_raw("at", time_json(row.started_at))
      .field_raw("slot_at", time_json(row.slot_at))
      .field("region", region_name(row.region));
  out.field("trigger", slug(row.trigger)).key("look").number(row.look).key("covered").number(row.covered);
  if (row.missed) {
    out.key("verdict").null().field("cause", slug(*row.missed)).key("detail").null().key("latency_ms").null();
    out.field_raw("phases_ms", "{}").key("code").null();
  } else {
    out.field("verdict", slug(row.verdict)).field("cause", facts(row.cause).slug).field("detail", row.detail);
    out.field_raw("latency_ms", json_millis(row.timings.total_us)).field_raw("phases_ms", phases_json(row.timings));
    out.key("code");
    if (row.code == 0)
      out.null();
    else
      out.number(row.code);
  }
  out.key("revision").number(row.revision);
  if (row.evidence) out.field_raw("evidence", *row.evidence);
  return std::move(out).take();
}

std::string outcome_json(const Outcome& outcome, WallTime at, std::string_view evidence) {
  JsonWriter out = JsonWriter::object();
  out.field_raw("at", time_json(at)).field("region", "local").field("trigger", slug(Trigger::kManual));
  out.field("verdict", slug(outcome.verdict)).field("cause", facts(outcome.cause).slug).field("detail", outcome.detail);
  out.field_raw("latency_ms", json_millis(outcome.timings.total_us))
      .field_raw("phases_ms", phases_json(outcome.timings));
  out.key("code");
  if (outcome.code == 0)
    out.null();
  else
    out.number(outcome.code);
  if (!evidence.empty()) out.field_raw("evidence", evidence);
  return std::move(out).take();
}

std::string uptime_json(std::string_view window, Span span, WallTime as_of, const Tally& tally) {
  const Uptime uptime = uptime_of(tally);
  JsonWriter out = JsonWriter::object();
  out.key("window");
  if (window.empty())
    out.null();
  else
    out.text(window);
  out.field_raw("from", time_json(span.from)).field_raw("to", time_json(span.to)).field_raw("as_of", time_json(as_of));
  // up_s is without degraded_s (RULES B 10); the seven add up to to − from.
  const std::pair<std::string_view, std::int64_t> parts[] = {{"up", tally.up_ms},
                                                             {"degraded", tally.degraded_ms},
                                                             {"down", tally.down_ms},
                                                             {"unknown", tally.unknown_ms},
                                                             {"maintenance", tally.maintenance_ms},
                                                             {"paused", tally.paused_ms},
                                                             {"before_creation", tally.before_creation_ms}};
  for (const auto& [name, ms] : parts) out.key(std::string(name) + "_s").raw(json_millis(ms));
  for (const auto& [name, ms] : parts) out.key(std::string(name) + "_ms").number(ms);
  add_percent(&out, "uptime_percent", uptime.uptime);
  add_percent(&out, "worst_percent", uptime.worst);
  add_percent(&out, "best_percent", uptime.best);
  add_percent(&out, "coverage_percent", uptime.coverage);
  out.field("display", uptime.display).key("incidents").number(tally.incidents);
  out.field_raw("longest_down_s", json_millis(tally.longest_down_ms));
  return std::move(out).take();
}

std::string span_json(const LedgerSpan& span, bool open, std::string_view incident) {
  JsonWriter out = JsonWriter::object();
  out.field_raw("from", time_json(span.span.from)).field_raw("to", open ? "null" : time_json(span.span.to));
  out.field("state", slug(span.state)).key("reason");
  if (const auto reason = reason_slug(span.reason); reason.empty())
    out.null();
  else
    out.text(reason);
  out.field_raw("incident", incident.empty() ? "null" : json_string(incident));
  return std::move(out).take();
}

std::string key_json(const db::KeyInfo& key, std::string_view secret) {
  JsonWriter out = JsonWriter::object();
  out.field("id", to_string(key.id)).field("name", key.name).field("scope", db::name(key.scope));
  if (!secret.empty()) out.field("key", secret);
  out.field_raw("created_at", time_json(key.created_at)).field_raw("expires_at", time_json(key.expires_at));
  out.field_raw("revoked_at", time_json(key.revoked_at)).field_raw("last_used_at", time_json(key.last_used_at));
  return std::move(out).take();
}

}  // namespace everup::api
