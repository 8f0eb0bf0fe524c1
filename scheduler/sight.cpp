#include "scheduler/sight.h"

#include <algorithm>
#include <set>
#include <string>

namespace everup::scheduler {
namespace {

constexpr std::array<std::uint8_t, 3> kFamilies{kV4, kV6, kNames};
constexpr std::size_t kShare = 5;  // one in so many of those that were up
constexpr std::size_t kManyMonitors = 5, kManyNetworks = 3;

// A failure that a dead line would look like too.
bool is_of_network(const Outcome& outcome) {
  if (outcome.cause == Cause::kNetworkUnreachable) return true;
  if (outcome.verdict != Verdict::kDown) return false;
  static constexpr std::array kSilence{
      Cause::kDnsFailure, Cause::kConnectRefused,      Cause::kConnectTimeout, Cause::kConnectReset,
      Cause::kTlsTimeout, Cause::kHostUnreachable,     Cause::kTlsReset,       Cause::kHttpTimeout,
      Cause::kHttpReset,  Cause::kHttpTransferTimeout, Cause::kSmtpTimeout,    Cause::kSmtpConnectionLost,
      Cause::kTcpTimeout, Cause::kDnsTimeout,          Cause::kPingLost};
  return std::find(kSilence.begin(), kSilence.end(), outcome.cause) != kSilence.end();
}

// "192.0.2" of 192.0.2.7:443, "[2001:db8:1" of [2001:db8:1::7]:443.
std::string_view network_of(std::string_view address) {
  const bool six = address.starts_with('[');
  std::size_t end = 0;
  for (int part = 0; part < 3 && end != std::string_view::npos; ++part) end = address.find(six ? ':' : '.', end + 1);
  return address.substr(0, end);
}

}  // namespace

Sight::Failure Sight::failure_of(MonitorId monitor, const Outcome& outcome) {
  Failure failure;
  failure.monitor = monitor;
  if (outcome.cause == Cause::kDnsUnavailable) failure.families = kNames;
  if (!is_of_network(outcome)) return failure;
  const auto add = [&failure](const std::string& address) {
    if (address.empty()) return;
    failure.families |= address.front() == '[' ? kV6 : kV4;
    failure.network = std::hash<std::string_view>()(network_of(address));
  };
  if (outcome.evidence) {
    add(outcome.evidence->address);
    for (const std::string& address : outcome.evidence->addresses_tried) add(address);
  }
  if (failure.families == 0) failure.families = kBothFamilies;
  return failure;
}

bool Sight::silent(std::size_t family) const {
  if (kFamilies[family] == kNames) return true;  // the failure itself says that nobody answers
  const Answers& answers = answers_[family];
  return answers.known > 0 && answers.answering < std::min(2, answers.known);
}

bool Sight::inside(std::size_t family, const Failure& failure) const {
  return from_[family].ms > 0 && failure.ended_at >= from_[family] &&
         (until_[family].ms == 0 || failure.started_at < until_[family]);
}

// A failure of both families is ours where each family that has sentinels is blind.
Sight::Word Sight::failed(const Failure& failure, WallTime now) {
  const std::lock_guard lock(mutex_);
  if (failure.news && (failing_.size() < kRememberedMax || failing_.contains(failure.monitor))) {
    Failing& one = failing_.try_emplace(failure.monitor, Failing{0, 0, failure.started_at, {}}).first->second;
    one.families |= failure.families, one.network = failure.network;
    one.last = std::max(one.last, failure.ended_at);
  }
  int judged = 0, ours = 0;
  bool undecided = false;
  const milliseconds waited = now - failure.ended_at;
  for (std::size_t i = 0; i < answers_.size(); ++i) {
    if ((failure.families & kFamilies[i]) == 0 || answers_[i].known == 0) continue;
    ++judged;
    if (inside(i, failure))
      ++ours;
    else
      undecided = undecided || (tested_ < failure.ended_at && waited < kTestMax) || (silent(i) && waited < kWaitMax);
  }
  if (judged > 0 && ours == judged) return Word::kOurs;
  if (!undecided || !failure.settles) return Word::kTheirs;
  wanted_ = true;
  return Word::kWait;
}

void Sight::well(MonitorId monitor) {
  const std::lock_guard lock(mutex_);
  if (!failing_.empty()) failing_.erase(monitor);
}

void Sight::watching(const void* worker, std::size_t up) {
  const std::lock_guard lock(mutex_);
  up_[worker] = up;
}

Sight::Blindness Sight::blindness() const {
  const std::lock_guard lock(mutex_);
  return blind_;
}

bool Sight::asks(WallTime now) const {
  const std::lock_guard lock(mutex_);
  return wanted_ || blind_.families != 0 || (!failing_.empty() && now - tested_ >= kRoutineEvery);
}

bool Sight::many(std::uint8_t family) const {
  std::size_t up = 0, failing = 0;
  for (const auto& [worker, count] : up_) up += count;
  std::set<std::uint64_t> networks;
  for (const auto& [id, one] : failing_) {
    if ((one.families & family) == 0) continue;
    ++failing;
    if (networks.size() < kManyNetworks) networks.insert(one.network);
  }
  return failing > 0 && (failing * kShare >= up || (failing >= kManyMonitors && networks.size() >= kManyNetworks));
}

WallTime Sight::first_of(std::uint8_t family) const {
  WallTime first;
  for (const auto& [id, one] : failing_) {
    if ((one.families & family) != 0 && (first.ms == 0 || one.first < first)) first = one.first;
  }
  return first;
}

Sight::Blindness Sight::heard(const std::array<Answers, 2>& answers, WallTime began, WallTime now) {
  const std::lock_guard lock(mutex_);
  answers_ = answers;
  tested_ = began;
  wanted_ = false;
  std::erase_if(failing_, [now](const auto& one) { return now - one.second.last > kWindow; });
  const auto before = blind_.families;
  for (std::size_t i = 0; i < kFamilies.size(); ++i) {
    const std::uint8_t family = kFamilies[i];
    const bool blind = (blind_.families & family) != 0;
    const bool dark = silent(i) && (many(family) || (blind && family != kNames));
    if (!silent(i)) {  // what failed before is theirs, or its blindness is over
      const bool others = (i == 0 && silent(1)) || (i == 1 && silent(0));
      std::erase_if(failing_, [&](const auto& one) {
        const bool mine = one.second.families == family || ((one.second.families & family) != 0 && !others);
        return mine && one.second.last < began;
      });
    }
    if (dark == blind) continue;
    blind_.families = static_cast<std::uint8_t>(dark ? blind_.families | family : blind_.families & ~family);
    if (dark) {
      from_[i] = first_of(family), until_[i] = WallTime{};
      blind_.from = before == 0 && blind_.families == family ? from_[i] : std::min(blind_.from, from_[i]);
    } else {
      until_[i] = began;
    }
  }
  if (blind_.families != before) ++blind_.changes;
  return blind_;
}

}  // namespace everup::scheduler
