// Channels, policies, incidents and deliveries as JSON text (INTERFACE 5, SHAPES 17 and 18). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "db/channel_rows.h"
#include "db/incident_store.h"
#include "db/ledger_store.h"

namespace everup::api {

// `with_secret`: at creation alone.
std::string channel_json(const db::StoredChannel& channel, bool with_secret = false);
std::string policy_json(const db::StoredPolicy& policy);
// Ids of the policies that tell about a monitor.
std::string policy_ids_json(const std::vector<db::StoredPolicy>& policies, MonitorId monitor,
                            const std::vector<std::string>& tags);
std::string delivery_json(const db::DeliveryRow& delivery);
std::string update_json(const db::IncidentUpdate& update);
// An incident as lists show it.
std::string incident_json(const db::IncidentRow& incident, WallTime now);
// With all that is known about it. The looks may be null: not kept any more.
struct IncidentDetails {
  std::vector<db::IncidentUpdate> updates;
  std::vector<db::DeliveryRow> deliveries;
  const db::ResultRow* failing = nullptr;    // the look that settled it, with its evidence
  const db::ResultRow* last_good = nullptr;  // the last good look before it
};
std::string incident_json(const db::IncidentRow& incident, WallTime now, const IncidentDetails& details);
// "r3" of a channel or policy at revision 3.
std::string revision_etag(std::int32_t revision, std::string_view body);

}  // namespace everup::api
