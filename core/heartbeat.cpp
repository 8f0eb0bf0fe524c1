// See heartbeat.h. A success counts from the instant it came; the clock is the receiving node's, so a job's own clock
// matters only through its cron.
#include "core/heartbeat.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "core/utf8.h"

namespace everup {

namespace {

std::optional<WallTime> due_after(const HeartbeatPlan& plan, WallTime anchor) {
  if (plan.cron == nullptr) return anchor + plan.period;
  EVERUP_ASSERT(plan.zone != nullptr);
  return plan.cron->next(anchor, *plan.zone);
}

std::string expected_words(const HeartbeatPlan& plan, std::optional<WallTime> due) {
  if (plan.cron == nullptr) return "expected every " + duration_words(plan.period);
  return due ? "expected at " + local_text(*due, *plan.zone) : "expected no more";
}

std::string silence_words(const HeartbeatSignals& signals, const HeartbeatPlan& plan, std::optional<WallTime> due,
                          WallTime now) {
  const std::string expected = ", " + expected_words(plan, due);
  if (!signals.succeeded) return "no signal has come yet, waiting for " + duration_words(now - plan.since) + expected;
  return "no signal for " + duration_words(now - *signals.succeeded) + expected;
}

std::string first_line(std::string_view body) {
  const auto begin = body.find_first_not_of(" \r\n\t");
  if (begin == std::string_view::npos) return {};
  body.remove_prefix(begin);
  return std::string(body.substr(0, body.find_first_of("\r\n")));
}

std::string failure_words(const HeartbeatSignals& signals) {
  std::string words = "the job said that it failed";
  if (signals.exit_code) words += " with exit status " + std::to_string(*signals.exit_code);
  const std::string line = first_line(signals.body);
  return line.empty() ? words : words + ": " + line;
}

bool running(const HeartbeatSignals& s) {
  return s.started && (!s.succeeded || *s.started > *s.succeeded) && (!s.failed || *s.started > *s.failed);
}

Cause cause_of(HeartbeatState state) {
  switch (state) {
    case HeartbeatState::kOk:
    case HeartbeatState::kRunning:
      return Cause::kOk;
    case HeartbeatState::kLate:
      return Cause::kHeartbeatLate;
    case HeartbeatState::kWaiting:
    case HeartbeatState::kMissing:
      return Cause::kHeartbeatMissing;
    case HeartbeatState::kFailed:
      return Cause::kHeartbeatFailed;
  }
  assertion_failed("a state of the table", __FILE__, __LINE__);
}

}  // namespace

std::string_view slug(Signal signal) {
  switch (signal) {
    case Signal::kSuccess:
      return "success";
    case Signal::kFail:
      return "fail";
    case Signal::kStart:
      return "start";
    case Signal::kLog:
      return "log";
  }
  assertion_failed("a signal of the table", __FILE__, __LINE__);
}

std::string_view slug(HeartbeatState state) {
  switch (state) {
    case HeartbeatState::kWaiting:
      return "waiting";
    case HeartbeatState::kOk:
      return "ok";
    case HeartbeatState::kRunning:
      return "running";
    case HeartbeatState::kLate:
      return "late";
    case HeartbeatState::kMissing:
      return "missing";
    case HeartbeatState::kFailed:
      return "failed";
  }
  assertion_failed("a state of the table", __FILE__, __LINE__);
}

std::optional<SignalCall> parse_signal(std::string_view word) {
  if (word.empty()) return SignalCall{};
  for (const Signal signal : {Signal::kFail, Signal::kStart, Signal::kLog, Signal::kSuccess}) {
    if (word == slug(signal)) return SignalCall{signal, {}};
  }
  if (word.size() > 3 || (word.size() > 1 && word.front() == '0')) return std::nullopt;
  int code = 0;
  for (const char c : word) {
    if (c < '0' || c > '9') return std::nullopt;
    code = code * 10 + (c - '0');
  }
  if (code > 255) return std::nullopt;
  return SignalCall{code == 0 ? Signal::kSuccess : Signal::kFail, code};
}

std::string signal_body(std::string_view bytes) {
  std::string out;
  for (bytes = bytes.substr(0, kSignalBodyMax);;) {
    const auto end = std::min(bytes.find('\n'), bytes.size());
    std::string_view line = bytes.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    out += printable(line, kSignalBodyMax - out.size());
    if (end == bytes.size() || out.size() == kSignalBodyMax) return out;
    out += '\n';
    bytes.remove_prefix(end + 1);
  }
}

std::string duration_words(milliseconds length) {
  const std::int64_t ms = std::max<std::int64_t>(0, length.count());
  struct Unit {
    std::int64_t ms;
    const char* name;
  };
  constexpr std::array<Unit, 4> kUnits{{{kDayMs, " d"}, {kHourMs, " h"}, {kMinuteMs, " min"}, {1000, " s"}}};
  for (std::size_t i = 0; i < kUnits.size(); ++i) {
    const std::int64_t count = ms / kUnits[i].ms;
    if (count == 0 && i + 1 < kUnits.size()) continue;
    std::string words = std::to_string(count) + kUnits[i].name;
    if (i + 1 == kUnits.size()) return words;
    const std::int64_t rest = ms % kUnits[i].ms / kUnits[i + 1].ms;
    return rest == 0 ? words : words + " " + std::to_string(rest) + kUnits[i + 1].name;
  }
  return {};
}

HeartbeatJudgement judge_heartbeat(const HeartbeatSignals& s, const HeartbeatPlan& plan, WallTime now) {
  const WallTime anchor = s.succeeded.value_or(plan.since);
  const auto due = due_after(plan, anchor);
  if (s.failed && (!s.succeeded || *s.failed > *s.succeeded)) {
    return {HeartbeatState::kFailed, due, failure_words(s)};
  }
  const bool open = running(s);
  // Without a grace a run has no time of its own: then only the next success is waited for.
  if (open && plan.grace.count() > 0 && now >= *s.started + plan.grace) {
    return {HeartbeatState::kMissing, due, "started " + duration_words(now - *s.started) + " ago and has not ended"};
  }
  if (!due || now < *due) {
    if (open) return {HeartbeatState::kRunning, due, {}};
    if (!s.succeeded) return {HeartbeatState::kWaiting, due, silence_words(s, plan, due, now)};
    return {HeartbeatState::kOk, due, {}};
  }
  if (now < *due + plan.grace) {
    if (open) return {HeartbeatState::kRunning, due, {}};
    return {HeartbeatState::kLate, due, silence_words(s, plan, due, now)};
  }
  if (plan.since > anchor) {  // edited or resumed since: nobody could know the new plan before it was made
    const auto again = due_after(plan, plan.since);
    if (!again || now < *again + plan.grace) {
      return {HeartbeatState::kWaiting, again, silence_words(s, plan, again, now)};
    }
  }
  return {HeartbeatState::kMissing, due, silence_words(s, plan, due, now)};
}

Outcome heartbeat_outcome(const HeartbeatSignals& signals, const HeartbeatPlan& plan, WallTime now) {
  HeartbeatJudgement judged = judge_heartbeat(signals, plan, now);
  Outcome outcome = outcome_of(cause_of(judged.state), judged.detail);
  if (judged.state == HeartbeatState::kWaiting) outcome.verdict = Verdict::kInconclusive;
  if (signals.took && judged.state != HeartbeatState::kWaiting) {
    const std::int64_t us = signals.took->count() * 1000;
    outcome.timings.total_us =
        static_cast<std::int32_t>(std::clamp<std::int64_t>(us, 0, std::numeric_limits<std::int32_t>::max()));
    outcome.timings.wait_us = outcome.timings.total_us;
  }
  outcome.code = signals.exit_code.value_or(0);
  if (outcome.verdict == Verdict::kDown && !signals.body.empty()) {
    outcome.evidence = std::make_unique<Evidence>();
    outcome.evidence->body_excerpt = signals.body;
  }
  return outcome;
}

}  // namespace everup
