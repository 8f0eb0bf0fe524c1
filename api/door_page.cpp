// See api/door_page.h. Referrer-Policy is same-origin and not no-referrer: with the latter browsers send "Origin: null"
// with a form, and a form that comes from nowhere is refused.
#include "api/door_page.h"

#include "net/digest.h"

namespace everup::api {
namespace {

constexpr std::string_view kStyle =
    ":root{color-scheme:light dark;--ink:#1a1d21;--soft:#59616b;--back:#f6f7f9;--card:#fff;--line:#8a929c;--go:#0a5fb4;"
    "--bad:#a4161a}@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a9b1bb;--back:#14171a;--card:#1e2226;"
    "--line:#7d8690;--go:#7db8f7;--bad:#ff9c9e}}*{box-sizing:border-box}body{margin:0;font:16px/1.5 "
    "system-ui,sans-serif;"
    "color:var(--ink);background:var(--back)}main{max-width:26rem;margin:8vh "
    "auto;padding:1.5rem;background:var(--card);"
    "border:1px solid var(--line);border-radius:.5rem}h1{font-size:1.4rem;margin:0 0 .5rem}p{margin:.5rem 0;"
    "color:var(--soft)}p.bad{color:var(--bad)}label{display:block;margin:1rem 0 "
    ".25rem;font-weight:600}input{width:100%;"
    "font:inherit;padding:.5rem;border:1px solid var(--line);border-radius:.25rem;background:transparent;color:inherit}"
    "button{margin-top:1.25rem;width:100%;font:inherit;font-weight:600;padding:.6rem;border:0;border-radius:.25rem;"
    "background:var(--go);color:var(--card);cursor:pointer}a{color:var(--go)}:focus-visible{outline:3px solid "
    "var(--go);"
    "outline-offset:2px}";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\'')
      out += "&#39;";
    else
      out += c;
  }
  return out;
}

const std::string& policy() {
  static const std::string text =
      "default-src 'none'; style-src 'sha256-" + net::base64(net::bytes_of(net::sha256(kStyle))) +
      "'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
  return text;
}

std::string field_html(const FormField& field) {
  std::string out = "<label for=\"" + escaped(field.name) + "\">" + escaped(field.label) + "</label><input id=\"" +
                    escaped(field.name) + "\" name=\"" + escaped(field.name) + "\" type=\"" + escaped(field.type) +
                    "\" autocomplete=\"" + escaped(field.autocomplete) + "\"";
  if (!field.value.empty()) out += " value=\"" + escaped(field.value) + "\"";
  if (field.autocomplete == "new-password") out += " minlength=\"8\"";
  return out + " maxlength=\"256\"" + (field.required ? " required" : "") + ">";
}

}  // namespace

HttpResponse door_page(int status, const DoorPage& page, const Site& site) {
  std::string html =
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\"><title>" +
      escaped(page.title) + " – Everup</title><style>" + std::string(kStyle) + "</style></head><body><main><h1>" +
      escaped(page.title) + "</h1>";
  if (!page.lead.empty()) html += "<p>" + escaped(page.lead) + "</p>";
  if (!site.trustworthy)
    html +=
        "<p class=\"bad\">This connection is not encrypted: whoever is on the way can read the password. Put Everup "
        "behind https and set EVERUP_BASE_URL.</p>";
  if (!page.error.empty()) html += "<p class=\"bad\" role=\"alert\">" + escaped(page.error) + "</p>";
  if (!page.action.empty()) {
    html += "<form method=\"post\" action=\"" + escaped(page.action) + "\">";
    for (const FormField& field : page.fields) html += field_html(field);
    html += "<button>" + escaped(page.button) + "</button></form>";
  }
  HttpResponse response;
  response.status = status;
  response.content_type = "text/html; charset=utf-8";
  response.body = html + "</main></body></html>\n";
  response.set("Cache-Control", "no-store");
  response.set("Content-Security-Policy", policy());
  response.set("Referrer-Policy", "same-origin");
  response.set("X-Robots-Tag", "noindex");
  return response;
}

HttpResponse see_other(std::string_view where) {
  HttpResponse response;
  response.status = 303;
  response.set("Location", std::string(where));
  response.set("Cache-Control", "no-store");
  return response;
}

}  // namespace everup::api
