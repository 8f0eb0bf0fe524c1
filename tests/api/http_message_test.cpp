// The request reader: what is accepted, what is refused and why, and that it does not matter how the bytes are cut.
#include "api/http_message.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/tempdir.h"

namespace everup::api {
namespace {

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

struct Case {
  const char* name;
  std::string bytes;
  int status;
  const char* code;
};

std::string get(const std::string& fields) { return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n"; }
std::string post(const std::string& fields, const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}

using namespace std::string_literals;

const std::vector<Case> kSmugglingTable{
    {"plain get", get(""), 200, ""},
    {"plain post", post("Content-Length: 3\r\n", "abc"), 200, ""},
    {"empty body", post("Content-Length: 0\r\n", ""), 200, ""},
    {"leading zeros", post("Content-Length: 003\r\n", "abc"), 200, ""},
    {"one empty line before", "\r\n" + get(""), 200, ""},
    {"two empty lines before", "\r\n\r\n" + get(""), 400, "bad_request_line"},
    {"two equal lengths", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400, "duplicate_field"},
    {"two different lengths", post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"), 400, "duplicate_field"},
    {"length list", post("Content-Length: 3, 3\r\n", "abc"), 400, "bad_content_length"},
    {"length plus", post("Content-Length: +3\r\n", "abc"), 400, "bad_content_length"},
    {"length minus", post("Content-Length: -3\r\n", "abc"), 400, "bad_content_length"},
    {"length hex", post("Content-Length: 0x3\r\n", "abc"), 400, "bad_content_length"},
    {"length space inside", post("Content-Length: 1 2\r\n", "abc"), 400, "bad_content_length"},
    {"length empty", post("Content-Length:\r\n", ""), 400, "bad_content_length"},
    {"length huge", post("Content-Length: 99999999999999999999\r\n", ""), 400, "bad_content_length"},
    {"length float", post("Content-Length: 3.0\r\n", "abc"), 400, "bad_content_length"},
    {"chunked", post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), 411, "length_required"},
    {"Chunked", post("Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"), 411, "length_required"},
    {"length and chunked", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400,
     "ambiguous_framing"},
    {"chunked and length", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400,
     "ambiguous_framing"},
    {"identity coding", post("Transfer-Encoding: identity\r\n", ""), 501, "transfer_coding"},
    {"xchunked", post("Transfer-Encoding: xchunked\r\n", ""), 501, "transfer_coding"},
    {"two codings", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", ""), 400, "duplicate_field"},
    {"coding list", post("Transfer-Encoding: gzip, chunked\r\n", ""), 501, "transfer_coding"},
    {"empty coding", post("Transfer-Encoding:\r\n", ""), 501, "transfer_coding"},
    {"chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "ambiguous_framing"},
    {"space before colon", post("Content-Length : 3\r\n", "abc"), 400, "bad_field_name"},
    {"tab before colon", post("Content-Length\t: 3\r\n", "abc"), 400, "bad_field_name"},
    {"space before name", post("X: 1\r\n Content-Length: 3\r\n", "abc"), 400, "folded_field"},
    {"fold with tab", get("X: 1\r\n\tmore\r\n"), 400, "folded_field"},
    {"fold first", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "folded_field"},
    {"no colon", get("Nonsense\r\n"), 400, "bad_field_name"},
    {"empty name", get(": x\r\n"), 400, "bad_field_name"},
    {"bare lf line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400, "bad_line_end"},
    {"bare lf end", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400, "bad_line_end"},
    {"bare lf in value", get("X: a\nContent-Length: 5\r\n"), 400, "bad_line_end"},
    {"bare cr in value", get("X: a\rContent-Length: 5\r\n"), 400, "bad_field_value"},
    {"cr cr lf", get("X: a\r\r\n"), 400, "bad_field_value"},
    {"nul in value", get("X: a\0b\r\n"s), 400, "bad_field_value"},
    {"nul in name", get("X\0: b\r\n"s), 400, "bad_field_name"},
    {"nul in target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"s, 400, "bad_target"},
    {"escape in value", get("X: \x1b[2J\r\n"), 400, "bad_field_value"},
    {"no host", "GET / HTTP/1.1\r\n\r\n", 400, "host_required"},
    {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "duplicate_field"},
    {"host with path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "bad_host"},
    {"host with at", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400, "bad_host"},
    {"1.0 without host", "GET / HTTP/1.0\r\n\r\n", 200, ""},
    {"http 0.9", "GET /\r\n", 400, "bad_request_line"},
    {"http 2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "http_version"},
    {"http 1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505, "http_version"},
    {"lower version", "GET / http/1.1\r\nHost: a\r\n\r\n", 400, "bad_request_line"},
    {"h2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "http_version"},
    {"tls hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n"s, 400, "bad_request_line"},
    {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_request_line"},
    {"tab for space", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_request_line"},
    {"space in target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_request_line"},
    {"method with nul", "GE\0T / HTTP/1.1\r\nHost: a\r\n\r\n"s, 400, "bad_method"},
    {"unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501, "method_not_implemented"},
    {"lower method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 501, "method_not_implemented"},
    {"connect", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501, "method_not_implemented"},
    {"trace", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501, "method_not_implemented"},
    {"fragment", "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target"},
    {"no slash", "GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target"},
    {"star for get", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target"},
    {"star for options", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 200, ""},
    {"high byte in target", "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target"},
    {"absolute form", "GET http://b/x?y HTTP/1.1\r\nHost: a\r\n\r\n", 200, ""},
    {"absolute form, ftp", "GET ftp://b/x HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target"},
    {"absolute form with user", "GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target"},
    {"absolute form, no host", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target"},
    {"two authorizations", get("Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"), 400, "duplicate_field"},
    {"odd expectation", post("Content-Length: 3\r\nExpect: 200-ok\r\n", "abc"), 417, "expectation"},
    {"body over the cap", post("Content-Length: 1001\r\n", ""), 413, "body_too_large"},
    {"get with body", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 200, ""},
};

TEST(HttpMessage, SmugglingTable) {
  const auto table = kSmugglingTable;
  EXPECT_GE(table.size(), 60U);
  for (const Case& c : table) {
    const Read whole = read_all(c.bytes, c.bytes.size());
    EXPECT_EQ(whole.status, c.status) << c.name;
    EXPECT_EQ(whole.code, c.code) << c.name;
    EXPECT_LE(whole.requests, 1) << c.name << ": bytes of one request were read as two";
  }
}

TEST(HttpMessage, CuttingTheBytesChangesNothing) {
  for (const Case& c : kSmugglingTable) {
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
