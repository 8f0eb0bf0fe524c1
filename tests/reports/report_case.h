// A monitor's history for tests of its report: spans added one after another, in a zone with one transition. Test code
// only.
#pragma once

#include <limits>
#include <string_view>
#include <utility>

#include "reports/period_report.h"
#include "reports/report.h"

namespace everup::testing {

// Central European time around the autumn of 2026: UTC+2 until 25 October 01:00 UTC, UTC+1 after it.
class AutumnZone : public Zone {
 public:
  static constexpr std::int64_t kChange = 1'792'890'000'000;
  std::string_view name() const override { return "Europe/Prague"; }
  int offset_s(WallTime t) const override { return t.ms < kChange ? 7200 : 3600; }
  WallTime next_transition(WallTime t) const override {
    return t.ms < kChange ? WallTime{kChange} : WallTime{std::numeric_limits<std::int64_t>::max()};
  }
};
inline const AutumnZone kAutumn;

inline constexpr Reason kRefused{static_cast<std::int16_t>(Cause::kConnectRefused), 0};
inline constexpr Reason kRestarted{0, static_cast<std::int16_t>(GapReason::kRestart)};

class ReportCase {
 public:
  // The monitor's first look is `age_ms` before `now` (2026-11-22T04:25:05Z).
  explicit ReportCase(std::int64_t age_ms) : at_{kNow.ms - age_ms} {
    input_.name = "Shop";
    input_.zone = &kAutumn;
    input_.now = kNow;
    input_.state = State::kUp;
    input_.ledger.created_at = at_;
    input_.ledger.first_look = at_;
    input_.ledger.regions.resize(1);
    input_.ledger.regions[0].observed_through = kNow;
  }
  ReportCase& span(State state, std::int64_t ms, Reason reason = {}) {
    input_.ledger.regions[0].spans.push_back({{at_, {at_.ms + ms}}, state, reason});
    at_.ms += ms;
    return *this;
  }
  // The last span is open.
  ReportCase& open(State state, Reason reason = {}) {
    input_.ledger.regions[0].spans.push_back({{at_, {std::numeric_limits<std::int64_t>::max()}}, state, reason});
    return *this;
  }
  WallTime at() const { return at_; }
  reports::ReportInput& input() { return input_; }
  reports::ReportModel model() const { return reports::report_model(input_); }
  // A calendar page of the same history; nullopt: there is none.
  std::optional<reports::PeriodModel> period(std::string_view name) const {
    reports::PeriodInput in;
    in.period = reports::parse_period(name).value();
    in.monitor_id = "mon_1";
    in.name = input_.name;
    in.target = input_.target;
    in.ledger = input_.ledger;
    in.zone = input_.zone;
    in.now = input_.now;
    in.version = input_.version;
    in.links = input_.links;
    return reports::period_model(std::move(in));
  }

  static constexpr WallTime kNow{1'795'321'505'678};

 private:
  reports::ReportInput input_;
  WallTime at_;
};

}  // namespace everup::testing
