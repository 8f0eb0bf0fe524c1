// Requests that two parsers could read differently, and the neighbours that must pass: what our front answers to each.
// One table for the parser's own test, for nginx in front of us and for the fault bench; and a deterministic generator
// of broken requests made from it (one seed, one sequence).
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace everup::test {

using std::string_literals::operator""s;

struct HttpCase {
  const char* name;
  std::string bytes;
  int status;
  const char* code;  // of ours; "" when it is read
};

inline std::string get(const std::string& fields) { return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n"; }
inline std::string post(const std::string& fields, const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}

inline const std::vector<HttpCase> kHttpCases{
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
    {"connect", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method_not_allowed"},
    {"trace", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method_not_allowed"},
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

// Requests cut, doubled, spliced and sprinkled with the bytes that parsers trip over. Not thread-safe.
class HttpFuzzer {
 public:
  explicit HttpFuzzer(std::uint64_t seed) : random_(seed) {}
  std::string next() {
    std::string bytes = base();
    for (int left = pick(5); left > 0; --left) mutate(bytes);
    if (pick(4) == 0) bytes += base();
    return bytes;
  }

 private:
  static constexpr std::array<const char*, 16> kTargets{"/",
                                                        "/healthz",
                                                        "/api/v1/about",
                                                        "/api/v1/monitors",
                                                        "/badge/x/status.svg",
                                                        "/..%2f..%2fetc/passwd",
                                                        "/%00",
                                                        "//",
                                                        "/;a=b",
                                                        "/%c0%ae%c0%ae/",
                                                        "/api/v1/monitors?limit=%0d%0a",
                                                        "*",
                                                        "http://h/x?y",
                                                        "/api//v1/./about/../",
                                                        "/report/%ff%fe",
                                                        "/metrics"};
  static constexpr std::array<const char*, 8> kMethods{"GET",    "HEAD",    "POST", "PATCH",
                                                       "DELETE", "OPTIONS", "PUT",  "TRACE"};
  static constexpr std::array<const char*, 18> kFields{"Content-Length: 5",      "Content-Length: +5",
                                                       "Content-Length: -1",     "Transfer-Encoding: chunked",
                                                       "Connection: close",      "Expect: 100-continue",
                                                       "REMOTE_ADDR: 6.6.6.6",   "X-Request-Id: a%0d%0aSet-Cookie: b",
                                                       "Range: bytes=0-,0-,0-",  "Accept-Encoding: gzip, br;q=0",
                                                       "If-None-Match: *",       "Authorization: Bearer everup_x",
                                                       "Origin: null",           "X-Forwarded-For: , ,::1,%",
                                                       "Idempotency-Key: \t",    "Content-Type: application/json",
                                                       "Content-Encoding: gzip", "Upgrade: h2c"};
  static constexpr std::array<const char*, 12> kBits{"\r", "\n", "\r\n", " ",    "\t", ":",
                                                     "%",  ",",  "\x7f", "\xff", "0",  "\r\n\r\n"};

  int pick(int below) { return static_cast<int>(random_() % static_cast<std::uint64_t>(below)); }
  template <std::size_t N>
  const char* one_of(const std::array<const char*, N>& list) {
    return list[static_cast<std::size_t>(pick(static_cast<int>(N)))];
  }
  std::string base() {
    if (pick(3) == 0) return kHttpCases[static_cast<std::size_t>(pick(static_cast<int>(kHttpCases.size())))].bytes;
    std::string out = std::string(one_of(kMethods)) + " " + one_of(kTargets) + " HTTP/1.1\r\nHost: fuzz\r\n";
    for (int left = pick(6); left > 0; --left) out += std::string(one_of(kFields)) + "\r\n";
    out += "\r\n";
    if (pick(3) == 0) out += "{\"target\":[[[" + std::string(static_cast<std::size_t>(pick(200)), '[');
    return out;
  }
  void mutate(std::string& bytes) {
    if (bytes.empty()) return;
    const auto at = static_cast<std::size_t>(pick(static_cast<int>(bytes.size())));
    switch (pick(7)) {
      case 0:
        bytes[at] = static_cast<char>(pick(256));
        break;
      case 1:
        bytes.insert(at, one_of(kBits));
        break;
      case 2:
        bytes.erase(at, static_cast<std::size_t>(1 + pick(8)));
        break;
      case 3:
        bytes.insert(at, bytes.substr(at, static_cast<std::size_t>(1 + pick(40))));
        break;
      case 4:
        bytes.insert(at, 1, '\0');
        break;
      case 5:
        bytes.resize(at);
        break;
      default:
        bytes.insert(at, std::string(static_cast<std::size_t>(pick(20'000)), 'a'));
        break;
    }
  }
  std::mt19937_64 random_;
};

}  // namespace everup::test
