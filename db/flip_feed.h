// Settled changes of state, for everybody who watches live: one thread of this process reads the table `flips` behind a
// cursor of transaction ids (RULES C 4) and hands over what was committed since. NOTIFY everup_flips is a hint that it
// looks at once; without it, it looks twice a second. Every node reads for itself, so all of them tell the same.
//
// A flip is handed over once, in the order of cursors; the database away delays it, nothing is lost while this process
// lives. What a reader missed is read by since(). Known weakness: a long writing transaction anywhere in the database
// holds everybody's horizon back, and with it these events.
#pragma once

#include <compare>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/ids.h"
#include "core/result.h"
#include "core/standing.h"
#include "core/time.h"
#include "db/pool.h"
#include "db/session.h"

namespace everup::db {

// Where a reader stands: everything up to and with this flip is known to him. Opaque to users: "1a2b-3-1-4" in hex.
struct FlipCursor {
  std::uint64_t xid = 0;
  std::int64_t monitor = 0;
  std::int32_t region = 0, version = 0;
  auto operator<=>(const FlipCursor&) const = default;
};
std::string to_string(const FlipCursor& cursor);
std::optional<FlipCursor> parse_flip_cursor(std::string_view text);

struct FlipEvent {
  FlipCursor cursor;
  AccountId account;
  MonitorId monitor;
  std::string name;
  State from = State::kUnknown, to = State::kUnknown;
  WallTime at, settled_at;
  std::int16_t cause = 0, gap = 0;  // 0: none
};

struct FlipFeedOptions {
  std::function<Result<std::unique_ptr<Session>>()> connect;  // role worker
  Pool* api_pool = nullptr;
  milliseconds period{500};
  milliseconds deadline{5'000};
  std::function<void(const Error&)> on_error;  // the first of a series; may be null
};

class FlipFeed {
 public:
  static constexpr int kBatchMax = 1'000;
  static constexpr int kSinceMax = 1'000;
  // `position`: everything before it has been handed over.
  using OnFlips = std::function<void(std::vector<FlipEvent>&& flips, const FlipCursor& position)>;

  explicit FlipFeed(FlipFeedOptions options) : options_(std::move(options)) {}
  ~FlipFeed() { stop(); }
  FlipFeed(const FlipFeed&) = delete;
  FlipFeed& operator=(const FlipFeed&) = delete;

  // Begins the thread; `on_flips` is called on it, first with nothing and the position where it began.
  void start(OnFlips on_flips);
  void stop();
  // An account's flips in (after, until], oldest first, at most kSinceMax. Any thread.
  Result<std::vector<FlipEvent>> since(AccountId account, const FlipCursor& after, const FlipCursor& until);

 private:
  void work();
  Status turn();
  Status read();

  const FlipFeedOptions options_;
  OnFlips on_flips_;
  std::unique_ptr<Session> session_;
  FlipCursor cursor_;
  bool placed_ = false;  // cursor_ is known
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace everup::db
