#include "net/curl_multi.h"

#include <curl/curl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <mutex>
#include <utility>

#include "net/tls_library.h"

namespace everup::net {

namespace {

constexpr Instant kNever{INT64_MAX};

bool curl_ready() {
  static std::once_flag once;
  static bool ready = false;
  std::call_once(once, [] { ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK && tls_library_ready(); });
  return ready;
}

std::uint32_t epoll_events(int what) {
  std::uint32_t events = 0;
  if ((what & CURL_POLL_IN) != 0) events |= EPOLLIN;
  if ((what & CURL_POLL_OUT) != 0) events |= EPOLLOUT;
  return events;
}

// An error or hang-up is told as "readable and writable": libcurl then meets it in its own system call and keeps the
// errno.
int curl_events(std::uint32_t events) {
  int result = 0;
  if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) result |= CURL_CSELECT_IN;
  if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) result |= CURL_CSELECT_OUT;
  return result;
}

}  // namespace

struct CurlMulti::Callbacks {
  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void*) noexcept {
    char* transfer = nullptr;
    if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer) != CURLE_OK) transfer = nullptr;
    static_cast<CurlMulti*>(self)->watch(reinterpret_cast<CurlTransfer*>(transfer), fd, what);
    return 0;
  }
  static int on_timer(CURLM*, long timeout_ms, void* self) noexcept {
    static_cast<CurlMulti*>(self)->want_timer(timeout_ms);
    return 0;
  }
};

CurlMulti::CurlMulti(Loop& loop, std::string user_agent) : loop_(loop), user_agent_(std::move(user_agent)) {}

Result<std::unique_ptr<CurlMulti>> CurlMulti::make(Loop& loop, std::string user_agent) {
  std::unique_ptr<CurlMulti> result(new CurlMulti(loop, std::move(user_agent)));
  if (!curl_ready()) return Error{ErrorCode::kExhausted, "libcurl: cannot be set up"};
  CURLM* multi = curl_multi_init();
  if (multi == nullptr) return Error{ErrorCode::kExhausted, "libcurl: out of memory"};
  result->multi_ = multi;
  const bool set = curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &Callbacks::on_socket) == CURLM_OK &&
                   curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, result.get()) == CURLM_OK &&
                   curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &Callbacks::on_timer) == CURLM_OK &&
                   curl_multi_setopt(multi, CURLMOPT_TIMERDATA, result.get()) == CURLM_OK &&
                   curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) == CURLM_OK;
  if (!set) return Error{ErrorCode::kExhausted, "libcurl: an option is refused"};
  return result;
}

CurlMulti::~CurlMulti() {
  idle_.clear();
  if (multi_ != nullptr) curl_multi_cleanup(multi_);
  loop_.cancel(timer_);
}

CurlMulti::Lease CurlMulti::acquire() {
  if (!idle_.empty()) {
    Lease lease(idle_.back().release());
    idle_.pop_back();
    return lease;
  }
  auto fresh = std::make_unique<CurlTransfer>(*this);
  return Lease(fresh->usable() ? fresh.release() : nullptr);
}

void CurlMulti::GiveBack::operator()(CurlTransfer* transfer) const noexcept {
  std::unique_ptr<CurlTransfer> owned(transfer);
  owned->abort(Cause::kShutdown);
  owned->reset_state();
  auto& idle = owned->multi_.idle_;
  if (idle.size() >= kPoolMax || !owned->poolable()) return;
  try {
    idle.push_back(std::move(owned));
  } catch (const std::bad_alloc&) {  // push_back left it with us: it goes instead of being kept
    return;
  }
}

bool CurlMulti::add(CurlTransfer& transfer) { return curl_multi_add_handle(multi_, transfer.easy_) == CURLM_OK; }

// The watch of a descriptor ends with its last close: one system call less for each connection.
int CurlMulti::close(int fd) {
  if (removed_ == fd) removed_ = -1;
  loop_.forget(fd);
  return ::close(fd);
}

// libcurl kept open what it took out of its set.
void CurlMulti::settle_removed() {
  if (removed_ >= 0) loop_.unwatch(std::exchange(removed_, -1));
}

void CurlMulti::remove(CurlTransfer& transfer) {
  const TlsScope tls;
  std::erase(doomed_, &transfer);
  EVERUP_ASSERT(curl_multi_remove_handle(multi_, transfer.easy_) == CURLM_OK);
  settle_removed();
}

void CurlMulti::act(int fd, int events) {
  const TlsScope tls;
  int running = 0;
  EVERUP_ASSERT(curl_multi_socket_action(multi_, fd, events, &running) == CURLM_OK);
  settle_removed();
  harvest();
}

// Listeners may start and give back exchanges in here; both only change libcurl's state between two messages.
void CurlMulti::harvest() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;  // `message` dies with the removal below
    char* opaque = nullptr;
    EVERUP_ASSERT(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &opaque) == CURLE_OK && opaque != nullptr);
    auto& transfer = *reinterpret_cast<CurlTransfer*>(opaque);
    transfer.finish(code);
    remove(transfer);
    transfer.tell();
  }
  end_doomed();
}

void CurlMulti::end_doomed() {
  while (!doomed_.empty()) {
    CurlTransfer& transfer = *doomed_.back();
    transfer.abort(Cause::kOwnResources);  // takes it out of doomed_
    transfer.tell();
  }
}

void CurlMulti::watch(CurlTransfer* transfer, int fd, int what) {
  settle_removed();
  if (what == CURL_POLL_REMOVE) {
    removed_ = fd;
    return;
  }
  const std::uint32_t events = epoll_events(what);
  const Status status = loop_.watched(fd)
                            ? loop_.modify(fd, events)
                            : loop_.watch(fd, events, [this, fd](std::uint32_t seen) { act(fd, curl_events(seen)); });
  if (!status.ok() && transfer != nullptr) {
    std::erase(doomed_, transfer);
    doomed_.push_back(transfer);
    arm(loop_.now().mono);  // the next turn ends it: never wait for an event that cannot come
  }
}

void CurlMulti::want_timer(long timeout_ms) {
  wanted_ = timeout_ms < 0 ? kNever : loop_.now().mono + milliseconds(timeout_ms);
  if (wanted_ < armed_) arm(wanted_);
}

// A timer that is too early is left alone: it fires, sees what is wanted now, and is set again. That is rarer than
// setting it anew.
void CurlMulti::arm(Instant when) {
  if (when >= armed_) return;
  if (armed_ != kNever) loop_.cancel(timer_);
  armed_ = when;
  timer_ = loop_.at(when, [this] { fire_timer(); });
}

void CurlMulti::fire_timer() {
  armed_ = kNever;
  timer_ = TimerId{};
  if (wanted_ <= loop_.now().mono) {
    wanted_ = kNever;  // libcurl tells the next one in here
    act(CURL_SOCKET_TIMEOUT, 0);
  } else {
    harvest();
  }
  if (wanted_ != kNever) arm(wanted_);
}

}  // namespace everup::net
