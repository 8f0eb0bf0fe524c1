#include "bench/faults/audit.h"

#include <fmt/format.h>

#include <chrono>
#include <stdexcept>
#include <vector>

namespace everup::bench {

void audit_slots(Run& run, House& house, const CountingTarget& target, const Audit& audit, std::int64_t from_ms,
                 std::int64_t to_ms) {
  if (!house.settled(to_ms)) throw std::runtime_error("the shards' marks do not move");
  const auto slots = house.slots(from_ms, to_ms);
  const auto seen = lateness(target.arrivals(), house.watched(), from_ms, to_ms);
  const bool all =
      audit.gaps_allowed ? slots.missing == 0 && slots.results > 0 : slots.results == slots.slots && seen.missed == 0;
  run.found({audit.injected,
             fmt::format("{} slots: {} results, {} missed, {} in gaps, {} not booked, {} twice; the target saw {} "
                         "requests, {} slots without one",
                         slots.slots, slots.results, slots.missed, slots.in_gaps, slots.missing, slots.doubled,
                         seen.requests, seen.missed),
             audit.gaps_allowed ? "every slot booked, none twice" : "a result for every slot, none twice",
             slots.slots > 0 && all && (audit.doubles_allowed || slots.doubled == 0)});
  const auto rows = house.sql(
      "SELECT count(*), count(DISTINCT (monitor_id, region, slot_at, look)), count(*) FILTER (WHERE detail IS NOT "
      "NULL) "
      "FROM results");
  run.note("rows | keys | with trouble: " + rows);
}

void audit_spans(Run& run, House& house, const std::string& injected) {
  const auto text = house.sql(
      "WITH s AS (SELECT monitor_id, from_at, to_at, lead(from_at) OVER (PARTITION BY monitor_id, region ORDER BY "
      "from_at) AS next_from FROM spans), "
      "o AS (SELECT count(*) FILTER (WHERE to_at > next_from OR to_at IS NULL AND next_from IS NOT NULL) AS overlap, "
      "count(*) FILTER (WHERE to_at < next_from) AS holes, "
      "count(*) FILTER (WHERE next_from IS NULL AND to_at IS NOT NULL) AS unended FROM s), "
      "b AS (SELECT count(*) AS strays FROM monitors m WHERE (SELECT min(from_at) FROM spans p WHERE p.monitor_id = "
      "m.id) IS DISTINCT FROM (SELECT min(slot_at + start_ms) FROM results r WHERE r.monitor_id = m.id AND "
      "verdict > 0)), "
      "d AS (SELECT count(*) AS apart FROM standings t FULL JOIN (SELECT * FROM spans WHERE to_at IS NULL) p USING "
      "(monitor_id, region) WHERE p.state IS DISTINCT FROM t.booked OR p.from_at IS DISTINCT FROM t.booked_since) "
      "SELECT overlap, holes, unended, strays, apart FROM o, b, d");
  run.found({injected, "spans: overlaps|holes|no open one|not from the first look on|standing differs = " + text,
             "0|0|0|0|0", text == "0|0|0|0|0"});
}

void audit_no_down(Run& run, House& house, const std::string& injected) {
  const auto text =
      house.sql("SELECT (SELECT count(*) FROM flips WHERE to_state = 3), (SELECT count(*) FROM spans WHERE state = 3)");
  run.found({injected, "flips to down|spans down = " + text, "0|0", text == "0|0"});
  const auto looks = house.count("SELECT count(*) FROM results WHERE verdict = 3");
  const auto told =
      looks == 0
          ? ""
          : house.sql(
                "SELECT cause, detail, count(*) FROM results WHERE verdict = 3 GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 5");
  // A single look may time out where the target itself is starved: confirmation is there for that. The long form wants
  // none.
  if (run.options().brief) return run.note(fmt::format("{} looks down; cause|detail|how many: {}", looks, told));
  run.found({injected, fmt::format("{} looks down {}", looks, told), "0", looks == 0});
}

void audit_lateness(Run& run, House& house, const CountingTarget& target, const std::string& injected,
                    std::int64_t from_ms, std::int64_t to_ms, double p99_ms_max) {
  const auto late = lateness(target.arrivals(), house.watched(), from_ms, to_ms);
  const auto text = fmt::format("lateness of {} looks: p50 {:.1f}, p99 {:.1f}, max {:.1f} ms", late.requests,
                                late.p50_ms, late.p99_ms, late.max_ms);
  if (run.options().brief) return run.note(text);
  run.found({injected, text, fmt::format("p99 <= {:.0f} ms", p99_ms_max), late.p99_ms <= p99_ms_max});
}

void add_healthy(House& house, const CountingTarget& target, int count, int interval_s) {
  std::vector<Json> monitors;
  for (int i = 0; i < count; ++i) {
    monitors.push_back({{"target", target.url(house.next_number() + i)},
                        {"interval_s", interval_s},
                        {"timeout_ms", 2000},
                        {"confirm", {{"failures", 2}, {"successes", 2}, {"retry_s", 1}}}});
  }
  house.add(monitors);
  const auto all = static_cast<std::int64_t>(house.watched().size());
  if (!test::until([&] { return house.count("SELECT count(*) FROM standings WHERE health = 1") >= all; })) {
    throw std::runtime_error("the monitors do not come up");
  }
}

bool amended(House& house) {
  return test::until([&] { return house.count("SELECT count(*) FROM late_observations") == 0; },
                     std::chrono::seconds(120));
}

}  // namespace everup::bench
