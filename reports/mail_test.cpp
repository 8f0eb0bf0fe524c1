// What a finished mail test shows. See tool_page.h.
#include <algorithm>

#include "reports/page_template.h"
#include "reports/tool_page.h"
#include "reports/tool_parts.h"
#include "reports/tool_text.h"

namespace everup::reports {
namespace {

constexpr std::size_t kNamesShown = 12;

std::vector<Fields> rows_of(const std::vector<std::string>& texts) {
  std::vector<Fields> rows;
  for (const std::string& text : texts)
    rows.push_back({.texts = {{"text", printable(text, kToolTextMax)}}, .flags = {}, .lists = {}});
  return rows;
}

void add_tls(Fields& page, const MailTest& test) {
  page.texts.insert(page.texts.end(),
                    {{"tls_version", printable(test.tls_version, 100)},
                     {"tls_cipher", printable(test.tls_cipher, 100)},
                     {"tls_judgement", test.tls_judgement.empty() ? "trusted, and for this name"
                                                                  : printable(test.tls_judgement, kToolTextMax)}});
  page.flags.insert(page.flags.end(),
                    {{"has_tls", !test.tls_version.empty()}, {"has_certificate", test.certificate.has_value()}});
  if (!test.certificate) return;
  const CertificateFacts& leaf = *test.certificate;
  page.texts.insert(page.texts.end(), {{"names", leaf.names.empty() ? printable(leaf.subject, kToolTextMax)
                                                                    : listed(leaf.names, kNamesShown)},
                                       {"issuer", printable(leaf.issuer, kToolTextMax)},
                                       {"valid", validity_text(leaf.not_before, leaf.not_after, test.now)},
                                       {"sha256", printable(leaf.sha256, 100)}});
}

}  // namespace

std::string mail_test_html(const MailTest& test) {
  std::string lines;
  for (const MailTest::Line& line : test.lines) lines += tool_line_html(line.line, line.note);
  std::vector<StepBar> bars;
  for (const MailTest::Step& step : test.steps)
    bars.push_back({step.name, std::max(0, step.at_ms - step.took_ms), step.took_ms,
                    std::string(step_meaning(Tool::kSmtp, step.name))});
  Fields page;
  page.texts = {{"state_bar", state_bar(test.verdict, test.cause, test.detail)},
                {"lines", lines},
                {"dropped", std::to_string(test.dropped)},
                {"total", std::to_string(test.total_ms)},
                {"address", printable(test.address, 100)},
                {"stopped_at", printable(test.stopped_at, 100)},
                {"code", std::to_string(test.code)},
                {"enhanced", printable(test.enhanced, 100)},
                {"bars", step_bars(bars)},
                {"save", save_html(test.save, test.save_link)}};
  page.flags = {{"has_dropped", test.dropped > 0},
                {"has_address", !test.address.empty()},
                {"has_code", test.code != 0},
                {"has_enhanced", !test.enhanced.empty()},
                {"has_hosts", !test.hosts.empty()},
                {"has_findings", !test.findings.empty()},
                {"has_capabilities", !test.capabilities.empty()}};
  page.lists = {{"findings", rows_of(test.findings)},
                {"hosts", rows_of(test.hosts)},
                {"capabilities", rows_of(test.capabilities)}};
  add_tls(page, test);
  return render_page(kMailTemplate, page);
}

}  // namespace everup::reports
