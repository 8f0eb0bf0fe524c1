// See api/event_hub.h.
#include "api/event_hub.h"

#include <algorithm>

#include "api/json_text.h"
#include "core/outcome.h"

namespace everup::api {
namespace {

constexpr milliseconds kSweepEvery{1'000};
constexpr std::string_view kReset = "event: reset\ndata: {}\n\n";

std::string frame_of(const db::FlipCursor& cursor, std::string_view json) {
  return event_frame(db::to_string(cursor), "state", json);
}

}  // namespace

std::string flip_json(const db::FlipEvent& flip) {
  JsonWriter monitor = JsonWriter::object();
  monitor.field("id", to_string(flip.monitor)).field("name", flip.name);
  JsonWriter out = JsonWriter::object();
  out.field("id", db::to_string(flip.cursor)).field("type", "state").field_raw("monitor", std::move(monitor).take());
  out.field("from", slug(flip.from)).field("state", slug(flip.to));
  out.field("at", rfc3339(flip.at)).field("settled_at", rfc3339(flip.settled_at)).key("cause");
  if (const auto cause = cause_from_number(flip.cause); cause && flip.cause != 0)
    out.text(facts(*cause).slug);
  else
    out.null();
  return std::move(out).take();
}

std::string poll_json(const std::vector<std::string>& events, const db::FlipCursor& next) {
  JsonWriter data = JsonWriter::array();
  for (const std::string& event : events) data.raw(event);
  JsonWriter out = JsonWriter::object();
  out.field_raw("data", std::move(data).take()).field("next_cursor", db::to_string(next));
  return std::move(out).take();
}

EventHub::~EventHub() {
  *alive_ = false;
  loop_.cancel(sweep_);
}

void EventHub::on_flips(std::vector<db::FlipEvent>&& flips, const db::FlipCursor& position) {
  auto events = std::make_shared<std::vector<Event>>();
  for (const db::FlipEvent& flip : flips) events->push_back({flip.account, flip.cursor, flip_json(flip)});
  // A full queue of posts loses them for this process: whoever listens is told to read anew.
  const bool posted = loop_.post([this, events, position, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) take(std::move(*events), position);
  });
  if (!posted) lost_ = true;
}

std::optional<db::FlipCursor> EventHub::position() const {
  const std::lock_guard lock(mutex_);
  return position_;
}

bool EventHub::crowded(AccountId account) const {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(account);
  return found != counts_.end() && found->second >= kPerAccountMax;
}

void EventHub::take(std::vector<Event>&& events, const db::FlipCursor& position) {
  if (seen_ == db::FlipCursor{}) forgotten_ = position;
  if (lost_.exchange(false)) {
    forgotten_ = position;
    for (const auto& [account, listeners] : listeners_) {
      for (const Listener& listener : listeners) {
        if (!listener.once) listener.to->send(kReset);
      }
    }
  }
  seen_ = position;
  std::map<AccountId, std::vector<const Event*>> by_account;
  for (Event& event : events) by_account[event.account].push_back(&event);
  for (const auto& [account, theirs] : by_account) {
    if (const auto found = listeners_.find(account); found != listeners_.end()) give(found->second, theirs);
  }
  for (Event& event : events) ring_.push_back(std::move(event));
  for (; ring_.size() > kRingMax; ring_.pop_front()) forgotten_ = ring_.front().cursor;
  const std::lock_guard lock(mutex_);
  position_ = position;
}

void EventHub::give(std::list<Listener>& listeners, const std::vector<const Event*>& events) {
  std::string frames;
  std::vector<std::string> plain;
  for (const Event* event : events) {
    frames += frame_of(event->cursor, event->json);
    plain.push_back(event->json);
  }
  const std::string whole = poll_json(plain, events.back()->cursor);
  listeners.remove_if([&](const Listener& listener) {
    if (!listener.once) return !listener.to->send(frames);
    listener.to->send(whole);
    listener.to->end();
    return true;
  });
}

std::vector<const EventHub::Event*> EventHub::after(AccountId account, const db::FlipCursor& cursor) const {
  std::vector<const Event*> out;
  for (const Event& event : ring_) {
    if (event.account == account && event.cursor > cursor) out.push_back(&event);
  }
  return out;
}

void EventHub::listen(AccountId account, const db::FlipCursor& after_cursor, std::shared_ptr<Subscription> to) {
  if (after_cursor < forgotten_) to->send(kReset);
  std::list<Listener> one;
  one.push_back({std::move(to), false, {}});
  if (const auto missed = after(account, after_cursor); !missed.empty()) give(one, missed);
  if (!one.empty()) add(account, std::move(one.front()));
}

void EventHub::poll(AccountId account, const db::FlipCursor& after_cursor, Instant deadline,
                    std::shared_ptr<Subscription> to) {
  std::list<Listener> one;
  one.push_back({std::move(to), true, deadline});
  if (const auto missed = after(account, after_cursor); !missed.empty()) give(one, missed);
  if (!one.empty()) add(account, std::move(one.front()));
}

void EventHub::add(AccountId account, Listener&& listener) {
  listeners_[account].push_back(std::move(listener));
  count();
  if (!sweep_) arm();
}

void EventHub::arm() {
  sweep_ = loop_.at(loop_.now().mono + kSweepEvery, [this] {
    sweep_ = {};
    sweep();
    if (!listeners_.empty()) arm();
  });
}

// Once a second: who went away, and polls whose time is over.
void EventHub::sweep() {
  const Instant now = loop_.now().mono;
  for (auto& [account, listeners] : listeners_) {
    listeners.remove_if([&](const Listener& listener) {
      const bool over = listener.once && now >= listener.deadline;
      if (over) {
        listener.to->send(poll_json({}, seen_));
        listener.to->end();
      }
      return over || listener.to->gone();
    });
  }
  std::erase_if(listeners_, [](const auto& entry) { return entry.second.empty(); });
  count();
}

void EventHub::count() {
  const std::lock_guard lock(mutex_);
  counts_.clear();
  for (const auto& [account, listeners] : listeners_) counts_[account] = static_cast<int>(listeners.size());
}

}  // namespace everup::api
