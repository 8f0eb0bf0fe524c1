// The request reader: what is accepted, what is refused and why, and that it does not matter how the bytes are cut.
#include "api/http_message.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/paths.h"
#include "tests/support/http_cases.h"
#include "tests/support/tempdir.h"

namespace everup::api {
namespace {

using test::get;
using test::HttpCase;
using test::kHttpCases;
using test::post;

struct Read {
  int status = 0;  // 0: still waiting; 200: complete; else refused
  std::string code;
  int requests = 0;
  std::string trace;  // all that was understood
};

// Feeds `bytes` in pieces of `step` and answers every complete request.
Read read_all(std::string_view bytes, std::size_t step, std::uint64_t body_max = 1000) {
  RequestReader reader;
  Read out;
  std::size_t at = 0;
  while (at < bytes.size()) {
    std::string_view piece = bytes.substr(at, step);
    at += piece.size();
    while (!piece.empty()) {
      const std::size_t used = reader.feed(piece);
      piece.remove_prefix(used);
      if (reader.head_done()) reader.allow_body(body_max);
      if (reader.refused())
        return {reader.refusal().status, std::string(reader.refusal().code), out.requests, out.trace};
      if (reader.complete()) {
        const HttpRequest request = reader.take();
        ++out.requests;
        out.trace += request.method + "|" + request.path + "|" + request.query + "|" + request.host + "|" +
                     request.body + "|" + std::to_string(request.fields.size()) + (request.keep_alive ? "k" : "c") +
                     "\n";
        out.status = 200;
      } else if (used == 0) {
        break;
      }
    }
  }
  if (!reader.untouched()) out.status = 0;
  return out;
}

TEST(HttpMessage, SmugglingTable) {
  const auto table = kHttpCases;
  EXPECT_GE(table.size(), 60U);
  for (const HttpCase& c : table) {
    const Read whole = read_all(c.bytes, c.bytes.size());
    EXPECT_EQ(whole.status, c.status) << c.name;
    EXPECT_EQ(whole.code, c.code) << c.name;
    EXPECT_LE(whole.requests, 1) << c.name << ": bytes of one request were read as two";
  }
}

TEST(HttpMessage, CuttingTheBytesChangesNothing) {
  for (const HttpCase& c : kHttpCases) {
    const Read whole = read_all(c.bytes, c.bytes.size());
    for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}}) {
      const Read cut = read_all(c.bytes, step);
      EXPECT_EQ(cut.status, whole.status) << c.name << " in pieces of " << step;
      EXPECT_EQ(cut.code, whole.code) << c.name;
      EXPECT_EQ(cut.trace, whole.trace) << c.name;
    }
    for (std::size_t at = 1; at < c.bytes.size(); ++at) {  // two pieces, cut at every byte
      RequestReader reader;
      std::string_view rest = c.bytes;
      for (const std::string_view part : {rest.substr(0, at), rest.substr(at)}) {
        std::string_view left = part;
        while (!left.empty() && !reader.refused() && !reader.complete()) {
          left.remove_prefix(reader.feed(left));
          if (reader.head_done()) reader.allow_body(1000);
        }
      }
      EXPECT_EQ(reader.refused(), whole.status >= 400) << c.name << " cut at " << at;
      EXPECT_EQ(reader.complete(), whole.status == 200) << c.name << " cut at " << at;
    }
  }
}

TEST(HttpMessage, PipelinedRequestsKeepTheirBounds) {
  const std::string bytes = post("Content-Length: 5\r\n", "GET /") + get("X: 1\r\n") + "GET /z?q=1 HTTP/1.0\r\n\r\n";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    const Read out = read_all(bytes, step);
    EXPECT_EQ(out.trace, "POST|/||a|GET /|2k\nGET|/||a||2k\nGET|/z|q=1|||0c\n") << step;
  }
}

TEST(HttpMessage, LimitsOfTheHead) {
  const std::string long_path(9000, 'a');
  EXPECT_EQ(read_all("GET /" + long_path + " HTTP/1.1\r\nHost: a\r\n\r\n", 4096).status, 414);
  EXPECT_EQ(read_all(get("X: " + long_path + "\r\n"), 4096).code, "field_too_long");
  const std::string endless(20'000, 'x');
  EXPECT_EQ(read_all(endless, 1000).status, 414) << "a line without an end";
  std::string three;
  for (int i = 0; i < 3; ++i) three += "X: " + std::string(7000, 'b') + "\r\n";
  EXPECT_EQ(read_all(get(three), 4096).code, "head_too_large");
  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "X: 1\r\n";
  EXPECT_EQ(read_all(get(fields), 4096).status, 200);
  EXPECT_EQ(read_all(get(fields + "X: 1\r\n"), 4096).code, "too_many_fields");
}

TEST(HttpMessage, WhatTheRouterMustNotSeeIsStripped) {
  RequestReader reader;
  reader.feed("GET /a?b HTTP/1.1\r\nHost: h:1\r\nREMOTE_ADDR: 6.6.6.6\r\nLocal_Addr: 7\r\nX-A:  v \t\r\n\r\n");
  ASSERT_TRUE(reader.head_done());
  EXPECT_EQ(reader.request().find("remote_addr"), nullptr);
  EXPECT_EQ(reader.request().find("local_addr"), nullptr);
  ASSERT_NE(reader.request().find("x-a"), nullptr);
  EXPECT_EQ(*reader.request().find("x-a"), "v");
}

TEST(HttpMessage, AbsoluteFormWinsOverHost) {
  RequestReader reader;
  reader.feed("GET http://Example.com:81?q HTTP/1.1\r\nHost: other\r\n\r\n");
  ASSERT_TRUE(reader.head_done());
  EXPECT_EQ(reader.request().host, "Example.com:81");
  EXPECT_EQ(reader.request().path, "/");
  EXPECT_EQ(reader.request().query, "q");
}

TEST(HttpMessage, KeepAlive) {
  EXPECT_TRUE(read_all(get("Connection: keep-alive\r\n"), 999).trace.ends_with("k\n"));
  EXPECT_TRUE(read_all(get("Connection: x, CLOSE\r\n"), 999).trace.ends_with("c\n"));
  EXPECT_TRUE(read_all("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 999).trace.ends_with("k\n"));
}

TEST(HttpMessage, PathsAreNormalised) {
  std::string out;
  EXPECT_TRUE(normalise_path("/a/slug%3Ashop%2dx", &out));
  EXPECT_EQ(out, "/a/slug:shop-x");
  EXPECT_TRUE(normalise_path("/a%2Fb%2e%2E", &out));
  EXPECT_EQ(out, "/a%2Fb..");
  EXPECT_FALSE(normalise_path("/a%00", &out));
  EXPECT_FALSE(normalise_path("/a%4", &out));
  EXPECT_FALSE(normalise_path("/a%zz", &out));
}

// The fuzzer's corpus: every file is read whole and byte by byte, with the same outcome.
TEST(HttpMessage, Corpus) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(EVERUP_SOURCE_DIR "/tests/fuzz/http_message_corpus")) {
    const std::string bytes = test::read_file(entry.path().string());
    EXPECT_EQ(read_all(bytes, 1).trace, read_all(bytes, bytes.size() + 1).trace) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 5);
}

}  // namespace
}  // namespace everup::api
