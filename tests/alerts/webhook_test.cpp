// Webhooks, Slack, PagerDuty and templates, posted to a receiver over a plain socket.
#include "alerts/webhook.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "alerts/payload_json.h"
#include "alerts/words.h"
#include "net/clock.h"
#include "net/digest.h"
#include "tests/alerts/receiver.h"
#include "tests/alerts/samples.h"
#include "tests/support/process.h"
#include "zone/zones.h"

namespace everup::alerts::test {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr const char* kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

class WebhookTest : public ::testing::Test {
 protected:
  explicit WebhookTest(const std::string& allow = "127.0.0.1")
      : policy_(*net::AllowList::parse(allow), std::vector<net::Address>{}) {
    settings_.policy = &policy_;
    settings_.limit = seconds(30);
  }
  void SetUp() override { make(); }
  void make() {
    auto made = HttpSender::make(clock_, settings_);
    ASSERT_TRUE(made) << made.error().what;
    sender_ = *std::move(made);
  }
  static Message message(ChannelKind kind, const std::string& url, std::vector<Alert> alerts = {down_alert()}) {
    Message result = message_of(std::move(alerts));
    result.channel.kind = kind;
    result.channel.url = url;
    result.channel.secret = kind == ChannelKind::kPagerduty ? "R0UT1NGKEY" : kSecret;
    return result;
  }
  Turn deliver(const Message& given) { return deliver_by_http(given, *sender_, clock_, zones_.find("Europe/Prague")); }
  Attempt only(const Message& given) {
    const Turn turn = deliver(given);
    EXPECT_EQ(turn.attempts.size(), 1U);
    return turn.attempts.at(0);
  }
  net::SystemClock clock_;
  TzdbZones zones_;
  net::AddressPolicy policy_;
  HttpSettings settings_;
  std::unique_ptr<HttpSender> sender_;
};

TEST_F(WebhookTest, TheSignatureIsTheStandards) {
  const WallTime when{1614265330'000};
  const auto known = webhook_signature(kSecret, "msg_p5jXN8AQM9LWM0D4loKWxJek", when, R"({"test": 2432232314})");
  ASSERT_TRUE(known);
  EXPECT_EQ(*known, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  const std::string second = "whsec_" + net::base64(std::string(32, 'k'));
  const auto two = webhook_signature(std::string(kSecret) + " " + second, "msg_p5jXN8AQM9LWM0D4loKWxJek", when,
                                     R"({"test": 2432232314})");
  ASSERT_TRUE(two);
  EXPECT_TRUE(two->starts_with(*known + " v1,")) << *two;
  for (const std::string& bad : {std::string(), std::string("secret"), std::string("whsec_!!"),
                                 std::string("whsec_QQ=="), "whsec_" + net::base64(std::string(65, 'k'))})
    EXPECT_FALSE(webhook_signature(bad, "id", when, "{}")) << bad;
}

TEST_F(WebhookTest, ARetryHasTheSameIdAndAnIndependentReaderFindsTheSignatureRight) {
  Receiver receiver([](const Received&, int number) { return number == 0 ? "500 Oops" : "200 OK"; });
  const Message given = message(ChannelKind::kWebhook, receiver.url("/hook?a=1"));
  const Attempt failed = only(given);
  EXPECT_EQ(failed.result, AttemptResult::kRetry);
  EXPECT_EQ(failed.reply, "HTTP 500");
  EXPECT_EQ(failed.relay, "127.0.0.1:" + std::to_string(receiver.port()));
  EXPECT_EQ(only(given).result, AttemptResult::kSent);
  const auto requests = receiver.requests();
  ASSERT_EQ(requests.size(), 2U);
  for (const Received& request : requests) {
    EXPECT_EQ(request.path, "/hook?a=1");
    EXPECT_EQ(request.headers.at("webhook-id"), given.id);
    EXPECT_EQ(request.headers.at("content-type"), "application/json");
    EXPECT_FALSE(request.headers.contains("expect"));
    const std::string expected = everup::test::run_tool(
        {"/usr/bin/python3", "-c",
         "import sys,hmac,hashlib,base64; k=base64.b64decode(sys.argv[1][6:]);"
         "print('v1,'+base64.b64encode(hmac.new(k,'.'.join(sys.argv[2:5]).encode(),hashlib.sha256).digest()).decode())",
         kSecret, given.id, request.headers.at("webhook-timestamp"), request.body});
    EXPECT_EQ(request.headers.at("webhook-signature") + "\n", expected);
  }
  const json body = json::parse(requests[0].body);
  EXPECT_EQ(body["type"], "incident.opened");
  EXPECT_EQ(body["timestamp"], "2026-11-22T04:15:00Z");
  EXPECT_EQ(body["data"]["monitor"]["name"], "Shop");
  EXPECT_EQ(body["data"]["cause"], "connect_refused");
  EXPECT_EQ(body["data"]["started_at"], "2026-11-22T04:05:06Z");
  EXPECT_EQ(body["data"]["links"]["acknowledge"], "https://watch.example/acknowledge/xyz");
}

TEST_F(WebhookTest, WhatAnAnswerMeansDependsOnWhoGaveIt) {
  std::string answer;
  Receiver receiver([&](const Received&, int) { return answer; });
  const auto result = [&](ChannelKind kind, const std::string& said) {
    answer = said;
    return only(message(kind, receiver.url())).result;
  };
  EXPECT_EQ(result(ChannelKind::kWebhook, "410 Gone"), AttemptResult::kChannelGone);
  EXPECT_EQ(result(ChannelKind::kSlack, "410 Gone"), AttemptResult::kChannelGone);
  EXPECT_EQ(result(ChannelKind::kWebhook, "404 Not Found"), AttemptResult::kRetry);
  EXPECT_EQ(result(ChannelKind::kSlack, "404 Not Found"), AttemptResult::kFailed);
  EXPECT_EQ(result(ChannelKind::kSlack, "503 Later"), AttemptResult::kRetry);
  EXPECT_EQ(result(ChannelKind::kPagerduty, "400 Bad"), AttemptResult::kFailed);
  EXPECT_EQ(result(ChannelKind::kPagerduty, "202 Accepted"), AttemptResult::kSent);
  EXPECT_EQ(result(ChannelKind::kWebhook, "302 Found\r\nLocation: " + receiver.url("/other")), AttemptResult::kRetry);
  for (const Received& request : receiver.requests()) EXPECT_EQ(request.path, "/hook") << "a redirect was followed";
  answer = "429 Slow\r\nRetry-After: 120";
  EXPECT_EQ(deliver(message(ChannelKind::kSlack, receiver.url())).not_before, seconds(120));
  answer = "429 Slow\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT";
  EXPECT_FALSE(deliver(message(ChannelKind::kSlack, receiver.url())).not_before);
}

TEST_F(WebhookTest, SilenceEndsAtTheLimit) {
  settings_.limit = milliseconds(300);
  make();
  Receiver silent([](const Received&, int) { return std::string(); });
  const Attempt attempt = only(message(ChannelKind::kWebhook, silent.url()));
  EXPECT_EQ(attempt.result, AttemptResult::kRetry);
  EXPECT_EQ(attempt.reply, "no answer in time");
  const Attempt refused =
      only(message(ChannelKind::kWebhook, "http://127.0.0.1:" + std::to_string(everup::test::free_port()) + "/"));
  EXPECT_EQ(refused.result, AttemptResult::kRetry);
  EXPECT_NE(refused.reply.find("refused"), std::string::npos) << refused.reply;
}

class PolicyTest : public WebhookTest {
 protected:
  PolicyTest() : WebhookTest("192.0.2.0/24") {}
};

TEST_F(PolicyTest, WhatThePolicyDeniesIsNeverConnectedTo) {
  Receiver receiver;
  const std::string port = std::to_string(receiver.port());
  for (const std::string& url : {receiver.url(), "http://localhost:" + port + "/", "http://[::1]:" + port + "/",
                                 "http://[::ffff:127.0.0.1]:" + port + "/", "http://user:word@127.0.0.1:" + port + "/",
                                 "gopher://127.0.0.1:" + port + "/", std::string("not a url at all")}) {
    for (const ChannelKind kind :
         {ChannelKind::kWebhook, ChannelKind::kSlack, ChannelKind::kTemplate, ChannelKind::kPagerduty}) {
      const Attempt attempt = only(message(kind, url));
      EXPECT_EQ(attempt.result, AttemptResult::kFailed) << url;
      EXPECT_FALSE(attempt.reply.empty()) << url;
    }
  }
  EXPECT_NE(only(message(ChannelKind::kWebhook, receiver.url())).reply.find("EVERUP_ALLOW_TARGETS"), std::string::npos);
  EXPECT_EQ(receiver.connections(), 0);
}

TEST(Payload, StaysSmallAndValidWhateverIsInIt) {
  for (const std::string& hostile : hostile_texts()) {
    Alert alert = down_alert();
    alert.monitor_name = alert.target = alert.cause = alert.cause_english = alert.detail = alert.incident_url = hostile;
    alert.evidence.assign(100, hostile);
    alert.also_held.assign(100, hostile);
    Message given = message_of(std::vector<Alert>(60, alert));
    for (std::size_t i = 0; i < given.alerts.size(); ++i) given.alerts[i].incident_id = "inc_" + std::to_string(i);
    const std::string payload = webhook_payload(given);
    EXPECT_LE(payload.size(), kPayloadBytesMax);
    const json read = json::parse(payload);
    EXPECT_EQ(read["type"], "alerts.digest");
    EXPECT_EQ(read["data"]["count"], 60);
    EXPECT_TRUE(read["data"]["truncated"]);
    EXPECT_FALSE(read["data"]["alerts"].empty());
    EXPECT_TRUE(json::accept(slack_payload(given, nullptr)));
    EXPECT_EQ(pagerduty_events(given).size(), kEventsMax);
    for (const std::string& event : pagerduty_events(given)) EXPECT_TRUE(json::accept(event));
    given.alerts.resize(1);
    EXPECT_LE(webhook_payload(given).size(), kPayloadBytesMax);
    const std::string filled = fill_template(R"({"a":"{{text}}","b":"{{monitor}}"})", given, nullptr, Escape::kJson);
    const json template_read = json::parse(filled);
    EXPECT_EQ(template_read.size(), 2U);
    EXPECT_EQ(template_read["a"], text_of(words_of(given, nullptr)));
  }
}

TEST(Payload, PagerdutyOpensAndClosesOneIncident) {
  Message given = message_of({down_alert()});
  given.channel.secret = "KEY";
  const json down = json::parse(pagerduty_events(given).at(0));
  EXPECT_EQ(down["event_action"], "trigger");
  EXPECT_EQ(down["routing_key"], "KEY");
  EXPECT_EQ(down["payload"]["severity"], "critical");
  EXPECT_EQ(down["payload"]["summary"], "Shop is down: connection refused.");
  given.alerts = {up_alert()};
  const json up = json::parse(pagerduty_events(given).at(0));
  EXPECT_EQ(up["event_action"], "resolve");
  EXPECT_EQ(up["dedup_key"], down["dedup_key"]);
  given.alerts = {down_alert(), up_alert()};
  const auto both = pagerduty_events(given);
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(json::parse(both[0])["payload"]["severity"], "info");
  EXPECT_EQ(json::parse(both[1])["event_action"], "resolve");
}

TEST(Payload, SlackGetsTheSubjectAndTheFactsEscaped) {
  Message given = message_of({down_alert()});
  given.alerts[0].monitor_name = "Shop <!channel> & co";
  const json read = json::parse(slack_payload(given, nullptr));
  EXPECT_EQ(read["text"], "[DOWN] Shop &lt;!channel&gt; &amp; co: connection refused");
  EXPECT_EQ(read["attachments"][0]["color"], "danger");
  const std::string text = read["attachments"][0]["text"];
  EXPECT_NE(text.find("Acknowledge: <https://watch.example/acknowledge/xyz>"), std::string::npos) << text;
}

TEST_F(WebhookTest, ATemplateIsFilledAndItsFieldsCannotChangeTheRequest) {
  Receiver receiver;
  Message given = message(ChannelKind::kTemplate, receiver.url("/bot/send?chat=1&text={{subject}}"));
  given.alerts[0].monitor_name = "Shop \" & ?x=1";
  given.channel.headers = {{"X-Token", "abc"}};
  given.channel.body = R"({"text":"{{ subject }}","none":"{{nothing}}","open":"{{"})";
  EXPECT_EQ(only(given).result, AttemptResult::kSent);
  const Received request = receiver.requests().at(0);
  EXPECT_EQ(request.path, "/bot/send?chat=1&text=%5BDOWN%5D%20Shop%20%22%20%26%20%3Fx%3D1%3A%20connection%20refused");
  EXPECT_EQ(request.headers.at("x-token"), "abc");
  EXPECT_EQ(request.headers.at("content-type"), "application/json");
  EXPECT_EQ(json::parse(request.body),
            json::parse(R"({"text":"[DOWN] Shop \" & ?x=1: connection refused","none":"","open":"{{"})"));
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"Host", "other"},
                                                                                    {"content-length", "5"},
                                                                                    {"Transfer-Encoding", "chunked"},
                                                                                    {"X Y", "1"},
                                                                                    {"X", "1\r\nY: 2"}}) {
    given.channel.headers = {{name, value}};
    EXPECT_EQ(only(given).result, AttemptResult::kFailed) << name;
  }
  EXPECT_EQ(receiver.requests().size(), 1U);
  EXPECT_EQ(template_fields().size(), 18U);
}

}  // namespace
}  // namespace everup::alerts::test
