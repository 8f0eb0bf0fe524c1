#include "checker/ping_probe.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/datagram.h"
#include "net/digest.h"

namespace everup::checker {

namespace {

constexpr std::size_t kHeader = 8, kSecret = 16;
constexpr unsigned char kEchoV4 = 8, kReplyV4 = 0, kEchoV6 = 128, kReplyV6 = 129;

std::int32_t us_between(Instant from, Instant to) {
  return static_cast<std::int32_t>(std::clamp<std::int64_t>((to - from).count() / 1000, 0, 70'000'000));
}

// The kernel fills in identifier and checksum.
std::string echo_request(bool v4, std::size_t sequence, const std::string& secret) {
  std::string out(kHeader, '\0');
  out[0] = static_cast<char>(v4 ? kEchoV4 : kEchoV6);
  out[6] = static_cast<char>(sequence >> 8U & 255U);
  out[7] = static_cast<char>(sequence & 255U);
  return out + secret;
}

}  // namespace

PingProbe::PingProbe(const Places& places, const Question& question, Done done)
    : places_(places),
      question_(question),
      done_(std::move(done)),
      settings_(settings_of<PingSettings>(*question.plan)),
      started_(places.loop.clock().now().mono),
      finder_(places) {
  begin();
}

PingProbe::~PingProbe() {
  drop_socket();
  places_.loop.cancel(timer_);
}

void PingProbe::drop_socket() {
  if (socket_) places_.loop.unwatch(socket_.value());
  socket_.reset();
}

void PingProbe::arm(Instant when) {
  places_.loop.cancel(timer_);
  timer_ = places_.loop.at(std::min(when, question_.deadline), [this] {
    timer_ = {};
    on_timer();
  });
}

void PingProbe::begin() {
  const auto target = parse_target(question_.plan->url);
  if (!target) {
    timer_ = places_.loop.at(places_.loop.now().mono, [this, what = target.error().what] {
      timer_ = {};
      end(Cause::kInternal, "target: " + what);
    });
    return;
  }
  arm(question_.deadline);
  finder_.start(target->host, 0, settings_->options.ip_version, question_.strict_policy, question_.deadline,
                [this](FoundAddresses&& found) {
                  timings_.dns_us = us_between(started_, places_.loop.clock().now().mono);
                  if (found.cause != Cause::kOk) return end(found.cause, std::move(found.detail));
                  open(found.addresses.front());
                });
}

void PingProbe::open(const net::Address& address) {
  address_ = address;
  auto opened =
      net::open_datagram(net::Datagram::kIcmpEcho, address, question_.strict_policy ? &places_.policy : nullptr);
  if (opened.cause != Cause::kOk) return end(opened.cause, opened.detail);
  socket_ = std::move(opened.fd);
  if (auto watched = places_.loop.watch(socket_.value(), EPOLLIN, [this](std::uint32_t) { on_readable(); }); !watched)
    return end(Cause::kOwnResources, watched.error().what);
  send();
}

void PingProbe::send() {
  Request request{places_.loop.clock().now().mono, net::random_bytes(kSecret), -1};
  const std::string bytes = echo_request(address_.v4(), requests_.size(), request.secret);
  if (::send(socket_.value(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0 && errno != EAGAIN) {
    const int error = errno;
    return end(net::datagram_cause(error), std::string("ping: ") + std::strerror(error));
  }
  requests_.push_back(std::move(request));
  const bool last = requests_.size() >= static_cast<std::size_t>(settings_->options.count);
  arm(last ? question_.deadline : requests_.back().sent + kGap);
}

void PingProbe::on_readable() {
  std::array<char, 2048> buffer{};
  const ssize_t got = ::recv(socket_.value(), buffer.data(), buffer.size(), 0);
  if (got < 0) {
    const int error = errno;
    if (error == EAGAIN || error == EINTR) return;
    // An ICMP error: told when no reply comes after all.
    refusal_ = std::strerror(error);
    if (requests_.size() >= static_cast<std::size_t>(settings_->options.count)) judge();
    return;
  }
  take_reply({buffer.data(), static_cast<std::size_t>(got)});
}

void PingProbe::take_reply(std::string_view bytes) {
  if (bytes.size() != kHeader + kSecret) return;
  if (static_cast<unsigned char>(bytes[0]) != (address_.v4() ? kReplyV4 : kReplyV6)) return;
  const std::size_t sequence =
      static_cast<std::size_t>(static_cast<unsigned char>(bytes[6])) << 8U | static_cast<unsigned char>(bytes[7]);
  if (sequence >= requests_.size() || bytes.substr(kHeader) != requests_[sequence].secret) return;
  Request& request = requests_[sequence];
  if (request.answered_us < 0) request.answered_us = us_between(request.sent, places_.loop.clock().now().mono);
  if (answered() == static_cast<std::size_t>(settings_->options.count)) judge();
}

void PingProbe::on_timer() {
  if (places_.loop.now().mono < question_.deadline && socket_) return send();
  if (!socket_) return end(Cause::kDnsUnavailable, "no answer from the name servers in time");
  judge();
}

std::size_t PingProbe::answered() const {
  return static_cast<std::size_t>(
      std::count_if(requests_.begin(), requests_.end(), [](const Request& one) { return one.answered_us >= 0; }));
}

std::int32_t PingProbe::median_us() const {
  std::vector<std::int32_t> times;
  for (const Request& one : requests_) {
    if (one.answered_us >= 0) times.push_back(one.answered_us);
  }
  if (times.empty()) return -1;
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

void PingProbe::judge() {
  timings_.wait_us = median_us();
  const int sent = static_cast<int>(requests_.size());
  const int lost = sent - static_cast<int>(answered());
  if (lost == sent) {
    const std::string what = refusal_.empty() ? "no reply from " + address_.host() : address_.host() + ": " + refusal_;
    return end(Cause::kPingLost, what + (sent > 1 ? " to " + std::to_string(sent) + " pings" : ""));
  }
  const int percent = lost * 100 / sent;
  std::string detail;
  if (const Cause cause = broken(settings_->expect, percent, detail); cause != Cause::kOk) {
    Outcome outcome = outcome_of(cause, detail);
    outcome.verdict = Verdict::kDown;  // what `expect` names is down (SHAPES 4)
    return finish(std::move(outcome));
  }
  Outcome outcome = outcome_of(Cause::kOk);
  if (const Cause cause = broken(settings_->warn, percent, detail); cause != Cause::kOk) {
    outcome = outcome_of(cause, detail);
    outcome.verdict = Verdict::kDegraded;
  }
  finish(std::move(outcome));
}

Cause PingProbe::broken(const PingExpect& expect, int loss_percent, std::string& detail) const {
  if (expect.loss_percent_max && loss_percent > *expect.loss_percent_max) {
    detail = std::to_string(loss_percent) + "% lost, wanted at most " + std::to_string(*expect.loss_percent_max) + "%";
    return Cause::kPingPartial;
  }
  const int ms = (median_us() + 999) / 1000;
  if (expect.latency_ms_max && ms > *expect.latency_ms_max) {
    detail = std::to_string(ms) + " ms, wanted at most " + std::to_string(*expect.latency_ms_max);
    return Cause::kTooSlow;
  }
  return Cause::kOk;
}

void PingProbe::end(Cause cause, std::string detail) {
  finish(outcome_of(cause, detail.empty() ? std::string(facts(cause).english) : printable(detail, 200)));
}

void PingProbe::finish(Outcome&& outcome) {
  drop_socket();
  finder_.cancel();
  places_.loop.cancel(timer_);
  timer_ = {};
  // A ping's latency is its round trip, not our gaps between requests.
  timings_.total_us = timings_.wait_us >= 0 ? std::max(timings_.dns_us, 0) + timings_.wait_us
                                            : us_between(started_, places_.loop.clock().now().mono);
  outcome.timings = timings_;
  if (outcome.cause != Cause::kOk || question_.want_evidence) {
    auto evidence = std::make_unique<Evidence>();
    evidence->address = address_.host();
    evidence->body_excerpt = std::to_string(answered()) + " of " + std::to_string(requests_.size()) + " pings answered";
    outcome.evidence = std::move(evidence);
  }
  const Done done = std::move(done_);
  done(std::move(outcome));
}

}  // namespace everup::checker
