// Few descriptors: with 192 of them two thousand monitors are still looked at, and our own want of them is nobody's
// outage; with fewer than 128 the start is refused.

#include <fmt/format.h>

#include <filesystem>
#include <stdexcept>

#include "bench/faults/audit.h"

namespace everup::bench {
namespace {

constexpr int kMonitors = 2000, kEveryS = 60;

// A program that is everup with at most `most` descriptors, soft and hard: it would raise the soft limit itself.
std::string with_descriptors(const test::TempDir& dir, const Options& options, int most) {
  const auto path =
      dir.write("everup", fmt::format("#!/bin/sh\nexec prlimit --nofile={0}:{0} '{1}' \"$@\"\n", most, options.everup));
  std::filesystem::permissions(path, std::filesystem::perms::owner_exec, std::filesystem::perm_options::add);
  return path;
}

void few(Run& run) {
  CountingTarget target([](int, std::int64_t) { return Reply{}; });
  const test::TempDir dir;
  Options options = run.options();
  options.everup = with_descriptors(dir, run.options(), 192);
  House house(Run(options, "descriptors-192"));
  std::vector<Json> monitors;
  for (int i = 0; i < kMonitors; ++i) monitors.push_back({{"target", target.url(i)}, {"interval_s", kEveryS}});
  house.add(monitors);
  const auto from = wall_ms() + kEveryS * 1000;  // the first looks are spread over an interval
  wait_ms((run.options().brief ? 2 : 5) * kEveryS * 1000);
  const auto to = wall_ms() - 15'000;
  if (!house.settled(to)) throw std::runtime_error("the shards' marks do not move");
  const auto slots = house.slots(from, to);
  const auto share =
      slots.slots > 0 ? 100.0 * static_cast<double>(slots.results) / static_cast<double>(slots.slots) : 0;
  run.found({"192 descriptors",
             fmt::format("{} slots: {} results ({:.1f} %), {} missed, {} in gaps, {} not booked; {} descriptors open",
                         slots.slots, slots.results, share, slots.missed, slots.in_gaps, slots.missing,
                         house.usage().descriptors),
             ">= 95 %, none unbooked", share >= 95 && slots.missing == 0});
  const auto downs = house.count("SELECT count(*) FROM results WHERE verdict = 3");
  run.found({"192 descriptors", fmt::format("{} results and {} flips are down", downs, house.flips_down()), "0, 0",
             downs == 0 && house.flips_down() == 0});
}

void too_few(Run& run) {
  const test::TempDir dir;
  test::Service service({}, with_descriptors(dir, run.options(), 127));
  service.launch();
  const auto status = service.child().wait();
  const auto words = service.child().all_output(std::chrono::seconds(5));
  const bool named = words.find("at least 128 are needed") != std::string::npos;
  run.found({"127 descriptors", fmt::format("exit {}, {}", status.value_or(-1), named ? "named" : words),
             "exit 78, named", status == 78 && named});
}

const Case kFew{"descriptors-192", 5, "Two thousand monitors at 60 s with 192 descriptors.", few};
const Case kTooFew{"descriptors-below-128", 5, "With fewer than 128 descriptors the start is refused.", too_few};

}  // namespace
}  // namespace everup::bench
