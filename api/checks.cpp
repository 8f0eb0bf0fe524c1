// Checks that a person asks for: check-now of a stored monitor (a command to the scheduler, RULES D 6) and the test of
// an unsaved one (probed on the api's own loop). Both answer 200 with the result when it comes in time; neither holds a
// handler thread meanwhile.
#include <algorithm>
#include <memory>

#include "api/drafts.h"
#include "api/house.h"
#include "api/json_text.h"
#include "api/problem.h"
#include "api/views.h"
#include "db/monitor_json.h"
#include "net/loop.h"

namespace everup::api {
namespace {

constexpr milliseconds kPollEvery{200};
constexpr milliseconds kCheckPatience{10'000};

using Reply = std::function<void(HttpResponse&&)>;

// One check-now on its way: polled from the loop's timer, each look at the row on a handler thread.
struct CheckWait : std::enable_shared_from_this<CheckWait> {
  Call call;  // request pointer is not used after the handler
  CommandId command;
  net::Loop* loop = nullptr;
  Reply reply;
  Instant deadline;

  HttpResponse accepted() const {
    JsonWriter out = JsonWriter::object();
    out.field("command", to_string(command)).field("status", "queued");
    return json_answer(std::move(out).take(), 202);
  }
  void wait() {
    loop->at(loop->now().mono + kPollEvery, [self = shared_from_this()] { self->poll(); });
  }
  void poll() {
    auto self = shared_from_this();
    const bool taken = call.house->on_pool([self] { self->look(); }, [self] { self->again(); });
    if (!taken) again();
  }
  // Any thread: waits on, or gives up and says that the check is queued.
  void again() {
    auto self = shared_from_this();
    const bool posted = loop->post([self] {
      if (self->loop->now().mono >= self->deadline) return self->reply(self->accepted());
      self->wait();
    });
    if (!posted) reply(accepted());
  }
  void look() {
    const AccountId account = call.caller->account;
    const auto state = call.house->commands().state(account, call.path[0], command);
    if (!state.ok() || !state->done || !state->result) return again();
    const auto row = call.house->ledger().result(account, call.path[0], *state->result);
    if (row.ok()) return reply(json_answer(result_json(*row)));
    again();
  }
};

HttpResponse check_refused(const Call& call, const Error& error) {
  if (error.code == ErrorCode::kExhausted) {
    HttpResponse response = problem(429, "check_too_soon", "checked by hand less than 10 s ago");
    response.set("Retry-After", "10");
    return response;
  }
  if (error.code == ErrorCode::kConflict) return problem(409, "conflict", "the monitor is paused: resume it first");
  return failed(call, error);
}

CheckPlan plan_of(const MonitorDraft& draft, WallTime now) {
  CheckPlan plan;
  plan.id = {};  // nobody's: what TLS looks remember is not shared between accounts
  plan.interval_ms = draft.interval_s * 1000;
  plan.timeout_ms = draft.timeout_ms;
  plan.confirm = draft.confirm;
  plan.kind = draft.target.kind;
  plan.url = draft.target.url();
  plan.settings = std::make_shared<const KindSettings>(draft.settings);
  plan.revised_at = now;
  plan.created_at = now;
  return plan;
}

void end_test(House* house, std::uint64_t number, WallTime started, Reply reply, Outcome&& outcome) {
  // `reply` is a copy: erasing the probe destroys the function we are called from.
  const std::string evidence = outcome.evidence ? db::evidence_json(*outcome.evidence) : std::string();
  HttpResponse response = json_answer(outcome_json(outcome, started, evidence));
  house->test_probes.erase(number);
  reply(std::move(response));
}

void begin_test(House* house, CheckPlan plan, net::Loop& loop, const Reply& reply) {
  if (house->prober == nullptr) return reply(problem(503, "unavailable", "this process does not probe"));
  if (house->test_probes.size() >= House::kTestProbesMax)
    return reply(problem(503, "overloaded", "64 tests run already"));
  const std::uint64_t number = house->next_test_probe++;
  auto test = std::make_unique<TestProbe>();
  test->plan = std::move(plan);
  checker::Question question;
  question.plan = &test->plan;
  question.deadline = loop.now().mono + milliseconds(test->plan.timeout_ms);
  const WallTime started = loop.now().wall;
  TestProbe& kept = *(house->test_probes[number] = std::move(test));
  kept.probe = house->prober->start(question, [house, number, started, reply](Outcome&& outcome) {
    end_test(house, number, started, reply, std::move(outcome));
  });
}

}  // namespace

Answer check_monitor(Call& call) {
  auto command = call.house->commands().check_now(call.caller->account, call.path[0]);
  if (!command.ok()) return check_refused(call, command.error());
  auto wait = std::make_shared<CheckWait>();
  wait->call = call;
  wait->command = *command;
  return Later{[wait](net::Loop& loop, Reply reply) {
    wait->loop = &loop;
    wait->reply = std::move(reply);
    wait->deadline = loop.now().mono + kCheckPatience;
    wait->wait();
  }};
}

Answer test_monitor(Call& call) {
  auto draft = read_draft(call);
  if (auto* refusal = std::get_if<HttpResponse>(&draft)) return std::move(*refusal);
  const std::vector<MonitorDraft> drafts{std::get<MonitorDraft>(std::move(draft))};
  return Later{[house = call.house, drafts, now = call.now](net::Loop& loop, const Reply& reply) {
    judge_names(*house, drafts, false, [house, drafts, now, &loop, reply](FieldErrors&& errors) {
      if (!errors.empty()) return reply(invalid_fields(errors));
      begin_test(house, plan_of(drafts.front(), now), loop, reply);
    });
  }};
}

}  // namespace everup::api
