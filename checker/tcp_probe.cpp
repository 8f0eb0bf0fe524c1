#include "checker/tcp_probe.h"

#include <algorithm>
#include <utility>

namespace everup::checker {

namespace {

constexpr std::size_t kShownMax = 2 * 1024;

std::int32_t us_between(Instant from, Instant to) {
  return static_cast<std::int32_t>(std::clamp<std::int64_t>((to - from).count() / 1000, 0, 70'000'000));
}

}  // namespace

TcpProbe::TcpProbe(const Places& places, net::TrustStores& trust, const Question& question, Done done)
    : places_(places),
      trust_(trust),
      question_(question),
      done_(std::move(done)),
      settings_(settings_of<TcpSettings>(*question.plan)),
      started_(places.loop.clock().now().mono),
      finder_(places) {
  begin();
}

TcpProbe::~TcpProbe() { places_.loop.cancel(timer_); }

void TcpProbe::arm(Instant when) {
  places_.loop.cancel(timer_);
  timer_ = places_.loop.at(std::min(when, question_.deadline), [this] {
    timer_ = {};
    on_timer();
  });
}

void TcpProbe::begin() {
  auto target = parse_target(question_.plan->url);
  if (!target) {
    timer_ = places_.loop.at(places_.loop.now().mono, [this, what = target.error().what] {
      timer_ = {};
      end(Cause::kInternal, "target: " + what);
    });
    return;
  }
  target_ = *std::move(target);
  arm(question_.deadline);
  finder_.start(target_.host, target_.port, options().ip_version, question_.strict_policy, question_.deadline,
                [this](FoundAddresses&& found) {
                  timings_.dns_us = us_between(started_, places_.loop.clock().now().mono);
                  if (found.cause != Cause::kOk) return end(found.cause, std::move(found.detail));
                  addresses_ = std::move(found.addresses);
                  addresses_.resize(std::min(addresses_.size(), kAddressesMax));
                  connect_next();
                });
}

void TcpProbe::connect_next() {
  const net::Address& address = addresses_[next_++];
  tried_.push_back(address.text());
  stream_ = std::make_unique<net::Stream>(places_.loop, [this](net::StreamEvent event) { on_event(event); });
  const auto left = static_cast<std::int64_t>(addresses_.size() - next_ + 1);
  const Instant now = places_.loop.clock().now().mono;
  arm(left <= 1 ? question_.deadline : now + (question_.deadline - now) / left);
  stream_->connect(address, question_.strict_policy ? &places_.policy : nullptr);
}

void TcpProbe::on_event(net::StreamEvent event) {
  const Instant now = places_.loop.clock().now().mono;
  switch (event) {
    case net::StreamEvent::kConnected:
      connected_ = true;
      timings_.connect_us = std::max(timings_.connect_us, 0) + us_between(stream_->times().started, now);
      arm(question_.deadline);
      return options().tls ? secure() : talk();
    case net::StreamEvent::kSecured:
      timings_.tls_us = us_between(stream_->times().connected, now);
      return talk();
    case net::StreamEvent::kReceived:
      return on_received();
    case net::StreamEvent::kClosed:
      if (talking_) on_received();
      if (done_) end(Cause::kTcpClosed, "closed before the wanted text came");
      return;
    case net::StreamEvent::kFailed:
      return on_failed();
    case net::StreamEvent::kSent:
      return;
  }
}

void TcpProbe::on_failed() {
  const net::StreamFailure failure = stream_->failure();
  const Instant now = places_.loop.clock().now().mono;
  if (connected_ && !talking_) {
    timings_.tls_us = us_between(stream_->times().connected, now);
    return end(failure.cause, failure.detail);
  }
  if (talking_) {
    return end(failure.cause == Cause::kConnectReset ? Cause::kTcpClosed : failure.cause, failure.detail);
  }
  timings_.connect_us = std::max(timings_.connect_us, 0) + us_between(stream_->times().started, now);
  if (!connect_failure(failure.cause)) return end(failure.cause, failure.detail);
  // The far side's word weighs more than our own trouble.
  const bool telling = facts(failure.cause).verdict == Verdict::kDown;
  if (!has_failed_ || (telling && failed_.verdict != Verdict::kDown))
    failed_ = outcome_of(failure.cause, failure.detail);
  has_failed_ = true;
  if (next_ < addresses_.size() && now < question_.deadline) return connect_next();
  end(failed_.cause, failed_.detail);
}

void TcpProbe::secure() {
  net::StreamTls tls;
  if (options().verify_tls) {
    auto trust = trust_.with(options().ca_pem);
    if (!trust) return end(Cause::kInternal, trust.error().what);
    tls.trust = *trust;
  }
  tls.host = target_.host;
  stream_->secure(tls);
}

void TcpProbe::talk() {
  talking_ = true;
  if (!options().send.empty() && !stream_->write(options().send))
    return end(Cause::kInternal, "the text to send is too large");
  on_received();
}

void TcpProbe::on_received() {
  const std::string_view got = stream_->received();
  answer_.append(got.substr(0, kAnswerMax - std::min(kAnswerMax, answer_.size())));
  stream_->consume(got.size());
  if (!talking_) return;
  if (timings_.wait_us < 0 && !answer_.empty()) {
    const auto& times = stream_->times();
    timings_.wait_us = us_between(options().tls ? times.secured : times.connected, places_.loop.clock().now().mono);
  }
  const std::string& wanted = settings_->expect.contains;
  if (wanted.empty() || answer_.find(wanted) != std::string::npos) return judge();
  if (answer_.size() >= kAnswerMax) end(Cause::kTcpMissing, "the wanted text is not in the first 64 KiB");
}

void TcpProbe::on_timer() {
  if (places_.loop.now().mono < question_.deadline && stream_ && !connected_) {
    // This address has had its share of the time.
    timings_.connect_us =
        std::max(timings_.connect_us, 0) + us_between(stream_->times().started, places_.loop.now().mono);
    if (!has_failed_) failed_ = outcome_of(Cause::kConnectTimeout, "no answer from " + tried_.back());
    has_failed_ = true;
    return connect_next();
  }
  const std::string after = " after " + std::to_string(us_between(started_, question_.deadline) / 1000) + " ms";
  if (!stream_) return end(Cause::kDnsUnavailable, "no answer from the name servers" + after);
  if (!connected_) {
    if (has_failed_ && failed_.verdict == Verdict::kDown && failed_.cause != Cause::kConnectTimeout)
      return end(failed_.cause, failed_.detail);
    return end(Cause::kConnectTimeout, std::string(facts(Cause::kConnectTimeout).english) + after);
  }
  if (!talking_) return end(Cause::kTlsTimeout, std::string(facts(Cause::kTlsTimeout).english) + after);
  end(Cause::kTcpTimeout, std::string(facts(Cause::kTcpTimeout).english) + after);
}

std::optional<WallTime> TcpProbe::leaf_not_after() const {
  if (!stream_ || !options().tls || !stream_->tls().certificate) return std::nullopt;
  return stream_->tls().certificate->not_after;
}

void TcpProbe::judge() {
  std::string detail;
  if (const Cause cause = broken(settings_->expect, detail); cause != Cause::kOk) return end(cause, std::move(detail));
  Outcome outcome = outcome_of(Cause::kOk);
  if (const Cause cause = broken(settings_->warn, detail); cause != Cause::kOk) {
    outcome = outcome_of(cause, detail);
    outcome.verdict = Verdict::kDegraded;
  }
  finish(std::move(outcome));
}

Cause TcpProbe::broken(const TcpExpect& expect, std::string& detail) const {
  if (!expect.contains.empty() && answer_.find(expect.contains) == std::string::npos) {
    detail = "the wanted text is not in the answer";
    return Cause::kTcpMissing;
  }
  const int ms = (us_between(started_, places_.loop.clock().now().mono) + 999) / 1000;
  if (expect.latency_ms_max && ms > *expect.latency_ms_max) {
    detail = std::to_string(ms) + " ms, wanted at most " + std::to_string(*expect.latency_ms_max);
    return Cause::kTooSlow;
  }
  const auto expires = leaf_not_after();
  if (expect.certificate_days_min && expires) {
    const std::int64_t days = (expires->ms - places_.loop.now().wall.ms) / 86'400'000;
    if (days < *expect.certificate_days_min) {
      detail = "the certificate expires in " + std::to_string(days) + " days";
      return Cause::kCertificateExpiring;
    }
  }
  return Cause::kOk;
}

void TcpProbe::end(Cause cause, std::string detail) {
  finish(outcome_of(cause, detail.empty() ? std::string(facts(cause).english) : printable(detail, 200)));
}

void TcpProbe::finish(Outcome&& outcome) {
  finder_.cancel();
  places_.loop.cancel(timer_);
  timer_ = {};
  timings_.total_us = us_between(started_, places_.loop.clock().now().mono);
  outcome.timings = timings_;
  outcome.certificate_not_after = leaf_not_after();
  if (outcome.cause != Cause::kOk || question_.want_evidence) {
    auto evidence = std::make_unique<Evidence>();
    evidence->addresses_tried = tried_;
    if (connected_) evidence->address = tried_.back();
    evidence->body_excerpt = printable(answer_, kShownMax);
    if (stream_ && options().tls) evidence->certificate = stream_->tls().certificate;
    outcome.evidence = std::move(evidence);
  }
  if (stream_) stream_->close();
  const Done done = std::exchange(done_, nullptr);
  done(std::move(outcome));
}

}  // namespace everup::checker
