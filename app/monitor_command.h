// `everup monitor add|list|show|pause|resume|check|delete`: the API's monitors from a shell.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/api_client.h"

namespace everup::app {

struct MonitorAdd {
  std::string target, name, definition_file;  // the file: a JSON object of the API, "-" for standard input
  std::vector<std::string> tags;
  std::string interval, timeout;  // "60", "60s", "5m", "500ms"; empty: default
};

// Each prints on stdout (`json`: the API's own answer) and returns the exit code: 0 done, 1 failed, 2 usage.
int monitor_add(const ApiClient& api, const MonitorAdd& add, bool json);
int monitor_list(const ApiClient& api, const std::string& query, bool json);
int monitor_show(const ApiClient& api, const std::string& id, bool json);
int monitor_verb(const ApiClient& api, const std::string& id, const std::string& verb,
                 bool json);  // pause resume check
int monitor_delete(const ApiClient& api, const std::string& id);

// "60s", "5m", "500ms", "60" (of `bare_unit_ms`) → milliseconds.
std::optional<std::int64_t> parse_duration_ms(const std::string& text, std::int64_t bare_unit_ms);

}  // namespace everup::app
