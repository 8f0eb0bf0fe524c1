// Costs of single functions on the way of a check and of a page (Google Benchmark). Every input is made here and the
// same each run.
//
//   micro [--benchmark_filter=Ledger]      a short form: --benchmark_min_time=0.01
#include <benchmark/benchmark.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "api/http_message.h"
#include "badges/badge.h"
#include "core/histogram.h"
#include "core/ledger.h"
#include "core/schedule.h"
#include "core/standing.h"
#include "core/target.h"
#include "db/batch_codec.h"
#include "reports/report.h"
#include "scheduler/due_queue.h"

namespace everup {
namespace {

constexpr WallTime kNow{1'795'321'505'000};
constexpr std::int64_t kForEver = std::numeric_limits<std::int64_t>::max();

// One turn of a worker: the earliest monitor leaves the front and gets its next slot.
void DueQueue(benchmark::State& state) {
  scheduler::DueQueue queue;
  const auto monitors = static_cast<std::uint32_t>(state.range(0));
  for (std::uint32_t i = 0; i < monitors; ++i) queue.set(i, slot_at_or_after(MonitorId{i + 1}, 60'000, kNow));
  for (auto _ : state) {
    const auto due = queue.next();
    queue.set(due->monitor, due->at + milliseconds(60'000));
  }
}
BENCHMARK(DueQueue)->Arg(10'000)->Arg(1'000'000);

void NextSlot(benchmark::State& state) {
  WallTime at = kNow;
  for (auto _ : state) {
    at = next_slot(MonitorId{4711}, 60'000, at);
    benchmark::DoNotOptimize(at);
  }
}
BENCHMARK(NextSlot);

// The usual look: up, as before.
void AdvanceUp(benchmark::State& state) {
  const Patience patience;
  Standing standing =
      advance({}, {Verdict::kUp, Cause::kOk, kNow, kNow}, patience, horizon_of(60'000, 10'000)).standing;
  WallTime at = kNow;
  for (auto _ : state) {
    at = at + milliseconds(60'000);
    auto next = advance(standing, {Verdict::kUp, Cause::kOk, at, at}, patience, horizon_of(60'000, 10'000));
    standing = std::move(next.standing);
    benchmark::DoNotOptimize(next.conclusion);
  }
}
BENCHMARK(AdvanceUp);

// A monitor that fails three times, recovers twice, and again.
void AdvanceFlapping(benchmark::State& state) {
  const Patience patience;
  Standing standing;
  WallTime at = kNow;
  int turn = 0;
  for (auto _ : state) {
    at = at + milliseconds(10'000);
    const bool down = turn++ % 5 < 3;
    const Look look{down ? Verdict::kDown : Verdict::kUp, down ? Cause::kConnectRefused : Cause::kOk, at, at};
    auto next = advance(standing, look, patience, horizon_of(60'000, 10'000));
    standing = std::move(next.standing);
    benchmark::DoNotOptimize(next.conclusion);
  }
}
BENCHMARK(AdvanceFlapping);

// A year with `incidents` downs.
LedgerInput year_with(std::int64_t incidents) {
  LedgerInput input;
  input.id = MonitorId{4711};
  input.created_at = kNow - milliseconds(400 * kDayMs);
  input.first_look = input.created_at;
  LedgerInput::RegionSpans region;
  region.observed_through = kNow;
  const std::int64_t pitch = 400 * kDayMs / (incidents + 1);
  const Reason refused{static_cast<std::int16_t>(Cause::kConnectRefused), 0};
  WallTime at = input.created_at;
  for (std::int64_t i = 0; i < incidents; ++i) {
    const WallTime down = at + milliseconds(pitch - 90'000);
    region.spans.push_back({{at, down}, State::kUp, {}});
    region.spans.push_back({{down, down + milliseconds(90'000)}, State::kDown, refused});
    at = down + milliseconds(90'000);
  }
  region.spans.push_back({{at, {kForEver}}, State::kUp, {}});
  input.regions.push_back(std::move(region));
  return input;
}

void LedgerUptime(benchmark::State& state) {
  const LedgerInput input = year_with(state.range(0));
  for (auto _ : state) {
    const Span window = rolling_window(input, 365 * kDayMs, kNow);
    benchmark::DoNotOptimize(uptime_of(tally(timeline_of(input, window, kNow))));
  }
}
BENCHMARK(LedgerUptime)->Arg(2)->Arg(1000);

void BadgeSvg(benchmark::State& state) {
  Tally sum;
  sum.up_ms = 30 * kDayMs - 95'000;
  sum.down_ms = 95'000;
  for (auto _ : state) {
    const Uptime uptime = uptime_of(sum);
    benchmark::DoNotOptimize(badges::badge_svg(badges::uptime_badge(uptime, sum, "30d")));
  }
}
BENCHMARK(BadgeSvg);

class Utc : public Zone {
 public:
  std::string_view name() const override { return "UTC"; }
  int offset_s(WallTime) const override { return 0; }
  WallTime next_transition(WallTime) const override { return {kForEver}; }
};

void ReportPage(benchmark::State& state) {
  const Utc utc;
  for (auto _ : state) {
    reports::ReportInput input;
    input.name = "Shop";
    input.state = State::kUp;
    input.ledger = year_with(state.range(0));
    input.zone = &utc;
    input.now = kNow;
    benchmark::DoNotOptimize(reports::overview_html(reports::report_model(std::move(input))));
  }
}
BENCHMARK(ReportPage)->Arg(2)->Arg(200)->Unit(benchmark::kMicrosecond);

void TargetParse(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(parse_target("https://shop.example.com:8443/health/live?deep=1"));
}
BENCHMARK(TargetParse);

void HttpHeadParse(benchmark::State& state) {
  const std::string head =
      "GET /badge/0123456789abcdefghjkmnpqrs/uptime/30d.svg?style=flat HTTP/1.1\r\nHost: status.example.com\r\n"
      "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\nAccept: "
      "image/avif,image/webp,*/*\r\n"
      "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\n"
      "If-None-Match: \"a1b2c3d4\"\r\n\r\n";
  api::RequestReader reader;
  for (auto _ : state) {
    reader.feed(head);
    reader.allow_body(0);
    benchmark::DoNotOptimize(reader.take());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(head.size()));
}
BENCHMARK(HttpHeadParse);

db::Batch batch_of(int observations) {
  db::Batch batch;
  batch.closed_at = kNow;
  std::mt19937 random(7);
  for (int i = 0; i < observations; ++i) {
    Observation one;
    one.monitor = MonitorId{1'000'000 + i};
    one.epoch = 3;
    one.since_epoch = 1;
    one.slot_at = kNow + milliseconds(i / 100);
    one.started_at = one.slot_at + milliseconds(1);
    one.verdict = Verdict::kUp;
    one.cause = Cause::kOk;
    const auto some = [&random](unsigned below) { return static_cast<std::int32_t>(random() % below); };
    one.timings = {some(2000), some(20'000), some(40'000), some(100'000), some(5000), some(200'000)};
    one.code = 200;
    batch.observations.push_back(std::move(one));
  }
  return batch;
}

void BatchEncode(benchmark::State& state) {
  const db::Batch batch = batch_of(static_cast<int>(state.range(0)));
  std::size_t bytes = 0;
  for (auto _ : state) bytes = db::encode_batch(batch).size();
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
  state.counters["bytes_a_row"] = static_cast<double>(bytes) / static_cast<double>(state.range(0));
}
BENCHMARK(BatchEncode)->Arg(2000)->Unit(benchmark::kMicrosecond);

void BatchDecode(benchmark::State& state) {
  const std::string bytes = db::encode_batch(batch_of(static_cast<int>(state.range(0))));
  for (auto _ : state) benchmark::DoNotOptimize(db::decode_batch(bytes));
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(BatchDecode)->Arg(2000)->Unit(benchmark::kMicrosecond);

void HistogramAdd(benchmark::State& state) {
  LatencyHistogram histogram;
  std::int64_t us = 1;
  for (auto _ : state) {
    histogram.add(us);
    us = us * 1'103'515'245 % 120'000'007;
  }
  benchmark::DoNotOptimize(histogram.quantile_us(0.99));
}
BENCHMARK(HistogramAdd);

}  // namespace
}  // namespace everup
