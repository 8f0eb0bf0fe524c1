// The ledger against a naive oracle that asks for every second, and the invariants that a published percentage owes its
// readers.
#include "core/ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/schedule.h"

namespace everup {
namespace {

constexpr std::int64_t kSecond = 1000;

// An id whose slots lie on whole seconds, so that one sample a second sees everything.
MonitorId id_on_seconds(std::int64_t interval_ms) {
  MonitorId id{1};
  while (slot_phase_ms(id, interval_ms) % kSecond != 0) ++id.value;
  return id;
}

class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(n)); }
  WallTime second(std::int64_t from, std::int64_t to) { return {(from + below(to - from)) * kSecond}; }

 private:
  std::mt19937_64 engine_;
};

constexpr std::int64_t kBase = 1'000'000;  // seconds; windows lie within some 200 after it

LedgerInput::RegionSpans random_region(Random& random) {
  LedgerInput::RegionSpans region;
  region.region = static_cast<Region>(1 + random.below(3));
  WallTime at = random.second(kBase - 20, kBase + 60);
  const std::int64_t count = random.below(8);
  for (std::int64_t i = 0; i < count; ++i) {
    if (random.below(5) == 0) at = at + milliseconds(kSecond * (1 + random.below(9)));  // a hole
    const WallTime to = at + milliseconds(kSecond * (1 + random.below(30)));
    const auto state = static_cast<State>(1 + random.below(4));
    const Reason reason{state == State::kDown ? static_cast<std::int16_t>(20) : std::int16_t{0}, 0};
    region.spans.push_back({{at, i + 1 == count ? kForever : to}, state, reason});
    at = to;
  }
  region.observed_through = random.second(kBase + 60, kBase + 200);
  if (random.below(3) == 0) region.pending_since = random.second(kBase + 40, kBase + 200);
  return region;
}

std::vector<Span> random_spans(Random& random, std::int64_t most) {
  std::vector<Span> spans;
  for (std::int64_t i = random.below(most + 1); i > 0; --i) {
    const WallTime from = random.second(kBase - 10, kBase + 190);
    spans.push_back({from, random.below(6) == 0 ? kForever : from + milliseconds(kSecond * random.below(40))});
  }
  return spans;
}

LedgerInput random_input(Random& random) {
  static const MonitorId id = id_on_seconds(5 * kSecond);
  LedgerInput input;
  input.id = id;
  input.interval_ms = input.timeout_ms = 5 * kSecond;
  input.confirm.failures = input.confirm.successes = 1;  // a suspicion's horizon is then the plain one
  input.created_at = random.second(kBase - 10, kBase + 20);
  if (random.below(4) != 0) input.first_look = input.created_at + milliseconds(kSecond * random.below(8));
  const std::int64_t regions = random.below(10) < 6 ? 1 : random.below(5);
  for (std::int64_t i = 0; i < regions; ++i) input.regions.push_back(random_region(random));
  if (random.below(2) == 0) {
    input.paused = random_spans(random, 2);
    input.maintenance = random_spans(random, 3);
    input.blind = random_spans(random, 2);
  }
  return input;
}

bool inside(const std::vector<Span>& spans, WallTime t) {
  return std::any_of(spans.begin(), spans.end(), [t](const Span& s) { return s.contains(t); });
}

State region_state(const LedgerInput& input, const LedgerInput::RegionSpans& region, WallTime t, WallTime now) {
  const milliseconds horizon(input.interval_ms + input.timeout_ms + 30'000);
  if (now - region.observed_through > horizon) {
    WallTime slot = region.observed_through;
    while (slot_at_or_before(input.id, input.interval_ms, slot) != slot) slot = slot + milliseconds(kSecond);
    if (t >= slot) return State::kUnknown;
  }
  if (region.pending_since && now - *region.pending_since > horizon && t >= *region.pending_since)
    return State::kUnknown;
  for (const auto& s : region.spans) {
    if (s.span.contains(t)) return s.state;
  }
  return State::kUnknown;
}

State naive_state(const LedgerInput& input, WallTime t, WallTime now) {
  const WallTime latest = input.created_at + milliseconds(input.interval_ms);
  if (t < std::min(input.first_look.value_or(latest), latest)) return State::kBeforeCreation;
  if (inside(input.paused, t)) return State::kPaused;
  if (inside(input.maintenance, t)) return State::kMaintenance;
  if (inside(input.blind, t)) return State::kUnknown;
  int k = 0, down = 0, degraded = 0;
  for (const auto& region : input.regions) {
    const State state = region_state(input, region, t, now);
    k += state != State::kUnknown ? 1 : 0;
    down += state == State::kDown ? 1 : 0;
    degraded += state == State::kDegraded ? 1 : 0;
  }
  if (k == 0) return State::kUnknown;
  if (2 * down >= k + 1) return State::kDown;
  return degraded > 0 ? State::kDegraded : State::kUp;
}

std::string well_formed(const Timeline& timeline, Span window) {
  if (window.empty()) return timeline.empty() ? "" : "an empty window has spans";
  if (timeline.empty()) return "no spans";
  if (timeline.front().span.from != window.from || timeline.back().span.to != window.to)
    return "does not fill the window";
  for (std::size_t i = 0; i < timeline.size(); ++i) {
    if (timeline[i].span.empty()) return "an empty span";
    if (i == 0) continue;
    if (timeline[i].span.from != timeline[i - 1].span.to) return "a gap or an overlap";
    if (timeline[i].state == timeline[i - 1].state && timeline[i].reason == timeline[i - 1].reason)
      return "equal neighbours";
  }
  return {};
}

std::string against_oracle(const LedgerInput& input, const Timeline& timeline, WallTime now) {
  for (const auto& span : timeline) {
    for (WallTime t = span.span.from; t < span.span.to; t = t + milliseconds(kSecond)) {
      const State want = naive_state(input, t, now);
      if (span.state != want) {
        return "at " + std::to_string(t.ms / kSecond - kBase) + ": " + std::string(slug(span.state)) + ", wanted " +
               std::string(slug(want));
      }
    }
  }
  return {};
}

bool same_ms(const Tally& a, const Tally& b) {
  return a.up_ms == b.up_ms && a.degraded_ms == b.degraded_ms && a.down_ms == b.down_ms &&
         a.unknown_ms == b.unknown_ms && a.maintenance_ms == b.maintenance_ms && a.paused_ms == b.paused_ms &&
         a.before_creation_ms == b.before_creation_ms;
}

TEST(Ledger, RandomTimelinesAgreeWithTheOracleAndPartition) {
  Random random(2026);
  for (int round = 0; round < 100'000; ++round) {
    const LedgerInput input = random_input(random);
    const WallTime now = random.second(kBase + 100, kBase + 260);
    const WallTime from = random.second(kBase - 20, kBase + 100);
    const Span window{from, from + milliseconds(kSecond * random.below(60))};
    const Timeline timeline = timeline_of(input, window, now);
    const Span seen{window.from, std::max(window.from, std::min(window.to, now))};
    ASSERT_EQ(well_formed(timeline, seen), "") << "round " << round;
    ASSERT_EQ(against_oracle(input, timeline, now), "") << "round " << round;
    const Tally whole = tally(timeline);
    ASSERT_EQ(whole.total_ms(), seen.length().count());
    const WallTime cut = seen.from + milliseconds(random.below(seen.length().count() + 1));
    const Tally parts =
        tally(timeline_of(input, {seen.from, cut}, now)) + tally(timeline_of(input, {cut, seen.to}, now));
    ASSERT_TRUE(same_ms(whole, parts)) << "round " << round;
  }
}

TEST(Ledger, IdenticalRegionsSplitSpansAndShiftsChangeNothing) {
  Random random(77);
  for (int round = 0; round < 20'000; ++round) {
    LedgerInput input = random_input(random);
    input.regions.resize(1);
    const WallTime now = random.second(kBase + 100, kBase + 260);
    const Span window{{kBase * kSecond}, {(kBase + 90) * kSecond}};
    const Tally once = tally(timeline_of(input, window, now));

    LedgerInput more = input;
    for (std::int64_t i = random.below(4); i >= 0; --i) more.regions.push_back(input.regions[0]);
    ASSERT_EQ(tally(timeline_of(more, window, now)), once) << "round " << round;

    LedgerInput split = input;
    auto& spans = split.regions[0].spans;
    for (std::size_t i = 0; i < spans.size(); i += 2) {
      if (spans[i].span.length() < milliseconds(2)) continue;
      LedgerSpan tail = spans[i];
      tail.span.from = spans[i].span.to = spans[i].span.from + milliseconds(1);
      spans.insert(spans.begin() + static_cast<std::ptrdiff_t>(i) + 1, tail);
    }
    ASSERT_EQ(timeline_of(split, window, now), timeline_of(input, window, now)) << "round " << round;

    const milliseconds by(input.interval_ms * (1 + random.below(1'000'000)));
    LedgerInput later = input;
    const auto shift = [by](Span& s) { s = {s.from + by, s.to == kForever ? kForever : s.to + by}; };
    later.created_at = later.created_at + by;
    if (later.first_look) later.first_look = *later.first_look + by;
    for (auto* list : {&later.paused, &later.maintenance, &later.blind})
      std::for_each(list->begin(), list->end(), shift);
    for (auto& s : later.regions[0].spans) shift(s.span);
    later.regions[0].observed_through = later.regions[0].observed_through + by;
    if (later.regions[0].pending_since) later.regions[0].pending_since = *later.regions[0].pending_since + by;
    ASSERT_EQ(tally(timeline_of(later, {window.from + by, window.to + by}, now + by)), once) << "round " << round;
    ASSERT_EQ(settled_until(later, now + by), settled_until(input, now) + by);
  }
}

Tally random_tally(Random& random) {
  const auto some = [&random](std::int64_t most) {
    return random.below(3) == 0 ? 0 : random.below(std::int64_t{1} << random.below(most));
  };
  Tally t;
  t.up_ms = some(38);
  t.degraded_ms = some(20);
  t.down_ms = some(30);
  t.unknown_ms = some(30);
  t.maintenance_ms = some(20);
  return t;
}

TEST(Ledger, PercentagesAreFlooredAndHonest) {
  Random random(99);
  for (int round = 0; round < 100'000; ++round) {
    const Tally t = random_tally(random);
    const Uptime u = uptime_of(t);
    const std::int64_t up = t.up_ms + t.degraded_ms, judged = up + t.down_ms;
    if (judged == 0) {
      ASSERT_FALSE(u.uptime || u.worst || u.best || u.coverage);
      ASSERT_EQ(u.display, "n/a");
      continue;
    }
    // printed ≤ exact < printed + 0.001, in integers
    ASSERT_LE(*u.uptime * judged, up * 100'000);
    ASSERT_LT(up * 100'000, (*u.uptime + 1) * judged);
    ASSERT_EQ(u.display == "100%", t.down_ms == 0);
    ASSERT_EQ(u.display == "0%", up == 0);
    ASSERT_EQ(*u.uptime == 100'000, t.down_ms == 0);
    ASSERT_LE(*u.worst, *u.uptime);
    ASSERT_LE(*u.uptime, *u.best);
    ASSERT_GE(*u.coverage, 0);
    ASSERT_LE(*u.coverage, 100'000);
    Tally worse = t;
    worse.down_ms += 1 + random.below(1'000'000);
    ASSERT_LE(*uptime_of(worse).uptime, *u.uptime) << "more down never raises it";
    Tally more = t;
    more.unknown_ms += 5'000;
    more.maintenance_ms += 7'000;
    ASSERT_EQ(uptime_of(more).uptime, u.uptime) << "unknown and maintenance leave it alone";
    const Tally other = random_tally(random);
    const Uptime second = uptime_of(other), both = uptime_of(t + other);
    if (!second.uptime) continue;
    ASSERT_GE(*both.uptime, std::min(*u.uptime, *second.uptime));
    ASSERT_LE(*both.uptime, std::max(*u.uptime, *second.uptime));
  }
}

Tally of(std::int64_t up, std::int64_t down, std::int64_t unknown = 0) {
  Tally t;
  t.up_ms = up;
  t.down_ms = down;
  t.unknown_ms = unknown;
  return t;
}

TEST(Ledger, DisplayTable) {
  const std::int64_t year = 365 * kDayMs;
  const struct {
    Tally tally;
    const char* full;
    const char* with[4];  // 0 … 3 decimals
  } kTable[] = {
      {of(year, 0), "100%", {"100%", "100%", "100%", "100%"}},
      {of(year - 1, 1), "99.999%", {"99%", "99.9%", "99.99%", "99.999%"}},
      {of(0, year), "0%", {"0%", "0%", "0%", "0%"}},
      {of(1, year), "<0.001%", {"<1%", "<0.1%", "<0.01%", "<0.001%"}},
      {of(99'982, 18), "99.982%", {"99%", "99.9%", "99.98%", "99.982%"}},
      {of(999, 1), "99.90%", {"99%", "99.9%", "99.90%", "99.900%"}},
      {of(1, 1), "50.00%", {"50%", "50.0%", "50.00%", "50.000%"}},
      {of(1, 2), "33.333%", {"33%", "33.3%", "33.33%", "33.333%"}},
      {of(7, 993), "0.70%", {"<1%", "0.7%", "0.70%", "0.700%"}},
      {of(99'999'999, 1), "99.999%", {"99%", "99.9%", "99.99%", "99.999%"}},
      {of(0, 0, 5), "n/a", {"n/a", "n/a", "n/a", "n/a"}},
      {of(0, 0), "n/a", {"n/a", "n/a", "n/a", "n/a"}},
      {of(30 * kDayMs - 466'560, 466'560), "99.982%", {"99%", "99.9%", "99.98%", "99.982%"}},
      {of(10 * year, 1), "99.999%", {"99%", "99.9%", "99.99%", "99.999%"}},
  };
  for (const auto& row : kTable) {
    EXPECT_EQ(uptime_of(row.tally).display, row.full);
    for (int decimals = 0; decimals <= 3; ++decimals)
      EXPECT_EQ(display_percent(row.tally, decimals), row.with[decimals]) << row.full;
  }
  EXPECT_EQ(display_percent(of(999, 1), -5), "99%");
  EXPECT_EQ(display_percent(of(999, 1), 50), "99.900%");
}

TEST(Ledger, BoundsCountUnknownAsDownOrAsUp) {
  const Uptime u = uptime_of(of(90, 5, 5));
  EXPECT_EQ(u.uptime, 94'736);
  EXPECT_EQ(u.worst, 90'000);
  EXPECT_EQ(u.best, 95'000);
  EXPECT_EQ(u.coverage, 95'000);
  Tally degraded;
  degraded.degraded_ms = 10;
  EXPECT_EQ(uptime_of(degraded).display, "100%") << "degraded counts as up";
}

TEST(Ledger, DownTimesAreRoundedUpToTheSecond) {
  EXPECT_EQ(round_up_to_second_ms(0), 0);
  EXPECT_EQ(round_up_to_second_ms(1), 1000);
  EXPECT_EQ(round_up_to_second_ms(1000), 1000);
  EXPECT_EQ(round_up_to_second_ms(1001), 2000);
}

// A monitor that was watched all the time, with the given spans.
LedgerInput watched(std::vector<LedgerSpan> spans, WallTime through) {
  LedgerInput input;
  input.id = {5};
  input.created_at = {0};
  input.first_look = WallTime{0};
  input.regions.push_back({kLocalRegion, std::move(spans), through, std::nullopt});
  return input;
}

Tally tally_of(const std::vector<LedgerSpan>& spans, std::int64_t to) {
  return tally(timeline_of(watched(spans, {to}), {{0}, {to}}, {to}));
}

TEST(Ledger, IncidentsAreRunsOfDown) {
  const auto span = [](std::int64_t from, std::int64_t to, State state) {
    return LedgerSpan{{{from}, {to}}, state, {}};
  };
  const Tally one = tally_of({span(0, 10, State::kUp), span(10, 20, State::kDown), span(20, 25, State::kUnknown),
                              span(25, 40, State::kDown), span(40, 50, State::kUp)},
                             50);
  EXPECT_EQ(one.incidents, 1);
  EXPECT_EQ(one.longest_down_ms, 25);
  const Tally two =
      tally_of({span(0, 10, State::kDown), span(10, 11, State::kDegraded), span(11, 12, State::kDown)}, 12);
  EXPECT_EQ(two.incidents, 2);
  EXPECT_EQ(two.longest_down_ms, 10);
  LedgerInput maintained = watched({span(0, 100, State::kDown)}, {100});
  maintained.maintenance = {{{30}, {40}}, {{0}, {5}}, {{90}, {200}}};
  const Tally t = tally(timeline_of(maintained, {{0}, {100}}, {100}));
  EXPECT_EQ(t.incidents, 1);
  EXPECT_EQ(t.down_ms, 75);
  EXPECT_EQ(t.longest_down_ms, 75);
  EXPECT_EQ(t.maintenance_ms, 25);
  maintained.paused = {{{35}, {50}}};
  const Tally p = tally(timeline_of(maintained, {{0}, {100}}, {100}));
  EXPECT_EQ(p.paused_ms, 15);
  EXPECT_EQ(p.maintenance_ms, 20);
  EXPECT_EQ(p.incidents, 2) << "a pause ends a run";
}

TEST(Ledger, TimeBeforeTheFirstLookIsAtMostOneInterval) {
  LedgerInput input = watched({}, {500'000});
  input.created_at = {100'000};
  input.first_look.reset();
  EXPECT_EQ(origin_of(input), WallTime{160'000});
  input.first_look = WallTime{101'000};
  EXPECT_EQ(origin_of(input), WallTime{101'000});
  input.first_look = WallTime{400'000};
  EXPECT_EQ(origin_of(input), WallTime{160'000});
  const Tally t = tally(timeline_of(input, {{0}, {200'000}}, {500'000}));
  EXPECT_EQ(t.before_creation_ms, 160'000);
  EXPECT_EQ(t.unknown_ms, 40'000);
}

TEST(Ledger, SettledTimeWaitsForMarksAndSuspicionsButNotForEver) {
  LedgerInput input = watched({{{{0}, kForever}, State::kUp, {}}}, {900'000});
  EXPECT_EQ(settled_until(input, {950'000}), WallTime{900'000});
  EXPECT_EQ(settled_until(input, {890'000}), WallTime{890'000});
  EXPECT_EQ(settled_until(input, {1'000'000}), WallTime{900'000});
  EXPECT_EQ(settled_until(input, {1'000'001}), WallTime{1'000'001}) << "a mark older than the horizon is silence";
  input.regions[0].pending_since = WallTime{870'000};
  EXPECT_EQ(settled_until(input, {950'000}), WallTime{870'000});
  EXPECT_EQ(settled_until(input, {970'001}), WallTime{900'000});
  const Tally t = tally(timeline_of(input, {{800'000}, {970'000}}, {970'001}));
  EXPECT_EQ(t.up_ms, 70'000);
  EXPECT_EQ(t.unknown_ms, 100'000) << "a stale suspicion is unknown from its first look";
  input.confirm.failures = 10;
  input.confirm.retry_s[0] = 60;
  EXPECT_EQ(settled_until(input, {970'001}), WallTime{870'000}) << "a patient monitor needs longer to settle";
}

TEST(Ledger, RollingWindowsHaveTheirFullLength) {
  EXPECT_EQ(rolling_window_ms("24h"), kDayMs);
  EXPECT_EQ(rolling_window_ms("365d"), 365 * kDayMs);
  for (const char* name : {"", "1d", "24H", "30", "d", "366d", "24h "}) EXPECT_FALSE(rolling_window_ms(name)) << name;
  const LedgerInput input = watched({}, {1'700'000'000'789});
  const Span window = rolling_window(input, kDayMs, {1'700'000'000'999});
  EXPECT_EQ(window.to, WallTime{1'700'000'000'000});
  EXPECT_EQ(window.length().count(), kDayMs);
}

TEST(Ledger, EmptyTinyAndHugeWindows) {
  const std::int64_t years = 10 * 365 * kDayMs;
  std::vector<LedgerSpan> spans;
  for (std::int64_t i = 0; i < 100'000; ++i) {
    spans.push_back({{{i * 3'000'000}, {(i + 1) * 3'000'000}}, i % 2 == 0 ? State::kUp : State::kDown, {}});
  }
  spans.back().span.to = kForever;
  const LedgerInput input = watched(spans, {years});
  EXPECT_EQ(tally(timeline_of(input, {{5}, {5}}, {years})).total_ms(), 0);
  EXPECT_EQ(tally(timeline_of(input, {{9}, {5}}, {years})).total_ms(), 0);
  EXPECT_EQ(tally(timeline_of(input, {{5}, {6}}, {years})).up_ms, 1);
  EXPECT_EQ(tally(timeline_of(input, {{0}, {years}}, {years})).total_ms(), years);
  EXPECT_TRUE(timeline_of(input, {{years}, {2 * years}}, {years}).empty()) << "never looks past now";
  EXPECT_EQ(timeline_of(input, {{0}, {2 * years}}, {years}).back().span.to, WallTime{years});
}

TEST(Ledger, MajorityOfRegions) {
  const auto merged = [](std::vector<State> states) {
    LedgerInput input = watched({}, {10});
    input.regions.clear();
    for (const State s : states) input.regions.push_back({1, {{{{0}, kForever}, s, {}}}, {10}, std::nullopt});
    return timeline_of(input, {{0}, {10}}, {10}).front().state;
  };
  using S = State;
  EXPECT_EQ(merged({S::kDown}), S::kDown);
  EXPECT_EQ(merged({S::kDown, S::kUp}), S::kUp) << "two regions: both must say so";
  EXPECT_EQ(merged({S::kDown, S::kUnknown}), S::kDown);
  EXPECT_EQ(merged({S::kDown, S::kDown, S::kUp}), S::kDown);
  EXPECT_EQ(merged({S::kDown, S::kDegraded, S::kUp}), S::kDegraded);
  EXPECT_EQ(merged({S::kDown, S::kDown, S::kUp, S::kUp}), S::kUp);
  EXPECT_EQ(merged({S::kUnknown, S::kUnknown}), S::kUnknown);
  EXPECT_EQ(merged({}), S::kUnknown);
}

}  // namespace
}  // namespace everup
