// See api/browser.h.
#include "api/browser.h"

#include <algorithm>

#include "api/cors.h"
#include "db/random_text.h"
#include "net/digest.h"

namespace everup::api {
namespace {

constexpr std::string_view kSecureName = "__Host-everup";
constexpr std::string_view kPlainName = "everup_session";

std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

// As browsers judge: the name localhost, 127/8, ::1.
bool loopback_host(std::string_view authority) {
  const std::string host = lower(host_of(authority));
  if (host == "localhost" || host.ends_with(".localhost") || host == "[::1]") return true;
  const auto address = net::Address::parse(host);
  return address && address->v4() && address->bytes[0] == 127;
}

std::string origin_of_url(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  const auto path = std::min(url.find('/', scheme + 3), url.size());
  return lower(url.substr(0, path));
}

// Browsers leave the default port out.
std::string origin_text(bool https, std::string_view host) {
  std::string origin = (https ? "https://" : "http://") + lower(host);
  const std::string_view port = https ? ":443" : ":80";
  if (origin.ends_with(port)) origin.resize(origin.size() - port.size());
  return origin;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> form_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

}  // namespace

Site site_of(const HttpRequest& request, const Client& client, std::string_view base_url) {
  Site site;
  site.base_origin = origin_of_url(base_url);
  const bool https = client.https || site.base_origin == origin_text(true, request.host);
  site.origin = origin_text(https, request.host);
  site.trustworthy = https || loopback_host(request.host);
  return site;
}

std::string_view session_cookie_name(const Site& site) { return site.trustworthy ? kSecureName : kPlainName; }

std::optional<std::string> session_cookie(const HttpRequest& request, const Site& site) {
  const std::string* cookies = request.find("cookie");
  if (cookies == nullptr) return std::nullopt;
  const std::string_view name = session_cookie_name(site);
  std::string_view rest = *cookies;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(';'), rest.size());
    const auto pair = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
      return std::string(pair.substr(name.size() + 1));
  }
  return std::nullopt;
}

std::string set_session_cookie(const Site& site, std::string_view token, std::int64_t life_s) {
  return std::string(session_cookie_name(site)) + "=" + std::string(token) +
         "; Path=/; Max-Age=" + std::to_string(life_s) + "; HttpOnly; SameSite=Lax" +
         (site.trustworthy ? "; Secure" : "");
}

std::string drop_session_cookie(const Site& site) { return set_session_cookie(site, "", 0); }

bool is_safe_method(std::string_view method) { return method == "GET" || method == "HEAD" || method == "OPTIONS"; }

bool from_our_page(const HttpRequest& request, const Site& site, const std::vector<std::string>& allowed) {
  const std::string* fetch_site = request.find("sec-fetch-site");
  const std::string* origin = request.find("origin");
  if (origin == nullptr) return fetch_site != nullptr && *fetch_site == "same-origin";
  if (origin_allowed(allowed, *origin)) return true;
  const bool ours = *origin == site.origin || (!site.base_origin.empty() && *origin == site.base_origin);
  return ours && (fetch_site == nullptr || *fetch_site == "same-origin");
}

bool from_foreign_page(const HttpRequest& request, const Site& site, const std::vector<std::string>& allowed) {
  if (request.find("origin") == nullptr && request.find("sec-fetch-site") == nullptr) return false;
  return !from_our_page(request, site, allowed);
}

std::string csrf_token(std::string_view session_token, const db::Vault& vault) {
  return db::base32_prefix(vault.digest("everup csrf\n" + std::string(session_token)), 26);
}

bool csrf_fits(const HttpRequest& request, std::string_view session_token, const db::Vault& vault) {
  const std::string* given = request.find("x-csrf-token");
  return given != nullptr && net::equal_constant_time(*given, csrf_token(session_token, vault));
}

std::string network_of(const Client& client) {
  if (!client.address) return "local";
  net::Address network = *client.address;
  const std::size_t kept = network.v4() ? 3 : 6;
  std::fill(network.bytes.begin() + static_cast<std::ptrdiff_t>(kept), network.bytes.end(), std::uint8_t{0});
  return network.host() + (network.v4() ? "/24" : "/48");
}

std::optional<std::string> form_value(std::string_view body, std::string_view name) {
  while (!body.empty()) {
    const auto end = std::min(body.find('&'), body.size());
    const auto pair = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name) return form_decoded(pair.substr(std::min(equals + 1, pair.size())));
  }
  return std::nullopt;
}

}  // namespace everup::api
