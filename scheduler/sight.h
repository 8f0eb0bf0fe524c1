// Is it they or is it we? When looks fail for network reasons, sentinels decide: addresses that the operator chose
// (EVERUP_SENTINELS), which say nothing about any target. While they answer, a failure is the target's. When they do
// not, and many fail (a fifth of the monitors that were up, or five in three networks), we are blind: failures of that
// family of addresses prove nothing from the first of them on, until the sentinels answer again. When as many names
// cannot be asked for at all we are blind too, sentinels or not.
//
// A look that would settle a monitor down for a network reason waits for a test that began after it ended: a moment
// while the sentinels answer, at most kWaitMax while they do not but too few fail to say. So a monitor that settles
// with its first failure is judged like all others. A sentinel without a vote (app/sentinels.h)
// is not counted.
//
// Pure but for its mutex: no clock, no socket. Workers call failed(), well() and watching(); whoever asks the sentinels
// calls asks() and heard(). Limits: kRememberedMax failing monitors.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>

#include "core/ids.h"
#include "core/outcome.h"
#include "core/time.h"

namespace everup::scheduler {

// What failed, as bits. A name that could not be resolved is of both families.
inline constexpr std::uint8_t kV4 = 1, kV6 = 2, kBothFamilies = 3, kNames = 4;

class Sight {
 public:
  static constexpr milliseconds kWindow{120'000};       // how long a failure counts
  static constexpr milliseconds kTestMax{6'000};        // a look's wait for any test
  static constexpr milliseconds kWaitMax{30'000};       // and for a clear one, where the sentinels are silent
  static constexpr milliseconds kRoutineEvery{30'000};  // tests while looks fail and none of them settles
  static constexpr std::size_t kRememberedMax = 1'000'000;

  enum class Word : std::uint8_t { kTheirs, kWait, kOurs };
  struct Failure {
    MonitorId monitor;
    std::uint8_t families = 0;  // 0: this was no failure of the network
    std::uint64_t network = 0;  // tells /24s and /48s apart; 0: not known
    WallTime started_at, ended_at;
    bool settles = false;  // the monitor would be down by it
    bool news = true;      // it was not down before
  };
  struct Answers {  // of the sentinels of one family
    int known = 0;  // that have a vote
    int answering = 0;
    bool operator==(const Answers&) const = default;
  };
  struct Blindness {
    std::uint8_t families = 0;  // 0: we see
    WallTime from;
    std::uint64_t changes = 0;  // counts
  };

  // Families and network of what a look saw.
  static Failure failure_of(MonitorId monitor, const Outcome& outcome);

  // ---- workers, any thread
  Word failed(const Failure& failure, WallTime now);
  void well(MonitorId monitor);  // its look did not fail for the network
  void watching(const void* worker, std::size_t up);
  Blindness blindness() const;

  // ---- whoever asks the sentinels
  bool asks(WallTime now) const;  // a test is wanted
  // Of a test that began at `began`: v4, v6.
  Blindness heard(const std::array<Answers, 2>& answers, WallTime began, WallTime now);

 private:
  struct Failing {
    std::uint8_t families = 0;
    std::uint64_t network = 0;
    WallTime first, last;  // start of its first failing look, end of its last
  };
  bool inside(std::size_t family, const Failure& failure) const;
  bool silent(std::size_t family) const;
  bool many(std::uint8_t family) const;
  WallTime first_of(std::uint8_t family) const;

  mutable std::mutex mutex_;
  // All guarded by mutex_.
  std::map<MonitorId, Failing> failing_;  // since the sentinels answered last
  std::map<const void*, std::size_t> up_;
  std::array<Answers, 2> answers_;
  WallTime tested_;  // when the last test began; 0: never
  bool wanted_ = false;
  Blindness blind_;
  std::array<WallTime, 3> from_, until_;  // the last blindness of each family; until 0: it lasts
};

}  // namespace everup::scheduler
