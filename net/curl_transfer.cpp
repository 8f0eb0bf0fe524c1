#include "net/curl_transfer.h"

#include <curl/curl.h>
#include <errno.h>
#include <linux/tcp.h>
#include <string.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "net/curl_multi.h"

namespace everup::net {

namespace {

// Only a wrong option or no memory can fail here; both are seen at once in every test, so they are ours to assert.
template <class T>
void set(CURL* easy, CURLoption option, T value) {
  EVERUP_ASSERT(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

template <class T>
T info(CURL* easy, CURLINFO what) {
  T value{};
  return curl_easy_getinfo(easy, what, &value) == CURLE_OK ? value : T{};
}

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r' || text.back() == '\n'))
    text.remove_suffix(1);
  return text;
}

long curl_version_of(HttpVersion version) {
  switch (version) {
    case HttpVersion::kAny:
      return CURL_HTTP_VERSION_2TLS;
    case HttpVersion::k1_1:
      return CURL_HTTP_VERSION_1_1;
    case HttpVersion::k2:  // never without TLS: libcurl would read frames without content as long as they come
      return CURL_HTTP_VERSION_2TLS;
  }
  return CURL_HTTP_VERSION_2TLS;
}

int version_number(long curl_version) {
  if (curl_version == CURL_HTTP_VERSION_1_0) return 10;
  if (curl_version == CURL_HTTP_VERSION_1_1) return 11;
  return curl_version == CURL_HTTP_VERSION_2_0 ? 20 : 0;
}

bool wants_length(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

// What libcurl would write itself for CURLOPT_ACCEPT_ENCODING "".
std::string accept_encoding() {
  const int features = curl_version_info(CURLVERSION_NOW)->features;
  std::string line = "Accept-Encoding: deflate, gzip";
  if ((features & CURL_VERSION_BROTLI) != 0) line += ", br";
  if ((features & CURL_VERSION_ZSTD) != 0) line += ", zstd";
  return line;
}

bool asked_for(std::span<const HttpHeader> headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(),
                     [name](const HttpHeader& header) { return same_name(header.name, name); });
}

std::string bracketed(const Address& address) { return address.v4() ? address.host() : "[" + address.host() + "]"; }

}  // namespace

struct CurlTransfer::Node {
  std::string text;
  curl_slist item{nullptr, nullptr};
  curl_slist* point() {
    item.data = text.data();
    return &item;
  }
};

struct CurlTransfer::Callbacks {
  static CurlTransfer& self_of(void* self) { return *static_cast<CurlTransfer*>(self); }

  static std::size_t head(char* bytes, std::size_t one, std::size_t count, void* self) noexcept {
    return guarded(self, [&] { return self_of(self).take_head({bytes, one * count}); }) ? one * count : 0;
  }
  static std::size_t body(char* bytes, std::size_t one, std::size_t count, void* self) noexcept {
    return guarded(self, [&] { return self_of(self).take_body({bytes, one * count}); }) ? one * count : 0;
  }
  static int progress(void* self, curl_off_t, curl_off_t received, curl_off_t, curl_off_t) noexcept {
    return guarded(self, [&] { return self_of(self).take_progress(received); }) ? 0 : 1;
  }
  static curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* place) noexcept {
    int fd = -1;
    guarded(self, [&] {
      const auto address = Address::from_sockaddr(&place->addr);
      if (address) fd = self_of(self).open_socket(*address, place->socktype, place->protocol);
      return true;
    });
    return fd < 0 ? CURL_SOCKET_BAD : fd;
  }
  static int close_socket(void* multi, curl_socket_t fd) noexcept { return static_cast<CurlMulti*>(multi)->close(fd); }
  static CURLcode ssl_ctx(CURL*, void* context, void* self) noexcept {
    self_of(self).note_handshake();
    return self_of(self).tls_.install(context) ? CURLE_OK : CURLE_OUT_OF_MEMORY;
  }
  // libcurl asks before it resolves anything, literals too. With a pin name in place it must never need to.
  static int resolve(void*, void*, void* self) noexcept { return self_of(self).two_families_ ? 1 : 0; }

 private:
  template <class F>
  static bool guarded(void* self, F&& body) noexcept {
    try {
      return body();
    } catch (...) {  // no memory: nothing else in these callbacks throws
      self_of(self).stop_ = Cause::kOwnResources;
      return false;
    }
  }
};

CurlTransfer::CurlTransfer(CurlMulti& multi)
    : multi_(multi),
      easy_(curl_easy_init()),
      share_(curl_share_init()),
      connect_to_(std::make_unique<Node>()),
      unpin_(std::make_unique<Node>()),
      pin_(std::make_unique<Node>()),
      agent_(std::make_unique<Node>()),
      codings_taken_(std::make_unique<Node>()) {
  if (easy_ != nullptr && share_ != nullptr) set_fixed_options();
}

CurlTransfer::~CurlTransfer() {
  abort(Cause::kShutdown);
  if (easy_ != nullptr) curl_easy_cleanup(easy_);
  if (share_ != nullptr) curl_share_cleanup(share_);
}

void CurlTransfer::set_fixed_options() {
  EVERUP_ASSERT(curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) == CURLSHE_OK);
  set(easy_, CURLOPT_PRIVATE, this);
  set(easy_, CURLOPT_ERRORBUFFER, error_text_.data());
  set(easy_, CURLOPT_NOSIGNAL, 1L);
  set(easy_, CURLOPT_PROXY, "");
  set(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy_, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy_, CURLOPT_FRESH_CONNECT, 1L);
  set(easy_, CURLOPT_FORBID_REUSE, 1L);
  set(easy_, CURLOPT_SHARE, share_);
  set(easy_, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
  set(easy_, CURLOPT_ACCEPT_ENCODING, "");
  // As lines of ours: libcurl would print each of them twice for every request, character by character.
  agent_->text = "User-Agent: " + multi_.user_agent();
  codings_taken_->text = accept_encoding();
  set_headers({}, false);
  set(easy_, CURLOPT_BUFFERSIZE, 4096L);  // libcurl reads up to 100 of them before it asks whether to go on
  set(easy_, CURLOPT_NOPROGRESS, 0L);
  // Trust is ours: no roots of libcurl's, and above all no cache, which would replace our store by another transfer's
  // (DESIGN 11).
  set(easy_, CURLOPT_CAINFO, static_cast<char*>(nullptr));
  set(easy_, CURLOPT_CAPATH, static_cast<char*>(nullptr));
  set(easy_, CURLOPT_CA_CACHE_TIMEOUT, 0L);
  set(easy_, CURLOPT_SSL_SESSIONID_CACHE, 0L);  // a resumed session shows no certificate
  set(easy_, CURLOPT_SSL_VERIFYHOST, 0L);       // OpenSSL checks the name (TlsVerifier)
  set(easy_, CURLOPT_HEADERDATA, this);
  set(easy_, CURLOPT_WRITEDATA, this);
  set(easy_, CURLOPT_XFERINFODATA, this);
  set(easy_, CURLOPT_OPENSOCKETDATA, this);
  // Not `this`: libcurl keeps these two with the connection.
  set(easy_, CURLOPT_CLOSESOCKETDATA, &multi_);
  set(easy_, CURLOPT_CLOSESOCKETFUNCTION, &Callbacks::close_socket);
  set(easy_, CURLOPT_SSL_CTX_DATA, this);
  set(easy_, CURLOPT_RESOLVER_START_DATA, this);
  set(easy_, CURLOPT_HEADERFUNCTION, &Callbacks::head);
  set(easy_, CURLOPT_WRITEFUNCTION, &Callbacks::body);
  set(easy_, CURLOPT_XFERINFOFUNCTION, &Callbacks::progress);
  set(easy_, CURLOPT_OPENSOCKETFUNCTION, &Callbacks::open_socket);
  set(easy_, CURLOPT_SSL_CTX_FUNCTION, &Callbacks::ssl_ctx);
  set(easy_, CURLOPT_RESOLVER_START_FUNCTION, &Callbacks::resolve);
}

// ---- asking

bool CurlTransfer::start(const TransferRequest& request, TransferListener& listener) {
  EVERUP_ASSERT(!running_ && (request.v4 || request.v6));
  reset_state();
  listener_ = &listener;
  started_ = multi_.loop().clock().now().mono;
  body_keep_ = std::min(request.body_keep, kBodyBytesMax);
  secure_ = request.tls;
  host_ = request.host;
  policy_ = request.policy;
  from_public_redirect_ = request.from_public_redirect;
  if (!set_target(request)) return false;
  set_pins(request);
  const bool plain = request.method == "GET" && request.headers.empty() && request.body.empty() &&
                     (request.auth == nullptr || request.auth->type == HttpAuth::Type::kNone);
  if (!plain || rare_) set_rare(request);
  rare_ = !plain;
  if (request.tls) {
    tls_.begin(request.trust, request.host);
    const int verify = request.trust ? 1 : 0;
    if (verify != verify_set_) set(easy_, CURLOPT_SSL_VERIFYPEER, static_cast<long>(verify));
    verify_set_ = verify;
  }
  running_ = multi_.add(*this);
  return running_;
}

bool CurlTransfer::set_target(const TransferRequest& request) {
  if (url_ != request.url) {
    url_ = request.url;
    if (curl_easy_setopt(easy_, CURLOPT_URL, url_.c_str()) != CURLE_OK) return false;
  }
  const long version = curl_version_of(request.http_version);
  if (version != version_set_) set(easy_, CURLOPT_HTTP_VERSION, version);
  version_set_ = version;
  // One write is all that a request in the clear without a body needs: Nagle's algorithm has nothing to hold back.
  const int at_once = request.tls || !request.body.empty() || request.http_version == HttpVersion::k2 ? 1 : 0;
  if (at_once != at_once_set_) set(easy_, CURLOPT_TCP_NODELAY, static_cast<long>(at_once));
  at_once_set_ = at_once;
  return true;
}

void CurlTransfer::set_pins(const TransferRequest& request) {
  const bool two = request.v4 && request.v6;
  if (two) {
    const std::string port = std::to_string(request.port);
    unpin_->text = "-pin:" + std::to_string(pinned_port_ != 0 ? pinned_port_ : request.port);
    pin_->text = "pin:" + port + ":" + bracketed(*request.v6) + "," + bracketed(*request.v4);
    connect_to_->text = "::pin:";
    pinned_port_ = request.port;
    curl_slist* first = unpin_->point();
    first->next = pin_->point();
    set(easy_, CURLOPT_RESOLVE, first);
  } else {
    connect_to_->text.assign("::").append(bracketed(request.v4 ? *request.v4 : *request.v6)).append(":");
    if (two_families_) set(easy_, CURLOPT_RESOLVE, static_cast<curl_slist*>(nullptr));
  }
  two_families_ = two;
  set(easy_, CURLOPT_CONNECT_TO, connect_to_->point());
}

void CurlTransfer::set_rare(const TransferRequest& request) {
  set_method(request);
  set_auth(request.auth);
  const bool named = asked_for(request.headers, "content-type");
  set_headers(request.headers, request.body.empty() && !named && wants_length(request.method));
}

void CurlTransfer::set_method(const TransferRequest& request) {
  set(easy_, CURLOPT_HTTPGET, 1L);  // forgets NOBODY and POST of the exchange before
  set(easy_, CURLOPT_POSTFIELDS, static_cast<char*>(nullptr));
  set(easy_, CURLOPT_CUSTOMREQUEST, static_cast<char*>(nullptr));
  if (request.method == "HEAD") {
    set(easy_, CURLOPT_NOBODY, 1L);
    return;
  }
  if (!request.body.empty() || wants_length(request.method)) {
    set(easy_, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
    set(easy_, CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
  } else {
    set(easy_, CURLOPT_HTTPGET, 1L);
  }
  if (request.method != "GET" || !request.body.empty())
    set(easy_, CURLOPT_CUSTOMREQUEST, std::string(request.method).c_str());
}

void CurlTransfer::set_auth(const HttpAuth* auth) {
  const HttpAuth::Type type = auth != nullptr ? auth->type : HttpAuth::Type::kNone;
  const bool password = type == HttpAuth::Type::kBasic || type == HttpAuth::Type::kDigest;
  set(easy_, CURLOPT_USERNAME, password ? auth->user.c_str() : static_cast<const char*>(nullptr));
  set(easy_, CURLOPT_PASSWORD, password ? auth->secret.c_str() : static_cast<const char*>(nullptr));
  set(easy_, CURLOPT_XOAUTH2_BEARER,
      type == HttpAuth::Type::kBearer ? auth->secret.c_str() : static_cast<const char*>(nullptr));
  digest_ = digest_ || type == HttpAuth::Type::kDigest;
  switch (type) {
    case HttpAuth::Type::kNone:
    case HttpAuth::Type::kBasic:
      set(easy_, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
      return;
    case HttpAuth::Type::kDigest:
      set(easy_, CURLOPT_HTTPAUTH, CURLAUTH_DIGEST);
      return;
    case HttpAuth::Type::kBearer:
      set(easy_, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
      return;
  }
}

// "Name;" is libcurl's word for a header without a value, "Name:" for one it must not send (it would call an empty body
// a form).
void CurlTransfer::set_headers(std::span<const HttpHeader> headers, bool without_type) {
  headers_.clear();
  const auto add = [this](std::string text) {
    headers_.push_back(std::make_unique<Node>());
    headers_.back()->text = std::move(text);
  };
  for (const HttpHeader& header : headers) {
    add(header.value.empty() ? header.name + ";" : header.name + ": " + header.value);
  }
  if (without_type) add("Content-Type:");
  curl_slist* next = nullptr;
  const auto put = [&next](Node& node) {
    curl_slist* item = node.point();
    item->next = next;
    next = item;
  };
  if (!asked_for(headers, "accept-encoding")) put(*codings_taken_);
  if (!asked_for(headers, "user-agent")) put(*agent_);
  for (auto node = headers_.rbegin(); node != headers_.rend(); ++node) put(**node);
  set(easy_, CURLOPT_HTTPHEADER, next);
}

void CurlTransfer::reset_state() {
  result_ = TransferResult{};
  head_.clear(), body_.clear();
  if (body_.capacity() > 64 * 1024) body_.shrink_to_fit();
  head_bytes_ = body_bytes_ = body_pieces_ = 0;
  codings_ = 0;
  progress_ = 0;
  head_ended_ = false;
  stop_ = Cause::kOk;
  stop_detail_.clear();
  own_error_ = sockets_ = 0;
  tried_count_ = 0;
  handshake_us_ = 0;
  error_text_[0] = 0;
  tls_.clear();
}

void CurlTransfer::abort(Cause cause) {
  if (!running_) return;
  result_.times = times();
  note_peer();
  result_.status = static_cast<int>(info<long>(easy_, CURLINFO_RESPONSE_CODE));
  multi_.remove(*this);
  running_ = false;
  say(cause);
}

TransferTimes CurlTransfer::times() const {
  TransferTimes times{info<curl_off_t>(easy_, CURLINFO_CONNECT_TIME_T),
                      info<curl_off_t>(easy_, CURLINFO_APPCONNECT_TIME_T),
                      info<curl_off_t>(easy_, CURLINFO_STARTTRANSFER_TIME_T)};
  if (times.connected <= 0) times.connected = handshake_us_;
  return times;
}

void CurlTransfer::note_handshake() {
  handshake_us_ = std::max<std::int64_t>(1, (multi_.loop().clock().now().mono - started_).count() / 1000);
  if (tried_count_ == 1) {
    result_.peer = tried_[0];
  } else if (const auto connected = connected_socket()) {
    result_.peer = tried_[*connected];
  }
}

// Of those that were opened, the latest that has its peer: of two that raced, and of a digest's two. A closed one may
// be somebody else's by now, so the peer's address is compared.
std::optional<std::size_t> CurlTransfer::connected_socket() const {
  for (std::size_t i = tried_count_; i-- > 0;) {
    sockaddr_storage place{};
    socklen_t size = sizeof place;
    const bool connected = getpeername(tried_sockets_[i], reinterpret_cast<sockaddr*>(&place), &size) == 0;
    if (connected && Address::from_sockaddr(reinterpret_cast<sockaddr*>(&place)) == tried_[i]) return i;
  }
  return std::nullopt;
}

// After a handshake that failed libcurl forgets whom it was with; what note_handshake() saw stays then.
void CurlTransfer::note_peer() {
  if (result_.times.connected <= 0) return;
  if (tried_count_ == 1) {  // nobody else can have answered
    result_.peer = tried_[0];
    return;
  }
  const char* ip = info<char*>(easy_, CURLINFO_PRIMARY_IP);
  const auto told =
      Address::parse(ip != nullptr ? ip : "", static_cast<std::uint16_t>(info<long>(easy_, CURLINFO_PRIMARY_PORT)));
  if (told) result_.peer = told;
}

Phase CurlTransfer::phase() const {
  const TransferTimes now = running_ ? times() : result_.times;
  if (now.connected <= 0) return Phase::kConnect;
  if (secure_ && now.secured <= 0) return Phase::kTls;
  return head_bytes_ == 0 && now.first_byte <= 0 ? Phase::kWait : Phase::kTransfer;
}

// ---- hearing (inside libcurl)

void CurlTransfer::stop(Cause cause, std::string detail) {
  if (stop_ != Cause::kOk) return;
  stop_ = cause;
  stop_detail_ = std::move(detail);
}

bool CurlTransfer::take_head(std::string_view line) {
  tls_.count_anew();
  head_bytes_ += line.size();
  if (head_bytes_ > kHeadBytesMax) {
    stop(Cause::kHttpHeadTooLarge, "the head is larger than 64 KiB");
    return false;
  }
  if (line.starts_with("HTTP/")) {  // a new answer: after 1xx, or after a digest's challenge
    head_.clear(), body_.clear();
    body_bytes_ = body_pieces_ = 0;
    codings_ = 0;
    head_ended_ = false;
  }
  head_.append(line);
  if (line == "\r\n" || line == "\n") head_ended_ = true;
  return count_codings(line);
}

// Nested codings multiply: 16 KiB may become 16 GiB inside one call of libcurl, where nothing can stop it. Nobody needs
// two.
bool CurlTransfer::count_codings(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return true;
  const std::string_view name = line.substr(0, colon);
  if (!same_name(name, "content-encoding") && !same_name(name, "transfer-encoding")) return true;
  std::string_view rest = line.substr(colon + 1);
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view coding = trimmed(rest.substr(0, comma));
    if (!coding.empty() && !same_name(coding, "identity") && !same_name(coding, "chunked")) ++codings_;
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  if (codings_ <= 1) return true;
  stop(Cause::kHttpEncoding, "more than one content coding: " + printable(trimmed(line), 120));
  return false;
}

bool CurlTransfer::take_body(std::string_view bytes) {
  tls_.count_anew();
  const std::size_t room = body_keep_ > body_.size() ? body_keep_ - body_.size() : 0;
  body_.append(bytes.substr(0, room));
  body_bytes_ += bytes.size();
  result_.body_capped = result_.body_capped || body_bytes_ > kBodyBytesMax || ++body_pieces_ > kBodyPiecesMax;
  return !result_.body_capped;
}

// libcurl counts the body only; the kernel knows what really came. It is asked once in 16 calls.
bool CurlTransfer::take_progress(std::int64_t received) {
  tls_.count_anew();
  if (received > static_cast<std::int64_t>(codings_ > 0 ? kCodedBytesMax : kRawBytesMax)) {
    result_.body_capped = true;
    return false;
  }
  if (++progress_ % 16 != 0) return true;
  const auto connected = connected_socket();
  tcp_info seen{};
  socklen_t size = sizeof seen;
  if (!connected || getsockopt(tried_sockets_[*connected], IPPROTO_TCP, TCP_INFO, &seen, &size) != 0) return true;
  if (seen.tcpi_bytes_received <= kWireBytesMax) return true;
  stop(Cause::kHttpProtocol, "more than 8 MiB on the wire around " + std::to_string(body_bytes_) + " bytes of body");
  return false;
}

int CurlTransfer::open_socket(const Address& address, int type, int protocol) {
  const std::size_t place = tried_count_;
  if (place < tried_.size()) tried_[place] = address, tried_sockets_[place] = -1, ++tried_count_;
  if (policy_ != nullptr) {
    const Ruling ruling = policy_->judge(address, from_public_redirect_);
    if (!ruling.allowed) {
      stop(Cause::kAddressRefused, policy_->refusal(host_, address, ruling, from_public_redirect_));
      return -1;
    }
  }
  const int fd = socket(address.v4() ? AF_INET : AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  if (fd < 0) {
    own_error_ = errno;
  } else {
    ++sockets_;
    if (place < tried_.size()) tried_sockets_[place] = fd;
  }
  return fd;
}

void CurlTransfer::tell() { std::exchange(listener_, nullptr)->on_transfer_end(*this); }

void CurlTransfer::finish(int curl_code) {
  running_ = false;
  result_.times = times();
  result_.status = static_cast<int>(info<long>(easy_, CURLINFO_RESPONSE_CODE));
  result_.http_version = version_number(info<long>(easy_, CURLINFO_HTTP_VERSION));
  note_peer();
  judge_code(curl_code);
}

}  // namespace everup::net
