// The real threads: coordinator, workers and loops on the machine's clock. The monitors come from a source in memory,
// the probes are timers on the loop. Nothing here depends on how fast the machine is: tests wait for events.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "net/clock.h"
#include "net/limits.h"
#include "scheduler/scheduler.h"

namespace everup::scheduler {
namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr int kNode = 7;

// One mutex and one condition for source, sink and probes: every change wakes whoever waits.
struct Board {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Observation> rows;
  std::vector<Gap> gaps;
  std::map<Shard, WallTime> marks;
  std::map<MonitorId, ScheduledMonitor> monitors;
  std::vector<MonitorChange> changes;
  std::vector<CheckNow> commands;
  std::vector<OwnedShard> shards;
  bool available = true, hang = false, released = false;
  int holds = 0, running = 0;

  bool wait(const std::function<bool(Board&)>& done) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, kPatience, [&] { return done(*this); });
  }
  void change(const std::function<void(Board&)>& how) {
    {
      const std::lock_guard lock(mutex);
      how(*this);
    }
    changed.notify_all();
  }
  long rows_of(MonitorId id) const {
    return std::count_if(rows.begin(), rows.end(),
                         [id](const Observation& row) { return row.monitor == id && !row.missed; });
  }
};

class Source final : public MonitorSource {
 public:
  explicit Source(Board& board) : board_(board) {}
  Result<std::vector<OwnedShard>> hold_shards() override {
    std::vector<OwnedShard> held;
    bool available = false;
    board_.change([&](Board& board) {
      ++board.holds;
      available = board.available;
      held = board.shards;
    });
    if (!available) return Error{ErrorCode::kUnavailable, "test: away"};
    return held;
  }
  Status release_shards() override {
    board_.change([](Board& board) { board.released = true; });
    return ok();
  }
  Status load(Shard shard, const std::function<void(ScheduledMonitor&&)>& each) override {
    std::vector<ScheduledMonitor> found;
    board_.change([&](Board& board) {
      for (const auto& [id, monitor] : board.monitors) {
        if (shard_of(id) == shard) found.push_back(monitor);
      }
    });
    for (ScheduledMonitor& monitor : found) each(std::move(monitor));
    return ok();
  }
  Result<std::vector<MonitorChange>> changes(milliseconds wait) override {
    std::unique_lock lock(board_.mutex);
    board_.changed.wait_for(lock, wait, [this] { return !board_.changes.empty() || !board_.commands.empty(); });
    if (!board_.available) return Error{ErrorCode::kUnavailable, "test: away"};
    return std::exchange(board_.changes, {});
  }
  Result<std::vector<CheckNow>> commands() override {
    const std::lock_guard lock(board_.mutex);
    return std::exchange(board_.commands, {});
  }

 private:
  Board& board_;
};

class Sink final : public ObservationSink {
 public:
  explicit Sink(Board& board) : board_(board) {}
  bool offer(Observation&& observation) override {
    board_.change([&](Board& board) { board.rows.push_back(std::move(observation)); });
    return true;
  }
  bool offer(Gap&& gap) override {
    board_.change([&](Board& board) { board.gaps.push_back(gap); });
    return true;
  }
  bool offer(std::vector<ShardMark>&& marks) override {
    board_.change([&](Board& board) {
      for (const ShardMark& mark : marks) board.marks[mark.shard] = mark.through;
    });
    return true;
  }

 private:
  Board& board_;
};

// A question that a timer answers: at once, or (while the board says hang) at the deadline.
class TimerProbe final : public checker::Probe {
 public:
  TimerProbe(net::Loop& loop, Board& board, Instant deadline, checker::Done done) : loop_(loop), board_(board) {
    bool hang = false;
    board.change([&](Board& it) {
      ++it.running;
      hang = it.hang;
    });
    timer_ = loop.at(hang ? deadline : loop.now().mono, [this, hang, done = std::move(done)]() mutable {
      fired_ = true;
      const checker::Done last = std::move(done);  // it destroys this probe
      last(outcome_of(hang ? Cause::kHttpTimeout : Cause::kOk));
    });
  }
  ~TimerProbe() override {
    if (!fired_) loop_.cancel(timer_);
    board_.change([](Board& board) { --board.running; });
  }

 private:
  net::Loop& loop_;
  Board& board_;
  net::TimerId timer_;
  bool fired_ = false;
};

class TimerProbes final : public checker::ProbeMaker {
 public:
  TimerProbes(net::Loop& loop, Board& board) : loop_(loop), board_(board) {}
  std::unique_ptr<checker::Probe> start(const checker::Question& question, checker::Done done) override {
    return std::make_unique<TimerProbe>(loop_, board_, question.deadline, std::move(done));
  }

 private:
  net::Loop& loop_;
  Board& board_;
};

class SchedulerThreads : public ::testing::Test {
 protected:
  SchedulerThreads() {
    for (Shard shard = 0; shard < kShards; ++shard) board_.shards.push_back({shard, 1, 1, WallTime{}});
  }

  void start(std::int64_t descriptors = 400) {
    SchedulerOptions options;
    options.workers = 2;
    options.clock = &clock_;
    options.descriptors = descriptors;
    options.hold_every = milliseconds(200);
    options.reread_every = milliseconds(2'000);
    options.retry_min = milliseconds(5);
    options.make_probes = [this](net::Loop& loop) { return std::make_unique<TimerProbes>(loop, board_); };
    scheduler_ = std::make_unique<Scheduler>(options, source_, sink_);
    ASSERT_TRUE(scheduler_->start());
  }

  ScheduledMonitor monitor(int number, std::int32_t interval_ms = 1'000) {
    ScheduledMonitor made;
    made.plan.id = MonitorId{kNode * 1'000'000 + number};
    made.plan.account = AccountId{1};
    made.plan.interval_ms = interval_ms;
    made.plan.url = "https://host" + std::to_string(number) + ".example/";
    made.plan.created_at = made.plan.revised_at = clock_.now().wall;
    return made;
  }
  void tell(ScheduledMonitor changed) {
    board_.change([&](Board& board) {
      const MonitorId id = changed.plan.id;
      board.monitors[id] = changed;
      board.changes.push_back({id, std::move(changed)});
    });
  }

  net::SystemClock clock_;
  Board board_;
  Source source_{board_};
  Sink sink_{board_};
  std::unique_ptr<Scheduler> scheduler_;
};

TEST_F(SchedulerThreads, MonitorsThatAreThereAtTheStartAreLookedAt) {
  for (int i = 0; i < 50; ++i) board_.monitors[monitor(i).plan.id] = monitor(i);
  start();
  EXPECT_TRUE(board_.wait([](Board& board) {
    return std::all_of(board.monitors.begin(), board.monitors.end(),
                       [&](const auto& one) { return board.rows_of(one.first) >= 2; });
  }));
  EXPECT_TRUE(board_.wait([](Board& board) { return board.marks.size() == static_cast<std::size_t>(kShards); }));
  scheduler_->stop(milliseconds(1'000));
  const SchedulerStats stats = scheduler_->stats();
  EXPECT_EQ(stats.monitors_total, 50U);
  EXPECT_EQ(stats.shards_owned, static_cast<std::uint64_t>(kShards));
  EXPECT_EQ(stats.in_flight, 0U);
  EXPECT_EQ(board_.running, 0);
  EXPECT_TRUE(scheduler_->release_shards());
  EXPECT_TRUE(board_.released);
}

TEST_F(SchedulerThreads, AddedEditedPausedDeleted) {
  start();
  ScheduledMonitor one = monitor(1, 3'600'000);
  const MonitorId id = one.plan.id;
  ASSERT_TRUE(board_.wait([](Board& board) { return !board.marks.empty(); }));
  tell(one);
  ASSERT_TRUE(board_.wait([&](Board& board) { return board.rows_of(id) == 1; })) << "looked at once, not in an hour";
  one.plan.revision = 2;
  one.plan.revised_at = clock_.now().wall;
  tell(one);
  ASSERT_TRUE(board_.wait([&](Board& board) { return board.rows_of(id) == 2 && board.rows.back().revision == 2; }));
  board_.change([&](Board& board) { board.commands.push_back({CommandId{77}, id}); });
  ASSERT_TRUE(board_.wait([&](Board& board) { return board.rows_of(id) == 3; }));
  EXPECT_EQ(board_.rows.back().command.value, 77);
  EXPECT_EQ(board_.rows.back().trigger, Trigger::kManual);
  board_.change([&](Board& board) {
    board.monitors.erase(id);
    board.changes.push_back({id, std::nullopt});
  });
  tell(monitor(2, 3'600'000));
  ASSERT_TRUE(board_.wait([&](Board& board) { return board.rows_of(monitor(2).plan.id) == 1; }));
  scheduler_->stop(milliseconds(1'000));
  EXPECT_EQ(scheduler_->stats().monitors_total, 1U);
}

TEST_F(SchedulerThreads, ADatabaseThatIsAwayAtTheStartIsAskedAgain) {
  board_.available = false;
  board_.monitors[monitor(1).plan.id] = monitor(1);
  start();
  ASSERT_TRUE(board_.wait([](Board& board) { return board.holds >= 3; }));
  board_.change([](Board& board) { board.available = true; });
  EXPECT_TRUE(board_.wait([this](Board& board) { return board.rows_of(monitor(1).plan.id) >= 1; }));
  // Away again: what we have is watched on.
  board_.change([](Board& board) { board.available = false; });
  const auto before = static_cast<long>(board_.rows.size());
  EXPECT_TRUE(board_.wait([&](Board& board) { return static_cast<long>(board.rows.size()) >= before + 2; }));
}

TEST_F(SchedulerThreads, ALostShardIsLetGoAndAChangedEpochIsLoadedAgain) {
  const ScheduledMonitor one = monitor(1);
  const MonitorId id = one.plan.id;
  board_.monitors[id] = one;
  start();
  ASSERT_TRUE(board_.wait([&](Board& board) { return board.rows_of(id) >= 1; }));
  board_.change([](Board& board) { board.shards.clear(); });
  int holds = 0;
  board_.change([&](Board& board) { holds = board.holds; });
  ASSERT_TRUE(board_.wait([&](Board& board) { return board.holds >= holds + 2; }));
  board_.change([&](Board& board) {
    board.shards.push_back({shard_of(id), 5, 5, clock_.now().wall - milliseconds(900)});
  });
  ASSERT_TRUE(board_.wait([&](Board& board) {
    return std::any_of(board.rows.begin(), board.rows.end(), [](const Observation& row) { return row.epoch == 5; });
  }));
  ASSERT_TRUE(board_.wait([](Board& board) {
    return std::any_of(board.gaps.begin(), board.gaps.end(),
                       [](const Gap& gap) { return gap.reason == GapReason::kLeaseLost; });
  }));
}

TEST_F(SchedulerThreads, StopGivesUpWhatHangsAndBooksIt) {
  board_.hang = true;
  ScheduledMonitor one = monitor(1);
  one.plan.timeout_ms = 60'000;
  board_.monitors[one.plan.id] = one;
  start();
  // In flight, and a slot owed: the mark stands still while the clock goes on.
  ASSERT_TRUE(board_.wait([](Board& board) { return board.running == 1; }));
  scheduler_->stop(milliseconds(1'500));
  EXPECT_EQ(board_.running, 0);
  EXPECT_EQ(board_.rows.size(), 0U);
  const Shard shard = shard_of(one.plan.id);
  // Its last one; other shards may have one too, for the second in which they could not know of new monitors.
  const auto gap =
      std::find_if(board_.gaps.rbegin(), board_.gaps.rend(), [&](const Gap& each) { return each.shard == shard; });
  ASSERT_NE(gap, board_.gaps.rend());
  EXPECT_EQ(gap->reason, GapReason::kRestart);
  EXPECT_EQ(board_.marks[shard], gap->span.to);
}

// The limit of open descriptors of this process, put back at the end.
class DescriptorLimit {
 public:
  DescriptorLimit() { EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0); }
  ~DescriptorLimit() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }
  void leave_room_for(std::int64_t descriptors) const {
    rlimit limit = before_;
    const std::int64_t open = *net::open_descriptors();
    limit.rlim_cur = std::min(before_.rlim_max, static_cast<rlim_t>(open + net::kDescriptorsSpare + descriptors));
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }

 private:
  rlimit before_{};
};

TEST_F(SchedulerThreads, DescriptorsAreCountedAgainWhileItRuns) {
  const DescriptorLimit limit;
  limit.leave_room_for(20);
  board_.hang = true;
  for (int i = 0; i < 100; ++i) {
    ScheduledMonitor one = monitor(i);
    one.plan.timeout_ms = 60'000;
    board_.monitors[one.plan.id] = one;
  }
  start(0);
  ASSERT_TRUE(board_.wait([](Board& board) { return board.running >= 2 && board.holds >= 5; }));
  board_.change([](Board& board) { EXPECT_LE(board.running, 10); });
  limit.leave_room_for(2'000);
  EXPECT_TRUE(board_.wait([](Board& board) { return board.running == 100; }));
  scheduler_->stop(milliseconds(0));
  EXPECT_EQ(board_.running, 0);
}

TEST_F(SchedulerThreads, AWorkerWithoutProbesIsAnError) {
  SchedulerOptions options;
  options.clock = &clock_;
  options.descriptors = 100;
  options.make_probes = [](net::Loop&) { return nullptr; };
  Scheduler scheduler(options, source_, sink_);
  const auto status = scheduler.start();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace everup::scheduler
