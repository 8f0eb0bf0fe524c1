// Forms, frames and rows of the browser tools. See tool_page.h.
#include "reports/tool_page.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/calendar.h"
#include "reports/page_template.h"
#include "reports/page_text.h"
#include "reports/tool_parts.h"
#include "reports/tool_text.h"
#include "reports/words.h"

namespace everup::reports {
namespace {

constexpr std::int64_t kDayInMs = 86'400'000;

std::string style() { return std::string(kStyle) + std::string(kToolStyle); }

std::string_view heading(Tool tool) {
  switch (tool) {
    case Tool::kSmtp:
      return "Mail server test";
    case Tool::kTls:
      return "TLS test";
    case Tool::kMail:
      return "Deliverability";
  }
  return "";
}

std::string framed(Tool tool, std::string title, bool refresh, const std::string& version, std::string_view body,
                   Fields&& fields) {
  fields.texts.insert(fields.texts.end(), {{"title", std::move(title)},
                                           {"style", style()},
                                           {"word", std::string(word(tool))},
                                           {"heading", std::string(heading(tool))},
                                           {"version", version}});
  fields.flags.insert(fields.flags.end(), {{"is_smtp", tool == Tool::kSmtp},
                                           {"is_tls", tool == Tool::kTls},
                                           {"is_mail", tool == Tool::kMail},
                                           {"refresh", refresh},
                                           {"has_version", !version.empty()}});
  return render_page(std::string(kToolHead) + std::string(body) + std::string(kToolFoot), fields);
}

using Mode = std::pair<std::string_view, std::string_view>;
constexpr std::array<Mode, 5> kMailModes{{{"", "automatic"},
                                          {"try", "encrypt if it can"},
                                          {"require", "encrypt, or fail"},
                                          {"never", "in clear"},
                                          {"implicit", "TLS at once (465)"}}};
constexpr std::array<Mode, 9> kTlsModes{{{"", "TLS at once"},
                                         {"smtp", "SMTP, then STARTTLS"},
                                         {"imap", "IMAP, then STARTTLS"},
                                         {"pop3", "POP3, then STLS"},
                                         {"ftp", "FTP, then AUTH TLS"},
                                         {"xmpp", "XMPP, then STARTTLS"},
                                         {"ldap", "LDAP, then StartTLS"},
                                         {"lmtp", "LMTP, then STARTTLS"},
                                         {"postgres", "PostgreSQL's request"}}};

template <std::size_t N>
std::vector<Fields> mode_rows(const std::array<Mode, N>& modes, const std::string& chosen) {
  std::vector<Fields> rows;
  for (const auto& [value, label] : modes) {
    rows.push_back({.texts = {{"value", std::string(value)}, {"label", std::string(label)}},
                    .flags = {{"chosen", value == chosen}},
                    .lists = {}});
  }
  return rows;
}

// Class and mark of a line: who spoke, and whether it was a refusal.
std::pair<std::string, std::string> line_look(const TranscriptLine& line) {
  switch (line.direction) {
    case Direction::kOut:
      return {"out", "→"};
    case Direction::kNote:
      return {"say", "·"};
    case Direction::kIn:
      break;
  }
  if (line.text.starts_with('5')) return {"in bad", "←"};
  return {line.text.starts_with('4') ? "in late" : "in", "←"};
}

std::string icon_of(Verdict verdict) {
  const auto drawn = [](std::string_view path) {
    return "<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\" focusable=\"false\"><path d=\"" + std::string(path) +
           "\"/></svg>";
  };
  switch (verdict) {
    case Verdict::kUp:
      return drawn("M5 13l5 5L20 7");
    case Verdict::kDegraded:
      return drawn("M12 3L2.5 20h19zM12 10v4M12 17v.01");
    case Verdict::kDown:
      return drawn("M6 6l12 12M18 6L6 18");
    case Verdict::kInconclusive:
      break;
  }
  return drawn("M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 18v.01");
}

std::pair<std::string, std::string> verdict_words(Verdict verdict) {
  switch (verdict) {
    case Verdict::kUp:
      return {"up", "Good"};
    case Verdict::kDegraded:
      return {"degraded", "Works, with a fault"};
    case Verdict::kDown:
      return {"down", "Does not work"};
    case Verdict::kInconclusive:
      break;
  }
  return {"unknown", "Could not be tested"};
}

using Meaning = std::pair<std::string_view, std::string_view>;
constexpr std::array<Meaning, 11> kMailSteps{{
    {"CONNECT", "the way to the server: names, addresses, the TCP connection; good: well below a second"},
    {"BANNER", "the server greets; good: 220 and its name within seconds (RFC 5321, 3.1 and 4.2)"},
    {"FIRST-EHLO", "introductions, before encryption; good: 250 with a list (RFC 5321, 4.1.1.1)"},
    {"TLS", "the connection is encrypted; good: TLS 1.2 or 1.3 and a certificate for its name (RFC 3207)"},
    {"EHLO", "introductions, once more after encryption; good: 250 with a list (RFC 5321, 4.1.1.1)"},
    {"AUTH", "who we are is proved; good: 235 (RFC 4954)"},
    {"MAIL", "the envelope's sender; good: 250 (RFC 5321, 4.1.1.2)"},
    {"RCPT", "the envelope's recipient; good: 250, or 550 for who is not there (RFC 5321, 4.1.1.3)"},
    {"DATA", "the message itself; good: 354, then 250 (RFC 5321, 4.1.1.4)"},
    {"RSET", "the envelope is taken back: nothing is delivered; good: 250 (RFC 5321, 4.1.1.5)"},
    {"QUIT", "leave is taken; good: 221 (RFC 5321, 4.1.1.10)"},
}};
constexpr std::array<Meaning, 8> kTlsSteps{{
    {"DNS", "the name's addresses"},
    {"CONNECT", "the TCP connection"},
    {"STARTTLS", "what comes before the handshake, in the protocol's own words (RFC 3207, 2595, 6120 …)"},
    {"HANDSHAKE", "version, suite and certificate are agreed upon (RFC 8446, 5246)"},
    {"HTTP", "one HEAD request: does it tell browsers to stay with HTTPS? (RFC 6797)"},
    {"RESUMPTION", "a second handshake that takes up the first (RFC 8446, 2.2)"},
    {"WEAK SUITES", "one hello with suites that nobody should accept (RFC 7465, 9325)"},
    {"HEARTBLEED", "does it give away its memory? Asked with at most one byte too many (CVE-2014-0160)"},
}};

struct FormWords {
  const char *lead, *field, *label, *hint, *placeholder, *mode;
};
const FormWords& words_of(Tool tool) {
  static constexpr std::array<FormWords, 3> kForms{
      {{"Speaks to a mail server as another mail server would, and shows every line as it happens, with what it means. "
        "No "
        "message is sent.",
        "target", "Mail server", "a host, with a port if it is not 25", "mx.example.com", "Encryption"},
       {"Connects to a server, judges certificate, versions and settings, and says what to mend.", "target", "Server",
        "a host, with a port if it is not 443", "www.example.com", "How it begins"},
       {"Asks what a domain publishes about its mail, what receivers make of the address that sends it, and says what "
        "to "
        "publish.",
        "domain", "Domain", "the part behind the @", "example.com", ""}}};
  return kForms.at(static_cast<std::size_t>(tool));
}

template <std::size_t N>
std::string_view find(const std::array<Meaning, N>& meanings, std::string_view step) {
  const auto* found = std::find_if(meanings.begin(), meanings.end(), [&](const auto& m) { return m.first == step; });
  return found == meanings.end() ? std::string_view() : found->second;
}

}  // namespace

std::string_view word(Tool tool) {
  switch (tool) {
    case Tool::kSmtp:
      return "smtp";
    case Tool::kTls:
      return "tls";
    case Tool::kMail:
      return "mail";
  }
  return "";
}

std::string_view step_meaning(Tool tool, std::string_view step) {
  return tool == Tool::kSmtp ? find(kMailSteps, step) : find(kTlsSteps, step);
}

std::string tool_form_html(const ToolForm& form) {
  const FormWords& words = words_of(form.tool);
  Fields page;
  page.texts = {{"target", printable(form.target, kToolTextMax)},
                {"to", printable(form.to, kToolTextMax)},
                {"address", printable(form.address, kToolTextMax)},
                {"selector", printable(form.selector, kToolTextMax)},
                {"limits", form.limits},
                {"content", form.content},
                {"lead", words.lead},
                {"field", words.field},
                {"target_label", words.label},
                {"target_hint", words.hint},
                {"placeholder", words.placeholder},
                {"mode_label", words.mode}};
  page.flags = {{"closed", form.closed}, {"has_errors", !form.errors.empty()}};
  std::vector<Fields> errors;
  for (const std::string& error : form.errors)
    errors.push_back({.texts = {{"text", printable(error, kToolTextMax)}}, .flags = {}, .lists = {}});
  page.lists = {
      {"errors", std::move(errors)},
      {"modes", form.tool == Tool::kSmtp ? mode_rows(kMailModes, form.starttls) : mode_rows(kTlsModes, form.starttls)}};
  return framed(form.tool, std::string(heading(form.tool)) + " · Everup", false, form.version, kFormTemplate,
                std::move(page));
}

std::string tool_test_html(const ToolTestPage& page) {
  using State = ToolTestPage::State;
  const std::string target = printable(page.target, kToolTextMax);
  Fields fields;
  fields.texts = {{"id", page.id}, {"target", target}, {"created", page.created}, {"content", page.content}};
  fields.flags = {{"running", page.state == State::kRunning},
                  {"elsewhere", page.state == State::kElsewhere},
                  {"lost", page.state == State::kLost}};
  return framed(page.tool, std::string(heading(page.tool)) + ": " + target, page.state == State::kElsewhere,
                page.version, kTestTemplate, std::move(fields));
}

std::string tool_missing_html(Tool tool) {
  return framed(tool, "There is no such test", false, "", kMissingToolTemplate, {});
}

std::string tool_stream_head(Tool tool) {
  const Fields fields{.texts = {{"title", std::string(heading(tool))}, {"style", style()}}, .flags = {}, .lists = {}};
  return render_page(kStreamHead, fields);
}

std::string tool_line_html(const TranscriptLine& line, std::string_view note) {
  const auto [look, mark] = line_look(line);
  const Fields fields{.texts = {{"class", look},
                                {"mark", mark},
                                {"at", std::to_string(line.at_ms)},
                                {"text", printable(line.text, kToolTextMax)},
                                {"note", std::string(note)}},
                      .flags = {{"tls", line.tls && line.direction != Direction::kNote}, {"has_note", !note.empty()}},
                      .lists = {}};
  return render_page(kLineTemplate, fields);
}

std::string tool_step_html(Tool tool, std::string_view step, std::int32_t took_ms, int code) {
  const std::string meaning(step_meaning(tool, step));
  const Fields fields{.texts = {{"step", printable(step, 100)},
                                {"took", std::to_string(took_ms)},
                                {"code", std::to_string(code)},
                                {"meaning", meaning}},
                      .flags = {{"has_code", code != 0}, {"has_meaning", !meaning.empty()}},
                      .lists = {}};
  return render_page(kStepTemplate, fields);
}

std::string tool_stream_end(Tool tool, std::string_view id) {
  const Fields fields{.texts = {{"word", std::string(word(tool))}, {"id", std::string(id)}}, .flags = {}, .lists = {}};
  return render_page(kStreamEnd, fields);
}

std::string tool_stream_broken() { return std::string(kStreamBroken); }

std::string_view tool_script() { return kToolScript; }

// ---- parts
// ----------------------------------------------------------------------------------------------------------------------

std::string state_bar(Verdict verdict, Cause cause, std::string_view detail) {
  const auto [tone, words] = verdict_words(verdict);
  const std::string text = printable(detail, kToolTextMax);
  const std::string cause_words(facts(cause).english);
  const Fields fields{.texts = {{"tone", tone},
                                {"icon", icon_of(verdict)},
                                {"verdict", words},
                                {"cause", cause == Cause::kOk ? "" : cause_words},
                                {"detail", text}},
                      .flags = {{"has_detail", !text.empty() && text != cause_words}},
                      .lists = {}};
  return render_page(kStateBar, fields);
}

std::string step_bars(const std::vector<StepBar>& steps) {
  std::int32_t end = 1;
  for (const StepBar& step : steps) end = std::max(end, step.at_ms + step.took_ms);
  static constexpr std::string_view kBar =
      R"html(<b>{{name}}</b><span>{{took}} ms</span><svg viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true"><rect class="rest" width="1000" height="10"/><rect x="{{x}}" width="{{w}}" height="10"/></svg>{{#has_note}}<small>{{note}}</small>{{/has_note}}
)html";
  std::string out = "<div class=\"bars\">\n";
  for (const StepBar& step : steps) {
    const auto part = [&](std::int64_t ms) { return std::clamp<std::int64_t>(ms * 1000 / end, 0, 1000); };
    const Fields fields{.texts = {{"name", printable(step.name, 100)},
                                  {"x", std::to_string(std::min<std::int64_t>(part(step.at_ms), 996))},
                                  {"w", std::to_string(std::max<std::int64_t>(part(step.took_ms), 4))},
                                  {"took", std::to_string(step.took_ms)},
                                  {"note", printable(step.note, 400)}},
                        .flags = {{"has_note", !step.note.empty()}},
                        .lists = {}};
    out += render_page(kBar, fields);
  }
  return out + "</div>\n";
}

std::string save_html(std::string_view command, std::string_view link) {
  if (command.empty()) return {};
  return render_page(kSaveTemplate, {.texts = {{"command", std::string(command)}, {"link", std::string(link)}},
                                     .flags = {{"has_link", !link.empty()}},
                                     .lists = {}});
}

std::string deliverability_html(const DeliverabilityPage& page) {
  std::vector<Fields> rows;
  for (const auto& one : page.findings) {
    rows.push_back({.texts = {{"tone", verdict_words(one.tone).first},
                              {"level", one.level},
                              {"check", one.check},
                              {"found", printable(one.found, kToolTextMax)},
                              {"means", one.means},
                              {"publish", printable(one.publish, kToolTextMax)}},
                    .flags = {{"has_publish", !one.publish.empty()}},
                    .lists = {}});
  }
  const auto [tone, unused] = verdict_words(page.verdict);
  const char* said = page.verdict == Verdict::kUp         ? "Nothing stands against it"
                     : page.verdict == Verdict::kDegraded ? "Receivers may doubt it"
                     : page.verdict == Verdict::kDown     ? "Mail will be refused or taken for spam"
                                                          : "Not everything could be asked";
  return render_page(kDeliverabilityTemplate, {.texts = {{"tone", tone},
                                                         {"icon", icon_of(page.verdict)},
                                                         {"verdict", said},
                                                         {"domain", printable(page.domain, kToolTextMax)}},
                                               .flags = {},
                                               .lists = {{"findings", std::move(rows)}}});
}

std::string day_text(WallTime t) {
  const std::string iso = rfc3339(t);
  const auto date = parse_date(std::string_view(iso).substr(0, 10));
  return date ? date_text(*date) : iso;
}

std::string validity_text(WallTime from, WallTime to, WallTime now) {
  const std::string range = day_text(from) + " to " + day_text(to);
  if (now < from) return range + ", not yet valid";
  const std::int64_t days = (to.ms - now.ms) / kDayInMs;
  if (now > to) return range + ", ended " + counted(-days, "day", "days") + " ago";
  return range + ", " + counted(days, "day", "days") + " left";
}

std::string listed(const std::vector<std::string>& names, std::size_t most) {
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < most; ++i) out += (i == 0 ? "" : ", ") + printable(names[i], 300);
  if (names.size() > most) out += " and " + std::to_string(names.size() - most) + " more";
  return out;
}

}  // namespace everup::reports
