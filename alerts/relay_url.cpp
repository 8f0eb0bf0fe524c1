#include "alerts/relay_url.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "alerts/safe_text.h"
#include "core/complaints.h"
#include "core/host.h"

namespace everup::alerts {
namespace {

using Words = std::map<std::string, std::string, std::less<>>;

Error wrong(std::string what) { return {ErrorCode::kInvalid, std::move(what)}; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return no_controls(out) ? std::optional(out) : std::nullopt;
}

bool loopback(const std::string& host) { return host == "localhost" || host == "::1" || host.starts_with("127."); }

Status set_place(std::string_view place, RelayUrl& relay) {
  std::string_view host = place, port;
  if (place.starts_with('[')) {
    const auto close = place.find(']');
    if (close == std::string_view::npos) return wrong("an IPv6 address ends with ]");
    host = place.substr(1, close - 1);
    port = place.substr(close + 1);
    if (!port.empty() && !port.starts_with(':')) return wrong("after ] only :port may stand");
  } else if (const auto colon = place.find(':'); colon != std::string_view::npos) {
    host = place.substr(0, colon);
    port = place.substr(colon);
  }
  auto canonical = place.starts_with('[') ? canonical_ipv6(host) : canonical_host(host);
  if (!canonical) return canonical.error();
  relay.host = *canonical;
  if (port.empty()) return ok();
  port.remove_prefix(1);
  unsigned value = 0;
  const auto [end, code] = std::from_chars(port.data(), port.data() + port.size(), value);
  if (code != std::errc() || end != port.data() + port.size() || value < 1 || value > 65535)
    return wrong("the port must be between 1 and 65535");
  relay.port = static_cast<std::uint16_t>(value);
  return ok();
}

Status set_user(std::string_view user, RelayUrl& relay) {
  if (user.find(':') != std::string_view::npos)
    return wrong("a password does not belong into the URL; write it to a file and say password_file=/path");
  const auto decoded = percent_decoded(user);
  if (!decoded || decoded->empty() || decoded->size() > 320)
    return wrong("the user is percent-encoded (@ is %40), without controls, at most 320 bytes");
  relay.user = *decoded;
  return ok();
}

Result<Words> options_of(std::string_view query) {
  Words words;
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view one = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    const auto equals = one.find('=');
    const auto value = percent_decoded(equals == std::string_view::npos ? "" : one.substr(equals + 1));
    const std::string name(one.substr(0, equals));
    if (!value || value->empty()) return wrong("option " + one_line(name, 40) + " needs a value");
    if (!words.emplace(name, *value).second) return wrong("option " + one_line(name, 40) + " stands there twice");
  }
  return words;
}

// Takes one word out of `words`; the index of its value in `allowed`, or the first when it is absent.
Result<std::size_t> choice(Words& words, const std::string& name, const std::vector<std::string_view>& allowed) {
  const auto found = words.extract(name);
  if (found.empty()) return std::size_t{0};
  const auto at = std::find(allowed.begin(), allowed.end(), found.mapped());
  if (at != allowed.end()) return static_cast<std::size_t>(at - allowed.begin());
  std::string list;
  for (const std::string_view one : allowed) list += (list.empty() ? "" : ", ") + std::string(one);
  return wrong(name + " must be one of: " + list);
}

Status set_files(Words& words, RelayUrl& relay) {
  for (const auto& [name, field] : {std::pair{"password_file", &relay.password_file},
                                    std::pair{"cert_file", &relay.cert_file}, std::pair{"key_file", &relay.key_file}}) {
    auto found = words.extract(name);
    if (found.empty()) continue;
    if (!found.mapped().starts_with('/')) return wrong(std::string(name) + " must be an absolute path");
    *field = std::move(found.mapped());
  }
  if (relay.cert_file.empty() != relay.key_file.empty()) return wrong("cert_file and key_file go together");
  if (relay.user.empty() != relay.password_file.empty()) return wrong("a user and password_file go together");
  return ok();
}

Status set_numbers(Words& words, RelayUrl& relay) {
  if (auto found = words.extract("ehlo"); !found.empty()) {
    const auto host = canonical_host(found.mapped());
    if (!host) return wrong("ehlo must be a host name");
    relay.ehlo = *host;
  }
  const auto found = words.extract("per_day");
  if (found.empty()) return ok();
  const std::string& text = found.mapped();
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), relay.per_day);
  if (code != std::errc() || end != text.data() + text.size() || relay.per_day < 1 || relay.per_day > 10'000'000)
    return wrong("per_day must be between 1 and 10000000");
  return ok();
}

Status set_options(std::string_view query, RelayUrl& relay) {
  auto words = options_of(query);
  if (!words) return words.error();
  const bool starttls_said = words->contains("starttls");
  const auto starttls = choice(*words, "starttls", {"require", "try", "never"});
  if (!starttls) return starttls.error();
  relay.starttls = static_cast<StartTls>(*starttls);
  const auto auth = choice(*words, "auth", {"any", "plain", "login", "xoauth2"});
  if (!auth) return auth.error();
  relay.auth = static_cast<RelayAuth>(*auth);
  for (const auto step : {set_files, set_numbers})
    if (const Status status = step(*words, relay); !status) return status;
  if (!words->empty()) {
    return wrong("unknown option " + one_line(words->begin()->first, 40) +
                 "; there are starttls, auth, password_file, cert_file, key_file, ehlo and per_day");
  }
  if (relay.implicit_tls && starttls_said) return wrong("smtps is TLS from the first byte; leave starttls out");
  if (relay.starttls == StartTls::kNever && !loopback(relay.host))
    return wrong("starttls=never is for loopback only; use require");
  if (relay.starttls == StartTls::kTry && !relay.user.empty())
    return wrong("starttls=try might send the password in clear; use require");
  return ok();
}

Status set_all(std::string_view url, RelayUrl& relay) {
  const auto scheme = url.find("://");
  const std::string name = lower_ascii(url.substr(0, scheme));
  if (scheme == std::string_view::npos || (name != "smtp" && name != "smtps"))
    return wrong("a relay begins with smtp:// or smtps://");
  relay.implicit_tls = name == "smtps";
  relay.port = relay.implicit_tls ? 465 : 587;
  url.remove_prefix(scheme + 3);
  std::string_view query;
  if (const auto mark = url.find('?'); mark != std::string_view::npos) {
    query = url.substr(mark + 1);
    url = url.substr(0, mark);
  }
  if (url.ends_with('/')) url.remove_suffix(1);
  if (url.find_first_of("/#") != std::string_view::npos) return wrong("after host and port only ?options may stand");
  if (const auto at = url.rfind('@'); at != std::string_view::npos) {
    if (const Status status = set_user(url.substr(0, at), relay); !status) return status;
    url.remove_prefix(at + 1);
  }
  if (const Status status = set_place(url, relay); !status) return status;
  return set_options(query, relay);
}

}  // namespace

std::string RelayUrl::shown() const {
  const std::string place = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return (implicit_tls ? "smtps://" : "smtp://") + place + ":" + std::to_string(port);
}

Result<std::vector<RelayUrl>> parse_relays(std::string_view text, const std::string& setting) {
  constexpr std::string_view kBetween = " \t\r\n";
  std::vector<RelayUrl> relays;
  while (true) {
    const auto start = text.find_first_not_of(kBetween);
    if (start == std::string_view::npos) return relays;
    text.remove_prefix(start);
    const std::string_view url = text.substr(0, text.find_first_of(kBetween));
    text.remove_prefix(url.size());
    const std::string place = setting + ", relay " + std::to_string(relays.size() + 1);
    if (relays.size() == kRelaysMax) return wrong(place + ": at most " + std::to_string(kRelaysMax) + " are allowed");
    if (url.size() > 2000) return wrong(place + ": at most 2000 bytes are allowed");
    RelayUrl relay;
    if (const Status status = set_all(url, relay); !status) return wrong(place + ": " + status.error().what);
    relays.push_back(std::move(relay));
  }
}

}  // namespace everup::alerts
