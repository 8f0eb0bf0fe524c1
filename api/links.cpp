// What the links in a message open without a key: /ack/{token} and /unsubscribe/{token}. GET shows a page, POST acts,
// so that a mail scanner that follows links changes nothing. The token (128 random bits and more) is the right to do
// it; unknown ones look like pages that are not there. Nothing here is kept by caches.
#include <algorithm>

#include "api/house.h"
#include "api/problem.h"
#include "core/outcome.h"
#include "db/incident_store.h"
#include "reports/strip.h"

namespace everup::api {
namespace {

constexpr std::string_view kCsp =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

bool plausible(std::string_view token) {
  return token.size() >= 16 && token.size() <= 64 && std::all_of(token.begin(), token.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
         });
}

HttpResponse page(const std::string& title, const std::string& body, int status = 200) {
  HttpResponse response;
  response.status = status;
  response.content_type = "text/html; charset=utf-8";
  response.body =
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\"><title>" +
      reports::escaped(title) +
      "</title><style>body{font:1rem/1.5 system-ui,sans-serif;max-width:38rem;margin:3rem auto;padding:0 1rem;color-"
      "scheme:light dark}button{font:inherit;padding:.5rem 1.2rem}</style><main><h1>" +
      reports::escaped(title) + "</h1>" + body + "</main></html>\n";
  response.set("Content-Security-Policy", std::string(kCsp));
  response.set("X-Robots-Tag", "noindex");
  return response;
}

HttpResponse missing() {
  return page("Nothing is here", "<p>The link is not complete, or what it was about is gone.</p>", 404);
}

std::string button(const std::string& words) {
  return "<form method=\"post\"><button type=\"submit\">" + reports::escaped(words) + "</button></form>";
}

std::string minute(WallTime t) {
  std::string text = rfc3339(WallTime{t.ms / 60'000 * 60'000}).substr(0, 16);
  text[10] = ' ';
  return text + " UTC";
}

HttpResponse incident_page(const db::LinkedIncident& incident) {
  const auto cause = cause_from_number(incident.cause);
  std::string body = "<p>Down since " + minute(incident.started_at);
  if (cause) body += ": " + reports::escaped(facts(*cause).english);
  body += ".</p>";
  if (incident.ended_at) body += "<p>It is over since " + minute(*incident.ended_at) + ".</p>";
  if (incident.acknowledged_at) {
    body += "<p>Acknowledged at " + minute(*incident.acknowledged_at) +
            ". Nobody is reminded of it any more; its end will be told.</p>";
  } else if (!incident.ended_at) {
    body += "<p>Acknowledging tells Everup that somebody is at it: nobody else is woken, and reminders end.</p>" +
            button("I am at it");
  }
  return page(incident.monitor_name, body);
}

HttpResponse subscription_page(bool on) {
  if (on)
    return page("Alerts by e-mail", "<p>Alerts are sent to this address. Without them outages may go unnoticed.</p>" +
                                        button("Send no more alerts to this address"));
  return page("No more alerts",
              "<p>This address gets no alerts any more. The account's owner can switch the channel on "
              "again.</p>");
}

HttpResponse link_failed(const Call& call, const Error& error) {
  return error.code == ErrorCode::kNotFound ? missing() : failed(call, error);
}

Answer unsubscribe(Call& call, bool off) {
  if (!plausible(call.path[0])) return missing();
  const auto on = call.house->incidents().subscribed(call.path[0], off);
  return on.ok() ? subscription_page(*on) : link_failed(call, on.error());
}

}  // namespace

Answer ack_page(Call& call) {
  if (!plausible(call.path[0])) return missing();
  const auto incident = call.house->incidents().by_link(call.path[0]);
  return incident.ok() ? incident_page(*incident) : link_failed(call, incident.error());
}

Answer ack_by_link(Call& call) {
  if (!plausible(call.path[0])) return missing();
  const auto incident = call.house->incidents().acknowledge_by_link(call.path[0]);
  return incident.ok() ? incident_page(*incident) : link_failed(call, incident.error());
}

Answer unsubscribe_page(Call& call) { return unsubscribe(call, false); }
Answer unsubscribe_by_link(Call& call) { return unsubscribe(call, true); }

}  // namespace everup::api
