// The bounds of a definition. validate() collects every wrong field, so that a form can show them all at once; each
// line names what is allowed. Pointers are those of the API's JSON (INTERFACE 5). Weakness: a time zone's name is
// checked for its form only; whether it exists is asked where Zones are at hand.
#include "core/monitor.h"

#include <algorithm>
#include <array>
#include <set>

#include "core/complaints.h"
#include "core/utf8.h"

namespace everup {

namespace {

using RegexOk = bool (*)(const std::string&, std::string*);

constexpr std::size_t kKib = 1024;

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

template <class Allowed>
bool all_of(std::string_view text, Allowed allowed) {
  return std::all_of(text.begin(), text.end(), allowed);
}

// RFC 9110 5.6.2.
bool token(std::string_view text) {
  return !text.empty() && text.size() <= 128 && all_of(text, [](char c) {
    return letter(c) || digit(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// RFC 9110 5.5, without the space around it.
bool field_value(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  if (!text.empty() && (blank(text.front()) || blank(text.back()))) return false;
  return all_of(text, [&](char c) { return blank(c) || (static_cast<unsigned char>(c) > 0x20 && c != 0x7F); });
}

// Collects the errors of one draft.
class Checker : private Complaints {
 public:
  Checker(const MonitorDraft& draft, RegexOk regex_ok) : draft_(draft), regex_ok_(regex_ok) {}
  FieldErrors run() {
    names();
    target();
    numbers();
    tags();
    std::visit([this](const auto& settings) { kind(settings); }, draft_.settings);
    return take();
  }

 private:
  void kind(const HttpSettings& settings) {
    options();
    expectation(settings.expect, "#/expect");
    expectation(settings.warn, "#/warn");
  }
  template <class Settings>
  void kind(const Settings& settings) {
    check_settings(settings, draft_.target, *this);
  }
  void target();
  void names();
  void numbers();
  void tags();
  void options();
  void headers();
  void auth();
  void expectation(const HttpExpect& expect, const std::string& at);
  void body_expectation(const HttpExpect& expect, const std::string& at);
  void header_expectation(const HeaderExpect& expect, const std::string& at);
  void regex(const std::string& pattern, const std::string& pointer);

  const MonitorDraft& draft_;
  RegexOk regex_ok_;
};

void Checker::names() {
  const auto characters = utf8_characters(draft_.name);
  need(characters && *characters >= 1 && *characters <= 100 && plain_text(draft_.name), "#/name", "invalid_name",
       "must be 1 to 100 characters of text without control characters");
  // Empty: the store makes one from the name, unique in the account.
  const bool slug_ok = draft_.slug.size() <= 64 &&
                       all_of(draft_.slug, [](char c) { return (c >= 'a' && c <= 'z') || digit(c) || c == '-'; });
  need(slug_ok, "#/slug", "invalid_slug", "must be 1 to 64 of a-z, 0-9 and '-'");
  const bool zone_ok = !draft_.timezone.empty() && draft_.timezone.size() <= 64 && letter(draft_.timezone.front()) &&
                       draft_.timezone.find("..") == std::string::npos && all_of(draft_.timezone, [](char c) {
                         return letter(c) || digit(c) || c == '/' || c == '_' || c == '-' || c == '+';
                       });
  need(zone_ok, "#/timezone", "invalid_timezone",
       "must be a name of the IANA time zone database, such as Europe/Prague or UTC");
}

void Checker::target() {
  const Target& t = draft_.target;
  const bool has_port = t.kind != Kind::kPing && t.kind != Kind::kDns && t.kind != Kind::kHeartbeat;
  const bool has_host = !t.host.empty() || t.kind == Kind::kHeartbeat;
  need(has_host && (t.port != 0) == has_port && t.path.starts_with('/') == t.web(), "#/target", "invalid_target",
       "must be a URL such as https://example.com/health");
  need(draft_.settings.index() == default_settings(t.kind).index(), "#/target", "unsupported_scheme",
       "its options are those of another kind");
}

void Checker::numbers() {
  range(draft_.interval_s, 1, 86'400, "#/interval_s");
  range(draft_.timeout_ms, 100, 60'000, "#/timeout_ms");
  const Patience& confirm = draft_.confirm;
  range(confirm.failures, 1, 10, "#/confirm/failures");
  range(confirm.successes, 1, 10, "#/confirm/successes");
  if (confirm.retry_count < 1 || confirm.retry_count > confirm.retry_s.size()) {
    wrong("#/confirm/retry_s", "invalid_count", "must be a number of seconds or a list of 1 to 5 of them");
    return;
  }
  const bool seconds_ok = std::all_of(confirm.retry_s.begin(), confirm.retry_s.begin() + confirm.retry_count,
                                      [](std::uint16_t s) { return s >= 1 && s <= 3600; });
  need(seconds_ok, "#/confirm/retry_s", "out_of_range", "each distance must be between 1 and 3600 seconds");
}

void Checker::tags() {
  need(draft_.tags.size() <= 20, "#/tags", "too_many", "at most 20 tags");
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < draft_.tags.size(); ++i) {
    const std::string& tag = draft_.tags[i];
    const bool good = !tag.empty() && tag.size() <= 50 && all_of(tag, [](char c) {
      return letter(c) || digit(c) || c == '_' || c == '.' || c == ':' || c == '-';
    });
    const std::string pointer = "#/tags/" + std::to_string(i);
    need(good, pointer, "invalid_tag", "must be 1 to 50 of A-Z, a-z, 0-9 and '_.:-'");
    need(seen.insert(tag).second, pointer, "duplicate", "is in the list already");
  }
}

void Checker::options() {
  const HttpOptions& o = draft_.http().options;
  constexpr std::array<std::string_view, 7> kMethods{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  need(std::find(kMethods.begin(), kMethods.end(), o.method) != kMethods.end(), "#/options/method", "invalid_method",
       "must be one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  need(o.body.size() <= 64 * kKib, "#/options/body", "too_long", "at most 64 KiB");
  need(o.body.empty() || o.method != "HEAD", "#/options/body", "not_allowed", "a HEAD request has no body");
  range(o.max_redirects, 0, 20, "#/options/max_redirects");
  check_ca(o.ca_pem, *this);
  headers();
  auth();
}

// Names that would break the request's framing or belong to the connection.
bool reserved_header(const std::string& lower_name) {
  constexpr std::array<std::string_view, 8> kReserved{"host", "content-length", "transfer-encoding", "connection",
                                                      "te",   "trailer",        "upgrade",           "keep-alive"};
  return lower_name.starts_with("proxy-") ||
         std::find(kReserved.begin(), kReserved.end(), lower_name) != kReserved.end();
}

void Checker::headers() {
  const auto& list = draft_.http().options.headers;
  need(list.size() <= 20, "#/options/headers", "too_many", "at most 20 headers");
  std::size_t bytes = 0;
  for (const auto& header : list) {
    bytes += header.name.size() + header.value.size() + 4;
    const std::string shown = printable(header.name, 64);
    if (!token(header.name)) {
      wrong("#/options/headers", "invalid_header",
            "'" + shown + "' is no header name; allowed are letters, digits and !#$%&'*+-.^_`|~");
    } else if (reserved_header(lower(header.name))) {
      wrong("#/options/headers", "reserved_header",
            "'" + shown +
                "' is set by us: Host, Content-Length, Transfer-Encoding, Connection, "
                "TE, Trailer, Upgrade, Keep-Alive and Proxy-* cannot be");
    }
    need(field_value(header.value), "#/options/headers", "invalid_header",
         "the value of '" + shown + "' must have no line breaks, control characters or space around it");
  }
  need(bytes <= 4 * kKib, "#/options/headers", "too_long", "all headers together have at most 4 KiB");
}

void Checker::auth() {
  const HttpAuth& a = draft_.http().options.auth;
  need(a.user.size() <= 256 && no_controls(a.user), "#/options/auth/user", "invalid_user",
       "at most 256 bytes without control characters");
  const std::string secret = a.type == HttpAuth::Type::kBearer ? "#/options/auth/token" : "#/options/auth/password";
  need(a.secret.size() <= 2 * kKib && no_controls(a.secret), secret, "invalid_secret",
       "at most 2048 bytes without control characters");
  switch (a.type) {
    case HttpAuth::Type::kNone:
      need(a.user.empty() && a.secret.empty(), "#/options/auth/type", "required", "must be basic, digest or bearer");
      return;
    case HttpAuth::Type::kBasic:
    case HttpAuth::Type::kDigest:
      need(!a.user.empty(), "#/options/auth/user", "required", "basic and digest need a user");
      need(a.user.find(':') == std::string::npos, "#/options/auth/user", "invalid_user",
           "a user has no ':' (RFC 7617)");
      break;
    case HttpAuth::Type::kBearer:
      need(a.user.empty(), "#/options/auth/user", "not_allowed", "bearer has a token and no user");
      need(!a.secret.empty() && a.secret.find(' ') == std::string::npos, secret, "required",
           "bearer needs a token without spaces");
      break;
  }
  const auto& list = draft_.http().options.headers;
  const bool twice =
      std::any_of(list.begin(), list.end(), [](const HttpHeader& h) { return lower(h.name) == "authorization"; });
  need(!twice, "#/options/auth", "conflict", "set either options.auth or the header Authorization");
}

void Checker::regex(const std::string& pattern, const std::string& pointer) {
  if (pattern.empty() || regex_ok_ == nullptr) return;
  std::string why;
  need(regex_ok_(pattern, &why), pointer, "invalid_regex",
       "must be a regular expression in RE2's dialect: " + printable(why, 200));
}

void Checker::body_expectation(const HttpExpect& e, const std::string& at) {
  const auto text = [&](const std::string& value, const std::string& key) {
    need(value.size() <= kKib && utf8_characters(value), at + key, "invalid_text", "at most 1 KiB of UTF-8");
  };
  text(e.body_contains, "/body_contains");
  text(e.body_absent, "/body_absent");
  text(e.body_regex, "/body_regex");
  regex(e.body_regex, at + "/body_regex");
  need(e.json.size() <= 10, at + "/json", "too_many", "at most 10 JSON assertions");
  for (std::size_t i = 0; i < e.json.size(); ++i) {
    const std::string here = at + "/json/" + std::to_string(i);
    const std::string& path = e.json[i].path;
    need(path.starts_with('$') && path.size() <= 256 && plain_text(path), here + "/path", "invalid_path",
         "must be a path such as $.a.b[0], at most 256 bytes");
    text(e.json[i].equals, "/json/" + std::to_string(i) + "/equals");
    need(!e.json[i].equals.empty(), here + "/equals", "required", "must be the wanted JSON value");
  }
  const bool asks_body = !e.body_contains.empty() || !e.body_regex.empty() || !e.json.empty();
  need(!asks_body || draft_.http().options.method != "HEAD", at, "not_allowed",
       "the answer to HEAD has no body to look into");
}

void Checker::header_expectation(const HeaderExpect& e, const std::string& at) {
  need(token(e.name), at + "/name", "invalid_header", "must be a header name");
  need(e.value.size() <= kKib && no_controls(e.value), at, "invalid_text", "at most 1 KiB without control characters");
  switch (e.test) {
    case HeaderExpect::Test::kEquals:
      return;
    case HeaderExpect::Test::kContains:
      return need(!e.value.empty(), at + "/contains", "required", "must be the wanted text");
    case HeaderExpect::Test::kRegex:
      need(!e.value.empty(), at + "/regex", "required", "must be a regular expression in RE2's dialect");
      return regex(e.value, at + "/regex");
    case HeaderExpect::Test::kAbsent:
      return need(e.value.empty(), at, "not_allowed", "an absent header has no value");
  }
}

void Checker::expectation(const HttpExpect& e, const std::string& at) {
  need(e.status.empty() || valid_status_spec(e.status), at + "/status", "invalid_status",
       "must be status codes and ranges between 100 and 999, such as \"200-299,301\"");
  body_expectation(e, at);
  need(e.header.size() <= 10, at + "/header", "too_many", "at most 10 header assertions");
  for (std::size_t i = 0; i < e.header.size(); ++i)
    header_expectation(e.header[i], at + "/header/" + std::to_string(i));
  if (e.latency_ms_max) range(*e.latency_ms_max, 1, 60'000, at + "/latency_ms_max");
  if (e.certificate_days_min) range(*e.certificate_days_min, 0, 825, at + "/certificate_days_min");
}

struct StatusRange {
  int from = 0, to = 0;
};

// Takes "200" or "200-299" off the front, with the comma behind it.
std::optional<StatusRange> take_range(std::string_view& spec) {
  const auto code = [&spec]() -> std::optional<int> {
    if (spec.size() < 3 || !all_of(spec.substr(0, 3), digit) || spec.front() == '0') return std::nullopt;
    const int value = (spec[0] - '0') * 100 + (spec[1] - '0') * 10 + (spec[2] - '0');
    spec.remove_prefix(3);
    return value;
  };
  const auto from = code();
  if (!from) return std::nullopt;
  auto to = from;
  if (spec.starts_with('-')) {
    spec.remove_prefix(1);
    to = code();
  }
  if (!to || *to < *from) return std::nullopt;
  if (spec.empty()) return StatusRange{*from, *to};
  if (spec.front() != ',' || spec.size() == 1) return std::nullopt;
  spec.remove_prefix(1);
  return StatusRange{*from, *to};
}

// U+00C0 … U+017F without their marks; '-' where there is no letter.
constexpr std::string_view kPlainLetters =
    "aaaaaaaceeeeiiiidnooooo-ouuuuypsaaaaaaaceeeeiiiidnooooo-ouuuuypy"
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"
    "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
static_assert(kPlainLetters.size() == 0x180 - 0xC0);

char plain_letter(char32_t code) {
  if (code < 0x80) {
    const char c = lower(std::string(1, static_cast<char>(code))).front();
    return (c >= 'a' && c <= 'z') || digit(c) ? c : '-';
  }
  return code >= 0xC0 && code < 0x180 ? kPlainLetters[code - 0xC0] : '-';
}

}  // namespace

bool HttpHeader::secret() const {
  const std::string n = lower(name);
  return n == "authorization" || n == "cookie" || n.ends_with("-key") || n.ends_with("-token");
}

bool valid_status_spec(const std::string& spec) {
  if (spec.empty() || spec.size() > 200) return false;
  for (std::string_view rest = spec; !rest.empty();) {
    if (!take_range(rest)) return false;
  }
  return true;
}

bool status_matches(const std::string& spec, int status) {
  if (spec.empty()) return status >= 200 && status <= 299;
  for (std::string_view rest = spec; !rest.empty();) {
    const auto range = take_range(rest);
    if (!range) return false;
    if (range->from <= status && status <= range->to) return true;
  }
  return false;
}

FieldErrors validate(const MonitorDraft& draft, bool (*regex_ok)(const std::string&, std::string* why)) {
  return Checker(draft, regex_ok).run();
}

std::string slug_from(const std::string& name) {
  std::string out;
  for (std::string_view rest = name; !rest.empty() && out.size() < 64;) {
    char32_t code = 0;
    const std::size_t length = utf8_front(rest, code);
    const char c = length == 0 ? '-' : plain_letter(code);
    if (c != '-' || (!out.empty() && out.back() != '-')) out += c;
    rest.remove_prefix(std::max<std::size_t>(length, 1));
  }
  while (out.ends_with('-')) out.pop_back();
  return out.empty() ? "monitor" : out;
}

}  // namespace everup
