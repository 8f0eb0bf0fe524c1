// An outbox in memory that keeps the promises of the real one: claims are leases, messages of one incident and channel
// leave in their order, finish() is idempotent. A test may make it fail.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/alert.h"
#include "core/clock.h"

namespace everup::alerts::test {

class MemoryOutbox final : public Outbox {
 public:
  struct Entry {
    Message message;
    WallTime due;
    bool claimed = false, over = false;
    std::vector<Attempt> attempts;
    int finishes = 0;
  };
  enum class Call { kFanOut, kClaim, kFinish, kWait };
  using Fault = std::function<std::optional<Error>(Call)>;

  explicit MemoryOutbox(const Clock& clock, Fault fault = nullptr) : clock_(clock), fault_(std::move(fault)) {}

  void add(Message message) {
    const std::lock_guard lock(mutex_);
    entries_.push_back({std::move(message), clock_.now().wall, false, false, {}, 0});
    changed_.notify_all();
  }
  // What became of it so far.
  std::map<std::string, Entry> entries() const {
    const std::lock_guard lock(mutex_);
    std::map<std::string, Entry> out;
    for (const Entry& entry : entries_) out.emplace(entry.message.id, entry);
    return out;
  }
  // True as soon as `reached` holds for the entries; false after two minutes.
  bool wait_until(const std::function<bool(const std::list<Entry>&)>& reached) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(2), [&] { return reached(entries_); });
  }
  bool wait_until_over() {
    return wait_until([](const std::list<Entry>& entries) {
      return std::all_of(entries.begin(), entries.end(), [](const Entry& entry) { return entry.over; });
    });
  }

  Status fan_out() override {
    if (const auto error = fault(Call::kFanOut)) return *error;
    return ok();
  }
  Result<std::vector<Message>> claim(int most, milliseconds, const std::vector<AccountId>& busy) override {
    if (const auto error = fault(Call::kClaim)) return *error;
    const std::lock_guard lock(mutex_);
    std::vector<Message> out;
    const WallTime now = clock_.now().wall;
    for (Entry& entry : entries_) {
      if (static_cast<int>(out.size()) == most) break;
      if (entry.over || entry.claimed || entry.due > now) continue;
      if (std::find(busy.begin(), busy.end(), entry.message.channel.account) != busy.end()) continue;
      entry.claimed = true;
      entry.message.attempt = static_cast<int>(entry.attempts.size()) + 1;
      out.push_back(entry.message);
    }
    return out;
  }
  Status finish(const Message& message, const std::vector<Attempt>& attempts,
                std::optional<WallTime> retry_at) override {
    if (const auto error = fault(Call::kFinish)) return *error;
    const std::lock_guard lock(mutex_);
    for (Entry& entry : entries_) {
      if (entry.message.id != message.id) continue;
      ++entry.finishes;
      entry.attempts.insert(entry.attempts.end(), attempts.begin(), attempts.end());
      entry.claimed = false;
      entry.over = !retry_at;
      if (retry_at) entry.due = *retry_at;
    }
    changed_.notify_all();
    return ok();
  }
  Status wait(milliseconds wait) override {
    if (const auto error = fault(Call::kWait)) return *error;
    std::unique_lock lock(mutex_);
    const WallTime now = clock_.now().wall;
    changed_.wait_for(lock, std::min(wait, milliseconds(50)), [&] {
      return std::any_of(entries_.begin(), entries_.end(),
                         [&](const Entry& entry) { return !entry.over && !entry.claimed && entry.due <= now; });
    });
    return ok();
  }

 private:
  std::optional<Error> fault(Call call) const { return fault_ ? fault_(call) : std::nullopt; }

  const Clock& clock_;
  Fault fault_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Entry> entries_;
};

}  // namespace everup::alerts::test
