#include "checker/dns_probe.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/datagram.h"
#include "net/digest.h"
#include "net/socket_error.h"

namespace everup::checker {

namespace {

constexpr std::chrono::seconds kFirstTry{1};
constexpr std::uint16_t kDnsPort = 53;

std::int32_t us_between(Instant from, Instant to) {
  return static_cast<std::int32_t>(std::clamp<std::int64_t>((to - from).count() / 1000, 0, 70'000'000));
}

std::uint16_t random_id() {
  const std::string bytes = net::random_bytes(2);
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[0]) << 8U | static_cast<unsigned char>(bytes[1]));
}

std::string lowered(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  while (text.size() > 1 && text.ends_with('.')) text.pop_back();
  return text;
}

// Values are compared as people write them: names without regard to case and final dot; texts as they are.
std::string comparable(const std::string& value, DnsType type) {
  if (type == DnsType::kTxt || type == DnsType::kCaa) return value;
  if (type == DnsType::kA || type == DnsType::kAaaa) {
    const auto address = net::Address::parse(value);
    return address ? address->host() : value;
  }
  return lowered(value);
}

}  // namespace

DnsProbe::DnsProbe(const Places& places, const Question& question, Done done)
    : places_(places),
      question_(question),
      done_(std::move(done)),
      settings_(settings_of<DnsSettings>(*question.plan)),
      started_(places.loop.clock().now().mono),
      finder_(places) {
  begin();
}

DnsProbe::~DnsProbe() {
  drop_socket();
  places_.loop.cancel(timer_);
}

void DnsProbe::arm(Instant when) {
  places_.loop.cancel(timer_);
  timer_ = places_.loop.at(std::min(when, question_.deadline), [this] {
    timer_ = {};
    on_timer();
  });
}

// Nothing ends in here: what is wrong at once is told in the next turn of the loop.
void DnsProbe::begin() {
  const auto refuse = [this](Cause cause, std::string detail) {
    timer_ = places_.loop.at(places_.loop.now().mono, [this, cause, text = std::move(detail)] {
      timer_ = {};
      end(cause, text);
    });
  };
  const auto target = parse_target(question_.plan->url);
  if (!target) return refuse(Cause::kInternal, "target: " + target.error().what);
  name_ = target->host;
  if (!net::Address::parse(name_)) {
    auto ascii = net::ascii_name(name_);
    if (!ascii) return refuse(Cause::kDnsFailure, ascii.error().what);
    name_ = *std::move(ascii);
  }
  arm(question_.deadline);
  if (named()) return find_server();
  const auto servers = places_.resolver.servers();
  if (servers.empty()) return refuse(Cause::kDnsUnavailable, "no name server is configured here");
  server_ = servers.front();
  timer_ = (places_.loop.cancel(timer_), places_.loop.at(places_.loop.now().mono, [this] {
    timer_ = {};
    ask();
  }));
}

void DnsProbe::find_server() {
  const std::string& text = settings_->options.server;
  std::string host = text;
  std::uint16_t port = kDnsPort;
  if (const auto endpoint = net::Address::parse_endpoint(text, kDnsPort)) {
    host = endpoint->host();
    port = endpoint->port;
  } else if (const auto colon = text.rfind(':'); colon != std::string::npos) {
    const int number = std::atoi(text.c_str() + colon + 1);
    if (number > 0 && number <= 65535) port = static_cast<std::uint16_t>(number);
    host.resize(colon);
  }
  finder_.start(host, port, IpVersion::kAny, question_.strict_policy, question_.deadline,
                [this](FoundAddresses&& found) {
                  timings_.dns_us = us_between(started_, places_.loop.clock().now().mono);
                  if (found.cause != Cause::kOk) return end(found.cause, "the name server: " + found.detail);
                  server_ = found.addresses.front();
                  ask();
                });
}

void DnsProbe::ask() {
  tries_ = 0;
  if (!control_) asked_ = places_.loop.clock().now().mono;
  if (settings_->options.tcp && !control_) return ask_over_tcp();
  send();
}

void DnsProbe::send() {
  drop_socket();
  auto opened =
      net::open_datagram(net::Datagram::kUdp, server_, named() && question_.strict_policy ? &places_.policy : nullptr);
  if (opened.cause != Cause::kOk) return end(opened.cause, opened.detail);
  socket_ = std::move(opened.fd);
  id_ = random_id();
  const auto bytes =
      control_ ? net::dns_question(id_, ".", DnsType::kNs) : net::dns_question(id_, name_, settings_->options.type);
  if (!bytes) return end(Cause::kDnsFailure, bytes.error().what);
  if (::send(socket_.value(), bytes->data(), bytes->size(), MSG_NOSIGNAL) < 0) {
    const int error = errno;
    if (error != EAGAIN) return end(net::socket_cause(error), std::string("send: ") + std::strerror(error));
  }
  if (auto watched = places_.loop.watch(socket_.value(), EPOLLIN, [this](std::uint32_t) { on_readable(); }); !watched)
    return end(Cause::kOwnResources, watched.error().what);
  ++tries_;
  arm(places_.loop.clock().now().mono + kFirstTry * (1 << (tries_ - 1)));
}

void DnsProbe::drop_socket() {
  if (socket_) places_.loop.unwatch(socket_.value());
  socket_.reset();
  stream_.reset();
}

void DnsProbe::on_readable() {
  std::string bytes(65'536, '\0');
  const ssize_t got = ::recv(socket_.value(), bytes.data(), bytes.size(), 0);
  if (got < 0) {
    const int error = errno;
    if (error == EAGAIN || error == EINTR) return;
    return nothing_came(net::socket_cause(error) == Cause::kConnectRefused ? "nobody listens there"
                                                                           : std::strerror(error));
  }
  bytes.resize(static_cast<std::size_t>(got));
  // Another id is not ours: a late answer to an earlier try, or a guess.
  if (bytes.size() < 2 || static_cast<unsigned char>(bytes[0]) != id_ >> 8U ||
      static_cast<unsigned char>(bytes[1]) != (id_ & 255U))
    return;
  on_message(bytes);
}

void DnsProbe::on_message(std::string_view message) {
  if (control_) {
    const auto answer = net::dns_reply(message, ".", DnsType::kNs);
    const bool works = answer.ok() && answer->rcode == 0;
    return end(works ? Cause::kDnsFailure : Cause::kDnsUnavailable, silence_);
  }
  const auto answer = net::dns_reply(message, name_, settings_->options.type);
  if (!answer) return end(Cause::kDnsMalformed, answer.error().what);
  if (answer->truncated && !stream_) return ask_over_tcp();
  judge(*answer);
}

void DnsProbe::ask_over_tcp() {
  drop_socket();
  arm(question_.deadline);
  id_ = random_id();
  stream_ = std::make_unique<net::Stream>(places_.loop, [this](net::StreamEvent event) { on_stream(event); });
  stream_->connect(server_, named() && question_.strict_policy ? &places_.policy : nullptr);
}

void DnsProbe::on_stream(net::StreamEvent event) {
  switch (event) {
    case net::StreamEvent::kConnected: {
      const auto bytes = net::dns_question(id_, name_, settings_->options.type);
      if (!bytes) return end(Cause::kDnsFailure, bytes.error().what);
      const std::string framed{static_cast<char>(bytes->size() >> 8U), static_cast<char>(bytes->size() & 255U)};
      if (!stream_->write(framed + *bytes)) return end(Cause::kInternal, "the question is too large");
      return;
    }
    case net::StreamEvent::kReceived: {
      const std::string_view got = stream_->received();
      if (got.size() < 2) return;
      const std::size_t length =
          static_cast<std::size_t>(static_cast<unsigned char>(got[0])) << 8U | static_cast<unsigned char>(got[1]);
      if (got.size() < 2 + length) {
        if (length + 2 > net::Stream::kReadAheadMax) return end(Cause::kDnsMalformed, "the answer is too large");
        return;
      }
      return on_message(std::string(got.substr(2, length)));
    }
    case net::StreamEvent::kClosed:
      return end(Cause::kDnsMalformed, "the name server closed the connection without an answer");
    case net::StreamEvent::kFailed:
      return end(stream_->failure().cause, "DNS over TCP: " + stream_->failure().detail);
    case net::StreamEvent::kSent:
    case net::StreamEvent::kSecured:
      return;
  }
}

void DnsProbe::on_timer() {
  if (places_.loop.now().mono >= question_.deadline || tries_ >= kTries || stream_ || !socket_)
    return nothing_came("no answer after " + std::to_string(us_between(started_, places_.loop.now().mono) / 1000) +
                        " ms");
  send();
}

// Whose silence is it? A named server is the target itself; of ours, the control question decides.
void DnsProbe::nothing_came(std::string detail) {
  drop_socket();
  const bool time_left = places_.loop.now().mono < question_.deadline;
  if (named()) return end(Cause::kDnsTimeout, server_.text() + ": " + detail);
  if (control_ || !time_left) return end(Cause::kDnsUnavailable, control_ ? silence_ : detail);
  silence_ = "our name server " + server_.text() + " did not answer for " + name_ + ": " + detail;
  control_ = true;
  ask();
}

void DnsProbe::judge(const net::DnsReply& reply) {
  timings_.wait_us = us_between(asked_, places_.loop.clock().now().mono);
  rcode_ = reply.rcode;
  const auto show = [this](const std::string& line) { shown_ += (shown_.empty() ? "" : "; ") + line; };
  for (const auto& alias : reply.aliases) show("CNAME " + alias);
  const std::string type(net::type_name(settings_->options.type));
  for (const auto& record : reply.records) {
    show(record.name + " " + std::to_string(record.ttl) + " " + type + " " + record.value);
  }
  const bool failing = reply.rcode == 2 || reply.rcode == 5;  // SERVFAIL, REFUSED
  if (failing && !named() && settings_->expect.rcode.empty()) {
    silence_ =
        "our name server " + server_.text() + " says " + std::string(net::rcode_name(reply.rcode)) + " for " + name_;
    control_ = true;
    return ask();
  }
  std::string detail;
  if (const Cause cause = broken(settings_->expect, reply, true, detail); cause != Cause::kOk)
    return end(cause, std::move(detail));
  Outcome outcome = outcome_of(Cause::kOk);
  if (const Cause cause = broken(settings_->warn, reply, false, detail); cause != Cause::kOk) {
    outcome = outcome_of(cause, detail);
    outcome.verdict = Verdict::kDegraded;
  }
  finish(std::move(outcome));
}

Cause DnsProbe::broken(const DnsExpect& expect, const net::DnsReply& reply, bool with_default,
                       std::string& detail) const {
  const DnsType type = settings_->options.type;
  const std::string_view known = net::rcode_name(reply.rcode);
  const std::string rcode = known.empty() ? "RCODE " + std::to_string(reply.rcode) : std::string(known);
  const std::string wanted = expect.rcode.empty() && with_default ? "NOERROR" : expect.rcode;
  if (!wanted.empty() && rcode != wanted) {
    detail = rcode + ", wanted " + wanted;
    return wanted == "NOERROR" && expect.rcode.empty() ? Cause::kDnsFailure : Cause::kDnsRcode;
  }
  if (with_default && expect.rcode.empty() && reply.records.empty()) {
    detail = name_ + " has no " + std::string(net::type_name(type)) + " record (NODATA)";
    return Cause::kDnsFailure;
  }
  for (const std::string& value : expect.values) {
    const std::string sought = comparable(value, type);
    const bool there = std::any_of(reply.records.begin(), reply.records.end(),
                                   [&](const auto& record) { return comparable(record.value, type) == sought; });
    if (there) continue;
    detail = "no " + value + " in the answer" + (reply.records.empty() ? "" : ": " + reply.records.front().value);
    if (reply.records.size() > 1) detail += " and " + std::to_string(reply.records.size() - 1) + " more";
    return Cause::kDnsValues;
  }
  const int ms = (us_between(started_, places_.loop.clock().now().mono) + 999) / 1000;
  if (expect.latency_ms_max && ms > *expect.latency_ms_max) {
    detail = std::to_string(ms) + " ms, wanted at most " + std::to_string(*expect.latency_ms_max);
    return Cause::kTooSlow;
  }
  return Cause::kOk;
}

void DnsProbe::end(Cause cause, std::string detail) {
  finish(outcome_of(cause, detail.empty() ? std::string(facts(cause).english) : printable(detail, 200)));
}

void DnsProbe::finish(Outcome&& outcome) {
  drop_socket();
  finder_.cancel();
  places_.loop.cancel(timer_);
  timer_ = {};
  timings_.total_us = us_between(started_, places_.loop.clock().now().mono);
  outcome.timings = timings_;
  outcome.code = std::max(rcode_, 0);
  if (outcome.cause != Cause::kOk || question_.want_evidence) {
    auto evidence = std::make_unique<Evidence>();
    if (server_.port != 0) evidence->address = server_.text();
    evidence->body_excerpt = printable(shown_, 2048);
    outcome.evidence = std::move(evidence);
  }
  const Done done = std::move(done_);
  done(std::move(outcome));
}

}  // namespace everup::checker
