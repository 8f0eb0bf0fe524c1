// Channels, policies, incidents, deliveries and the links of messages, over a real socket.
#include "core/alert.h"
#include "tests/api_routes/house_fixture.h"

namespace everup::api {
namespace {

class Alerts : public ApiTest {
 protected:
  Alerts() { start(); }
  std::string channel(const std::string& body = R"({"kind":"email","to":"ops@example.com"})") {
    const auto reply = call("POST", "/api/v1/channels", owner_write, body);
    EXPECT_EQ(reply.status, 201) << reply.body;
    return pick(reply.body, "id");
  }
  // 422 with this pointer.
  void refused(const std::string& path, const std::string& body, const std::string& pointer) {
    const auto reply = call("POST", path, owner_write, body);
    EXPECT_EQ(reply.status, 422) << body << reply.body;
    EXPECT_NE(reply.body.find("\"pointer\":\"" + pointer + "\""), std::string::npos) << body << reply.body;
  }
};

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_F(Alerts, AnAccountStartsWithItsOwnersAddress) {
  const auto list = call("GET", "/api/v1/channels", owner_read);
  EXPECT_EQ(list.status, 200);
  EXPECT_TRUE(holds(list.body, R"("to":"owner@example.com")")) << list.body;
  EXPECT_TRUE(holds(list.body, R"("automatic":true)"));
  EXPECT_FALSE(holds(list.body, "other@example.com"));
  EXPECT_EQ(call("GET", "/api/v1/channels", owner_read).body, list.body) << "made once";
  const std::string path = "/api/v1/channels/" + pick(list.body, "id");
  const auto kept = call("DELETE", path, owner_write);
  EXPECT_EQ(kept.status, 409) << kept.body;
  EXPECT_EQ(call("PATCH", path, owner_write, R"({"enabled":false})").status, 200);
  const std::string other = channel();
  EXPECT_EQ(
      call("POST", "/api/v1/alert_policies", owner_write, R"({"steps":[{"channels":[")" + other + R"("]}]})").status,
      201);
  EXPECT_EQ(call("DELETE", path, owner_write).status, 204) << "a policy tells somebody else";
  EXPECT_FALSE(holds(call("GET", "/api/v1/channels", owner_read).body, "owner@example.com"));
}

TEST_F(Alerts, AChannelIsMadeReadChangedAndDeleted) {
  const auto made = call("POST", "/api/v1/channels", owner_write,
                         R"({"kind":"email","to":"ops@example.com","quiet_hours":{"from":"22:00","to":"07:00"},)"
                         R"("timezone":"Europe/Prague","digest_after":3})");
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string path = "/api/v1/channels/" + pick(made.body, "id");
  EXPECT_EQ(made.field("location"), path);
  EXPECT_EQ(pick(made.body, "name"), "ops@example.com");
  EXPECT_TRUE(holds(made.body, R"("quiet_hours":{"from":"22:00","to":"07:00"})"));
  const auto read = call("GET", path, owner_read);
  EXPECT_EQ(read.status, 200);
  const auto patched = call("PATCH", path, owner_write, R"({"quiet_hours":null,"hold_down":true,"name":"Ops"})",
                            "If-Match: " + read.field("etag") + "\r\n");
  ASSERT_EQ(patched.status, 200) << patched.body;
  EXPECT_TRUE(holds(patched.body, R"("quiet_hours":null)"));
  EXPECT_EQ(pick(patched.body, "digest_after"), "3");
  EXPECT_EQ(call("PATCH", path, owner_write, R"({"name":"x"})", "If-Match: " + read.field("etag") + "\r\n").status,
            412);
  EXPECT_EQ(call("DELETE", path, owner_write).status, 204);
  EXPECT_EQ(call("GET", path, owner_read).status, 404);
  EXPECT_EQ(call("GET", "/api/v1/channels/chn_0", owner_read).status, 404);
}

TEST_F(Alerts, SecretsAreShownOnceAndSealed) {
  const auto made =
      call("POST", "/api/v1/channels", owner_write, R"({"kind":"webhook","url":"https://hook.example/x"})");
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string secret = pick(made.body, "new_secret"), path = "/api/v1/channels/" + pick(made.body, "id");
  EXPECT_TRUE(secret.starts_with("whsec_"));
  EXPECT_EQ(secret.size(), 38u);
  const auto read = call("GET", path, owner_read);
  EXPECT_TRUE(holds(read.body, R"("secret":null,"secret_set":true)")) << read.body;
  EXPECT_FALSE(holds(read.body, secret));
  EXPECT_EQ(sql_value("SELECT count(*) FROM channels c WHERE c::text LIKE '%" + secret.substr(6) + "%'"), "0");
  const auto page = call("POST", "/api/v1/channels", owner_write, R"({"kind":"pagerduty","routing_key":"R0UT1NG"})");
  ASSERT_EQ(page.status, 201) << page.body;
  EXPECT_FALSE(holds(page.body, "R0UT1NG"));
  const auto chat = call("POST", "/api/v1/channels", owner_write,
                         R"({"kind":"template","url":"https://t.example/","body":"{{text}}",)"
                         R"("headers":{"Authorization":"Bearer abc","X-Team":"web"}})");
  ASSERT_EQ(chat.status, 201) << chat.body;
  EXPECT_TRUE(holds(chat.body, R"("headers":{"Authorization":null,"X-Team":"web"})")) << chat.body;
  const auto kept = call("PATCH", "/api/v1/channels/" + pick(chat.body, "id"), owner_write,
                         R"({"headers":{"X-Team":null},"body":"x"})");
  EXPECT_TRUE(holds(kept.body, R"("headers":{"Authorization":null},"body":"x")")) << kept.body;
}

TEST_F(Alerts, WhatIsWrongIsNamed) {
  const std::string path = "/api/v1/channels";
  refused(path, R"({"to":"ops@example.com"})", "#/kind");
  refused(path, R"({"kind":"pigeon"})", "#/kind");
  refused(path, R"({"kind":"email"})", "#/to");
  refused(path, R"({"kind":"email","to":"a@b\r\nBcc: c@d"})", "#/to");
  refused(path, R"({"kind":"email","to":"a@b.example","url":"https://x.example/"})", "#/url");
  refused(path, R"({"kind":"email","to":"a@b.example","name":"a\nb"})", "#/name");
  refused(path, R"({"kind":"email","to":"a@b.example","timezone":"Mars/Base"})", "#/timezone");
  refused(path, R"({"kind":"email","to":"a@b.example","quiet_hours":{"from":"24:00","to":"07:00"}})",
          "#/quiet_hours/from");
  refused(path, R"({"kind":"webhook","url":"ftp://x.example/"})", "#/url");
  refused(path, R"({"kind":"webhook","url":"https://x.example/","secret":"abc"})", "#/secret");
  refused(path, R"({"kind":"pagerduty"})", "#/routing_key");
  refused(path, R"({"kind":"template","url":"https://x.example/"})", "#/body");
  refused(path, R"({"kind":"template","url":"https://x.example/","body":"x","headers":{"A b":"c"}})", "#/headers/A b");
  const std::string policies = "/api/v1/alert_policies", ops = channel();
  refused(policies, R"({})", "#/steps");
  refused(policies, R"({"steps":[{"channels":[]}]})", "#/steps/0/channels");
  refused(policies, R"({"steps":[{"channels":["chn_0000000000001"]}]})", "#/steps");
  const std::string steps = R"("steps":[{"channels":[")" + ops + R"("]}])";
  refused(policies, "{" + steps + R"(,"on":["nonsense"]})", "#/on/0");
  refused(policies, "{" + steps + R"(,"remind_s":5})", "#/remind_s");
  refused(policies, "{" + steps + R"(,"match":{"monitors":["mon_0000000000001"]}})", "#/match/monitors");
  const auto foreign = call("POST", policies, other_admin, "{" + steps + "}");
  EXPECT_EQ(foreign.status, 422) << "another account's channel does not exist";
}

TEST_F(Alerts, AMonitorShowsThePoliciesThatTellOfIt) {
  const auto tagged =
      call("POST", "/api/v1/monitors", owner_write, R"({"target":"http://192.0.2.1/","tags":["prod"]})");
  const std::string id = pick(tagged.body, "id"), plain = make(owner_write), ops = channel();
  const auto policy = call("POST", "/api/v1/alert_policies", owner_write,
                           R"({"name":"Prod","match":{"tags":["prod"]},"on":["down","degraded"],"remind_s":3600,)"
                           R"("steps":[{"delay_s":300,"channels":[")" +
                               ops + R"("]},{"channels":[")" + ops + R"("]}]})");
  ASSERT_EQ(policy.status, 201) << policy.body;
  EXPECT_TRUE(holds(policy.body, R"("steps":[{"delay_s":0,"channels":[")" + ops + R"("]},{"delay_s":300)"))
      << "by delay";
  const std::string policy_id = pick(policy.body, "id");
  EXPECT_TRUE(
      holds(call("GET", "/api/v1/monitors/" + id, owner_read).body, R"("alert_policies":[")" + policy_id + R"("])"));
  EXPECT_TRUE(holds(call("GET", "/api/v1/monitors/" + plain, owner_read).body, R"("alert_policies":[])"));
  EXPECT_EQ(call("DELETE", "/api/v1/channels/" + ops, owner_write).status, 409) << "the policy names it";
  const auto patched = call("PATCH", "/api/v1/alert_policies/" + policy_id, owner_write, R"({"match":null})");
  EXPECT_TRUE(holds(patched.body, R"("match":{})")) << patched.body;
  EXPECT_TRUE(holds(call("GET", "/api/v1/monitors/" + plain, owner_read).body, policy_id));
  EXPECT_EQ(call("DELETE", "/api/v1/alert_policies/" + policy_id, owner_write).status, 204);
  EXPECT_EQ(call("DELETE", "/api/v1/channels/" + ops, owner_write).status, 204);
}

TEST_F(Alerts, AnIncidentIsReadAcknowledgedAndWrittenAbout) {
  const std::string monitor = make(owner_write), id = make_incident(monitor), path = "/api/v1/incidents/" + id;
  const auto open = call("GET", path, owner_read);
  ASSERT_EQ(open.status, 200) << open.body;
  for (const std::string& part :
       {std::string(R"("state":"open")"), std::string(R"("cause":"connect_refused")"),
        std::string(R"("last_good":null)"), R"("monitor":{"id":")" + monitor, std::string(R"("ended_at":null)")})
    EXPECT_TRUE(holds(open.body, part)) << part << open.body;
  for (const std::string& list : {std::string("/api/v1/incidents?state=open"),
                                  "/api/v1/monitors/" + monitor + "/incidents", "/api/v1/incidents?monitor=" + monitor})
    EXPECT_TRUE(holds(call("GET", list, owner_read).body, id)) << list;
  EXPECT_FALSE(holds(call("GET", "/api/v1/incidents", other_admin).body, id));
  EXPECT_FALSE(holds(call("GET", "/api/v1/incidents?state=resolved", owner_read).body, id));
  EXPECT_EQ(call("GET", "/api/v1/incidents?monitor=mon_0000000000001", owner_read).status, 404);
  EXPECT_EQ(call("GET", "/api/v1/incidents?state=broken", owner_read).status, 400);
  EXPECT_EQ(call("POST", path + "/updates", owner_write, R"({"text":"a cable","public":true,"stage":"identified"})").status, 201);
  const auto odd = call("POST", path + "/updates", owner_write, R"({"text":"a cable","stage":"solved"})");
  EXPECT_EQ(odd.status, 422) << odd.body;
  EXPECT_TRUE(holds(odd.body, R"("pointer":"#/stage")")) << odd.body;
  const auto acknowledged = call("POST", path + "/acknowledge", owner_write);
  ASSERT_EQ(acknowledged.status, 200) << acknowledged.body;
  EXPECT_TRUE(holds(acknowledged.body, R"("state":"acknowledged")"));
  EXPECT_TRUE(holds(acknowledged.body, R"("acknowledged_by":"key_)"));
  EXPECT_TRUE(holds(acknowledged.body, R"("text":"a cable","public":true,"stage":"identified")")) << acknowledged.body;
  EXPECT_EQ(pick(call("POST", path + "/acknowledge", owner_admin).body, "acknowledged_by"),
            pick(acknowledged.body, "acknowledged_by"))
      << "the first one counts";
  const auto cause = call("PATCH", path, owner_write, R"({"root_cause":"the dog"})");
  EXPECT_EQ(pick(cause.body, "root_cause"), "the dog") << cause.body;
  EXPECT_EQ(call("PATCH", path, owner_write, R"({"state":"resolved"})").status, 422);
}

TEST_F(Alerts, ListsGoOnWhereTheyEnded) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(make_incident(make(owner_write)));
  std::string seen, cursor;
  for (int page = 0; page < 3; ++page) {
    const auto reply =
        call("GET", "/api/v1/incidents?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor), owner_read);
    ASSERT_EQ(reply.status, 200) << reply.body;
    seen += reply.body, cursor = pick(reply.body, "next_cursor");
  }
  EXPECT_EQ(cursor, "null");
  for (const std::string& id : ids) EXPECT_TRUE(holds(seen, id));
  EXPECT_EQ(call("GET", "/api/v1/incidents?cursor=x", owner_read).status, 400);
}

TEST_F(Alerts, DeliveriesShowTheirProof) {
  const std::string monitor = make(owner_write), id = make_incident(monitor), ops = channel();
  const std::string number = std::to_string(parse_id<MonitorTag>(monitor)->value),
                    channel_number = std::to_string(parse_id<ChannelTag>(ops)->value);
  for (const int step : {0, 1, 2})
    sql("INSERT INTO deliveries (monitor_id, version, kind, channel_id, step, account_id, incident, started_at, "
        "step_at, "
        "due_at, created_at, state, message_id) SELECT " +
        number + ", 2, 1, " + channel_number + ", " + std::to_string(step) + ", account_id, 2, 1, 1, 1, 1, " +
        (step == 0 ? "2, 'm1'" : "1, NULL") + " FROM monitors WHERE id = " + number);
  sql("INSERT INTO delivery_attempts SELECT " + channel_number +
      ", 'm1', 1, 1, account_id, 1000, 'smtp://relay.example:587', '250 queued', 'TLSv1.3', 'Q1', 1 FROM monitors "
      "WHERE "
      "id = " +
      number);
  const auto proof = call("GET", "/api/v1/deliveries?state=sent", owner_read);
  EXPECT_TRUE(holds(proof.body, R"("reply":"250 queued","tls":"TLSv1.3","queue_id":"Q1","result":"sent")"))
      << proof.body;
  EXPECT_TRUE(holds(proof.body, R"("incident":")" + id)) << proof.body;
  const std::string delivery = pick(proof.body, "id");
  EXPECT_TRUE(holds(call("GET", "/api/v1/incidents/" + id, owner_read).body, R"("deliveries":["dlv_)"));
  EXPECT_TRUE(holds(call("GET", "/api/v1/deliveries?id=" + delivery, owner_read).body, delivery));
  EXPECT_TRUE(holds(call("GET", "/api/v1/deliveries?channel=" + ops + "&incident=" + id, owner_read).body, delivery));
  EXPECT_FALSE(holds(call("GET", "/api/v1/deliveries", other_admin).body, delivery));
  const auto first = call("GET", "/api/v1/deliveries?limit=2", owner_read);
  const auto second = call("GET", "/api/v1/deliveries?limit=2&cursor=" + pick(first.body, "next_cursor"), owner_read);
  EXPECT_NE(holds(first.body, delivery), holds(second.body, delivery));
  EXPECT_EQ(call("GET", "/api/v1/deliveries?incident=x", owner_read).status, 400);
}

TEST_F(Alerts, ATestOfAChannelIsADeliveryWithProof) {
  const std::string ops = channel(), path = "/api/v1/channels/" + ops + "/test";
  // The courier's part: the row is done as soon as it is there.
  sql("CREATE FUNCTION courier() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.state := 2; NEW.message_id := 'm'; "
      "RETURN NEW; END $$; CREATE TRIGGER courier BEFORE INSERT ON deliveries FOR EACH ROW EXECUTE FUNCTION courier()");
  const auto done = call("POST", path, owner_write);
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(pick(done.body, "kind"), "test");
  EXPECT_EQ(pick(done.body, "state"), "sent");
  EXPECT_EQ(call("POST", path, owner_write).status, 429);
  EXPECT_EQ(call("POST", path, other_admin).status, 404);
}

TEST_F(Alerts, TheAcknowledgeLinkShowsAPageAndActsOnPost) {
  const std::string id = make_incident(make(owner_write));
  const std::string path = "/ack/" + sql_value("SELECT link_token FROM incidents");
  const auto page = call("GET", path, "");
  ASSERT_EQ(page.status, 200) << page.body;
  EXPECT_TRUE(holds(page.body, "<form method=\"post\">")) << page.body;
  EXPECT_TRUE(holds(page.field("content-security-policy"), "form-action 'self'"));
  EXPECT_EQ(page.field("cache-control"), "private, no-store");
  EXPECT_TRUE(holds(call("GET", "/api/v1/incidents/" + id, owner_read).body, R"("state":"open")"));
  const auto done = call("POST", path, "", "ok=1", "Content-Type: application/x-www-form-urlencoded\r\n");
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_TRUE(holds(done.body, "Acknowledged at")) << done.body;
  EXPECT_TRUE(
      holds(call("GET", "/api/v1/incidents/" + id, owner_read).body, R"("acknowledged_by":"by the link in an alert")"));
  for (const char* wrong : {"/ack/x", "/ack/00000000000000000000000000", "/ack/%27%20OR%20true--aaaaaaaaaaaa"})
    EXPECT_EQ(call("POST", wrong, "").status, 404) << wrong;
}

TEST_F(Alerts, OneClickUnsubscribesAnAddress) {
  const std::string ops = channel();
  const std::string path =
      "/unsubscribe/" + sql_value("SELECT link_token FROM channels WHERE address = 'ops@example.com'");
  EXPECT_EQ(call("GET", path, "").status, 200);
  EXPECT_EQ(pick(call("GET", "/api/v1/channels/" + ops, owner_read).body, "enabled"), "true");
  EXPECT_EQ(call("POST", path, "", "List-Unsubscribe=One-Click", "Content-Type: application/x-www-form-urlencoded\r\n")
                .status,
            200);
  const auto after = call("GET", "/api/v1/channels/" + ops, owner_read);
  EXPECT_EQ(pick(after.body, "enabled"), "false");
  EXPECT_EQ(pick(after.body, "last_error"), "unsubscribed by its link");
  EXPECT_EQ(call("POST", "/unsubscribe/00000000000000000000000000", "").status, 404);
}

}  // namespace
}  // namespace everup::api
