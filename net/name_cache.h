// What was learnt about names, until it expires: at most `max` entries, the least recently used one goes first. Owned
// by one resolver.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/time.h"
#include "net/address.h"

namespace everup::net {

enum class LookupFailure : std::uint8_t;

// The answer to one question: the addresses of one family of one name, or why there are none.
struct Finding {
  LookupFailure failure{};
  bool no_name = false;  // NXDOMAIN: holds for every family
  std::string detail;
  std::vector<Address> addresses;
  std::chrono::seconds ttl{0};
};

class NameCache {
 public:
  explicit NameCache(std::size_t max) : max_(max) {}
  // Null: unknown or expired. The ttl in it is what was put, `expires` says what is left. Valid until the next put() or
  // clear().
  struct Entry {
    std::string key;
    Finding finding;
    Instant expires;
  };
  const Entry* find(const std::string& key, Instant now);
  void put(const std::string& key, Finding finding, Instant expires);
  void clear();
  std::size_t size() const { return index_.size(); }

 private:
  void erase(std::list<Entry>::iterator at);

  std::size_t max_;
  std::list<Entry> entries_;                                                // most recently used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> index_;  // keys point into entries_
};

}  // namespace everup::net
