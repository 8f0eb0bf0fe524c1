#include "app/alerting.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "alerts/safe_text.h"
#include "app/commands.h"
#include "app/database.h"
#include "app/probing.h"

namespace everup::app {
namespace {

using Json = nlohmann::ordered_json;

std::string default_sender(const Settings& settings, const std::vector<alerts::RelayUrl>& relays) {
  if (!relays.empty() && alerts::is_mail_address(relays.front().user)) return "Everup <" + relays.front().user + ">";
  const std::string name = ehlo_name_of(settings);
  const std::string sender = "everup@" + name;
  return alerts::is_mail_address(sender) ? "Everup <" + sender + ">" : "Everup <everup@localhost>";
}

Json json_of(const alerts::RelayTry& one) {
  const bool sent = one.verdict.result == AttemptResult::kSent;
  return {{"relay", one.relay},
          {"taken", sent},
          {"reply", one.words()},
          {"tls", one.tls.empty() ? Json(nullptr) : Json(one.tls)},
          {"queue_id", one.queue_id.empty() ? Json(nullptr) : Json(one.queue_id)},
          {"dialogue", one.lines}};
}

void print(const alerts::RelayTry& one) {
  fmt::print("=== {}\n", one.relay);
  for (const std::string& line : one.lines) fmt::print("{}\n", line);
  const bool sent = one.verdict.result == AttemptResult::kSent;
  fmt::print("{} {}{}\n\n", sent ? "ok  " : "bad ", one.words(), one.tls.empty() ? "" : ", " + one.tls);
}

}  // namespace

Result<alerts::MailSettings> mail_settings(const Settings& settings) {
  alerts::MailSettings mail;
  auto relays = alerts::parse_relays(settings.text("SMTP_RELAYS"));
  if (!relays) return relays.error();
  mail.relays = *std::move(relays);
  mail.from = settings.text("MAIL_FROM").empty() ? default_sender(settings, mail.relays) : settings.text("MAIL_FROM");
  if (std::string fault = alerts::mail_from_fault(mail.from); !fault.empty())
    return Error{ErrorCode::kInvalid, std::move(fault)};
  mail.ca_file = settings.text("CA_FILE");
  return mail;
}

Result<alerts::CourierSettings> courier_settings(const Settings& settings, const net::AddressPolicy& policy,
                                                 const net::ResolverOptions& resolver, const std::string& user_agent) {
  auto mail = mail_settings(settings);
  if (!mail) return mail.error();
  alerts::CourierSettings courier;
  courier.mail = *std::move(mail);
  courier.http.policy = &policy;
  courier.http.ca_file = settings.text("CA_FILE");
  courier.http.user_agent = user_agent;
  courier.http.resolver = resolver;
  return courier;
}

int doctor_mail(const Settings& settings, const DoctorMail& words) {
  const auto mail = mail_settings(settings);
  if (!mail || mail->relays.empty()) {
    fmt::print(stderr, "everup: {}\n",
               mail ? "no mail relay is configured: set EVERUP_SMTP_RELAYS" : mail.error().what);
    return kConfiguration;
  }
  const auto tries = alerts::send_test(*mail, words.to, system_clock());
  if (!tries) {
    fmt::print(stderr, "everup: {}\n", tries.error().what);
    return kUsage;
  }
  bool all_taken = true;
  Json rows = Json::array();
  for (const alerts::RelayTry& one : *tries) {
    all_taken = all_taken && one.verdict.result == AttemptResult::kSent;
    words.json ? rows.push_back(json_of(one)) : print(one);
  }
  if (words.json) fmt::print("{}\n", Json{{"from", mail->from}, {"to", words.to}, {"relays", rows}}.dump(2));
  return std::fflush(stdout) == 0 && all_taken ? kDone : kFailed;
}

}  // namespace everup::app
