// Which relay is asked next. In the order of the setting; one that failed rests (15 s, 30 s, 1, 2, 5, 10, 15 min; after
// a refused password 15 min at once, after a used-up quota an hour), one with `per_day` has a token bucket of that size
// that refills over the day, whose last fifth is kept for what is down.
//
// Pure: time is handed in. Not thread-safe: its owner locks. State lives as long as the process: a restart forgets
// rests and fills the buckets (a known weakness: a quota may then be met early, which is a fault like others).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "alerts/relay_verdict.h"
#include "core/time.h"

namespace everup::alerts {

class RelayChoice {
 public:
  explicit RelayChoice(std::vector<int> per_day);  // one entry a relay, 0: no limit

  // The first relay that is not in `tried`, does not rest and has a token left; nullopt: none.
  std::optional<std::size_t> next(const std::vector<bool>& tried, bool urgent, Instant now);
  void used(std::size_t relay);  // a mail was accepted: one token
  void good(std::size_t relay);
  void bad(std::size_t relay, RelayFault fault, Instant now);
  // When the first of the others can be asked again; nullopt: one can be asked now (or there are none).
  std::optional<std::chrono::milliseconds> rest(bool urgent, Instant now);
  bool rests(std::size_t relay, Instant now) const { return now < relays_.at(relay).until; }
  std::size_t size() const { return relays_.size(); }

 private:
  struct Relay {
    int per_day = 0;
    double tokens = 0;
    std::optional<Instant> filled_at;
    Instant until;  // rests before
    std::size_t faults = 0;
  };
  void refill(Relay& relay, Instant now) const;
  bool has_token(const Relay& relay, bool urgent) const;

  std::vector<Relay> relays_;
};

}  // namespace everup::alerts
