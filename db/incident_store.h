// Incidents, what was written and delivered about them, and what the signed links in a message open. Account calls go
// through the api role under its policies, links through the public role's functions. Any thread; every call is one
// transaction. Incidents of deleted monitors are gone with them (kNotFound).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/alert.h"
#include "core/clock.h"
#include "core/ids.h"
#include "core/result.h"
#include "db/alert_keys.h"
#include "db/id_source.h"
#include "db/pool.h"

namespace everup::db {

enum class IncidentState : std::int16_t { kOpen = 1, kAcknowledged = 2, kResolved = 3 };
std::string_view slug(IncidentState state);

struct UpdateDraft;  // db/channel_json.h
struct IncidentUpdate {
  WallTime at;
  std::string author, text;
  bool shown = false;  // on public pages
  IncidentStage stage = IncidentStage::kNone;
};
struct IncidentRow {
  IncidentKey key;
  std::string monitor_name;
  std::int16_t cause = 0;
  std::string detail;
  WallTime started_at, confirmed_at;
  std::optional<WallTime> ended_at, acknowledged_at;
  std::string acknowledged_by, root_cause;
  IncidentState state() const {
    return ended_at ? IncidentState::kResolved : acknowledged_at ? IncidentState::kAcknowledged : IncidentState::kOpen;
  }
};

struct AttemptRow {
  int attempt = 1;
  Attempt facts;
};
struct DeliveryRow {
  DeliveryKey key;
  std::optional<std::int32_t> incident;
  DeliveryState state = DeliveryState::kPending;
  std::string reason;      // of a dropped one
  std::string message_id;  // empty: it has not left yet
  WallTime created_at, due_at;
  std::optional<WallTime> done_at;
  std::string channel_name;
  std::vector<AttemptRow> attempts;  // at most 100, oldest first
};

struct IncidentQuery {
  std::optional<IncidentState> state;
  std::string monitor;               // "mon_…", slug or ""; kNotFound when it is not there
  std::optional<WallTime> from, to;  // overlapping [from, to)
  int limit = 50;                    // 1 … 200
  std::string cursor;
};
struct IncidentPage {
  std::vector<IncidentRow> incidents;  // newest first
  std::optional<std::string> next_cursor;
};
struct DeliveryQuery {
  std::optional<IncidentKey> incident;
  std::optional<ChannelId> channel;
  std::optional<DeliveryState> state;
  std::optional<DeliveryKey> only;
  int limit = 50;
  std::string cursor;
};
struct DeliveryPage {
  std::vector<DeliveryRow> deliveries;  // newest first
  std::optional<std::string> next_cursor;
};

// What the acknowledge link of a message shows.
struct LinkedIncident {
  std::string monitor_name;
  WallTime started_at;
  std::optional<WallTime> ended_at, acknowledged_at;
  std::string acknowledged_by;
  std::int16_t cause = 0;
};

class IncidentStore {
 public:
  static constexpr int kListMax = 200;
  static constexpr int kUpdatesMax = 200;  // of an incident
  IncidentStore(Pool& api_pool, Pool& public_pool, IdSource& ids, const Clock& clock);

  Result<IncidentPage> incidents(AccountId account, const IncidentQuery& query);  // kInvalid: the cursor
  Result<IncidentRow> incident(AccountId account, const IncidentKey& key);
  Result<std::vector<IncidentUpdate>> updates(AccountId account, const IncidentKey& key);  // oldest first
  // Idempotent: the first one counts. Ends later steps and reminders.
  Result<IncidentRow> acknowledge(AccountId account, const IncidentKey& key, const std::string& who);
  // kExhausted beyond kUpdatesMax.
  Result<IncidentUpdate> add_update(AccountId account, const IncidentKey& key, const std::string& who,
                                    const UpdateDraft& draft);
  Result<IncidentRow> set_root_cause(AccountId account, const IncidentKey& key, const std::string& text);
  Result<DeliveryPage> deliveries(AccountId account, const DeliveryQuery& query);  // kInvalid: the cursor

  // kNotFound: no such link.
  Result<LinkedIncident> by_link(std::string_view token);
  Result<LinkedIncident> acknowledge_by_link(std::string_view token);
  // Whether the channel of an unsubscribe link is on; `off` switches it off.
  Result<bool> subscribed(std::string_view token, bool off);

 private:
  Pool& api_;
  Pool& public_;
  IdSource& ids_;
  const Clock& clock_;
};

}  // namespace everup::db
