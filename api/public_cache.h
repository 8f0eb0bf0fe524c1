// Rendered badges and public pages by path and query: fresh for a few seconds, then asked again by one request while
// the others get what is there; kept on when the database is away. One thread (the front's loop). Limits: kEntriesMax
// entries, kBytesMax bytes; the least recently used one goes first.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "api/http_response.h"
#include "core/time.h"

namespace everup::api {

class PublicCache {
 public:
  static constexpr std::size_t kEntriesMax = 10'000;
  static constexpr std::size_t kBytesMax = std::size_t{32} * 1024 * 1024;
  static constexpr milliseconds kFresh{5'000};
  static constexpr milliseconds kStale{86'400'000};
  static constexpr milliseconds kRefreshPatience{5'000};  // a refresh that did not come back by then may be tried again

  struct Look {
    std::shared_ptr<const HttpResponse> kept;  // null: nothing is there
    bool refresh = false;                      // ask the handler; put() or failed() must follow
  };
  // `kept` with refresh false: answer it. Both: answer with the handler's result, or with `kept` when that fails.
  Look find(std::string_view key, Instant now);
  void put(std::string_view key, std::shared_ptr<const HttpResponse> response, Instant now);
  void failed(std::string_view key);
  void forget(std::string_view key);  // what was public is not any more
  std::size_t entries() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const HttpResponse> response;
    Instant made;
    Instant refreshing;  // begin of the refresh that runs; 0: none
  };
  using Order = std::list<Entry>;
  static std::size_t weight(const Entry& entry);
  void erase(Order::iterator entry);

  Order order_;                                                    // most recently used first
  std::unordered_map<std::string_view, Order::iterator> entries_;  // keys live in the entries
  std::size_t bytes_ = 0;
};

}  // namespace everup::api
