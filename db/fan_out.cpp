// See fan_out.h. Everything of one call is read first (flips, open incidents, what channels were told), decided in
// memory monitor by monitor in the order of versions, and written by a handful of statements over arrays.
#include "db/fan_out.h"

#include <algorithm>
#include <map>
#include <pqxx/pqxx>
#include <set>

#include "core/outcome.h"
#include "core/standing.h"
#include "db/alert_writer.h"
#include "db/random_text.h"
#include "db/rows.h"
#include "db/sql_values.h"

namespace everup::db {
namespace {
constexpr std::size_t kTokenDigits = 26;  // 130 random bits
constexpr int kKnownMax = 100'000;

struct FlipRow {
  std::int32_t version = 0;
  State from = State::kUnknown, to = State::kUnknown;
  WallTime at, settled_at;
  std::int16_t cause = 0, gap = 0;
  std::string detail;
};

// What a channel was told, or is about to be.
struct Told {
  AlertKind kind = AlertKind::kDown;
  std::int32_t version = 0, incident = 0;
  ChannelId channel;
  DeliveryState state = DeliveryState::kPending;
  bool claimed = false;
  WallTime step_at, started_at;
  std::optional<std::size_t> fresh;  // index into Subject::made
};
struct Open {
  std::int32_t version = 0;
  WallTime started_at, confirmed_at;
  std::int16_t cause = 0;
  std::string detail;
  std::optional<std::size_t> fresh;  // index into incidents
};
struct NewIncident {
  MonitorId monitor;
  AccountId account;
  Open facts;
  std::optional<WallTime> ended_at;
};
struct Subject {  // a monitor of this call
  MonitorId id;
  AccountId account;
  std::vector<std::string> tags;
  std::vector<FlipRow> flips;
  std::vector<Told> told;
  std::optional<Open> open;
  std::int32_t last_degraded = 0;  // version of the last flip to degraded
  WallTime held_until;             // end of the maintenance that it is in now; {0}: none
  bool held = false;               // a parent is down
};

class Flips {
 public:
  Flips(AlertWriter& writer) : w_(writer), tx_(writer.tx()) {}  // NOLINT(google-explicit-constructor)

  Result<FannedOut> run() {
    if (Status read = read_flips(); !read) return read.error();
    FannedOut out;
    out.flips = taken_;
    if (taken_ == 0) return out;
    if (Status read = read_state(); !read) return read.error();
    for (auto& [id, subject] : subjects_) {
      for (const FlipRow& flip : subject.flips) judge(subject, flip);
    }
    write_incidents();
    for (std::size_t i = 0; i < made_.size(); ++i) {
      if (!dropped_.contains(i)) w_.add(std::move(made_[i]));
    }
    out.deliveries = w_.flush();
    mark_fanned();
    return out;
  }

 private:
  Status read_flips();
  Status read_state();
  void read_details(const std::string& monitors);
  void judge(Subject& subject, const FlipRow& flip);
  void open_incident(Subject& subject, const FlipRow& flip);
  void tell_down(Subject& subject, const FlipRow& flip);
  void tell_flapping(Subject& subject, const FlipRow& flip, ChannelId channel, const Told& before);
  void close_incident(Subject& subject, const FlipRow& flip);
  void tell_degraded(Subject& subject, const FlipRow& flip);
  void end_degraded(Subject& subject, const FlipRow& flip);
  const Told* told_lately(const Subject& subject, ChannelId channel, std::int32_t version) const;
  NewDelivery draft(const Subject& subject, const FlipRow& flip, AlertKind kind, ChannelId channel) const;
  void make(Subject& subject, NewDelivery&& delivery, const std::optional<std::int32_t>& incident);
  void write_incidents();
  void mark_fanned();

  AlertWriter& w_;
  pqxx::transaction_base& tx_;
  std::map<std::int64_t, Subject> subjects_;
  int taken_ = 0;
  std::vector<std::int64_t> fanned_monitor_, fanned_version_, fanned_region_;
  std::vector<NewIncident> incidents_;
  std::vector<NewDelivery> made_;
  std::set<std::size_t> dropped_;  // of made_
  std::vector<std::int64_t> ended_monitor_, ended_version_, ended_at_, ended_held_;
};

// Whole monitors, so that an UP is never seen without the DOWN before it; by turns, so that an account with one that is
// down does not wait for another's ten thousand.
Status Flips::read_flips() {
  const auto rows = tx_.exec_params(
      "SELECT f.monitor_id, f.version, f.region, f.from_state, f.to_state, f.at, f.settled_at, f.cause, f.gap, "
      "m.account_id, array_to_string(m.tags, ' ') FROM flips f "
      "LEFT JOIN monitors m ON m.id = f.monitor_id AND m.deleted_at IS NULL "
      "WHERE f.fanned_at IS NULL AND f.monitor_id IN (SELECT w.monitor_id FROM (SELECT x.monitor_id, row_number() OVER "
      "(PARTITION BY o.account_id ORDER BY x.recorded_at) AS turn, x.recorded_at FROM flips x LEFT JOIN monitors o ON "
      "o.id = x.monitor_id WHERE x.fanned_at IS NULL ORDER BY turn, x.recorded_at LIMIT $1) w) ORDER BY f.monitor_id, "
      "f.version LIMIT $2",
      kFlipsMonitorsMax, kFlipsMax);
  for (const pqxx::row& row : rows) {
    ++taken_;
    fanned_monitor_.push_back(row[0].as<std::int64_t>()), fanned_version_.push_back(row[1].as<std::int64_t>());
    fanned_region_.push_back(row[2].as<std::int64_t>());
    if (row[9].is_null() || fanned_region_.back() != kLocalRegion) continue;  // deleted: nobody is told
    const auto from = state_in(row[3].as<std::int64_t>()), to = state_in(row[4].as<std::int64_t>());
    if (!from || !to) return from ? to.error() : from.error();
    Subject& subject = subjects_[fanned_monitor_.back()];
    subject.id.value = fanned_monitor_.back(), subject.account.value = row[9].as<std::int64_t>();
    subject.tags = words_of(row[10].c_str());
    subject.flips.push_back({row[1].as<std::int32_t>(), *from, *to, WallTime{row[5].as<std::int64_t>()},
                             WallTime{row[6].as<std::int64_t>()}, row[7].as<std::int16_t>(), row[8].as<std::int16_t>(),
                             std::string()});
  }
  return ok();
}

// The words of the look that settled each flip to down or degraded.
void Flips::read_details(const std::string& monitors) {
  for (const pqxx::row& row : tx_.exec_params(
           "SELECT f.monitor_id, f.version, r.detail FROM flips f CROSS JOIN LATERAL (SELECT x.detail FROM (SELECT * "
           "FROM "
           "results UNION ALL SELECT * FROM results_late) x "
           "WHERE x.monitor_id = f.monitor_id AND x.region = 1::smallint AND x.verdict = f.to_state AND "
           "x.slot_at >= f.at - 86400000 AND x.slot_at <= f.settled_at AND x.slot_at + x.start_ms <= f.settled_at "
           "ORDER BY x.slot_at DESC, x.look DESC LIMIT 1) r "
           "WHERE f.monitor_id = ANY ($1::bigint[]) AND f.region = 1::smallint AND f.fanned_at IS NULL AND f.to_state "
           "IN (2, 3) AND r.detail IS NOT NULL",
           monitors)) {
    for (FlipRow& flip : subjects_[row[0].as<std::int64_t>()].flips) {
      if (flip.version == row[1].as<std::int32_t>()) flip.detail = row[2].c_str();
    }
  }
}

Status Flips::read_state() {
  std::vector<std::int64_t> ids, first;
  std::set<std::int64_t> accounts;
  for (const auto& [id, subject] : subjects_) {
    ids.push_back(id), first.push_back(subject.flips.front().version), accounts.insert(subject.account.value);
  }
  if (ids.empty()) return ok();
  const std::string monitors = array_of(ids);
  if (Status loaded = w_.load({accounts.begin(), accounts.end()}); !loaded) return loaded;
  for (const pqxx::row& row : tx_.exec_params(
           "SELECT monitor_id, version, started_at, confirmed_at, cause, detail FROM incidents WHERE monitor_id = ANY "
           "($1::bigint[]) AND ended_at IS NULL FOR UPDATE",
           monitors)) {
    subjects_[row[0].as<std::int64_t>()].open = Open{row[1].as<std::int32_t>(),
                                                     WallTime{row[2].as<std::int64_t>()},
                                                     WallTime{row[3].as<std::int64_t>()},
                                                     row[4].as<std::int16_t>(),
                                                     row[5].c_str(),
                                                     std::nullopt};
  }
  for (const pqxx::row& row : tx_.exec_params(
           "SELECT t.monitor_id, max(f.version) FROM unnest($1::bigint[], $2::bigint[]) AS t(monitor_id, first) "
           "JOIN flips f ON f.monitor_id = t.monitor_id AND f.region = 1::smallint AND f.version < t.first "
           "WHERE f.to_state = 2 GROUP BY t.monitor_id",
           monitors, array_of(first))) {
    subjects_[row[0].as<std::int64_t>()].last_degraded = row[1].as<std::int32_t>();
  }
  for (const pqxx::row& row : tx_.exec_params(
           "SELECT d.monitor_id, d.kind, d.version, coalesce(d.incident, 0), d.channel_id, d.state, d.message_id IS "
           "NOT NULL, d.step_at, d.started_at FROM deliveries d WHERE d.monitor_id = ANY ($1::bigint[]) AND "
           "((d.kind = 1 AND (d.step_at > $2 OR EXISTS (SELECT 1 FROM incidents i WHERE i.monitor_id = d.monitor_id "
           "AND i.version = d.incident AND i.ended_at IS NULL))) OR (d.kind = 3 AND d.state <> 4)) "
           "ORDER BY d.monitor_id, d.version DESC LIMIT $3",
           monitors, (w_.now() - kFlappingWindow).ms, kKnownMax)) {
    const auto kind = alert_kind(row[1].as<std::int64_t>());
    const auto state = delivery_state(row[5].as<std::int64_t>());
    if (!kind || !state) return Error{ErrorCode::kCorrupt, "deliveries: unknown kind or state"};
    subjects_[row[0].as<std::int64_t>()].told.push_back(
        {*kind, row[2].as<std::int32_t>(), row[3].as<std::int32_t>(), ChannelId{row[4].as<std::int64_t>()}, *state,
         row[6].as<bool>(), WallTime{row[7].as<std::int64_t>()}, WallTime{row[8].as<std::int64_t>()}, std::nullopt});
  }
  for (const pqxx::row& row :
       tx_.exec_params("SELECT monitor, until FROM monitors_in_maintenance($1::bigint[], $2)", monitors, w_.now().ms)) {
    subjects_[row[0].as<std::int64_t>()].held_until = WallTime{row[1].as<std::int64_t>()};
  }
  for (const pqxx::row& row : tx_.exec_params("SELECT h.id FROM monitors h WHERE h.id = ANY ($1::bigint[]) AND "
                                              "array_to_string(h.tags, ' ') LIKE '%parent:%' "
                                              "AND held_by_parent(h.id, $2)",
                                              monitors, w_.now().ms)) {
    subjects_[row[0].as<std::int64_t>()].held = true;
  }
  read_details(monitors);
  return ok();
}

void Flips::judge(Subject& subject, const FlipRow& flip) {
  if (flip.to == State::kDown) {
    open_incident(subject, flip);
    tell_down(subject, flip);
    return;
  }
  if (subject.open) close_incident(subject, flip);
  if (flip.from == State::kDegraded) end_degraded(subject, flip);
  if (flip.to == State::kDegraded) {
    subject.last_degraded = flip.version;
    tell_degraded(subject, flip);
  }
}

void Flips::open_incident(Subject& subject, const FlipRow& flip) {
  if (subject.open) close_incident(subject, flip);  // cannot be; but two may never be open
  subject.open = Open{flip.version, flip.at, flip.settled_at, flip.cause, flip.detail, incidents_.size()};
  incidents_.push_back({subject.id, subject.account, *subject.open, std::nullopt});
}

NewDelivery Flips::draft(const Subject& subject, const FlipRow& flip, AlertKind kind, ChannelId channel) const {
  NewDelivery d;
  d.key = {subject.id, flip.version, kind, 0, channel, 0};
  d.account = subject.account;
  d.cause = flip.cause, d.gap = flip.gap, d.detail = flip.detail;
  d.started_at = flip.at, d.confirmed_at = flip.settled_at;
  const bool news = kind == AlertKind::kDown || kind == AlertKind::kDegraded || kind == AlertKind::kSecurity;
  d.step_at = news ? std::max(w_.now(), subject.held_until) : w_.now();
  return d;
}

void Flips::make(Subject& subject, NewDelivery&& delivery, const std::optional<std::int32_t>& incident) {
  delivery.incident = incident;
  subject.told.push_back({delivery.key.kind, delivery.key.version, incident.value_or(0), delivery.key.channel,
                          DeliveryState::kPending, false, delivery.step_at, delivery.started_at, made_.size()});
  made_.push_back(std::move(delivery));
}

// The newest DOWN of a former outage that this channel was told, or will be, within the window before now.
const Told* Flips::told_lately(const Subject& subject, ChannelId channel, std::int32_t version) const {
  const Told* newest = nullptr;
  for (const Told& told : subject.told) {
    const bool counts = told.kind == AlertKind::kDown && told.channel == channel && told.version != version &&
                        told.state != DeliveryState::kDropped && told.state != DeliveryState::kFailed &&
                        told.step_at > w_.now() - kFlappingWindow;
    if (counts && (newest == nullptr || told.step_at > newest->step_at)) newest = &told;
  }
  return newest;
}

void Flips::tell_flapping(Subject& subject, const FlipRow& flip, ChannelId channel, const Told& before) {
  NewDelivery note = draft(subject, flip, AlertKind::kFlapping, channel);
  note.key.version = before.version;  // one note for each pair that was told
  note.detail = "it went down again within 10 minutes; what follows is told when they are over";
  make(subject, std::move(note), std::nullopt);
}

void Flips::tell_down(Subject& subject, const FlipRow& flip) {
  for (const PlannedStep& step : w_.plan(subject.account, subject.id, subject.tags, AlertKind::kDown)) {
    NewDelivery d = draft(subject, flip, AlertKind::kDown, step.channel);
    if (const Told* before = told_lately(subject, step.channel, flip.version)) {
      d.step_at = std::max(d.step_at, before->step_at + kFlappingWindow);
      if (step.step == 0) tell_flapping(subject, flip, step.channel, *before);
    }
    d.key.step = step.step, d.remind_s = step.remind_s;
    d.step_at = d.step_at + milliseconds(std::int64_t{step.delay_s} * 1000);
    make(subject, std::move(d), flip.version);
  }
}

void Flips::close_incident(Subject& subject, const FlipRow& flip) {
  const Open open = *subject.open;
  subject.open.reset();
  const WallTime ended{std::max(flip.at.ms, open.started_at.ms)};
  if (open.fresh) {
    incidents_[*open.fresh].ended_at = ended;
  } else {
    ended_monitor_.push_back(subject.id.value), ended_version_.push_back(open.version), ended_at_.push_back(ended.ms);
    ended_held_.push_back(subject.held ? 1 : 0);
  }
  std::set<ChannelId> listeners;
  for (Told& told : subject.told) {
    if (told.kind != AlertKind::kDown || told.incident != open.version) continue;
    const bool waiting = told.state == DeliveryState::kPending && !told.claimed;
    if (waiting && (told.step_at > w_.now() || subject.held)) {
      told.state = DeliveryState::kDropped;  // those in the database: write_incidents()
      if (told.fresh) dropped_.insert(*told.fresh);
    } else if (told.state == DeliveryState::kPending || told.state == DeliveryState::kSent) {
      listeners.insert(told.channel);
    }
  }
  for (const ChannelId channel : listeners) {
    if (!w_.channel_on(subject.account, channel)) continue;
    NewDelivery d = draft(subject, flip, AlertKind::kUp, channel);
    d.cause = open.cause, d.gap = 0;
    d.detail = flip.to == State::kDegraded ? "degraded: " + flip.detail : std::string();
    d.started_at = open.started_at, d.confirmed_at = open.confirmed_at, d.ended_at = ended;
    make(subject, std::move(d), open.version);
  }
}

void Flips::tell_degraded(Subject& subject, const FlipRow& flip) {
  const bool heartbleed = flip.cause == static_cast<std::int16_t>(Cause::kTlsHeartbleed);
  const AlertKind kind = heartbleed ? AlertKind::kSecurity : AlertKind::kDegraded;
  for (const PlannedStep& step : w_.plan(subject.account, subject.id, subject.tags, kind))
    make(subject, draft(subject, flip, kind, step.channel), std::nullopt);
}

// Its end is told to whom its begin was; what has not left yet is not told at all.
void Flips::end_degraded(Subject& subject, const FlipRow& flip) {
  std::vector<Told> begun;
  for (Told& told : subject.told) {
    if (told.kind != AlertKind::kDegraded || told.version != subject.last_degraded) continue;
    if (told.state == DeliveryState::kPending && !told.claimed) {
      if (told.fresh) dropped_.insert(*told.fresh);
      if (!told.fresh) {
        tx_.exec_params(
            "UPDATE deliveries SET state = 4, reason = 'over', done_at = $4 WHERE monitor_id = $1 AND version = $2 AND "
            "kind = 3 AND channel_id = $3 AND state = 1 AND message_id IS NULL",
            subject.id.value, told.version, told.channel.value, w_.now().ms);
      }
      told.state = DeliveryState::kDropped;
    } else if (told.state == DeliveryState::kPending || told.state == DeliveryState::kSent) {
      begun.push_back(told);
    }
  }
  if (flip.to != State::kUp) return;
  for (const Told& told : begun) {
    if (!w_.channel_on(subject.account, told.channel)) continue;
    NewDelivery d = draft(subject, flip, AlertKind::kUp, told.channel);
    d.detail.clear();
    d.started_at = told.started_at, d.confirmed_at.reset(), d.ended_at = flip.at;
    make(subject, std::move(d), std::nullopt);
  }
}

void Flips::write_incidents() {
  if (!ended_monitor_.empty()) {
    const std::string monitors = array_of(ended_monitor_), versions = array_of(ended_version_);
    tx_.exec_params(
        "UPDATE incidents i SET ended_at = t.at FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS t(monitor_id, "
        "version, at) WHERE i.monitor_id = t.monitor_id AND i.version = t.version AND i.ended_at IS NULL",
        monitors, versions, array_of(ended_at_));
    tx_.exec_params(
        "UPDATE deliveries d SET state = 4, reason = 'over', done_at = $3 FROM unnest($1::bigint[], $2::bigint[], "
        "$4::boolean[]) AS t(monitor_id, version, held) WHERE d.monitor_id = t.monitor_id AND d.incident = t.version "
        "AND d.state = 1 AND "
        "d.message_id IS NULL AND (d.kind = 8 OR (d.kind = 1 AND (d.step_at > $3 OR t.held)))",
        monitors, versions, w_.now().ms, array_of(ended_held_));
  }
  if (incidents_.empty()) return;
  std::vector<std::int64_t> monitor, version, account, started, confirmed, cause;
  std::vector<std::optional<std::string>> ended;
  std::vector<std::string> detail, token;
  for (const NewIncident& i : incidents_) {
    monitor.push_back(i.monitor.value), version.push_back(i.facts.version), account.push_back(i.account.value);
    started.push_back(i.facts.started_at.ms), confirmed.push_back(i.facts.confirmed_at.ms);
    cause.push_back(i.facts.cause), detail.push_back(i.facts.detail), token.push_back(random_base32(kTokenDigits));
    ended.push_back(i.ended_at ? std::optional(std::to_string(i.ended_at->ms)) : std::nullopt);
  }
  tx_.exec_params(
      "INSERT INTO incidents (monitor_id, version, account_id, started_at, confirmed_at, ended_at, cause, detail, "
      "link_token) SELECT * FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], "
      "$6::bigint[], $7::smallint[], $8::text[], $9::text[]) AS t ON CONFLICT DO NOTHING",
      array_of(monitor), array_of(version), array_of(account), array_of(started), array_of(confirmed), array_of(ended),
      array_of(cause), array_of(detail), array_of(token));
}

void Flips::mark_fanned() {
  tx_.exec_params(
      "UPDATE flips f SET fanned_at = $4 FROM unnest($1::bigint[], $2::integer[], $3::smallint[]) AS t(monitor_id, "
      "version, region) WHERE f.monitor_id = t.monitor_id AND f.version = t.version AND f.region = t.region",
      array_of(fanned_monitor_), array_of(fanned_version_), array_of(fanned_region_), w_.now().ms);
}

// The end of this transaction releases it.
bool only_one(pqxx::transaction_base& tx) {
  return tx.exec1("SELECT pg_try_advisory_xact_lock(hashtextextended('everup.fan_out', 0))")[0].as<bool>();
}

}  // namespace

Result<FannedOut> fan_out_flips(pqxx::transaction_base& tx, const Vault& vault, const Zones& zones, WallTime now) {
  if (!only_one(tx)) return FannedOut{true, 0, 0};
  AlertWriter writer(tx, vault, zones, now);
  return Flips(writer).run();
}

namespace {

// Something about a monitor that is no flip, told once: `number` tells it apart.
struct Notice {
  MonitorId monitor;
  AccountId account;
  std::vector<std::string> tags;
  std::int64_t number = 0;
  std::int16_t cause = 0, gap = 0;
  std::string detail;
  WallTime started_at;
};

Result<FannedOut> tell_notices(pqxx::transaction_base& tx, AlertWriter& writer, AlertKind kind,
                               const std::vector<Notice>& notices) {
  FannedOut out;
  if (notices.empty()) return out;
  std::vector<std::int64_t> monitors, numbers;
  std::set<std::int64_t> accounts;
  for (const Notice& notice : notices) {
    monitors.push_back(notice.monitor.value), numbers.push_back(notice.number), accounts.insert(notice.account.value);
  }
  std::set<std::pair<std::int64_t, std::int64_t>> fresh;
  for (const pqxx::row& row : tx.exec_params(
           "INSERT INTO alert_marks (monitor_id, kind, number, at) SELECT t.monitor_id, $3::smallint, t.number, "
           "$4::bigint FROM unnest($1::bigint[], $2::bigint[]) AS t(monitor_id, number) ON CONFLICT DO NOTHING "
           "RETURNING monitor_id, number",
           array_of(monitors), array_of(numbers), static_cast<int>(kind), writer.now().ms)) {
    fresh.emplace(row[0].as<std::int64_t>(), row[1].as<std::int64_t>());
  }
  if (Status loaded = writer.load({accounts.begin(), accounts.end()}); !loaded) return loaded.error();
  for (const Notice& notice : notices) {
    if (!fresh.contains({notice.monitor.value, notice.number})) continue;
    ++out.flips;
    for (const PlannedStep& step : writer.plan(notice.account, notice.monitor, notice.tags, kind)) {
      NewDelivery d;
      d.key = {notice.monitor, 0, kind, notice.number, step.channel, 0};
      d.account = notice.account;
      d.cause = notice.cause, d.gap = notice.gap, d.detail = notice.detail, d.started_at = notice.started_at;
      d.step_at = writer.now();
      writer.add(std::move(d));
    }
  }
  out.deliveries = writer.flush();
  return out;
}

// Days before its end at which a certificate is spoken of; of one that lives shorter than 90 days in proportion.
constexpr std::array<int, 5> kThresholds{30, 14, 7, 3, 1};

// The smallest threshold that is reached, 0: none.
int reached(const SeenCertificate& certificate, WallTime now) {
  const std::int64_t life = (certificate.not_after - certificate.not_before).count(), scale = 90 * kDayMs;
  int smallest = 0;
  for (const int days : kThresholds) {
    const std::int64_t before =
        life > 0 && life < scale ? days * kDayMs / 90 * (life / 1000) / (kDayMs / 1000) : std::int64_t{days} * kDayMs;
    if (now.ms >= certificate.not_after.ms - before) smallest = days;
  }
  return smallest;
}

std::string certificate_words(const SeenCertificate& certificate, WallTime now) {
  const std::int64_t left = (certificate.not_after - now).count();
  const std::string until = rfc3339(WallTime{certificate.not_after.ms / 1000 * 1000});
  if (left <= 0) return "the certificate ended at " + until;
  const std::int64_t days = left / kDayMs;
  return "the certificate ends at " + until + ", in " +
         (days > 0 ? std::to_string(days) + (days == 1 ? " day" : " days")
                   : std::to_string(left / 3'600'000) + " hours");
}

}  // namespace

Result<FannedOut> fan_out_unknown(pqxx::transaction_base& tx, const Vault& vault, const Zones& zones, WallTime now) {
  if (!only_one(tx)) return FannedOut{true, 0, 0};
  AlertWriter writer(tx, vault, zones, now);
  std::vector<Notice> notices;
  for (const pqxx::row& row : tx.exec_params(
           "SELECT s.monitor_id, m.account_id, array_to_string(m.tags, ' '), s.booked_since, coalesce(p.cause, 0), "
           "coalesce(p.gap, 0) FROM standings s JOIN monitors m ON m.id = s.monitor_id AND m.deleted_at IS NULL AND "
           "NOT m.paused LEFT JOIN spans p ON p.monitor_id = s.monitor_id AND p.region = s.region AND p.to_at IS NULL "
           "WHERE s.booked = 4 AND s.region = 1::smallint AND s.booked_since > 0 AND "
           "greatest(s.booked_since, m.revised_at) <= $1::bigint - greatest($2::bigint, m.interval_s * 3000::bigint) "
           "AND NOT EXISTS (SELECT 1 FROM alert_marks a WHERE a.monitor_id = s.monitor_id AND a.kind = 4 AND a.number "
           "= s.booked_since) AND NOT (coalesce(p.gap, 0) = 5 OR (coalesce(p.cause, 0) IN (11, 24, 101) AND EXISTS "
           "(SELECT 1 FROM blindness b WHERE s.booked_since BETWEEN b.from_at - $2::bigint AND coalesce(b.to_at, $1) + "
           "$2::bigint AND coalesce(b.to_at, $1) + $2::bigint > $1))) ORDER BY s.monitor_id LIMIT $3",
           now.ms, kUnknownAfter.count(), kFlipsMonitorsMax)) {
    notices.push_back({MonitorId{row[0].as<std::int64_t>()}, AccountId{row[1].as<std::int64_t>()},
                       words_of(row[2].c_str()), row[3].as<std::int64_t>(), row[4].as<std::int16_t>(),
                       row[5].as<std::int16_t>(), "nobody could judge it since", WallTime{row[3].as<std::int64_t>()}});
    notices.back().detail = "no verdict since " + rfc3339(WallTime{notices.back().started_at.ms / 1000 * 1000});
  }
  return tell_notices(tx, writer, AlertKind::kUnknown, notices);
}

Result<FannedOut> fan_out_certificates(pqxx::transaction_base& tx, const Vault& vault, const Zones& zones, WallTime now,
                                       std::int64_t& after, int most) {
  if (!only_one(tx)) return FannedOut{true, 0, 0};
  AlertWriter writer(tx, vault, zones, now);
  std::vector<Notice> notices;
  const auto rows = tx.exec_params(
      "SELECT m.id, m.account_id, array_to_string(m.tags, ' '), e.body FROM (SELECT x.id, x.account_id, x.tags FROM "
      "monitors x WHERE x.id > $1 AND x.deleted_at IS NULL AND NOT x.paused ORDER BY x.id LIMIT $2) m LEFT JOIN "
      "LATERAL (SELECT v.body FROM evidence v WHERE v.monitor_id = m.id AND v.region = 1::smallint AND v.slot_at > $3 "
      "AND v.slot_at <= $4 AND v.body ? 'certificate' ORDER BY v.slot_at DESC, v.look DESC LIMIT 1) e ON true ORDER BY "
      "m.id",
      after, most, now.ms - 2 * kDayMs, now.ms + kDayMs);
  for (const pqxx::row& row : rows) {
    if (row[3].is_null()) continue;
    const auto certificate = certificate_in(row[3].c_str());
    const int days = certificate ? reached(*certificate, now) : 0;
    if (days == 0) continue;
    // 48 bits of the certificate's digest, then the threshold.
    const std::int64_t serial = std::stoll(certificate->sha256.substr(0, 12), nullptr, 16);
    notices.push_back({MonitorId{row[0].as<std::int64_t>()}, AccountId{row[1].as<std::int64_t>()},
                       words_of(row[2].c_str()), serial * 256 + days,
                       static_cast<std::int16_t>(Cause::kCertificateExpiring), 0, certificate_words(*certificate, now),
                       certificate->not_after});
  }
  after = static_cast<int>(rows.size()) < most ? 0 : rows[rows.size() - 1][0].as<std::int64_t>();
  return tell_notices(tx, writer, AlertKind::kCertificate, notices);
}

}  // namespace everup::db
