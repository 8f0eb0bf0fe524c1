// Few descriptors: 2 000 monitors under `ulimit -n 192`. Our own shortage makes slots late, never monitors down.

#include <fmt/format.h>
#include <sys/stat.h>

#include "bench/faults/counting_target.h"
#include "bench/faults/house.h"
#include "tests/support/process.h"
#include "tests/support/tempdir.h"

namespace everup::bench {
namespace {

// A program that runs everup with that many descriptors.
std::string limited(const test::TempDir& dir, const std::string& everup, int descriptors) {
  const auto path = dir.write("everup", fmt::format("#!/bin/sh\nulimit -n {}\nexec {} \"$@\"\n", descriptors, everup));
  if (chmod(dir.path().c_str(), 0755) != 0 || chmod(path.c_str(), 0755) != 0) throw std::runtime_error("chmod");
  return path;
}

void few_descriptors(Run& run) {
  constexpr int kMonitors = 2000, kIntervalS = 60;
  const test::TempDir dir;
  Options options = run.options();
  options.everup = limited(dir, run.options().everup, 192);
  const Run small(options, "descriptors");
  CountingTarget target;
  House house(small);
  std::vector<Json> monitors;
  for (int i = 0; i < kMonitors; ++i) monitors.push_back({{"target", target.url(i)}, {"interval_s", kIntervalS}});
  house.add(monitors);
  wait_ms(70'000);
  const auto from = wall_ms();
  wait_ms(run.options().brief ? 60'000 : 240'000);
  const auto to = wall_ms() - 15'000;
  if (!house.settled(to)) throw std::runtime_error("the shards' marks do not move");
  const auto slots = house.slots(from, to);
  const auto down = house.count("SELECT count(*) FROM results WHERE verdict = 2");
  const auto own = house.count(fmt::format("SELECT count(*) FROM results WHERE verdict > 0 AND cause = {}",
                                           static_cast<int>(Cause::kOwnResources)));
  const double share = static_cast<double>(slots.results) / static_cast<double>(std::max<std::int64_t>(1, slots.slots));
  run.found(
      {"ulimit -n 192, 2 000 monitors at 60 s",
       fmt::format("{:.2f} % of {} slots are results ({} missed, {} in gaps, {} missing, {} of our own resources)",
                   share * 100, slots.slots, slots.missed, slots.in_gaps, slots.missing, own),
       ">= 95 %", slots.slots > 0 && share >= 0.95});
  run.found({"ulimit -n 192, 2 000 monitors at 60 s",
             fmt::format("{} results down, {} flips, {} descriptors open", down, house.flips_down(),
                         house.usage().descriptors),
             "0 down", down == 0 && house.flips_down() == 0});
}

void too_few_descriptors(Run& run) {
  const test::TempDir dir;
  for (const int limit : {64, 127}) {
    test::Child::Options options;
    options.environment = {{"EVERUP_DATA_DIR", dir.file("data")},
                           {"EVERUP_LISTEN", "127.0.0.1:" + std::to_string(test::free_port())},
                           {"EVERUP_USER", "nobody"}};
    test::Child child({limited(dir, run.options().everup, limit), "serve"}, options);
    const auto status = child.wait(std::chrono::seconds(30));
    run.found({fmt::format("ulimit -n {}", limit), fmt::format("exit {}", status.value_or(-1)), "78", status == 78});
  }
}

const Case kFew{"descriptors-192", 5, "2 000 monitors with 192 descriptors.", few_descriptors};
const Case kTooFew{"descriptors-below-128", 5, "Below 128 descriptors the start is refused.", too_few_descriptors};

}  // namespace
}  // namespace everup::bench
