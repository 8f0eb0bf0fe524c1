// See api/public_cache.h.
#include "api/public_cache.h"

namespace everup::api {

std::size_t PublicCache::weight(const Entry& entry) {
  constexpr std::size_t kOverhead = 1024;  // fields, nodes
  return kOverhead + entry.key.size() + entry.response->body.size();
}

void PublicCache::erase(Order::iterator entry) {
  bytes_ -= weight(*entry);
  entries_.erase(entry->key);
  order_.erase(entry);
}

PublicCache::Look PublicCache::find(std::string_view key, Instant now) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return {nullptr, true};
  const auto entry = found->second;
  order_.splice(order_.begin(), order_, entry);
  const auto age = now - entry->made;
  if (age > kStale) {
    erase(entry);
    return {nullptr, true};
  }
  if (age <= kFresh) return {entry->response, false};
  const bool running = entry->refreshing.ns != 0 && now - entry->refreshing < kRefreshPatience;
  if (!running) entry->refreshing = now;
  return {entry->response, !running};
}

void PublicCache::put(std::string_view key, std::shared_ptr<const HttpResponse> response, Instant now) {
  if (const auto found = entries_.find(key); found != entries_.end()) erase(found->second);
  order_.push_front({std::string(key), std::move(response), now, {}});
  entries_.emplace(order_.front().key, order_.begin());
  bytes_ += weight(order_.front());
  while (order_.size() > kEntriesMax || (bytes_ > kBytesMax && order_.size() > 1)) erase(std::prev(order_.end()));
}

void PublicCache::failed(std::string_view key) {
  if (const auto found = entries_.find(key); found != entries_.end()) found->second->refreshing = {};
}

void PublicCache::forget(std::string_view key) {
  if (const auto found = entries_.find(key); found != entries_.end()) erase(found->second);
}

}  // namespace everup::api
