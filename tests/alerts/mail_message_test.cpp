// Mails as an independent parser (Python's email) reads them.
#include "alerts/mail_message.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "alerts/words.h"
#include "tests/alerts/samples.h"
#include "tests/support/process.h"
#include "tests/support/tempdir.h"
#include "zone/zones.h"

namespace everup::alerts::test {
namespace {

using everup::test::TempDir;
using nlohmann::json;

constexpr const char* kReader = R"(
import email, email.policy, json, sys
def read(path):
    raw = open(path, 'rb').read()
    assert b'\0' not in raw
    for line in raw.split(b'\r\n'):
        assert b'\n' not in line and b'\r' not in line, line
        assert len(line) <= 998, len(line)
        assert line.isascii(), line
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    parts = [{'type': p.get_content_type(), 'charset': p.get_content_charset(),
              'coding': p['content-transfer-encoding'], 'text': p.get_content().replace('\r\n', '\n')}
             for p in mail.walk() if not p.is_multipart()]
    return {'headers': [[k, str(v)] for k, v in mail.items()], 'type': mail.get_content_type(), 'parts': parts,
            'date': mail['date'].datetime.isoformat(), 'to': [a.addr_spec for a in mail['to'].addresses],
            'from': [[a.display_name, a.addr_spec] for a in mail['from'].addresses],
            'raw_unsubscribe': [l.decode() for l in raw.split(b'\r\n') if l.lower().startswith(b'list-unsub')],
            'defects': [str(d) for d in mail.defects]}
print(json.dumps([read(path) for path in sys.argv[1:]]))
)";

class MailMessageTest : public ::testing::Test {
 protected:
  MailParts parts(const Message& message) {
    const Words words = words_of(message, zones_.find("Europe/Prague"));
    MailParts result;
    result.from = "Everup alerts <alerts@watch.example>";
    result.to = message.channel.to;
    result.subject = words.subject;
    result.text = text_of(words);
    result.html = html_of(words);
    result.date = message.created_at;
    result.offset_s = 3600;
    result.message_id = message.message_id;
    result.thread_message_id = message.thread_message_id;
    result.unsubscribe_url = message.channel.unsubscribe_url;
    result.incident_id = "inc_0000000000001";
    result.event = "down";
    return result;
  }
  json read_all(const std::vector<MailParts>& mails) {
    std::vector<std::string> words{"/usr/bin/python3", dir_.write("reader.py", kReader)};
    for (const MailParts& given : mails) {
      const auto bytes = compose(given);
      EXPECT_TRUE(bytes) << bytes.error().what;
      if (bytes) words.push_back(dir_.write("mail" + std::to_string(words.size()), *bytes));
    }
    return json::parse(everup::test::run_tool(words));
  }
  json read(const MailParts& given) { return read_all({given}).at(0); }
  static std::vector<std::string> all(const json& mail, const std::string& name) {
    std::vector<std::string> values;
    for (const json& header : mail["headers"])
      if (header[0] == name) values.push_back(header[1]);
    return values;
  }
  TempDir dir_;
  TzdbZones zones_;
};

using Values = std::vector<std::string>;

TEST_F(MailMessageTest, AnIndependentParserReadsWhatWeMeant) {
  Message message = message_of({down_alert()});
  message.alerts[0].monitor_name = "Geschäft \xF0\x9F\x94\xA5";
  message.thread_message_id = "inc.1@watch.example";
  message.channel.unsubscribe_url = "https://watch.example/u/" + std::string(120, 'a');
  const MailParts given = parts(message);
  const json mail = read(given);
  EXPECT_EQ(mail["type"], "multipart/alternative");
  EXPECT_EQ(mail["defects"], json::array());
  EXPECT_EQ(all(mail, "Subject"), Values{"[DOWN] Geschäft \xF0\x9F\x94\xA5: connection refused"});
  EXPECT_EQ(mail["from"], json::parse(R"([["Everup alerts", "alerts@watch.example"]])"));
  EXPECT_EQ(mail["to"], json::parse(R"(["ops@example.test"])"));
  EXPECT_EQ(mail["date"], "2026-11-22T05:15:00+01:00");
  EXPECT_EQ(all(mail, "Message-Id"), Values{"<dlv.0000000000001@watch.example>"});
  EXPECT_EQ(all(mail, "In-Reply-To"), Values{"<inc.1@watch.example>"});
  EXPECT_EQ(all(mail, "References"), Values{"<inc.1@watch.example>"});
  EXPECT_EQ(all(mail, "Auto-Submitted"), Values{"auto-generated"});
  EXPECT_EQ(all(mail, "X-Everup-Incident"), Values{"inc_0000000000001"});
  EXPECT_EQ(all(mail, "MIME-Version"), Values{"1.0"});
  EXPECT_EQ(mail["raw_unsubscribe"], json({"List-Unsubscribe: <" + message.channel.unsubscribe_url + ">",
                                           "List-Unsubscribe-Post: List-Unsubscribe=One-Click"}));
  ASSERT_EQ(mail["parts"].size(), 2U);
  EXPECT_EQ(mail["parts"][0]["type"], "text/plain");
  EXPECT_EQ(mail["parts"][1]["type"], "text/html");
  for (const json& part : mail["parts"]) {
    EXPECT_EQ(part["charset"], "utf-8");
    EXPECT_EQ(part["coding"], "quoted-printable");
  }
  EXPECT_EQ(mail["parts"][0]["text"], given.text);
  EXPECT_EQ(mail["parts"][1]["text"], given.html);
}

TEST_F(MailMessageTest, TheFirstMailOfAnIncidentBeginsItsThreadAndRepeatsAreIdentical) {
  const MailParts first = parts(message_of({down_alert()}));
  const json mail = read(first);
  EXPECT_EQ(all(mail, "References"), Values{});
  EXPECT_EQ(all(mail, "List-Unsubscribe"), Values{});
  EXPECT_EQ(*compose(first), *compose(first));
}

TEST_F(MailMessageTest, NoFieldCanAddAHeaderOrAnAddress) {
  const json plain = read(parts(message_of({down_alert()})));
  std::vector<MailParts> mails;
  for (const std::string& hostile : hostile_texts()) {
    Message message = message_of({down_alert()});
    Alert& alert = message.alerts[0];
    alert.monitor_name = alert.target = alert.cause_english = alert.detail = hostile;
    alert.incident_url = alert.acknowledge_url = alert.report_url = hostile;
    alert.evidence = {hostile};
    message.channel.name = hostile;
    message.channel.unsubscribe_url = "https://watch.example/" + hostile;
    MailParts given = parts(message);
    given.from = hostile + " <alerts@watch.example>";
    given.incident_id = given.event = hostile;
    mails.push_back(given);
    given.subject = hostile;  // what a caller did not clean is cleaned here
    mails.push_back(given);
  }
  for (const json& mail : read_all(mails)) {
    EXPECT_EQ(all(mail, "Bcc"), Values{}) << mail;
    EXPECT_EQ(mail["to"], plain["to"]) << mail;
    ASSERT_EQ(mail["from"].size(), 1U) << mail;
    EXPECT_EQ(mail["from"][0][1], "alerts@watch.example") << mail;
    EXPECT_EQ(mail["parts"].size(), 2U) << mail;
    EXPECT_EQ(mail["defects"], json::array()) << mail;
    for (const json& header : mail["headers"])
      EXPECT_EQ(std::string(header[1]).find_first_of("\r\n"), std::string::npos) << header;
  }
}

TEST_F(MailMessageTest, WhatCannotBeCleanedIsRefused) {
  for (const std::string& hostile : hostile_texts()) {
    MailParts wrong = parts(message_of({down_alert()}));
    wrong.to = "ops@example.test" + hostile + ",victim@example.test";
    EXPECT_FALSE(compose(wrong)) << hostile;
    wrong = parts(message_of({down_alert()}));
    wrong.message_id = hostile + "@watch.example>";
    EXPECT_FALSE(compose(wrong)) << hostile;
    wrong = parts(message_of({down_alert()}));
    wrong.thread_message_id = hostile + ">";
    EXPECT_FALSE(compose(wrong)) << hostile;
  }
}

}  // namespace
}  // namespace everup::alerts::test
