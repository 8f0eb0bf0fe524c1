// Point 1, the database: stopped, frozen, crashing under load, its disk full. The looks go on, results wait on everup's
// own disk, and every slot is stored once afterwards.

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <string>

#include "bench/faults/audit.h"
#include "bench/faults/shared_postgres.h"
#include "tests/support/mounts.h"

namespace everup::bench {
namespace {

// Monitors on a shared PostgreSQL, `injure` for the length of the outage, and everything counted afterwards.
void outage(Run& run, const std::string& injected, const std::function<void(SharedPostgres&, std::int64_t)>& injure) {
  const bool brief = run.options().brief;
  SharedPostgres postgres;
  CountingTarget target;
  House house(run, postgres.environment());
  add_healthy(house, target, brief ? 100 : 1000, brief ? 2 : 5);
  wait_ms(brief ? 1'000 : 10'000);
  const auto from = wall_ms();
  wait_ms(brief ? 1'000 : 5'000);
  injure(postgres, brief ? 8'000 : 60'000);
  wait_ms(brief ? 3'000 : 20'000);
  const auto to = wall_ms();
  audit_lateness(run, house, target, injected, from, to - 1'000, 1'000);
  audit_slots(run, house, target, {injected}, from, to);
  audit_no_down(run, house, injected);
  audit_spans(run, house, injected);
  run.note(fmt::format("everup ended with {}", house.stop()));
}

void stopped(Run& run) {
  outage(run, "PostgreSQL stopped", [](SharedPostgres& postgres, std::int64_t ms) {
    postgres.stop();
    wait_ms(ms);
    postgres.start();
  });
}

void frozen(Run& run) {
  outage(run, "PostgreSQL frozen (SIGSTOP of all its processes)", [](SharedPostgres& postgres, std::int64_t ms) {
    postgres.freeze();
    wait_ms(ms);
    postgres.thaw();
  });
}

void crashing(Run& run) {
  outage(run, "PostgreSQL restarted in immediate mode every 5 s", [](SharedPostgres& postgres, std::int64_t ms) {
    for (const auto until = wall_ms() + ms; wall_ms() < until; wait_ms(5'000)) postgres.restart_immediately();
  });
}

std::int64_t lines_with(const std::string& path, const std::string& text) {
  std::ifstream in(path);
  std::int64_t count = 0;
  for (std::string line; std::getline(in, line);) count += line.find(text) != std::string::npos ? 1 : 0;
  return count;
}

// Its data on a file system that fills up; everup's spool is elsewhere.
void database_disk_full(Run& run) {
  test::in_own_mounts([&] {
    const bool brief = run.options().brief;
    const std::string injected = "the disk under PostgreSQL full";
    const test::TempDir dir;
    const test::SmallDisk disk(dir.file("disk"), 512LL << 20);
    SharedPostgres postgres(disk.path() + "/db");
    CountingTarget target;
    House house(run, postgres.environment());
    add_healthy(house, target, brief ? 100 : 500, 2);
    const auto from = wall_ms();
    disk.fill();
    const auto full_at = wall_ms();
    wait_ms(brief ? 8'000 : 60'000);
    const double full_s = static_cast<double>(wall_ms() - full_at) / 1000;
    const auto refusals = lines_with(postgres.log_path(), "No space left on device");
    const bool crashed = !postgres.alive();
    disk.relieve();
    if (crashed) postgres.start();  // as an operator's service manager would
    wait_ms(3'000);
    const auto to = wall_ms();
    const double rate = static_cast<double>(refusals) / full_s;
    run.found({injected,
               fmt::format("{} refusals in {:.0f} s, {:.2f} a second{}", refusals, full_s, rate,
                           crashed ? "; it crashed" : ""),
               "some, and at most 4 a second from all parts of everup", refusals > 0 && rate <= 4});
    audit_lateness(run, house, target, injected, from, to - 1'000, 1'000);
    audit_slots(run, house, target, {injected}, from, to);
    audit_no_down(run, house, injected);
    audit_spans(run, house, injected);
    run.note(fmt::format("everup ended with {}", house.stop()));
  });
}

// One box: the private cluster and the spool on the same full file system.
void every_disk_full(Run& run) {
  test::in_own_mounts([&] {
    const bool brief = run.options().brief;
    const std::string injected = "the disk full under PostgreSQL and the spool";
    const test::TempDir dir;
    const test::SmallDisk disk(dir.file("disk"), 512LL << 20);
    CountingTarget target;
    House house(run, {{"EVERUP_DATA_DIR", disk.path() + "/data"}});
    add_healthy(house, target, brief ? 100 : 500, 2);
    const auto from = wall_ms();
    const auto pid = house.pid();
    disk.fill();
    wait_ms(brief ? 8'000 : 60'000);
    const auto usage = house.usage();
    disk.relieve();
    const auto relieved = wall_ms();
    const bool answers = test::until([&] { return house.service().ready(); });
    if (!test::until([&] {
          try {
            return house.count(fmt::format("SELECT count(*) FROM results WHERE slot_at > {}", relieved)) > 0;
          } catch (const std::runtime_error&) {
            return false;  // PostgreSQL is still recovering
          }
        })) {
      throw std::runtime_error("no result is stored after there is room again");
    }
    run.found(
        {injected,
         fmt::format("the process {}, {:.0f} MB, stores again {:.1f} s after there was room",
                     house.pid() == pid && answers ? "stayed" : "went", static_cast<double>(usage.rss_bytes) / 1e6,
                     static_cast<double>(wall_ms() - relieved) / 1000),
         "it stays, and stores again by itself", house.pid() == pid && answers});
    wait_ms(3'000);
    const auto to = wall_ms();
    audit_lateness(run, house, target, injected, from, to - 1'000, 1'000);
    Audit audit{injected};
    audit.gaps_allowed = true;
    audit_slots(run, house, target, audit, from, to);
    const bool worked_off = amended(house);
    // A lost slot is unknown: no state but that at the instant of a slot that is booked as lost.
    const auto lied = house.count(
        "SELECT count(*) FROM gaps g JOIN monitors m ON g.monitor_id = 0 AND g.shard = m.shard JOIN spans s ON "
        "s.monitor_id = m.id AND s.state <> 4 AND s.from_at <= (g.from_at + g.to_at) / 2 AND (s.to_at IS NULL OR "
        "s.to_at > (g.from_at + g.to_at) / 2) WHERE g.reason = 6 AND g.to_at - g.from_at > 4000 AND NOT EXISTS "
        "(SELECT 1 FROM results r WHERE r.monitor_id = m.id AND r.slot_at BETWEEN (g.from_at + g.to_at) / 2 - 4000 "
        "AND (g.from_at + g.to_at) / 2)");
    run.found({injected,
               fmt::format("{} monitors with a state in the middle of their lost time; late evidence {}", lied,
                           worked_off ? "worked off" : "still waits"),
               "0, worked off", lied == 0 && worked_off});
    audit_no_down(run, house, injected);
    audit_spans(run, house, injected);
    run.note(fmt::format("everup ended with {}", house.stop()));
  });
}

const Case kStopped{"database-stopped", 1, "PostgreSQL is stopped for a minute.", stopped};
const Case kFrozen{"database-frozen", 1, "PostgreSQL is frozen for a minute.", frozen};
const Case kCrashing{"database-crashing", 1, "PostgreSQL crashes every 5 s for a minute, under load.", crashing};
const Case kDatabaseDisk{"database-disk-full", 1, "The disk under PostgreSQL is full for a minute.",
                         database_disk_full};
const Case kEveryDisk{"every-disk-full", 1, "One disk for PostgreSQL and the spool is full for a minute.",
                      every_disk_full};

}  // namespace
}  // namespace everup::bench
