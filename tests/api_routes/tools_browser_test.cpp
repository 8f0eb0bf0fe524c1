// The mail tool in Chromium, with script and without, direct and through nginx with buffering and gzip on: the lines of
// a slow dialogue are on the screen before the server has said the next one; what a hostile server says stays text.
#include "seal/password.h"
#include "tests/api_routes/tools_fixture.h"
#include "tests/support/browser.h"
#include "tests/support/nginx.h"

namespace everup::api {
namespace {

class InABrowser : public Tools {
 protected:
  // The whole way of a visitor: form, live page, report. `live` is where the lines appear.
  void visit(test::Browser& browser, SlowMail& server, std::uint16_t port, bool script) {
    const std::string base = "http://127.0.0.1:" + std::to_string(port);
    const std::string id = begin(mail_to(server));
    const std::string live = script ? "document.getElementById('live').innerText"
                                    : "document.querySelector('iframe').contentDocument.body.innerText";
    browser.open(base + "/tools/smtp/" + id, script);
    ASSERT_TRUE(browser.until(script ? "document.getElementById('live').hidden === false"
                                     : "document.querySelector('iframe').contentDocument.querySelector('.talk') !== "
                                       "null"));
    for (const std::string text : {"220 slow.example", "250-slow.example greets you", "250 8BITMIME"}) {
      EXPECT_EQ(browser.value(live + ".includes('" + text + "')"), "false") << "not said yet";
      server.say(1);
      ASSERT_TRUE(browser.until(live + ".includes('" + text + "')")) << text << ": " << browser.value(live);
    }
    EXPECT_TRUE(browser.until(live + ".includes('we say who we are')")) << "annotated";
    server.say(1);  // the farewell
    if (!script) {
      ASSERT_TRUE(browser.until(live + ".includes('see the whole report')")) << browser.value(live);
      browser.open(base + "/tools/smtp/" + id, script);
    }
    ASSERT_TRUE(browser.until("document.body.innerText.includes('Where the time went')"));
    EXPECT_EQ(browser.value("document.querySelector('.state strong').innerText"), "Good");
  }
};

TEST_F(InABrowser, WithScriptAndWithout) {
  test::Browser browser(dir_);
  for (const bool script : {true, false}) {
    SlowMail server;
    serve({server.port()});
    visit(browser, server, port(), script);
    stop();
  }
}

TEST_F(InABrowser, ThroughNginxWithBufferingAndGzip) {
  test::Browser browser(dir_);
  for (const bool script : {true, false}) {
    SlowMail server;
    serve({server.port()});
    const test::Nginx nginx(dir_,
                            "gzip on; gzip_types text/event-stream; gzip_min_length 0; gzip_proxied any; "
                            "proxy_buffering on; location / { proxy_pass http://127.0.0.1:" +
                                std::to_string(port()) +
                                "; proxy_http_version 1.1; proxy_set_header Connection \"\"; }");
    visit(browser, server, nginx.port(), script);
    stop();
  }
}

TEST_F(InABrowser, TheFormLeadsToTheReport) {
  test::Browser browser(dir_);
  SlowMail server;
  server.say(1'000);
  serve({server.port()});
  const std::string base = "http://127.0.0.1:" + std::to_string(port());
  browser.open(base + "/tools/smtp?target=127.0.0.1:" + std::to_string(server.port()), false);
  ASSERT_TRUE(browser.until("document.querySelector('button') !== null"));
  browser.value("document.querySelector('form').submit()");
  ASSERT_TRUE(browser.until("/^\\/tools\\/smtp\\/[0-9a-z]{26}$/.test(location.pathname)"))
      << browser.value("document.body.innerText");
}

TEST_F(InABrowser, HostileLinesStayText) {
  test::Browser browser(dir_);
  const std::string bite = "<img src=x onerror=alert(1)><script>alert(2)</script>";
  for (const bool script : {true, false}) {
    SlowMail server("220 " + bite + "\x1b[2J\xe2\x80\xae");
    serve({server.port()});
    const std::string id = begin(mail_to(server));
    browser.open("http://127.0.0.1:" + std::to_string(port()) + "/tools/smtp/" + id, script);
    server.say(1);
    const std::string live = script ? "document" : "document.querySelector('iframe').contentDocument";
    ASSERT_TRUE(browser.until(live + ".querySelector('.talk .in code').textContent.includes('" + bite + "')"));
    EXPECT_EQ(browser.value(live + ".querySelector('.talk img, .talk script') === null"), "true");
    server.say(1'000);
    if (script) {
      ASSERT_TRUE(browser.until("document.body.innerText.includes('Where the time went')"));
      EXPECT_EQ(browser.value("document.querySelector('.talk img, .talk script') === null"), "true");
    }
    EXPECT_EQ(browser.dialogs(), 0);
    stop();
  }
}

// The form of a tool that is closed to strangers: script shows it to who is signed in, and sends it with his token.
TEST_F(InABrowser, WhoIsSignedInIsNoStranger) {
  sql("UPDATE users SET password_hash = '" + *seal::hash_password("correct horse") + "'");
  SlowMail server;
  server.say(1'000);
  serve({25}, false);  // and another port than strangers may ask
  test::Browser browser(dir_);
  const std::string base = "http://127.0.0.1:" + std::to_string(port());
  browser.open(base + "/tools/smtp", true);
  ASSERT_TRUE(browser.until("document.getElementById('ask') !== null"));
  EXPECT_EQ(browser.value("document.getElementById('ask').hidden"), "true");
  browser.value(
      "(fetch('/api/v1/session', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: "
      "JSON.stringify({email: 'owner@example.com', password: 'correct horse'})}).then(r => { window.signed = r.status; "
      "}), '')");
  ASSERT_TRUE(browser.until("window.signed === 200"));
  browser.open(base + "/tools/smtp", true);
  ASSERT_TRUE(
      browser.until("document.getElementById('ask') !== null && document.getElementById('ask').hidden === false"));
  browser.value(
      "(document.getElementById('target').value = 'not a host', document.getElementById('ask').requestSubmit(), '')");
  ASSERT_TRUE(browser.until("document.querySelector('.wrong') !== null"));
  browser.value("(document.getElementById('target').value = '127.0.0.1:" + std::to_string(server.port()) +
                "', document.getElementById('ask').requestSubmit(), '')");
  ASSERT_TRUE(browser.until("location.pathname.startsWith('/tools/smtp/')"));
  ASSERT_TRUE(browser.until("document.body.innerText.includes('Save it as a monitor')"));
}

}  // namespace
}  // namespace everup::api
