// See api/subscription.h.
#include "api/subscription.h"

namespace everup::api {

// With mutex_ held. One wake-up is under way at a time; one that is lost is a reader who is behind: the front's sweep
// finds him.
bool Subscription::ask_locked() {
  if (asked_) return true;
  asked_ = wake_();
  if (!asked_) behind_ = true;
  return asked_;
}

bool Subscription::send(std::string_view frame) {
  const std::lock_guard lock(mutex_);
  if (!wake_ || ended_ || behind_) return false;
  if (pending_.size() + unsent_ >= kBufferBytes || frame.size() > kFrameBytesMax) {
    behind_ = true;
    ask_locked();
    return false;
  }
  pending_.append(frame);
  return ask_locked();
}

void Subscription::end() {
  const std::lock_guard lock(mutex_);
  if (!wake_ || ended_) return;
  ended_ = true;
  ask_locked();
}

bool Subscription::gone() {
  const std::lock_guard lock(mutex_);
  return !wake_ || ended_ || behind_;
}

Subscription::Turn Subscription::take() {
  const std::lock_guard lock(mutex_);
  asked_ = false;
  unsent_ += pending_.size();
  return {std::exchange(pending_, {}), ended_, behind_};
}

void Subscription::unsent(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  unsent_ = bytes;
}

void Subscription::detach() {
  const std::lock_guard lock(mutex_);
  wake_ = nullptr;
  pending_.clear();
}

HttpResponse stream_answer(std::string content_type, StreamPlan plan) {
  HttpResponse response;
  response.content_type = std::move(content_type);
  response.stream = std::make_shared<const StreamPlan>(std::move(plan));
  response.set("Cache-Control", "no-store, no-transform");
  response.set("X-Accel-Buffering", "no");
  return response;
}

std::string event_frame(std::string_view id, std::string_view event, std::string_view data) {
  std::string out;
  if (!id.empty()) out.append("id: ").append(id).append("\n");
  if (!event.empty()) out.append("event: ").append(event).append("\n");
  for (;;) {
    const auto end = data.find('\n');
    out.append("data: ").append(data.substr(0, end)).append("\n");
    if (end == std::string_view::npos) break;
    data.remove_prefix(end + 1);
  }
  return out.append("\n");
}

}  // namespace everup::api
