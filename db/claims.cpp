// See claims.h. First the messages that are to be tried again, as they are; then, channel by channel under a lock of
// its row, what has never left. Both by turns: the first of each account before the second of any. Contents are read
// last, for what was won.
#include "db/claims.h"

#include <algorithm>
#include <map>
#include <pqxx/pqxx>
#include <set>

#include "core/outcome.h"
#include "core/standing.h"
#include "db/alert_keys.h"
#include "db/channel_rows.h"
#include "db/random_text.h"
#include "db/rows.h"
#include "db/sql_values.h"

namespace everup::db {
namespace {
constexpr int kChannelsMax = 64;  // looked at in one claim
constexpr std::size_t kMessageIdDigits = 26;
constexpr std::size_t kEvidenceAlertsMax = 2;  // a message of more shows none, nor whose alerts wait for it

struct Row {
  DeliveryKey key;
  std::optional<std::int32_t> incident;
  std::int16_t cause = 0, gap = 0;
  std::string detail;
  WallTime started_at, created_at;
  std::optional<WallTime> confirmed_at, ended_at;
  std::string message_id;
  bool lead = false;
  int attempts = 0;
  bool blocked = false;
};
using Rows = std::vector<Row>;

constexpr const char* kColumns =
    "d.monitor_id, d.version, d.kind, d.number, d.channel_id, d.step, d.incident, d.cause, d.gap, d.detail, "
    "d.started_at, d.created_at, d.confirmed_at, d.ended_at, coalesce(d.message_id, ''), d.lead, d.attempts";

Result<Row> row_in(const pqxx::row& row) {
  Row out;
  const auto kind = alert_kind(row[2].as<std::int64_t>());
  if (!kind) return Error{ErrorCode::kCorrupt, "deliveries: unknown kind"};
  out.key = {MonitorId{row[0].as<std::int64_t>()}, row[1].as<std::int32_t>(), *kind, row[3].as<std::int64_t>(),
             ChannelId{row[4].as<std::int64_t>()}, row[5].as<std::int16_t>()};
  if (!row[6].is_null()) out.incident = row[6].as<std::int32_t>();
  out.cause = row[7].as<std::int16_t>(), out.gap = row[8].as<std::int16_t>();
  out.detail = row[9].c_str();
  out.started_at.ms = row[10].as<std::int64_t>(), out.created_at.ms = row[11].as<std::int64_t>();
  out.confirmed_at = time_in(row[12]), out.ended_at = time_in(row[13]);
  out.message_id = row[14].c_str(), out.lead = row[15].as<bool>(), out.attempts = row[16].as<int>();
  return out;
}

std::vector<std::int64_t> ids_of(const std::vector<AccountId>& accounts) {
  std::vector<std::int64_t> ids;
  for (const AccountId account : accounts) ids.push_back(account.value);
  return ids;
}

class Claim {
 public:
  Claim(pqxx::transaction_base& tx, const ClaimOptions& options)
      : tx_(tx), o_(options), host_(host_of_url(options.base_url)), busy_(array_of(ids_of(options.busy))) {}

  Result<std::vector<Message>> run() {
    drop();
    if (Status again = claim_again(); !again) return again.error();
    if (Status fresh = claim_new(); !fresh) return fresh.error();
    return messages();
  }

 private:
  struct Waiting {  // a channel with something new
    ChannelId id;
    AccountId account;
    std::int64_t units = 0;
    WallTime oldest, newest;
    std::int64_t left_lately = 0;  // messages of the last minute
    ChannelKind kind = ChannelKind::kEmail;
    int digest_after = 5;
  };
  void drop();
  void read_held();
  Status claim_again();
  Status claim_new();
  std::vector<Waiting> waiting();
  Result<Rows> due_of(ChannelId channel, int most);
  static bool digests(const Waiting& channel);
  bool gathered(const Waiting& channel) const;
  Status take_digest(const Waiting& channel);
  Status take_channel(const Waiting& channel, int share);
  Status take(const Rows& rows);
  Result<std::vector<Message>> messages();
  Status read_facts();
  Alert alert_of(const Row& row, bool few);
  void fill(Message& message, Rows& rows);
  std::string thread_of(const Message& message, const Rows& rows);
  std::vector<std::string> held_behind(MonitorId parent);
  int room() const { return o_.most - static_cast<int>(taken_.size()); }

  struct MonitorFacts {
    std::string name, target, report_token;
  };
  struct IncidentFacts {
    std::string link_token;
    bool open = false;
  };
  pqxx::transaction_base& tx_;
  const ClaimOptions& o_;
  const std::string host_, busy_;
  std::string held_;                   // monitors whose parent is down
  std::map<std::string, Rows> taken_;  // by message id
  std::vector<std::string> order_;
  std::map<std::int64_t, MonitorFacts> monitors_;
  std::map<IncidentKey, IncidentFacts> incidents_;
  std::map<ChannelId, StoredChannel> channels_;
};

// What fell due and is for nobody any more.
void Claim::drop() {
  tx_.exec_params(
      "UPDATE deliveries d SET state = 4, reason = 'the channel is off', done_at = $1 FROM channels c WHERE c.id = "
      "d.channel_id AND d.state = 1 AND d.due_at <= $1 AND (c.deleted_at IS NOT NULL OR (NOT c.enabled AND d.kind <> "
      "9)) AND (d.lease_until IS NULL OR d.lease_until <= $1)",
      o_.now.ms);
  tx_.exec_params(
      "UPDATE deliveries d SET state = 4, reason = 'the monitor is gone or paused', done_at = $1 WHERE d.state = 1 AND "
      "d.due_at <= $1 AND d.message_id IS NULL AND d.monitor_id <> 0 AND NOT EXISTS (SELECT 1 FROM monitors m WHERE "
      "m.id = d.monitor_id AND m.deleted_at IS NULL AND NOT (m.paused AND d.kind = 8))",
      o_.now.ms);
}

Status Claim::claim_again() {
  const int half = std::max(o_.most / 2, 1);  // a dead relay's retries leave room for what is new
  std::vector<std::string> ids;
  for (const pqxx::row& row : tx_.exec_params(
           "SELECT d.message_id FROM (SELECT x.message_id, x.due_at, row_number() OVER (PARTITION BY x.account_id "
           "ORDER BY x.due_at) AS turn FROM deliveries x WHERE x.lead AND x.state = 1 AND x.message_id IS NOT NULL AND "
           "x.due_at <= $1 AND (x.lease_until IS NULL OR x.lease_until <= $1) AND x.account_id <> ALL ($3::bigint[]) "
           "ORDER BY turn, x.due_at LIMIT $2) w JOIN deliveries d ON d.message_id = w.message_id WHERE d.lead AND "
           "d.state = 1 AND d.due_at <= $1 AND (d.lease_until IS NULL OR d.lease_until <= $1) ORDER BY w.turn, "
           "w.due_at FOR UPDATE OF d SKIP LOCKED",
           o_.now.ms, half, busy_)) {
    ids.emplace_back(row[0].c_str());
  }
  if (ids.empty()) return ok();
  for (const pqxx::row& row :
       tx_.exec_params(std::string("UPDATE deliveries d SET attempts = d.attempts + 1, "
                                   "lease_until = $2, lease_node = $3 WHERE d.message_id = ANY ($1::text[]) AND "
                                   "d.state = 1 RETURNING ") +
                           kColumns,
                       array_of(ids), (o_.now + o_.lease).ms, o_.node)) {
    auto read = row_in(row);
    if (!read) return read.error();
    taken_[read->message_id].push_back(*std::move(read));
  }
  for (const std::string& id : ids) {
    if (taken_.contains(id)) order_.push_back(id);
  }
  return ok();
}

std::vector<Claim::Waiting> Claim::waiting() {
  std::vector<Waiting> list;
  for (
      const pqxx::row& row : tx_.exec_params(
          "SELECT c.id, w.units, w.oldest, (SELECT count(*) FROM deliveries r WHERE r.channel_id = c.id AND r.lead AND "
          "r.claimed_at > $1::bigint - $2::bigint), c.kind, c.digest_after, c.account_id, w.newest FROM (SELECT g.*, "
          "row_number() OVER (PARTITION BY g.account_id ORDER BY g.oldest) AS turn FROM (SELECT d.channel_id, "
          "d.account_id, count(DISTINCT (d.monitor_id, coalesce(d.incident, -d.version), d.incident IS NULL AND d.kind "
          "> 3)) AS units, min(d.due_at) AS oldest, max(d.due_at) AS newest FROM deliveries d WHERE d.state = 1 AND "
          "d.message_id IS NULL AND "
          "d.due_at <= $1::bigint AND d.account_id <> ALL ($4::bigint[]) AND NOT (d.kind IN (1, 8) AND "
          "d.monitor_id = ANY ($5::bigint[])) GROUP BY d.channel_id, d.account_id) g ORDER "
          "BY turn, g.oldest LIMIT $3) w JOIN channels c ON c.id = w.channel_id ORDER BY w.turn, w.oldest FOR NO KEY "
          "UPDATE OF c SKIP LOCKED",
          o_.now.ms, kMinute.count(), kChannelsMax, busy_, held_)) {
    list.push_back({ChannelId{row[0].as<std::int64_t>()}, AccountId{row[6].as<std::int64_t>()},
                    row[1].as<std::int64_t>(), WallTime{row[2].as<std::int64_t>()}, WallTime{row[7].as<std::int64_t>()},
                    row[3].as<std::int64_t>(), static_cast<ChannelKind>(row[4].as<std::int16_t>()), row[5].as<int>()});
  }
  return list;
}

// Most monitors have no parent: the function is asked for the others only.
void Claim::read_held() {
  std::vector<std::int64_t> held;
  for (const pqxx::row& row : tx_.exec_params(
           "SELECT h.id FROM monitors h WHERE h.id IN (SELECT d.monitor_id FROM deliveries d WHERE d.state = 1 AND "
           "d.message_id IS NULL AND d.due_at <= $1 AND d.kind IN (1, 8)) AND array_to_string(h.tags, ' ') LIKE "
           "'%parent:%' AND held_by_parent(h.id, $1)",
           o_.now.ms)) {
    held.push_back(row[0].as<std::int64_t>());
  }
  held_ = array_of(held);
}

Status Claim::claim_new() {
  if (room() <= 0) return ok();
  read_held();
  const std::vector<Waiting> channels = waiting();
  std::set<AccountId> accounts;
  for (const Waiting& channel : channels) accounts.insert(channel.account);
  const int share = std::max(1, room() / std::max(1, static_cast<int>(accounts.size())));
  for (const Waiting& channel : channels) {
    if (room() <= 0) break;
    if (!digests(channel))
      if (Status taken = take_channel(channel, share); !taken) return taken;
  }
  // One digest a claim: ten thousand alerts take a while, and nobody else's waits for that.
  for (const Waiting& channel : channels) {
    const bool may = taken_.empty() || channel.oldest + kDigestsAtLatest < o_.now;
    if (room() > 0 && may && digests(channel) && gathered(channel)) return take_digest(channel);
  }
  return ok();
}

// Oldest first. Blocked: an UP whose DOWN is on its way or not due yet. What is still down waits for its parent.
Result<Rows> Claim::due_of(ChannelId channel, int most) {
  Rows rows;
  for (const pqxx::row& row : tx_.exec_params(
           std::string("SELECT ") + kColumns +
               ", d.kind = 2 AND EXISTS (SELECT 1 FROM deliveries o WHERE o.monitor_id = d.monitor_id AND o.channel_id "
               "= d.channel_id AND o.incident = d.incident AND o.kind IN (1, 8) AND o.state = 1 AND (o.message_id IS "
               "NOT NULL OR o.due_at > $2)) FROM deliveries d WHERE d.channel_id = $1 AND d.state = 1 AND d.message_id "
               "IS NULL AND d.due_at <= $2 AND NOT (d.kind IN (1, 8) AND d.monitor_id = ANY ($4::bigint[]) AND NOT "
               "EXISTS (SELECT 1 FROM deliveries u WHERE u.monitor_id = d.monitor_id AND u.channel_id = d.channel_id "
               "AND u.incident = d.incident AND u.kind = 2)) ORDER BY d.due_at, d.monitor_id, d.version, d.kind, "
               "d.step LIMIT $3",
           channel.value, o_.now.ms, most, held_)) {
    auto read = row_in(row);
    if (!read) return read.error();
    read->blocked = row[17].as<bool>();
    if (!read->blocked) rows.push_back(*std::move(read));
  }
  return rows;
}

// What belongs to one incident leaves together; everything else alone. In the order of their first ones.
std::vector<Rows> units_of(Rows&& rows) {
  std::vector<Rows> units;
  std::map<IncidentKey, std::size_t> place;
  for (Row& row : rows) {
    if (row.incident) {
      const auto [found, fresh] = place.try_emplace({row.key.monitor, *row.incident}, units.size());
      if (!fresh) {
        units[found->second].push_back(std::move(row));
        continue;
      }
    }
    units.emplace_back().push_back(std::move(row));
  }
  return units;
}

bool Claim::digests(const Waiting& channel) {
  return channel.kind == ChannelKind::kEmail && channel.units + channel.left_lately > channel.digest_after;
}

bool Claim::gathered(const Waiting& channel) const {
  const bool quiet = channel.left_lately == 0 && channel.newest + kGatherQuiet <= o_.now;
  return quiet || channel.oldest + kGatherMost <= o_.now;
}

Status Claim::take_digest(const Waiting& channel) {
  auto rows = due_of(channel.id, kDigestMax);
  if (!rows) return rows.error();
  return rows->empty() ? ok() : take(*rows);
}

// At most `share` messages of it: room for the accounts behind it.
Status Claim::take_channel(const Waiting& channel, int share) {
  int left = std::min({room(), kPerChannelMax, share});
  auto rows = due_of(channel.id, left * 4);
  if (!rows) return rows.error();
  for (const Rows& unit : units_of(*std::move(rows))) {
    if (left-- == 0) break;
    if (Status taken = take(unit); !taken) return taken;
  }
  return ok();
}

// Makes a message of these; what somebody dropped meanwhile is not in it.
Status Claim::take(const Rows& rows) {
  const std::string id = random_base32(kMessageIdDigits) + "@" + host_;
  std::vector<std::int64_t> monitor, version, kind, number, step;
  for (const Row& row : rows) {
    monitor.push_back(row.key.monitor.value), version.push_back(row.key.version);
    kind.push_back(static_cast<std::int64_t>(row.key.kind)), number.push_back(row.key.number);
    step.push_back(row.key.step);
  }
  Rows won;
  for (const pqxx::row& row : tx_.exec_params(
           std::string("UPDATE deliveries d SET message_id = $7, attempts = 1, claimed_at = $8, lease_until = $9, "
                       "lease_node = $10 FROM "
                       "unnest($1::bigint[], $2::integer[], $3::smallint[], $4::bigint[], $5::smallint[]) AS "
                       "t(monitor_id, version, kind, number, step) WHERE d.monitor_id = t.monitor_id AND d.version = "
                       "t.version AND d.kind = t.kind AND d.number = t.number AND d.step = t.step AND d.channel_id = "
                       "$6 AND d.state = 1 AND d.message_id IS NULL RETURNING ") +
               kColumns,
           array_of(monitor), array_of(version), array_of(kind), array_of(number), array_of(step),
           rows.front().key.channel.value, id, o_.now.ms, (o_.now + o_.lease).ms, o_.node)) {
    auto read = row_in(row);
    if (!read) return read.error();
    won.push_back(*std::move(read));
  }
  if (won.empty()) return ok();
  std::sort(won.begin(), won.end(),
            [](const Row& a, const Row& b) { return std::pair(a.created_at, a.key) < std::pair(b.created_at, b.key); });
  won.front().lead = true;
  const DeliveryKey& lead = won.front().key;
  tx_.exec_params(
      "UPDATE deliveries SET lead = true WHERE monitor_id = $1 AND version = $2 AND kind = $3 AND number = $4 AND "
      "channel_id = $5 AND step = $6",
      lead.monitor.value, lead.version, static_cast<int>(lead.kind), lead.number, lead.channel.value, lead.step);
  order_.push_back(id);
  taken_.emplace(id, std::move(won));
  return ok();
}

Status Claim::read_facts() {
  std::vector<std::int64_t> monitors, channels, incident_monitor, incident_version;
  for (const auto& [id, rows] : taken_) {
    channels.push_back(rows.front().key.channel.value);
    for (const Row& row : rows) {
      monitors.push_back(row.key.monitor.value);
      if (row.incident) incident_monitor.push_back(row.key.monitor.value), incident_version.push_back(*row.incident);
    }
  }
  for (const pqxx::row& row : tx_.exec_params("SELECT id, name, target, CASE WHEN public_report THEN report_token ELSE "
                                              "'' END FROM monitors WHERE id = ANY "
                                              "($1::bigint[])",
                                              array_of(monitors))) {
    monitors_[row[0].as<std::int64_t>()] = {row[1].c_str(), row[2].c_str(), row[3].c_str()};
  }
  for (const pqxx::row& row : tx_.exec_params(
           "SELECT i.monitor_id, i.version, coalesce(i.link_token, ''), i.ended_at IS NULL FROM incidents i "
           "JOIN unnest($1::bigint[], $2::integer[]) AS t(monitor_id, version) ON i.monitor_id = "
           "t.monitor_id AND i.version = t.version",
           array_of(incident_monitor), array_of(incident_version))) {
    incidents_[{MonitorId{row[0].as<std::int64_t>()}, row[1].as<std::int32_t>()}] = {row[2].c_str(), row[3].as<bool>()};
  }
  for (const pqxx::row& row :
       tx_.exec_params(std::string("SELECT ") + kChannelColumns + " FROM channels c WHERE c.id = ANY ($1::bigint[])",
                       array_of(channels))) {
    auto channel = channel_in(row, *o_.vault);
    if (!channel) return channel.error();
    const ChannelId id = channel->draft.settings.id;
    channels_.emplace(id, *std::move(channel));
  }
  return ok();
}

void put_cause(const Row& row, Alert& alert) {
  if (const auto cause = cause_from_number(row.cause); row.cause != 0 && cause) {
    alert.cause = facts(*cause).slug, alert.cause_english = facts(*cause).english;
  } else if (row.gap >= static_cast<std::int16_t>(GapReason::kOverload) &&
             row.gap <= static_cast<std::int16_t>(GapReason::kPoison)) {
    alert.cause = slug(static_cast<GapReason>(row.gap)), alert.cause_english = "nobody looked: " + alert.cause;
  } else if (row.key.kind == AlertKind::kOurselves) {
    alert.cause = "channel_failing", alert.cause_english = printable(row.detail, 200);
  }
}

Alert Claim::alert_of(const Row& row, bool few) {
  Alert alert;
  alert.kind = row.key.kind;
  put_cause(row, alert);
  alert.detail = printable(row.detail, 200);
  alert.started_at = row.started_at, alert.confirmed_at = row.confirmed_at, alert.ended_at = row.ended_at;
  if (const auto monitor = monitors_.find(row.key.monitor.value); monitor != monitors_.end()) {
    alert.monitor_id = to_string(row.key.monitor);
    alert.monitor_name = printable(monitor->second.name, 200);
    alert.target = printable(monitor->second.target, 2000);
    if (!o_.base_url.empty() && !monitor->second.report_token.empty())
      alert.report_url = o_.base_url + "/report/" + monitor->second.report_token;
  }
  if (row.incident) {
    const IncidentKey key{row.key.monitor, *row.incident};
    alert.incident_id = incident_id(key);
    if (!o_.base_url.empty()) alert.incident_url = o_.base_url + "/app/incidents/" + alert.incident_id;
    const IncidentFacts& incident = incidents_[key];
    const bool asks = row.key.kind == AlertKind::kDown || row.key.kind == AlertKind::kReminder;
    if (asks && few) alert.also_held = held_behind(row.key.monitor);
    if (asks && incident.open && !incident.link_token.empty() && !o_.base_url.empty())
      alert.acknowledge_url = o_.base_url + "/ack/" + incident.link_token;
  }
  if (few && row.confirmed_at && row.key.kind != AlertKind::kUp) {
    const auto found = tx_.exec_params(
        "SELECT body FROM evidence WHERE monitor_id = $1 AND region = 1::smallint AND slot_at >= $2 AND slot_at <= $3 "
        "ORDER BY slot_at DESC, look DESC LIMIT 1",
        row.key.monitor.value, row.started_at.ms - kDayMs, row.confirmed_at->ms);
    if (!found.empty()) alert.evidence = evidence_lines(found[0][0].c_str());
  }
  return alert;
}

// Names of the monitors whose own alerts wait for this one's.
std::vector<std::string> Claim::held_behind(MonitorId parent) {
  std::vector<std::string> names;
  for (const pqxx::row& row : tx_.exec_params(
           "SELECT c.name FROM monitors p JOIN monitors c ON c.account_id = p.account_id AND c.deleted_at IS NULL AND "
           "c.tags @> ARRAY['parent:' || p.slug] WHERE p.id = $1 AND held_by_parent(c.id, $2) AND (EXISTS (SELECT 1 "
           "FROM "
           "incidents i WHERE i.monitor_id = c.id AND i.ended_at IS NULL) OR EXISTS (SELECT 1 FROM standings s WHERE "
           "s.monitor_id = c.id AND s.region = 1::smallint AND s.health <> 3 AND s.pending_since IS NOT NULL)) ORDER "
           "BY "
           "c.name LIMIT 100",
           parent.value, o_.now.ms)) {
    names.push_back(printable(row[0].c_str(), 200));
  }
  return names;
}

// The first mail about the incident to this channel; empty: it is this one, or this one is about several.
std::string Claim::thread_of(const Message& message, const Rows& rows) {
  const auto same = [&](const Row& row) { return row.incident && row.incident == rows.front().incident; };
  if (!std::all_of(rows.begin(), rows.end(), same)) return {};
  const auto found = tx_.exec_params(
      "SELECT message_id FROM deliveries WHERE monitor_id = $1 AND incident = $2 AND channel_id = $3 AND message_id IS "
      "NOT NULL AND state IN (1, 2) ORDER BY claimed_at, kind LIMIT 1",
      rows.front().key.monitor.value, *rows.front().incident, rows.front().key.channel.value);
  if (found.empty() || message.message_id == found[0][0].c_str()) return {};
  return found[0][0].c_str();
}

void Claim::fill(Message& message, Rows& rows) {
  std::sort(rows.begin(), rows.end(),
            [](const Row& a, const Row& b) { return std::pair(a.created_at, a.key) < std::pair(b.created_at, b.key); });
  const auto lead = std::find_if(rows.begin(), rows.end(), [](const Row& row) { return row.lead; });
  const Row& first = lead == rows.end() ? rows.front() : *lead;
  message.id = delivery_id(first.key);
  message.message_id = first.message_id;
  message.attempt = first.attempts;
  message.created_at = rows.front().created_at;
  message.thread_message_id = thread_of(message, rows);
  std::map<IncidentKey, WallTime> ended;
  for (const Row& row : rows) {
    if (row.key.kind == AlertKind::kUp && row.incident && row.ended_at)
      ended[{row.key.monitor, *row.incident}] = *row.ended_at;
  }
  std::map<std::pair<AlertKind, IncidentKey>, bool> said;  // two steps of one DOWN are said once
  for (const Row& row : rows) {
    if (row.incident && !said.try_emplace({row.key.kind, {row.key.monitor, *row.incident}}, true).second) continue;
    Alert alert = alert_of(row, rows.size() <= kEvidenceAlertsMax);
    const auto over = row.incident ? ended.find({row.key.monitor, *row.incident}) : ended.end();
    if (over != ended.end() && !alert.ended_at) alert.ended_at = over->second;
    message.alerts.push_back(std::move(alert));
  }
}

Result<std::vector<Message>> Claim::messages() {
  std::vector<Message> list;
  if (order_.empty()) return list;
  if (Status read = read_facts(); !read) return read.error();
  for (const std::string& id : order_) {
    Rows& rows = taken_[id];
    const auto channel = channels_.find(rows.front().key.channel);
    if (channel == channels_.end()) continue;
    Message message;
    message.channel = channel->second.draft.settings;
    if (!o_.base_url.empty() && message.channel.kind == ChannelKind::kEmail)
      message.channel.unsubscribe_url = o_.base_url + "/unsubscribe/" + channel->second.link_token;
    fill(message, rows);
    list.push_back(std::move(message));
  }
  return list;
}

}  // namespace

std::string host_of_url(const std::string& url) {
  const auto scheme = url.find("://");
  const auto start = scheme == std::string::npos ? std::string::npos : scheme + 3;
  if (start == std::string::npos) return "everup.localdomain";
  const std::string host = url.substr(start, url.find_first_of(":/?#", start) - start);
  const bool name = !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
  return name ? host : "everup.localdomain";
}

Result<std::vector<Message>> claim_messages(pqxx::transaction_base& tx, const ClaimOptions& options) {
  return Claim(tx, options).run();
}

}  // namespace everup::db
