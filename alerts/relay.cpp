#include "alerts/relay.h"

#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <optional>
#include <utility>

#include "alerts/mail_dialogue.h"
#include "alerts/safe_text.h"

namespace everup::alerts {
namespace {

constexpr long kConnectLimitMs = 15'000, kPoliteMs = 2'000;
constexpr std::size_t kSecretBytesMax = 64 * 1024;

WireEnd end_of(CURLcode code) {
  switch (static_cast<int>(code)) {
    case CURLE_OK:
      return WireEnd::kFine;
    case CURLE_COULDNT_RESOLVE_HOST:
      return WireEnd::kNoName;
    case CURLE_COULDNT_CONNECT:
      return WireEnd::kRefused;
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_ABORTED_BY_CALLBACK:
      return WireEnd::kTimeout;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return WireEnd::kTls;
    case CURLE_USE_SSL_FAILED:
      return WireEnd::kNoTlsOffered;
    case CURLE_LOGIN_DENIED:
      return WireEnd::kLogin;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_WRITE_ERROR:
      return WireEnd::kBabble;
    default:
      return WireEnd::kLost;
  }
}

// The first line of a file that holds a password or an access token.
std::optional<std::string> secret_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kSecretBytesMax, '\0');
  if (!file) return std::nullopt;
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  text.resize(std::min(text.find_first_of("\r\n"), text.size()));
  return text.empty() ? std::nullopt : std::optional(std::move(text));
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

}  // namespace

std::string RelayTry::words() const {
  if (end == WireEnd::kFine && stage == MailStage::kBody) return one_line(reply.lines, 500);
  const std::string place = std::string(slug(stage)) + ": ";
  if (reply.code >= 400) return one_line(place + reply.lines, 500);
  return one_line(place + error + (reply.lines.empty() ? "" : "; last said: " + reply.lines), 500);
}

struct Relay::State {
  CURL* easy = nullptr;
  std::unique_ptr<curl_slist, FreeList> recipients;
  MailDialogue dialogue;
  std::string_view unsent;
  std::string tls;  // of the connection that is kept
  bool connected = false;
  const std::atomic<bool>* stop = nullptr;
  char error[CURL_ERROR_SIZE] = {};
};

// libcurl's C callbacks: nothing throws through them.
struct Relay::Callbacks {
  static std::size_t read(char* out, std::size_t size, std::size_t count, void* self) noexcept {
    auto& state = *static_cast<State*>(self);
    const std::size_t piece = std::min(size * count, state.unsent.size());
    std::memcpy(out, state.unsent.data(), piece);
    state.unsent.remove_prefix(piece);
    return piece;
  }
  static std::size_t header(char*, std::size_t size, std::size_t count, void* self) noexcept {
    return static_cast<State*>(self)->dialogue.too_much() ? 0 : size * count;
  }
  static std::size_t ignore(char*, std::size_t size, std::size_t count, void*) noexcept { return size * count; }
  static int progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
    const auto* stop = static_cast<State*>(self)->stop;
    return stop != nullptr && stop->load() ? 1 : 0;
  }
  static int debug(CURL*, curl_infotype type, char* data, std::size_t size, void* self) noexcept {
    MailDialogue& dialogue = static_cast<State*>(self)->dialogue;
    const std::string_view bytes(data, size);
    try {
      if (type == CURLINFO_HEADER_IN) dialogue.heard(bytes);
      if (type == CURLINFO_HEADER_OUT) dialogue.said(bytes);
      if (type == CURLINFO_DATA_OUT) dialogue.sent_body();
      if (type == CURLINFO_TEXT) dialogue.noted(bytes);
    } catch (...) {  // out of memory: the dialogue has a hole, the mail goes on
    }
    return 0;
  }
};

Relay::Relay(RelayUrl url, RelayOptions options)
    : url_(std::move(url)), options_(std::move(options)), state_(std::make_unique<State>()) {
  state_->stop = options_.stop;
}

Relay::~Relay() {
  close();
  abandon();
}

// Without a word: libcurl would say QUIT and wait two minutes for the answer to it.
void Relay::abandon() {
  if (state_->easy == nullptr) return;
  curl_socket_t socket = CURL_SOCKET_BAD;
  curl_easy_getinfo(state_->easy, CURLINFO_ACTIVESOCKET, &socket);
  if (socket != CURL_SOCKET_BAD) shutdown(socket, SHUT_RDWR);
  curl_easy_cleanup(std::exchange(state_->easy, nullptr));
  state_->connected = false;
}

bool Relay::set_login(std::string& fault) {
  if (url_.user.empty()) return true;
  CURL* easy = state_->easy;
  const auto secret = secret_of(url_.password_file);
  if (!secret) {
    fault = "cannot read a password from " + url_.password_file;
    return false;
  }
  curl_easy_setopt(easy, CURLOPT_USERNAME, url_.user.c_str());
  switch (url_.auth) {
    case RelayAuth::kAny:
      curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
      break;
    case RelayAuth::kPlain:
      curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN");
      break;
    case RelayAuth::kLogin:
      curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS, "AUTH=LOGIN");
      break;
    case RelayAuth::kXoauth2:
      curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS, "AUTH=XOAUTH2");
      curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, secret->c_str());
      return true;
  }
  curl_easy_setopt(easy, CURLOPT_PASSWORD, secret->c_str());
  return true;
}

bool Relay::set_options(const Envelope& envelope, milliseconds limit, std::string& fault) {
  CURL* easy = state_->easy;
  curl_easy_reset(easy);  // options only: the connection stays
  const std::string place = url_.host.find(':') == std::string::npos ? url_.host : "[" + url_.host + "]";
  const std::string url = (url_.implicit_tls ? "smtps://" : "smtp://") + place + ":" + std::to_string(url_.port) + "/" +
                          (url_.ehlo.empty() ? options_.ehlo : url_.ehlo);
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count()));
  curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, static_cast<long>(limit.count() / 1000 + 1));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, std::min(kConnectLimitMs, static_cast<long>(limit.count())));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, state_->error);
  curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
  curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, Callbacks::debug);
  curl_easy_setopt(easy, CURLOPT_DEBUGDATA, state_.get());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, Callbacks::header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, state_.get());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, Callbacks::ignore);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, Callbacks::progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, state_.get());
  const bool trying = !url_.implicit_tls && url_.starttls == StartTls::kTry;
  const bool never = !url_.implicit_tls && url_.starttls == StartTls::kNever;
  curl_easy_setopt(easy, CURLOPT_USE_SSL, never ? CURLUSESSL_NONE : trying ? CURLUSESSL_TRY : CURLUSESSL_ALL);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  // Opportunistic TLS protects against listeners only: without it the mail would go in clear.
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, trying ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, trying ? 0L : 2L);
  if (!options_.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAPATH, "/etc/ssl/certs");
    curl_easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
  }
  if (!url_.cert_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_SSLCERT, url_.cert_file.c_str());
    curl_easy_setopt(easy, CURLOPT_SSLKEY, url_.key_file.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_MAIL_FROM, envelope.from.c_str());
  return set_login(fault);
}

RelayTry Relay::once(const Envelope& envelope, milliseconds limit) {
  State& state = *state_;
  RelayTry result;
  result.relay = url_.shown();
  if (state.easy == nullptr) state.easy = curl_easy_init();
  if (state.easy == nullptr) {
    result.error = "out of memory";
    return result;
  }
  state.dialogue = {};
  state.unsent = envelope.mail;
  state.error[0] = '\0';
  if (!set_options(envelope, limit, result.error)) {
    result.end = WireEnd::kLogin;
    result.stage = MailStage::kAuth;
    return result;
  }
  curl_slist* list = nullptr;
  for (const std::string& to : envelope.to) list = curl_slist_append(list, to.c_str());
  state.recipients.reset(list);
  curl_easy_setopt(state.easy, CURLOPT_MAIL_RCPT, list);
  curl_easy_setopt(state.easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
  curl_easy_setopt(state.easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(state.easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(envelope.mail.size()));
  curl_easy_setopt(state.easy, CURLOPT_READFUNCTION, Callbacks::read);
  curl_easy_setopt(state.easy, CURLOPT_READDATA, state_.get());
  const CURLcode code = curl_easy_perform(state.easy);
  long connects = 0;
  curl_easy_getinfo(state.easy, CURLINFO_NUM_CONNECTS, &connects);
  result.reused = connects == 0 && state.connected;
  if (!result.reused) state.tls = state.dialogue.tls();
  state.connected = code == CURLE_OK;
  result.end = end_of(code);
  result.stage = state.dialogue.stage();
  result.reply = state.dialogue.reply();
  result.tls = state.tls;
  result.lines = state.dialogue.lines();
  if (code == CURLE_OK) return result;
  result.error = one_line(state.error[0] != '\0' ? state.error : curl_easy_strerror(code), 300);
  abandon();
  return result;
}

RelayTry Relay::hand_over(const Envelope& envelope, milliseconds limit) {
  RelayTry result = once(envelope, limit);
  // The relay may have hung up while the connection lay idle: nothing was said yet that could be said twice.
  const bool stale = result.reused && result.end == WireEnd::kLost && result.stage <= MailStage::kFrom;
  if (stale && result.reply.code < 500) result = once(envelope, limit);
  const auto& told = state_->dialogue.recipients();
  result.verdict = judge(result.end, result.stage, result.reply);
  for (std::size_t i = 0; i < envelope.to.size(); ++i) {
    const bool refused = i < told.size() && told[i].code >= 400;
    result.recipients.push_back(refused ? judge(WireEnd::kLost, MailStage::kRecipient, told[i]) : result.verdict);
  }
  if (result.verdict.result == AttemptResult::kSent) result.queue_id = queue_id_of(result.reply.lines);
  return result;
}

void Relay::close() {
  State& state = *state_;
  if (state.easy == nullptr || !state.connected) return;
  // NOOP, then QUIT because the connection may not be used again: here the answers have a limit of ours.
  Envelope nobody;
  std::string ignored;
  state.dialogue = {};
  if (set_options(nobody, milliseconds(kPoliteMs), ignored)) {
    curl_easy_setopt(state.easy, CURLOPT_MAIL_FROM, nullptr);
    curl_easy_setopt(state.easy, CURLOPT_CUSTOMREQUEST, "NOOP");
    curl_easy_setopt(state.easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, kPoliteMs / 1000);
    curl_easy_setopt(state.easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_perform(state.easy);
  }
  state.connected = false;
}

}  // namespace everup::alerts
