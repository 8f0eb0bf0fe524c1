// What the fan-outs share: the accounts' policies and channels read once, deliveries gathered and written by one
// statement. Internal to fan_out.cpp. Lives as long as its transaction.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/zone.h"
#include "db/alert_keys.h"
#include "db/alert_plan.h"
#include "db/channel_rows.h"

namespace pqxx {
class transaction_base;
}

namespace everup::db {

// One row of `deliveries` to be.
struct NewDelivery {
  DeliveryKey key;
  AccountId account;
  std::optional<std::int32_t> incident;
  std::int16_t cause = 0, gap = 0;
  std::string detail;
  WallTime started_at;
  std::optional<WallTime> confirmed_at, ended_at;
  std::int32_t remind_s = 0;
  WallTime step_at, due_at;
};

class AlertWriter {
 public:
  AlertWriter(pqxx::transaction_base& tx, const Vault& vault, const Zones& zones, WallTime now)
      : tx_(tx), vault_(vault), zones_(zones), now_(now) {}

  // Reads policies and enabled channels of these accounts; an account without a policy gets its owners' channels.
  Status load(const std::vector<std::int64_t>& accounts);
  // Who is told; channels that are off or gone are left out. Unknown accounts: nobody.
  std::vector<PlannedStep> plan(AccountId account, MonitorId monitor, const std::vector<std::string>& tags,
                                AlertKind kind) const;
  bool channel_on(AccountId account, ChannelId channel) const;
  // Sets due_at from step_at (quiet hours). Written by flush().
  void add(NewDelivery&& delivery);
  int flush();  // rows made
  WallTime now() const { return now_; }
  pqxx::transaction_base& tx() { return tx_; }

 private:
  struct Quiet {
    std::optional<QuietHours> hours;
    bool hold_down = false;
    const Zone* zone = nullptr;
  };
  struct House {
    std::vector<PolicyDraft> policies;
    std::map<ChannelId, Quiet> channels;  // that are on
  };
  pqxx::transaction_base& tx_;
  const Vault& vault_;
  const Zones& zones_;
  const WallTime now_;
  std::map<AccountId, House> accounts_;
  std::vector<NewDelivery> rows_;
};

}  // namespace everup::db
