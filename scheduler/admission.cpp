#include "scheduler/admission.h"

#include <algorithm>

#include "core/result.h"

namespace everup::scheduler {

namespace {
bool later(const WaitingLook& a, const WaitingLook& b) {
  return a.order != b.order ? a.order > b.order : a.monitor > b.monitor;
}
std::size_t lane_of(const WaitingLook& look) { return look.recheck ? 1 : 0; }
std::uint64_t account_key(const WaitingLook& look) { return static_cast<std::uint64_t>(look.account); }
}  // namespace

AdmissionLimits admission_limits(std::int64_t descriptors, int target_limit, int workers) {
  EVERUP_ASSERT(workers >= 1);
  // Two descriptors a look (two families may race), at most 65 536 looks a worker.
  const std::int64_t looks = std::clamp<std::int64_t>(descriptors / 2 / workers, 2, 65'536);
  AdmissionLimits limits;
  limits.rechecks = static_cast<int>(std::max<std::int64_t>(1, looks / 8));
  limits.slots = static_cast<int>(looks) - limits.rechecks;
  // A quarter is left to the others, whoever hangs.
  limits.account = std::max(1, limits.slots * 3 / 4);
  const int share = std::max(1, target_limit / workers + (target_limit % workers != 0 ? 1 : 0));
  limits.address = std::min(share, limits.account);
  return limits;
}

std::uint64_t address_key(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) {
    // http and https of one host differ in their default port, and the scheme tells it.
    const auto end = url.find_first_of("/?#", scheme + 3);
    url = url.substr(0, end);
  }
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char byte : url) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3ULL;
  return hash;
}

void Admission::push(Heap& heap, const WaitingLook& look) {
  heap.push_back(look);
  std::push_heap(heap.begin(), heap.end(), later);
}

WaitingLook Admission::pop(Heap& heap) {
  std::pop_heap(heap.begin(), heap.end(), later);
  const WaitingLook look = heap.back();
  heap.pop_back();
  return look;
}

void Admission::wait(const WaitingLook& look) {
  push(ready_[lane_of(look)], look);
  ++waiting_;
}

void Admission::wake(Group& group) {
  for (std::size_t lane = 0; lane < 2; ++lane) {
    if (!group.parked[lane].empty()) push(ready_[lane], pop(group.parked[lane]));
  }
}

void Admission::wake_all(Groups& groups, int more) {
  for (auto& [key, group] : groups) {
    for (int i = 0; i < more && !(group.parked[0].empty() && group.parked[1].empty()); ++i) wake(group);
  }
}

void Admission::set_limits(const AdmissionLimits& limits) {
  wake_all(addresses_, limits.address - limits_.address);
  wake_all(accounts_, limits.account - limits_.account);
  limits_ = limits;
}

// True: it waits with the group that has no room. The other group's wake, if it was one, goes to its next.
bool Admission::park_if_full(const WaitingLook& look) {
  Group& address = addresses_[look.address];
  Group& account = accounts_[account_key(look)];
  const bool address_full = address.running >= limits_.address;
  const bool account_full = account.running >= limits_.account;
  if (!address_full && !account_full) return false;
  push((address_full ? address : account).parked[lane_of(look)], look);
  if (!address_full) wake(address);
  if (!account_full) wake(account);
  return true;
}

std::optional<WaitingLook> Admission::admit() {
  for (std::size_t lane = 0; lane < 2; ++lane) {
    while (running_[lane] < lane_limit(lane) && !ready_[lane].empty()) {
      const WaitingLook look = pop(ready_[lane]);
      if (park_if_full(look)) continue;
      ++addresses_[look.address].running;
      ++accounts_[account_key(look)].running;
      ++running_[lane];
      --waiting_;
      return look;
    }
  }
  return std::nullopt;
}

void Admission::leave(Groups& groups, std::uint64_t key) {
  const auto found = groups.find(key);
  EVERUP_ASSERT(found != groups.end() && found->second.running > 0);
  --found->second.running;
  wake(found->second);
  if (found->second.idle()) groups.erase(found);
}

void Admission::release(const WaitingLook& look) {
  --running_[lane_of(look)];
  leave(addresses_, look.address);
  leave(accounts_, account_key(look));
}

void Admission::clear_waiting() {
  for (Heap& heap : ready_) heap.clear();
  for (Groups* groups : {&addresses_, &accounts_}) {
    for (auto at = groups->begin(); at != groups->end();) {
      for (Heap& heap : at->second.parked) heap.clear();
      at = at->second.idle() ? groups->erase(at) : std::next(at);
    }
  }
  waiting_ = 0;
}

bool Admission::worth_asking() const {
  for (std::size_t lane = 0; lane < 2; ++lane) {
    if (running_[lane] < lane_limit(lane) && !ready_[lane].empty()) return true;
  }
  return false;
}

}  // namespace everup::scheduler
