// Observations, conclusions and batches for the suites of the recorder.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/ports.h"
#include "core/schedule.h"
#include "db/batch.h"

namespace everup::db::test {

inline constexpr std::int64_t kNoonMs = 1'795'000'000'000;  // an instant in November 2026

inline Observation look_of(std::int64_t monitor, std::int64_t slot_ms, Verdict verdict = Verdict::kUp,
                           std::int32_t look = 0) {
  Observation o;
  o.monitor = MonitorId{monitor};
  o.epoch = 1, o.since_epoch = 1;
  o.slot_at = WallTime{slot_ms};
  o.started_at = WallTime{slot_ms + 7};
  o.look = look;
  o.verdict = verdict;
  o.cause = verdict == Verdict::kUp ? Cause::kOk : Cause::kConnectRefused;
  o.phase = verdict == Verdict::kUp ? Phase::kNone : Phase::kConnect;
  o.timings = {120, 340, -1, 5600, 70, 6130};
  o.code = verdict == Verdict::kUp ? 200 : 0;
  if (verdict != Verdict::kUp) o.detail = "connection refused by 192.0.2.1:80";
  return o;
}

inline Conclusion conclusion_of(std::int32_t before, State to, std::int64_t at_ms, State from = State::kUnknown) {
  Conclusion c;
  c.version_before = before, c.version_after = before + 1;
  c.health = to, c.booked = to;
  c.health_since = WallTime{at_ms}, c.booked_since = WallTime{at_ms};
  Reason reason;
  if (to == State::kDown) reason.cause = static_cast<std::int16_t>(Cause::kConnectRefused);
  c.edges.push_back({WallTime{at_ms}, to, reason});
  c.flip = Flip{from, to, WallTime{at_ms}, WallTime{at_ms + 20'000}, reason};
  return c;
}

// Everything that the codec knows, in one batch.
inline Batch rich_batch() {
  Batch batch;
  batch.closed_at = WallTime{kNoonMs};
  for (std::int64_t i = 0; i < 5; ++i) batch.observations.push_back(look_of(1000 + i * 77, kNoonMs - 1000 + i));
  Observation down = look_of(5'000'000'000'000, kNoonMs - 500, Verdict::kDown, 2);
  down.trigger = Trigger::kConfirm;
  down.conclusion = conclusion_of(3, State::kDown, kNoonMs - 30'000, State::kUp);
  down.conclusion->pending_since = WallTime{kNoonMs - 1};
  down.conclusion->edges.push_back({WallTime{kNoonMs - 100}, State::kUnknown, Reason{0, 5}});
  down.certificate_not_after = WallTime{kNoonMs + 90 * kDayMs};
  down.command = CommandId{77};
  batch.observations.push_back(std::move(down));
  Observation missed = look_of(42, kNoonMs - 60'000);
  missed.missed = GapReason::kOverload;
  missed.started_at = missed.slot_at;
  missed.verdict = Verdict::kInconclusive, missed.cause = Cause::kInternal, missed.code = 0, missed.timings = {};
  batch.observations.push_back(std::move(missed));
  batch.evidence.push_back({5, R"({"address":"192.0.2.1:80"})"});
  batch.gaps.push_back(
      {kLocalRegion, 17, MonitorId{}, {WallTime{kNoonMs - 9000}, WallTime{kNoonMs - 1000}}, GapReason::kBlind});
  batch.gaps.push_back(
      {kLocalRegion, -1, MonitorId{42}, {WallTime{kNoonMs - 9000}, WallTime{kNoonMs}}, GapReason::kPoison});
  batch.marks.push_back({kLocalRegion, 17, 9, 4, WallTime{kNoonMs - 3}});
  batch.resync.push_back({MonitorId{99}, kLocalRegion, WallTime{kNoonMs - 70'000}});
  return batch;
}

}  // namespace everup::db::test
