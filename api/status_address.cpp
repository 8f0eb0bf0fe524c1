// See api/status_address.h.
#include "api/status_address.h"

#include <algorithm>

#include "api/http_message.h"
#include "core/host.h"

namespace everup::api {
namespace {

std::string name_of(std::string_view authority) {
  if (authority.starts_with('[')) return {};
  return lower(authority.substr(0, authority.find(':')));
}

// What a page has at its root; everything else of a host is ours whatever its name.
bool of_a_page(std::string_view path) {
  for (const std::string_view whole : {"/", "/history", "/history.atom", "/history.rss", "/maintenance.ics"}) {
    if (path == whole) return true;
  }
  return path.starts_with("/history/") || path.starts_with("/incidents/") || path.starts_with("/api/v2/") ||
         path.starts_with("/subscri");
}

}  // namespace

std::string host_of_url(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  const auto rest = url.substr(scheme + 3);
  return name_of(rest.substr(0, rest.find('/')));
}

std::string status_page_url(std::string_view base_url, const StatusPage& page) {
  if (page.domain.empty()) return std::string(base_url) + "/status/" + page.slug;
  return std::string(base_url.starts_with("http://") ? "http://" : "https://") + page.domain + "/";
}

std::optional<std::string> path_on_domain(std::string_view host, std::string_view path, std::string_view base_url) {
  const std::string name = name_of(host);
  if (name.find('.') == std::string::npos || name == host_of_url(base_url) || !of_a_page(path)) return std::nullopt;
  const bool number = std::all_of(name.begin(), name.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
  const auto plain = canonical_host(name);
  if (number || !plain.ok() || *plain != name) return std::nullopt;
  return "/status/@" + name + (path == "/" ? "" : std::string(path));
}

}  // namespace everup::api
