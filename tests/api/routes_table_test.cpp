// The route table and openapi.yaml describe the same API: every route is documented, every documented operation is
// routed, and so are the query parameters. The YAML is read here line by line: two spaces for a path, four for a
// method, as the file is written.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>
#include <string>

#include "api/api.h"
#include "api/routes.h"

namespace everup::api {
namespace {

struct Documented {
  std::string text;  // of the operation, with what its path's shared part says
};
std::map<std::string, Documented> operations() {
  std::map<std::string, Documented> out;
  std::istringstream in{std::string(openapi_yaml())};
  std::string line, path, operation, anchors;
  bool in_paths = false;
  while (std::getline(in, line)) {
    if (!line.starts_with(' ')) in_paths = line == "paths:";
    if (!in_paths) continue;
    if (line.starts_with("  /")) {
      path = line.substr(2, line.size() - 3);
      operation.clear();
    } else if (line.starts_with("    ") && line[4] != ' ') {
      const std::string method = line.substr(4, line.find(':') - 4);
      static const std::map<std::string, std::string> kMethods{
          {"get", "GET"}, {"post", "POST"}, {"patch", "PATCH"}, {"delete", "DELETE"}, {"put", "PUT"}};
      operation = kMethods.contains(method) ? kMethods.at(method) + " " + path : "";
      if (!operation.empty()) out[operation];
    } else if (!operation.empty()) {
      out[operation].text += line + "\n";
    }
  }
  return out;
}

std::string name_of(const Route& route) { return std::string(route.method) + " " + std::string(route.pattern); }

TEST(RouteTable, EveryRouteIsDocumentedAndTheReverse) {
  const auto documented = operations();
  std::set<std::string> routed;
  for (const Route& route : routes()) {
    EXPECT_TRUE(routed.insert(name_of(route)).second) << name_of(route) << " stands twice";
    EXPECT_TRUE(documented.contains(name_of(route))) << name_of(route) << " is not in openapi.yaml";
  }
  for (const auto& [name, operation] : documented)
    EXPECT_TRUE(routed.contains(name)) << name << " is in openapi.yaml only";
}

TEST(RouteTable, ParametersAreDocumented) {
  const auto documented = operations();
  for (const Route& route : routes()) {
    if (route.parameters == "*") continue;
    const std::string& text = documented.at(name_of(route)).text;
    std::istringstream names{std::string(route.parameters)};
    for (std::string name; names >> name;) {
      if (name.ends_with('+')) name.pop_back();
      const bool there = text.find("{name: " + name + ",") != std::string::npos ||
                         text.find("parameters/" + name + "\"") != std::string::npos;
      EXPECT_TRUE(there) << name_of(route) << " takes " << name;
    }
  }
}

TEST(RouteTable, SecurityIsDocumentedAndSane) {
  const auto documented = operations();
  for (const Route& route : routes()) {
    const bool open = documented.at(name_of(route)).text.find("security: []") != std::string::npos;
    EXPECT_EQ(open, route.scope == Scope::kPublic || route.scope == Scope::kDoor) << name_of(route);
    // The token in the URL is the right to say one thing.
    const bool by_link = route.scope == Scope::kPublic &&
                         (route.pattern.ends_with("/{token}") || route.pattern.starts_with("/heartbeat/") ||
                          route.pattern.starts_with("/ping/"));
    if (route.method != "GET" && by_link) {
      EXPECT_EQ(route.cache, CacheClass::kNever) << name_of(route);
    } else if (route.method != "GET") {
      EXPECT_TRUE(route.scope != Scope::kPublic && route.scope != Scope::kMetrics && route.scope != Scope::kRead)
          << name_of(route) << " changes something";
      EXPECT_EQ(route.cache, CacheClass::kNever) << name_of(route);
    }
    if (route.scope != Scope::kPublic) {
      EXPECT_TRUE(route.cache == CacheClass::kPrivate || route.cache == CacheClass::kNever)
          << name_of(route) << " is private";
    }
    if (route.where == Where::kLoop) {
      EXPECT_EQ(route.scope, Scope::kPublic) << name_of(route) << " would ask the database on the loop";
    }
    const bool takes_body = documented.at(name_of(route)).text.find("requestBody") != std::string::npos;
    EXPECT_EQ(takes_body, route.body_bytes_max > 0) << name_of(route);
  }
}

}  // namespace
}  // namespace everup::api
