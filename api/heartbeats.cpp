// What a job calls (/heartbeat/{token}, and /ping/{token} for the habit), and what its account reads of it.
//
// GET, POST and HEAD say the same and are answered "OK", as the field's tools do, so that a line of cron needs no more
// than curl. A body of any kind may come along, 64 KiB of it are read and 2 KiB kept: a job whose log is longer than
// that has still run. No key, no cookie; the token is the secret. Where the database is away the answer is 503 with
// Retry-After (curl --retry waits for it). Limit: kSignals a token, counted on this node.
#include "api/house.h"
#include "api/json_text.h"
#include "api/problem.h"
#include "api/views.h"
#include "core/heartbeat.h"
#include "db/heartbeat_store.h"

namespace everup::api {
namespace {

HttpResponse plain(std::string text) {
  HttpResponse response;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(text);
  return response;
}

// Per token, whoever has it: a job in a tight loop must not keep the database busy.
std::optional<HttpResponse> too_often(const Call& call) {
  House& house = *call.house;
  const std::lock_guard lock(house.signals_mutex);
  const RateVerdict verdict = house.signals.take(call.path[0], house.options.clock->now().mono);
  if (verdict.allowed) return std::nullopt;
  const RateLimit& limit = house.signals.limit();
  HttpResponse response = problem(429, "rate_limited",
                                  "at most " + std::to_string(limit.requests) + " signals in " +
                                      std::to_string(limit.window_s) + " s for one heartbeat");
  add_rate_fields(limit, verdict, &response);
  return response;
}

std::string code_json(const std::optional<int>& code) { return code ? std::to_string(*code) : "null"; }

// The plan as stored; nullopt when its cron or zone cannot be read here.
std::optional<HeartbeatJudgement> judged(const Call& call, const Monitor& monitor, const HeartbeatSignals& signals,
                                         WallTime since) {
  const auto* settings = std::get_if<HeartbeatSettings>(&monitor.settings);
  if (settings == nullptr) return std::nullopt;
  HeartbeatPlan plan;
  plan.period = std::chrono::seconds(settings->options.period_s);
  plan.grace = std::chrono::seconds(settings->options.grace_s);
  plan.since = since;
  std::optional<Cron> cron;
  if (!settings->options.cron.empty()) {
    auto parsed = Cron::parse(settings->options.cron);
    plan.zone = call.house->options.zones->find(settings->options.timezone);
    if (!parsed || plan.zone == nullptr) return std::nullopt;
    cron = *std::move(parsed);
    plan.cron = &*cron;
  }
  return judge_heartbeat(signals, plan, call.now);
}

std::string recent_json(const std::vector<db::RecentSignal>& recent) {
  JsonWriter list = JsonWriter::array();
  for (const db::RecentSignal& one : recent) {
    JsonWriter entry = JsonWriter::object();
    entry.field_raw("at", time_json(one.at)).field("signal", slug(one.signal));
    entry.field_raw("exit_code", code_json(one.exit_code));
    list.raw(std::move(entry).take());
  }
  return std::move(list).take();
}

std::string heartbeat_json(const Call& call, const Monitor& monitor, const db::HeartbeatRow& row) {
  const HeartbeatSignals& s = row.signals;
  JsonWriter out = JsonWriter::object();
  out.field("url", heartbeat_url(call, row.token));
  if (const auto judgement = judged(call, monitor, s, monitor.updated_at)) {
    out.field("state", slug(judgement->state)).field_raw("due_at", time_json(judgement->due));
  }
  out.field_raw("last_start_at", time_json(s.started)).field_raw("last_success_at", time_json(s.succeeded));
  out.field_raw("last_fail_at", time_json(s.failed)).field_raw("exit_code", code_json(s.exit_code));
  out.field_raw("duration_s", s.took ? json_millis(s.took->count()) : "null");
  out.field("body_excerpt", s.body).field_raw("recent", recent_json(row.recent));
  return std::move(out).take();
}

}  // namespace

std::string heartbeat_url(const Call& call, std::string_view token) {
  return call.house->options.base_url + "/heartbeat/" + std::string(token);
}

Answer tell_heartbeat(Call& call) {
  const auto signal = parse_signal(call.path.size() > 1 ? call.path[1] : std::string());
  if (!signal || !db::plausible_heartbeat_token(call.path[0])) {
    return problem(404, "not_found",
                   "a heartbeat is /heartbeat/{token}, then nothing, /start, /fail, /log or an exit status 0 to 255");
  }
  if (auto refusal = too_often(call)) return *std::move(refusal);
  if (call.house->options.heartbeats == nullptr) return problem(503, "unavailable", "heartbeats are not taken here");
  const std::string& body = call.body.empty() ? call.request->body : call.body;
  const Status told = call.house->options.heartbeats->tell(call.path[0], *signal, signal_body(body));
  if (told.ok()) return plain("OK");
  return told.error().code == ErrorCode::kNotFound ? problem(404, "not_found", "no monitor has this heartbeat")
                                                   : failed(call, told.error());
}

Answer get_heartbeat(Call& call) {
  const auto view = call.house->monitors().find(call.caller->account, call.path[0]);
  if (!view.ok()) return failed(call, view.error());
  if (call.house->options.heartbeats == nullptr) return problem(503, "unavailable", "heartbeats are not taken here");
  const auto rows = call.house->options.heartbeats->find(call.caller->account, {view->monitor.id});
  if (!rows.ok()) return failed(call, rows.error());
  const auto row = rows->find(view->monitor.id.value);
  if (row == rows->end()) return problem(404, "not_found", "this monitor is no heartbeat");
  return json_answer(heartbeat_json(call, view->monitor, row->second));
}

Status add_heartbeat_urls(const Call& call, std::vector<db::MonitorView>& views) {
  if (call.house->options.heartbeats == nullptr) return ok();
  std::vector<MonitorId> ids;
  for (const auto& view : views) {
    if (view.monitor.target.kind == Kind::kHeartbeat) ids.push_back(view.monitor.id);
  }
  if (ids.empty()) return ok();
  const auto rows = call.house->options.heartbeats->find(call.caller->account, ids);
  if (!rows.ok()) return rows.error();
  for (auto& view : views) {
    const auto row = rows->find(view.monitor.id.value);
    if (row != rows->end()) view.heartbeat_url = heartbeat_url(call, row->second.token);
  }
  return ok();
}

}  // namespace everup::api
