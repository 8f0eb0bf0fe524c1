// The only home of c-ares and libidn2: DnsChannel and ascii_name(). What answers mean is decided in lookup.cpp.
//
// c-ares 1.18.1 calls back from inside ares_process_fd() and sometimes from inside ares_query(); those callbacks only
// record, flush() delivers afterwards. Its ares_timeout() walks every query, so timeouts are driven by a tick of 100 ms
// instead.
#include "net/resolver.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <idn2.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <netdb.h>
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/outcome.h"
#include "net/dns_channel.h"
#include "net/handle.h"

namespace everup::net {
namespace {

constexpr int kAddressesMax = 32;
constexpr std::size_t kTextMax = 4096;
constexpr ssize_t kHeaderBytes = 12;
constexpr std::size_t kServersMax = 8;
constexpr std::size_t kNameMax = 253;
constexpr std::size_t kLabelMax = 63;

// ares_library_init() is not safe against itself; a static initialises once.
void initialise_cares() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  EVERUP_ASSERT(status == ARES_SUCCESS);
}

struct Kind {
  DnsAnswer::Kind kind;
  const char* words;
};
Kind kind_of(int status) {
  switch (status) {
    case ARES_SUCCESS:
      return {DnsAnswer::Kind::kAddresses, ""};
    case ARES_ENODATA:
      return {DnsAnswer::Kind::kNoData, "NODATA"};
    case ARES_ENOTFOUND:
      return {DnsAnswer::Kind::kNoName, "NXDOMAIN"};
    case ARES_EBADNAME:
      return {DnsAnswer::Kind::kNoName, "not a valid name"};
    case ARES_ESERVFAIL:
      return {DnsAnswer::Kind::kFailure, "SERVFAIL"};
    case ARES_EREFUSED:
      return {DnsAnswer::Kind::kFailure, "REFUSED"};
    case ARES_EFORMERR:
      return {DnsAnswer::Kind::kFailure, "FORMERR"};
    case ARES_ENOTIMP:
      return {DnsAnswer::Kind::kFailure, "NOTIMP"};
    case ARES_EBADRESP:
      return {DnsAnswer::Kind::kFailure, "a broken answer"};
    case ARES_ENOMEM:
      return {DnsAnswer::Kind::kOurTrouble, "out of memory"};
    case ARES_ECONNREFUSED:
      return {DnsAnswer::Kind::kSilence, "nobody answers at the servers' addresses"};
    default:
      return {DnsAnswer::Kind::kSilence, "no answer"};
  }
}

int status_of(int rcode) {
  switch (rcode) {
    case ns_r_servfail:
      return ARES_ESERVFAIL;
    case ns_r_notimpl:
      return ARES_ENOTIMP;
    case ns_r_refused:
      return ARES_EREFUSED;
    default:
      return ARES_ECONNREFUSED;
  }
}

DnsAnswer answer_of(int status) {
  const Kind kind = kind_of(status);
  return {kind.kind, {}, 0, kind.words, {}, {}};
}

void keep(DnsAnswer& answer, const Address& address, int ttl) {
  answer.ttl_s = answer.addresses.empty() ? ttl : std::min<std::int64_t>(answer.ttl_s, ttl);
  answer.addresses.push_back(address);
}

std::string host_text(const char* name) {
  std::string text = printable(name != nullptr ? name : "", kNameMax);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (text.ends_with('.')) text.pop_back();
  return text;
}

template <class Record>
using AresList = std::unique_ptr<Record, decltype(&ares_free_data)>;

DnsAnswer parse_mx(const unsigned char* bytes, int size) {
  ares_mx_reply* first = nullptr;
  const int status = ares_parse_mx_reply(bytes, size, &first);
  const AresList<ares_mx_reply> owned(first, &ares_free_data);
  DnsAnswer answer = answer_of(status);
  for (const auto* one = first; status == ARES_SUCCESS && one != nullptr; one = one->next) {
    if (answer.mx.size() < kAddressesMax) answer.mx.push_back({one->priority, host_text(one->host)});
  }
  return answer.mx.empty() && status == ARES_SUCCESS ? answer_of(ARES_ENODATA) : answer;
}

DnsAnswer parse_txt(const unsigned char* bytes, int size) {
  ares_txt_ext* first = nullptr;
  const int status = ares_parse_txt_reply_ext(bytes, size, &first);
  const AresList<ares_txt_ext> owned(first, &ares_free_data);
  DnsAnswer answer = answer_of(status);
  for (const auto* one = first; status == ARES_SUCCESS && one != nullptr; one = one->next) {
    if (one->record_start != 0 && answer.texts.size() < kAddressesMax) answer.texts.emplace_back();
    const bool room = !answer.texts.empty() && answer.texts.back().size() + one->length <= kTextMax;
    if (room) answer.texts.back().append(reinterpret_cast<const char*>(one->txt), one->length);
  }
  return answer.texts.empty() && status == ARES_SUCCESS ? answer_of(ARES_ENODATA) : answer;
}

DnsAnswer parse_ptr(const unsigned char* bytes, int size) {
  hostent* host = nullptr;
  const int status = ares_parse_ptr_reply(bytes, size, nullptr, 0, AF_INET, &host);
  const std::unique_ptr<hostent, decltype(&ares_free_hostent)> owned(host, &ares_free_hostent);
  DnsAnswer answer = answer_of(status);
  for (char** alias = host != nullptr ? host->h_aliases : nullptr; alias != nullptr && *alias != nullptr; ++alias) {
    if (answer.texts.size() < kAddressesMax) answer.texts.push_back(host_text(*alias));
  }
  return answer.texts.empty() && status == ARES_SUCCESS ? answer_of(ARES_ENODATA) : answer;
}

DnsAnswer parse_addresses(QuestionType type, const unsigned char* bytes, int size) {
  DnsAnswer answer = answer_of(ARES_SUCCESS);
  int count = kAddressesMax;
  int status = ARES_SUCCESS;
  if (type == QuestionType::kA) {
    ares_addrttl found[kAddressesMax];
    status = ares_parse_a_reply(bytes, size, nullptr, found, &count);
    for (int i = 0; status == ARES_SUCCESS && i < count; ++i)
      keep(answer, Address::from_v4(ntohl(found[i].ipaddr.s_addr)), found[i].ttl);
  } else {
    ares_addr6ttl found[kAddressesMax];
    status = ares_parse_aaaa_reply(bytes, size, nullptr, found, &count);
    for (int i = 0; status == ARES_SUCCESS && i < count; ++i) {
      std::array<std::uint8_t, 16> raw;
      std::memcpy(raw.data(), &found[i].ip6addr, raw.size());
      keep(answer, Address::from_v6(raw), found[i].ttl);
    }
  }
  if (status != ARES_SUCCESS) return answer_of(status);
  return answer.addresses.empty() ? answer_of(ARES_ENODATA) : answer;
}

DnsAnswer parse(QuestionType type, const unsigned char* bytes, int size) {
  switch (type) {
    case QuestionType::kA:
    case QuestionType::kAaaa:
      return parse_addresses(type, bytes, size);
    case QuestionType::kNs:
      return answer_of(ARES_SUCCESS);
    case QuestionType::kMx:
      return parse_mx(bytes, size);
    case QuestionType::kTxt:
      return parse_txt(bytes, size);
    case QuestionType::kPtr:
      return parse_ptr(bytes, size);
  }
  return answer_of(ARES_EBADRESP);
}

int record_type_of(QuestionType type) {
  switch (type) {
    case QuestionType::kA:
      return ns_t_a;
    case QuestionType::kAaaa:
      return ns_t_aaaa;
    case QuestionType::kNs:
      return ns_t_ns;
    case QuestionType::kMx:
      return ns_t_mx;
    case QuestionType::kTxt:
      return ns_t_txt;
    case QuestionType::kPtr:
      return ns_t_ptr;
  }
  return ns_t_a;
}

}  // namespace

struct DnsChannel::Generation {
  DnsChannel* owner = nullptr;
  ares_channel channel = nullptr;
  int asked = 0;
  int outstanding = 0;
  Instant last_asked;
  int last_rcode = -1;  // of the message received last; -1: none
  ~Generation() {
    if (channel != nullptr) ares_destroy(channel);
  }
};

struct DnsChannel::Ask {
  Generation* generation;
  std::uint64_t id;
  QuestionType type;
};

// What c-ares calls. Nothing here may throw: an exception through a C frame ends in undefined behaviour, so memory
// exhaustion aborts.
struct DnsCallbacks {
  static DnsChannel::Generation& generation(void* data) { return *static_cast<DnsChannel::Generation*>(data); }

  static void state(void* data, ares_socket_t fd, int readable, int writable) noexcept {
    auto& from = generation(data);
    from.owner->watch(from, fd, readable != 0, writable != 0);
  }
  static void answer(void* data, int status, int, unsigned char* bytes, int size) noexcept {
    const std::unique_ptr<DnsChannel::Ask> ask(static_cast<DnsChannel::Ask*>(data));
    --ask->generation->outstanding;
    if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED) return;
    // When all servers refuse, c-ares says "connection refused"; what they really said was in the message just
    // received.
    if (status == ARES_ECONNREFUSED) status = status_of(ask->generation->last_rcode);
    ask->generation->owner->record(*ask, status, bytes, size);
  }

  // Sockets are ours so that errno survives: our exhaustion must not look like a dead server.
  static ares_socket_t open(int family, int type, int protocol, void* data) noexcept {
    const int fd = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd < 0) generation(data).owner->note_trouble(errno);
    return fd;
  }
  static int close(ares_socket_t fd, void*) noexcept { return ::close(fd); }
  static int connect(ares_socket_t fd, const sockaddr* address, ares_socklen_t length, void* data) noexcept {
    const int status = ::connect(fd, address, length);
    const int code = errno;
    const bool ours = code == EADDRNOTAVAIL || code == EAGAIN || code == EACCES || code == EPERM || code == ENOBUFS;
    if (status != 0 && ours) generation(data).owner->note_trouble(code);
    errno = code;
    return status;
  }
  static ares_ssize_t receive(ares_socket_t fd, void* bytes, size_t size, int flags, sockaddr* from,
                              ares_socklen_t* length, void* data) noexcept {
    const ssize_t got = ::recvfrom(fd, bytes, size, flags, from, length);
    generation(data).last_rcode = got >= kHeaderBytes ? static_cast<const unsigned char*>(bytes)[3] & 15 : -1;
    return got;
  }
  static ares_ssize_t send(ares_socket_t fd, const iovec* parts, int count, void*) noexcept {
    return ::writev(fd, parts, count);
  }

  static constexpr ares_socket_functions kSockets{open, close, connect, receive, send};
};

DnsChannel::DnsChannel(Loop& loop, const ResolverOptions& options, OnAnswer on_answer, OnTick on_tick)
    : loop_(loop),
      options_(options),
      on_answer_(std::move(on_answer)),
      on_tick_(std::move(on_tick)),
      resolv_conf_(options.resolv_conf) {
  initialise_cares();
}

DnsChannel::~DnsChannel() {
  loop_.cancel(tick_);
  loop_.cancel(flush_);
  generations_.clear();
}

std::unique_ptr<DnsChannel::Generation> DnsChannel::open() {
  auto fresh = std::make_unique<Generation>();
  fresh->owner = this;
  ares_options options{};
  options.timeout = static_cast<int>(options_.try_timeout.count());
  options.tries = options_.tries;
  options.ndots = 1;
  options.flags = ARES_FLAG_NOALIASES;  // no file named by an environment variable decides where we connect
  options.sock_state_cb = DnsCallbacks::state;
  options.sock_state_cb_data = fresh.get();
  std::string resolv_conf = options_.resolv_conf;  // c-ares copies it, but wants it writable
  options.resolvconf_path = resolv_conf.data();
  const int mask = ARES_OPT_FLAGS | ARES_OPT_RESOLVCONF | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
                   ARES_OPT_SOCK_STATE_CB | ARES_OPT_NOROTATE;
  if (ares_init_options(&fresh->channel, &options, mask) != ARES_SUCCESS) return nullptr;
  ares_set_socket_functions(fresh->channel, &DnsCallbacks::kSockets, fresh.get());
  std::string servers;
  for (const Address& server : options_.servers) servers += (servers.empty() ? "" : ",") + server.text();
  if (!servers.empty() && ares_set_servers_ports_csv(fresh->channel, servers.c_str()) != ARES_SUCCESS) return nullptr;
  return fresh;
}

DnsChannel::Generation* DnsChannel::current() {
  const bool moved = options_.servers.empty() && resolv_conf_.changed(loop_.now().mono);
  if (generations_.empty() || generations_.back()->asked >= kQuestionsPerChannel || moved) {
    auto fresh = open();
    if (!fresh) return nullptr;
    generations_.push_back(std::move(fresh));
  }
  return generations_.back().get();
}

std::vector<Address> DnsChannel::servers() {
  const Generation* generation = current();
  ares_addr_port_node* list = nullptr;
  if (generation == nullptr || ares_get_servers_ports(generation->channel, &list) != ARES_SUCCESS) return {};
  std::vector<Address> out;
  for (const auto* one = list; one != nullptr; one = one->next) {
    const auto port = static_cast<std::uint16_t>(one->udp_port == 0 ? 53 : one->udp_port);
    if (one->family == AF_INET) {
      out.push_back(Address::from_v4(ntohl(one->addr.addr4.s_addr), port));
    } else if (one->family == AF_INET6) {
      std::array<std::uint8_t, 16> bytes{};
      std::memcpy(bytes.data(), &one->addr.addr6, bytes.size());
      out.push_back(Address::from_v6(bytes, port));
    }
  }
  ares_free_data(list);
  return out;
}

void DnsChannel::ask(const std::string& name, QuestionType type, std::uint64_t id) {
  Generation* generation = current();
  if (generation == nullptr) {
    answers_.emplace_back(id, DnsAnswer{DnsAnswer::Kind::kOurTrouble, {}, 0, "cannot start a DNS channel", {}, {}});
    arm();
    return;
  }
  ++generation->asked;
  ++generation->outstanding;
  generation->last_asked = loop_.now().mono;
  auto* ask = new Ask{generation, id, type};  // DnsCallbacks::answer() takes it back, in every case
  const bool single_label = name.find('.') == std::string::npos;
  const auto put = single_label ? ares_search : ares_query;
  put(generation->channel, name.c_str(), ns_c_in, record_type_of(type), DnsCallbacks::answer, ask);
  arm();
}

void DnsChannel::watch(Generation& generation, int fd, bool readable, bool writable) noexcept {
  const std::uint32_t events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U);
  if (events == 0) return loop_.unwatch(fd);
  Status status = ok();
  if (loop_.watched(fd)) {
    status = loop_.modify(fd, events);
  } else {
    status = loop_.watch(fd, events, [this, &generation, fd](std::uint32_t ready) { process(generation, fd, ready); });
  }
  if (!status) note_trouble(ENOSPC);
}

void DnsChannel::process(Generation& generation, int fd, std::uint32_t events) {
  const bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
  ares_process_fd(generation.channel, (events & EPOLLIN) != 0 || broken ? fd : ARES_SOCKET_BAD,
                  (events & EPOLLOUT) != 0 ? fd : ARES_SOCKET_BAD);
  flush();
}

void DnsChannel::record(Ask& ask, int status, const unsigned char* bytes, int size) {
  answers_.emplace_back(ask.id, status == ARES_SUCCESS ? parse(ask.type, bytes, size) : answer_of(status));
}

void DnsChannel::flush() {
  while (!answers_.empty()) {
    std::vector<std::pair<std::uint64_t, DnsAnswer>> mine;
    mine.swap(answers_);
    for (auto& [id, answer] : mine) on_answer_(id, std::move(answer));
  }
}

void DnsChannel::arm() {
  if (!tick_) tick_ = loop_.at(loop_.now().mono + kTick, [this] { tick(); });
  if (answers_.empty() || flush_) return;
  flush_ = loop_.at(loop_.now().mono, [this] {
    flush_ = {};
    flush();
  });
}

void DnsChannel::tick() {
  tick_ = {};
  const Instant now = loop_.now().mono;
  for (const auto& generation : generations_) {
    if (generation->outstanding > 0) ares_process_fd(generation->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  }
  const auto finished = [&](const std::unique_ptr<Generation>& generation) {
    return generation->outstanding == 0 || generation->last_asked + options_.question_max + 2 * kTick < now;
  };
  const auto last = generations_.end() - (generations_.empty() ? 0 : 1);  // the current one stays
  generations_.erase(std::remove_if(generations_.begin(), last, finished), last);
  const bool busy =
      std::any_of(generations_.begin(), generations_.end(), [](const auto& each) { return each->outstanding > 0; });
  flush();
  const bool go_on = on_tick_();
  if (busy || go_on || generations_.size() > 1) arm();
}

void DnsChannel::note_trouble(int code) noexcept {
  trouble_at_ = loop_.now().mono;
  trouble_ = std::strerror(code);
}

Result<std::vector<Address>> parse_dns_servers(std::string_view text) {
  constexpr std::string_view kSeparators = " ,\t\r\n";
  std::vector<Address> out;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(kSeparators), text.size()));
    if (text.empty()) return out;
    const std::string_view word = text.substr(0, text.find_first_of(kSeparators));
    text.remove_prefix(word.size());
    const auto server = Address::parse_endpoint(word, 53);
    if (!server) {
      return Error{ErrorCode::kInvalid,
                   "EVERUP_DNS_SERVERS: \"" + printable(word, 80) +
                       "\" is not a server: write an address or address:port, like 192.0.2.53 or [2001:db8::53]:53"};
    }
    if (out.size() == kServersMax)
      return Error{ErrorCode::kInvalid, "EVERUP_DNS_SERVERS: more than " + std::to_string(kServersMax) + " servers"};
    out.push_back(*server);
  }
}

namespace {

bool ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0; });
}

bool name_character(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }

// Empty: nothing wrong.
std::string fault_of(std::string_view name) {
  if (name.empty()) return "the name is empty";
  if (name.size() > kNameMax) return "the name is longer than " + std::to_string(kNameMax) + " bytes";
  while (true) {
    const std::string_view label = name.substr(0, name.find('.'));
    if (label.empty()) return "a part between two dots is empty";
    if (label.size() > kLabelMax)
      return "a part between two dots is longer than " + std::to_string(kLabelMax) + " bytes";
    if (!std::all_of(label.begin(), label.end(), name_character))
      return "only letters, digits, hyphens and dots can be in a name";
    if (label.size() == name.size()) return {};
    name.remove_prefix(label.size() + 1);
  }
}

}  // namespace

Result<std::string> ascii_name(std::string_view name) {
  const auto fault = [&](std::string_view what) {
    return Error{ErrorCode::kInvalid, '"' + printable(name, 100) + "\" is not a host name: " + std::string(what)};
  };
  if (name.size() > 4 * kNameMax) return fault("the name is longer than " + std::to_string(kNameMax) + " bytes");
  std::string out(name);
  if (!ascii(name)) {
    if (name.find('\0') != std::string_view::npos)
      return fault("only letters, digits, hyphens and dots can be in a name");
    char* raw = nullptr;
    const int status = idn2_to_ascii_8z(out.c_str(), &raw, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    const Handle<char, idn2_free> owned(raw);
    if (status != IDN2_OK) return fault(idn2_strerror(status));
    out = raw;
  }
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (out.ends_with('.')) out.pop_back();
  if (const std::string wrong = fault_of(out); !wrong.empty()) return fault(wrong);
  return out;
}

}  // namespace everup::net
