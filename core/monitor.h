// A monitor as its owner defined it, and the bounds of that definition. Pure data: JSON is db/monitor_json, storage is
// db/monitor_store.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/ids.h"
#include "core/kind_settings.h"
#include "core/result.h"
#include "core/standing.h"
#include "core/target.h"
#include "core/time.h"

namespace everup {

struct PublicLinks {
  bool badge = true, report = true, show_target = false;
  bool operator==(const PublicLinks&) const = default;
};

// What a user may set. Defaults are what he gets.
struct MonitorDraft {
  std::string name;  // 1 … 100 characters; default: the host
  std::string slug;  // [a-z0-9-]{1,64}; default: from the name
  Target target;
  int interval_s = 60;     // 1 … 86400
  int timeout_ms = 10000;  // 100 … 60000
  Patience confirm;
  KindSettings settings;          // the alternative of target.kind
  std::vector<std::string> tags;  // ≤ 20, each 1 … 50 of [A-Za-z0-9_.:-]
  bool paused = false;
  std::string timezone = "UTC";  // IANA name
  PublicLinks links;
  bool operator==(const MonitorDraft&) const = default;

  // Of http and https monitors only (else std::bad_variant_access: our bug).
  const HttpSettings& http() const { return std::get<HttpSettings>(settings); }
  HttpSettings& http() { return std::get<HttpSettings>(settings); }
};
// Everything but JSON shape: ranges, header grammar, method, status spec. `regex_ok` judges patterns (RE2 lives in
// checker/).
FieldErrors validate(const MonitorDraft& draft, bool (*regex_ok)(const std::string&, std::string* why));
std::string slug_from(const std::string& name);

struct Monitor : MonitorDraft {
  MonitorId id;
  AccountId account;
  std::int32_t revision = 1;
  std::string badge_token, report_token;  // 128 random bits, base32
  WallTime created_at, updated_at;
  bool operator==(const Monitor&) const = default;
};

// What the scheduler keeps of a monitor: a few hundred bytes, because a million of them must fit into 700 MB.
// `settings` is shared between monitors with equal options (null: all defaults).
struct CheckPlan {
  MonitorId id;
  AccountId account;
  std::int32_t revision = 1;
  std::int32_t interval_ms = 60000;
  std::int32_t timeout_ms = 10000;
  Patience confirm;
  bool paused = false;
  Kind kind = Kind::kHttps;
  std::string url;  // Target::url()
  std::shared_ptr<const KindSettings> settings;
  WallTime revised_at;  // from when this revision holds
  WallTime created_at;
};

}  // namespace everup
