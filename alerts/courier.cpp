#include "alerts/courier.h"

#include <algorithm>
#include <map>
#include <system_error>
#include <utility>

#include "alerts/retry_table.h"
#include "alerts/safe_text.h"
#include "alerts/webhook.h"

namespace everup::alerts {
namespace {

constexpr int kHeldMax = 64, kClaimMax = 16, kWorkersMax = 32, kOfAccountMax = 8;
constexpr milliseconds kCrowded{250};  // so long nobody listens for what is due of others
constexpr milliseconds kSettleAtEnd{100};

RetryTable table_of(ChannelKind kind) {
  return kind == ChannelKind::kWebhook ? RetryTable::kWebhook : RetryTable::kMail;
}

// The same thing is told of: an UP may not leave before its DOWN.
bool share_incident(const Message& a, const Message& b) {
  for (const Alert& one : a.alerts) {
    const bool shared = std::any_of(b.alerts.begin(), b.alerts.end(), [&one](const Alert& other) {
      return !one.incident_id.empty() && one.incident_id == other.incident_id;
    });
    if (shared) return true;
  }
  return false;
}

// Not an answer about the message, but trouble on the way: ask again.
bool worth_repeating(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
    case ErrorCode::kInDoubt:
    case ErrorCode::kExhausted:
      return true;
    case ErrorCode::kInvalid:
    case ErrorCode::kNotFound:
    case ErrorCode::kConflict:
    case ErrorCode::kRefused:
    case ErrorCode::kCorrupt:
    case ErrorCode::kInternal:
      return false;
  }
  return false;
}

}  // namespace

Courier::Courier(Outbox& outbox, const Clock& clock, const Zones& zones, CourierSettings settings)
    : outbox_(outbox), clock_(clock), zones_(zones), settings_(std::move(settings)), roster_(settings_.mail.relays) {}

Courier::~Courier() { stop(milliseconds(0)); }

Status Courier::start() {
  if (settings_.workers < 1 || settings_.workers > kWorkersMax)
    return Error{ErrorCode::kInvalid, "courier: workers must be between 1 and 32"};
  if (settings_.lease <= settings_.turn_max)
    return Error{ErrorCode::kInvalid, "courier: a lease must be longer than a turn"};
  if (!settings_.mail.relays.empty())
    if (const std::string fault = mail_from_fault(settings_.mail.from); !fault.empty())
      return Error{ErrorCode::kInvalid, fault};
  const std::lock_guard lock(joining_);
  try {
    for (int i = 0; i <= settings_.workers; ++i) {
      {
        const std::lock_guard counted(mutex_);
        ++running_threads_;
      }
      threads_.emplace_back([this, i] {
        i == 0 ? dispatch() : work();
        const std::lock_guard ended(mutex_);
        --running_threads_;
        changed_.notify_all();
      });
    }
  } catch (const std::system_error& error) {
    const std::lock_guard counted(mutex_);
    --running_threads_;
    stopping_ = true;
    return Error{ErrorCode::kExhausted, std::string("courier: ") + error.what()};
  }
  return ok();
}

void Courier::stop(milliseconds limit) {
  const std::lock_guard joining(joining_);
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, limit, [this] { return running_threads_ == 0; });
    cut_off_ = true;
    for (HttpSender* sender : senders_) sender->stop();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

CourierCounts Courier::counts() const {
  const std::lock_guard lock(mutex_);
  CourierCounts counts = counts_;
  counts.held = held();
  return counts;
}

std::vector<RelayState> Courier::relays() const { return roster_.states(clock_.now().mono); }

double Courier::jitter() {
  const std::lock_guard lock(mutex_);
  return std::uniform_real_distribution<double>(0, 1)(random_);
}

void Courier::pause(bool until_room) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, until_room ? std::min(settings_.pause, kCrowded) : settings_.pause, [&] {
    return stopping_.load() || (until_room && held() <= kHeldMax / 2 && holding(kOfAccountMax / 2 + 1).empty());
  });
}

std::vector<AccountId> Courier::holding(int at_least) const {
  std::map<AccountId, int> items;
  for (const Item& item : items_) ++items[item.message.channel.account];
  std::vector<AccountId> accounts;
  for (const auto& [account, count] : items)
    if (count >= at_least) accounts.push_back(account);
  return accounts;
}

// ---- the thread that asks ----------------------------------------------------------------------------------

void Courier::dispatch() {
  while (!stopping_.load()) {
    settle_again();
    if (ask()) continue;
    if (stopping_.load()) break;
    bool full = false, settled = false;
    {
      const std::lock_guard lock(mutex_);
      full = held() >= kHeldMax || !holding(kOfAccountMax).empty();
      settled = unsettled_.empty();
    }
    if (!full && settled && outbox_.wait(settings_.pause)) continue;
    pause(full);
  }
  give_back();
  // What was delivered is worth telling as long as there is time.
  for (bool over = false; !over;) {
    settle_again();
    std::unique_lock lock(mutex_);
    over = changed_.wait_for(lock, kSettleAtEnd,
                             [this] { return cut_off_.load() || (running_threads_ == 1 && unsettled_.empty()); });
  }
}

// What nobody has begun is due at once for whoever runs next, instead of when its lease ends.
void Courier::give_back() {
  const std::lock_guard lock(mutex_);
  const WallTime now = clock_.now().wall;
  for (auto item = items_.begin(); item != items_.end();) {
    if (item->running) {
      ++item;
      continue;
    }
    Attempt stops{now, {}, "Everup stops before it was begun", {}, {}, AttemptResult::kRetry};
    unsettled_.push_back({std::move(item->message), {std::move(stops)}, now});
    item = items_.erase(item);
  }
}

bool Courier::ask() {
  int room = 0;
  std::vector<AccountId> busy;
  {
    const std::lock_guard lock(mutex_);
    room = std::min(kHeldMax - held(), kClaimMax);
    busy = holding(kOfAccountMax);
  }
  const bool fanned = outbox_.fan_out().ok();
  const Instant asked = clock_.now().mono;
  Result<std::vector<Message>> claimed = std::vector<Message>();
  if (room > 0 && !stopping_.load()) claimed = outbox_.claim(room, settings_.lease, busy);
  const std::lock_guard lock(mutex_);
  if (!fanned || !claimed) ++counts_.outbox_errors;
  if (!claimed || claimed->empty()) return false;
  counts_.claimed += claimed->size();
  for (Message& message : *claimed)
    items_.push_back({std::move(message), asked + (settings_.lease - settings_.turn_max), false});
  changed_.notify_all();
  return true;
}

void Courier::settle_again() {
  std::list<Unsettled> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(unsettled_);
    counts_.finishes_repeated += waiting.size();
  }
  for (auto one = waiting.begin(); one != waiting.end(); one = waiting.erase(one))
    if (!finish(*one)) break;
  const std::lock_guard lock(mutex_);
  unsettled_.splice(unsettled_.begin(), waiting);
}

// ---- the threads that deliver ------------------------------------------------------------------------------

void Courier::end_stale() {
  const Instant now = clock_.now().mono;
  counts_.let_go += std::erase_if(items_, [&](const Item& item) { return !item.running && item.begin_before < now; });
}

Courier::Items::iterator Courier::runnable() {
  const int share = std::max(1, settings_.workers / 2);
  auto best = items_.end();
  int fewest = share;
  for (auto item = items_.begin(); item != items_.end(); ++item) {
    if (item->running) continue;
    const Channel& channel = item->message.channel;
    int of_account = 0;
    bool channel_busy = false;
    for (auto other = items_.begin(); other != items_.end(); ++other) {
      if (!other->running) continue;
      of_account += other->message.channel.account == channel.account ? 1 : 0;
      channel_busy = channel_busy || other->message.channel.id == channel.id;
    }
    if (!channel_busy && of_account < fewest) best = item, fewest = of_account;
  }
  return best;
}

void Courier::work() {
  Mailer mailer(settings_.mail, roster_, clock_, zones_, cut_off_);
  std::unique_ptr<HttpSender> sender;
  while (true) {
    Items::iterator item;
    {
      std::unique_lock lock(mutex_);
      const auto something = [&] { return stopping_.load() || (item = runnable()) != items_.end(); };
      if (!changed_.wait_for(lock, settings_.mail.idle_connection, something)) {
        lock.unlock();
        mailer.tidy();
        continue;
      }
      if (stopping_.load()) break;
      end_stale();
      item = runnable();
      if (item == items_.end()) continue;
      item->running = true;
    }
    carry_out(item->message, mailer, sender);
    const std::lock_guard lock(mutex_);
    items_.erase(item);
    changed_.notify_all();
  }
  const std::lock_guard lock(mutex_);
  std::erase(senders_, sender.get());
}

void Courier::carry_out(const Message& message, Mailer& mailer, std::unique_ptr<HttpSender>& sender) {
  Turn turn;
  try {
    turn = deliver(message, mailer, sender);
  } catch (const std::exception& error) {  // ours, or no memory: the message must come back
    turn.attempts = {{clock_.now().wall, {}, one_line(error.what(), 500), {}, {}, AttemptResult::kRetry}};
  }
  settle(message, std::move(turn));
}

Turn Courier::deliver(const Message& message, Mailer& mailer, std::unique_ptr<HttpSender>& sender) {
  if (message.channel.kind == ChannelKind::kEmail) return mailer.deliver(message);
  if (!sender) {
    auto made = HttpSender::make(clock_, settings_.http);
    if (!made) {
      Turn turn;
      turn.attempts = {{clock_.now().wall, {}, one_line(made.error().what, 500), {}, {}, AttemptResult::kRetry}};
      return turn;
    }
    sender = *std::move(made);
    const std::lock_guard lock(mutex_);
    senders_.push_back(sender.get());
    if (cut_off_.load()) sender->stop();
  }
  return deliver_by_http(message, *sender, clock_, zones_.find(message.channel.timezone));
}

void Courier::settle(const Message& message, Turn turn) {
  Unsettled one{message, std::move(turn.attempts), std::nullopt};
  Attempt& last = one.attempts.back();
  if (last.result == AttemptResult::kRetry) {
    const Now now = clock_.now();
    one.retry_at = stopping_.load() ? std::optional(now.wall)  // whoever runs next
                                    : next_try({table_of(message.channel.kind), message.attempt, message.created_at,
                                                now.wall, turn.not_before, jitter()});
    if (!one.retry_at) {
      last.result = AttemptResult::kFailed;
      last.reply = one_line("given up after " + std::to_string(message.attempt) + " turns: " + last.reply, 500);
    }
  }
  count(message, last.result);
  if (one.retry_at) hold_back(message, *one.retry_at);
  if (finish(one)) return;
  const std::lock_guard lock(mutex_);
  unsettled_.push_back(std::move(one));
  changed_.notify_all();
}

// True: settled, or the outbox will not hear of it.
bool Courier::finish(const Unsettled& one) {
  const Status status = outbox_.finish(one.message, one.attempts, one.retry_at);
  if (status) return true;
  const std::lock_guard lock(mutex_);
  if (worth_repeating(status.error().code)) return false;
  ++counts_.finishes_refused;
  return true;
}

void Courier::hold_back(const Message& message, WallTime until) {
  const std::lock_guard lock(mutex_);
  for (auto item = items_.begin(); item != items_.end();) {
    const bool behind =
        !item->running && item->message.channel.id == message.channel.id && share_incident(item->message, message);
    if (!behind) {
      ++item;
      continue;
    }
    Attempt waits{clock_.now().wall, {}, "waits for the message before it", {}, {}, AttemptResult::kRetry};
    unsettled_.push_back({std::move(item->message), {std::move(waits)}, until + milliseconds(1)});
    item = items_.erase(item);
  }
}

void Courier::count(const Message& message, AttemptResult result) {
  const std::lock_guard lock(mutex_);
  CourierCounts::OfKind& kind = counts_.by_kind.at(static_cast<std::size_t>(message.channel.kind));
  switch (result) {
    case AttemptResult::kSent:
      ++kind.sent;
      break;
    case AttemptResult::kRetry:
      ++kind.retried;
      break;
    case AttemptResult::kFailed:
      ++kind.failed;
      break;
    case AttemptResult::kChannelGone:
      ++kind.gone;
      break;
  }
}

}  // namespace everup::alerts
