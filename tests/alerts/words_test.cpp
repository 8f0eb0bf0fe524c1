#include "alerts/words.h"

#include <gtest/gtest.h>

#include "core/utf8.h"
#include "tests/alerts/samples.h"
#include "zone/zones.h"

namespace everup::alerts::test {
namespace {

class WordsTest : public ::testing::Test {
 protected:
  Words words(const Message& message, const char* zone = "Europe/Prague") const {
    return words_of(message, zones_.find(zone));
  }
  std::string text(const Message& message) const { return text_of(words(message)); }
  TzdbZones zones_;
};

Alert of(AlertKind kind) {
  Alert alert = down_alert();
  alert.kind = kind;
  return alert;
}

TEST_F(WordsTest, SubjectsAreThePublishedOnes) {
  EXPECT_EQ(subject_of(message_of({down_alert()})), "[DOWN] Shop: connection refused");
  EXPECT_EQ(subject_of(message_of({up_alert()})), "[UP] Shop: after 9 min 12 s");
  EXPECT_EQ(subject_of(message_of({down_alert(), up_alert()})),
            "[DOWN, UP] Shop: connection refused, over after 9 min 12 s");
  EXPECT_EQ(subject_of(message_of({of(AlertKind::kReminder)})),
            "[STILL DOWN] Shop: for 9 min 54 s, connection refused");
  EXPECT_EQ(subject_of(message_of({of(AlertKind::kDegraded)})), "[DEGRADED] Shop: connection refused");
  EXPECT_EQ(subject_of(message_of({of(AlertKind::kUnknown)})), "[UNKNOWN] Shop: connection refused");
  EXPECT_EQ(subject_of(message_of({of(AlertKind::kSecurity)})), "[SECURITY] Shop: connection refused");
  EXPECT_EQ(subject_of(message_of({of(AlertKind::kFlapping)})), "[FLAPPING] Shop: goes up and down");
  Alert certificate = of(AlertKind::kCertificate);
  certificate.started_at = at("2026-11-29T05:00:00Z");
  EXPECT_EQ(subject_of(message_of({certificate})), "[CERTIFICATE] Shop: its certificate ends in 7 days");
  Alert test;
  test.kind = AlertKind::kTest;
  EXPECT_EQ(subject_of(message_of({test})), "[TEST] Everup: this channel works");
  Alert blind;
  blind.kind = AlertKind::kOurselves;
  blind.cause_english = "no network";
  EXPECT_EQ(subject_of(message_of({blind})), "[EVERUP] Everup: no network");
}

TEST_F(WordsTest, DurationsAreFlooredAndReadable) {
  for (const auto& [ms, said] : std::vector<std::pair<std::int64_t, std::string>>{{0, "less than 1 s"},
                                                                                  {-5, "less than 1 s"},
                                                                                  {1999, "1 s"},
                                                                                  {59'999, "59 s"},
                                                                                  {60'000, "1 min"},
                                                                                  {552'000, "9 min 12 s"},
                                                                                  {3'600'000, "1 h"},
                                                                                  {11'100'000, "3 h 5 min"},
                                                                                  {86'400'000, "1 d"},
                                                                                  {187'200'000, "2 d 4 h"}})
    EXPECT_EQ(duration_words(milliseconds(ms)), said);
}

TEST_F(WordsTest, TheTextSaysWhatSinceWhenInBothZonesWhyAndWithWhatEvidence) {
  const std::string said = text(message_of({down_alert()}));
  for (const char* part :
       {"Shop is down: connection refused.\n", "Target: https://shop.example/health\n",
        "Since: 2026-11-22 05:05:06 +01:00 Europe/Prague (2026-11-22 04:05:06 UTC)\n",
        "Confirmed: 2026-11-22 05:05:26 +01:00", "Why: connection refused (192.0.2.7:443 refused the connection)\n",
        "What was seen:\n  192.0.2.7:443 connection refused after 3 ms\n",
        "Acknowledge: https://watch.example/acknowledge/xyz\n",
        "Incident: https://watch.example/incidents/inc_0000000000001\n",
        "You get this because the channel \"On duty\" is told about this monitor.\n"})
    EXPECT_NE(said.find(part), std::string::npos) << part << "\nin\n" << said;
  const std::string both = text(message_of({down_alert(), up_alert()}));
  EXPECT_NE(both.find("Shop was down: connection refused, over after 9 min 12 s."), std::string::npos) << both;
  EXPECT_NE(both.find("Until: 2026-11-22 05:14:18 +01:00"), std::string::npos) << both;
  EXPECT_NE(text_of(words_of(message_of({down_alert()}), nullptr)).find("Since: 2026-11-22 04:05:06 UTC\n"),
            std::string::npos);
}

TEST_F(WordsTest, ADigestListsAndCounts) {
  std::vector<Alert> alerts;
  for (int i = 0; i < 12; ++i) {
    alerts.push_back(down_alert());
    alerts.back().monitor_name = "Shop " + std::to_string(i);
    alerts.back().incident_id = "inc_" + std::to_string(i);
  }
  EXPECT_EQ(subject_of(message_of(alerts)), "[DOWN] 12 monitors: Shop 0, Shop 1 and 10 more");
  alerts[3].kind = AlertKind::kUp;
  EXPECT_EQ(subject_of(message_of(alerts)), "[ALERTS] 11 down, 1 up: Shop 0, Shop 1 and 10 more");
  EXPECT_NE(text(message_of(alerts)).find("[DOWN] Shop 11: connection refused\n"), std::string::npos);
  alerts.resize(10'000, down_alert());
  const Words many = words(message_of(alerts));
  EXPECT_EQ(many.stories.size(), kDigestAlertsMax);
  EXPECT_EQ(many.left_out, 10'000 - kDigestAlertsMax);
  EXPECT_NE(text_of(many).find("and 9950 more."), std::string::npos);
  EXPECT_LE(html_of(many).size(), 30'000U);
}

TEST_F(WordsTest, NoFieldCanBreakOutOfItsLineOrItsElement) {
  for (const std::string& hostile : hostile_texts()) {
    Alert alert = down_alert();
    alert.monitor_name = alert.target = alert.cause_english = alert.detail = hostile;
    alert.incident_url = alert.report_url = alert.acknowledge_url = hostile;
    alert.evidence = {hostile, hostile};
    alert.also_held = {hostile};
    Message message = message_of({alert});
    message.channel.name = hostile;
    EXPECT_TRUE(plain_text(subject_of(message)));
    EXPECT_LE(subject_of(message).size(), kSubjectBytesMax);
    const Words said = words(message);
    const std::string text = text_of(said), html = html_of(said);
    EXPECT_EQ(text.find("\nBcc:"), std::string::npos);
    EXPECT_EQ(text.find('\r'), std::string::npos);
    EXPECT_EQ(text.find('\0'), std::string::npos);
    EXPECT_EQ(html.find("<script"), std::string::npos);
    EXPECT_TRUE(utf8_characters(html).has_value());
    for (const Fact& fact : said.stories.at(0).facts) EXPECT_FALSE(fact.link) << fact.value;
  }
}

TEST_F(WordsTest, HtmlLoadsNothing) {
  const std::string html = html_of(words(message_of({down_alert()})));
  for (const char* loader : {"<img", "<link", "<script", "url(", "src="})
    EXPECT_EQ(html.find(loader), std::string::npos) << loader;
  EXPECT_NE(html.find("<a href=\"https://watch.example/acknowledge/xyz\">"), std::string::npos);
}

}  // namespace
}  // namespace everup::alerts::test
