// The browser tools and their API (SHAPES 21, INTERFACE 5): a test is admitted on a handler thread (its limits are the
// database's), runs on the loop, and is read by whoever has its id. What runs here or ended a moment ago is answered
// from memory, the rest from the database; what runs on another node is looked for again every two seconds.
#include <variant>

#include "api/browser.h"
#include "api/drafts.h"
#include "api/house.h"
#include "api/json_text.h"
#include "api/problem.h"
#include "api/tool_admission.h"
#include "api/tool_desk.h"
#include "api/tool_rules.h"
#include "db/monitor_json.h"
#include "net/digest.h"

namespace everup::api {
namespace {

using reports::Tool;
using Reply = std::function<void(HttpResponse&&)>;

constexpr milliseconds kLongestTest{120'000};  // then a test without a record is lost

Kind kind_of(Tool tool) { return tool == Tool::kSmtp ? Kind::kSmtp : Kind::kTls; }
std::string api_path(Tool tool) { return "/api/v1/" + std::string(reports::word(tool)) + "_tests/"; }
std::string page_path(Tool tool) { return "/tools/" + std::string(reports::word(tool)) + "/"; }

// ---- admission
// -----------------------------------------------------------------------------------------------------------------

std::variant<MonitorDraft, Refused> read_test(const Call& call, Tool tool, std::string_view body, bool stranger) {
  auto parsed = db::parse_draft(body);
  if (parsed.syntax) return Refused{400, "bad_json", "", std::move(parsed.errors), 0};
  FieldErrors errors = std::move(parsed.errors);
  const auto join = [&errors](FieldErrors&& more) {
    for (FieldError& error : more) errors.push_back(std::move(error));
  };
  if (errors.empty()) join(tool_errors(tool, parsed.value));
  if (errors.empty()) join(stranger ? stranger_errors(tool, parsed.value, call.house->options.tools) : FieldErrors{});
  if (errors.empty())
    join(stranger ? validate(parsed.value, call.house->options.regex_ok) : judge_draft(*call.house, parsed.value));
  if (!errors.empty()) return Refused{422, "invalid_fields", "", std::move(errors), 0};
  return std::move(parsed.value);
}

// What a handler thread can say before the test starts; the test itself when all is well.
std::variant<ToolStart, Refused> admit(const Call& call, Tool tool, std::string_view body) {
  const ToolOptions& options = call.house->options.tools;
  const bool stranger = !call.caller.has_value();
  const auto& prober = stranger ? call.house->public_prober : call.house->prober;
  if (options.store == nullptr || prober == nullptr)
    return Refused{503, "unavailable", "this process does not probe", {}, 0};
  if (stranger && !open_to_strangers(tool, options))
    return Refused{401, "unauthorized", stranger_limits(tool, options), {}, 0};
  auto read = read_test(call, tool, body, stranger);
  if (auto* refused = std::get_if<Refused>(&read)) return std::move(*refused);
  if (call.house->tools->full(stranger)) return Refused{503, "overloaded", "too many tests run already", {}, 10};
  ToolStart start{tool, net::random_token(), std::get<MonitorDraft>(std::move(read)), stranger, call.now};
  db::ToolTest row{start.id, kind_of(tool), start.draft.target.url(), start.draft.target.host, "", call.now};
  if (stranger) row.client = client_network(call.client);
  if (auto refused = count_test(call, row)) return *std::move(refused);
  return start;
}

// Starts it on the loop; `started` makes the answer.
Later begin_test(House* house, ToolStart&& start, std::function<HttpResponse(const std::string& id)> started) {
  return Later{[house, start = std::move(start), started = std::move(started)](net::Loop&, const Reply& reply) {
    const std::string id = start.id;
    if (!house->tools->start(ToolStart(start))) return reply(problem(503, "overloaded", "too many tests run already"));
    reply(started(id));
  }};
}

Answer create_test(Call& call, Tool tool) {
  auto admitted = admit(call, tool, call.body);
  if (const auto* refused = std::get_if<Refused>(&admitted)) return as_problem(*refused);
  auto& start = std::get<ToolStart>(admitted);
  const std::string body = tool_test_json(tool, start.id, start.draft.target.url(), start.created, "running", "");
  return begin_test(call.house, std::move(start), [tool, body](const std::string& id) {
    HttpResponse response = json_answer(body, 202);
    response.set("Location", api_path(tool) + id);
    return response;
  });
}

// ---- reading
// -------------------------------------------------------------------------------------------------------------------

struct Asked {
  House* house = nullptr;
  Tool tool = Tool::kSmtp;
  std::string id, request_id;
  WallTime now;
  std::size_t after = 0;  // events that the reader has already
};

Asked asked_of(const Call& call, Tool tool) {
  Asked asked{call.house, tool, call.path[0], call.request_id, call.now, 0};
  const std::string* last = call.request->find("last-event-id");
  if (last != nullptr && last->size() <= 6) {
    for (const char c : *last) {
      if (c < '0' || c > '9') return asked;
      asked.after = asked.after * 10 + static_cast<std::size_t>(c - '0');
    }
  }
  return asked;
}

// From memory at once, else from the database by a handler thread. `from_run` and `from_store` make the answer; the
// latter with null for a test that nobody knows.
using FromRun = HttpResponse (*)(const Asked&, ToolRun&);
using FromStore = HttpResponse (*)(const Asked&, const db::StoredTest*);
Answer read_test_of(Call& call, Tool tool, FromRun from_run, FromStore from_store) {
  const Asked asked = asked_of(call, tool);
  const bool possible = net::is_token(asked.id) && call.house->options.tools.store != nullptr;
  if (!possible) return from_store(asked, nullptr);
  if (ToolRun* run = call.house->tools->find(tool, asked.id)) return from_run(asked, *run);
  return Later{[asked, from_store](net::Loop&, const Reply& reply) {
    const auto look = [asked, from_store, reply] {
      const auto found = asked.house->options.tools.store->find(kind_of(asked.tool), asked.id);
      if (!found.ok()) {
        asked.house->log(asked.request_id, found.error().what);
        return reply(problem(503, "unavailable", "the database cannot be reached"));
      }
      reply(from_store(asked, found->has_value() ? &**found : nullptr));
    };
    const auto busy = [reply] { reply(problem(503, "overloaded", "no handler was free in time")); };
    if (!asked.house->on_pool(look, busy)) busy();
  }};
}

bool lost(const Asked& asked, const db::StoredTest& stored) {
  return !stored.record && asked.now - stored.test.created_at > kLongestTest;
}

HttpResponse no_test() { return problem(404, "not_found", "there is no such test; tests are kept for 24 hours"); }

HttpResponse json_of_run(const Asked& asked, ToolRun& run) {
  const ToolStart& start = run.start();
  if (run.ended()) return json_answer(run.record().report);
  return json_answer(tool_test_json(asked.tool, start.id, start.draft.target.url(), start.created, "running", ""));
}

HttpResponse json_of_store(const Asked& asked, const db::StoredTest* stored) {
  if (stored == nullptr) return no_test();
  if (stored->record) return json_answer(stored->record->report);
  return json_answer(tool_test_json(asked.tool, asked.id, stored->test.target, stored->test.created_at,
                                    lost(asked, *stored) ? "lost" : "running", ""));
}

// Whoever asks again for an event stream that has ended is told to stop (HTML, 9.2.3: 204).
HttpResponse ended_events(const Asked& asked, const std::string& events) {
  HttpResponse response;
  std::size_t from = 0;
  if (asked.after > 0) {
    const auto last = events.find("id: " + std::to_string(asked.after) + "\n");
    if (last != std::string::npos) from = events.find("\n\n", last) + 2;
  }
  response.set("Cache-Control", "no-store");
  if (from >= events.size()) {
    response.status = 204;
    return response;
  }
  response.content_type = "text/event-stream";
  response.body = events.substr(from);
  return response;
}

HttpResponse stream_of(const Asked& asked, ToolRun& run, bool html) {
  if (run.crowded()) return problem(503, "overloaded", "too many people watch this test");
  const std::size_t seen = run.events();
  StreamPlan plan;
  plan.ping = html ? "<!-- -->\n" : ": ping\n\n";
  plan.farewell = html ? reports::tool_stream_broken() : "";
  plan.begin = [house = asked.house, tool = asked.tool, id = asked.id, html, seen](std::shared_ptr<Subscription> to) {
    if (ToolRun* there = house->tools->find(tool, id)) return there->watch(html, seen, std::move(to));
    to->end();
  };
  HttpResponse response = stream_answer(html ? "text/html; charset=utf-8" : "text/event-stream", std::move(plan));
  if (html) {
    response.body = reports::tool_stream_head(asked.tool) + run.said(true, 0);
    response.set("Content-Security-Policy", std::string(reports::kToolCsp));
    response.set("X-Robots-Tag", "noindex");
  } else {
    response.body = "retry: 2000\n\n" + run.said(false, std::min(asked.after, seen));
  }
  return response;
}

HttpResponse events_of_run(const Asked& asked, ToolRun& run) {
  return run.ended() ? ended_events(asked, run.record().events) : stream_of(asked, run, false);
}

HttpResponse events_of_store(const Asked& asked, const db::StoredTest* stored) {
  if (stored == nullptr || lost(asked, *stored)) return no_test();
  if (stored->record) return ended_events(asked, stored->record->events);
  HttpResponse response;  // another node's: the reader comes again by himself
  response.content_type = "text/event-stream";
  response.body = "retry: 2000\n\n";
  response.set("Cache-Control", "no-store");
  return response;
}

// ---- pages
// ---------------------------------------------------------------------------------------------------------------------

std::string minute_text(WallTime t) {
  const std::string iso = rfc3339(t);
  return iso.substr(0, 10) + " " + iso.substr(11, 8) + " UTC";
}

HttpResponse test_page(const Asked& asked, const db::ToolTest& test, reports::ToolTestPage::State state,
                       std::string content) {
  reports::ToolTestPage page;
  page.tool = asked.tool;
  page.state = state;
  page.id = asked.id;
  page.target = test.target;
  page.created = minute_text(test.created_at);
  page.content = std::move(content);
  page.version = asked.house->options.version;
  return page_answer(reports::tool_test_html(page));
}

HttpResponse page_of_run(const Asked& asked, ToolRun& run) {
  using State = reports::ToolTestPage::State;
  const ToolStart& start = run.start();
  const db::ToolTest test{asked.id, kind_of(asked.tool), start.draft.target.url(), "", "", start.created};
  return test_page(asked, test, run.ended() ? State::kEnded : State::kRunning, run.record().page);
}

HttpResponse page_of_store(const Asked& asked, const db::StoredTest* stored) {
  using State = reports::ToolTestPage::State;
  if (stored == nullptr) return page_answer(reports::tool_missing_html(asked.tool), 404);
  if (stored->record) return test_page(asked, stored->test, State::kEnded, stored->record->page);
  return test_page(asked, stored->test, lost(asked, *stored) ? State::kLost : State::kElsewhere, "");
}

HttpResponse html_of_run(const Asked& asked, ToolRun& run) {
  if (!run.ended()) return stream_of(asked, run, true);
  return page_answer(reports::tool_stream_head(asked.tool) + run.said(true, 0));
}

HttpResponse html_of_store(const Asked& asked, const db::StoredTest* stored) {
  if (stored == nullptr) return page_answer(reports::tool_missing_html(asked.tool), 404);
  return page_answer(reports::tool_stream_head(asked.tool) + reports::tool_stream_end(asked.tool, asked.id));
}

Answer show_form(Call& call, Tool tool) {
  reports::ToolForm form = form_of(call, tool);
  const auto given = [&](const char* name) {
    const std::string* value = call.parameter(name);
    return value == nullptr ? std::string() : value->substr(0, 300);
  };
  form.target = given("target");
  form.to = given("to");
  form.starttls = given("starttls");
  return page_answer(reports::tool_form_html(form));
}

Answer post_form(Call& call, Tool tool) {
  reports::ToolForm form = form_of(call, tool);
  form.target = std::string(trim(form_value(call.body, "target").value_or("")));
  form.to = std::string(trim(form_value(call.body, "to").value_or("")));
  form.starttls = form_value(call.body, "starttls").value_or("");
  auto foreign = refuse_foreign_form(call);
  auto admitted = foreign ? *std::move(foreign) : admit(call, tool, form_as_json(form));
  if (const auto* refused = std::get_if<Refused>(&admitted)) return refused_form(std::move(form), *refused);
  return begin_test(call.house, std::get<ToolStart>(std::move(admitted)), [tool](const std::string& id) {
    HttpResponse response;
    response.status = 303;
    response.set("Location", page_path(tool) + id);
    response.set("Cache-Control", "no-store");
    return response;
  });
}

}  // namespace

Answer create_smtp_test(Call& call) { return create_test(call, Tool::kSmtp); }
Answer create_tls_test(Call& call) { return create_test(call, Tool::kTls); }
Answer get_smtp_test(Call& call) { return read_test_of(call, Tool::kSmtp, json_of_run, json_of_store); }
Answer get_tls_test(Call& call) { return read_test_of(call, Tool::kTls, json_of_run, json_of_store); }
Answer smtp_test_events(Call& call) { return read_test_of(call, Tool::kSmtp, events_of_run, events_of_store); }
Answer tls_test_events(Call& call) { return read_test_of(call, Tool::kTls, events_of_run, events_of_store); }
Answer smtp_form(Call& call) { return show_form(call, Tool::kSmtp); }
Answer tls_form(Call& call) { return show_form(call, Tool::kTls); }
Answer post_smtp_form(Call& call) { return post_form(call, Tool::kSmtp); }
Answer post_tls_form(Call& call) { return post_form(call, Tool::kTls); }
Answer smtp_test_page(Call& call) { return read_test_of(call, Tool::kSmtp, page_of_run, page_of_store); }
Answer tls_test_page(Call& call) { return read_test_of(call, Tool::kTls, page_of_run, page_of_store); }
Answer smtp_test_stream(Call& call) { return read_test_of(call, Tool::kSmtp, html_of_run, html_of_store); }
Answer tls_test_stream(Call& call) { return read_test_of(call, Tool::kTls, html_of_run, html_of_store); }

Answer tool_script(Call&) {
  HttpResponse response;
  response.content_type = "text/javascript; charset=utf-8";
  response.body = std::string(reports::tool_script());
  response.compressible = true;
  return response;
}

}  // namespace everup::api
