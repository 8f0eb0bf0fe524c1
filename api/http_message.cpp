// The machine behind api/http_message.h: each line is judged when it is complete, so a refusal comes as early as it
// can.
#include "api/http_message.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/result.h"

namespace everup::api {
namespace {

char lower_char(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (lower_char(c) >= 'a' && lower_char(c) <= 'z'); }
// RFC 9110, 5.6.2.
bool is_tchar(char c) { return is_alnum(c) || (c != '\0' && std::strchr("!#$%&'*+-.^_`|~", c) != nullptr); }
bool is_token(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_tchar); }
bool is_visible(char c) { return c > 0x20 && c < 0x7f; }
bool is_value_char(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u == '\t' || (u >= 0x20 && u != 0x7f);
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char l = lower_char(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

bool known_method(std::string_view method) {
  static constexpr std::array<std::string_view, 7> kMethods{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  return std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end();
}

// host[:port] as RFC 3986 lets it be, coarse: no white space, no delimiters of other parts.
bool plausible_host(std::string_view host) {
  return host.size() <= 300 && std::all_of(host.begin(), host.end(), [](char c) {
           return is_alnum(c) || std::strchr("-._~:[]%!$&'()*+,;=", c) != nullptr;
         });
}

// Fields whose second appearance would let two readers disagree.
bool only_once(std::string_view name) {
  static constexpr std::array<std::string_view, 12> kOnce{
      "host",   "content-length", "transfer-encoding", "authorization",    "content-type", "origin",
      "expect", "if-match",       "idempotency-key",   "content-encoding", "x-request-id", "x-forwarded-proto"};
  return std::find(kOnce.begin(), kOnce.end(), name) != kOnce.end();
}

}  // namespace

bool iequals(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower_char(x) == lower_char(y); });
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower_char);
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool normalise_path(std::string_view path, std::string* out) {
  out->clear();
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      out->push_back(path[i]);
      continue;
    }
    const int high = i + 2 < path.size() ? hex_value(path[i + 1]) : -1;
    const int low = i + 2 < path.size() ? hex_value(path[i + 2]) : -1;
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return false;
    const char c = static_cast<char>(high * 16 + low);
    if (is_alnum(c) || std::strchr("-._~:,", c) != nullptr) {
      out->push_back(c);
    } else {
      out->append(path.substr(i, 3));
    }
    i += 2;
  }
  return true;
}

const std::string* HttpRequest::find(std::string_view name) const {
  for (const Field& field : fields) {
    if (field.name == name) return &field.value;
  }
  return nullptr;
}

void RequestReader::refuse(int status, std::string_view code, std::string detail) {
  state_ = State::kRefused;
  refusal_ = {status, code, std::move(detail)};
}

std::size_t RequestReader::feed(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && in_head()) {
    const std::string_view rest = bytes.substr(used);
    const auto newline = rest.find('\n');
    const bool ends = newline != std::string_view::npos;
    const std::string_view piece = ends ? rest.substr(0, newline + 1) : rest;
    if (!take_line_bytes(piece, ends)) return bytes.size();
    used += piece.size();
  }
  if (in_body() && used < bytes.size()) {
    const auto wanted = static_cast<std::size_t>(request_.content_length) - request_.body.size();
    const std::size_t n = std::min(wanted, bytes.size() - used);
    request_.body.append(bytes.substr(used, n));
    used += n;
    if (request_.body.size() == request_.content_length) state_ = State::kComplete;
  }
  return refused() ? bytes.size() : used;
}

bool RequestReader::take_line_bytes(std::string_view bytes, bool ends) {
  head_bytes_ += bytes.size();
  if (line_.size() + bytes.size() > kLineBytesMax) {
    const bool uri = state_ == State::kRequestLine;
    refuse(uri ? 414 : 431, uri ? "uri_too_long" : "field_too_long", "a line of the head has at most 8192 bytes");
    return false;
  }
  if (head_bytes_ > kHeadBytesMax) {
    refuse(431, "head_too_large", "the head of a request has at most 16384 bytes");
    return false;
  }
  line_.append(bytes);
  if (!ends) return true;
  if (line_.size() < 2 || line_[line_.size() - 2] != '\r') {
    refuse(400, "bad_line_end", "lines end with CR LF");
    return false;
  }
  const std::string line = std::exchange(line_, {});
  on_line(std::string_view(line).substr(0, line.size() - 2));
  return !refused();
}

void RequestReader::on_line(std::string_view line) {
  if (!line.empty()) return state_ == State::kRequestLine ? on_request_line(line) : on_field(line);
  if (state_ == State::kFields) return on_head_end();
  // RFC 9112, 2.2: one empty line before the request line is forgiven.
  if (head_bytes_ > 2) refuse(400, "bad_request_line", "a request begins with its request line");
}

void RequestReader::on_request_line(std::string_view line) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || line.find(' ', first + 1) != last) {
    return refuse(400, "bad_request_line", "a request line is: method SP target SP HTTP/1.1");
  }
  const auto method = line.substr(0, first);
  const auto target = line.substr(first + 1, last - first - 1);
  const auto version = line.substr(last + 1);
  if (!is_token(method)) return refuse(400, "bad_method", "the method is not a token");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    const bool other = version.starts_with("HTTP/") && version.size() == 8 && is_digit(version[5]) &&
                       version[6] == '.' && is_digit(version[7]);
    return other ? refuse(505, "http_version", "HTTP/1.0 and HTTP/1.1 are spoken here")
                 : refuse(400, "bad_request_line", "the request line does not end with HTTP/1.1");
  }
  if (method == "TRACE" || method == "CONNECT") {
    return refuse(405, "method_not_allowed", "TRACE and CONNECT are allowed nowhere here");
  }
  if (!known_method(method)) {
    return refuse(501, "method_not_implemented", "GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS are known here");
  }
  request_.method = method;
  request_.http_1_0 = version == "HTTP/1.0";
  if (on_target(target)) state_ = State::kFields;
}

bool RequestReader::on_absolute(std::string_view target) {
  const auto scheme = target.find("://");
  if (scheme == std::string_view::npos) return false;
  if (!iequals(target.substr(0, scheme), "http") && !iequals(target.substr(0, scheme), "https")) return false;
  target.remove_prefix(scheme + 3);
  const auto slash = std::min(target.find_first_of("/?"), target.size());
  const auto authority = target.substr(0, slash);
  if (authority.empty() || !plausible_host(authority)) return false;
  absolute_form_ = true;
  request_.host = authority;
  return on_origin(target.substr(slash));
}

bool RequestReader::on_origin(std::string_view target) {
  const auto mark = std::min(target.find('?'), target.size());
  request_.path = mark == 0 ? "/" : std::string(target.substr(0, mark));
  if (mark < target.size()) request_.query = target.substr(mark + 1);
  return true;
}

bool RequestReader::on_target(std::string_view target) {
  const bool clean = !target.empty() && std::all_of(target.begin(), target.end(), is_visible) &&
                     target.find('#') == std::string_view::npos;
  if (clean && target == "*" && request_.method == "OPTIONS") {
    request_.path = "*";
    return true;
  }
  if (clean && (target.front() == '/' ? on_origin(target) : on_absolute(target))) return true;
  refuse(400, "bad_target", "the target is a path, or an http(s) URL, of visible ASCII characters");
  return false;
}

void RequestReader::on_field(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t')
    return refuse(400, "folded_field", "folded header lines are not read");
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return refuse(400, "bad_field_name", "a header line is: name ':' value, without space before the colon");
  }
  const auto value = trim(line.substr(colon + 1));
  if (!std::all_of(value.begin(), value.end(), is_value_char)) {
    return refuse(400, "bad_field_value", "a header value has no control characters");
  }
  std::string name = lower(line.substr(0, colon));
  if (only_once(name) && request_.find(name) != nullptr) {
    return refuse(400, "duplicate_field", name + " may come once");
  }
  if (request_.fields.size() == kFieldsMax) return refuse(431, "too_many_fields", "a head has at most 100 fields");
  request_.fields.push_back({std::move(name), std::string(value)});
}

bool RequestReader::check_framing() {
  const std::string* length = request_.find("content-length");
  if (const std::string* coding = request_.find("transfer-encoding"); coding != nullptr) {
    if (length != nullptr || request_.http_1_0) {
      refuse(400, "ambiguous_framing", "Transfer-Encoding beside Content-Length, or in HTTP/1.0");
    } else if (iequals(*coding, "chunked")) {
      refuse(411, "length_required", "send the body with Content-Length; chunked requests are not read");
    } else {
      refuse(501, "transfer_coding", "no transfer coding is known here; send Content-Length");
    }
    return false;
  }
  if (length == nullptr) return true;
  if (length->empty() || length->size() > 15 || !std::all_of(length->begin(), length->end(), is_digit)) {
    refuse(400, "bad_content_length", "Content-Length is one decimal number");
    return false;
  }
  request_.content_length = std::stoull(*length);
  return true;
}

bool RequestReader::check_host() {
  const std::string* host = request_.find("host");
  if (host == nullptr && !request_.http_1_0) {
    refuse(400, "host_required", "HTTP/1.1 wants a Host field");
    return false;
  }
  if (host != nullptr && !plausible_host(*host)) {
    refuse(400, "bad_host", "Host is a name or address, with a port at most");
    return false;
  }
  if (!absolute_form_ && host != nullptr) request_.host = *host;
  return true;
}

void RequestReader::read_connection() {
  bool close = false;
  bool keep = false;
  for (const Field& field : request_.fields) {
    if (field.name != "connection") continue;
    for_each_element(field.value, [&](std::string_view token) {
      close = close || iequals(token, "close");
      keep = keep || iequals(token, "keep-alive");
    });
  }
  request_.keep_alive = !close && (!request_.http_1_0 || keep);
}

void RequestReader::on_head_end() {
  if (!check_framing() || !check_host()) return;
  read_connection();
  if (const std::string* expect = request_.find("expect"); expect != nullptr) {
    if (!iequals(*expect, "100-continue")) return refuse(417, "expectation", "only Expect: 100-continue is known here");
    request_.expect_continue = !request_.http_1_0 && request_.content_length > 0;
  }
  // Names that a router further in uses for its own facts.
  std::erase_if(request_.fields, [](const Field& f) {
    return f.name == "remote_addr" || f.name == "remote_port" || f.name == "local_addr" || f.name == "local_port";
  });
  state_ = State::kHeadDone;
}

void RequestReader::allow_body(std::uint64_t bytes_max) {
  EVERUP_ASSERT(head_done());
  if (request_.content_length > bytes_max) {
    return refuse(413, "body_too_large", "this resource takes at most " + std::to_string(bytes_max) + " bytes of body");
  }
  // The buffer grows with what comes, never with what is announced.
  state_ = request_.content_length == 0 ? State::kComplete : State::kBody;
}

void RequestReader::refuse_head(const Refusal& refusal) {
  EVERUP_ASSERT(head_done());
  refuse(refusal.status, refusal.code, refusal.detail);
}

HttpRequest RequestReader::take() {
  EVERUP_ASSERT(complete());
  HttpRequest taken = std::move(request_);
  *this = RequestReader();
  return taken;
}

}  // namespace everup::api
