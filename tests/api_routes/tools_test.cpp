// The browser tools over a real socket, a real PostgreSQL and real probes: a mail server that waits for the test's word
// before each line of its own, TLS by nginx.
#include "tests/api_routes/tools_fixture.h"
#include "tests/support/nginx.h"
#include "tests/support/pki.h"

namespace everup::api {
namespace {

TEST_F(Tools, LinesComeWhileTheyHappen) {
  SlowMail server;
  serve({server.port()});
  const std::string id = begin(mail_to(server, R"({"to":["someone@slow.example"]})"));
  const auto events = open("/api/v1/smtp_tests/" + id + "/events");
  const auto page = open("/tools/smtp/" + id + "/stream");
  EXPECT_TRUE(comes(*page, "<ol class=\"talk\">"));
  EXPECT_EQ(pick(call("GET", "/api/v1/smtp_tests/" + id, "").body, "state"), "running");
  const std::string running = call("GET", "/tools/smtp/" + id, "").body;
  EXPECT_NE(running.find("<iframe title=\"The test, line by line\" src=\"/tools/smtp/" + id + "/stream\">"),
            std::string::npos);
  EXPECT_NE(running.find("/tools/live.js"), std::string::npos);
  for (const std::string text : {"220 slow.example ESMTP", "250-slow.example greets you", "250 8BITMIME"}) {
    EXPECT_EQ(events->rest().find(text), std::string::npos) << "not before the server said it";
    server.say(1);
    EXPECT_TRUE(comes(*events, "\"text\":\"" + text + "\"")) << events->rest();
    EXPECT_TRUE(comes(*page, "<code>" + text + "</code>")) << page->rest();
  }
  EXPECT_TRUE(comes(*events, "event: step"));
  EXPECT_TRUE(comes(*events, "MAIL FROM:<>"));
  server.say(100);
  EXPECT_TRUE(events->closed());
  EXPECT_TRUE(page->closed());
  EXPECT_NE(events->rest().find("event: done\ndata: {\"id\":\"" + id), std::string::npos);
  EXPECT_NE(page->rest().find("target=\"_top\""), std::string::npos);
  EXPECT_NE(page->rest().find("(RFC 5321"), std::string::npos) << "annotated";
  EXPECT_EQ(server.heard(), "EHLO tester.example\nMAIL FROM:<>\nRCPT TO:<someone@slow.example>\nRSET\nQUIT\n");
}

TEST_F(Tools, TheyAreFoundAgainAfterARestart) {
  SlowMail server;
  serve({server.port()});
  server.say(100);
  const std::string id = begin(mail_to(server)), path = "/api/v1/smtp_tests/" + id;
  const std::string report = ended(path);
  EXPECT_EQ(pick(report, "verdict"), "up") << report;
  EXPECT_NE(report.find("\"transcript\":[{"), std::string::npos);
  const std::string events = call("GET", path + "/events", "").body, page = call("GET", "/tools/smtp/" + id, "").body;
  EXPECT_NE(page.find("Where the time went"), std::string::npos);
  EXPECT_EQ(page.find("<script"), std::string::npos) << "an ended one needs none";
  wait_until_stored();
  stop();
  serve({server.port()});
  EXPECT_EQ(call("GET", path, "").body, report);
  EXPECT_EQ(call("GET", "/tools/smtp/" + id, "").body, page);
  EXPECT_EQ(call("GET", "/tools/smtp/" + id + "/stream", "").status, 200);
  EXPECT_EQ(call("GET", path + "/events", "").body, events);
  EXPECT_EQ(call("GET", path + "/events", "", "", "Last-Event-ID: 2\r\n").body, events.substr(events.find("id: 3\n")));
  EXPECT_EQ(call("GET", path + "/events", "", "", "Last-Event-ID: 999\r\n").body, events) << "not one of ours";
  const std::string last = events.substr(events.rfind("id: ") + 4);
  EXPECT_EQ(call("GET", path + "/events", "", "", "Last-Event-ID: " + last.substr(0, last.find('\n')) + "\r\n").status,
            204);
  EXPECT_EQ(call("GET", "/api/v1/tls_tests/" + id, "").status, 404) << "the other tool's";
  EXPECT_EQ(call("GET", "/tools/smtp/00000000000000000000000000", "").status, 404);
  sql("UPDATE tool_tests SET created_at = created_at - 86400001");
  EXPECT_EQ(call("GET", path, "").status, 404) << "after a day";
}

TEST_F(Tools, OnesOfOtherNodesAreWaitedFor) {
  serve({25});
  const std::string id = "0123456789abcdefghjkmnpqrs";
  net::SystemClock clock;
  const db::ToolTest row{id, Kind::kSmtp, "smtp://mx.example", "mx.example", "", clock.now().wall};
  must(tool_tests().begin(row));
  EXPECT_EQ(pick(call("GET", "/api/v1/smtp_tests/" + id, "").body, "state"), "running");
  EXPECT_NE(call("GET", "/tools/smtp/" + id, "").body.find("http-equiv=\"refresh\""), std::string::npos);
  EXPECT_EQ(call("GET", "/api/v1/smtp_tests/" + id + "/events", "").body, "retry: 2000\n\n");
  sql("UPDATE tool_tests SET created_at = created_at - 200000");
  EXPECT_EQ(pick(call("GET", "/api/v1/smtp_tests/" + id, "").body, "state"), "lost");
  EXPECT_NE(call("GET", "/tools/smtp/" + id, "").body.find("Start it again"), std::string::npos);
}

TEST_F(Tools, EveryRefusalIsInWords) {
  SlowMail server;
  serve({server.port()});
  const auto refused = [&](const std::string& tool, const std::string& body, const std::string& words,
                           const std::string& key = "") {
    const auto reply = call("POST", "/api/v1/" + tool + "_tests", key, body);
    EXPECT_EQ(reply.status, 422) << reply.body;
    EXPECT_NE(reply.body.find(words), std::string::npos) << reply.body;
  };
  refused("smtp", R"({"target":"smtp://127.0.0.1:6379"})", "port 6379 is not tested for strangers");
  refused("tls", R"({"target":"tls://127.0.0.1:6379"})", "port 6379 is not tested for strangers");
  refused("smtp", R"({"target":"smtp://10.0.0.1:)" + std::to_string(server.port()) + "\"}",
          "EVERUP_PUBLIC_TOOLS_ALLOW_TARGETS=private");
  refused("smtp", mail_to(server, R"({"auth":{"user":"a","password":"b","type":"plain"}})"), "#/options/auth");
  refused("smtp", mail_to(server, R"({"from":"a@b.example"})"), "sent by <> only");
  refused("smtp", mail_to(server, R"({"to":["a@b.example","c@b.example"]})"), "one recipient at a time");
  refused("smtp", mail_to(server, R"({"to":["a@b.example\r\nDATA"]})"), "#/options/to/0");
  refused("smtp", mail_to(server, R"({"to":["a@b.example"],"stop_after":"DATA"})"), "no message is sent", owner_write);
  refused("smtp", mail_to(server, R"({"mx":true})"), "for signed-in users only");
  refused("smtp", R"({"target":"https://127.0.0.1/"})", "must be smtp://");
  refused("tls", R"({"target":"tls://127.0.0.1:443","options":{"heartbleed":"every"}})", "signed-in users only");
  refused("smtp", R"({"target":"smtp://127.0.0.1","colour":"red"})", "#/colour");
  EXPECT_EQ(server.heard(), "");
}

TEST_F(Tools, StrangersAreCountedAndAKeyLiftsThat) {
  SlowMail server;
  serve({server.port()});
  server.say(1'000);
  const std::string from = "X-Forwarded-For: 198.51.100.";
  for (int i = 1; i <= 5; ++i) {
    EXPECT_EQ(call("POST", "/api/v1/smtp_tests", "", mail_to(server), from + std::to_string(i) + "\r\n").status, 202);
  }
  const auto sixth = call("POST", "/api/v1/smtp_tests", "", mail_to(server), from + "77\r\n");
  EXPECT_EQ(sixth.status, 429) << sixth.body;
  EXPECT_EQ(sixth.field("retry-after"), "600");
  EXPECT_NE(sixth.body.find("from your network (198.51.100.0/24)"), std::string::npos) << sixth.body;
  const auto form = call("POST", "/tools/smtp", "", "target=127.0.0.1:" + std::to_string(server.port()),
                         from + "78\r\nContent-Type: application/x-www-form-urlencoded\r\n");
  EXPECT_EQ(form.status, 429);
  EXPECT_NE(form.body.find("five tests in ten minutes were made from your network"), std::string::npos);
  EXPECT_EQ(call("POST", "/api/v1/smtp_tests", owner_write, mail_to(server), from + "79\r\n").status, 202);
  EXPECT_EQ(call("POST", "/api/v1/smtp_tests", "", mail_to(server), "X-Forwarded-For: 203.0.113.9\r\n").status, 202);
  sql("UPDATE tool_tests SET created_at = created_at - 700000");
  EXPECT_EQ(call("POST", "/api/v1/smtp_tests", "", mail_to(server), from + "80\r\n").status, 202);
  sql("INSERT INTO tool_tests SELECT 'x' || n, 3, 't', '127.0.0.1', 'other' || n, created_at FROM tool_tests, "
      "generate_series(1, 20) n WHERE client = '203.0.113.0/24'");
  const auto host = call("POST", "/api/v1/smtp_tests", "", mail_to(server), "X-Forwarded-For: 203.0.113.90\r\n");
  EXPECT_EQ(host.status, 429);
  EXPECT_NE(host.body.find("127.0.0.1 was tested twenty times within a day"), std::string::npos) << host.body;
}

TEST_F(Tools, StrangersMayBeShutOutAndTheirNetworksAreTheirs) {
  SlowMail server;
  server.say(100);
  serve({server.port()}, false);
  EXPECT_EQ(call("POST", "/api/v1/smtp_tests", "", mail_to(server)).status, 401);
  EXPECT_NE(call("GET", "/tools/smtp", "").body.find("for signed-in users here"), std::string::npos);
  EXPECT_NE(call("GET", "/tools/smtp", "").body.find("id=\"ask\" hidden>"), std::string::npos)
      << "shown by script to who is signed in";
  begin(mail_to(server), owner_write);
  stop();
  serve({server.port()}, true, "");
  const std::string by_name = R"({"target":"smtp://localhost:)" + std::to_string(server.port()) + "\"}";
  const std::string report = ended("/api/v1/smtp_tests/" + begin(by_name));
  EXPECT_EQ(pick(report, "cause"), "address_refused") << report;
  EXPECT_NE(report.find("localhost has no public address"), std::string::npos) << report;
  EXPECT_EQ(report.find("127.0.0.1"), std::string::npos) << "strangers learn nothing of a network inside";
}

TEST_F(Tools, ThePageWorksByFormsAlone) {
  SlowMail server;
  serve({server.port()});
  server.say(100);
  EXPECT_NE(call("GET", "/tools/smtp?target=%22%3E%3Cscript%3E", "").body.find("value=\"&quot;&gt;&lt;script&gt;\""),
            std::string::npos);
  const std::string form = "Content-Type: application/x-www-form-urlencoded\r\n";
  const auto wrong = call("POST", "/tools/smtp", "", "target=mx%20example&to=nobody", form);
  EXPECT_EQ(wrong.status, 422);
  EXPECT_NE(wrong.body.find("role=\"alert\""), std::string::npos);
  EXPECT_NE(wrong.body.find("value=\"mx example\""), std::string::npos) << "what was typed is still there";
  EXPECT_EQ(call("POST", "/tools/smtp", "", "target=127.0.0.1", form + "Sec-Fetch-Site: cross-site\r\n").status, 403);
  EXPECT_EQ(call("POST", "/tools/smtp", "", "{}").status, 415);
  const auto sent =
      call("POST", "/tools/smtp", "",
           "target=127.0.0.1%3A" + std::to_string(server.port()) + "&to=a%40b.example&starttls=try", form);
  ASSERT_EQ(sent.status, 303) << sent.body;
  const std::string path = sent.field("location");
  ASSERT_TRUE(path.starts_with("/tools/smtp/"));
  const auto stream = open(path + "/stream");
  EXPECT_TRUE(stream->closed());
  const auto page = call("GET", path, "");
  EXPECT_EQ(page.field("content-security-policy").find("'unsafe-inline'"),
            page.field("content-security-policy").find("style-src ") + 10)
      << "for styles alone";
  EXPECT_NE(page.body.find("<code>RCPT TO:&lt;a@b.example&gt;</code>"), std::string::npos) << page.body;
  EXPECT_NE(page.body.find("Watch it from now on"), std::string::npos);
  EXPECT_EQ(call("GET", "/tools/live.js", "").field("content-type"), "text/javascript; charset=utf-8");
}

TEST_F(Tools, HostileServersAreInert) {
  SlowMail server("220 <script>alert(1)</script>\x1b[31m\xe2\x80\xae\"'&");
  serve({server.port()});
  server.say(100);
  const std::string id = begin(mail_to(server));
  ended("/api/v1/smtp_tests/" + id);
  for (const std::string& path : {"/tools/smtp/" + id, "/tools/smtp/" + id + "/stream"}) {
    const std::string body = call("GET", path, "").body;
    EXPECT_NE(body.find("&lt;script&gt;alert(1)&lt;/script&gt;"), std::string::npos) << path;
    EXPECT_EQ(body.find("<script>"), std::string::npos) << path;
    EXPECT_EQ(body.find('\x1b'), std::string::npos) << path;
    EXPECT_EQ(body.find("\xe2\x80\xae"), std::string::npos) << path;
  }
}

TEST_F(Tools, ATlsServerIsExamined) {
  test::TestCa ca(dir_);
  const auto leaf = ca.issue("server", "DNS:localhost,IP:127.0.0.1");
  const test::Nginx nginx(dir_, "ssl_certificate " + leaf.certificate + "; ssl_certificate_key " + leaf.key + ";",
                          "ssl");
  ca_file_ = ca.certificate();
  serve({nginx.port()});
  const auto reply =
      call("POST", "/api/v1/tls_tests", "", R"({"target":"tls://127.0.0.1:)" + std::to_string(nginx.port()) + "\"}");
  ASSERT_EQ(reply.status, 202) << reply.body;
  const std::string id = pick(reply.body, "id");
  const std::string report = ended("/api/v1/tls_tests/" + id);
  EXPECT_EQ(pick(report, "verdict"), "up") << report;
  EXPECT_NE(report.find("\"heartbleed\":{\"verdict\":\"not_asked\""), std::string::npos)
      << "a stranger asked: " << report;
  const std::string page = call("GET", "/tools/tls/" + id, "").body;
  EXPECT_NE(page.find("class=\"letter\""), std::string::npos) << page;
  EXPECT_NE(page.find("asked for signed-in users only"), std::string::npos);
  EXPECT_NE(page.find("TLS 1.3"), std::string::npos);
  const std::string events = call("GET", "/api/v1/tls_tests/" + id + "/events", "").body;
  EXPECT_NE(events.find("\"step\":\"HANDSHAKE\""), std::string::npos) << events;
}

}  // namespace
}  // namespace everup::api
