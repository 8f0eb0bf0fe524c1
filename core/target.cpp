// Targets by RFC 3986, narrower. What a user types is taken as it is or refused; what a server sends as Location is, as
// browsers do, first mended (spaces, quotes and raw UTF-8 percent-encoded, a fragment dropped), then taken or refused.
// Limits: 2048 bytes of text and of canonical URL. Weakness: dot segments of a typed path are kept; a redirect's are
// removed.
#include "core/target.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/host.h"

namespace everup {

namespace {

constexpr std::size_t kUrlMax = 2048;

Error refuse(std::string_view code, std::string_view detail) {
  return {ErrorCode::kInvalid, std::string(code) + ": " + std::string(detail)};
}
Error invalid_target(std::string_view detail) { return refuse("invalid_target", detail); }

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool hex(char c) { return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

bool is_scheme(std::string_view text) {
  return !text.empty() && letter(text.front()) && std::all_of(text.begin(), text.end(), [](char c) {
    return letter(c) || digit(c) || c == '+' || c == '-' || c == '.';
  });
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

// Reserved: what a target may become one day.
bool reserved_scheme(std::string_view scheme) {
  constexpr std::array<std::string_view, 11> kReserved{"imap", "imaps", "pop3", "pop3s",      "ssh", "ws",
                                                       "wss",  "grpc",  "udp",  "heartbleed", "ftp"};
  return std::find(kReserved.begin(), kReserved.end(), scheme) != kReserved.end();
}

Error unsupported(const std::string& scheme) {
  return refuse(
      "unsupported_scheme",
      "the kinds are http, https, smtp, smtps, tls, tcp, dns, ping and heartbeat, not " + scheme.substr(0, 32));
}

std::optional<Kind> http_kind(std::string_view scheme) {
  if (scheme == "http") return Kind::kHttp;
  if (scheme == "https") return Kind::kHttps;
  return std::nullopt;
}

std::optional<Kind> kind_of(std::string_view scheme) {
  if (scheme == "icmp") return Kind::kPing;
  for (int number = static_cast<int>(Kind::kHttp); number <= static_cast<int>(Kind::kHeartbeat); ++number) {
    if (slug(static_cast<Kind>(number)) == scheme) return static_cast<Kind>(number);
  }
  return std::nullopt;
}

// 0: there is no such thing.
std::uint16_t default_port_of(Kind kind) {
  switch (kind) {
    case Kind::kHttp:
      return 80;
    case Kind::kHttps:
    case Kind::kTls:
      return 443;
    case Kind::kSmtp:
      return 25;
    case Kind::kSmtps:
      return 465;
    case Kind::kTcp:
    case Kind::kDns:
    case Kind::kPing:
    case Kind::kHeartbeat:
      return 0;
  }
  assertion_failed("a kind of the table", __FILE__, __LINE__);
}

Result<std::uint16_t> parse_port(std::string_view text) {
  unsigned value = 0;
  const bool good = !text.empty() && text.size() <= 5 && std::all_of(text.begin(), text.end(), digit);
  for (const char c : good ? text : std::string_view{}) value = value * 10 + static_cast<unsigned>(c - '0');
  if (!good || value == 0 || value > 65535) return refuse("invalid_port", "the port must be a number from 1 to 65535");
  return static_cast<std::uint16_t>(value);
}

// host, host:port, [v6], [v6]:port → into target.
Status parse_authority(std::string_view text, Target& target) {
  if (text.find('@') != std::string_view::npos) {
    return refuse("user_info", "user and password do not belong into the target; set options.auth instead");
  }
  std::string_view port;
  bool has_port = false;
  Result<std::string> host = std::string();
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return refuse("invalid_host", "the bracket of the IPv6 address is not closed");
    host = canonical_ipv6(text.substr(1, end - 1));
    port = text.substr(end + 1);
    has_port = !port.empty();
    if (has_port && port.front() != ':') return refuse("invalid_host", "only :port may follow the bracket");
    if (has_port) port.remove_prefix(1);
  } else {
    const auto colon = text.find(':');
    has_port = colon != std::string_view::npos;
    if (has_port) port = text.substr(colon + 1);
    if (port.find(':') != std::string_view::npos)
      return refuse("invalid_host", "an IPv6 address must stand in brackets");
    host = canonical_host(text.substr(0, colon));
  }
  if (!host) return host.error();
  target.host = *std::move(host);
  target.port = default_port_of(target.kind);
  if (!has_port) return ok();
  const auto number = parse_port(port);
  if (!number) return number.error();
  target.port = *number;
  return ok();
}

bool path_character(char c) {
  constexpr std::string_view kBesides = "-._~!$&'()*+,;=:@/?%[]|";
  return letter(c) || digit(c) || kBesides.find(c) != std::string_view::npos;
}

Status parse_path(std::string_view text, Target& target) {
  if (text.find('#') != std::string_view::npos) {
    return invalid_target("a fragment (#…) is never sent to the server; leave it out");
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!path_character(text[i])) {
      return invalid_target(
          "path and query may hold ASCII letters, digits and -._~!$&'()*+,;=:@/?[]|; percent-encode the rest");
    }
    if (text[i] == '%' && !(i + 2 < text.size() && hex(text[i + 1]) && hex(text[i + 2]))) {
      return invalid_target("'%' must be followed by two hexadecimal digits; a percent sign itself is %25");
    }
  }
  target.path = text.starts_with('/') ? std::string(text) : '/' + std::string(text);
  return ok();
}

void append_authority(const Target& target, std::string& text) {
  if (target.host.find(':') == std::string::npos) {
    text += target.host;
  } else {
    text.append("[").append(target.host).append("]");
  }
  if (!target.default_port()) text.append(":").append(std::to_string(target.port));
}

// Of Target::url().
std::size_t url_size(const Target& target) {
  const std::size_t brackets = target.host.find(':') == std::string::npos ? 0 : 2;
  const std::size_t port = target.default_port() ? 0 : 1 + std::to_string(target.port).size();
  return slug(target.kind).size() + 3 + brackets + target.host.size() + port + target.path.size();
}

// What follows "scheme://".
Result<Target> parse_rest(Kind kind, std::string_view rest) {
  Target target;
  target.kind = kind;
  const auto end = std::min(rest.find_first_of("/?#"), rest.size());
  if (auto status = parse_authority(rest.substr(0, end), target); !status) return status.error();
  if (auto status = parse_path(rest.substr(end), target); !status) return status.error();
  if (url_size(target) > kUrlMax) return invalid_target("a target has at most 2048 bytes");
  return target;
}

// "dns:example.com", "http:x": a scheme that forgot its slashes, as against "host:8080".
bool slashless_scheme(std::string_view text, std::size_t colon) {
  if (colon == std::string_view::npos) return false;
  const auto port_end = std::min(text.find_first_of("/?#", colon), text.size());
  const auto port = text.substr(colon + 1, port_end - colon - 1);
  const bool looks_like_port = !port.empty() && std::all_of(port.begin(), port.end(), digit);
  const auto scheme = lower(text.substr(0, colon));
  return !looks_like_port && (kind_of(scheme) || reserved_scheme(scheme));
}

std::optional<std::string> percent_decoded(std::string_view text) {
  const auto value = [](char c) { return digit(c) ? c - '0' : (c | 0x20) - 'a' + 10; };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size() || !hex(text[i + 1]) || !hex(text[i + 2])) return std::nullopt;
    out += static_cast<char>(value(text[i + 1]) * 16 + value(text[i + 2]));
    i += 2;
  }
  return out;
}

Status parse_options(std::string_view query, TargetWithOptions& out) {
  constexpr std::size_t kOptionsMax = 16;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    const auto name = percent_decoded(pair.substr(0, equals));
    const auto value = percent_decoded(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value || name->empty() || has_control(*name) || has_control(*value)) {
      return invalid_target("options behind the '?' are written name=value&name=value, percent-encoded where needed");
    }
    if (out.options.size() == kOptionsMax) return invalid_target("at most 16 options may follow the '?'");
    out.options.emplace_back(*name, *value);
  }
  return ok();
}

// "SERVER/NAME" or "NAME" of a dns target.
Status parse_dns(std::string_view authority, std::string_view path, TargetWithOptions& out) {
  Target server = out.target;
  if (auto status = parse_authority(path.empty() ? authority : path, out.target); !status) return status;
  if (out.target.port != 0) {
    return refuse("invalid_port",
                  "a name has no port; the server's belongs into options.server, as in 192.0.2.53:5353");
  }
  if (path.empty()) return ok();
  if (auto status = parse_authority(authority, server); !status) return status;
  out.options.emplace_back("server", std::string(authority));
  return ok();
}

// What follows "scheme://" of anything that is not the web.
Result<TargetWithOptions> parse_service(Kind kind, std::string_view rest) {
  TargetWithOptions out;
  out.target.kind = kind;
  if (rest.find('#') != std::string_view::npos)
    return invalid_target("a fragment (#…) means nothing here; leave it out");
  const auto query_at = std::min(rest.find('?'), rest.size());
  const auto place = rest.substr(0, query_at);
  if (auto status = parse_options(rest.substr(std::min(query_at + 1, rest.size())), out); !status)
    return status.error();
  const auto slash = std::min(place.find('/'), place.size());
  const auto authority = place.substr(0, slash);
  const auto path = place.substr(std::min(slash + 1, place.size()));
  if (kind == Kind::kDns) {
    if (auto status = parse_dns(authority, path, out); !status) return status.error();
    return out;
  }
  if (!path.empty()) return invalid_target("a " + std::string(slug(kind)) + " target has no path");
  if (kind == Kind::kHeartbeat) {
    if (authority.empty()) return out;
    if (auto status = parse_authority(authority, out.target); !status) return status.error();
    if (out.target.port != 0)
      return refuse("invalid_port", "a heartbeat is asked by nobody: write heartbeat:// and call the URL you get");
    return out;
  }
  if (auto status = parse_authority(authority, out.target); !status) return status.error();
  if (kind == Kind::kPing && out.target.port != 0) return refuse("invalid_port", "a ping has no port");
  if (kind == Kind::kTcp && out.target.port == 0) {
    return refuse("invalid_port", "a tcp target names its port, as in tcp://db.example.com:5432");
  }
  return out;
}

// A bare host or host:port.
Kind guessed_kind(std::string_view text) {
  const auto authority = text.substr(0, std::min(text.find_first_of("/?#"), text.size()));
  const auto colon = authority.rfind(':');
  const auto port = colon == std::string_view::npos ? std::string_view{} : authority.substr(colon + 1);
  if (port == "25" || port == "587" || port == "2525") return Kind::kSmtp;
  if (port == "465") return Kind::kSmtps;
  return port == "80" ? Kind::kHttp : Kind::kHttps;
}

Result<TargetWithOptions> parse_of_kind(Kind kind, std::string_view rest) {
  if (kind != Kind::kHttp && kind != Kind::kHttps) return parse_service(kind, rest);
  auto target = parse_rest(kind, rest);
  if (!target) return target.error();
  return TargetWithOptions{*std::move(target), {}};
}

// Percent-encodes what a sloppy server left raw in the path or query of a Location.
std::string mended(std::string_view location) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (std::size_t i = 0; i < location.size(); ++i) {
    const char c = location[i];
    const auto byte = static_cast<unsigned char>(c);
    const bool lone_percent = c == '%' && !(i + 2 < location.size() && hex(location[i + 1]) && hex(location[i + 2]));
    if (byte > 0x20 && byte < 0x7F && !lone_percent && std::string_view("\"<>^`{}").find(c) == std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

// The same for what follows "scheme://" or "//": the host stays as it is, for a raw U-label is a host.
std::string mended_rest(std::string_view rest) {
  const auto end = std::min(rest.find_first_of("/?"), rest.size());
  return std::string(rest.substr(0, end)) + mended(rest.substr(end));
}

// RFC 3986 5.2.4 on an absolute path without its query.
std::string without_dot_segments(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const auto next = std::min(path.find('/', 1), path.size());
    const auto segment = path.substr(0, next);
    const bool last = next == path.size();
    if (segment == "/.") {
      if (last) out += '/';
    } else if (segment == "/..") {
      out.erase(out.rfind('/') == std::string::npos ? 0 : out.rfind('/'));
      if (last) out += '/';
    } else {
      out += segment;
    }
    path.remove_prefix(next);
  }
  return out.empty() ? "/" : out;
}

// 5.2.2 for a reference without scheme and authority; both paths may carry queries.
std::string merged_path(const std::string& base, const std::string& reference) {
  const std::string base_path = base.substr(0, base.find('?'));
  if (reference.empty()) return base;
  if (reference.front() == '?') return base_path + reference;
  const auto query_at = std::min(reference.find('?'), reference.size());
  std::string path = reference.substr(0, query_at);
  if (path.front() != '/') path = base_path.substr(0, base_path.rfind('/') + 1) + path;
  return without_dot_segments(path) + reference.substr(query_at);
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::string_view slug(Kind kind) {
  switch (kind) {
    case Kind::kHttp:
      return "http";
    case Kind::kHttps:
      return "https";
    case Kind::kSmtp:
      return "smtp";
    case Kind::kSmtps:
      return "smtps";
    case Kind::kTls:
      return "tls";
    case Kind::kTcp:
      return "tcp";
    case Kind::kDns:
      return "dns";
    case Kind::kPing:
      return "ping";
    case Kind::kHeartbeat:
      return "heartbeat";
  }
  assertion_failed("a kind of the table", __FILE__, __LINE__);
}

bool Target::default_port() const { return port == default_port_of(kind); }

std::string Target::authority() const {
  std::string text;
  append_authority(*this, text);
  return text;
}

std::string Target::origin() const {
  std::string text(slug(kind));
  text += "://";
  append_authority(*this, text);
  return text;
}

std::string Target::url() const {
  std::string text;
  text.reserve(host.size() + path.size() + 24);
  text.append(slug(kind)).append("://");
  append_authority(*this, text);
  return text += path;
}

Result<TargetWithOptions> parse_target_with_options(std::string_view text) {
  if (text.empty()) return invalid_target("the target is empty; give a URL such as https://example.com/health");
  if (text.size() > kUrlMax) return invalid_target("a target has at most 2048 bytes");
  if (has_control(text) || text.find_first_of(" \\") != std::string_view::npos) {
    return invalid_target("a target holds no spaces, control characters or backslashes");
  }
  const auto colon = text.find(':');
  const auto slashes = text.find("://");
  if (slashes != std::string_view::npos && colon == slashes && is_scheme(text.substr(0, slashes))) {
    const std::string scheme = lower(text.substr(0, slashes));
    const auto kind = kind_of(scheme);
    return kind ? parse_of_kind(*kind, text.substr(slashes + 3)) : Result<TargetWithOptions>(unsupported(scheme));
  }
  if (slashless_scheme(text, colon)) {
    const std::string scheme = lower(text.substr(0, colon));
    if (scheme == "dns") return parse_service(Kind::kDns, text.substr(colon + 1));
    if (!kind_of(scheme)) return unsupported(scheme);
    return invalid_target("two slashes must follow " + scheme + ":, as in " + scheme + "://example.com");
  }
  return parse_of_kind(guessed_kind(text), text);
}

Result<Target> parse_target(std::string_view text) {
  auto parsed = parse_target_with_options(text);
  if (!parsed) return parsed.error();
  if (!parsed->options.empty()) return invalid_target("options may not stand in the target here");
  return std::move(parsed->target);
}

Result<Target> resolve_reference(const Target& base, std::string_view location) {
  location = trimmed(location);
  if (location.size() > kUrlMax) return invalid_target("the redirect has more than 2048 bytes");
  if (has_control(location) || location.find('\\') != std::string_view::npos) {
    return invalid_target("the redirect holds control characters or backslashes");
  }
  const auto reference = location.substr(0, location.find('#'));
  const auto colon = reference.find(':');
  const auto path_at = std::min(reference.find_first_of("/?"), reference.size());
  if (colon != std::string_view::npos && colon < path_at && is_scheme(reference.substr(0, colon))) {
    const std::string scheme = lower(reference.substr(0, colon));
    const auto kind = http_kind(scheme);
    if (!kind) return refuse("unsupported_scheme", "a redirect leads to http or https, not to " + scheme.substr(0, 32));
    if (reference.substr(colon, 3) != "://") return invalid_target("the redirect has no host after " + scheme + ":");
    return parse_rest(*kind, mended_rest(reference.substr(colon + 3)));
  }
  if (reference.starts_with("//")) return parse_rest(base.kind, mended_rest(reference.substr(2)));
  Target target = base;
  if (auto status = parse_path(merged_path(base.path, mended(reference)), target); !status) return status.error();
  if (url_size(target) > kUrlMax) return invalid_target("the redirect has more than 2048 bytes");
  return target;
}

FieldError target_error(const Error& error) {
  const auto colon = error.what.find(": ");
  if (colon == std::string::npos) return {"#/target", "invalid_target", error.what};
  return {"#/target", error.what.substr(0, colon), error.what.substr(colon + 2)};
}

}  // namespace everup
