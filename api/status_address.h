// Where status pages are: /status/{slug}, and on a domain of the account's own at its root. Pure.
//
// A request for another host than ours is looked for under /status/@{host}, so that the router, the cache and the
// handlers know pages of both kinds by one path. '@' is in no slug.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/status_page.h"

namespace everup::api {

// "up.example.org" of "https://up.example.org:8443/x", small letters; "" when there is none.
std::string host_of_url(std::string_view url);
// Where people read it: on its domain when it has one.
std::string status_page_url(std::string_view base_url, const StatusPage& page);
// The path of a request for `host` (with port, as sent) as the router knows it: nullopt when it stays as it is, because
// the host is ours, an address or localhost, or the path is none that a page has.
std::optional<std::string> path_on_domain(std::string_view host, std::string_view path, std::string_view base_url);

}  // namespace everup::api
