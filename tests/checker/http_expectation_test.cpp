#include "checker/http_expectation.h"

#include <gtest/gtest.h>

#include <string>

namespace everup::checker {
namespace {

constexpr std::string_view kHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-Node: a7 \r\nSet-Cookie: one\r\nset-cookie: "
    "two\r\nContent-Encoding: gzip\r\n\r\n";

HttpAnswer good() {
  HttpAnswer answer;
  answer.status = 200;
  answer.http_version = 11;
  answer.head = kHead;
  answer.body = R"(<h1>Hello</h1>)";
  answer.total_us = 120'000;
  answer.now = WallTime{1'000 * kDayMs};
  answer.certificate_not_after = answer.now + milliseconds(10 * kDayMs + 5);
  return answer;
}

std::optional<Broken> judge(const HttpExpect& expect, const HttpAnswer& answer = good(),
                            std::string_view status = "200-299") {
  Patterns patterns;
  return first_broken(expect, answer, status, patterns);
}

TEST(Expectation, NothingAskedMeansAGoodStatus) {
  EXPECT_FALSE(judge({}));
  HttpAnswer answer = good();
  answer.status = 503;
  const auto broken = judge({}, answer);
  ASSERT_TRUE(broken);
  EXPECT_EQ(broken->cause, Cause::kHttpStatus);
  EXPECT_EQ(broken->detail, "status 503, wanted 200-299");
  EXPECT_FALSE(judge({}, answer, "")) << "`warn` asks nothing by itself";
  HttpExpect expect;
  expect.status = "200-299,503";
  EXPECT_FALSE(judge(expect, answer));
}

TEST(Expectation, TextsOfTheBody) {
  HttpExpect expect;
  expect.body_contains = "Hello";
  expect.body_absent = "Error";
  expect.body_regex = "<h1>\\w+</h1>";
  EXPECT_FALSE(judge(expect));
  HttpAnswer answer = good();
  answer.body = "nothing";
  EXPECT_EQ(judge(expect, answer)->cause, Cause::kBodyMissing);
  EXPECT_EQ(judge(expect, answer)->detail, "the body does not contain \"Hello\"");
  answer.body = "Hello Error";
  EXPECT_EQ(judge(expect, answer)->cause, Cause::kBodyForbidden);
  answer.body = "Hello";
  EXPECT_EQ(judge(expect, answer)->cause, Cause::kBodyRegex);
}

TEST(Expectation, BeyondTheCapOnlyWhatIsDecidedCounts) {
  HttpAnswer answer = good();
  answer.body_capped = true;
  const auto cause = [&](auto&& set) {
    HttpExpect expect;
    set(expect);
    const auto broken = judge(expect, answer);
    return broken ? broken->cause : Cause::kOk;
  };
  EXPECT_EQ(cause([](HttpExpect&) {}), Cause::kOk);
  EXPECT_EQ(cause([](HttpExpect& e) { e.body_contains = "Hello"; }), Cause::kOk);
  EXPECT_EQ(cause([](HttpExpect& e) { e.body_contains = "later"; }), Cause::kBodyTooLarge);
  EXPECT_EQ(cause([](HttpExpect& e) { e.body_absent = "Hello"; }), Cause::kBodyForbidden);
  EXPECT_EQ(cause([](HttpExpect& e) { e.body_absent = "later"; }), Cause::kBodyTooLarge);
  EXPECT_EQ(cause([](HttpExpect& e) { e.body_regex = "Hel+o"; }), Cause::kOk);
  EXPECT_EQ(cause([](HttpExpect& e) { e.body_regex = "later"; }), Cause::kBodyTooLarge);
  EXPECT_EQ(cause([](HttpExpect& e) { e.json.push_back({"$.a", "1"}); }), Cause::kBodyTooLarge);
}

TEST(Expectation, Headers) {
  using How = HeaderExpect::Test;
  const auto broken = [](HeaderExpect header) {
    HttpExpect expect;
    expect.header.push_back(std::move(header));
    const auto found = judge(expect);
    EXPECT_TRUE(!found || found->cause == Cause::kHeaderMismatch);
    return found ? found->detail : std::string();
  };
  EXPECT_EQ(broken({"x-node", How::kEquals, "a7"}), "");
  EXPECT_EQ(broken({"X-Node", How::kEquals, "a8"}), "header X-Node is \"a7\", wanted \"a8\"");
  EXPECT_EQ(broken({"Set-Cookie", How::kEquals, "two"}), "") << "any of several values may fit";
  EXPECT_EQ(broken({"Content-Type", How::kContains, "html"}), "");
  EXPECT_EQ(broken({"Content-Type", How::kContains, "json"}),
            "header Content-Type is \"text/html\", wanted containing \"json\"");
  EXPECT_EQ(broken({"X-Node", How::kRegex, "^a\\d$"}), "");
  EXPECT_NE(broken({"X-Node", How::kRegex, "^b"}), "");
  EXPECT_EQ(broken({"X-Gone", How::kAbsent, ""}), "");
  EXPECT_EQ(broken({"X-Node", How::kAbsent, ""}), "header X-Node is \"a7\", wanted none");
  EXPECT_EQ(broken({"X-Gone", How::kEquals, "x"}), "header X-Gone is missing, wanted \"x\"");
  EXPECT_EQ(broken({"X-Nod", How::kAbsent, ""}), "") << "a name is compared whole";
}

TEST(Expectation, FiguresOfTheAnswer) {
  const auto broken = [](auto&& set) {
    HttpExpect expect;
    set(expect);
    const auto found = judge(expect);
    return found ? *found : Broken{Cause::kOk, ""};
  };
  EXPECT_EQ(broken([](HttpExpect& e) { e.latency_ms_max = 120; }).cause, Cause::kOk);
  EXPECT_EQ(broken([](HttpExpect& e) { e.latency_ms_max = 119; }).detail, "took 120 ms, wanted at most 119 ms");
  EXPECT_EQ(broken([](HttpExpect& e) { e.certificate_days_min = 10; }).cause, Cause::kOk);
  EXPECT_EQ(broken([](HttpExpect& e) { e.certificate_days_min = 11; }).cause, Cause::kCertificateExpiring);
  EXPECT_EQ(broken([](HttpExpect& e) { e.http_version = HttpVersion::k1_1; }).cause, Cause::kOk);
  EXPECT_EQ(broken([](HttpExpect& e) { e.http_version = HttpVersion::k2; }).detail, "HTTP version 1.1, wanted 2");
  EXPECT_EQ(broken([](HttpExpect& e) { e.compressed = true; }).cause, Cause::kOk);
  EXPECT_EQ(broken([](HttpExpect& e) { e.compressed = false; }).cause, Cause::kNotCompressed);
}

TEST(Expectation, DetailsAreShortAndPrintable) {
  HttpExpect expect;
  expect.body_contains = std::string(1000, 'x') + "\x01\xff";
  const auto broken = judge(expect);
  ASSERT_TRUE(broken);
  EXPECT_LE(broken->detail.size(), 200u);
}

TEST(JsonPath, ReadsItsOwnSmallGrammar) {
  const auto steps = parse_json_path("$.a.b[12]['x.y'][\"z\"]");
  ASSERT_TRUE(steps);
  EXPECT_EQ(*steps, (std::vector<JsonStep>{
                        {"a", 0, false}, {"b", 0, false}, {"", 12, true}, {"x.y", 0, false}, {"z", 0, false}}));
  EXPECT_TRUE(parse_json_path("$")->empty());
  for (const char* bad : {"", "a", "$a", "$.", "$..a", "$[", "$[]", "$[x]", "$[-1]", "$['a]", "$.a[1", "$[99999999]"}) {
    EXPECT_FALSE(parse_json_path(bad)) << bad;
  }
  std::string deep = "$";
  for (int i = 0; i < kJsonDepthMax; ++i) deep += ".a";
  EXPECT_TRUE(parse_json_path(deep));
  EXPECT_FALSE(parse_json_path(deep + ".a"));
}

TEST(Json, ValuesAreComparedAsValues) {
  constexpr std::string_view kBody = R"({"a":{"b":[1,"two",{"c":null}],"ok":true},"n":1.0,"big":12345678901234567890})";
  const auto why = [&](std::string path, std::string equals) {
    return json_mismatch(kBody, {std::move(path), std::move(equals)});
  };
  EXPECT_EQ(why("$.a.b[0]", "1"), "");
  EXPECT_EQ(why("$.n", "1"), "") << "1.0 is 1";
  EXPECT_EQ(why("$.a.b[1]", "\"two\""), "");
  EXPECT_EQ(why("$.a.b[1]", "two"), "") << "a word without quotes is a string";
  EXPECT_EQ(why("$.a.ok", "true"), "");
  EXPECT_EQ(why("$.a.b[2]", "{ \"c\" : null }"), "");
  EXPECT_EQ(why("$.a.ok", "false"), "$.a.ok is true, wanted false");
  EXPECT_EQ(why("$.a.x", "1"), "$.a.x is missing, wanted 1");
  EXPECT_EQ(why("$.a.b[3]", "1"), "$.a.b[3] is missing, wanted 1");
  EXPECT_EQ(why("$.a.b.c", "1"), "$.a.b.c is missing, wanted 1");
  EXPECT_EQ(json_mismatch("<html>", {"$.a", "1"}), "the body is not JSON, wanted $.a");
  EXPECT_EQ(json_mismatch(std::string(5000, '['), {"$", "1"}), "the body nests deeper than 32 levels");
  EXPECT_EQ(json_mismatch("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"", {"$", "1"}).find("nests"),
            std::string::npos);
  EXPECT_NE(json_mismatch("{\"a\":\"\xff\xfe\"}", {"$.a", "1"}), "");
}

TEST(Patterns, AreKeptUpToTheirNumber) {
  Patterns patterns;
  const auto first = patterns.find("first");
  EXPECT_EQ(patterns.find("first"), first);
  EXPECT_EQ(patterns.find("("), nullptr);
  for (std::size_t i = 0; i < kPatternsMax; ++i) patterns.find("p" + std::to_string(i));
  EXPECT_EQ(patterns.kept(), kPatternsMax);
}

}  // namespace
}  // namespace everup::checker
