// Heartbeats: a job tells us that it ran, and silence is the failure. Judged from what it told last, the period or cron
// expression, and the grace; pure, so that a look, a page and a test say the same.
//
//   due      when the next success is expected: the last success + period, or cron's next instant after it
//   late     from due on, for as long as the grace is: degraded
//   missing  after that: down. Also a run that was started and has not ended within the grace.
//   failed   the last thing the job told was a failure: down, until a success comes.
// Before the first signal ever, and after an edit or a pause, nothing is held against the job until one period and
// grace have passed since then: it is waited for, which is neither up nor down.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/cron.h"
#include "core/ids.h"
#include "core/kind_settings.h"
#include "core/outcome.h"
#include "core/result.h"
#include "core/time.h"
#include "core/zone.h"

namespace everup {

// What a call of the URL says. Numbers are stored and never reused.
enum class Signal : std::int16_t { kSuccess = 1, kFail = 2, kStart = 3, kLog = 4 };
std::string_view slug(Signal signal);

// The last segment of the URL: "" and "0" are success, "start", "fail", "log", "1" … "255" (an exit status: fail).
struct SignalCall {
  Signal signal = Signal::kSuccess;
  std::optional<int> exit_code;
};
std::optional<SignalCall> parse_signal(std::string_view word);

// Two kibibytes of what a job sent along are kept, printable, line breaks as they came.
inline constexpr std::size_t kSignalBodyMax = 2048;
std::string signal_body(std::string_view bytes);

// What a job told so far.
struct HeartbeatSignals {
  std::optional<WallTime> started, succeeded, failed;  // the last of each
  std::optional<int> exit_code;                        // of the last success or failure, when it named one
  std::optional<milliseconds> took;  // from the last start to the success or failure that ended that run
  std::string body;                  // of the last signal that had one, as signal_body()
};

// When a job is expected. `cron` null: every `period`.
struct HeartbeatPlan {
  milliseconds period{86'400'000}, grace{3'600'000};
  const Cron* cron = nullptr;
  const Zone* zone = nullptr;  // with cron
  WallTime since;              // when this plan was made: created, edited, resumed
};

enum class HeartbeatState : std::uint8_t { kWaiting, kOk, kRunning, kLate, kMissing, kFailed };
std::string_view slug(HeartbeatState state);
struct HeartbeatJudgement {
  HeartbeatState state = HeartbeatState::kWaiting;
  std::optional<WallTime> due;  // the next success is expected by then; none: cron never comes due again
  std::string detail;           // in words; empty when ok
};
HeartbeatJudgement judge_heartbeat(const HeartbeatSignals& signals, const HeartbeatPlan& plan, WallTime now);

// The same as a look's outcome: cause, verdict, how long the job's last run took, and what it said when it failed.
Outcome heartbeat_outcome(const HeartbeatSignals& signals, const HeartbeatPlan& plan, WallTime now);

// "2 h 3 min", "45 s", "3 d 4 h": two units at most, rounded down.
std::string duration_words(milliseconds length);

// Where a probe asks for the signals of its monitor; db/ implements it, app/ joins the two. Any thread; never blocks.
class HeartbeatSource {
 public:
  using Told = std::function<void(Result<HeartbeatSignals>&&)>;
  virtual ~HeartbeatSource() = default;
  // `told` is called exactly once, on another thread or before this returns; it must not block. kUnavailable: the
  // database is away. kExhausted: too many questions wait. kNotFound: the monitor has no heartbeat (any more).
  virtual void ask(MonitorId monitor, Told told) = 0;
};

}  // namespace everup
