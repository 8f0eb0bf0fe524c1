// A domain's deliverability, by POST /mail_tests and the page /tools/mail: asked on the api's own loop, answered with
// the whole view when it is there, in seconds. Nothing of it is kept but that it was asked, for the limits of
// strangers.
#include <variant>

#include "api/body_json.h"
#include "api/browser.h"
#include "api/drafts.h"
#include "api/house.h"
#include "api/mail_tests.h"
#include "api/problem.h"
#include "api/tool_admission.h"
#include "api/tool_rules.h"
#include "checker/deliverability_json.h"
#include "net/loop.h"

namespace everup::api {
namespace {

using reports::Tool;
using Reply = std::function<void(HttpResponse&&)>;
using MakeAnswer = std::function<HttpResponse(const checker::MailView&)>;

constexpr milliseconds kPatience{15'000};

std::variant<checker::MailQuestion, Refused> admit(const Call& call, MailBody&& body) {
  if (!call.caller) return Refused{401, "unauthorized", stranger_limits(Tool::kMail, call.house->options.tools), {}, 0};
  checker::MailQuestion question;
  question.domain = std::move(body.domain);
  question.mail_from = std::move(body.mail_from);
  question.helo = std::move(body.helo);
  question.selectors = std::move(body.selectors);
  FieldErrors errors = checker::check_mail_question(question);
  question.address = net::Address::parse(body.address);
  if (!body.address.empty() && !question.address)
    errors.push_back({"#/address", "invalid_address", "must be an IPv4 or IPv6 address"});
  if (!errors.empty()) return Refused{422, "invalid_fields", "", std::move(errors), 0};
  return question;
}

// On the loop. `reply` and `answer` are copies: erasing the look destroys the function we are called from.
void end_view(House* house, std::uint64_t number, Reply reply, MakeAnswer answer, const checker::MailView& view) {
  HttpResponse response = answer(view);
  house->test_probes.erase(number);
  reply(std::move(response));
}

Later begin_view(House* house, checker::MailQuestion&& question, MakeAnswer answer) {
  return Later{
      [house, question = std::move(question), answer = std::move(answer)](net::Loop& loop, const Reply& reply) {
        auto* viewer = dynamic_cast<checker::MailViewer*>(house->prober.get());
        if (viewer == nullptr) return reply(problem(503, "unavailable", "this process does not probe"));
        if (house->test_probes.size() >= House::kTestProbesMax)
          return reply(problem(503, "overloaded", "64 tests run already"));
        const std::uint64_t number = house->next_test_probe++;
        TestProbe& kept = *(house->test_probes[number] = std::make_unique<TestProbe>());
        kept.probe = viewer->view(
            question, loop.now().mono + kPatience, true,
            [house, number, reply, answer](checker::MailView&& view) { end_view(house, number, reply, answer, view); });
      }};
}

std::string content_of(const checker::MailView& view) {
  reports::DeliverabilityPage page;
  page.verdict = view.verdict;
  page.domain = view.question.domain;
  for (const checker::MailFinding& one : view.findings) {
    using Level = checker::MailFinding::Level;
    const Verdict tone = one.level == Level::kProblem   ? Verdict::kDown
                         : one.level == Level::kWarning ? Verdict::kDegraded
                         : one.level == Level::kUnknown ? Verdict::kInconclusive
                                                        : Verdict::kUp;
    page.findings.push_back({tone, std::string(word(one.level)), one.check, one.found, one.means, one.publish});
  }
  return reports::deliverability_html(page);
}

}  // namespace

Answer create_mail_test(Call& call) {
  auto body = parse_mail_body(call.body);
  if (!body.ok()) return bad_body(body.errors, body.syntax);
  auto admitted = admit(call, std::move(body.value));
  if (const auto* refused = std::get_if<Refused>(&admitted)) return as_problem(*refused);
  return begin_view(call.house, std::get<checker::MailQuestion>(std::move(admitted)),
                    [](const checker::MailView& view) { return json_answer(deliverability_json(view)); });
}

Answer mail_form(Call& call) {
  reports::ToolForm form = form_of(call, Tool::kMail);
  const auto given = [&](const char* name) {
    const std::string* value = call.parameter(name);
    return value == nullptr ? std::string() : value->substr(0, 300);
  };
  form.target = given("domain");
  form.address = given("address");
  form.selector = given("selector");
  return page_answer(reports::tool_form_html(form));
}

Answer post_mail_form(Call& call) {
  reports::ToolForm form = form_of(call, Tool::kMail);
  const auto typed = [&](const char* name) { return std::string(trim(form_value(call.body, name).value_or(""))); };
  form.target = typed("domain");
  form.address = typed("address");
  form.selector = typed("selector");
  auto foreign = refuse_foreign_form(call);
  MailBody body{form.target, form.address, "", "", {}};
  if (!form.selector.empty()) body.selectors.push_back(form.selector);
  auto admitted = foreign ? *std::move(foreign) : admit(call, std::move(body));
  if (const auto* refused = std::get_if<Refused>(&admitted)) return refused_form(std::move(form), *refused);
  form.closed = false;  // who is let in may ask again
  return begin_view(call.house, std::get<checker::MailQuestion>(std::move(admitted)),
                    [form](const checker::MailView& view) {
                      reports::ToolForm answered = form;
                      answered.content = content_of(view);
                      return page_answer(reports::tool_form_html(answered));
                    });
}

}  // namespace everup::api
