// See heartbeat_probe.h.
#include "checker/heartbeat_probe.h"

#include <utility>

namespace everup::checker {

namespace {

Outcome inconclusive(std::string why) { return outcome_of(Cause::kInternal, std::move(why)); }

}  // namespace

HeartbeatProbe::HeartbeatProbe(const HeartbeatAsking& asking, const Question& question, Done done)
    : asking_(asking), question_(question), done_(std::move(done)), self_(std::make_shared<HeartbeatProbe*>(this)) {
  timer_ = asking_.loop.at(question_.deadline, [this] {
    timer_ = {};
    finish(inconclusive("what the job told could not be read in time"));
  });
  begin();
}

HeartbeatProbe::~HeartbeatProbe() {
  *self_ = nullptr;
  asking_.loop.cancel(timer_);
}

// The answer is always posted, also one that comes at once: `done` is never called from inside start(). A loop that
// takes no more posts leaves the look to its deadline.
void HeartbeatProbe::begin() {
  const auto post = [self = self_, loop = &asking_.loop](Result<HeartbeatSignals>&& told) {
    auto kept = std::make_shared<Result<HeartbeatSignals>>(std::move(told));
    static_cast<void>(loop->post([self, kept] {
      if (*self != nullptr) (*self)->judge(std::move(*kept));
    }));
  };
  if (asking_.source == nullptr || !question_.plan->id) {
    return post(Error{ErrorCode::kNotFound, "a heartbeat is a URL that the job calls; there is nobody to ask"});
  }
  asking_.source->ask(question_.plan->id, post);
}

void HeartbeatProbe::judge(Result<HeartbeatSignals>&& told) {
  if (!done_) return;
  if (!told) return finish(inconclusive("what the job told cannot be read: " + told.error().what));
  const auto settings = settings_of<HeartbeatSettings>(*question_.plan);
  const HeartbeatOptions& options = settings->options;
  HeartbeatPlan plan;
  plan.period = std::chrono::seconds(options.period_s);
  plan.grace = std::chrono::seconds(options.grace_s);
  plan.since = question_.plan->revised_at;
  std::optional<Cron> cron;
  if (!options.cron.empty()) {
    auto parsed = Cron::parse(options.cron);
    plan.zone = asking_.zones == nullptr ? nullptr : asking_.zones->find(options.timezone);
    if (!parsed) return finish(inconclusive("options.cron: " + parsed.error().what));
    if (plan.zone == nullptr) return finish(inconclusive("options.timezone: " + options.timezone + " is unknown here"));
    cron = *std::move(parsed);
    plan.cron = &*cron;
  }
  finish(heartbeat_outcome(*told, plan, asking_.loop.now().wall));
}

void HeartbeatProbe::finish(Outcome&& outcome) {
  asking_.loop.cancel(timer_);
  timer_ = {};
  const Done done = std::exchange(done_, nullptr);
  if (done) done(std::move(outcome));
}

}  // namespace everup::checker
