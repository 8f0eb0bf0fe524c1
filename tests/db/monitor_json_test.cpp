// Monitors as JSON: what is accepted, what is refused and where, and that nothing is lost on the way to storage and
// back.
#include "db/monitor_json.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "db/tls_report_json.h"

namespace everup::db {
namespace {

std::string error_at(const FieldErrors& errors, const std::string& pointer) {
  for (const FieldError& error : errors) {
    if (error.pointer == pointer) return error.code;
  }
  std::string all;
  for (const FieldError& error : errors) all += error.pointer + "=" + error.code + " ";
  return "none at " + pointer + " but " + all;
}

TEST(ParseDraft, OnlyATargetIsNeeded) {
  const auto parsed = parse_draft(R"({"target":"https://shop.example/health"})");
  ASSERT_TRUE(parsed.ok());
  MonitorDraft expected;
  expected.target = *parse_target("https://shop.example/health");
  expected.name = "shop.example";
  EXPECT_EQ(parsed.value, expected);
}

TEST(ParseDraft, EverythingAtOnce) {
  const auto parsed =
      parse_draft(R"({"name":"Shop","slug":"shop","target":"https://s.example/","interval_s":30,"timeout_ms":5000,
    "confirm":{"failures":2,"successes":1,"retry_s":[5,10]},
    "options":{"method":"POST","headers":[{"name":"Accept","value":"a"},{"name":"X-Key","value":"k"}],"body":"b",
      "auth":{"type":"bearer","token":"t"},"follow_redirects":false,"max_redirects":1,"verify_tls":false,"ip_version":4,
      "http_version":"1.1","ca":"PEM"},
    "expect":{"status":204,"json":[{"path":"$.a","equals":{"b":1}}],"header":[{"name":"Server","absent":true},{"name":"A","regex":"x"}],
      "latency_ms_max":100,"certificate_days_min":14,"http_version":"2","compressed":true,"body_contains":"ok"},
    "warn":{"latency_ms_max":50},"tags":["a","b"],"paused":true,"timezone":"Europe/Prague",
    "public":{"badge":false,"report":true,"show_target":true}})");
  ASSERT_TRUE(parsed.ok()) << parsed.errors[0].pointer << parsed.errors[0].detail;
  const MonitorDraft& d = parsed.value;
  EXPECT_EQ(d.confirm, (Patience{2, 1, 2, {5, 10, 0, 0, 0}}));
  EXPECT_EQ(d.http().options.auth, (HttpAuth{HttpAuth::Type::kBearer, "", "t"}));
  EXPECT_EQ(d.http().options.ip_version, IpVersion::k4);
  EXPECT_EQ(d.http().expect.status, "204");
  EXPECT_EQ(d.http().expect.json[0].equals, "{\"b\":1}");
  EXPECT_EQ(d.http().expect.header[0].test, HeaderExpect::Test::kAbsent);
  EXPECT_EQ(*d.http().expect.http_version, HttpVersion::k2);
  EXPECT_EQ(d.http().warn.latency_ms_max, 50);
  EXPECT_FALSE(d.links.badge);
}

TEST(ParseDraft, HeadersMayBeAnObject) {
  const auto parsed = parse_draft(R"({"target":"a.example","options":{"headers":{"X-Key":"k","Accept":"a"}}})");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed.value.http().options.headers.size(), 2u);
}

TEST(ParseDraft, WrongFieldsAreNamed) {
  const struct {
    const char* json;
    const char* pointer;
    const char* code;
  } cases[] = {
      {R"({})", "#/target", "required"},
      {R"({"target":5})", "#/target", "wrong_type"},
      {R"({"target":"https://u:p@x.example/"})", "#/target", ""},
      {R"({"target":"a.example","interval":5})", "#/interval", "unknown_field"},
      {R"({"target":"a.example","id":"x"})", "#/id", "unknown_field"},
      {R"({"target":"a.example","interval_s":"60"})", "#/interval_s", "wrong_type"},
      {R"({"target":"a.example","interval_s":60.5})", "#/interval_s", "wrong_type"},
      {R"({"target":"a.example","interval_s":99999999999999999999})", "#/interval_s", "wrong_type"},
      {R"({"target":"a.example","interval_s":9999999999})", "#/interval_s", "out_of_range"},
      {R"({"target":"a.example","interval_s":18446744073709551615})", "#/interval_s", "out_of_range"},
      {R"({"target":"a.example","confirm":{"failures":300}})", "#/confirm/failures", "out_of_range"},
      {R"({"target":"a.example","confirm":{"retry_s":[]}})", "#/confirm/retry_s", "out_of_range"},
      {R"({"target":"a.example","confirm":{"retry_s":[1,2,3,4,5,6]}})", "#/confirm/retry_s", "out_of_range"},
      {R"({"target":"a.example","confirm":7})", "#/confirm", "wrong_type"},
      {R"({"target":"a.example","options":{"auth":{"type":"ntlm"}}})", "#/options/auth/type", "invalid_value"},
      {R"({"target":"a.example","options":{"auth":{"type":"basic","user":"u"}}})", "#/options/auth/password",
       "required"},
      {R"({"target":"a.example","options":{"auth":{"type":"basic","user":"u","password":null}}})",
       "#/options/auth/password", "required"},
      {R"({"target":"a.example","options":{"headers":[{"name":"X-Key","value":null}]}})", "#/options/headers/0/value",
       "required"},
      {R"({"target":"a.example","options":{"headers":{"A":7}}})", "#/options/headers/A/value", "wrong_type"},
      {R"({"target":"a.example","expect":{"json":[{"path":5}]}})", "#/expect/json/0/path", "wrong_type"},
      {R"({"target":"a.example","expect":{"header":[{"name":"A"}]}})", "#/expect/header/0", "required"},
      {R"({"target":"a.example","expect":{"latency_ms_max":0}})", "#/expect/latency_ms_max", "out_of_range"},
      {R"({"target":"a.example","tags":"a"})", "#/tags", "wrong_type"},
      {R"({"target":"a.example","tags":[5]})", "#/tags/0", "wrong_type"},
      {R"({"target":"a.example","name":"a\u0000b"})", "#/name", "invalid_text"},
      {R"({"target":"a.example","paused":"yes"})", "#/paused", "wrong_type"},
      {R"({"target":"a.example","public":{"badges":true}})", "#/public/badges", "unknown_field"},
      {R"({"target":"a.example","a/b~c":1})", "#/a~1b~0c", "unknown_field"},
      {R"({"target":"a.example","target":"b.example"})", "#/target", "duplicate_field"},
      {R"({"target":"a.example","expect":{"json":[{"path":"a","equals":1},{"path":"a","path":"b"}]}})",
       "#/expect/json/1/path", "duplicate_field"},
  };
  for (const auto& one : cases) {
    const auto parsed = parse_draft(one.json);
    ASSERT_FALSE(parsed.ok()) << one.json;
    EXPECT_FALSE(parsed.syntax) << one.json;
    const std::string code = error_at(parsed.errors, one.pointer);
    EXPECT_TRUE(code == one.code || (*one.code == '\0' && !code.starts_with("none"))) << one.json << ": " << code;
  }
}

TEST(ParseDraft, WhatIsNoJsonObjectIsASyntaxError) {
  std::string deep = R"({"target":)";
  for (int i = 0; i < 40; ++i) deep += "[";
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("7"), std::string("\"a\""), std::string("{}x"),
        std::string("{\"a\":1e999}"), std::string("{\"a\":\"\xff\"}"), deep, std::string("{\"a\":1,}")}) {
    const auto parsed = parse_draft(text);
    EXPECT_FALSE(parsed.ok()) << text;
    EXPECT_TRUE(parsed.syntax) << text;
  }
}

TEST(ParseDraft, ErrorsAreBounded) {
  std::string text = R"({"target":"a.example")";
  for (int i = 0; i < 1000; ++i) text += ",\"x" + std::to_string(i) + "\":1";
  EXPECT_EQ(parse_draft(text + "}").errors.size(), 100u);
}

TEST(ParseBulk, PointersNameTheMonitor) {
  const auto parsed = parse_bulk(R"({"monitors":[{"target":"a.example"},{"target":"b.example","x":1}]})");
  EXPECT_EQ(error_at(parsed.errors, "#/monitors/1/x"), "unknown_field");
  EXPECT_EQ(parse_bulk(R"({"monitors":[{"target":"a.example"}]})").value.size(), 1u);
  EXPECT_EQ(error_at(parse_bulk(R"({"monitors":[]})").errors, "#/monitors"), "required");
  EXPECT_EQ(error_at(parse_bulk(R"({"monitors":[{"target":"a"},{"target":"b"}]})", 1).errors, "#/monitors"),
            "too_many");
  EXPECT_EQ(error_at(parse_bulk(R"({})").errors, "#/monitors"), "required");
}

MonitorDraft secret_draft() {
  return parse_draft(R"({"name":"n","slug":"s","target":"https://a.example/","interval_s":30,"options":{"body":"b",
    "headers":[{"name":"X-Key","value":"k1"},{"name":"Accept","value":"a"},{"name":"x-key","value":"k2"}],
    "auth":{"type":"basic","user":"u","password":"p"}},"expect":{"status":"200"},"tags":["x"]})")
      .value;
}

TEST(Patch, AbsentIsKeptNullIsReset) {
  const MonitorDraft before = secret_draft();
  EXPECT_EQ(apply_merge_patch(before, "{}").value, before);
  const auto patched =
      apply_merge_patch(before, R"({"interval_s":90,"options":{"body":null},"expect":null,"tags":["y"]})");
  ASSERT_TRUE(patched.ok());
  MonitorDraft expected = before;
  expected.interval_s = 90, expected.http().options.body = "", expected.http().expect = {}, expected.tags = {"y"};
  EXPECT_EQ(patched.value, expected);
  EXPECT_EQ(apply_merge_patch(before, R"({"slug":null})").value.slug, "s");
  EXPECT_EQ(apply_merge_patch(before, R"({"name":null})").value.name, "a.example");
  EXPECT_EQ(error_at(apply_merge_patch(before, R"({"target":null})").errors, "#/target"), "required");
  EXPECT_EQ(error_at(apply_merge_patch(before, R"({"bogus":1})").errors, "#/bogus"), "unknown_field");
  EXPECT_EQ(error_at(apply_merge_patch(before, R"({"expect":{"json":[{"path":1,"equals":1}]}})").errors,
                     "#/expect/json/0/path"),
            "wrong_type");
}

TEST(Patch, SecretsThatAreNotGivenAreKept) {
  const MonitorDraft before = secret_draft();
  const auto secret = [&](const char* patch) {
    const auto patched = apply_merge_patch(before, patch);
    return patched.ok() ? patched.value.http().options.auth.secret : "error " + patched.errors[0].pointer;
  };
  EXPECT_EQ(secret(R"({"options":{"auth":{"user":"v"}}})"), "p");
  EXPECT_EQ(secret(R"({"options":{"auth":{"type":"basic","user":"v","password":null,"password_set":true}}})"), "p");
  EXPECT_EQ(secret(R"({"options":{"auth":{"password":"q"}}})"), "q");
  EXPECT_EQ(secret(R"({"options":{"auth":{"type":"digest"}}})"), "p");
  EXPECT_EQ(secret(R"({"options":{"auth":null}})"), "");
  EXPECT_EQ(secret(R"({"options":null})"), "");
  // The list as it was printed, changed in one place.
  const auto patched =
      apply_merge_patch(before, R"({"options":{"headers":[{"name":"X-Key","value":null,"value_set":true},
    {"name":"x-key","value":null},{"name":"X-Other-Token","value":"new"}]}})");
  ASSERT_TRUE(patched.ok()) << patched.errors[0].pointer;
  EXPECT_EQ(patched.value.http().options.headers,
            (std::vector<HttpHeader>{{"X-Key", "k1"}, {"x-key", "k2"}, {"X-Other-Token", "new"}}));
}

TEST(Write, SecretsAreNeverPrinted) {
  const std::string text = options_json(secret_draft().settings);
  EXPECT_EQ(text, R"({"headers":[{"name":"X-Key","value":null,"value_set":true},{"name":"Accept","value":"a"},)"
                  R"({"name":"x-key","value":null,"value_set":true}],"body":"b",)"
                  R"("auth":{"type":"basic","user":"u","password":null,"password_set":true}})");
  EXPECT_EQ(options_json(HttpSettings{}), "{}");
  EXPECT_EQ(confirm_json({}), R"({"failures":3,"successes":2,"retry_s":10})");
  EXPECT_EQ(confirm_json({2, 1, 2, {5, 9, 0, 0, 0}}), R"({"failures":2,"successes":1,"retry_s":[5,9]})");
  EXPECT_EQ(links_json({}), R"({"badge":true,"report":true,"show_target":false})");
}

TEST(Storage, GoesThereAndBack) {
  const MonitorDraft draft = secret_draft();
  const StoredSettings stored = to_storage(draft);
  for (const std::string* column : {&stored.options, &stored.expect, &stored.warn, &stored.confirm}) {
    EXPECT_EQ(column->find("k1"), std::string::npos);
    EXPECT_EQ(column->find("\"p\""), std::string::npos);
  }
  const auto settings = settings_from_storage(Kind::kHttps, stored.options, stored.expect, stored.warn, stored.secrets);
  ASSERT_TRUE(settings) << settings.error().what;
  EXPECT_EQ(*settings, draft.settings);
  EXPECT_EQ(*confirm_from_storage(stored.confirm), draft.confirm);
  const auto without = settings_from_storage(Kind::kHttps, stored.options, stored.expect, stored.warn, "");
  ASSERT_TRUE(without);
  EXPECT_EQ(std::get<HttpSettings>(*without).options.auth.secret, "");
  EXPECT_EQ(to_storage(MonitorDraft{}).secrets, "");
  EXPECT_EQ(settings_from_storage(Kind::kHttps, "{", "{}", "{}", "").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(settings_from_storage(Kind::kHttps, "{}", "{}", "{}", "[]").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(secrets_context(AccountId{1}, MonitorId{2}), "1/2/secrets");
}

TEST(EvidenceJson, HasWhatThereIs) {
  Evidence evidence;
  EXPECT_EQ(evidence_json(evidence), "{}");
  evidence.address = "192.0.2.7:443", evidence.head = "HTTP/1.1 500\r\n";
  evidence.transcript.add(5, Direction::kOut, true, "GET /");
  EXPECT_EQ(
      evidence_json(evidence),
      R"({"address":"192.0.2.7:443","head":"HTTP/1.1 500\r\n","transcript":[{"at_ms":5,"dir":"out","tls":true,"text":"GET /"}]})");
}

TEST(TlsTestJson, HasTheShapeOfTheInterface) {
  auto report = std::make_shared<TlsReport>();
  report->host = "shop.test", report->version = "TLSv1.3", report->cipher = "TLS_AES_128_GCM_SHA256";
  report->protocol(TlsVersion::k1_3).offer = TlsOffer::kOffered;
  report->chain.push_back({.subject = "CN=shop.test",
                           .issuer = "CN=ca",
                           .serial = "01",
                           .sha256 = "ab",
                           .key_sha256 = "cd",
                           .names = {"shop.test"},
                           .not_before = {},
                           .not_after = {},
                           .key_type = "EC P-256",
                           .key_bits = 256,
                           .signature = "ecdsa-with-SHA256",
                           .sha1_or_md5 = false,
                           .self_issued = false});
  report->hostname = TlsOpinion{Cause::kTlsWrongHost, "not for shop.test"};
  report->heartbleed.verdict = HeartbleedReport::Verdict::kVulnerable;
  report->heartbleed.reason = "over_read_proved";
  report->heartbleed.seen.push_back({1, 3, 24, 8212, -1});
  report->findings.push_back({"heartbleed", TlsSeverity::kCritical, "bad", "update"});
  report->grade = "F";
  Outcome outcome = outcome_of(Cause::kTlsHeartbleed, "proved");
  EXPECT_EQ(tls_test_json(outcome),
            R"({"verdict":"degraded","cause":"tls_heartbleed","detail":"proved","latency_ms":0.0})");
  outcome.evidence = std::make_unique<Evidence>();
  outcome.evidence->tls = report;
  const std::string text = tls_test_json(outcome);
  for (const char* part :
       {R"("protocols":{"ssl3":"unknown","tls1_0":"unknown","tls1_1":"unknown","tls1_2":"unknown","tls1_3":"offered"})",
        R"("negotiated":{"version":"TLSv1.3","cipher":"TLS_AES_128_GCM_SHA256","alpn":null)",
        R"("chain":[{"subject":"CN=shop.test","issuer":"CN=ca","serial":"01","names":["shop.test"])", R"("trust":null)",
        R"("hostname":{"ok":false,"cause":"tls_wrong_host","detail":"not for shop.test"})",
        R"("heartbleed":{"verdict":"vulnerable","reason":"over_read_proved")",
        R"("records":[{"connection":1,"at_ms":3,"type":24,"length":8212}])",
        R"("findings":[{"id":"heartbleed","severity":"critical","text":"bad","fix":"update"}])", R"("grade":"F")"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nin " << text;
  }
  EXPECT_NE(evidence_json(*outcome.evidence).find(R"("tls":{"host":"shop.test")"), std::string::npos);
}

// One draft of each kind, with everything that can be said of it.
const std::vector<std::string> kKinds{
    R"({"target":"smtp://mail.example.com:587","options":{"starttls":"require","verify_tls":false,"ehlo":"me.example",
        "from":"a@example.com","to":["b@example.com"],"auth":{"type":"login","user":"u","password":"s3cret"},
        "stop_after":"RCPT","ip_version":"4"},"expect":{"capabilities":["STARTTLS"],"certificate_days_min":7,
        "latency_ms_max":900},"warn":{"latency_ms_max":500}})",
    R"({"target":"smtps://mail.example.com","options":{"auth":{"type":"xoauth2","user":"u","token":"s3cret"}}})",
    R"({"target":"tls://example.com","options":{"starttls":"imap","heartbleed":"every","verify_tls":false,
        "versions":false,"server_name":"x.example"},"expect":{"min_version":"1.2","heartbleed":"not_vulnerable"}})",
    R"({"target":"tcp://db.example.com:5432","options":{"send":"hi\r\n","tls":true},"expect":{"contains":"ok"}})",
    R"({"target":"dns://example.com","options":{"type":"MX","server":"192.0.2.53","tcp":true},
        "expect":{"values":["10 mx.example.com"],"rcode":"NOERROR"}})",
    R"({"target":"ping://example.com","options":{"count":3},"expect":{"loss_percent_max":34}})",
    R"({"target":"heartbeat://","options":{"cron":"0 3 * * *","timezone":"Europe/Prague","grace_s":600}})",
};

TEST(Kinds, GoToStorageAndBackWithTheirSecretsApart) {
  for (const std::string& text : kKinds) {
    const auto draft = parse_draft(text);
    ASSERT_TRUE(draft.ok()) << text << draft.errors[0].pointer << ": " << draft.errors[0].detail;
    const FieldErrors wrong = validate(draft.value, nullptr);
    EXPECT_TRUE(wrong.empty()) << text << wrong[0].pointer << ": " << wrong[0].detail;
    const StoredSettings stored = to_storage(draft.value);
    EXPECT_EQ(stored.options.find("s3cret"), std::string::npos);
    EXPECT_EQ(options_json(draft.value.settings).find("s3cret"), std::string::npos);
    const auto back =
        settings_from_storage(draft.value.target.kind, stored.options, stored.expect, stored.warn, stored.secrets);
    ASSERT_TRUE(back) << back.error().what;
    EXPECT_EQ(*back, draft.value.settings) << text;
    EXPECT_NE(*back, default_settings(draft.value.target.kind));
    const auto patched = apply_merge_patch(draft.value, R"({"name":"Other"})");
    ASSERT_TRUE(patched.ok()) << patched.errors[0].pointer << ": " << patched.errors[0].detail;
    EXPECT_EQ(patched.value.settings, draft.value.settings) << "a patch keeps options and secrets";
  }
}

TEST(Kinds, ATargetsQueryIsShorthandForItsOptions) {
  const auto mail = parse_draft(R"({"target":"smtp://example.com?mx=1&starttls=require"})");
  ASSERT_TRUE(mail.ok());
  const auto& options = std::get<SmtpSettings>(mail.value.settings).options;
  EXPECT_TRUE(options.mx);
  EXPECT_EQ(options.starttls, StartTls::kRequire);
  EXPECT_EQ(mail.value.timeout_ms, 40'000);
  EXPECT_EQ(mail.value.target.url(), "smtp://example.com");
  const auto twice = parse_draft(R"({"target":"smtp://example.com?starttls=require","options":{"starttls":"try"}})");
  ASSERT_EQ(twice.errors.size(), 1u);
  EXPECT_EQ(twice.errors[0].pointer, "#/target");
  EXPECT_EQ(twice.errors[0].code, "conflict");
  const auto unknown = parse_draft(R"({"target":"smtp://example.com?colour=red"})");
  ASSERT_EQ(unknown.errors.size(), 1u);
  EXPECT_EQ(unknown.errors[0].code, "unknown_field");
}

TEST(Kinds, AnotherKindForgetsTheFormerOnesOptions) {
  const auto draft = parse_draft(kKinds[0]);
  const auto patched =
      apply_merge_patch(draft.value, R"({"target":"tcp://db.example.com:5432","expect":{"contains":"x"}})");
  ASSERT_TRUE(patched.ok()) << patched.errors[0].pointer << ": " << patched.errors[0].detail;
  EXPECT_EQ(std::get<TcpSettings>(patched.value.settings).expect.contains, "x");
  EXPECT_EQ(std::get<TcpSettings>(patched.value.settings).options, TcpOptions{});
}

TEST(Kinds, BadOnesAreNamed) {
  const struct {
    const char *text, *pointer;
  } kTable[] = {
      {R"({"target":"smtps://a.example","options":{"starttls":"try"}})", "#/options/starttls"},
      {R"({"target":"smtp://a.example","options":{"to":["nobody"]}})", "#/options/to/0"},
      {R"({"target":"smtp://a.example","options":{"from":"a b@example.com"}})", "#/options/from"},
      {R"({"target":"smtp://a.example","options":{"from":"a@example.com\r\nRCPT TO:<x@y>"}})", "#/options/from"},
      {R"({"target":"smtp://a.example","options":{"stop_after":"RCPT"}})", "#/options/to"},
      {R"({"target":"smtp://a.example","options":{"ehlo":"a b"}})", "#/options/ehlo"},
      {R"({"target":"tls://a.example","options":{"heartbleed":"off"},"expect":{"heartbleed":"not_vulnerable"}})",
       "#/expect/heartbleed"},
      {R"({"target":"tcp://a.example:1","expect":{"certificate_days_min":7}})", "#/expect/certificate_days_min"},
      {R"({"target":"dns://a.example","expect":{"rcode":"YES"}})", "#/expect/rcode"},
      {R"({"target":"ping://a.example","options":{"count":11}})", "#/options/count"},
      {R"({"target":"heartbeat://","options":{"period_s":1}})", "#/options/period_s"},
      {R"({"target":"heartbeat://","options":{"cron":"every day"}})", "#/options/cron"},
      {R"({"target":"heartbeat://","options":{"cron":"0 3 30 2 *"}})", "#/options/cron"},
  };
  for (const auto& row : kTable) {
    const auto draft = parse_draft(row.text);
    ASSERT_TRUE(draft.ok()) << row.text << ": " << draft.errors[0].detail;
    const FieldErrors errors = validate(draft.value, nullptr);
    ASSERT_EQ(errors.size(), 1u) << row.text;
    EXPECT_EQ(errors[0].pointer, row.pointer) << row.text;
  }
}

}  // namespace
}  // namespace everup::db
