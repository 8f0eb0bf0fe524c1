// The tools' pages: what they show, and that nothing a server says is more than text.
#include "reports/tool_page.h"

#include <gtest/gtest.h>

#include "reports/tool_parts.h"

namespace everup::reports {
namespace {

const std::string kBite = "<script>alert(1)</script>\x1b[31m\xe2\x80\xae\"'&{{content}}";

void expect_inert(const std::string& html, const std::string& what) {
  EXPECT_EQ(html.find("<script>alert"), std::string::npos) << what;
  EXPECT_EQ(html.find('\x1b'), std::string::npos) << what;
  EXPECT_EQ(html.find("\xe2\x80\xae"), std::string::npos) << what;
  EXPECT_NE(html.find("&lt;script&gt;alert(1)"), std::string::npos) << what;
}

TEST(ToolPage, NothingForeignIsMoreThanText) {
  ToolForm form;
  form.target = form.to = kBite;
  form.errors = {kBite};
  expect_inert(tool_form_html(form), "form");
  ToolTestPage page;
  page.target = kBite;
  expect_inert(tool_test_html(page), "page");
  expect_inert(tool_line_html({1, Direction::kIn, true, kBite}, ""), "line");
  MailTest mail;
  mail.detail = mail.stopped_at = mail.enhanced = mail.address = mail.tls_version = mail.tls_judgement = kBite;
  mail.capabilities = mail.findings = {kBite};
  mail.steps = {{kBite, 0, 1, 250}};
  mail.lines = {{{1, Direction::kIn, false, kBite}, ""}};
  mail.certificate.emplace();
  mail.certificate->names = {kBite};
  mail.certificate->issuer = kBite;
  mail.save = kBite;
  std::string html = mail_test_html(mail);
  html.erase(html.find("<pre>"));  // the command is ours, escaped, and kept as it is
  expect_inert(html, "mail");
  TlsReport report;
  report.address = report.version = report.cipher = report.alpn = kBite;
  report.chain.resize(1);
  report.chain[0].subject = report.chain[0].issuer = report.chain[0].key_type = kBite;
  report.chain[0].names = {kBite};
  report.findings = {{"x", TlsSeverity::kMajor, kBite, kBite}};
  report.steps = {{kBite, 1, kBite}};
  report.grade = "C";
  report.grade_reasons = {kBite};
  TlsTest tls;
  tls.report = &report;
  tls.detail = kBite;
  expect_inert(tls_test_html(tls), "tls");
}

TEST(ToolPage, EveryStateOfATestHasItsPage) {
  using State = ToolTestPage::State;
  ToolTestPage page;
  page.id = "0123456789abcdefghjkmnpqrs";
  page.target = "smtp://mx.example:25";
  EXPECT_NE(tool_test_html(page).find("<noscript><iframe"), std::string::npos);
  page.state = State::kElsewhere;
  EXPECT_NE(tool_test_html(page).find("http-equiv=\"refresh\""), std::string::npos);
  page.state = State::kLost;
  EXPECT_NE(tool_test_html(page).find("Start it again"), std::string::npos);
  page.state = State::kEnded;
  page.content = "<p>report</p>";
  const std::string ended = tool_test_html(page);
  EXPECT_NE(ended.find("<p>report</p>"), std::string::npos);
  EXPECT_EQ(ended.find("<script"), std::string::npos);
}

TEST(ToolPage, LinesTellWhoSpokeAndWhetherItWasARefusal) {
  const auto line = [](Direction direction, const char* text) {
    return tool_line_html({12, direction, false, text}, "a note");
  };
  EXPECT_NE(line(Direction::kOut, "EHLO a").find("class=\"out\""), std::string::npos);
  EXPECT_NE(line(Direction::kIn, "250 ok").find("class=\"in\""), std::string::npos);
  EXPECT_NE(line(Direction::kIn, "451 later").find("class=\"in late\""), std::string::npos);
  EXPECT_NE(line(Direction::kIn, "550 no").find("class=\"in bad\""), std::string::npos);
  EXPECT_NE(line(Direction::kIn, "550 no").find("<small>a note</small>"), std::string::npos);
}

TEST(ToolPage, ValidityIsTold) {
  constexpr std::int64_t kDay = 86'400'000;
  const WallTime now{1'795'305'600'000};  // 22 Nov 2026
  EXPECT_EQ(validity_text(now - milliseconds(kDay), now + milliseconds(90 * kDay), now),
            "21 Nov 2026 to 20 Feb 2027, 90 days left");
  EXPECT_EQ(validity_text(now - milliseconds(9 * kDay), now - milliseconds(kDay), now),
            "13 Nov 2026 to 21 Nov 2026, ended 1 day ago");
  EXPECT_EQ(listed({"a", "b", "c"}, 2), "a, b and 1 more");
}

}  // namespace
}  // namespace everup::reports
