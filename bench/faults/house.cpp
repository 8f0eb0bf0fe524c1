#include "bench/faults/house.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <sstream>
#include <unordered_map>

#include "bench/process.h"
#include "core/schedule.h"
#include "core/standing.h"

namespace everup::bench {
namespace {

Environment with_defaults(const Environment& more) {
  Environment all{{"EVERUP_TARGET_LIMIT", "100000"}};
  for (const auto& [name, value] : more) all[name] = value;
  return all;
}

// The numbers of a line "1|2|3" of psql.
std::vector<std::int64_t> numbers(const std::string& line) {
  std::vector<std::int64_t> out;
  const char* at = line.data();
  const char* const end = at + line.size();
  while (at < end) {
    std::int64_t number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc{}) throw std::runtime_error("not a number from SQL: " + line);
    out.push_back(number);
    at = next + 1;
  }
  return out;
}

void each_row(const std::string& text, const std::function<void(const std::vector<std::int64_t>&)>& row) {
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) row(numbers(line));
  }
}

}  // namespace

House::House(const Run& run, const Environment& more, bool start)
    : service_(with_defaults(more), run.options().everup) {
  if (start) this->start();
}

void House::start() {
  service_.start();
  if (opened_) return;
  service_.open_account();
  opened_ = true;
}

void House::add(const std::vector<Json>& monitors) {
  constexpr std::size_t kChunk = 5000;
  for (std::size_t from = 0; from < monitors.size(); from += kChunk) {
    auto list = Json::array();
    const std::size_t to = std::min(monitors.size(), from + kChunk);
    for (std::size_t i = from; i < to; ++i) list.push_back(monitors[i]);
    const auto answer = service_.call("POST", "/api/v1/monitors/bulk", Json{{"monitors", list}}.dump());
    if (answer.status >= 300) throw std::runtime_error("bulk: " + answer.body);
    const auto made = Json::parse(answer.body);
    for (std::size_t i = from; i < to; ++i) {
      const auto id = parse_id<MonitorTag>(made.at("created").at(i - from).get<std::string>());
      if (!id) throw std::runtime_error("bulk: not an id");
      watched_.push_back({*id, monitors[i].value("interval_s", 60) * 1000LL});
    }
  }
}

Usage House::usage() {
  const pid_t pid = this->pid();
  return {bench::rss_bytes(pid), fd_count(pid), thread_count(pid)};
}

SlotCount House::slots(std::int64_t from_ms, std::int64_t to_ms) const {
  struct Seen {
    int answers = 0;
    bool missed = false;
  };
  SlotCount out;
  std::unordered_map<std::int64_t, std::size_t> number_of;
  std::vector<std::map<std::int64_t, Seen>> seen(watched_.size());
  for (std::size_t i = 0; i < watched_.size(); ++i) number_of[watched_[i].id.value] = i;
  constexpr std::int64_t kLookBackMs = 3'600'000;  // an earlier row may cover slots of ours
  const auto rows =
      sql(fmt::format("SELECT monitor_id, slot_at, look, covered, verdict FROM results WHERE slot_at >= {} "
                      "AND slot_at < {} AND (look = 0 OR covered > 1)",
                      from_ms - kLookBackMs, to_ms));
  each_row(rows, [&](const std::vector<std::int64_t>& row) {
    const auto found = number_of.find(row.at(0));
    if (found == number_of.end()) return;
    const Watched& one = watched_[found->second];
    // A look of the slot itself covers it and what follows; a re-check only what follows.
    WallTime slot = row.at(2) == 0 ? WallTime{row.at(1)} : next_slot(one.id, one.interval_ms, WallTime{row.at(1)});
    for (std::int64_t left = row.at(3) - (row.at(2) == 0 ? 0 : 1); left > 0; --left) {
      Seen& at = seen[found->second][slot.ms];
      ++at.answers;
      at.missed = at.missed || row.at(4) == 0;
      slot = next_slot(one.id, one.interval_ms, slot);
    }
  });
  std::vector<std::vector<std::int64_t>> gaps;
  each_row(sql(fmt::format("SELECT monitor_id, shard, from_at, to_at FROM gaps WHERE to_at > {} AND from_at < {}",
                           from_ms, to_ms)),
           [&](const std::vector<std::int64_t>& row) { gaps.push_back(row); });
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    const Watched& one = watched_[i];
    for (WallTime slot = slot_at_or_after(one.id, one.interval_ms, WallTime{from_ms}); slot.ms < to_ms;
         slot = next_slot(one.id, one.interval_ms, slot)) {
      ++out.slots;
      const auto at = seen[i].find(slot.ms);
      const bool in_gap = std::any_of(gaps.begin(), gaps.end(), [&](const std::vector<std::int64_t>& gap) {
        const bool ours = gap[0] == one.id.value || (gap[0] == 0 && gap[1] == shard_of(one.id));
        return ours && gap[2] <= slot.ms && slot.ms < gap[3];
      });
      if (at == seen[i].end()) {
        ++(in_gap ? out.in_gaps : out.missing);
        continue;
      }
      ++(at->second.missed ? out.missed : out.results);
      out.doubled += at->second.answers > 1 ? 1 : 0;
    }
  }
  return out;
}

std::int64_t House::flips_down(std::int64_t since_ms) const {
  return count(fmt::format("SELECT count(*) FROM flips WHERE to_state = {} AND settled_at >= {}",
                           static_cast<int>(State::kDown), since_ms));
}

bool House::settled(std::int64_t until_ms) const {
  return test::until([&] { return count("SELECT coalesce(min(observed_through), 0) FROM shard_marks") >= until_ms; },
                     std::chrono::seconds(120));
}

void wait_ms(std::int64_t ms) { poll(nullptr, 0, static_cast<int>(ms)); }

}  // namespace everup::bench
