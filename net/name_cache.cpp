#include "net/name_cache.h"

namespace everup::net {

const NameCache::Entry* NameCache::find(const std::string& key, Instant now) {
  const auto at = index_.find(key);
  if (at == index_.end()) return nullptr;
  if (at->second->expires <= now) {
    erase(at->second);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, at->second);
  return &entries_.front();
}

void NameCache::put(const std::string& key, Finding finding, Instant expires) {
  if (max_ == 0) return;
  if (const auto at = index_.find(key); at != index_.end()) erase(at->second);
  while (index_.size() >= max_) erase(std::prev(entries_.end()));
  entries_.push_front({key, std::move(finding), expires});
  index_.emplace(entries_.front().key, entries_.begin());
}

void NameCache::clear() {
  index_.clear();
  entries_.clear();
}

void NameCache::erase(std::list<Entry>::iterator at) {
  index_.erase(at->key);
  entries_.erase(at);
}

}  // namespace everup::net
