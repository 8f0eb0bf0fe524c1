// Configuration file and JSON texts of the command line: the app's only YAML and JSON.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/result.h"

namespace everup::app {

// A flat YAML map of scalars (≤ 64 KiB). Lists of scalars become words separated by spaces. Duplicate keys, nesting and
// other shapes are errors that name the file and the line.
Result<std::map<std::string, std::string>> read_config(const std::string& path);

struct ConfigRow {
  std::string name, value, origin;
};
std::string config_json(const std::vector<ConfigRow>& rows);

// A YAML document (api/openapi.yaml) as JSON text.
Result<std::string> yaml_to_json(const std::string& yaml);

}  // namespace everup::app
