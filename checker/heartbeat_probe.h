// One look at a heartbeat: nobody is connected to; what the job told last is asked of the HeartbeatSource and judged
// against its plan (core/heartbeat.h).
//
// Ownership and thread: see checker/probe.h. The source answers on a thread of its own, so the answer is posted to the
// loop, where it finds out whether the probe is still there; the source is stopped before the loop dies. A source that
// does not answer by the deadline, or says that the database is away, is inconclusive: our trouble, not the job's.
#pragma once

#include <memory>
#include <string>

#include "checker/probe.h"
#include "core/heartbeat.h"
#include "net/loop.h"

namespace everup::checker {

// Both may be null: then every look is inconclusive and says so.
struct HeartbeatAsking {
  net::Loop& loop;
  HeartbeatSource* source = nullptr;
  const Zones* zones = nullptr;
};

class HeartbeatProbe final : public Probe {
 public:
  HeartbeatProbe(const HeartbeatAsking& asking, const Question& question, Done done);
  ~HeartbeatProbe() override;

 private:
  void begin();
  void judge(Result<HeartbeatSignals>&& told);
  void finish(Outcome&& outcome);

  HeartbeatAsking asking_;
  const Question question_;
  Done done_;
  net::TimerId timer_{};
  std::shared_ptr<HeartbeatProbe*> self_;  // what an answer under way holds; null inside when the probe is gone
};

}  // namespace everup::checker
