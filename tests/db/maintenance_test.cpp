// Maintenance windows in the database: what is laid over a ledger and when, whom a window means, what a change leaves
// alone, and that the past reads the same for ever.
#include "db/maintenance_store.h"

#include <gtest/gtest.h>

#include "db/maintenance_json.h"
#include "tests/db/store_fixture.h"
#include "zone/zones.h"

namespace everup::db {
namespace {

using test::must;

class MaintenanceTest : public StoreTest {
 protected:
  Monitor make(AccountId account, std::vector<std::string> tags = {}) {
    MonitorDraft draft = draft_of("http://192.0.2.1/");
    draft.tags = std::move(tags);
    return must(s.monitors.create(account, draft));
  }
  static MaintenanceDraft window(std::int64_t from_h, std::int64_t to_h) {
    MaintenanceDraft draft;
    draft.starts_at = WallTime{kNoon + from_h * kHourMs};
    draft.length = milliseconds((to_h - from_h) * kHourMs);
    return draft;
  }
  void clock_at(std::int64_t hours) { s.clock.at = WallTime{kNoon + hours * kHourMs}; }
  // What is laid over the monitor from noon on, in hours since: "1-3 5-6".
  std::string laid(AccountId account, const Monitor& m) {
    const auto input = must(s.ledger.ledger(account, to_string(m.id), WallTime{kNoon}, s.clock.at));
    const std::string link =
        s.database.sql("SELECT badge_token FROM monitors WHERE id = " + std::to_string(m.id.value))[0][0].c_str();
    const auto shown = must(s.ledger.by_token(TokenKind::kBadge, link, WallTime{kNoon}, s.clock.at));
    EXPECT_EQ(shown.input.maintenance, input.maintenance) << "a page and its account read the same";
    std::string out;
    for (const Span& span : input.maintenance) {
      out += (out.empty() ? "" : " ") + std::to_string((span.from.ms - kNoon) / kHourMs) + "-" +
             std::to_string((span.to.ms - kNoon) / kHourMs);
    }
    return out;
  }
  State state(AccountId account, const Monitor& m) { return must(s.monitors.find(account, to_string(m.id))).state; }
  std::size_t listed(State state) {
    MonitorQuery query;
    query.state = state;
    return must(s.monitors.list(s.a, query)).monitors.size();
  }

  TzdbZones zones;
  MaintenanceStore windows{*s.api_pool, *s.ids, zones, s.clock};
};

TEST_F(MaintenanceTest, OneIsLaidOverEveryMonitorOfItsAccount) {
  const Monitor mine = make(s.a), theirs = make(s.b);
  must(windows.create(s.a, window(1, 3)));
  EXPECT_EQ(state(s.a, mine), State::kUnknown);
  EXPECT_EQ(listed(State::kMaintenance), 0u);
  clock_at(2);
  EXPECT_EQ(laid(s.a, mine), "1-3");
  EXPECT_EQ(laid(s.b, theirs), "");
  EXPECT_EQ(state(s.a, mine), State::kMaintenance);
  EXPECT_EQ(state(s.b, theirs), State::kUnknown);
  EXPECT_EQ(must(s.monitors.find(s.a, to_string(mine.id))).since, WallTime{kNoon + kHourMs});
  EXPECT_EQ(listed(State::kMaintenance), 1u);
  EXPECT_EQ(listed(State::kUnknown), 0u);
  const Monitor late = make(s.a);
  EXPECT_EQ(state(s.a, late), State::kMaintenance) << "every monitor, also one that is made meanwhile";
  must(s.monitors.set_paused(s.a, to_string(mine.id), true));
  EXPECT_EQ(state(s.a, mine), State::kPaused) << "paused goes before";
  EXPECT_EQ(listed(State::kPaused), 1u);
  clock_at(4);
  EXPECT_EQ(laid(s.a, mine), "1-3");
  EXPECT_EQ(listed(State::kMaintenance), 0u);
}

TEST_F(MaintenanceTest, ItTakesItsShareOfTheTimelineOnly) {
  const Monitor m = make(s.a);
  s.span(m.id, kNoon, std::to_string(kNoon + 2 * kHourMs), 1);
  s.span(m.id, kNoon + 2 * kHourMs, std::to_string(kNoon + 5 * kHourMs), 3);
  s.span(m.id, kNoon + 5 * kHourMs, "NULL", 1);
  s.standing(m.id, 1, kNoon + 5 * kHourMs);
  must(windows.create(s.a, window(1, 3)));
  must(windows.create(s.a, window(2, 4)));  // overlapping ones are booked once
  clock_at(6);
  s.mark(m.id, kNoon + 6 * kHourMs);
  const auto input = must(s.ledger.ledger(s.a, to_string(m.id), WallTime{kNoon}, s.clock.at));
  const Tally t = tally(timeline_of(input, {WallTime{kNoon}, s.clock.at}, s.clock.at));
  EXPECT_EQ(t.maintenance_ms, 3 * kHourMs);
  EXPECT_EQ(t.down_ms, kHourMs);
  EXPECT_EQ(t.up_ms, 2 * kHourMs);
  EXPECT_EQ(t.total_ms(), 6 * kHourMs);
}

TEST_F(MaintenanceTest, NothingBeforeItWasSavedIsChanged) {
  const Monitor m = make(s.a);
  clock_at(2);
  const auto saved = must(windows.create(s.a, window(1, 5)));
  clock_at(3);
  EXPECT_EQ(laid(s.a, m), "2-5");
  clock_at(4);
  MaintenanceDraft longer = saved;
  longer.length = milliseconds(8 * kHourMs);  // from one to nine o'clock
  const auto second = must(windows.update(s.a, to_string(saved.id), longer, saved.version));
  EXPECT_EQ(second.version, 2);
  EXPECT_EQ(second.created_at, saved.created_at);
  EXPECT_EQ(laid(s.a, m), "2-4 4-9");
  clock_at(6);
  EXPECT_EQ(laid(s.a, m), "2-4 4-9");
  ASSERT_TRUE(windows.remove(s.a, to_string(saved.id), std::nullopt));
  clock_at(10);
  EXPECT_EQ(laid(s.a, m), "2-4 4-6") << "what was, stays";
  EXPECT_EQ(windows.find(s.a, to_string(saved.id)).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(must(windows.list(s.a)).empty());
}

TEST_F(MaintenanceTest, TagsMeanWhoHasThemAtThatTime) {
  Monitor tagged = make(s.a, {"db"}), bare = make(s.a);
  MaintenanceDraft draft = window(1, 9);
  draft.tags = {"db", "cache"};
  must(windows.create(s.a, draft));
  clock_at(3);
  MonitorDraft change = bare;
  change.tags = {"cache", "prod"};
  bare = must(s.monitors.update(s.a, to_string(bare.id), change, std::nullopt));
  clock_at(5);
  change = tagged;
  change.tags = {"prod"};
  must(s.monitors.update(s.a, to_string(tagged.id), change, std::nullopt));
  clock_at(6);
  EXPECT_EQ(laid(s.a, tagged), "1-5");
  EXPECT_EQ(laid(s.a, bare), "3-9");
  EXPECT_EQ(state(s.a, tagged), State::kUnknown);
  EXPECT_EQ(state(s.a, bare), State::kMaintenance);
  change.tags = {"db"};
  must(s.monitors.update(s.a, to_string(tagged.id), change, std::nullopt));
  must(s.monitors.update(s.a, to_string(tagged.id), change, std::nullopt));
  const Monitor born = make(s.a, {"cache"});
  clock_at(7);
  EXPECT_EQ(laid(s.a, tagged), "1-5 6-9");
  EXPECT_EQ(laid(s.a, born), "6-9");
  EXPECT_EQ(listed(State::kMaintenance), 3u);
}

TEST_F(MaintenanceTest, NamedMonitorsAreTheAccountsOwn) {
  const Monitor one = make(s.a), other = make(s.a), foreign = make(s.b);
  MaintenanceDraft draft = window(1, 2);
  draft.monitors = {"slug:" + one.slug};
  const auto saved = must(windows.create(s.a, draft));
  EXPECT_EQ(saved.monitors, std::vector<std::string>{to_string(one.id)});
  clock_at(1);
  EXPECT_EQ(state(s.a, one), State::kMaintenance);
  EXPECT_EQ(state(s.a, other), State::kUnknown);
  draft = window(2, 3);
  draft.monitors = {to_string(one.id), to_string(foreign.id)};
  const auto refused = windows.create(s.a, draft);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().what, "#/match/monitors/1: there is no such monitor");
  EXPECT_FALSE(windows.find(s.b, to_string(saved.id)));
  EXPECT_FALSE(windows.remove(s.b, to_string(saved.id), std::nullopt));
  EXPECT_EQ(windows.update(s.a, to_string(saved.id), window(1, 4), 7).error().code, ErrorCode::kConflict);
  const auto asked =
      s.database.sql("SELECT monitor, until FROM monitors_in_maintenance(ARRAY[" + std::to_string(one.id.value) + "," +
                     std::to_string(other.id.value) + "], " + std::to_string(s.clock.at.ms) + ")");
  ASSERT_EQ(asked.size(), 1);
  EXPECT_EQ(asked[0][0].as<std::int64_t>(), one.id.value);
  EXPECT_EQ(asked[0][1].as<std::int64_t>(), kNoon + 2 * kHourMs);
}

TEST_F(MaintenanceTest, RepeatedOnesAreWorkedOutAheadAndFurther) {
  const Monitor m = make(s.a);
  MaintenanceDraft nightly = window(10, 12);
  nightly.rrule = "FREQ=DAILY";
  nightly.timezone = "Europe/Prague";
  ASSERT_TRUE(validate(nightly, zones, s.clock.at).empty());
  const auto saved = must(windows.create(s.a, nightly));
  const auto booked = [&] { return s.database.sql("SELECT count(*) FROM maintenance_occurrences")[0][0].as<int>(); };
  EXPECT_EQ(booked(), 400);
  const auto extend = [&] {
    int count = -1;
    const auto session = must(Session::open(s.database.access(), Role::kOwner, "keeper"));
    count = must(extend_maintenance(*session, zones, s.clock.at, milliseconds(5000)));
    return count;
  };
  EXPECT_EQ(extend(), 0) << "far enough";
  clock_at(24 * 300);
  EXPECT_EQ(extend(), 1);
  EXPECT_EQ(extend(), 0);
  EXPECT_EQ(booked(), 700);
  EXPECT_EQ(s.database
                .sql("SELECT count(*) FROM (SELECT from_at - lag(from_at) OVER (ORDER BY from_at) AS d FROM "
                     "maintenance_occurrences) x WHERE d NOT IN (82800000, 86400000, 90000000)")[0][0]
                .as<int>(),
            0)
      << "one a day, none twice, none left out";
  clock_at(24 * 300 + 10);  // summer: an hour earlier than it began
  EXPECT_EQ(state(s.a, m), State::kMaintenance);
  ASSERT_TRUE(windows.remove(s.a, to_string(saved.id), 1));
  clock_at(24 * 301 + 10);
  EXPECT_EQ(state(s.a, m), State::kUnknown);
}

TEST_F(MaintenanceTest, AnAccountHasSoManyAtMost) {
  for (int i = 0; i < MaintenanceStore::kWindowsMax; ++i) must(windows.create(s.a, window(1, 2)));
  EXPECT_EQ(windows.create(s.a, window(1, 2)).error().code, ErrorCode::kConflict);
  EXPECT_TRUE(windows.create(s.b, window(1, 2)));
}

TEST(MaintenanceJson, GoesInAndOut) {
  const auto once = parse_window(R"({"name":"Move","match":{"tags":["db"]},"starts_at":"2026-12-24T22:00:00Z",
                                     "ends_at":"2026-12-25T00:00:00+01:00"})");
  ASSERT_TRUE(once.ok()) << once.errors[0].detail;
  EXPECT_EQ(once.value.length, std::chrono::hours(1));
  const auto weekly = parse_window(R"({"starts_at":"2026-11-29T01:00:00Z","duration_s":7200,
                                       "rrule":"FREQ=WEEKLY;BYDAY=SU","timezone":"Europe/Prague"})");
  ASSERT_TRUE(weekly.ok());
  EXPECT_EQ(weekly.value.name, "Maintenance");
  EXPECT_TRUE(weekly.value.monitors.empty() && weekly.value.tags.empty());
  const auto longer = patch_window(once.value, R"({"duration_s":1800,"match":{"monitors":["slug:shop"]}})");
  ASSERT_TRUE(longer.ok()) << longer.errors[0].pointer << longer.errors[0].detail;
  EXPECT_EQ(longer.value.length, std::chrono::minutes(30));
  EXPECT_EQ(longer.value.monitors, std::vector<std::string>{"slug:shop"});
  EXPECT_TRUE(longer.value.tags.empty());
  EXPECT_EQ(patch_window(once.value, R"({"match":null})").value.tags.size(), 0u);
  const struct {
    const char *text, *pointer;
  } kTable[] = {
      {"[]", "#"},
      {R"({"starts_at":"tomorrow","ends_at":"2026-12-25T00:00:00Z"})", "#/starts_at"},
      {R"({"ends_at":"2026-12-25T00:00:00Z"})", "#/starts_at"},
      {R"({"starts_at":"2026-12-25T00:00:00Z"})", "#/ends_at"},
      {R"({"starts_at":"2026-12-25T00:00:00Z","rrule":"FREQ=DAILY"})", "#/duration_s"},
      {R"({"starts_at":"2026-12-25T00:00:00Z","ends_at":"2026-12-26T00:00:00Z","duration_s":60})", "#/duration_s"},
      {R"({"starts_at":"2026-12-25T00:00:00Z","duration_s":"1h"})", "#/duration_s"},
      {R"({"starts_at":"2026-12-25T00:00:00Z","duration_s":60,"match":{}})", "#/match"},
      {R"({"starts_at":"2026-12-25T00:00:00Z","duration_s":60,"match":{"hosts":["a"]}})", "#/match/hosts"},
      {R"({"starts_at":"2026-12-25T00:00:00Z","duration_s":60,"every":"day"})", "#/every"}};
  for (const auto& row : kTable) {
    const auto parsed = parse_window(row.text);
    ASSERT_FALSE(parsed.ok()) << row.text;
    EXPECT_EQ(parsed.errors[0].pointer, row.pointer) << row.text;
  }
}

}  // namespace
}  // namespace everup::db
