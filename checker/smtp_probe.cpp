#include "checker/smtp_probe.h"

#include <algorithm>
#include <utility>

#include "checker/address_finder.h"
#include "net/digest.h"

namespace everup::checker {

namespace {

constexpr std::size_t kTriedMax = 16;

void add(std::int32_t& sum, std::int64_t us) {
  sum = std::max<std::int32_t>(sum, 0) + static_cast<std::int32_t>(std::clamp<std::int64_t>(us, 0, 70'000'000));
}

std::int64_t us_between(Instant from, Instant to) { return (to - from).count() / 1000; }

std::vector<net::Address> in_order(const net::Resolution& found, std::uint16_t port) {
  std::vector<net::Address> result;
  const std::size_t most = std::max(found.v4.size(), found.v6.size());
  for (std::size_t i = 0; i < most; ++i) {
    if (i < found.v4.size()) result.push_back(found.v4[i].with_port(port));
    if (i < found.v6.size()) result.push_back(found.v6[i].with_port(port));
  }
  result.resize(std::min(result.size(), SmtpProbe::kAddressesMax));
  return result;
}

// RFC 5321, 4.1.3.
std::string literal_of(const net::Address& address) {
  return address.v4() ? "[" + address.host() + "]" : "[IPv6:" + address.host() + "]";
}

}  // namespace

SmtpProbe::SmtpProbe(const SmtpShared& shared, const Question& question, Done done)
    : shared_(shared),
      question_(question),
      done_(std::move(done)),
      settings_(settings_of<SmtpSettings>(*question.plan)),
      started_(shared.loop.clock().now().mono),
      step_started_(started_) {
  begin();
}

SmtpProbe::~SmtpProbe() { shared_.loop.cancel(timer_); }

// Nothing ends in here: what is wrong at once is told in the next turn of the loop.
void SmtpProbe::begin() {
  const auto refuse = [this](Cause cause, std::string detail) {
    timer_ = shared_.loop.at(shared_.loop.now().mono, [this, cause, text = std::move(detail)] {
      timer_ = {};
      end(cause, text);
    });
  };
  auto target = parse_target(question_.plan->url);
  if (!target.ok()) return refuse(Cause::kInternal, "target: " + target.error().what);
  target_ = std::move(*target);
  implicit_tls_ = target_.kind == Kind::kSmtps;
  if (!implicit_tls_ && target_.kind != Kind::kSmtp) return refuse(Cause::kInternal, "not a mail server");
  verify_ = smtp_verifies(options(), implicit_tls_, target_.port);
  auto trust = shared_.trust.with(options().ca_pem);
  if (!trust.ok()) return refuse(Cause::kInternal, trust.error().what);
  trust_ = *trust;
  arm(question_.deadline);
  resolving_ = true;
  query_ = shared_.resolver.resolve(target_.host, options().ip_version, question_.deadline,
                                    [this](net::Resolution&& found) { on_resolved(std::move(found)); });
}

void SmtpProbe::arm(Instant when) {
  if (timer_) shared_.loop.cancel(timer_);
  timer_ = shared_.loop.at(std::min(when, question_.deadline), [this] { on_timer(); });
}

// ---- reaching it -------------------------------------------------------------------------------------------

void SmtpProbe::on_resolved(net::Resolution&& found) {
  resolving_ = false;
  add(timings_.dns_us, us_between(started_, shared_.loop.clock().now().mono));
  if (!found.ok()) return end(cause_of(found.failure), found.detail);
  if (question_.strict_policy) {
    if (auto refusal = keep_allowed(shared_.policy, target_.host, found); !refusal.empty())
      return end(Cause::kAddressRefused, std::move(refusal));
  }
  addresses_ = in_order(found, target_.port);
  connect_next();
}

void SmtpProbe::connect_next() {
  const Instant now = shared_.loop.clock().now().mono;
  const std::size_t left = addresses_.size() - next_;
  const net::Address& address = addresses_[next_++];
  step_started_ = now;
  say_line(Direction::kNote, "connecting to " + address.text());
  stream_ = std::make_unique<net::Stream>(shared_.loop, [this](net::StreamEvent event) { on_stream(event); });
  if (left > 1) arm(now + (question_.deadline - now) / static_cast<std::int64_t>(left));
  stream_->connect(address, question_.strict_policy ? &shared_.policy : nullptr);
}

void SmtpProbe::connect_failed(Cause cause, std::string detail) {
  const Instant now = shared_.loop.clock().now().mono;
  add(timings_.connect_us, us_between(step_started_, now));
  say_line(Direction::kNote, addresses_[next_ - 1].text() + ": " + detail);
  const bool telling = facts(cause).verdict == Verdict::kDown;
  if (!failed_ || (telling && failed_->verdict != Verdict::kDown)) failed_ = outcome_of(cause, printable(detail, 200));
  if (next_ < addresses_.size() && now < question_.deadline) {
    if (next_ + 1 == addresses_.size()) arm(question_.deadline);
    return connect_next();
  }
  finish(std::move(*failed_));
}

void SmtpProbe::on_stream(net::StreamEvent event) {
  switch (event) {
    case net::StreamEvent::kConnected:
      return on_connected();
    case net::StreamEvent::kReceived:
      return on_received();
    case net::StreamEvent::kSecured:
      return on_secured();
    case net::StreamEvent::kSent:
      return;
    case net::StreamEvent::kClosed:
      return on_ended(true);
    case net::StreamEvent::kFailed:
      return on_ended(false);
  }
}

void SmtpProbe::on_connected() {
  if (addresses_.size() > 1) arm(question_.deadline);
  add(timings_.connect_us, us_between(stream_->times().started, stream_->times().connected));
  ready_at_ = stream_->times().connected;
  note_step(SmtpStep::kConnect, 0);
  if (implicit_tls_) return secure();
  start_dialogue();
}

void SmtpProbe::start_dialogue() {
  SmtpPlan plan = smtp_plan(options(), implicit_tls_, target_.port);
  if (plan.ehlo.empty()) plan.ehlo = shared_.ehlo_name;
  if (plan.ehlo.empty()) plan.ehlo = literal_of(stream_->local().value_or(net::Address{}));
  if (plan.stop >= SmtpStop::kMail) {
    const std::string id = plan.stop == SmtpStop::kData ? net::random_token() : "test";
    plan.message = smtp_test_message(plan, shared_.loop.now().wall, id);
  }
  plan.grouped = question_.live == nullptr && !question_.want_evidence;
  dialogue_.emplace(std::move(plan));
  dialogue_->connected(implicit_tls_);
  go_on();
}

// ---- TLS ---------------------------------------------------------------------------------------------------

void SmtpProbe::secure() {
  net::StreamTls tls;
  tls.trust = trust_;
  tls.enforce = verify_ && question_.live == nullptr;
  tls.host = target_.host;
  stream_->secure(tls);
}

void SmtpProbe::on_secured() {
  add(timings_.tls_us, us_between(implicit_tls_ ? ready_at_ : step_started_, stream_->times().secured));
  if (implicit_tls_) ready_at_ = stream_->times().secured;
  if (question_.live != nullptr) {
    const net::TlsFacts& facts = stream_->tls();
    say_line(Direction::kNote, facts.version + " " + facts.cipher);
    if (facts.certificate && !facts.certificate->verify_error.empty())
      say_line(Direction::kNote, "certificate: " + facts.certificate->verify_error);
  }
  note_step(SmtpStep::kTls, implicit_tls_ ? 0 : 220);
  if (implicit_tls_) return start_dialogue();
  dialogue_->secured();
  go_on();
}

// ---- the dialogue ------------------------------------------------------------------------------------------

void SmtpProbe::on_received() {
  if (!dialogue_) return;  // plain bytes where a handshake is due: it tells
  while (!stream_->received().empty() && dialogue_->need() == SmtpDialogue::Need::kReply) {
    std::size_t used = 0;
    const SmtpReplyReader::Step step = reader_.read(stream_->received(), &used);
    stream_->consume(used);
    if (step == SmtpReplyReader::Step::kMore) continue;
    say_line(Direction::kIn, reader_.line());
    if (step == SmtpReplyReader::Step::kLine) continue;
    if (step == SmtpReplyReader::Step::kReply) {
      hear_reply();
    } else {
      const std::string line = printable(reader_.line().substr(0, 80), 80);
      dialogue_->fail(Cause::kSmtpProtocol, std::string(english(reader_.fault())) + ": " + line);
    }
    if (!go_on()) return;
  }
}

void SmtpProbe::hear_reply() {
  const SmtpStep asked = dialogue_->step();
  SmtpReply reply = reader_.take();
  const int code = reply.code;
  if (asked == SmtpStep::kBanner) add(timings_.wait_us, us_between(ready_at_, shared_.loop.clock().now().mono));
  dialogue_->hear(std::move(reply), stream_->received());
  if (dialogue_->need() != SmtpDialogue::Need::kSecure) note_step(asked, code);
}

// Does what the dialogue wants. False: nothing is heard for now, and this object may be gone.
bool SmtpProbe::go_on() {
  if (!dialogue_->findings().empty()) say_findings();
  if (dialogue_->judged() && !farewell_) {
    farewell_ = true;
    judged_at_ = shared_.loop.clock().now().mono;
    if (dialogue_->need() == SmtpDialogue::Need::kReply) arm(judged_at_ + kQuitWait);
  }
  switch (dialogue_->need()) {
    case SmtpDialogue::Need::kOver:
      finish(judged());
      return false;
    case SmtpDialogue::Need::kSecure:
      secure();
      return false;
    case SmtpDialogue::Need::kReply:
      if (dialogue_->has_speech()) send(dialogue_->take_speech());
      return true;
  }
  return false;
}

void SmtpProbe::send(SmtpDialogue::Speech&& speech) {
  for (const std::string& line : speech.shown) say_line(Direction::kOut, line);
  step_started_ = shared_.loop.clock().now().mono;
  // Never more than a message of ours: it fits. A stream that failed meanwhile tells so itself.
  if (!stream_->write(speech.bytes)) return;
}

void SmtpProbe::on_ended(bool in_order) {
  const net::StreamFailure& why = stream_->failure();
  if (stream_->times().connected == Instant{}) return connect_failed(why.cause, why.detail);
  const bool handshake = !dialogue_ || dialogue_->need() == SmtpDialogue::Need::kSecure;
  if (handshake) {
    add(timings_.tls_us, us_between(dialogue_ ? step_started_ : ready_at_, shared_.loop.clock().now().mono));
  }
  if (!dialogue_) {
    return end(in_order ? Cause::kTlsReset : why.cause, in_order ? "the server closed the connection" : why.detail);
  }
  if (dialogue_->need() == SmtpDialogue::Need::kOver) return;
  const bool lost = why.cause == Cause::kConnectReset || why.cause == Cause::kConnectTimeout;
  if (in_order || lost) {
    dialogue_->fail(Cause::kSmtpConnectionLost, in_order ? "the server closed the connection" : why.detail);
  } else {
    dialogue_->fail(why.cause, why.detail);
  }
  go_on();
}

void SmtpProbe::on_timer() {
  timer_ = {};
  const Instant now = shared_.loop.now().mono;
  if (farewell_) {
    say_line(Direction::kNote, "no answer to QUIT: closing");
    return finish(judged());
  }
  const Instant until = std::min(now, question_.deadline);
  const std::string after = " after " + std::to_string((us_between(started_, until) + 500) / 1000) + " ms";
  if (resolving_) {
    add(timings_.dns_us, us_between(started_, now));
    return end(Cause::kDnsUnavailable, "no answer from the name servers" + after);
  }
  if (stream_->times().connected == Instant{}) {
    if (now < question_.deadline) return connect_failed(Cause::kConnectTimeout, "no answer" + after);
    add(timings_.connect_us, us_between(step_started_, now));
    // Addresses that failed with an answer of their own say more than the last one's silence.
    if (failed_ && failed_->verdict == Verdict::kDown) return finish(std::move(*failed_));
    return end(Cause::kConnectTimeout, "no answer" + after);
  }
  if (!dialogue_ || dialogue_->need() == SmtpDialogue::Need::kSecure) {
    add(timings_.tls_us, us_between(dialogue_ ? step_started_ : ready_at_, now));
    return end(Cause::kTlsTimeout, "the handshake did not end" + after);
  }
  dialogue_->fail(Cause::kSmtpTimeout, "no reply" + after);
  go_on();
}

// ---- writing it down ---------------------------------------------------------------------------------------

std::int32_t SmtpProbe::since_ms(Instant from) const {
  return static_cast<std::int32_t>(
      std::clamp<std::int64_t>(us_between(from, shared_.loop.clock().now().mono) / 1000, 0, 3'600'000));
}

void SmtpProbe::say_line(Direction direction, std::string_view text) {
  const std::size_t before = transcript_.lines().size();
  transcript_.add(since_ms(started_), direction, stream_ && stream_->secured(), text);
  if (question_.live != nullptr && transcript_.lines().size() > before)
    question_.live->on_line(transcript_.lines().back());
}

void SmtpProbe::say_findings() {
  for (const std::string& finding : dialogue_->take_new_findings()) say_line(Direction::kNote, finding);
}

void SmtpProbe::note_step(SmtpStep step, int code) {
  if (question_.live == nullptr) return;
  const std::int32_t at = since_ms(started_), took = since_ms(step_started_);
  steps_.push_back({std::string(slug(step)), at, took, code});
  question_.live->on_step(slug(step), at, took, code);
  step_started_ = shared_.loop.clock().now().mono;
}

// ---- judging -----------------------------------------------------------------------------------------------

Outcome SmtpProbe::judged() {
  const SmtpVerdict& verdict = dialogue_->verdict();
  if (verdict.cause != Cause::kOk) return outcome_of(verdict.cause, verdict.detail);
  if (verify_ && question_.live != nullptr && stream_->secured()) {  // else the handshake has judged already
    const net::TlsFacts& tls = stream_->tls();
    if (tls.verification != Cause::kOk) return outcome_of(tls.verification, tls.certificate->verify_error);
  }
  if (auto failing = broken(settings_->expect, false)) return std::move(*failing);
  if (timings_.wait_us > std::chrono::microseconds(kTarpitAfter).count()) {
    return outcome_of(Cause::kSmtpTarpit, "BANNER: came after " + std::to_string(timings_.wait_us / 1'000'000) + " s");
  }
  if (auto failing = broken(settings_->warn, true)) return std::move(*failing);
  return outcome_of(Cause::kOk);
}

std::optional<Outcome> SmtpProbe::broken(const SmtpExpect& expect, bool warn) {
  const auto say = [&](Cause cause, std::string detail) {
    Outcome outcome = outcome_of(cause, printable(detail, 200));
    if (warn) outcome.verdict = Verdict::kDegraded;
    return std::optional<Outcome>(std::move(outcome));
  };
  for (const std::string& wanted : expect.capabilities) {
    const bool done = dialogue_->tls() && !implicit_tls_ && (wanted == "STARTTLS" || wanted == "starttls");
    if (!done && !dialogue_->offers(wanted)) return say(Cause::kSmtpCapability, wanted + " is not offered");
  }
  if (expect.certificate_days_min) {
    const auto until = stream_->leaf_not_after();
    if (!until && dialogue_->plan().stop >= SmtpStop::kTls)
      return say(Cause::kStartTlsUnavailable, "no certificate: TLS was not negotiated");
    const std::int64_t days = until ? (until->ms - shared_.loop.now().wall.ms) / kDayMs : INT64_MAX;
    if (days < *expect.certificate_days_min)
      return say(Cause::kCertificateExpiring, "the certificate expires in " + std::to_string(days) + " days");
  }
  const std::int64_t total_ms = us_between(started_, judged_at_) / 1000;
  if (expect.latency_ms_max && total_ms > *expect.latency_ms_max) {
    return say(Cause::kTooSlow,
               std::to_string(total_ms) + " ms, at most " + std::to_string(*expect.latency_ms_max) + " wanted");
  }
  return std::nullopt;
}

void SmtpProbe::end(Cause cause, std::string detail) {
  finish(outcome_of(cause, detail.empty() ? std::string(facts(cause).english) : printable(detail, 200)));
}

// `done_` may destroy this probe: it is the last thing that happens.
void SmtpProbe::finish(Outcome&& outcome) {
  if (timer_) shared_.loop.cancel(std::exchange(timer_, {}));
  query_.cancel();
  const Instant now = farewell_ ? judged_at_ : shared_.loop.clock().now().mono;
  timings_.total_us = static_cast<std::int32_t>(std::clamp<std::int64_t>(us_between(started_, now), 0, INT32_MAX));
  if (timings_.wait_us >= 0) {
    const auto known = [](std::int32_t us) { return std::max(us, 0); };
    timings_.transfer_us = std::max(0, timings_.total_us - known(timings_.dns_us) - known(timings_.connect_us) -
                                           known(timings_.tls_us) - timings_.wait_us);
  }
  outcome.timings = timings_;
  if (dialogue_) outcome.code = dialogue_->verdict().code;
  if (stream_) outcome.certificate_not_after = stream_->leaf_not_after();
  if (question_.want_evidence || outcome.verdict != Verdict::kUp) outcome.evidence = evidence();
  if (question_.live != nullptr) report(outcome);
  if (stream_) stream_->close();
  const Done done = std::move(done_);
  done(std::move(outcome));
}

void SmtpProbe::report(const Outcome& outcome) {
  SmtpReport report;
  report.cause = outcome.cause;
  report.verdict = outcome.verdict;
  report.detail = outcome.detail;
  report.code = outcome.code;
  report.total_us = outcome.timings.total_us;
  report.steps = steps_;
  report.transcript = transcript_;
  report.stopped_at = std::string(slug(SmtpStep::kConnect));
  if (dialogue_) {
    report.stopped_at = std::string(slug(dialogue_->verdict().stopped_at));
    report.enhanced = dialogue_->verdict().enhanced;
    report.capabilities = dialogue_->capabilities();
    report.findings = dialogue_->findings();
  }
  if (stream_) report.address = stream_->peer().text();
  if (stream_ && stream_->tls().certificate) report.tls = stream_->tls();
  question_.live->on_smtp(report);
}

std::unique_ptr<Evidence> SmtpProbe::evidence() const {
  auto result = std::make_unique<Evidence>();
  for (std::size_t i = 0; i < next_ && i < kTriedMax; ++i) result->addresses_tried.push_back(addresses_[i].text());
  if (stream_) {
    result->address = stream_->peer().text();
    result->certificate = stream_->tls().certificate;
  }
  result->transcript = transcript_;
  return result;
}

}  // namespace everup::checker
