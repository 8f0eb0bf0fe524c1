#include "app/status_page_command.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/answer.h"
#include "app/monitor_command.h"

namespace everup::app {
namespace {

using Json = nlohmann::ordered_json;

// "Shop status" → "shop-status"
std::string slug_of(const std::string& name) {
  std::string slug;
  for (const char c : name) {
    const bool capital = c >= 'A' && c <= 'Z';
    if (capital || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
      slug += capital ? static_cast<char>(c | 0x20) : c;
    else if (!slug.empty() && slug.back() != '-')
      slug += '-';
  }
  while (slug.ends_with('-')) slug.pop_back();
  return slug.substr(0, 64);
}

}  // namespace

int status_page_add(const ApiClient& api, const StatusPageAdd& add, bool json) {
  Json body{{"name", add.name}, {"slug", add.slug.empty() ? slug_of(add.name) : add.slug}};
  if (!add.language.empty()) body["language"] = add.language;
  if (!add.domain.empty()) body["domain"] = add.domain;
  if (!add.monitors.empty()) body["groups"] = Json::array({{{"name", ""}, {"monitors", add.monitors}}});
  const auto answer = api.call("POST", "/status_pages", body.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (!answer) return failed("status-page", answer.error());
  const auto page = Json::parse(*answer, nullptr, false);
  return printed(json || !page.is_object() ? *answer : text_of(page, "page_url"));
}

int status_page_list(const ApiClient& api, bool json) {
  const auto answer = api.call("GET", "/status_pages");
  if (!answer) return failed("status-page", answer.error());
  const auto body = Json::parse(*answer, nullptr, false);
  if (!body.is_object() || !body.contains("data"))
    return failed("status-page", {ErrorCode::kInternal, "the API's answer is not a list"});
  if (json) return printed(body["data"].dump(2));
  for (const auto& page : body["data"]) {
    const auto line =
        fmt::format("{:<18} {:<24} {}", text_of(page, "id"), text_of(page, "name"), text_of(page, "page_url"));
    if (printed(line) != 0) return 1;
  }
  return 0;
}

int status_page_remove(const ApiClient& api, const std::string& id) {
  const auto answer = api.call("DELETE", "/status_pages/" + percent_encode(id));
  return answer ? 0 : failed("status-page", answer.error());
}

}  // namespace everup::app
