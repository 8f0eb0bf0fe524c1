// A probe is one question asked once: started once, ends once, lives on one loop, never outlives its deadline;
// destroying it cancels it. It never throws, never logs, never sleeps: it gives one Outcome, once. Worker, `everup
// check` and live pages are its listeners.
#pragma once

#include <functional>
#include <memory>

#include "core/clock.h"
#include "core/monitor.h"
#include "core/outcome.h"
#include "core/time.h"

namespace everup::checker {

class Live;  // checker/live.h

class Probe {
 public:
  virtual ~Probe() = default;  // cancels; `done` is not called afterwards
};

struct Question {
  const CheckPlan* plan = nullptr;  // must live until `done` or destruction
  Instant deadline;                 // absolute; the outcome comes at most 100 ms after it
  bool strict_policy = true;        // false: a person at his shell asked (RULES D 7)
  bool want_evidence = true;        // false: evidence only when the look fails
  Live* live = nullptr;             // who watches line by line; null: nobody. Outlives the probe.
};
// Called exactly once, on the loop's thread, never from inside start(). The probe may be destroyed inside it.
using Done = std::function<void(Outcome&&)>;

// The plan's settings of this alternative, or its defaults; another alternative than the kind's is our bug.
template <class Settings>
std::shared_ptr<const Settings> settings_of(const CheckPlan& plan) {
  static const auto defaults = std::make_shared<const Settings>();
  if (!plan.settings) return defaults;
  EVERUP_ASSERT(std::holds_alternative<Settings>(*plan.settings));
  return {plan.settings, &std::get<Settings>(*plan.settings)};
}

// One per loop thread: owns what probes of that loop share (CURLM, resolver, trust store).
class ProbeMaker {
 public:
  virtual ~ProbeMaker() = default;
  virtual std::unique_ptr<Probe> start(const Question& question, Done done) = 0;
};

}  // namespace everup::checker
