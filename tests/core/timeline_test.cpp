// recompute() against the live machine: the same looks, in order, through advance(); then shuffled and doubled.
#include "core/timeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/schedule.h"

namespace everup {
namespace {

constexpr std::int64_t kInterval = 60'000, kTimeout = 10'000;
constexpr MonitorId kId{4711};

// Plays a scheduler: books as it goes, and writes down what recompute() will be given.
class Live {
 public:
  explicit Live(std::uint32_t seed) : random_(seed) {
    Revision first;
    first.from_at = now_;
    first.patience.failures = static_cast<std::uint8_t>(1 + below(4));
    first.patience.successes = static_cast<std::uint8_t>(1 + below(3));
    history.push_back(first);
  }
  void run(int slots) {
    for (int i = 0; i < slots; ++i) {
      if (below(25) == 0) edit();
      if (below(40) == 0) pause();
      one_slot();
    }
    now_ = next_slot(kId, kInterval, now_);
    look(now_, now_ + milliseconds(20), 0);  // so that no longer gap is left open behind the last look
    if (below(3) == 0) miss(next_slot(kId, kInterval, now_ + milliseconds(50)));
  }

  std::vector<Observed> results;
  std::vector<ObservedGap> gaps;
  std::vector<Revision> history;
  std::vector<LedgerSpan> spans;
  Standing standing;

 private:
  int below(std::uint32_t n) { return static_cast<int>(random_() % n); }
  void apply(const Advance& step) {
    standing = step.standing;
    if (!step.conclusion) return;
    for (const auto& edge : step.conclusion->edges) {
      if (!spans.empty()) spans.back().span.to = edge.at;
      spans.push_back({{edge.at, kForever}, edge.state, edge.reason});
    }
  }
  void look(WallTime slot, WallTime start, int number) {
    if (below(5) == 0) verdict_ = static_cast<Verdict>(1 + below(4));
    static const Cause kCauses[] = {Cause::kOk, Cause::kTooSlow, Cause::kHttpStatus, Cause::kOwnNetwork};
    const Cause cause = kCauses[static_cast<int>(verdict_) - 1];
    results.push_back({start, slot, verdict_, cause, history.back().revision});
    const Look look{verdict_, cause, start, number == 0 ? slot : start};
    const auto& patience = history.back().patience;
    apply(advance(standing, look, patience, horizon_of(kInterval, kTimeout, patience), missed_));
    missed_.reset();
  }
  void miss(WallTime slot) {
    gaps.push_back({{slot, slot + milliseconds(1)}, GapReason::kOverload, false});
    apply(lose_sight(standing, missed_ ? missed_->from : slot, {0, static_cast<std::int16_t>(GapReason::kOverload)}));
    missed_.reset();
  }
  void one_slot() {
    const WallTime slot = next_slot(kId, kInterval, now_);
    now_ = slot;
    if (below(14) == 0) {  // one missed slot: sight is lost at once
      miss(slot);
      return;
    }
    if (below(20) == 0) {  // several: told with the next look
      now_ = slot + milliseconds(below(5) * kInterval);
      gaps.push_back({{slot, now_ + milliseconds(kInterval)}, GapReason::kOverload, false});
      if (!missed_) missed_ = Missed{slot, GapReason::kOverload};
      return;
    }
    WallTime start = slot + milliseconds(below(3'000));
    look(slot, start, 0);
    for (int number = 1; number <= 3 && standing.pending_since; ++number) {
      start = start + milliseconds(10'000);
      look(slot, start, number);
    }
    now_ = start;
  }
  void revise(bool paused) {
    now_ = now_ + milliseconds(1 + below(20'000));
    Revision next = history.back();
    ++next.revision;
    next.from_at = now_;
    next.paused = paused;
    history.push_back(next);
  }
  void edit() {
    revise(false);
    history.back().patience.failures = static_cast<std::uint8_t>(1 + below(4));
  }
  void pause() {
    if (results.empty()) return;
    revise(true);
    if (missed_) {
      apply(lose_sight(standing, missed_->from, {0, static_cast<std::int16_t>(missed_->reason)}));
    } else {
      apply(lose_sight(standing, now_, {}));
    }
    missed_.reset();
    now_ = now_ + milliseconds(below(500'000));
    revise(false);
    look(now_, now_, 100);
  }

  std::mt19937 random_;
  WallTime now_{1'700'000'000'000};
  Verdict verdict_ = Verdict::kUp;
  std::optional<Missed> missed_;
};

std::string text(const std::vector<LedgerSpan>& spans) {
  std::string out;
  for (const auto& s : spans) {
    out += std::to_string(s.span.from.ms % 1'000'000'000) + " " + std::string(slug(s.state)) + " " +
           std::to_string(s.reason.cause) + "/" + std::to_string(s.reason.gap) + "\n";
  }
  return out;
}

TEST(Timeline, AgreesWithTheLiveMachineAndDoesNotCareForOrderOrCopies) {
  for (std::uint32_t seed = 1; seed <= 2'000; ++seed) {
    Live live(seed);
    live.run(20 + static_cast<int>(seed % 60));
    const Recomputed again = recompute(kId, live.results, live.gaps, live.history);
    ASSERT_EQ(text(again.spans), text(live.spans)) << "seed " << seed;
    ASSERT_EQ(again.standing.health, live.standing.health) << "seed " << seed;
    ASSERT_EQ(again.standing.pending_since, live.standing.pending_since) << "seed " << seed;
    ASSERT_EQ(again.standing.booked_since, live.standing.booked_since) << "seed " << seed;

    std::mt19937 random(seed);
    auto results = live.results;
    for (std::size_t i = 0; i < live.results.size(); i += 3) results.push_back(live.results[i]);
    std::shuffle(results.begin(), results.end(), random);
    auto gaps = live.gaps;
    gaps.insert(gaps.end(), live.gaps.begin(), live.gaps.end());
    std::shuffle(gaps.begin(), gaps.end(), random);
    auto history = live.history;
    std::shuffle(history.begin(), history.end(), random);
    ASSERT_EQ(recompute(kId, results, gaps, history).spans, again.spans) << "seed " << seed;
  }
}

Revision revision(std::int32_t number, std::int64_t at, bool paused = false) {
  Revision r;
  r.revision = number;
  r.from_at = {at};
  r.paused = paused;
  return r;
}

Observed up(std::int64_t at, std::int32_t rev = 1) { return {{at}, {at}, Verdict::kUp, Cause::kOk, rev}; }
Observed down(std::int64_t at, std::int32_t rev = 1) {
  return {{at}, {at}, Verdict::kDown, Cause::kConnectRefused, rev};
}

TEST(Timeline, NothingObservedIsNothingBooked) {
  EXPECT_TRUE(recompute(kId, {}, {}, {}).spans.empty());
  EXPECT_TRUE(recompute(kId, {}, {{{{5}, {9}}, GapReason::kRestart, false}}, {revision(1, 0)}).spans.empty());
}

TEST(Timeline, AResultOfAnOlderRevisionCountsUntilTheChange) {
  const std::vector<Revision> history{revision(1, 0), revision(2, 150'000)};
  const auto spans =
      recompute(kId, {up(60'000), down(120'000), down(130'000), down(160'000), up(170'000, 2)}, {}, history).spans;
  ASSERT_EQ(spans.size(), 1u) << "the third failure asked an older question";
  EXPECT_EQ(spans[0].state, State::kUp);
  const auto counted =
      recompute(kId, {up(60'000), down(120'000), down(130'000), down(149'000), up(170'000, 2)}, {}, history).spans;
  ASSERT_EQ(counted.size(), 2u);
  EXPECT_EQ(counted[1].span.from, WallTime{120'000});
}

TEST(Timeline, APauseIsUnknownFromItsInstant) {
  const auto spans = recompute(kId, {up(60'000), up(400'000, 3)}, {},
                               {revision(1, 0), revision(2, 90'000, true), revision(3, 399'000)})
                         .spans;
  ASSERT_EQ(spans.size(), 3u);
  EXPECT_EQ(spans[1].span, (Span{{90'000}, {400'000}}));
  EXPECT_EQ(spans[1].state, State::kUnknown);
  const auto still = recompute(kId, {up(60'000), up(95'000, 2)}, {}, {revision(1, 0), revision(2, 90'000, true)});
  ASSERT_EQ(still.spans.size(), 2u) << "looks while paused do not count";
  EXPECT_EQ(still.spans[1].span, (Span{{90'000}, kForever}));
}

TEST(Timeline, ABlindGapOverridesWhatWasSeenInIt) {
  const std::vector<ObservedGap> blind{{{{100'000}, {200'000}}, GapReason::kBlind, true}};
  const auto spans = recompute(kId, {up(60'000), up(95'000), down(120'000), down(130'000), down(140'000), up(210'000)},
                               blind, {revision(1, 0)})
                         .spans;
  ASSERT_EQ(spans.size(), 3u);
  EXPECT_EQ(spans[1].span, (Span{{100'000}, {210'000}}));
  EXPECT_EQ(spans[1].reason.gap, static_cast<std::int16_t>(GapReason::kBlind));
}

TEST(Timeline, AnOrdinaryGapFillsOnlyWhatNothingObserved) {
  const std::vector<ObservedGap> gap{{{{100'000}, {400'000}}, GapReason::kLeaseLost, false}};
  const auto spans = recompute(kId, {up(60'000), up(150'000), up(410'000)}, gap, {revision(1, 0)}).spans;
  const WallTime unkept = next_slot(kId, kInterval, {150'000});
  ASSERT_EQ(spans.size(), 5u);
  EXPECT_EQ(spans[1].span, (Span{{100'000}, {150'000}}));
  EXPECT_EQ(spans[2].state, State::kUp);
  EXPECT_EQ(spans[3].span, (Span{unkept, {410'000}}));
}

TEST(Timeline, SilenceIsUnknownFromTheFirstSlotNobodyKept) {
  const WallTime first{60'000}, later{1'000'000};
  const auto spans = recompute(kId, {up(first.ms), up(later.ms)}, {}, {revision(1, 0)}).spans;
  ASSERT_EQ(spans.size(), 3u);
  EXPECT_EQ(spans[1].span, (Span{next_slot(kId, kInterval, first), later}));
  EXPECT_EQ(spans[1].state, State::kUnknown);
}

TEST(Timeline, AGapAfterTheLastLookBooksUnknown) {
  const auto spans =
      recompute(kId, {up(60'000)}, {{{{120'000}, {120'001}}, GapReason::kOverload, false}}, {revision(1, 0)}).spans;
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans[1].span, (Span{{120'000}, kForever}));
}

TEST(Timeline, ManyResultsAndLongGapsStayCheap) {
  std::vector<Observed> results;
  std::vector<ObservedGap> gaps;
  for (int i = 0; i < 50'000; ++i)
    results.push_back(i % 97 < 4 ? down(60'000 + i * 60'000LL) : up(60'000 + i * 60'000LL));
  for (int i = 0; i < 20'000; ++i)
    gaps.push_back({{{i * 120'000LL}, {i * 120'000LL + 1}}, GapReason::kOverload, false});
  const auto spans = recompute(kId, results, gaps, {revision(1, 0)}).spans;
  for (std::size_t i = 1; i < spans.size(); ++i) ASSERT_EQ(spans[i].span.from, spans[i - 1].span.to);
  EXPECT_EQ(spans.back().span.to, kForever);
}

}  // namespace
}  // namespace everup
