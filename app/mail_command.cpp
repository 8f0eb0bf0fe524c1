#include "app/mail_command.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include "app/check_command.h"
#include "app/probe_once.h"
#include "checker/deliverability_json.h"

namespace everup::app {
namespace {

void show(const checker::MailView& view) {
  for (const auto& finding : view.findings) {
    fmt::print("{:<8} {:<9} {}\n", word(finding.level), finding.check, finding.found);
    fmt::print("{:>18} {}\n", "", finding.means);
    if (!finding.publish.empty()) fmt::print("{:>18} publish: {}\n", "", finding.publish);
  }
  fmt::print("{}: {} ({} questions)\n", view.question.domain, slug(view.verdict), view.questions);
}

}  // namespace

int run_mail(const MailCommand& command, const Settings& settings) {
  checker::MailQuestion question;
  question.domain = command.domain;
  question.mail_from = command.mail_from;
  question.helo = command.helo;
  question.selectors = command.selectors;
  question.zones = command.zones;
  auto errors = check_mail_question(question);
  if (!command.address.empty()) {
    question.address = net::Address::parse(command.address);
    if (!question.address) errors.push_back({"#/address", "invalid_address", "must be an IPv4 or IPv6 address"});
  }
  for (const FieldError& error : errors)
    fmt::print(stderr, "everup mail: {}: {}\n", error.pointer.substr(2), error.detail);
  if (!errors.empty()) return 3;
  const milliseconds timeout(std::lround(command.timeout_s * 1000));
  const auto view = view_once(question, settings, command.policy, timeout);
  if (!view) {
    fmt::print(stderr, "everup mail: {}\n", view.error().what);
    return 3;
  }
  if (command.json)
    fmt::print("{}\n", deliverability_json(*view));
  else
    show(*view);
  return std::fflush(stdout) == 0 ? exit_code_of(view->verdict) : 3;
}

}  // namespace everup::app
