// The alerter of this process: the outbox in the database, the courier that empties it, and the relays it uses. Made
// from the settings, started and stopped by `serve`.
#pragma once

#include <memory>
#include <string>

#include "alerts/courier.h"
#include "app/foundation.h"
#include "app/probing.h"
#include "app/settings.h"
#include "core/delivery_stats.h"
#include "core/result.h"
#include "core/zone.h"
#include "db/outbox.h"
#include "db/pool.h"

namespace everup::app {

class Alerter {
 public:
  // What is given outlives this.
  static Result<std::unique_ptr<Alerter>> make(const Settings& settings, const Foundation& foundation,
                                               const Probing& probing, const Zones& zones, const std::string& base_url);
  Status start() { return courier_->start(); }
  void stop(milliseconds limit) { courier_->stop(limit); }
  DeliveryStats stats() const;  // any thread

 private:
  Alerter() = default;
  std::unique_ptr<db::Pool> pool_;
  std::unique_ptr<db::AlertOutbox> outbox_;
  std::unique_ptr<alerts::Courier> courier_;
};

}  // namespace everup::app
