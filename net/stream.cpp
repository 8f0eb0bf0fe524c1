#include "net/stream.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "net/fd.h"
#include "net/socket_error.h"
#include "net/tls_stream.h"

namespace everup::net {

namespace {

constexpr std::size_t kChunk = 16 * 1024;
constexpr std::size_t kRawMax = 64 * 1024;  // ciphertext that waits for room
constexpr int kRoundsMax = 16;              // reads in one turn of the loop: one talker must not hold up the others
constexpr std::size_t kCompactAt = 16 * 1024;

}  // namespace

class Stream::Inner : public std::enable_shared_from_this<Stream::Inner> {
 public:
  Inner(Loop& loop, OnEvent on_event) : loop_(loop), on_event_(std::move(on_event)) {}

  void connect(const Address& address, const AddressPolicy* policy);
  bool write(std::string_view bytes);
  void consume(std::size_t bytes);
  void secure(const StreamTls& tls);
  void close();
  void abandon();
  void wipe_received();
  ~Inner() { wipe(0, in_.size()); }
  const TlsFacts& facts();

  std::string_view received() const { return std::string_view(in_).substr(in_at_); }
  std::size_t unsent() const { return out().size() - out_at_; }

  enum class State : std::uint8_t { kIdle, kConnecting, kPlain, kHandshake, kSecure, kFailed, kClosed };
  State state_ = State::kIdle;
  Fd fd_;
  Address peer_;
  StreamFailure failure_;
  Times times_;
  std::unique_ptr<TlsSession> session_;

 private:
  bool alive() const { return state_ != State::kFailed && state_ != State::kClosed; }
  std::string& out() { return session_ ? session_->out() : out_; }
  const std::string& out() const { return session_ ? session_->out() : out_; }
  std::size_t unread() const { return in_.size() - in_at_; }
  void wipe(std::size_t from, std::size_t to);
  void compact();
  bool room() const;
  Instant clock() const { return loop_.clock().now().mono; }

  void on_io(std::uint32_t events);
  bool finish_connect(std::uint32_t events);
  void run();
  bool fill();
  bool digest();
  bool shake();
  void tell_end();
  void push();
  void flush();
  void defer();
  void on_deferred();
  void doom(Cause cause, std::string detail, int error = 0);
  void doom_system(int error);
  void fail();
  void tell(StreamEvent event);
  void linger();
  void shut();

  Loop& loop_;
  OnEvent on_event_;
  TimerId timer_{};
  std::string in_, out_;  // plaintext that came; plain bytes to send before TLS
  std::size_t in_at_ = 0, out_at_ = 0;
  bool wiping_ = false;     // wipe_received()
  bool readable_ = false;   // an edge came and was not read to its end
  bool hung_up_ = false;    // FIN or error is behind the bytes
  bool ended_ = false;      // FIN was read
  bool told_end_ = false;   // kClosed was told
  bool fresh_ = false;      // plain bytes came that were not told
  bool spoke_ = false;      // something was written or consumed
  bool owes_sent_ = false;  // kSent is due when unsent() is 0 again
  bool doomed_ = false;     // failure_ is set and not told yet
  int error_ = 0;           // errno of the socket, told when everything that came was read
  std::optional<TlsFacts> facts_;
};

// ---- connecting --------------------------------------------------------------------------------------------

void Stream::Inner::connect(const Address& address, const AddressPolicy* policy) {
  EVERUP_ASSERT(state_ == State::kIdle);
  state_ = State::kConnecting;
  peer_ = address;
  times_.started = clock();
  if (policy != nullptr) {
    const Ruling ruling = policy->judge(address);
    if (!ruling.allowed) return doom(Cause::kAddressRefused, policy->refusal(address.host(), address, ruling));
  }
  fd_.reset(::socket(address.v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd_) return doom_system(errno);
  sockaddr_storage place{};
  const socklen_t size = address.to_sockaddr(place);
  if (::connect(fd_.value(), reinterpret_cast<const sockaddr*>(&place), size) != 0 && errno != EINPROGRESS) {
    return doom_system(errno);
  }
  // Edge-triggered: an edge that came before is told by the registration itself.
  const auto watched = loop_.watch(fd_.value(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                   [this](std::uint32_t events) { on_io(events); });
  if (!watched.ok()) doom(Cause::kOwnResources, watched.error().what);
}

bool Stream::Inner::finish_connect(std::uint32_t events) {
  if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return false;
  int error = 0;
  socklen_t size = sizeof error;
  const bool asked = (events & (EPOLLERR | EPOLLHUP)) != 0;
  if (asked && ::getsockopt(fd_.value(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  // While connecting a RST is ECONNREFUSED: ECONNRESET means that the connection stood, and is gone already.
  if (error != 0 && error != ECONNRESET) {
    doom_system(error);
    fail();
    return false;
  }
  error_ = error;
  state_ = State::kPlain;
  times_.connected = clock();
  tell(StreamEvent::kConnected);
  return alive();
}

void Stream::Inner::on_io(std::uint32_t events) {
  const auto keep = shared_from_this();
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0) readable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0) hung_up_ = true;
  if (state_ == State::kConnecting && !finish_connect(events)) return;
  if ((events & EPOLLOUT) != 0) flush();
  run();
}

// ---- bytes in ----------------------------------------------------------------------------------------------

bool Stream::Inner::room() const {
  if (unread() >= kReadAheadMax) return false;
  return !session_ || session_->unread() < kRawMax;
}

// One read of the socket. False: nothing came.
bool Stream::Inner::fill() {
  if (!readable_ || !room()) return false;
  std::array<char, kChunk> buffer;
  const std::size_t wanted = std::min(buffer.size(), kReadAheadMax - unread());
  const ssize_t got = ::recv(fd_.value(), buffer.data(), wanted, 0);
  if (got > 0) {
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    if (session_) {
      session_->feed(bytes);
    } else {
      in_.append(bytes);
      fresh_ = true;
    }
    if (wiping_) explicit_bzero(buffer.data(), bytes.size());
    if (bytes.size() < wanted && !hung_up_) readable_ = false;  // the socket is empty: the next byte makes an edge
    return true;
  }
  if (got < 0 && errno == EINTR) return true;
  readable_ = false;
  if (got == 0) ended_ = true;
  if (got < 0 && errno != EAGAIN) error_ = errno;
  return false;
}

void Stream::Inner::run() {
  for (int round = 0; round < kRoundsMax; ++round) {
    if (!alive() || doomed_ || state_ == State::kConnecting) return;
    const bool came = fill();
    if (!digest()) return;
    if (!came && !(readable_ && room())) return;
  }
  defer();
}

// What came goes to the listener. False: the stream is over.
bool Stream::Inner::digest() {
  if (state_ == State::kHandshake && !shake()) return alive();
  if (state_ == State::kSecure) {
    if (ended_ || error_ != 0) session_->feed_end();
    const std::size_t before = unread();
    if (in_at_ > 0) in_.erase(0, std::exchange(in_at_, 0));
    const TlsSession::Step step = session_->read(in_, kReadAheadMax);
    flush();
    if (unread() > before) tell(StreamEvent::kReceived);  // tells nothing when flush() was the end
    if (!alive()) return false;
    if (step == TlsSession::Step::kFailed) {
      const StreamFailure& why = session_->failure();
      const bool reset = error_ != 0 && why.tls_alert < 0;
      doom(reset ? socket_cause(error_) : why.cause, reset ? ::strerror(error_) : why.detail, error_);
      failure_.tls_alert = why.tls_alert;
      fail();
      return false;
    }
    if (step == TlsSession::Step::kClosed && error_ == 0) ended_ = true;
    if (unread() < kReadAheadMax) tell_end();
    return alive();
  }
  if (state_ == State::kPlain) {
    if (std::exchange(fresh_, false)) tell(StreamEvent::kReceived);
    if (state_ == State::kPlain && !readable_) tell_end();
  }
  return alive();
}

void Stream::Inner::tell_end() {
  if (error_ != 0) {
    doom_system(error_);
    fail();
  } else if (ended_ && !std::exchange(told_end_, true)) {
    tell(StreamEvent::kClosed);
  }
}

void Stream::Inner::consume(std::size_t bytes) {
  EVERUP_ASSERT(bytes <= unread());
  spoke_ = spoke_ || bytes > 0;
  const bool full = !room();
  wipe(in_at_, in_at_ + bytes);
  in_at_ += bytes;
  if (in_at_ == in_.size() || in_at_ >= kCompactAt) compact();
  if (full && room()) defer();
}

// The unread rest moves to the front.
void Stream::Inner::compact() {
  const std::size_t rest = unread();
  std::copy(in_.begin() + static_cast<std::ptrdiff_t>(in_at_), in_.end(), in_.begin());
  wipe(rest, in_.size());
  in_.resize(rest);
  in_at_ = 0;
}

void Stream::Inner::wipe_received() {
  EVERUP_ASSERT(state_ == State::kIdle);
  wiping_ = true;
  in_.reserve(kReadAheadMax + kCompactAt);
}

void Stream::Inner::wipe(std::size_t from, std::size_t to) {
  if (wiping_ && from < to) explicit_bzero(in_.data() + from, to - from);
}

// ---- bytes out ---------------------------------------------------------------------------------------------

bool Stream::Inner::write(std::string_view bytes) {
  const bool ready = state_ == State::kPlain || state_ == State::kSecure;
  if (!ready || doomed_ || unsent() + bytes.size() > kWriteMax) return false;
  spoke_ = true;
  if (!session_) {
    out_.append(bytes);
  } else if (!session_->write(bytes)) {
    doom(session_->failure().cause, session_->failure().detail);
    return false;
  }
  push();
  if (owes_sent_ && unsent() == 0) defer();
  owes_sent_ = owes_sent_ || unsent() > 0;
  return true;
}

void Stream::Inner::flush() {
  push();
  if (unsent() == 0 && std::exchange(owes_sent_, false)) tell(StreamEvent::kSent);
}

// As much as the kernel takes; nothing is told.
void Stream::Inner::push() {
  std::string& bytes = out();
  while (out_at_ < bytes.size()) {
    const ssize_t sent = ::send(fd_.value(), bytes.data() + out_at_, bytes.size() - out_at_, MSG_NOSIGNAL);
    if (sent > 0) {
      out_at_ += static_cast<std::size_t>(sent);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return;
    // What the far side said before it left is read first, and says more than this.
    if (error_ == 0) error_ = errno;
    readable_ = true;
    bytes.clear(), out_at_ = 0;
    return defer();
  }
  bytes.clear(), out_at_ = 0;
}

// ---- TLS ---------------------------------------------------------------------------------------------------

void Stream::Inner::secure(const StreamTls& tls) {
  if (!alive() || doomed_) return;
  EVERUP_ASSERT(state_ == State::kPlain && unsent() == 0 && (tls.trust == nullptr || !tls.host.empty()));
  readable_ = true;
  fill();  // what is here already came before our hello
  if (unread() > 0) {
    const std::string said = printable(received().substr(0, 100), 100);
    if (spoke_) return doom(Cause::kStartTlsInjection, "plain text where TLS begins: " + said);
    return doom(Cause::kTlsHandshake, "the server does not speak TLS here; it said: " + said);
  }
  const int on = 1;  // our Finished and the first command are two writes: not to be held back for an ACK
  if (::setsockopt(fd_.value(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 && error_ == 0) error_ = errno;
  session_ = TlsSession::begin(tls);
  if (!session_) return doom(Cause::kOwnResources, "TLS: out of memory");
  state_ = State::kHandshake;
  if (session_->handshake() == TlsSession::Step::kFailed) {
    return doom(session_->failure().cause, session_->failure().detail);
  }
  push();
  if (ended_ || error_ != 0) defer();
}

// True: go on reading plaintext.
bool Stream::Inner::shake() {
  if (doomed_) return false;
  if (ended_ || error_ != 0) session_->feed_end();
  const TlsSession::Step step = session_->handshake();
  const int told_error = error_;
  push();
  switch (step) {
    case TlsSession::Step::kMore:
      return false;
    case TlsSession::Step::kDone:
      state_ = State::kSecure;
      times_.secured = clock();
      tell(StreamEvent::kSecured);
      return alive();
    case TlsSession::Step::kClosed:
    case TlsSession::Step::kFailed:
      break;
  }
  const StreamFailure& why = session_->failure();
  const bool lost = told_error != 0 && why.cause == Cause::kTlsReset;
  doom(why.cause, lost ? std::string("in the handshake: ") + ::strerror(told_error) : why.detail, told_error);
  failure_.tls_alert = why.tls_alert;
  fail();
  return false;
}

const TlsFacts& Stream::Inner::facts() {
  if (!facts_) facts_ = session_ ? session_->facts() : TlsFacts{};
  return *facts_;
}

// ---- ends --------------------------------------------------------------------------------------------------

void Stream::Inner::doom_system(int error) { doom(socket_cause(error), ::strerror(error), error); }

// Remembers why it is over; kFailed is told from the loop, never from inside a call of the owner's.
void Stream::Inner::doom(Cause cause, std::string detail, int error) {
  if (doomed_) return;
  doomed_ = true;
  failure_ = {cause, printable(detail, 200), error, -1};
  defer();
}

void Stream::Inner::fail() {
  if (!alive()) return;
  shut();
  state_ = State::kFailed;
  tell(StreamEvent::kFailed);
}

void Stream::Inner::defer() {
  if (!timer_) timer_ = loop_.at(loop_.now().mono, [this] { on_deferred(); });
}

void Stream::Inner::on_deferred() {
  const auto keep = shared_from_this();
  timer_ = {};
  if (!alive()) return;
  if (doomed_) return fail();
  if (state_ != State::kConnecting) flush();
  run();
}

// The last thing a caller does before it looks at alive() again: the listener may do anything.
void Stream::Inner::tell(StreamEvent event) {
  if (state_ != State::kClosed) on_event_(event);
}

void Stream::Inner::shut() {
  if (timer_) loop_.cancel(std::exchange(timer_, {}));
  if (fd_) loop_.unwatch(fd_.value());
  fd_.reset();
}

void Stream::Inner::abandon() {
  if (state_ != State::kClosed) shut();
  state_ = State::kClosed;
}

void Stream::Inner::close() {
  if (state_ == State::kClosed) return;
  const bool open = (state_ == State::kPlain || state_ == State::kSecure) && !doomed_ && error_ == 0;
  if (open && session_) session_->end();
  if (open) push();
  state_ = State::kClosed;
  if (open && error_ == 0 && unsent() > 0) return linger();
  shut();
}

// Nobody listens any more; the loop keeps us until everything is sent, or the time is over.
void Stream::Inner::linger() {
  if (timer_) loop_.cancel(timer_);
  loop_.unwatch(fd_.value());
  const auto self = shared_from_this();
  timer_ = loop_.at(clock() + kLingerMax, [self] {
    self->timer_ = {};
    self->shut();
  });
  const auto watched = loop_.watch(fd_.value(), EPOLLOUT, [self](std::uint32_t) {
    self->push();
    if (self->unsent() == 0) self->shut();
  });
  if (!watched.ok()) shut();
}

// ---- the handle --------------------------------------------------------------------------------------------

Stream::Stream(Loop& loop, OnEvent on_event) : inner_(std::make_shared<Inner>(loop, std::move(on_event))) {}
Stream::~Stream() { inner_->abandon(); }

void Stream::connect(const Address& address, const AddressPolicy* policy) { inner_->connect(address, policy); }
bool Stream::write(std::string_view bytes) { return inner_->write(bytes); }
std::size_t Stream::unsent() const { return inner_->unsent(); }
std::string_view Stream::received() const { return inner_->received(); }
void Stream::consume(std::size_t bytes) { inner_->consume(bytes); }
void Stream::secure(const StreamTls& tls) { inner_->secure(tls); }
void Stream::close() { inner_->close(); }
void Stream::wipe_received() { inner_->wipe_received(); }
bool Stream::secured() const { return inner_->state_ == Inner::State::kSecure; }
const StreamFailure& Stream::failure() const { return inner_->failure_; }
const TlsFacts& Stream::tls() const { return inner_->facts(); }
const Address& Stream::peer() const { return inner_->peer_; }
const Stream::Times& Stream::times() const { return inner_->times_; }

std::optional<WallTime> Stream::leaf_not_after() const {
  return inner_->session_ ? inner_->session_->leaf_not_after() : std::nullopt;
}

std::vector<std::string> Stream::chain() const {
  return inner_->session_ ? inner_->session_->chain() : std::vector<std::string>();
}

std::shared_ptr<const TlsTicket> Stream::ticket() const {
  return inner_->session_ ? inner_->session_->ticket() : nullptr;
}

std::optional<Address> Stream::local() const {
  sockaddr_storage place{};
  socklen_t size = sizeof place;
  if (!inner_->fd_ || ::getsockname(inner_->fd_.value(), reinterpret_cast<sockaddr*>(&place), &size) != 0) {
    return std::nullopt;
  }
  return Address::from_sockaddr(reinterpret_cast<sockaddr*>(&place));
}

}  // namespace everup::net
