#include "alerts/relay_choice.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace everup::alerts {
namespace {

using std::chrono::seconds;

constexpr std::array<int, 7> kRestS{15, 30, 60, 120, 300, 600, 900};
constexpr int kLoginRestS = 900, kQuotaRestS = 3600;
constexpr double kDayS = 86'400;

// What a bucket must hold: a fifth of it is kept for what is down.
double needed(int per_day, bool urgent) { return 1.0 + (urgent ? 0 : per_day / 5); }

}  // namespace

RelayChoice::RelayChoice(std::vector<int> per_day) {
  for (const int limit : per_day) relays_.push_back({limit, static_cast<double>(limit), std::nullopt, Instant{}, 0});
}

void RelayChoice::refill(Relay& relay, Instant now) const {
  if (relay.per_day == 0) return;
  const double elapsed_s = relay.filled_at ? static_cast<double>((now - *relay.filled_at).count()) / 1e9 : 0;
  relay.tokens = std::min<double>(relay.per_day, relay.tokens + elapsed_s * relay.per_day / kDayS);
  relay.filled_at = now;
}

bool RelayChoice::has_token(const Relay& relay, bool urgent) const {
  return relay.per_day == 0 || relay.tokens >= needed(relay.per_day, urgent);
}

std::optional<std::size_t> RelayChoice::next(const std::vector<bool>& tried, bool urgent, Instant now) {
  for (std::size_t i = 0; i < relays_.size(); ++i) {
    refill(relays_[i], now);
    if (!tried.at(i) && now >= relays_[i].until && has_token(relays_[i], urgent)) return i;
  }
  return std::nullopt;
}

void RelayChoice::used(std::size_t relay) {
  Relay& one = relays_.at(relay);
  if (one.per_day > 0) one.tokens = std::max(0.0, one.tokens - 1);
}

void RelayChoice::good(std::size_t relay) {
  relays_.at(relay).faults = 0;
  relays_.at(relay).until = Instant{};
}

void RelayChoice::bad(std::size_t relay, RelayFault fault, Instant now) {
  Relay& one = relays_.at(relay);
  int rest_s = 0;
  switch (fault) {
    case RelayFault::kNone:
      return;
    case RelayFault::kAway:
      rest_s = kRestS.at(std::min(one.faults, kRestS.size() - 1));
      break;
    case RelayFault::kLogin:
      rest_s = kLoginRestS;
      break;
    case RelayFault::kQuota:
      rest_s = kQuotaRestS;
      break;
  }
  // Several mails may have been under way: one outage is one fault.
  if (now < one.until && fault == RelayFault::kAway) return;
  ++one.faults;
  one.until = std::max(one.until, now + seconds(rest_s));
}

std::optional<std::chrono::milliseconds> RelayChoice::rest(bool urgent, Instant now) {
  std::optional<milliseconds> soonest;
  for (Relay& relay : relays_) {
    refill(relay, now);
    double wait_s = std::max(0.0, static_cast<double>((relay.until - now).count()) / 1e9);
    if (relay.per_day > 0) {
      const double missing = needed(relay.per_day, urgent) - relay.tokens;
      wait_s = std::max(wait_s, missing * kDayS / relay.per_day);
    }
    if (wait_s <= 0) return std::nullopt;
    const milliseconds wait(static_cast<std::int64_t>(std::min(wait_s, kDayS) * 1000) + 1);
    soonest = soonest ? std::min(*soonest, wait) : wait;
  }
  return soonest;
}

}  // namespace everup::alerts
