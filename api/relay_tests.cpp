// Does a mail server relay for everybody? POST /relay_tests: a recipient at our own name is offered to it, and taken
// back before DATA (faults 2.1). Only for a server whose name the account proved to be its own: _everup.DOMAIN has a
// TXT record that names the account. The proof is asked for each time, by a DNS look, and binds to the account by its
// id, which is no secret: who can write it there owns the domain.
//
// Both looks run on the api's own loop, one after the other; nothing is kept.
#include <algorithm>
#include <variant>

#include "api/body_json.h"
#include "api/drafts.h"
#include "api/house.h"
#include "api/json_text.h"
#include "api/mail_tests.h"
#include "api/problem.h"
#include "checker/smtp_report_json.h"
#include "core/complaints.h"
#include "core/target.h"
#include "net/address.h"
#include "net/loop.h"

namespace everup::api {
namespace {

using Reply = std::function<void(HttpResponse&&)>;

constexpr milliseconds kProofPatience{10'000};
constexpr std::int32_t kDialogueMs = 40'000;

struct RelayAsk {
  House* house = nullptr;
  Target target;
  std::string domain;     // whose TXT record is the proof
  std::string proof;      // what it must say
  std::string recipient;  // at our own name
};

bool below(const std::string& host, const std::string& domain) {
  return host == domain || host.ends_with("." + domain);
}

std::variant<RelayAsk, HttpResponse> read_ask(const Call& call) {
  const auto body = parse_relay_body(call.body);
  if (!body.ok()) return bad_body(body.errors, body.syntax);
  RelayAsk ask;
  ask.house = call.house;
  Complaints complaints;
  const auto target = parse_target(body.value.target);
  const bool mail = target.ok() && (target->kind == Kind::kSmtp || target->kind == Kind::kSmtps);
  complaints.need(mail, "#/target", "wrong_kind", "must be smtp://host, smtp://host:port or smtps://host");
  if (mail) ask.target = *target;
  complaints.need(!mail || !net::Address::parse(ask.target.host), "#/target", "not_allowed",
                  "must be a name, because its ownership is proved in the DNS");
  ask.domain = body.value.domain.empty() ? ask.target.host : body.value.domain;
  complaints.need(!mail || (below(ask.target.host, ask.domain) && ask.domain.find('.') != std::string::npos),
                  "#/domain", "not_allowed", "must be the target's host or a domain above it, like example.com");
  if (auto errors = complaints.take(); !errors.empty()) return bad_body(errors, false);
  const auto self = parse_target(call.house->options.base_url);
  const std::string sink = self.ok() && !net::Address::parse(self->host) ? self->host : "";
  if (call.house->prober == nullptr) return problem(503, "unavailable", "this process does not probe");
  if (sink.find('.') == std::string::npos)
    return problem(503, "unavailable", "this Everup has no public name of its own: its operator sets EVERUP_BASE_URL");
  ask.recipient = "relay-test@" + sink;
  ask.proof = "everup-account=" + to_string(call.caller->account);
  return ask;
}

CheckPlan plan_of(Kind kind, std::string url, std::int32_t timeout_ms, KindSettings settings) {
  CheckPlan plan;
  plan.kind = kind;
  plan.url = std::move(url);
  plan.timeout_ms = timeout_ms;
  plan.settings = std::make_shared<const KindSettings>(std::move(settings));
  return plan;
}

// One look in the house's list; `done` may begin the next one.
void look(House* house, net::Loop& loop, CheckPlan plan, const Reply& reply, std::function<void(Outcome&&)> done) {
  if (house->test_probes.size() >= House::kTestProbesMax)
    return reply(problem(503, "overloaded", "64 tests run already"));
  const std::uint64_t number = house->next_test_probe++;
  TestProbe& kept = *(house->test_probes[number] = std::make_unique<TestProbe>());
  kept.plan = std::move(plan);
  checker::Question question;
  question.plan = &kept.plan;
  question.deadline = loop.now().mono + milliseconds(kept.plan.timeout_ms);
  kept.probe = house->prober->start(question, [house, number, done = std::move(done)](Outcome&& outcome) {
    const auto after = done;  // erasing the probe destroys the function we are called from
    Outcome told = std::move(outcome);
    house->test_probes.erase(number);
    after(std::move(told));
  });
}

// What the recipient's answer means: taken is open; refused by word is closed; all else proves nothing.
std::string_view verdict_of(const Outcome& outcome) {
  const Cause cause = outcome.cause;
  if (cause == Cause::kOk && outcome.code >= 200 && outcome.code < 300) return "open";
  const bool refused =
      cause == Cause::kSmtpRelayDenied || cause == Cause::kSmtpRejected || cause == Cause::kSmtpMailbox;
  return refused && outcome.code >= 500 ? "closed" : "inconclusive";
}

HttpResponse relay_answer(const RelayAsk& ask, const Outcome& outcome) {
  const std::string_view verdict = verdict_of(outcome);
  JsonWriter out = JsonWriter::object();
  out.field("target", ask.target.url()).field("domain", ask.domain).field("recipient", ask.recipient);
  out.field("verdict", verdict).field("cause", facts(outcome.cause).slug).field("detail", outcome.detail);
  out.key("code").number(outcome.code);
  out.field("means", verdict == "open"     ? "it takes mail of strangers for strangers: senders of spam will find it"
                     : verdict == "closed" ? "it refuses mail of strangers for strangers, as it should"
                                           : "it neither took nor refused the recipient");
  JsonWriter lines = JsonWriter::array();
  if (outcome.evidence) {
    for (const TranscriptLine& line : outcome.evidence->transcript.lines())
      lines.raw(checker::transcript_line_json(line));
  }
  out.field_raw("transcript", std::move(lines).take());
  return json_answer(std::move(out).take());
}

void ask_server(const RelayAsk& ask, net::Loop& loop, const Reply& reply) {
  SmtpSettings settings;
  settings.options.from = ask.recipient;  // neither is the server's own
  settings.options.to = {ask.recipient};
  settings.options.stop_after = SmtpStop::kRcpt;
  look(ask.house, loop, plan_of(ask.target.kind, ask.target.url(), kDialogueMs, std::move(settings)), reply,
       [ask, reply](Outcome&& outcome) { reply(relay_answer(ask, outcome)); });
}

HttpResponse unproved(const RelayAsk& ask, const Outcome& outcome) {
  const std::string name = "_everup." + ask.domain;
  if (outcome.verdict == Verdict::kInconclusive)
    return problem(503, "unavailable", "the name servers did not say whether " + name + " names this account");
  return problem(403, "ownership_unproved",
                 "prove that " + ask.domain + " is yours: publish " + name + ". TXT \"" + ask.proof +
                     "\" and ask again (" + outcome.detail + ")");
}

}  // namespace

Answer create_relay_test(Call& call) {
  auto read = read_ask(call);
  if (auto* refused = std::get_if<HttpResponse>(&read)) return std::move(*refused);
  return Later{[ask = std::get<RelayAsk>(std::move(read))](net::Loop& loop, const Reply& reply) {
    DnsSettings settings;
    settings.options.type = DnsType::kTxt;
    settings.expect.values = {ask.proof};
    look(ask.house, loop,
         plan_of(Kind::kDns, "dns://_everup." + ask.domain, static_cast<std::int32_t>(kProofPatience.count()),
                 std::move(settings)),
         reply, [ask, reply, &loop](Outcome&& outcome) {
           if (outcome.verdict != Verdict::kUp) return reply(unproved(ask, outcome));
           ask_server(ask, loop, reply);
         });
  }};
}

}  // namespace everup::api
