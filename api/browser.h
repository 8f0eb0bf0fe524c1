// What a browser sends beside its request, and what may be believed of it: the session cookie, where the page that
// asks came from, the token that only our own page knows. Pure.
//
// A cookie is sent by the browser whoever wrote the page, so an unsafe request by cookie counts only when it comes from
// a page of ours (Origin, else Sec-Fetch-Site) and carries X-CSRF-Token, which a foreign page cannot read. The token is
// derived from the cookie's, so nothing is stored for it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http_response.h"
#include "api/peer.h"
#include "db/vault.h"

namespace everup::api {

// Who we are to this browser.
struct Site {
  std::string origin;        // "https://up.example.org" as the request came in
  std::string base_origin;   // of EVERUP_BASE_URL; empty: none
  bool trustworthy = false;  // https or loopback: a Secure cookie is kept
};
// `base_url`: an https one makes requests for its host https ones, also behind a proxy that does not say so.
Site site_of(const HttpRequest& request, const Client& client, std::string_view base_url);

// SHAPES 26: __Host-everup where Secure cookies are kept, else everup_session. Only the name that fits is read: another
// host of the same domain can set the second one.
std::string_view session_cookie_name(const Site& site);
std::optional<std::string> session_cookie(const HttpRequest& request, const Site& site);
std::string set_session_cookie(const Site& site, std::string_view token, std::int64_t life_s);
std::string drop_session_cookie(const Site& site);

bool is_safe_method(std::string_view method);
// May the page that sent this request use our cookie: its Origin is ours or `allowed` (EVERUP_CORS_ORIGINS); without
// Origin, Sec-Fetch-Site says same-origin. A Sec-Fetch-Site that contradicts is a no.
bool from_our_page(const HttpRequest& request, const Site& site, const std::vector<std::string>& allowed);
// The same for what a stranger may post (sign-in): a program that sends neither field is no browser and is let through.
bool from_foreign_page(const HttpRequest& request, const Site& site, const std::vector<std::string>& allowed);

// 26 base32 digits.
std::string csrf_token(std::string_view session_token, const db::Vault& vault);
bool csrf_fits(const HttpRequest& request, std::string_view session_token, const db::Vault& vault);

// As much of the client's address as is kept: "192.0.2.0/24", "2001:db8:1::/48", "local".
std::string network_of(const Client& client);

// A value of an application/x-www-form-urlencoded body; the first of that name. nullopt: absent, or a broken escape.
std::optional<std::string> form_value(std::string_view body, std::string_view name);

}  // namespace everup::api
