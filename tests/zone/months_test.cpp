// Months worked out by hand: the ledger, the calendar and real zones together. Seconds were counted on paper, not by
// this code.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/calendar.h"
#include "core/ledger.h"
#include "zone/zones.h"

namespace everup {
namespace {

struct Between {
  const char *from, *to;
};

struct Month {
  const char* zone;
  int year, month;  // month 0: the whole year
  std::vector<Between> down, unknown, maintenance, paused;
  const char* first_look;  // null: years before
  std::int64_t up_s, down_s, unknown_s, maintenance_s, paused_s, before_s;
  std::int64_t incidents;
  const char* display;
};

std::vector<Span> spans_of(const std::vector<Between>& list) {
  std::vector<Span> spans;
  for (const auto& b : list)
    spans.push_back({parse_time(b.from).value_or(WallTime{-1}), parse_time(b.to).value_or(WallTime{-1})});
  return spans;
}

LedgerInput input_of(const Month& m) {
  LedgerInput input;
  input.id = {1};
  input.first_look = m.first_look == nullptr ? WallTime{0} : parse_time(m.first_look);
  input.created_at = *input.first_look;
  input.maintenance = spans_of(m.maintenance);
  input.paused = spans_of(m.paused);
  LedgerInput::RegionSpans region;
  region.observed_through = kForever;
  WallTime at{0};
  const auto book = [&](Span span, State state) {
    region.spans.push_back({{at, span.from}, State::kUp, {}});
    region.spans.push_back({span, state, {}});
    at = span.to;
  };
  for (const Span span : spans_of(m.unknown)) book(span, State::kUnknown);
  for (const Span span : spans_of(m.down)) book(span, State::kDown);
  region.spans.push_back({{at, kForever}, State::kUp, {}});
  std::erase_if(region.spans, [](const LedgerSpan& s) { return s.span.empty(); });
  input.regions.push_back(region);
  return input;
}

const std::vector<Month> kTable{
    {"UTC", 2026, 2, {}, {}, {}, {}, nullptr, 2'419'200, 0, 0, 0, 0, 0, 0, "100%"},
    {"UTC",
     2024,
     2,
     {{"2024-02-29T12:00:00Z", "2024-02-29T12:00:01Z"}},
     {},
     {},
     {},
     nullptr,
     2'505'599,
     1,
     0,
     0,
     0,
     0,
     1,
     "99.999%"},
    {"Europe/Prague",
     2026,
     3,
     {{"2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"}},
     {},
     {},
     {},
     nullptr,
     2'671'200,
     3'600,
     0,
     0,
     0,
     0,
     1,
     "99.865%"},
    {"Europe/Prague",
     2026,
     10,
     {{"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"}},
     {},
     {},
     {},
     nullptr,
     2'678'400,
     3'600,
     0,
     0,
     0,
     0,
     1,
     "99.865%"},
    {"Australia/Lord_Howe",
     2026,
     4,
     {{"2026-04-10T00:00:00Z", "2026-04-10T00:30:00Z"}},
     {},
     {},
     {},
     nullptr,
     2'592'000,
     1'800,
     0,
     0,
     0,
     0,
     1,
     "99.93%"},
    {"Australia/Lord_Howe", 2026, 10, {}, {}, {}, {}, nullptr, 2'676'600, 0, 0, 0, 0, 0, 0, "100%"},
    {"Pacific/Apia",
     2011,
     12,
     {{"2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"}},
     {},
     {},
     {},
     nullptr,
     2'505'600,
     86'400,
     0,
     0,
     0,
     0,
     1,
     "96.666%"},
    {"America/Santiago",
     2019,
     9,
     {{"2019-09-10T00:00:00Z", "2019-09-12T23:54:00Z"}},
     {},
     {},
     {},
     nullptr,
     2'329'560,
     258'840,
     0,
     0,
     0,
     0,
     1,
     "90.00%"},
    {"UTC",
     2016,
     12,
     {{"2016-12-31T23:59:59Z", "2017-01-01T00:00:05Z"}},
     {},
     {},
     {},
     nullptr,
     2'678'399,
     1,
     0,
     0,
     0,
     0,
     1,
     "99.999%"},
    {"UTC",
     2017,
     1,
     {{"2016-12-31T23:59:59Z", "2017-01-01T00:00:05Z"}},
     {},
     {},
     {},
     nullptr,
     2'678'395,
     5,
     0,
     0,
     0,
     0,
     1,
     "99.999%"},
    {"UTC", 2026, 11, {}, {}, {}, {}, "2026-11-15T12:00:00Z", 1'339'200, 0, 0, 0, 0, 1'252'800, 0, "100%"},
    {"UTC",
     2026,
     11,
     {{"2026-11-10T22:30:00Z", "2026-11-10T23:30:00Z"}},
     {},
     {},
     {{"2026-11-10T23:00:00Z", "2026-11-11T01:00:00Z"}},
     nullptr,
     2'583'000,
     1'800,
     0,
     0,
     7'200,
     0,
     1,
     "99.93%"},
    {"UTC",
     2026,
     11,
     {{"2026-11-10T10:00:00Z", "2026-11-10T14:00:00Z"}},
     {},
     {{"2026-11-10T09:00:00Z", "2026-11-10T11:00:00Z"}, {"2026-11-10T13:00:00Z", "2026-11-10T15:00:00Z"}},
     {},
     nullptr,
     2'570'400,
     7'200,
     0,
     14'400,
     0,
     0,
     1,
     "99.72%"},
    {"UTC",
     2026,
     11,
     {{"2026-11-10T10:00:00Z", "2026-11-10T14:00:00Z"}},
     {},
     {{"2026-11-10T11:00:00Z", "2026-11-10T12:00:00Z"}},
     {},
     nullptr,
     2'577'600,
     10'800,
     0,
     3'600,
     0,
     0,
     1,
     "99.582%"},
    {"UTC",
     2026,
     11,
     {},
     {{"2026-11-05T00:00:00Z", "2026-11-06T00:00:00Z"}},
     {},
     {},
     nullptr,
     2'505'600,
     0,
     86'400,
     0,
     0,
     0,
     0,
     "100%"},
    {"UTC",
     2026,
     11,
     {{"2026-10-01T00:00:00Z", "2026-12-02T00:00:00Z"}},
     {},
     {},
     {},
     nullptr,
     0,
     2'592'000,
     0,
     0,
     0,
     0,
     1,
     "0%"},
    {"UTC",
     2026,
     11,
     {{"2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z"}},
     {},
     {},
     {{"2026-10-31T00:00:00Z", "2026-12-01T00:00:00Z"}},
     nullptr,
     0,
     0,
     0,
     0,
     2'592'000,
     0,
     0,
     "n/a"},
    {"Europe/Prague",
     2026,
     10,
     {{"2026-10-31T22:30:00Z", "2026-10-31T23:30:00Z"}},
     {},
     {},
     {},
     nullptr,
     2'680'200,
     1'800,
     0,
     0,
     0,
     0,
     1,
     "99.932%"},
    {"Europe/Prague",
     2026,
     11,
     {{"2026-10-31T22:30:00Z", "2026-10-31T23:30:00Z"}},
     {},
     {},
     {},
     nullptr,
     2'590'200,
     1'800,
     0,
     0,
     0,
     0,
     1,
     "99.93%"},
    {"Europe/Prague",
     2026,
     0,
     {{"2026-07-01T00:00:00Z", "2026-07-01T00:00:01Z"}},
     {},
     {},
     {},
     nullptr,
     31'535'999,
     1,
     0,
     0,
     0,
     0,
     1,
     "99.999%"},
    {"Asia/Kathmandu",
     2026,
     11,
     {{"2026-10-31T18:00:00Z", "2026-10-31T18:30:00Z"}},
     {},
     {},
     {},
     nullptr,
     2'591'100,
     900,
     0,
     0,
     0,
     0,
     1,
     "99.965%"},
};

TEST(Months, WorkedOutByHand) {
  const TzdbZones zones;
  for (const auto& m : kTable) {
    SCOPED_TRACE(std::string(m.zone) + " " + std::to_string(m.year) + "-" + std::to_string(m.month) + " " + m.display);
    const Zone* zone = zones.find(m.zone);
    ASSERT_NE(zone, nullptr);
    const Span window = m.month == 0 ? year_span(m.year, *zone) : month_span(m.year, m.month, *zone);
    const Tally t = tally(timeline_of(input_of(m), window, {4'000'000'000'000}));
    EXPECT_EQ(t.up_ms, m.up_s * 1000);
    EXPECT_EQ(t.down_ms, m.down_s * 1000);
    EXPECT_EQ(t.unknown_ms, m.unknown_s * 1000);
    EXPECT_EQ(t.maintenance_ms, m.maintenance_s * 1000);
    EXPECT_EQ(t.paused_ms, m.paused_s * 1000);
    EXPECT_EQ(t.before_creation_ms, m.before_s * 1000);
    EXPECT_EQ(t.incidents, m.incidents);
    EXPECT_EQ(t.total_ms(), window.length().count());
    EXPECT_EQ(uptime_of(t).display, m.display);
  }
}

// A zone only moves the borders: the year in two zones differs by the edge pieces and nothing else.
TEST(Months, AZoneOnlyMovesTheBorders) {
  const TzdbZones zones;
  Month m{"UTC", 2026,
          0,     {{"2025-12-31T22:00:00Z", "2026-01-01T02:00:00Z"}, {"2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z"}},
          {},    {},
          {},    nullptr,
          0,     0,
          0,     0,
          0,     0,
          0,     ""};
  const LedgerInput input = input_of(m);
  const auto down = [&](Span span) { return tally(timeline_of(input, span, {4'000'000'000'000})).down_ms; };
  const Span utc = year_span(2026, *zones.find("UTC")), tokyo = year_span(2026, *zones.find("Asia/Tokyo"));
  EXPECT_EQ(down(tokyo) - down(utc), down({tokyo.from, utc.from}) - down({tokyo.to, utc.to}));
  EXPECT_EQ(down({tokyo.from, utc.from}), 2 * 3'600'000);
}

}  // namespace
}  // namespace everup
