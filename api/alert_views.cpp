// See api/alert_views.h.
#include "api/alert_views.h"

#include <algorithm>

#include "api/http_response.h"
#include "api/json_text.h"
#include "api/views.h"
#include "core/outcome.h"

namespace everup::api {
namespace {

std::string_view slug(AttemptResult result) {
  switch (result) {
    case AttemptResult::kSent:
      return "sent";
    case AttemptResult::kRetry:
      return "retry";
    case AttemptResult::kFailed:
      return "failed";
    case AttemptResult::kChannelGone:
      return "gone";
  }
  return "failed";
}

std::string text_or_null(std::string_view text) { return text.empty() ? "null" : json_string(text); }

std::string attempt_json(const db::AttemptRow& row) {
  JsonWriter out = JsonWriter::object();
  out.field_raw("at", time_json(row.facts.at)).key("attempt").number(row.attempt);
  out.field("relay", row.facts.relay).field("reply", row.facts.reply);
  out.field_raw("tls", text_or_null(row.facts.tls)).field_raw("queue_id", text_or_null(row.facts.queue_id));
  out.field("result", slug(row.facts.result));
  return std::move(out).take();
}

JsonWriter incident_writer(const db::IncidentRow& i, WallTime now) {
  JsonWriter monitor = JsonWriter::object();
  monitor.field("id", to_string(i.key.monitor)).field("name", i.monitor_name);
  const auto cause = cause_from_number(i.cause);
  JsonWriter out = JsonWriter::object();
  out.field("id", db::incident_id(i.key)).field_raw("monitor", std::move(monitor).take());
  out.field("state", db::slug(i.state())).field("cause", cause ? facts(*cause).slug : std::string_view("internal"));
  out.field("detail", i.detail).field_raw("started_at", time_json(i.started_at));
  out.field_raw("confirmed_at", time_json(i.confirmed_at)).field_raw("ended_at", time_json(i.ended_at));
  out.field_raw("down_s", json_millis(std::max<std::int64_t>((i.ended_at.value_or(now) - i.started_at).count(), 0)));
  out.field_raw("acknowledged_at", time_json(i.acknowledged_at));
  out.field_raw("acknowledged_by", text_or_null(i.acknowledged_by)).field("root_cause", i.root_cause);
  return out;
}

// A look as results show it, with its evidence.
std::string look_json(const db::ResultRow* row) { return row == nullptr ? "null" : result_json(*row); }

}  // namespace

std::string channel_json(const db::StoredChannel& channel, bool with_secret) {
  const Channel& c = channel.draft.settings;
  JsonWriter state = JsonWriter::object();
  state.field_raw("last_error", text_or_null(channel.last_error));
  state.field_raw("last_error_at", time_json(channel.last_error_at));
  state.field_raw("last_sent_at", time_json(channel.last_sent_at)).key("failing").boolean(channel.failing());
  state.key("automatic").boolean(channel.automatic);
  if (channel.secrets_lost) state.key("secrets_lost").boolean(true);
  if (with_secret && c.kind == ChannelKind::kWebhook) state.field("new_secret", c.secret);
  state.key("revision").number(channel.revision).field_raw("created_at", time_json(channel.created_at));
  return "{\"id\":" + json_string(to_string(c.id)) + "," + db::channel_fields_json(channel.draft) + "," +
         std::move(state).take().substr(1);
}

std::string policy_json(const db::StoredPolicy& policy) {
  JsonWriter state = JsonWriter::object();
  state.key("revision").number(policy.revision).field_raw("created_at", time_json(policy.created_at));
  return "{\"id\":" + json_string(to_string(policy.id)) + "," + db::policy_fields_json(policy.draft) + "," +
         std::move(state).take().substr(1);
}

std::string policy_ids_json(const std::vector<db::StoredPolicy>& policies, MonitorId monitor,
                            const std::vector<std::string>& tags) {
  JsonWriter out = JsonWriter::array();
  for (const db::StoredPolicy& policy : policies) {
    if (db::matches(policy.draft, monitor, tags)) out.text(to_string(policy.id));
  }
  return std::move(out).take();
}

std::string delivery_json(const db::DeliveryRow& d) {
  JsonWriter attempts = JsonWriter::array();
  for (const db::AttemptRow& row : d.attempts) attempts.raw(attempt_json(row));
  JsonWriter out = JsonWriter::object();
  out.field("id", db::delivery_id(d.key)).field("kind", slug(d.key.kind));
  out.field_raw("incident", d.incident ? json_string(db::incident_id({d.key.monitor, *d.incident})) : "null");
  out.field_raw("monitor", d.key.monitor ? json_string(to_string(d.key.monitor)) : "null");
  out.field("channel", to_string(d.key.channel)).field("channel_name", d.channel_name);
  out.key("step").number(d.key.step).field("state", db::slug(d.state)).field_raw("reason", text_or_null(d.reason));
  out.field_raw("message_id", text_or_null(d.message_id)).field_raw("created_at", time_json(d.created_at));
  out.field_raw("due_at", time_json(d.due_at)).field_raw("done_at", time_json(d.done_at));
  out.field_raw("attempts", std::move(attempts).take());
  return std::move(out).take();
}

std::string update_json(const db::IncidentUpdate& update) {
  JsonWriter out = JsonWriter::object();
  out.field_raw("at", time_json(update.at)).field("by", update.author).field("text", update.text);
  out.key("public").boolean(update.shown);
  out.field_raw("stage", update.stage == IncidentStage::kNone ? "null" : json_string(slug(update.stage)));
  return std::move(out).take();
}

std::string incident_json(const db::IncidentRow& incident, WallTime now) {
  return incident_writer(incident, now).take();
}

std::string incident_json(const db::IncidentRow& incident, WallTime now, const IncidentDetails& details) {
  JsonWriter out = incident_writer(incident, now);
  out.field_raw("evidence", look_json(details.failing)).field_raw("last_good", look_json(details.last_good));
  JsonWriter updates = JsonWriter::array(), ids = JsonWriter::array(), proof = JsonWriter::array();
  for (const db::IncidentUpdate& update : details.updates) updates.raw(update_json(update));
  for (const db::DeliveryRow& delivery : details.deliveries) {
    ids.text(db::delivery_id(delivery.key));
    proof.raw(delivery_json(delivery));
  }
  out.field_raw("updates", std::move(updates).take()).field_raw("deliveries", std::move(ids).take());
  out.field_raw("proof", std::move(proof).take());
  return std::move(out).take();
}

std::string revision_etag(std::int32_t revision, std::string_view body) {
  return "\"r" + std::to_string(revision) + "." + content_etag(body).substr(1, 16) + "\"";
}

}  // namespace everup::api
