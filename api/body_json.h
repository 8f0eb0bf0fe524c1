// The small request bodies that are not monitors: strict JSON objects with a pointer for every wrong field. Pure;
// nlohmann stays in body_json.cpp. Monitors are read by db/monitor_json.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

struct MailBody {
  std::string domain, address, mail_from, helo;
  std::vector<std::string> selectors;
};
// {"domain":"example.com","address":"192.0.2.25","mail_from":"…","helo":"…","selectors":["s1"]}; what the texts say is
// judged by checker/deliverability.
BodyOf<MailBody> parse_mail_body(std::string_view json);

struct RelayBody {
  std::string target, domain;
};
// {"target":"smtp://mx.example.com","domain":"example.com"}
BodyOf<RelayBody> parse_relay_body(std::string_view json);

}  // namespace everup::api
