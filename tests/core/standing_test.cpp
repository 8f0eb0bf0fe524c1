// The health machine against a naive oracle: a plain list of what happened, scanned backwards at every step. All
// sequences of eight verdicts for several patience values, and long random ones with missed slots, lost sight and stale
// suspicions.
#include "core/standing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace everup {
namespace {

enum class What { kUp, kDegraded, kDown, kInconclusive, kMissed, kLost };

struct Event {
  What what;
  std::int64_t at;
};

bool conclusive(const Event& e) { return e.what == What::kUp || e.what == What::kDegraded || e.what == What::kDown; }
State as_state(What w) {
  if (w == What::kUp) return State::kUp;
  if (w == What::kDegraded) return State::kDegraded;
  return w == What::kDown ? State::kDown : State::kUnknown;
}

// Labels every event with the state of the time that begins at it; kOpen while it is only suspected.
class Oracle {
 public:
  static constexpr State kOpen = State::kPaused;  // a state that no span of a standing has

  Oracle(int failures, int successes, std::int64_t horizon)
      : failures_(failures), successes_(successes), horizon_(horizon) {}

  void happen(Event e) {
    if (e.what != What::kMissed && e.what != What::kLost) forget_stale(e.at);
    events_.push_back(e);
    labels_.push_back(State::kUnknown);
    if (e.what == What::kLost && first_open() < labels_.size()) give_up();
    if (conclusive(e)) judge();
  }
  void forget_stale(std::int64_t at) {
    const std::size_t open = first_open();
    if (open < labels_.size() && at - events_[open].at > horizon_) give_up();
  }
  std::size_t first_open() const {
    return static_cast<std::size_t>(std::find(labels_.begin(), labels_.end(), kOpen) - labels_.begin());
  }
  const std::vector<Event>& events() const { return events_; }
  const std::vector<State>& labels() const { return labels_; }
  const std::vector<Flip>& flips() const { return flips_; }
  State health() const { return health_; }

 private:
  struct Found {
    int looks = 0;
    std::size_t first = 0;
  };
  template <class Matches>
  Found trailing(Matches matches) const {
    Found found;
    for (std::size_t i = events_.size(); i-- > barrier_;) {
      if (!conclusive(events_[i])) continue;
      if (!matches(events_[i].what)) break;
      ++found.looks;
      found.first = i;
    }
    return found;
  }
  void give_up() {
    for (std::size_t i = first_open(); i < labels_.size(); ++i) labels_[i] = State::kUnknown;
    barrier_ = labels_.size();
  }
  Found contradicting() const {
    const What last = events_.back().what;
    if (as_state(last) == health_ || (health_ == State::kUnknown && last != What::kDown)) return {};
    if (health_ == State::kDegraded || health_ == State::kUnknown) return trailing([&](What w) { return w == last; });
    return trailing([&](What w) { return as_state(w) != health_; });
  }
  void judge() {
    const State before = health_;
    const Found down = trailing([](What w) { return w == What::kDown; });
    const Found up = trailing([](What w) { return w == What::kUp; });
    const Found not_up = trailing([](What w) { return w != What::kUp; });
    const Found not_down = trailing([](What w) { return w != What::kDown; });
    Found run;
    State to = health_;
    const auto try_settle = [&](State wanted, const Found& found, int needed) {
      if (to == before && wanted != before && found.looks >= needed) {
        to = wanted;
        run = found;
      }
    };
    const std::size_t last = events_.size() - 1;
    if (before == State::kUnknown) {
      if (events_[last].what != What::kDown) try_settle(as_state(events_[last].what), {1, last}, 1);
      try_settle(State::kDown, down, failures_);
    } else if (before == State::kDown) {
      try_settle(State::kUp, up, successes_);
      try_settle(State::kDegraded, not_down, successes_);
    } else {
      try_settle(State::kDown, down, failures_);
      if (before == State::kUp) try_settle(State::kDegraded, not_up, failures_);
      if (before == State::kDegraded) try_settle(State::kUp, up, successes_);
    }
    labels_[last] = kOpen;
    if (to != before) {
      for (std::size_t i = run.first; i <= last; ++i) {
        if (conclusive(events_[i])) labels_[i] = to;
      }
      flips_.push_back({before, to, {events_[run.first].at}, {events_[last].at}, {}});
      health_ = to;
    }
    const Found against = contradicting();
    const std::size_t open_from = against.looks == 0 ? events_.size() : against.first;
    for (std::size_t i = barrier_; i < events_.size(); ++i) {
      if (!conclusive(events_[i])) continue;
      if (i >= open_from) labels_[i] = kOpen;
      if (i < open_from && labels_[i] == kOpen) labels_[i] = before;
    }
  }

  int failures_, successes_;
  std::int64_t horizon_;
  State health_ = State::kUnknown;
  std::size_t barrier_ = 0;
  std::vector<Event> events_;
  std::vector<State> labels_;
  std::vector<Flip> flips_;
};

// The machine beside the oracle, and what must hold after every step.
class Pair {
 public:
  Pair(Patience patience, std::int64_t horizon)
      : oracle_(patience.failures, patience.successes, horizon), patience_(patience), horizon_(horizon) {}

  // Empty: all is well.
  std::string look(What what, std::int64_t at, std::optional<std::int64_t> missed_from = std::nullopt) {
    static const Cause kCauses[] = {Cause::kOk, Cause::kTooSlow, Cause::kConnectRefused, Cause::kOwnNetwork};
    Look look;
    look.verdict = static_cast<Verdict>(static_cast<int>(what) + 1);
    look.cause = kCauses[static_cast<int>(what)];
    look.started_at = look.unknown_from = WallTime{at};
    std::optional<Missed> missed;
    if (missed_from) {
      oracle_.forget_stale(at);  // judged at the look's start, before the missed stretch is taken in
      oracle_.happen({What::kMissed, *missed_from});
      missed = Missed{{*missed_from}, GapReason::kOverload};
    }
    oracle_.happen({what, at});
    return check(advance(standing_, look, patience_, milliseconds(horizon_), missed));
  }
  std::string lose(std::int64_t at) {
    if (oracle_.events().empty()) return check(lose_sight(standing_, {at}, {}));
    oracle_.happen({What::kLost, at});
    return check(lose_sight(standing_, {at}, {}));
  }
  int glitches() const { return glitches_; }
  const Standing& standing() const { return standing_; }
  const std::vector<SpanEdge>& edges() const { return edges_; }
  const std::vector<Flip>& flips() const { return flips_; }

 private:
  std::string check(Advance step) {
    const Standing before = std::move(standing_);
    standing_ = std::move(step.standing);
    glitches_ += step.glitch ? 1 : 0;
    if (step.conclusion) {
      if (auto wrong = take(*step.conclusion, before); !wrong.empty()) return wrong;
    } else if (standing_.version != before.version || standing_.health != before.health ||
               standing_.booked != before.booked || standing_.booked_since != before.booked_since ||
               standing_.pending_since != before.pending_since) {
      return "something stored changed without a conclusion";
    }
    if (standing_.pending && standing_.pending->size() > Standing::kPendingMax) return "the list of pending looks grew";
    settled_ = std::max(settled_, standing_.pending_since.value_or(standing_.last_look).ms);
    return compare();
  }
  std::string take(const Conclusion& c, const Standing& before) {
    if (c.version_before != before.version || c.version_after != before.version + 1) return "versions do not chain";
    if (c.version_after != standing_.version || c.health != standing_.health || c.booked != standing_.booked ||
        c.booked_since != standing_.booked_since || c.health_since != standing_.health_since ||
        c.pending_since != standing_.pending_since) {
      return "conclusion and standing differ";
    }
    for (const auto& edge : c.edges) {
      if (!edges_.empty() && edge.at <= edges_.back().at) return "edges do not ascend";
      if (!edges_.empty() && edge.state == edges_.back().state) return "an edge changes nothing";
      if (edge.at.ms < settled_) return "a shown minute was taken back";
      edges_.push_back(edge);
    }
    if (!edges_.empty() && (edges_.back().at != c.booked_since || edges_.back().state != c.booked))
      return "wrong open span";
    if (c.flip) {
      if (c.flip->from == c.flip->to) return "a flip to itself";
      if (!flips_.empty() && flips_.back().to != c.flip->from) return "flips do not alternate";
      flips_.push_back(*c.flip);
    }
    return {};
  }
  std::string compare() const {
    const auto& events = oracle_.events();
    const std::size_t open = oracle_.first_open();
    if (standing_.pending_since.has_value() != (open < events.size())) return "suspicion and oracle differ";
    if (open < events.size() && standing_.pending_since->ms != events[open].at) return "suspicion begins elsewhere";
    if (open < events.size() && !edges_.empty() && edges_.back().at.ms >= events[open].at)
      return "booked while suspected";
    std::size_t edge = 0;
    State state = State::kUnknown;
    for (std::size_t i = 0; i < open; ++i) {
      for (; edge < edges_.size() && edges_[edge].at.ms <= events[i].at; ++edge) state = edges_[edge].state;
      if (state != oracle_.labels()[i])
        return "state at event " + std::to_string(i) + " is " + std::string(slug(state));
    }
    if (edge != edges_.size()) return "an edge where nothing happened";
    if (standing_.health != oracle_.health()) return "health differs";
    if (flips_.size() != oracle_.flips().size()) return "number of flips differs";
    if (!flips_.empty()) {
      const Flip &is = flips_.back(), &want = oracle_.flips().back();
      if (is.from != want.from || is.to != want.to || is.at != want.at || is.settled_at != want.settled_at)
        return "flip differs";
    }
    return {};
  }

  Oracle oracle_;
  Patience patience_;
  std::int64_t horizon_;
  Standing standing_;
  std::vector<SpanEdge> edges_;
  std::vector<Flip> flips_;
  std::int64_t settled_ = 0;
  int glitches_ = 0;
};

Patience patience_of(int failures, int successes) {
  Patience p;
  p.failures = static_cast<std::uint8_t>(failures);
  p.successes = static_cast<std::uint8_t>(successes);
  return p;
}

constexpr std::int64_t kLong = 1'000'000'000;

// Every continuation of `pair` to `depth` more looks; the first failure stops it.
std::string explore(const Pair& pair, int depth, std::int64_t at, const std::string& path) {
  if (depth == 0) return {};
  for (const What what : {What::kUp, What::kDegraded, What::kDown, What::kInconclusive}) {
    Pair next = pair;
    const std::string here = path + "UGDI"[static_cast<int>(what)];
    if (auto wrong = next.look(what, at); !wrong.empty()) return here + ": " + wrong;
    if (auto wrong = explore(next, depth - 1, at + 60'000, here); !wrong.empty()) return wrong;
  }
  return {};
}

TEST(Standing, EverySequenceOfEightVerdictsAgreesWithTheOracle) {
  for (const auto& [failures, successes] : {std::pair{3, 2}, {1, 1}, {2, 2}, {2, 1}, {1, 3}, {4, 3}, {5, 1}}) {
    const Pair start(patience_of(failures, successes), kLong);
    EXPECT_EQ(explore(start, 8, 1'000'000, ""), "") << failures << " failures, " << successes << " successes";
  }
}

TEST(Standing, LongRandomHistoriesAgreeWithTheOracle) {
  for (std::uint32_t seed = 1; seed <= 600; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&random](std::uint32_t n) { return static_cast<int>(random() % n); };
    const std::int64_t horizon = below(3) == 0 ? 100'000 : kLong;
    Pair pair(patience_of(1 + below(10), 1 + below(10)), horizon);
    const int sticky = 2 + below(12);
    std::int64_t at = 1'000'000;
    What what = What::kUp;
    for (int i = 0; i < 120; ++i) {
      at += 1 + below(60'000);
      if (below(static_cast<std::uint32_t>(sticky)) == 0) what = static_cast<What>(below(4));
      std::string wrong;
      if (below(40) == 0) {
        wrong = pair.lose(at);
      } else if (i > 0 && below(12) == 0) {
        wrong = pair.look(what, at + 30'000, at + below(29'000));
        at += 30'000;
      } else {
        wrong = pair.look(what, at);
      }
      ASSERT_EQ(wrong, "") << "seed " << seed << ", step " << i;
    }
  }
}

Look look_at(Verdict verdict, std::int64_t at, Cause cause = Cause::kConnectRefused) {
  return {verdict, verdict == Verdict::kUp ? Cause::kOk : cause, {at}, {at}};
}

// A machine and all that it has booked.
struct History {
  Standing standing;
  std::vector<SpanEdge> edges;
  std::optional<Flip> flip;
  bool glitch = false;
  Patience patience;
  milliseconds horizon = milliseconds(100'000);

  void take(Advance step) {
    standing = step.standing;
    glitch = step.glitch;
    flip.reset();
    if (!step.conclusion) return;
    flip = step.conclusion->flip;
    edges.insert(edges.end(), step.conclusion->edges.begin(), step.conclusion->edges.end());
  }
  void look(const Look& l, std::optional<Missed> missed = std::nullopt) {
    take(advance(standing, l, patience, horizon, missed));
  }
};

Reason because(Cause cause) { return {static_cast<std::int16_t>(cause), 0}; }
Reason because(GapReason gap) { return {0, static_cast<std::int16_t>(gap)}; }

TEST(Standing, DownIsDatedFromTheFirstFailingLookAndUpFromTheFirstGoodOne) {
  History run;
  run.look(look_at(Verdict::kUp, 1'000));
  ASSERT_TRUE(run.flip);
  EXPECT_EQ(run.flip->from, State::kUnknown);
  run.look(look_at(Verdict::kDown, 61'000));
  EXPECT_EQ(run.standing.pending_since, WallTime{61'000});
  run.look(look_at(Verdict::kDown, 71'000));
  EXPECT_FALSE(run.flip);
  run.look(look_at(Verdict::kDown, 81'000));
  ASSERT_TRUE(run.flip);
  EXPECT_EQ(run.flip->at, WallTime{61'000});
  EXPECT_EQ(run.flip->settled_at, WallTime{81'000});
  EXPECT_EQ(run.flip->reason, because(Cause::kConnectRefused));
  run.look(look_at(Verdict::kUp, 121'000));
  run.look(look_at(Verdict::kUp, 131'000));
  const std::vector<SpanEdge> want{{{1'000}, State::kUp, {}},
                                   {{61'000}, State::kDown, because(Cause::kConnectRefused)},
                                   {{121'000}, State::kUp, {}}};
  EXPECT_EQ(run.edges, want);
  EXPECT_EQ(run.standing.version, 5);  // two suspicions begun, two settled, one birth
}

TEST(Standing, ABlipStaysUpAndIsCountedAsAGlitch) {
  History run;
  run.look(look_at(Verdict::kUp, 1'000));
  run.look(look_at(Verdict::kDown, 61'000));
  run.look(look_at(Verdict::kUp, 71'000));
  EXPECT_TRUE(run.glitch);
  EXPECT_FALSE(run.standing.pending_since);
  EXPECT_EQ(run.edges.size(), 1u);
  EXPECT_EQ(run.standing.pending, nullptr);
}

TEST(Standing, UnknownInsideAnOutageIsNotDown) {
  History run;
  run.look(look_at(Verdict::kUp, 1'000));
  run.look(look_at(Verdict::kDown, 61'000));
  run.look(look_at(Verdict::kInconclusive, 71'000, Cause::kOwnNetwork));
  run.look(look_at(Verdict::kDown, 81'000), Missed{{76'000}, GapReason::kOverload});
  run.look(look_at(Verdict::kDown, 91'000, Cause::kHttpStatus));
  const std::vector<SpanEdge> want{{{1'000}, State::kUp, {}},
                                   {{61'000}, State::kDown, because(Cause::kConnectRefused)},
                                   {{71'000}, State::kUnknown, because(Cause::kOwnNetwork)},
                                   {{81'000}, State::kDown, because(Cause::kConnectRefused)}};
  EXPECT_EQ(run.edges, want);
}

TEST(Standing, AMissedSlotIsUnknownUntilTheNextLook) {
  History run;
  run.look(look_at(Verdict::kUp, 1'000));
  run.look(look_at(Verdict::kUp, 181'000), Missed{{60'000}, GapReason::kRestart});
  const std::vector<SpanEdge> want{{{1'000}, State::kUp, {}},
                                   {{60'000}, State::kUnknown, because(GapReason::kRestart)},
                                   {{181'000}, State::kUp, {}}};
  EXPECT_EQ(run.edges, want);
  EXPECT_FALSE(run.flip) << "the health never changed";
}

TEST(Standing, NothingIsBookedBeforeTheFirstLookEver) {
  History run;
  run.look(look_at(Verdict::kUp, 500'000), Missed{{60'000}, GapReason::kRestart});
  EXPECT_EQ(run.edges, (std::vector<SpanEdge>{{{500'000}, State::kUp, {}}}));
}

TEST(Standing, AnInconclusiveLookBooksUnknownFromItsSlot) {
  History run;
  run.look(look_at(Verdict::kUp, 1'000));
  run.look({Verdict::kInconclusive, Cause::kOwnResources, {61'500}, {61'000}});
  run.look(look_at(Verdict::kInconclusive, 121'000, Cause::kOwnNetwork));
  EXPECT_EQ(run.standing.health, State::kUp);
  EXPECT_EQ(run.standing.booked, State::kUnknown);
  run.look(look_at(Verdict::kUp, 181'000));
  const std::vector<SpanEdge> want{{{1'000}, State::kUp, {}},
                                   {{61'000}, State::kUnknown, because(Cause::kOwnResources)},
                                   {{181'000}, State::kUp, {}}};
  EXPECT_EQ(run.edges, want);
}

TEST(Standing, AStaleSuspicionIsUnknownFromItsFirstLook) {
  History run;
  run.look(look_at(Verdict::kUp, 1'000));
  run.look(look_at(Verdict::kDown, 61'000));
  History in_time = run;
  in_time.look(look_at(Verdict::kDown, 161'000));
  EXPECT_EQ(in_time.standing.pending_since, WallTime{61'000}) << "as old as the horizon is not older";
  run.look(look_at(Verdict::kDown, 161'001));
  EXPECT_EQ(run.standing.pending_since, WallTime{161'001});
  ASSERT_EQ(run.edges.size(), 2u);
  EXPECT_EQ(run.edges[1].at, WallTime{61'000});
  EXPECT_EQ(run.edges[1].state, State::kUnknown);
}

TEST(Standing, ASuspicionLoadedWithoutItsLooksIsUnknownFromItsStart) {
  History run;
  run.standing.health = run.standing.booked = State::kUp;
  run.standing.health_since = run.standing.booked_since = {1'000};
  run.standing.version = 7;
  run.standing.pending_since = WallTime{61'000};
  run.look(look_at(Verdict::kUp, 90'000), Missed{{70'000}, GapReason::kLeaseLost});
  const std::vector<SpanEdge> want{{{61'000}, State::kUnknown, because(GapReason::kLeaseLost)},
                                   {{90'000}, State::kUp, {}}};
  EXPECT_EQ(run.edges, want);
  EXPECT_EQ(run.standing.version, 8);
}

TEST(Standing, LosingSightDropsTheSuspicionAndKeepsTheHealth) {
  History run;
  run.take(lose_sight(run.standing, {500}, {}));
  EXPECT_TRUE(run.edges.empty()) << "nothing was ever seen";
  run.look(look_at(Verdict::kUp, 1'000));
  run.look(look_at(Verdict::kDown, 61'000));
  run.take(lose_sight(run.standing, {66'000}, because(GapReason::kBlind)));
  EXPECT_FALSE(run.standing.pending_since);
  EXPECT_EQ(run.standing.health, State::kUp);
  EXPECT_EQ(run.edges.back(), (SpanEdge{{61'000}, State::kUnknown, because(GapReason::kBlind)}));
  run.look(look_at(Verdict::kDown, 121'000));
  run.look(look_at(Verdict::kDown, 131'000));
  EXPECT_FALSE(run.flip) << "the run begins anew after lost sight";
  run.look(look_at(Verdict::kDown, 141'000));
  ASSERT_TRUE(run.flip);
  EXPECT_EQ(run.flip->at, WallTime{121'000});
}

TEST(Standing, ASteppedClockNeverMakesAnEdgeGoBack) {
  History run;
  run.patience = patience_of(1, 1);
  run.look(look_at(Verdict::kUp, 1'000'000));
  run.look(look_at(Verdict::kDown, 900'000));
  run.look(look_at(Verdict::kUp, 900'500));
  ASSERT_EQ(run.edges.size(), 3u);
  EXPECT_LT(run.edges[0].at, run.edges[1].at);
  EXPECT_LT(run.edges[1].at, run.edges[2].at);
  EXPECT_EQ(run.standing.last_look, WallTime{1'000'002});
  History patient;
  patient.look(look_at(Verdict::kUp, 1'000'000));
  patient.look(look_at(Verdict::kDown, 900'000));
  EXPECT_EQ(patient.standing.pending_since, WallTime{1'000'001}) << "what was shown up to 1 000 s stays";
}

TEST(Standing, RetryDistancesRepeatTheLast) {
  Patience p;
  EXPECT_EQ(p.retry_after(0), milliseconds(10'000));
  EXPECT_EQ(p.retry_after(7), milliseconds(10'000));
  p.retry_count = 3;
  p.retry_s = {5, 15, 60, 0, 0};
  EXPECT_EQ(p.retry_after(0), milliseconds(5'000));
  EXPECT_EQ(p.retry_after(1), milliseconds(15'000));
  EXPECT_EQ(p.retry_after(2), milliseconds(60'000));
  EXPECT_EQ(p.retry_after(9), milliseconds(60'000));
}

TEST(Standing, TheHorizonGrowsOnlyWhereThePatienceNeedsIt) {
  EXPECT_EQ(horizon_of(60'000, 10'000, Patience{}), horizon_of(60'000, 10'000));
  EXPECT_EQ(horizon_of(60'000, 10'000, patience_of(3, 2)), milliseconds(100'000));
  Patience slow = patience_of(10, 2);
  slow.retry_s[0] = 60;
  EXPECT_GE(horizon_of(60'000, 10'000, slow), milliseconds(9 * 60'000 + 10'000));
  EXPECT_GE(horizon_of(3'600'000, 10'000, patience_of(1, 3)), milliseconds(2 * 3'600'000 + 10'000));
}

}  // namespace
}  // namespace everup
