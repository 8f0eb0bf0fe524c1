// The small request bodies that are not monitors: strict JSON objects with a pointer for every wrong field. Pure;
// nlohmann stays in body_json.cpp. Monitors are read by db/monitor_json.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/time.h"
#include "db/account_store.h"

namespace everup::api {

template <class T>
struct BodyOf {
  T value{};
  FieldErrors errors;
  bool syntax = false;  // no JSON at all: 400
  bool ok() const { return errors.empty(); }
};

struct KeyBody {
  std::string name;
  db::Scope scope = db::Scope::kWrite;
  std::optional<WallTime> expires_at;
};
// {"name":"ci","scope":"read|write|admin","expires_at":"…Z"}; `now` judges expires_at.
BodyOf<KeyBody> parse_key_body(std::string_view json, WallTime now);

struct RotateBody {
  bool badge = false, report = false, heartbeat = false;
};
// {"badge":true,"report":true,"heartbeat":true}; at least one of them true.
BodyOf<RotateBody> parse_rotate_body(std::string_view json);

}  // namespace everup::api
