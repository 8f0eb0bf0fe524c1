// See api/sign_in_gate.h.
#include "api/sign_in_gate.h"

#include <algorithm>

namespace everup::api {
namespace {
std::string address_key(const std::string& email, const std::string& network, bool known) {
  return "a " + email + (known ? " " + network : std::string());
}
}  // namespace

std::optional<std::chrono::seconds> SignInGate::take(const std::string& key, GuessRate rate, Instant now) {
  const std::lock_guard lock(mutex_);
  auto found = full_at_.find(key);
  if (found == full_at_.end()) {
    if (full_at_.size() >= kEntriesMax) std::erase_if(full_at_, [now](const auto& e) { return e.second <= now; });
    if (full_at_.size() >= kEntriesMax) return rate.interval;
    found = full_at_.emplace(key, now).first;
  }
  const Instant full = std::max(found->second, now);
  const auto over = (full - now) - rate.interval * (rate.burst - 1);
  if (over.count() > 0) return std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(over));
  found->second = full + rate.interval;
  return std::nullopt;
}

std::optional<std::chrono::seconds> SignInGate::take_network(const std::string& network, Instant now) {
  return take("n " + network, kNetworkRate, now);
}

std::optional<std::chrono::seconds> SignInGate::take_address(const std::string& email, const std::string& network,
                                                             bool known, Instant now) {
  return take(address_key(email, network, known), kAddressRate, now);
}

void SignInGate::give_back(const std::string& email, const std::string& network, bool known) {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, rate] :
       {std::pair{address_key(email, network, known), kAddressRate}, std::pair{"n " + network, kNetworkRate}}) {
    if (const auto found = full_at_.find(key); found != full_at_.end()) found->second = found->second - rate.interval;
  }
}

void SignInGate::forgive(const std::string& email, const std::string& network, bool known) {
  const std::lock_guard lock(mutex_);
  full_at_.erase(address_key(email, network, known));
  if (const auto found = full_at_.find("n " + network); found != full_at_.end())
    found->second = found->second - kNetworkRate.interval;
}

}  // namespace everup::api
