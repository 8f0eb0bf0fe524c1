// `everup status-page add|list|remove`: the API's status pages from a shell.
#pragma once

#include <string>
#include <vector>

#include "app/api_client.h"

namespace everup::app {

struct StatusPageAdd {
  std::string name, slug, language, domain;  // slug empty: made from the name
  std::vector<std::string> monitors;         // "mon_…" or "slug:name", in one group without a name
};

// Each prints on stdout (`json`: the API's own answer) and returns the exit code: 0 done, 1 failed.
int status_page_add(const ApiClient& api, const StatusPageAdd& add, bool json);
int status_page_list(const ApiClient& api, bool json);
int status_page_remove(const ApiClient& api, const std::string& id);

}  // namespace everup::app
