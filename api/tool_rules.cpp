// See api/tool_rules.h.
#include "api/tool_rules.h"

#include <algorithm>
#include <array>

#include "api/json_text.h"
#include "core/complaints.h"
#include "net/address_policy.h"

namespace everup::api {
namespace {

using reports::Tool;

// Where TLS is at home: implicit, or after the prelude that the tool speaks.
constexpr std::array<std::uint16_t, 20> kTlsPorts{21,  24,  25,  110, 143, 389,  443,  465,  563,  587,
                                                  636, 853, 990, 993, 995, 2525, 5061, 5222, 5223, 8443};

bool allowed_port(Tool tool, std::uint16_t port, const ToolOptions& options) {
  if (std::find(options.ports.begin(), options.ports.end(), port) != options.ports.end()) return true;
  return tool == Tool::kTls && std::find(kTlsPorts.begin(), kTlsPorts.end(), port) != kTlsPorts.end();
}

std::string port_list(Tool tool, const ToolOptions& options) {
  std::vector<std::uint16_t> ports = options.ports;
  if (tool == Tool::kTls) ports.insert(ports.end(), kTlsPorts.begin(), kTlsPorts.end());
  std::sort(ports.begin(), ports.end());
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
  std::string out;
  for (const std::uint16_t port : ports) out += (out.empty() ? "" : ", ") + std::to_string(port);
  return out;
}

void judge_mail(const SmtpOptions& options, Complaints& complaints) {
  complaints.need(options.auth.user.empty(), "#/options/auth", "not_allowed",
                  "passwords are not taken from strangers: sign in with a key, or use `everup smtp --auth-user`");
  complaints.need(options.from.empty(), "#/options/from", "not_allowed", "tests of strangers are sent by <> only");
  complaints.need(options.ehlo.empty(), "#/options/ehlo", "not_allowed", "tests of strangers use our own name");
  complaints.need(!options.mx, "#/options/mx", "not_allowed",
                  "all hosts of a domain are asked for signed-in users only: one server at a time for strangers");
  complaints.need(options.to.size() <= 1, "#/options/to", "too_many", "strangers ask for one recipient at a time");
}

// "mx.example.com:587" with the scheme that the form's choice means.
std::string target_of(const reports::ToolForm& form) {
  if (form.target.find("://") != std::string::npos) return form.target;
  if (form.tool == Tool::kTls) return "tls://" + form.target;
  return (form.starttls == "implicit" ? "smtps://" : "smtp://") + form.target;
}

}  // namespace

FieldErrors tool_errors(Tool tool, const MonitorDraft& draft) {
  Complaints complaints;
  const Kind kind = draft.target.kind;
  if (tool == Tool::kTls) {
    complaints.need(kind == Kind::kTls, "#/target", "wrong_kind", "must be tls://host or tls://host:port");
    return complaints.take();
  }
  complaints.need(kind == Kind::kSmtp || kind == Kind::kSmtps, "#/target", "wrong_kind",
                  "must be smtp://host, smtp://host:port or smtps://host");
  if (const auto* mail = std::get_if<SmtpSettings>(&draft.settings)) {
    complaints.need(mail->options.stop_after != SmtpStop::kData, "#/options/stop_after", "not_allowed",
                    "no message is sent from here; `everup smtp --send` does");
  }
  return complaints.take();
}

FieldErrors stranger_errors(Tool tool, const MonitorDraft& draft, const ToolOptions& options) {
  Complaints complaints;
  const Target& target = draft.target;
  complaints.need(
      allowed_port(tool, target.port, options), "#/target", "port_refused",
      "port " + std::to_string(target.port) + " is not tested for strangers; ports are " + port_list(tool, options));
  if (const auto* mail = std::get_if<SmtpSettings>(&draft.settings)) judge_mail(mail->options, complaints);
  if (const auto* tls = std::get_if<TlsSettings>(&draft.settings)) {
    complaints.need(tls->options.heartbleed != HeartbleedAsk::kEvery, "#/options/heartbleed", "not_allowed",
                    "Heartbleed is asked for signed-in users only");
  }
  const auto address = net::Address::parse(target.host);
  if (address && options.policy != nullptr) {
    const net::Ruling ruling = options.policy->judge(*address);
    if (!ruling.allowed)
      complaints.wrong("#/target", "address_refused", options.policy->refusal(target.host, *address, ruling));
  }
  return complaints.take();
}

bool open_to_strangers(Tool tool, const ToolOptions& options) {
  switch (tool) {
    case Tool::kSmtp:
      return options.smtp;
    case Tool::kTls:
      return options.tls;
    case Tool::kMail:
      return false;
  }
  return false;
}

std::string stranger_limits(Tool tool, const ToolOptions& options) {
  if (!open_to_strangers(tool, options))
    return "This tool is for signed-in users here: POST /api/v1/" + std::string(reports::word(tool)) +
           "_tests with a key, or `everup " + std::string(reports::word(tool)) + "` at a shell.";
  std::string out =
      "Without signing in: five tests in ten minutes for each network, twenty a day to one host, public "
      "addresses only, ports " +
      port_list(tool, options) + ".";
  if (tool == Tool::kSmtp) return out + " No passwords, no messages; a recipient is asked for and taken back.";
  return out + " Heartbleed is asked for signed-in users only.";
}

void restrain(KindSettings* settings) {
  if (auto* tls = std::get_if<TlsSettings>(settings)) tls->options.heartbleed = HeartbleedAsk::kOff;
}

std::string client_network(const Client& client) {
  if (!client.address) return "local";
  net::Address address = client.address->with_port(0);
  const std::size_t kept = address.v4() ? 3 : 8;
  for (std::size_t i = kept; i < address.bytes.size(); ++i) address.bytes[i] = 0;
  return address.host() + (address.v4() ? "/24" : "/64");
}

std::string form_as_json(const reports::ToolForm& form) {
  JsonWriter options = JsonWriter::object();
  if (!form.starttls.empty() && form.starttls != "implicit") options.field("starttls", form.starttls);
  if (form.tool == Tool::kSmtp && !form.to.empty()) {
    JsonWriter to = JsonWriter::array();
    to.text(form.to);
    options.field_raw("to", std::move(to).take());
  }
  JsonWriter out = JsonWriter::object();
  out.field("target", target_of(form)).field_raw("options", std::move(options).take());
  return std::move(out).take();
}

}  // namespace everup::api
