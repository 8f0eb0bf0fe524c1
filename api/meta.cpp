// About the service itself: version, API description, health, metrics, problem pages, robots.txt.
#include "api/house.h"
#include "api/json_text.h"
#include "api/problem.h"
#include "net/digest.h"

namespace everup::api {
namespace {

HttpResponse plain(std::string body, std::string type = "text/plain; charset=utf-8") {
  HttpResponse response;
  response.content_type = std::move(type);
  response.body = std::move(body);
  response.compressible = true;
  return response;
}

// Only a loopback peer that nobody forwards for, the metrics listener, the metrics token, or an admin key of the first
// account.
bool may_read_metrics(const Call& call) {
  const ApiOptions& options = call.house->options;
  if (call.client.direct_loopback) return true;
  const auto token = bearer_token(*call.request);
  if (!token) return false;
  if (!options.metrics_token.empty() && net::equal_constant_time(*token, options.metrics_token)) return true;
  const AccountId first = options.metrics_account ? options.metrics_account() : AccountId{};
  if (!first || !db::plausible_key(*token, *options.vault)) return false;
  const auto identity = call.house->accounts().find_key(*token);
  return identity.ok() && identity->has_value() && (*identity)->account == first &&
         (*identity)->scope == db::Scope::kAdmin;
}

bool check_fine(const std::string& word) { return word == "ok"; }

}  // namespace

HttpResponse json_answer(std::string body, int status) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  response.compressible = true;
  return response;
}

HttpResponse failed(const Call& call, const Error& error) {
  HttpResponse response = problem_of(error);
  if (response.status >= 500) call.house->log(call.request_id, error.what);
  return response;
}

Answer get_version(Call& call) {
  JsonWriter out = JsonWriter::object();
  out.field("version", call.house->options.version).field("revision", call.house->options.revision).field("api", "v1");
  return json_answer(std::move(out).take());
}

Answer get_openapi(Call& call) { return json_answer(call.house->options.openapi_json); }

Answer healthz(Call& /*call*/) { return plain("ok\n"); }

Answer readyz(Call& call) {
  const Readiness ready = call.house->options.readiness ? call.house->options.readiness() : Readiness{};
  const std::string* required = call.parameter("require");
  bool degraded = false;
  bool required_broken = required != nullptr && !ready.checks.contains(*required);
  JsonWriter checks = JsonWriter::object();
  for (const auto& [name, word] : ready.checks) {
    checks.field(name, word);
    degraded = degraded || !check_fine(word);
    required_broken = required_broken || (required != nullptr && *required == name && !check_fine(word));
  }
  const std::string_view status = ready.starting    ? "starting"
                                  : ready.migrating ? "migrating"
                                  : ready.draining  ? "draining"
                                  : degraded        ? "degraded"
                                                    : "ready";
  const bool out_of_service = ready.starting || ready.migrating || ready.draining || required_broken;
  JsonWriter out = JsonWriter::object();
  out.field("status", status).field_raw("checks", std::move(checks).take());
  HttpResponse response = json_answer(std::move(out).take(), out_of_service ? 503 : 200);
  if (out_of_service) response.set("Retry-After", "2");
  return response;
}

Answer get_metrics(Call& call) {
  if (!may_read_metrics(call)) return problem(404, "not_found", "nothing is here");
  const ApiOptions& options = call.house->options;
  MetricsInput input;
  input.version = options.version;
  input.revision = options.revision;
  const SchedulerStats scheduler = options.scheduler_stats ? options.scheduler_stats() : SchedulerStats{};
  const RecorderStats recorder = options.recorder_stats ? options.recorder_stats() : RecorderStats{};
  if (options.scheduler_stats) input.scheduler = &scheduler;
  if (options.recorder_stats) input.recorder = &recorder;
  if (options.last_backup && options.clock != nullptr) {
    if (const auto saved = options.last_backup())
      input.backup_age_s = static_cast<double>((options.clock->now().wall - *saved).count()) / 1000;
  }
  input.http = call.house->metrics.snapshot();
  if (const FrontCounters* counters = call.house->counters) {
    input.connections_open = counters->open;
    input.connections_refused = counters->refused_full + counters->refused_address;
    input.connections_timed_out = counters->timed_out;
    input.streams = counters->streams;
    input.streams_dropped = counters->streams_dropped;
  }
  return plain(metrics_text(input), "text/plain; version=0.0.4; charset=utf-8");
}

Answer problem_page(Call& call) {
  const ProblemFacts* facts = find_problem(call.path[0]);
  if (facts == nullptr) return problem(404, "not_found", "no such problem code");
  return plain(problem_page_html(*facts), "text/html; charset=utf-8");
}

Answer robots(Call& /*call*/) {
  return plain(
      "User-agent: *
Disallow: /api/
Disallow: /app/
Disallow: /badge/
Disallow: /report/
Disallow: /ack/
Disallow: "
      "/unsubscribe/
");
}

Answer about(Call&) {
  return plain(
      "Requests whose User-Agent names this page come from Everup, an uptime monitor: someone who uses it asked it to "
      "look at that\n"
      "address at regular times. It sends one small request a look and follows no links.\n\n"
      "If you did not ask for it and want it to stop, write to whoever runs the machine that the requests come from, "
      "with their time\n"
      "and the address they were sent to. Refusing them (status 403, or a closed port) does no harm: Everup shows it "
      "to its user.\n");
}

}  // namespace everup::api
