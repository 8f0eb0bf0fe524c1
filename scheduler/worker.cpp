#include "scheduler/worker.h"

#include <chrono>
#include <future>
#include <utility>

namespace everup::scheduler {
namespace {

// Looks start on a grid: those that fall due between two beats share one turn, and their connections' events come in
// groups, which at thousands of looks a second saves a fifth of the CPU (wake-ups, cold caches). It costs at most so
// much lateness.
constexpr std::chrono::milliseconds kBeat{10};

}  // namespace

Worker::Worker(const WorkerOptions& options, ObservationSink& sink)
    : options_(options), loop_(*options.clock), roster_(options.roster, sink) {
  EVERUP_ASSERT(options.make_probes != nullptr);
}

Worker::~Worker() {
  if (!thread_.joinable()) return;
  while (!stop(Instant{})) std::this_thread::yield();
  join();
}

Status Worker::start() {
  std::promise<bool> promise;
  auto started = promise.get_future();
  thread_ = std::thread([this, &promise] { run([&promise](bool good) { promise.set_value(good); }); });
  if (started.get()) return ok();
  thread_.join();
  return Error{ErrorCode::kUnavailable, "scheduler: a worker could not make its probes"};
}

void Worker::run(std::function<void(bool)> started) {
  probes_ = options_.make_probes(loop_);
  started(probes_ != nullptr);
  if (probes_ == nullptr) return;
  turn_soon();
  loop_.run();
  running_.clear();
  probes_.reset();
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

bool Worker::post(std::function<void(Roster&, Now)> task) {
  if (tasks_.fetch_add(1) >= kTasksMax) {
    tasks_.fetch_sub(1);
    return false;
  }
  const bool posted = loop_.post([this, task = std::move(task)] {
    tasks_.fetch_sub(1);
    if (ended_) return;
    task(roster_, loop_.now());
    turn_soon();
  });
  if (!posted) tasks_.fetch_sub(1);
  return posted;
}

// One turn for all that happens in this turn of the loop.
void Worker::turn_soon() {
  if (soon_ || ended_) return;
  soon_ = true;
  if (timer_) loop_.cancel(*timer_);
  timer_ = loop_.at(loop_.now().mono, [this] { turn(); });
}

// A turn at the first beat not before `when`, unless one comes earlier anyway.
void Worker::turn_by(Instant when) {
  if (soon_ || ended_) return;
  constexpr std::int64_t kBeatNs = std::chrono::nanoseconds(kBeat).count();
  const Instant beat{(when.ns + kBeatNs - 1) / kBeatNs * kBeatNs};
  if (timer_ && timer_at_ <= beat) return;
  if (timer_) loop_.cancel(*timer_);
  timer_at_ = beat;
  timer_ = loop_.at(beat, [this] { turn(); });
}

void Worker::turn() {
  timer_.reset();
  soon_ = false;
  if (ended_) return;
  const Now now = loop_.now();
  Turn turn = roster_.on_time(now);
  for (const std::uint64_t token : turn.cancels) call_off(token);
  for (LookStart& look : turn.starts) ask(std::move(look));
  if (now.mono >= publish_at_) publish(now);
  if (stopping_ && roster_.in_flight() == 0) {
    end();
  } else if (roster_.ready() && loop_.post([this] { turn_soon(); })) {
    // The rest comes after the sockets were served.
  } else {
    turn_by(std::max(turn.wake, now.mono + std::chrono::milliseconds(1)));
  }
}

void Worker::ask(LookStart&& look) {
  const auto number = static_cast<std::size_t>(look.token & 0xffff'ffff);
  if (number >= running_.size()) running_.resize(number + 1);
  running_[number] = std::make_unique<Running>();
  Running& running = *running_[number];
  running.token = look.token;
  running.plan = std::move(look.plan);
  checker::Question question;
  question.plan = &running.plan;
  question.deadline = look.deadline;
  question.want_evidence = look.want_evidence;
  const std::uint64_t token = look.token;
  running.probe = probes_->start(question, [this, token](Outcome&& outcome) { answered(token, std::move(outcome)); });
}

void Worker::answered(std::uint64_t token, Outcome&& outcome) {
  const auto number = static_cast<std::size_t>(token & 0xffff'ffff);
  if (number >= running_.size() || !running_[number] || running_[number]->token != token) return;
  const std::unique_ptr<Running> over = std::move(running_[number]);
  roster_.on_outcome(token, std::move(outcome), loop_.now());
  turn_by(loop_.now().mono);
}

void Worker::call_off(std::uint64_t token) {
  const auto number = static_cast<std::size_t>(token & 0xffff'ffff);
  if (number < running_.size() && running_[number] && running_[number]->token == token) running_[number].reset();
}

bool Worker::stop(Instant deadline) {
  return loop_.post([this, deadline] { wind_up(deadline); });
}

void Worker::wind_up(Instant deadline) {
  if (ended_) return;
  stopping_ = true;
  roster_.drain();
  loop_.at(deadline, [this] { end(); });
  turn_soon();
}

void Worker::end() {
  if (std::exchange(ended_, true)) return;
  for (const std::uint64_t token : roster_.finish(loop_.now())) call_off(token);
  publish(loop_.now());
  loop_.stop();
}

void Worker::publish(Now now) {
  publish_at_ = now.mono + std::chrono::seconds(1);
  SchedulerStats stats = roster_.stats();
  longest_turns_.add(std::chrono::duration<double>(loop_.take_longest_turn()).count());
  stats.longest_turn = longest_turns_;
  const std::lock_guard lock(mutex_);
  published_ = std::move(stats);
}

SchedulerStats Worker::stats() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

}  // namespace everup::scheduler
