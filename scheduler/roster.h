// The heart of one worker: which of its monitors must be looked at now, and what each answer means.
//
// Pure: no thread, no loop, no clock, no socket. Time comes in as Now, answers come in as Outcomes, and everything that
// is to be stored goes to the sink; so the same code runs in the service and in a simulation of years. One thread uses
// it.
//
// The promise (RULES B 2-5): every slot of every enabled monitor ends exactly once: answered by a look (its own row, or
// `covered` by a look that ran when it fell due), as a missed row, or inside a Gap. A shard's mark never passes a slot
// that has not ended.
//
// A monitor is idle, waiting (a look is due, admission has no place yet) or in flight; one look at a time.
//   slot falls due      idle: it waits · waiting: the slot before it is missed(overload), the place in the queue is
//   kept
//                       in flight: the running look answers it too
//   look ends           row to the sink, conclusion by core advance(); suspicion plans a re-check before the next slot
//   created, edited,    a look at once (many at a time: spread over an interval, at most 60 s), then slots
//   resumed
//   clock steps > 2 s,  one Gap per shard for what was not watched; the next slot is the catch-up look (monitors whose
//   or we stood still   next slot is more than 60 s away get one within 60 s)
//   the clock goes back time that is lived twice is looked at under numbers of 100 and up, its slots are answered
//   already
//
// A refused offer (the sink is full) changes nothing here: the standing stays as stored, the slots are remembered and
// booked missed(spool_full), or as one Gap of the monitor when they are many, as soon as there is room again.
//
// Limits: a few hundred bytes a monitor; in flight as AdmissionLimits; starts_max looks a turn; one remembered stretch
// per monitor; one remembered gap per shard; of a monitor that is well one evidence an hour, but not more than 5 000 an
// hour in all (then each has its turn less often, once a day at least). Known weaknesses: the last good evidence before
// trouble may therefore be that old; after a clock that was wrong into the future, conclusions stay dated at the later
// time; a row of a crashed roster may be offered again when the clock was set back meanwhile (the first one wins).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/clock.h"
#include "core/ports.h"
#include "core/stats.h"
#include "scheduler/admission.h"
#include "scheduler/due_queue.h"
#include "scheduler/record.h"
#include "scheduler/sight.h"

namespace everup::scheduler {

struct RosterOptions {
  Region region = kLocalRegion;
  AdmissionLimits limits;
  int starts_max = 64;     // looks started in one turn: about 100 µs each
  int at_once_max = 64;    // created, edited and resumed monitors looked at without spreading, per second
  Sight* sight = nullptr;  // null: every failure is the target's
};

struct LookStart {
  std::uint64_t token = 0;
  CheckPlan plan;  // a copy: the monitor may be edited meanwhile
  Instant deadline;
  bool want_evidence = false;
};

struct Turn {
  std::vector<LookStart> starts;
  std::vector<std::uint64_t> cancels;  // looks to be dropped; their outcome is not wanted any more
  Instant wake;                        // the next call of on_time() at the latest; at most a second away
};

class Roster {
 public:
  Roster(const RosterOptions& options, ObservationSink& sink);
  Roster(const Roster&) = delete;
  Roster& operator=(const Roster&) = delete;

  // Slots that fell due, looks that may start, marks once a second. Call it at `wake`, and after every other call.
  Turn on_time(Now now);
  // The end of the look with this token. Unknown tokens (cancelled looks) are ignored.
  void on_outcome(std::uint64_t token, Outcome&& outcome, Now now);

  // Monitors of shards that are not held are ignored.
  void take_shard(const OwnedShard& shard, std::vector<ScheduledMonitor>&& monitors, Now now);
  void lose_shard(Shard shard);
  // Created, edited, paused, resumed, deleted; older revisions are ignored.
  void change(MonitorChange&& change, Now now);
  // The whole shard as it is stored now: what is missing there goes, what differs is changed.
  void reconcile(Shard shard, std::vector<ScheduledMonitor>&& monitors, Now now);
  // Everything that was configured before `at` has come here. Marks never pass it: of a monitor that nobody told us of,
  // no slot was answered. Never called: no limit.
  void informed(WallTime at) { informed_ = at; }
  // False: no such monitor here, or it is paused.
  bool check_now(const CheckNow& command, Now now);

  // No look starts any more; those in flight may end.
  void drain() { draining_ = true; }
  // Stops: what is in flight is dropped, what is unanswered goes into a Gap, the last marks are offered. The tokens of
  // the dropped looks come with the result.
  std::vector<std::uint64_t> finish(Now now);

  std::size_t in_flight() const { return flying_; }
  std::size_t monitors() const { return records_.size(); }
  bool holds(Shard shard) const { return shards_[static_cast<std::size_t>(shard)].has_value(); }
  // True: a look could start at once (on_time() reached its limit, or a place became free).
  bool ready() const { return !draining_ && admission_.worth_asking(); }
  SchedulerStats stats() const;
  void set_limits(const AdmissionLimits& limits) { admission_.set_limits(limits); }

 private:
  struct Flight {
    WaitingLook place;
    std::uint32_t generation = 0;
    std::int32_t look = 0, revision = 1;
    WallTime slot_at, started_at;
    Instant deadline;
    std::int64_t epoch = 0, since_epoch = 0;
    std::uint64_t stalls = 0;
    CommandId command;
    Trigger trigger = Trigger::kSlot;
    bool used = false;
  };
  struct HeldShard {
    OwnedShard owned;
    WallTime marked;         // the last mark that the sink took
    std::optional<Gap> gap;  // not taken by the sink yet
    WallTime relived_until;  // slots before it were answered before the clock was set back
    std::vector<std::uint32_t> members;
  };
  struct Stretch {  // slots that ended without a look
    WallTime from, to;
    std::uint32_t slots = 0;
    GapReason reason = GapReason::kOverload;
  };
  struct Judged {
    Standing standing;
    std::optional<Conclusion> conclusion;
  };
  struct Undecided {  // a failure that waits for the sentinels; its look counts as in flight
    std::uint64_t token = 0;
    Outcome outcome;
    WallTime ended_at;
  };
  using Throughs = std::array<WallTime, kShards>;

  // roster.cpp: turns
  void process_due(std::uint32_t index, Now now);
  void slot_due(std::uint32_t index, WallTime slot, WallTime now);
  void owe(std::uint32_t index, WallTime slot);
  void owe_nothing(std::uint32_t index);
  void enqueue(std::uint32_t index, WallTime now);
  void call_off(Record& record);
  void rekey(std::uint32_t index);
  void start_looks(Turn& turn, Now now);
  LookStart start(const WaitingLook& place, Now now);
  void name_look(Record& record, Flight& flight, Now now);
  std::uint32_t new_flight();

  // roster_clock.cpp: time that was not lived
  void observe_clock(Now now);
  void time_was_lost(Now now, milliseconds moved);
  void skip_slots(std::uint32_t index, WallTime now, milliseconds moved);
  void look_within_a_minute(Record& record, WallTime now, Trigger trigger);
  void time_comes_again(milliseconds moved, Now now);

  // roster_changes.cpp: monitors and shards
  HeldShard* held(Shard shard);
  void add(ScheduledMonitor&& monitor, bool bulk, WallTime watched_through, GapReason reason, Now now);
  void replace(std::uint32_t index, ScheduledMonitor&& monitor, Now now);
  void end_revision(std::uint32_t index, WallTime at);
  void pause(std::uint32_t index);
  // The slots that the revision before it answered already.
  struct Answered {
    std::int32_t interval_ms = 0;  // 0: there was none
    WallTime before;
  };
  void settle_slots_since(std::uint32_t index, WallTime from, const Answered& answered, Now now);
  void look_soon(std::uint32_t index, Now now);
  static void good_evidence_later(Record& record, WallTime now);
  void remove(std::uint32_t index);
  void cancel_flight(Record& record);
  Flight take_flight(Record& record);
  void adopt(Record& record, Standing&& stored);
  void count(const Record& record, int by);

  // roster_sight.cpp: whose fault it is
  bool waits_for_sight(std::uint64_t token, Outcome& outcome, WallTime ended_at, Now now);
  void look_at_sight(Now now);
  void forget_suspicions(const Sight::Blindness& seen, Now now);

  // roster_outcomes.cpp: what is stored
  bool is_flying(std::uint64_t token) const;
  void conclude(std::uint64_t token, Outcome&& outcome, Now now);
  void judge_late(const Flight& flight, Outcome& outcome, Now now) const;
  Judged judge(const Record& record, const Flight& flight, const Outcome& outcome) const;
  Judged lose(const Record& record, WallTime from, Reason reason) const;
  bool keep_evidence(const Record& record, const Outcome& outcome, const Judged& judged, WallTime now) const;
  bool good_evidence_due(const Record& record, WallTime now) const;
  void apply(Record& record, const Judged& judged);
  void plan_recheck(Record& record, const Flight& flight, WallTime now);
  void unseen(Record& record, WallTime from, GapReason reason);
  void book(std::uint32_t index, Stretch stretch);
  void book_owed(std::uint32_t index, GapReason reason);
  bool offer_stretch(std::uint32_t index, const Stretch& stretch);
  bool offer_lost(std::uint32_t index);
  void gap(HeldShard& shard, Span span, GapReason reason);
  void offer_gaps();
  Throughs throughs(WallTime now) const;
  void offer_marks(WallTime now);
  void every_second(Now now);

  RosterOptions options_;
  ObservationSink& sink_;
  RecordStore records_;
  DueQueue due_;
  Admission admission_;
  std::array<std::optional<HeldShard>, kShards> shards_;
  std::vector<Shard> holding_;  // those that shards_ has
  std::vector<Flight> flights_;
  std::vector<std::uint32_t> free_flights_;
  std::size_t flying_ = 0;
  std::vector<std::uint32_t> owing_;                       // monitors that owe a slot
  std::unordered_map<std::uint32_t, Stretch> lost_;        // stretches that the sink had no room for
  std::unordered_map<std::uint32_t, CommandId> commands_;  // check-now that waits for its look
  std::vector<std::uint64_t> cancels_;
  std::vector<Undecided> undecided_;
  std::uint64_t sight_changes_ = 0;
  Instant sight_at_;         // when look_at_sight() is due
  std::optional<Now> last_;  // the latest instant we were told
  std::optional<WallTime> informed_;
  WallTime due_through_;      // slots up to here have fallen due
  Instant second_at_;         // when every_second() is due
  std::uint64_t stalls_ = 0;  // times we stood still, or the clock stepped forward
  int at_once_ = 0;           // looks granted at once in this second
  bool draining_ = false;

  std::array<std::array<std::uint64_t, 5>, 10> checks_{};   // [kind][verdict]
  std::array<SecondsHistogram, 10> duration_{};             // [kind]
  std::array<std::array<std::int64_t, 8>, 10> monitors_{};  // [kind][state]
  std::array<std::uint64_t, 8> missed_{};                   // [gap reason]
  SecondsHistogram lateness_;
};

}  // namespace everup::scheduler
