// Who listens to GET /events on this node: gets the flips from the feed's thread and gives each account its own.
//
// A listener begins at a position that it read before (position()); what came between stands in the ring, so nothing is
// missed and nothing comes twice. One who began longer ago than the ring reaches is told to read everything anew.
//
// Owned by the House. on_flips() and position() on any thread, all else on the front's loop. Limits: kRingMax events
// are remembered, kPerAccountMax listeners of one account; the front limits all of them together.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/subscription.h"
#include "core/ids.h"
#include "db/flip_feed.h"
#include "net/loop.h"

namespace everup::api {

class EventHub {
 public:
  static constexpr std::size_t kRingMax = 8'192;
  static constexpr int kPerAccountMax = 1'024;
  explicit EventHub(net::Loop& loop) : loop_(loop) {}
  ~EventHub();

  void on_flips(std::vector<db::FlipEvent>&& flips, const db::FlipCursor& position);
  // Every flip up to here has been given to the listeners; nullopt: the feed has not begun yet.
  std::optional<db::FlipCursor> position() const;
  bool crowded(AccountId account) const;  // any thread

  // A stream of events from `after` on.
  void listen(AccountId account, const db::FlipCursor& after, std::shared_ptr<Subscription> to);
  // One answer, as soon as there is an event, or at `deadline` without one.
  void poll(AccountId account, const db::FlipCursor& after, Instant deadline, std::shared_ptr<Subscription> to);

 private:
  struct Event {
    AccountId account;
    db::FlipCursor cursor;
    std::string json;
  };
  struct Listener {
    std::shared_ptr<Subscription> to;
    bool once = false;
    Instant deadline;
  };
  void take(std::vector<Event>&& events, const db::FlipCursor& position);
  std::vector<const Event*> after(AccountId account, const db::FlipCursor& cursor) const;
  void give(std::list<Listener>& listeners, const std::vector<const Event*>& events);
  void add(AccountId account, Listener&& listener);
  void arm();
  void sweep();
  void count();

  net::Loop& loop_;
  std::map<AccountId, std::list<Listener>> listeners_;
  std::deque<Event> ring_;
  db::FlipCursor forgotten_;  // the ring reaches back to behind this
  db::FlipCursor seen_;       // given to the listeners
  net::TimerId sweep_{};
  std::atomic<bool> lost_{false};  // events that found no room in the loop's queue
  mutable std::mutex mutex_;
  std::optional<db::FlipCursor> position_;  // guarded by mutex_
  std::map<AccountId, int> counts_;         // guarded by mutex_
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// {"id","type":"state","monitor":{"id","name"},"from","state","at","settled_at","cause"}
std::string flip_json(const db::FlipEvent& flip);
// What a long poll answers.
std::string poll_json(const std::vector<std::string>& events, const db::FlipCursor& next);

}  // namespace everup::api
