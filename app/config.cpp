#include "app/config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace everup::app {
namespace {

Error at_line(const std::string& path, const YAML::Mark& mark, const std::string& what) {
  return Error{ErrorCode::kInvalid, fmt::format("{}:{}: {}", path, mark.line + 1, what)};
}

Result<std::string> scalar_text(const std::string& path, const YAML::Node& node) {
  if (node.IsNull()) return std::string();
  if (node.IsScalar()) return node.Scalar();
  if (!node.IsSequence()) return at_line(path, node.Mark(), "a value must be a text, a number or a list of them");
  std::string joined;
  for (const auto& item : node) {
    if (!item.IsScalar()) return at_line(path, item.Mark(), "a list may hold only texts and numbers");
    joined += (joined.empty() ? "" : " ") + item.Scalar();
  }
  return joined;
}

// YAML 1.2 core: what is not quoted and reads as null, bool or number is one.
nlohmann::ordered_json plain_scalar(const YAML::Node& node) {
  const auto& text = node.Scalar();
  if (node.Tag() == "!") return text;
  if (text == "null" || text == "~" || text.empty()) return nullptr;
  if (text == "true") return true;
  if (text == "false") return false;
  auto number = nlohmann::ordered_json::parse(text, nullptr, false);
  return number.is_number() ? number : nlohmann::ordered_json(text);
}

nlohmann::ordered_json json_of(const YAML::Node& node, int depth) {
  if (depth > 64) throw YAML::Exception(node.Mark(), "nested deeper than 64");
  if (node.IsMap()) {
    auto object = nlohmann::ordered_json::object();
    for (const auto& pair : node) object[pair.first.Scalar()] = json_of(pair.second, depth + 1);
    return object;
  }
  if (node.IsSequence()) {
    auto array = nlohmann::ordered_json::array();
    for (const auto& item : node) array.push_back(json_of(item, depth + 1));
    return array;
  }
  return node.IsScalar() ? plain_scalar(node) : nlohmann::ordered_json(nullptr);
}

}  // namespace

Result<std::map<std::string, std::string>> read_config(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{ErrorCode::kInvalid, fmt::format("cannot read the configuration file {}", path)};
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  if (text.size() > 65'536) return Error{ErrorCode::kInvalid, fmt::format("{}: larger than 64 KiB", path)};
  std::map<std::string, std::string> values;
  try {
    const auto root = YAML::Load(text);
    if (root.IsNull()) return values;
    if (!root.IsMap()) return at_line(path, root.Mark(), "must be a map of settings, one per line: name: value");
    for (const auto& pair : root) {  // yaml-cpp lists a duplicate key twice
      auto value = scalar_text(path, pair.second);
      if (!value) return value.error();
      if (!values.emplace(pair.first.Scalar(), *std::move(value)).second) {
        return at_line(path, pair.first.Mark(), fmt::format("\"{}\" is set twice", pair.first.Scalar()));
      }
    }
  } catch (const YAML::Exception& e) {
    return at_line(path, e.mark, e.msg);
  }
  return values;
}

std::string config_json(const std::vector<ConfigRow>& rows) {
  auto settings = nlohmann::ordered_json::array();
  for (const auto& row : rows) settings.push_back({{"name", row.name}, {"value", row.value}, {"origin", row.origin}});
  return nlohmann::ordered_json{{"settings", settings}}.dump(2) + "\n";
}

Result<std::string> yaml_to_json(const std::string& yaml) {
  try {
    return json_of(YAML::Load(yaml), 0).dump();
  } catch (const YAML::Exception& e) {
    return at_line("openapi.yaml", e.mark, e.msg);
  }
}

}  // namespace everup::app
