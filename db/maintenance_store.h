// Maintenance windows as their account sees them, and their occurrences ahead of time. Any thread; every call is one
// transaction of at most two seconds.
//
// A version of a window holds from the instant it is saved: changing or removing one ends it then and leaves what was
// before as it is. Occurrences are worked out kAhead when saved, and further by extend_maintenance() (the keeper's).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/ledger.h"
#include "core/maintenance_window.h"
#include "core/result.h"
#include "db/id_source.h"
#include "db/pool.h"
#include "db/session.h"

namespace everup::db {

class MaintenanceStore {
 public:
  static constexpr int kWindowsMax = 200;  // of an account
  static constexpr milliseconds kAhead{400 * kDayMs};
  MaintenanceStore(Pool& api_pool, IdSource& ids, const Zones& zones, const Clock& clock);

  // Drafts are validated by the caller. kInvalid: "#/match/monitors/2: …" when there is no such monitor; kExhausted:
  // the account has kWindowsMax already.
  Result<MaintenanceWindow> create(AccountId account, const MaintenanceDraft& draft);
  // `id`: "mnt_…". kNotFound for foreign, removed and unknown ones alike.
  Result<MaintenanceWindow> find(AccountId account, std::string_view id);
  Result<std::vector<MaintenanceWindow>> list(AccountId account);  // oldest first
  // kConflict when the stored version is not `expected` (nullopt: whatever it is). An unchanged draft keeps its
  // version.
  Result<MaintenanceWindow> update(AccountId account, std::string_view id, const MaintenanceDraft& draft,
                                   std::optional<std::int32_t> expected);
  Status remove(AccountId account, std::string_view id, std::optional<std::int32_t> expected);

 private:
  Status save(pqxx::transaction_base& tx, MaintenanceWindow& window) const;
  Pool& pool_;
  IdSource& ids_;
  const Zones& zones_;
  const Clock& clock_;
};

// Repeated windows of every account whose occurrences end within kAhead / 2 from now: works out further ones. A session
// of the owner. Answers how many windows were extended; at most 1000 a call.
Result<int> extend_maintenance(Session& session, const Zones& zones, WallTime now, milliseconds deadline);

// Lays the maintenance of [since, now) over ledgers, by monitor; `rows` are (monitor, from_at, to_at).
template <class Rows, class Inputs>
void lay_maintenance(const Rows& rows, Inputs& inputs) {
  for (const auto& row : rows) {
    inputs.at(row[0].template as<std::int64_t>())
        .maintenance.push_back(
            {WallTime{row[1].template as<std::int64_t>()}, WallTime{row[2].template as<std::int64_t>()}});
  }
}

}  // namespace everup::db
