// Answers as bytes: framing, HEAD, 304, gzip, entity tags, dates, JSON text.
#include "api/http_response.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "api/encoding.h"
#include "api/json_text.h"

namespace everup::api {
namespace {

HttpRequest asking(const std::string& name, const std::string& value, const std::string& method = "GET") {
  HttpRequest request;
  request.method = method;
  request.fields.push_back({name, value});
  return request;
}

HttpResponse text(std::size_t bytes) {
  HttpResponse response;
  response.content_type = "text/plain";
  response.body = std::string(bytes, 'a');
  response.etag = "\"tag\"";
  response.compressible = true;
  return response;
}

std::string gunzip(const std::string& packed) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 31), Z_OK);
  std::string out(1'000'000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST(HttpResponse, Bytes) {
  HttpResponse response = text(3);
  EXPECT_EQ(serialise(response, {}, "D"),
            "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nETag: \"tag\"\r\n\r\naaa");
  EXPECT_EQ(serialise(response, {.head = true}, "D"),
            "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nETag: \"tag\"\r\n\r\n");
  EXPECT_NE(serialise(response, {.keep_alive = false}, "D").find("Connection: close\r\n"), std::string::npos);
  EXPECT_NE(serialise(response, {.http_1_0 = true}, "D").find("Connection: keep-alive\r\n"), std::string::npos);
  response = {};
  response.status = 204;
  EXPECT_EQ(serialise(response, {}, "D"), "HTTP/1.1 204 No Content\r\nDate: D\r\n\r\n");
}

TEST(HttpResponse, NoValueSplitsTheHead) {
  HttpResponse response = text(1);
  response.set("X-Evil", "a\r\nSet-Cookie: b=c");
  response.set("X-Good\r\nY", "z");
  EXPECT_EQ(serialise(response, {}, "D").find("Set-Cookie"), std::string::npos);
  EXPECT_EQ(serialise(response, {}, "D").find("Y:"), std::string::npos);
}

TEST(HttpResponse, NotModified) {
  for (const char* value : {"\"tag\"", "W/\"tag\"", "\"x\", \"tag\"", "*", "\"tag-gz\""}) {
    HttpResponse response = text(10);
    negotiate(asking("if-none-match", value), &response);
    EXPECT_EQ(response.status, 304) << value;
    EXPECT_TRUE(response.body.empty());
  }
  for (const char* value : {"tag", "\"tagg\"", "", "\"TAG\""}) {
    HttpResponse response = text(10);
    negotiate(asking("if-none-match", value), &response);
    EXPECT_EQ(response.status, 200) << value;
  }
  HttpResponse posted = text(10);
  negotiate(asking("if-none-match", "*", "POST"), &posted);
  EXPECT_EQ(posted.status, 200);
}

TEST(HttpResponse, GzipOnlyWhenAskedAndWorthIt) {
  for (const char* value : {"gzip", "br, gzip;q=0.5", "*", "GZIP", "x-gzip"}) {
    HttpResponse response = text(5000);
    negotiate(asking("accept-encoding", value), &response);
    ASSERT_NE(response.find("Content-Encoding"), nullptr) << value;
    EXPECT_EQ(gunzip(response.body), std::string(5000, 'a'));
    EXPECT_EQ(response.etag, "\"tag-gz\"");
    EXPECT_EQ(*response.find("Vary"), "Accept-Encoding");
  }
  for (const char* value : {"", "br", "gzip;q=0", "gzip; q=0.000", "*;q=0", "identity", "gzip;q=0, *"}) {
    HttpResponse response = text(5000);
    negotiate(asking("accept-encoding", value), &response);
    EXPECT_EQ(response.find("Content-Encoding"), nullptr) << value;
    EXPECT_EQ(response.etag, "\"tag\"");
  }
  HttpResponse small = text(1023);
  negotiate(asking("accept-encoding", "gzip"), &small);
  EXPECT_EQ(small.find("Content-Encoding"), nullptr);
}

TEST(HttpResponse, Dates) {
  EXPECT_EQ(http_date(WallTime{784'111'777'000}), "Sun, 06 Nov 1994 08:49:37 GMT");  // RFC 9110's example
  EXPECT_EQ(http_date(WallTime{0}), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(HttpResponse, EntityTagsComeFromTheContent) {
  EXPECT_EQ(content_etag("a"), content_etag("a"));
  EXPECT_NE(content_etag("a"), content_etag("b"));
  EXPECT_EQ(content_etag("").size(), 34U);
  EXPECT_EQ(content_etag("").front(), '"');
}

TEST(JsonText, StringsAreAlwaysValid) {
  EXPECT_EQ(json_string("a\"\\\n\x01"), "\"a\\\"\\\\\\n\\u0001\"");
  EXPECT_EQ(json_string("\xc3\xa9"), "\"\xc3\xa9\"");
  EXPECT_EQ(json_string("\xff\xc0\xaf\xed\xa0\x80"),
            "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
  EXPECT_EQ(json_string("\xf0\x9f\x98\x80"), "\"\xf0\x9f\x98\x80\"");
  EXPECT_EQ(json_string("\xf0\x9f\x98"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(JsonText, Numbers) {
  EXPECT_EQ(json_millis(1234), "1.234");
  EXPECT_EQ(json_millis(1200), "1.2");
  EXPECT_EQ(json_millis(5000), "5");
  EXPECT_EQ(json_millis(7), "0.007");
  EXPECT_EQ(json_thousandths(99'982), "99.982");
  EXPECT_EQ(json_thousandths(-1500), "-1.5");
}

TEST(JsonText, Objects) {
  JsonWriter list = JsonWriter::array();
  list.number(1).text("a").null();
  JsonWriter out = JsonWriter::object();
  out.field("a", "b").key("n").number(2).field_raw("l", std::move(list).take());
  EXPECT_EQ(std::move(out).take(), R"({"a":"b","n":2,"l":[1,"a",null]})");
  EXPECT_EQ(JsonWriter::array().take(), "[]");
}

}  // namespace
}  // namespace everup::api
