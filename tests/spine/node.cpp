// See node.h.
#include "tests/spine/node.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>

#include "db/spool.h"
#include "tests/spine/world.h"

namespace everup::spine {

namespace {
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kDeadlineMs = 5'000, kSlowMs = 2'000, kTtlMs = 15'000, kSweepMs = 10'000;
constexpr std::int64_t kMonoStartMs = 1'000'000;
constexpr int kReplayAtOnce = 20;
constexpr int kTurnsMax = 100;

// What a kill -9 in the middle of a write leaves.
void tear_tail(const std::string& directory) {
  std::string last;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".seg") last = std::max(last, entry.path().string());
  }
  if (!last.empty()) std::ofstream(last, std::ios::app | std::ios::binary) << "\xe5\x01\xff\xb7half a record";
}
}  // namespace

Node::Node(World& world, int number, std::string spool_directory)
    : world_(world),
      number_(number),
      name_("node" + std::to_string(number)),
      spool_directory_(std::move(spool_directory)),
      recorder_clock_(*this),
      coordinator_clock_(*this) {}

Node::~Node() = default;

Now Node::now() const {
  return {world_.utc() + milliseconds(offset_ms_), Instant{(kMonoStartMs + world_.real() - lag_ms_) * 1'000'000}};
}

Now Node::ThreadClock::now() const {
  const Now now = node_.now();
  return {now.wall + milliseconds(late_ms), now.mono + milliseconds(late_ms)};
}

bool Node::partitioned() const { return world_.real() < partitioned_until_; }
void Node::partition(std::int64_t ms) { partitioned_until_ = std::max(partitioned_until_, world_.real() + ms); }

void Node::boot() {
  boot_name_ = "b" + std::to_string(++boots_);
  outstanding_ = std::make_unique<db::Outstanding>();
  const std::string stream = name_ + "/" + boot_name_;
  const std::uint64_t bytes_max = world_.plan().spool_bytes_max;
  auto spool = db::open_spool({spool_directory_, stream, bytes_max, std::min<std::uint64_t>(bytes_max / 4, 1 << 20)},
                              *outstanding_);
  EVERUP_ASSERT(spool.ok());
  db::DeliveryOptions delivery;
  delivery.stream = stream;
  delivery.random = static_cast<std::uint64_t>(world_.pick(1, 1'000'000));
  delivery_ =
      std::make_unique<db::Delivery>(delivery, *std::move(spool), static_cast<db::BatchStore&>(*this), *outstanding_);
  db::IntakeLimits intake;
  intake.items_max = world_.plan().queue_items_max;
  intake_ = std::make_unique<db::Intake>(intake);
  scheduler::RosterOptions roster;
  roster.limits = world_.plan().limits;
  roster_ = std::make_unique<scheduler::Roster>(roster, *this);
  scheduler::CoordinatorOptions coordinator;
  coordinator.clock = &coordinator_clock_;
  coordinator_ = std::make_unique<scheduler::Coordinator>(
      std::move(coordinator), static_cast<MonitorSource&>(*this),
      [this](Shard, const scheduler::Coordinator::Task& task) {
        const std::int64_t at = world_.real() + coordinator_clock_.late_ms + world_.pick(0, 20);
        tasks_.push_back({tasks_.empty() ? at : std::max(at, tasks_.back().at), task});
      },
      [this](const scheduler::Coordinator::Task& task) {
        const std::int64_t at = world_.real() + coordinator_clock_.late_ms;
        tasks_.push_back({tasks_.empty() ? at : std::max(at, tasks_.back().at), task});
      },
      [] { return false; });
  since_epoch_.clear();
  cursor_ = world_.database().changes.size();
  connected_ = false;
  turned_ = now().wall;
  wake_turn_ = wake_coordinate_ = world_.real();
  wake_record_ = delivery_->spool().empty() ? kNever : world_.real();
  wake_sweep_ = world_.real() + kSweepMs;
  stop_at_ = kNever;
}

void Node::kill() {
  if (!alive()) return;
  counts_.lost_in_crash += in_memory_.size();
  for (const Judge::Place& place : in_memory_) world_.judge().lost(place);
  in_memory_.clear();
  coordinator_.reset(), roster_.reset(), delivery_.reset(), intake_.reset(), outstanding_.reset();
  answers_.clear(), in_flight_.clear(), tasks_.clear(), target_failed_.clear();
  if (std::filesystem::exists(spool_directory_) && world_.chance(3)) tear_tail(spool_directory_);
}

void Node::stop() {
  if (!alive() || stop_at_ != kNever) return;
  roster_->drain();
  stop_at_ = world_.real() + 2'000;
}

void Node::finish() {
  if (alive()) end_cleanly();
}

void Node::end_cleanly() {
  roster_->finish(now());
  recorder_clock_.late_ms = 0;
  take_in();
  delivery_->tell_losses(recorder_clock_);
  for (int left = 5'000; left > 0 && !delivery_->spool().empty() && connected_; --left) {
    if (recorder_clock_.late_ms > kDeadlineMs || !delivery_->replay_one(recorder_clock_)) break;
  }
  (void)release_shards().ok();  // a database that is away lets them expire
  kill();
}

void Node::freeze(std::int64_t ms, bool suspend) {
  if (frozen_until_ > world_.real()) return;
  frozen_until_ = stood_until_ = world_.real() + ms;
  suspended_ = suspend;
  if (suspend) lag_ms_ += ms;
}

void Node::calm() {
  const std::int64_t left = frozen_until_ - world_.real();
  if (left > 0 && suspended_) lag_ms_ -= left;
  if (left > 0) frozen_until_ = stood_until_ = world_.real();
  partitioned_until_ = 0;
}

void Node::news() {
  if (alive() && !partitioned()) wake_coordinate_ = std::min(wake_coordinate_, world_.real() + world_.pick(1, 50));
}

bool Node::check_now(MonitorId id, CommandId command) { return roster_->check_now({command, id}, now()); }

// ---- the database, as this node reaches it ---------------------------------------------------------------------

Status Node::reach(ThreadClock& thread) {
  if (partitioned()) {
    thread.late_ms += kDeadlineMs;
    return Error{ErrorCode::kUnavailable, "partitioned"};
  }
  switch (world_.service()) {
    case Service::kUp:
      return ok();
    case Service::kAway:
      return Error{ErrorCode::kUnavailable, "away"};
    case Service::kFrozen:
      thread.late_ms += kDeadlineMs;
      return Error{ErrorCode::kTimeout, "frozen"};
    case Service::kSlow:
      thread.late_ms += kSlowMs;
      return ok();
  }
  assertion_failed("a service", __FILE__, __LINE__);
}

Result<std::vector<OwnedShard>> Node::hold_shards() {
  if (Status reached = reach(coordinator_clock_); !reached) return reached.error();
  auto held = world_.database().hold(name_, boot_name_, kTtlMs);
  since_epoch_.clear();
  for (const OwnedShard& shard : held) since_epoch_[shard.shard] = shard.since_epoch;
  return held;
}

Status Node::release_shards() {
  coordinator_clock_.late_ms = 0;
  if (Status reached = reach(coordinator_clock_); !reached) return reached;
  world_.database().release(name_, boot_name_);
  return ok();
}

ScheduledMonitor Node::read(const StoredMonitor& stored, const std::vector<db::OutstandingStanding>& waiting) const {
  ScheduledMonitor monitor{stored.plan, stored.standing.value_or(Standing{})};
  const auto since = since_epoch_.find(shard_of(stored.plan.id));
  for (const db::OutstandingStanding& one : waiting) {
    if (one.monitor == stored.plan.id) db::fold(monitor.standing, one, since == since_epoch_.end() ? 0 : since->second);
  }
  return monitor;
}

Status Node::load(Shard shard, const std::function<void(ScheduledMonitor&&)>& each) {
  const auto waiting = outstanding_->of(shard);
  if (Status reached = reach(coordinator_clock_); !reached) return reached;
  for (const auto& [id, stored] : world_.database().monitors) {
    if (!stored.deleted && shard_of(id) == shard) each(read(stored, waiting));
  }
  return ok();
}

Result<std::vector<MonitorChange>> Node::changes(milliseconds wait) {
  if (Status reached = reach(coordinator_clock_); !reached) return reached.error();
  std::vector<MonitorChange> all;
  const auto& feed = world_.database().changes;
  wait_ = cursor_ < feed.size() ? milliseconds(1) : wait;
  for (; cursor_ < feed.size(); ++cursor_) {
    const auto [id, shard] = feed[cursor_];
    if (!since_epoch_.contains(shard)) continue;
    const StoredMonitor& stored = world_.database().monitors.at(id);
    all.push_back({id, std::nullopt});
    if (!stored.deleted) all.back().monitor = read(stored, outstanding_->of(shard));
  }
  return all;
}

Result<std::vector<CheckNow>> Node::commands() {
  if (Status reached = reach(coordinator_clock_); !reached) return reached.error();
  return std::vector<CheckNow>{};
}

Result<db::Applied> Node::apply(const std::string& stream, const db::Batch& batch, bool replay, WallTime wall) {
  Database& database = world_.database();
  const db::Fence fence{name_, boot_name_};
  if (replay) ++counts_.replayed;
  const bool was_connected = connected_;
  if (Status reached = reach(recorder_clock_); !reached) {
    if (!was_connected || !world_.chance(3) || !database.hold_back(fence, stream, batch, wall)) return reached.error();
    // The COMMIT is under way: it ends with the freeze, or soon after the partition.
    if (partitioned()) {
      const bool commits = world_.chance(2);
      world_.at(world_.real() + world_.pick(1, kDeadlineMs), [&database, commits] { database.let_go(commits); });
    }
    return Error{ErrorCode::kInDoubt, "cut off in COMMIT"};
  }
  connected_ = true;
  database.make_stream(stream);
  if (world_.in_doubt() && world_.chance(3)) {
    if (world_.chance(2)) (void)database.apply(fence, stream, batch, wall).ok();  // stored, and nobody is told
    return Error{ErrorCode::kInDoubt, "cut off in COMMIT"};
  }
  return database.apply(fence, stream, batch, wall);
}

void Node::disconnect() { connected_ = false; }

bool Node::trim(const std::string& stream) {
  if (!reach(recorder_clock_)) return false;
  world_.database().trim_streams(name_, stream);
  return true;
}

// ---- what is offered -------------------------------------------------------------------------------------------

bool Node::offer_item(db::Offered&& item) {
  const std::size_t bytes = db::bytes_of(item);
  if (!intake_->has_room(bytes)) {
    ++counts_.refused;
    return false;
  }
  if (const auto* row = std::get_if<Observation>(&item)) outstanding_->add(*row);
  intake_->offer(std::move(item), bytes, now().mono);
  counts_.queue_most = std::max<std::uint64_t>(counts_.queue_most, intake_->size());
  if (intake_->size() == 1) wake_record_ = std::min(wake_record_, world_.real() + 1'000);
  return true;
}

bool Node::offer(Observation&& row) {
  Fact fact{world_.real(), row.slot_at, row.started_at,         turned_, row.look, row.covered, row.revision,
            row.verdict,   row.trigger, row.missed.has_value(), false,   false,    number_,     boots_};
  const MonitorId id = row.monitor;
  const bool failed = target_failed_[id];
  const auto& stored = world_.database().monitors.at(id);
  if (!intake_->has_room(0)) {
    ++counts_.refused;
    return false;
  }
  const Judge::Place place = world_.judge().offered(row, fact, failed, stored.plan.confirm.failures);
  in_memory_.push_back(place);
  const bool taken = offer_item(db::Offered(std::move(row)));
  EVERUP_ASSERT(taken);
  return true;
}

bool Node::offer(Gap&& gap) { return offer_item(db::Offered(std::move(gap))); }
bool Node::offer(std::vector<ShardMark>&& marks) { return offer_item(db::Offered(std::move(marks))); }

// ---- threads ---------------------------------------------------------------------------------------------------

std::int64_t Node::next() const {
  if (!alive()) return kNever;
  std::int64_t at = std::min({wake_turn_, wake_record_, wake_coordinate_, wake_sweep_, stop_at_});
  if (!answers_.empty()) at = std::min(at, answers_.begin()->first);
  if (!tasks_.empty()) at = std::min(at, tasks_.front().at);
  return std::max(at, frozen_until_);
}

void Node::run() {
  const std::int64_t real = world_.real();
  if (real >= stop_at_) return end_cleanly();
  if (real >= wake_sweep_) {
    wake_sweep_ = real + kSweepMs;
    if (!partitioned() && world_.service() == Service::kUp) world_.database().sweep(name_, boot_name_, now().wall);
  }
  if (real >= wake_coordinate_) coordinate();
  bool turns = real >= wake_turn_;
  while (!tasks_.empty() && tasks_.front().at <= real) {
    const auto what = std::move(tasks_.front().what);
    tasks_.pop_front();
    what(*roster_, now());
    turns = true;
  }
  while (!answers_.empty() && answers_.begin()->first <= real) {
    const Asked asked = answers_.begin()->second;
    answers_.erase(answers_.begin());
    answer(asked);
    turns = true;
  }
  if (turns) turn();
  if (real >= wake_record_) record();
}

void Node::coordinate() {
  coordinator_clock_.late_ms = 0;
  wait_ = milliseconds(0);
  coordinator_->round();
  const std::int64_t rest = std::max(coordinator_->pause(), wait_).count();
  wake_coordinate_ = world_.real() + coordinator_clock_.late_ms + std::max<std::int64_t>(rest, 1);
}

void Node::take_in() {
  std::vector<db::Offered> items;
  intake_->take(items);
  const auto dropped = delivery_->stats().dropped;
  delivery_->take_in(items, recorder_clock_);
  if (delivery_->stats().dropped != dropped) {  // for want of room; told as gaps, unless a crash comes first
    for (const Judge::Place& place : in_memory_) world_.judge().dropped(place);
  }
  in_memory_.clear();
  counts_.dropped += delivery_->stats().dropped - dropped;
}

void Node::record() {
  recorder_clock_.late_ms = 0;
  if (intake_->due(now().mono)) take_in();
  for (int left = kReplayAtOnce; left > 0 && delivery_->replay_due(recorder_clock_.now().mono); --left) {
    if (!delivery_->replay_one(recorder_clock_)) break;
  }
  counts_.spool_bytes_most = std::max(counts_.spool_bytes_most, delivery_->spool().stats().bytes);
  const Instant mono = now().mono;
  const auto in_ms = [mono](Instant at) {
    return std::max<std::int64_t>(1, ((at - mono).count() + 999'999) / 1'000'000);
  };
  wake_record_ = kNever;
  if (!intake_->empty()) wake_record_ = world_.real() + in_ms(intake_->due_at());
  if (!delivery_->spool().empty()) {
    const std::int64_t again = connected_ ? 1 : in_ms(delivery_->next_try());
    wake_record_ = std::min(wake_record_, world_.real() + again);
  }
  if (wake_record_ != kNever) wake_record_ = std::max(wake_record_, world_.real() + recorder_clock_.late_ms);
}

void Node::turn() {
  for (int again = 0; again < kTurnsMax; ++again) {
    scheduler::Turn turn = roster_->on_time(now());
    turned_ = std::max(turned_, now().wall);
    for (const std::uint64_t token : turn.cancels) in_flight_.erase(token);
    for (scheduler::LookStart& look : turn.starts) ask(std::move(look));
    if (roster_->in_flight() != in_flight_.size()) world_.judge().complain("looks in flight are miscounted");
    const std::int64_t idle_ms = ((turn.wake - now().mono).count() + 999'999) / 1'000'000;
    if (idle_ms > 1'000) world_.judge().complain("idle for longer than a second");
    wake_turn_ = world_.real() + std::max<std::int64_t>(idle_ms, 1);
    if (!roster_->ready()) return;
  }
  world_.judge().complain("a turn never ends");
}

void Node::ask(scheduler::LookStart&& look) {
  Asked asked;
  asked.token = look.token;
  asked.monitor = look.plan.id;
  asked.started = world_.real();
  asked.deadline = asked.started + look.plan.timeout_ms;
  in_flight_.insert(look.token);
  ++counts_.looks;
  asked.failed = world_.target_fails(asked.monitor, asked.started, asked.hung);
  asked.odd = world_.plan().faults.own_trouble && world_.chance(300);
  target_failed_[asked.monitor] = asked.failed;
  std::int64_t takes = asked.failed ? 2 : world_.pick(20, 60);
  if (world_.plan().faults.own_trouble && world_.chance(100)) takes = world_.pick(100, look.plan.timeout_ms - 1);
  if (asked.hung) takes = look.plan.timeout_ms + world_.pick(0, 50);
  answers_.emplace(asked.started + takes, asked);
}

void Node::answer(const Asked& asked) {
  if (in_flight_.erase(asked.token) == 0) return;  // cancelled
  const bool starved = stood_until_ > asked.started && world_.real() > asked.deadline;
  Outcome outcome = outcome_of(asked.odd               ? Cause::kOwnNetwork
                               : asked.hung || starved ? Cause::kHttpTimeout
                               : asked.failed          ? Cause::kConnectRefused
                                                       : Cause::kOk);
  outcome.timings.total_us =
      static_cast<std::int32_t>(std::min<std::int64_t>(60'000, world_.real() - asked.started)) * 1000;
  roster_->on_outcome(asked.token, std::move(outcome), now());
}

}  // namespace everup::spine
