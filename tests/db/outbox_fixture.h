// Two accounts with a monitor each, flips as the recorder writes them, and an outbox under the worker's role.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "db/alert_keys.h"
#include "db/outbox.h"
#include "tests/db/store_fixture.h"
#include "zone/zones.h"

namespace everup::db {

class OutboxTest : public StoreTest {
 protected:
  OutboxTest() {
    s.partition(kNoon);
    mine = test::must(s.monitors.create(s.a, draft_of("https://shop.example/", "Shop")));
    theirs = test::must(s.monitors.create(s.b, draft_of("https://other.example/", "Other")));
  }
  OutboxOptions options() { return {worker.get(), s.vault, &s.clock, &zones, "https://everup.example"}; }
  // A flip of `to` (and what was before it) settled now.
  void flip(const Monitor& monitor, int version, int from, int to, int cause = 20) {
    const std::string now = std::to_string(s.clock.at.ms);
    s.database.sql(
        "INSERT INTO flips (monitor_id, version, region, from_state, to_state, at, settled_at, cause, "
        "recorded_at) VALUES (" +
        std::to_string(monitor.id.value) + "," + std::to_string(version) + ",1," + std::to_string(from) + "," +
        std::to_string(to) + "," + now + "-20000," + now + "," + std::to_string(cause) + "," + now + ")");
  }
  void down(const Monitor& monitor, int version) { flip(monitor, version, 1, 3); }
  void up(const Monitor& monitor, int version) { flip(monitor, version, 3, 1, 1); }
  void pass(std::int64_t seconds) { s.clock.at.ms += seconds * 1000; }
  void fan_out() { ASSERT_TRUE(outbox.fan_out()); }
  std::vector<Message> claim(int most = 100) { return test::must(outbox.claim(most, milliseconds(60'000), {})); }
  // Fans out and claims, both must work.
  std::vector<Message> told(int most = 100) {
    const Status fanned = outbox.fan_out();
    if (!fanned) throw std::runtime_error(fanned.error().what);
    return claim(most);
  }
  Attempt attempt(AttemptResult result, const std::string& reply = "250 2.0.0 Ok: queued as 4F1") {
    return {s.clock.at, "smtp://relay.example:587", reply, "TLSv1.3", "4F1", result};
  }
  void finish(const Message& message, AttemptResult result = AttemptResult::kSent,
              std::optional<WallTime> retry_at = std::nullopt) {
    const Status done = outbox.finish(message, {attempt(result)}, retry_at);
    ASSERT_TRUE(done) << done.error().what;
  }
  void finish_all(const std::vector<Message>& messages) {
    for (const Message& message : messages) finish(message);
  }
  std::string value(const std::string& sql) { return s.database.sql(sql)[0][0].c_str(); }
  static std::vector<AlertKind> kinds(const std::vector<Message>& messages) {
    std::vector<AlertKind> list;
    for (const Message& message : messages) {
      for (const Alert& alert : message.alerts) list.push_back(alert.kind);
    }
    return list;
  }
  // A channel with a fixed number as id; a policy that names channels by delay.
  ChannelId channel(AccountId account, std::int64_t id, int kind = 2, const std::string& more = "") {
    s.database.sql(
        "INSERT INTO channels (id, account_id, name, kind, address, url, link_token, created_at, updated_at) "
        "VALUES (" +
        std::to_string(id) + "," + std::to_string(account.value) + ",'c" + std::to_string(id) + "'," +
        std::to_string(kind) + ",'ops@example.com','https://hook.example/','token-of-channel-" + std::to_string(id) +
        "',1,1)");
    if (!more.empty()) s.database.sql("UPDATE channels SET " + more + " WHERE id = " + std::to_string(id));
    return ChannelId{id};
  }
  void policy(AccountId account, std::int64_t id, const std::string& delays, const std::string& channels,
              const std::string& more = "") {
    s.database.sql(
        "INSERT INTO alert_policies (id, account_id, name, kinds, delays_s, channels, created_at, "
        "updated_at) VALUES (" +
        std::to_string(id) + "," + std::to_string(account.value) + ",'p','{1,4,5,6}','{" + delays + "}','{" + channels +
        "}',1,1)");
    if (!more.empty()) s.database.sql("UPDATE alert_policies SET " + more + " WHERE id = " + std::to_string(id));
  }

  std::unique_ptr<Pool> worker = s.database.pool(Role::kWorker, 3);
  TzdbZones zones;
  Monitor mine, theirs;
  AlertOutbox outbox{options()};
};

}  // namespace everup::db
