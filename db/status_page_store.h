// Status pages as their account sees them, and what everybody reads of a published one. Any thread; every call is one
// transaction of at most two seconds. Public reads go through the public role's functions, which answer for published
// pages alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/status_page.h"
#include "db/alert_keys.h"
#include "db/id_source.h"
#include "db/pool.h"

namespace everup::db {

// What people wrote about an incident for everybody; who wrote it is not told.
struct PublicUpdate {
  std::int64_t id = 0;
  WallTime at;
  std::string text;
  IncidentStage stage = IncidentStage::kNone;
};
struct PublicIncident {
  IncidentKey key;
  WallTime started_at, confirmed_at;
  std::optional<WallTime> ended_at, acknowledged_at;
  std::int16_t cause = 0;
  std::vector<PublicUpdate> updates;  // oldest first
};
// One time that a maintenance window comes.
struct PublicWindow {
  std::int64_t window = 0;
  std::int32_t version = 1;
  std::string name;
  Span span;
  WallTime created_at, saved_at;
  std::vector<MonitorId> monitors;  // of the page
};

class StatusPageStore {
 public:
  static constexpr int kPagesMax = 50;  // of an account
  static constexpr int kIncidentsMax = 500, kWindowsMax = 500, kUpdatesMax = 5000;
  StatusPageStore(Pool& api_pool, Pool& public_pool, IdSource& ids, const Clock& clock);

  // Drafts are validated by the caller. kInvalid: "#/groups/0/monitors/2: …" when there is no such monitor, "#/slug: …"
  // and "#/domain: …" when another page has it; kExhausted: the account has kPagesMax already.
  Result<StatusPage> create(AccountId account, const StatusPageDraft& draft, const std::string& password_hash);
  // `id`: "stp_…" or "slug:…". kNotFound for foreign, removed and unknown ones alike.
  Result<StatusPage> find(AccountId account, std::string_view id);
  Result<std::vector<StatusPage>> list(AccountId account);  // oldest first
  // kConflict when the stored revision is not `expected`. `password_hash`: nullopt keeps what is there.
  Result<StatusPage> update(AccountId account, std::string_view id, const StatusPageDraft& draft,
                            const std::optional<std::string>& password_hash, std::int32_t expected);
  Status remove(AccountId account, std::string_view id, std::optional<std::int32_t> expected);

  // By slug, or by a domain. kNotFound: there is no such published page.
  Result<StatusPage> published(std::string_view slug);
  Result<StatusPage> published_at(std::string_view domain);
  // Those that overlap `span`, newest first, at most kIncidentsMax, with their public updates.
  Result<std::vector<PublicIncident>> incidents(StatusPageId page, Span span);
  // kNotFound: the page shows no such incident.
  Result<PublicIncident> incident(StatusPageId page, const IncidentKey& key);
  // Those that overlap `span`, soonest first, at most kWindowsMax.
  Result<std::vector<PublicWindow>> windows(StatusPageId page, Span span);

 private:
  Result<std::vector<PublicIncident>> read_incidents(StatusPageId page, Span span, const IncidentKey& only);
  Result<StatusPage> public_page(const std::string& slug, const std::string& domain);
  Pool& api_;
  Pool& public_;
  IdSource& ids_;
  const Clock& clock_;
};

}  // namespace everup::db
