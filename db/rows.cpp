// See rows.h.
#include "db/rows.h"

#include <pqxx/row>

#include "core/standing.h"

namespace everup::db {

const char* const kResultColumns =
    "r.monitor_id, r.region, r.slot_at, r.start_ms, r.look, r.covered, r.revision, r.trigger, r.verdict, r.cause, "
    "r.phase, r.dns_us, "
    "r.connect_us, r.tls_us, r.wait_us, r.transfer_us, r.total_us, r.code, r.detail";

namespace {
template <class E>
bool within(std::int64_t number, E first, E last) {
  return number >= static_cast<std::int64_t>(first) && number <= static_cast<std::int64_t>(last);
}
Error corrupt(const char* what, std::int64_t number) {
  return {ErrorCode::kCorrupt, std::string("results: unknown ") + what + " " + std::to_string(number)};
}

}  // namespace

Status judge_result(std::int64_t trigger, std::int64_t verdict, std::int64_t cause, std::int64_t phase,
                    ResultRow& out) {
  if (!within(trigger, Trigger::kSlot, Trigger::kManual)) return corrupt("trigger", trigger);
  if (!within(phase, Phase::kNone, Phase::kAssert)) return corrupt("phase", phase);
  out.trigger = static_cast<Trigger>(trigger);
  out.phase = static_cast<Phase>(phase);
  if (verdict == 0) {
    if (!within(cause, GapReason::kOverload, GapReason::kPoison)) return corrupt("gap reason", cause);
    out.missed = static_cast<GapReason>(cause);
    return ok();
  }
  if (!within(verdict, Verdict::kUp, Verdict::kInconclusive)) return corrupt("verdict", verdict);
  const auto known = cause_from_number(static_cast<std::int16_t>(cause));
  if (!known) return corrupt("cause", cause);
  out.verdict = static_cast<Verdict>(verdict);
  out.cause = *known;
  return ok();
}

Result<ResultRow> result_in(const pqxx::row& row, int at) {
  const auto number = [&](int column) { return row[at + column].as<std::int64_t>(); };
  const auto small = [&](int column) { return row[at + column].as<std::int32_t>(); };
  ResultRow out;
  out.monitor = MonitorId{number(0)};
  out.region = static_cast<Region>(small(1));
  out.slot_at = WallTime{number(2)};
  out.started_at = WallTime{number(2) + number(3)};
  out.look = small(4), out.covered = small(5), out.revision = small(6);
  if (Status status = judge_result(number(7), number(8), number(9), number(10), out); !status) return status.error();
  out.timings = {small(11), small(12), small(13), small(14), small(15), small(16)};
  out.code = small(17);
  if (!row[at + 18].is_null()) out.detail = row[at + 18].c_str();
  return out;
}

Result<State> state_in(std::int64_t number) {
  if (!within(number, State::kUp, State::kBeforeCreation)) {
    return Error{ErrorCode::kCorrupt, "ledger: unknown state " + std::to_string(number)};
  }
  return static_cast<State>(number);
}

std::optional<WallTime> time_in(const pqxx::field& field) {
  if (field.is_null()) return std::nullopt;
  return WallTime{field.as<std::int64_t>()};
}

Result<LiveState> live_state(const LiveFacts& facts, WallTime now) {
  const milliseconds horizon = horizon_of(facts.interval_ms, facts.timeout_ms);
  if (facts.paused) return LiveState{State::kPaused, facts.paused_since, std::nullopt};
  if (facts.maintenance_since) return LiveState{State::kMaintenance, facts.maintenance_since, facts.pending_since};
  if (!facts.booked) return LiveState{State::kUnknown, std::nullopt, facts.pending_since};
  if (!facts.observed_through || *facts.observed_through < now - horizon) {
    return LiveState{State::kUnknown, facts.observed_through, std::nullopt};
  }
  if (facts.pending_since &&
      *facts.pending_since < now - horizon_of(facts.interval_ms, facts.timeout_ms, facts.confirm)) {
    return LiveState{State::kUnknown, facts.pending_since, facts.pending_since};
  }
  auto booked = state_in(*facts.booked);
  if (!booked) return booked.error();
  const bool ever = facts.booked_since && facts.booked_since->ms > 0;
  return LiveState{ever ? *booked : State::kUnknown, ever ? facts.booked_since : std::nullopt, facts.pending_since};
}

}  // namespace everup::db
