// HTTP/1.1 requests from bytes, without a socket: what RFC 9110 and 9112 allow and two parsers could not read
// differently. Everything doubtful is refused (and the connection closed after the answer): two Content-Length,
// Content-Length beside Transfer-Encoding, bare LF or CR, NUL, folded lines, space before the colon, signs in numbers.
// Owned by one connection, one thread. Limits: head 16 KiB, line 8 KiB, 100 fields, body as the route allows. Weakness:
// chunked requests are answered 411, never read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace everup::api {

inline constexpr std::size_t kHeadBytesMax = 16 * 1024;
inline constexpr std::size_t kLineBytesMax = 8 * 1024;
inline constexpr std::size_t kFieldsMax = 100;

struct Field {
  std::string name;   // in requests lower case
  std::string value;  // without surrounding white space
  bool operator==(const Field&) const = default;
};

struct HttpRequest {
  std::string method;
  std::string path;   // as sent, still percent-encoded; "*" only for OPTIONS
  std::string query;  // without '?', still percent-encoded
  std::string host;   // Host field, or the authority of an absolute-form target (which wins: RFC 9112, 3.2.2)
  std::vector<Field> fields;
  std::string body;
  std::uint64_t content_length = 0;
  bool http_1_0 = false;
  bool keep_alive = true;
  bool expect_continue = false;
  // First field of that lower-case name, or null.
  const std::string* find(std::string_view name) const;
};

// Why a request is refused: an HTTP status, a stable code and a sentence.
struct Refusal {
  int status = 0;  // 0: not refused
  std::string_view code;
  std::string detail;
};

// feed() bytes until head_done(); then allow_body(); feed() until complete(); take(). After refusal() nothing more is
// read.
class RequestReader {
 public:
  // Takes a prefix of `bytes` and says how much; it stops after the head and after the request (pipelining).
  std::size_t feed(std::string_view bytes);
  bool head_done() const { return state_ == State::kHeadDone; }
  bool complete() const { return state_ == State::kComplete; }
  bool refused() const { return state_ == State::kRefused; }
  const Refusal& refusal() const { return refusal_; }
  // True until the first byte of a request has come.
  bool untouched() const { return state_ == State::kRequestLine && head_bytes_ == 0; }
  bool in_head() const { return state_ == State::kRequestLine || state_ == State::kFields; }
  bool in_body() const { return state_ == State::kBody; }
  std::size_t body_bytes() const { return request_.body.size(); }
  const HttpRequest& request() const { return request_; }
  // Only while head_done(): goes on to the body, or refuses with 413.
  void allow_body(std::uint64_t bytes_max);
  // Only while head_done(): the house refuses what the head announces.
  void refuse_head(const Refusal& refusal);
  // Only when complete(): gives the request away and starts over.
  HttpRequest take();

 private:
  enum class State : std::uint8_t { kRequestLine, kFields, kHeadDone, kBody, kComplete, kRefused };

  void refuse(int status, std::string_view code, std::string detail);
  bool take_line_bytes(std::string_view bytes, bool ends);
  void on_line(std::string_view line);
  void on_request_line(std::string_view line);
  bool on_target(std::string_view target);
  bool on_absolute(std::string_view target);
  bool on_origin(std::string_view target);
  void on_field(std::string_view line);
  void on_head_end();
  bool check_framing();
  bool check_host();
  void read_connection();

  State state_ = State::kRequestLine;
  std::string line_;
  std::size_t head_bytes_ = 0;
  bool absolute_form_ = false;
  HttpRequest request_;
  Refusal refusal_;
};

// "%41%2d" → "A-": decodes escapes of unreserved characters, ':' and ','; others stay. False: a broken escape or %00.
bool normalise_path(std::string_view path, std::string* out);
bool iequals(std::string_view a, std::string_view b);
std::string lower(std::string_view text);
std::string_view trim(std::string_view text);
// Calls `each` for every trimmed, non-empty element of a comma-separated list.
template <class Each>
void for_each_element(std::string_view list, Each each) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto element = trim(list.substr(0, comma));
    if (!element.empty()) each(element);
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace everup::api
