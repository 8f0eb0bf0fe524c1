#include "checker/tls_probe.h"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "checker/address_finder.h"
#include "checker/http_expectation.h"
#include "checker/tls_findings.h"
#include "net/tls_chain.h"

namespace everup::checker {

namespace {

constexpr std::size_t kTriedMax = 16;

std::string_view bare(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\"");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\"") - first + 1);
}

// RFC 6797, 6.1; nothing without a readable max-age.
std::optional<StrictTransport> strict_transport(std::string_view value) {
  StrictTransport out;
  bool has_age = false;
  while (!value.empty()) {
    const auto end = std::min(value.find(';'), value.size());
    const std::string_view directive = bare(value.substr(0, end));
    value.remove_prefix(std::min(end + 1, value.size()));
    const auto equals = std::min(directive.find('='), directive.size());
    const std::string_view name = bare(directive.substr(0, equals));
    const auto is = [&](const char* word) {
      return name.size() == std::strlen(word) && strncasecmp(name.data(), word, name.size()) == 0;
    };
    if (is("max-age") && equals < directive.size()) {
      const std::string_view age = bare(directive.substr(equals + 1));
      const auto parsed = std::from_chars(age.data(), age.data() + age.size(), out.max_age_s);
      has_age = parsed.ec == std::errc() && out.max_age_s >= 0;
    }
    out.include_subdomains = out.include_subdomains || is("includesubdomains");
    out.preload = out.preload || is("preload");
  }
  return has_age ? std::optional(out) : std::nullopt;
}

std::int32_t us_between(Instant from, Instant to) {
  return static_cast<std::int32_t>(std::clamp<std::int64_t>((to - from).count() / 1000, 0, 70'000'000));
}

}  // namespace

TlsProbe::TlsProbe(TlsShared& shared, const Question& question, Done done)
    : shared_(shared),
      question_(question),
      done_(std::move(done)),
      settings_(settings_of<TlsSettings>(*question.plan)),
      started_(shared.loop.clock().now().mono) {
  stage_at_ = started_;
  begin();
}

TlsProbe::~TlsProbe() { shared_.loop.cancel(timer_); }

// Nothing ends in here: what is wrong at once is told in the next turn of the loop.
void TlsProbe::begin() {
  const auto refuse = [this](std::string detail) {
    timer_ = shared_.loop.at(shared_.loop.now().mono, [this, text = std::move(detail)] {
      timer_ = {};
      end(Cause::kInternal, text);
    });
  };
  auto target = parse_target(question_.plan->url);
  if (!target.ok()) return refuse("target: " + target.error().what);
  target_ = std::move(*target);
  auto trust = shared_.trust.with(options().ca_pem);
  if (!trust.ok()) return refuse(trust.error().what);
  trust_ = *trust;
  name_ = options().server_name.empty() ? target_.host : options().server_name;
  if (name_.ends_with('.')) name_.pop_back();
  report_.host = target_.host;
  report_.starttls = options().starttls;
  place_.loop = &shared_.loop;
  place_.policy = question_.strict_policy ? &shared_.policy : nullptr;
  place_.prelude = options().starttls;
  if (!shared_.ehlo_name.empty()) place_.our_name = shared_.ehlo_name;
  place_.host = target_.host;
  place_.started = started_;
  place_.line = [this](TranscriptLine&& line) { add_line(std::move(line)); };
  with_alpn_ = options().starttls == TlsPrelude::kNone;
  arm(question_.deadline);
  query_ = shared_.resolver.resolve(target_.host, options().ip_version, question_.deadline,
                                    [this](net::Resolution&& resolution) { on_resolved(std::move(resolution)); });
}

void TlsProbe::arm(Instant when) {
  shared_.loop.cancel(timer_);
  timer_ = shared_.loop.at(std::min(when, question_.deadline), [this] {
    timer_ = {};
    on_timer();
  });
}

void TlsProbe::on_timer() {
  const bool over = shared_.loop.now().mono >= question_.deadline;
  switch (stage_) {
    case Stage::kResolve:
      return end(Cause::kDnsUnavailable, "no answer from the name servers in time");
    case Stage::kConnect:
      if (opening_->connected()) return end(Cause::kSmtpTimeout, "no answer in the dialogue before TLS");
      return connect_failed(Cause::kConnectTimeout, {});
    case Stage::kHandshake:
      return on_handshake_failed(Cause::kTlsTimeout, {});
    case Stage::kHead:
    case Stage::kTicket:
      return over ? finish_look() : take_ticket();
    case Stage::kResume:
      return over ? finish_look() : end_resume(std::nullopt);
    case Stage::kHellos:
    case Stage::kHeartbleed:
      return finish_look();
  }
}

// ---- finding an address ------------------------------------------------------------------------------------

void TlsProbe::on_resolved(net::Resolution&& resolution) {
  timings_.dns_us = us_between(started_, now());
  if (!resolution.ok()) return end(cause_of(resolution.failure), resolution.detail);
  if (question_.strict_policy) {
    if (auto refusal = keep_allowed(shared_.policy, target_.host, resolution); !refusal.empty())
      return end(Cause::kAddressRefused, std::move(refusal));
  }
  // Neither name is sent for an address (RFC 6066, section 3).
  if (!net::Address::parse(name_)) place_.server_name = name_ == target_.host ? resolution.name : name_;
  for (std::size_t i = 0; addresses_.size() < kAddressesMax; ++i) {
    if (i >= resolution.v4.size() && i >= resolution.v6.size()) break;
    if (i < resolution.v4.size()) addresses_.push_back(resolution.v4[i].with_port(target_.port));
    if (i < resolution.v6.size()) addresses_.push_back(resolution.v6[i].with_port(target_.port));
  }
  step("DNS", started_, std::to_string(addresses_.size()) + (addresses_.size() == 1 ? " address" : " addresses"));
  connect_next();
}

void TlsProbe::connect_next() {
  stage_ = Stage::kConnect;
  stage_at_ = now();
  place_.address = addresses_[next_];
  report_.address = place_.address.text();
  if (tried_.size() < kTriedMax) tried_.push_back(report_.address);
  opening_ = std::make_unique<TlsOpening>(place_, [this](TlsOpening::Event event) { on_event(event); });
  const auto left = static_cast<std::int64_t>(addresses_.size() - next_);
  arm(stage_at_ + (question_.deadline - stage_at_) / left);
}

void TlsProbe::connect_failed(Cause cause, std::string detail) {
  if (opening_->connected()) return end(cause, std::move(detail));  // another address would say the same
  const bool telling = facts(cause).verdict == Verdict::kDown;
  if (!connect_failure_ || (telling && connect_failure_->verdict != Verdict::kDown))
    connect_failure_ = outcome_of(cause, detail.empty() ? std::string(facts(cause).english) : detail);
  if (++next_ < addresses_.size() && now() < question_.deadline) return connect_next();
  timings_.connect_us = us_between(stage_at_, now());
  end(connect_failure_->cause, connect_failure_->detail);
}

// ---- the handshake -----------------------------------------------------------------------------------------

void TlsProbe::on_event(TlsOpening::Event event) {
  switch (event) {
    case TlsOpening::Event::kReady:
      return on_ready();
    case TlsOpening::Event::kSecured:
      if (stage_ == Stage::kResume) return end_resume(opening_->stream().tls().resumed);
      return on_handshake_end();
    case TlsOpening::Event::kReceived:
      if (stage_ == Stage::kHead) return read_head();
      if (stage_ == Stage::kTicket) return take_ticket();
      return;
    case TlsOpening::Event::kSent:
      return;
    case TlsOpening::Event::kClosed:
    case TlsOpening::Event::kFailed:
      break;
  }
  switch (stage_) {
    case Stage::kConnect:
      return connect_failed(opening_->cause(), opening_->detail());
    case Stage::kHandshake: {
      const net::StreamFailure& failure = opening_->stream().failure();
      const bool no_protocol = failure.tls_alert == 120 && with_alpn_;
      if (no_protocol) {  // it does speak ALPN, and not HTTP
        with_alpn_ = false;
        return connect_next();
      }
      if (event == TlsOpening::Event::kClosed) return on_handshake_failed(Cause::kTlsReset, {});
      return on_handshake_failed(opening_->cause(), opening_->detail());
    }
    case Stage::kHead:
    case Stage::kTicket:
      return take_ticket();
    case Stage::kResume:
      return end_resume(std::nullopt);
    case Stage::kResolve:
    case Stage::kHellos:
    case Stage::kHeartbleed:
      return;
  }
}

void TlsProbe::on_ready() {
  if (stage_ == Stage::kResume) return secure(true);
  timings_.connect_us = us_between(stage_at_, opening_->connected_at());
  if (place_.prelude != TlsPrelude::kNone)
    timings_.wait_us = us_between(opening_->connected_at(), opening_->ready_at());
  step("CONNECT", stage_at_, report_.address);
  stage_ = Stage::kHandshake;
  stage_at_ = opening_->ready_at();
  arm(question_.deadline);
  secure(false);
}

void TlsProbe::secure(bool resume) {
  net::StreamTls tls;
  tls.trust = trust_;
  tls.enforce = false;
  tls.host = place_.server_name.empty() ? name_ : place_.server_name;
  tls.want_ticket = true;
  if (resume) tls.resume = ticket_;
  if (with_alpn_) tls.alpn = "http/1.1";
  opening_->stream().secure(tls);
}

void TlsProbe::on_handshake_end() {
  shaken_ = true;
  timings_.tls_us = us_between(stage_at_, now());
  timings_.total_us = us_between(started_, now());
  take_facts();
  step("HANDSHAKE", stage_at_, report_.version + " " + report_.cipher);
  remember_and_plan();
  if (!whole_) {
    opening_->stream().close();
    return plan_hellos();
  }
  ask_head();
}

void TlsProbe::take_facts() {
  net::Stream& stream = opening_->stream();
  const net::TlsFacts& tls = stream.tls();
  report_.version = tls.version, report_.cipher = tls.cipher, report_.alpn = tls.alpn;
  report_.stapled = tls.stapled;
  judge_chain(stream.chain());
  // What only the handshake knows: a staple that says "revoked".
  if (tls.verification == Cause::kTlsRevoked && tls.certificate) {
    report_.trust = TlsOpinion{Cause::kTlsRevoked, tls.certificate->verify_error};
  }
  const bool newest = tls.version == "TLSv1.3";
  report_.protocol(TlsVersion::k1_3).offer = newest ? TlsOffer::kOffered : TlsOffer::kRefused;
  TlsProtocol& spoken = report_.protocol(newest ? TlsVersion::k1_3 : TlsVersion::k1_2);
  spoken = {TlsOffer::kOffered, tls.cipher};
}

void TlsProbe::judge_chain(const std::vector<std::string>& der) {
  report_.chain = net::describe_chain(der);
  if (report_.chain.empty()) return;
  report_.leaf_not_after = report_.chain.front().not_after;
  report_.chain_not_after = report_.leaf_not_after;
  for (const TlsCertificate& one : report_.chain) {
    report_.chain_not_after = std::min(*report_.chain_not_after, one.not_after);
  }
  const net::ChainOpinions said = net::judge_chain(der, *trust_, name_, shared_.loop.clock().now().wall);
  report_.trust = said.trust;
  report_.hostname = said.hostname;
}

void TlsProbe::on_handshake_failed(Cause cause, std::string detail) {
  if (timings_.tls_us < 0) timings_.tls_us = us_between(stage_at_, now());
  timings_.total_us = us_between(started_, now());
  handshake_failure_ = outcome_of(cause, detail.empty() ? std::string(facts(cause).english) : detail);
  step("HANDSHAKE", stage_at_, handshake_failure_->detail);
  const bool said_something = cause == Cause::kTlsHandshake || cause == Cause::kTlsReset;
  if (!said_something || now() >= question_.deadline) return finish_look();
  opening_->stream().close();
  remember_and_plan();
  plan_hellos();
}

// What an earlier look knows, and what this one shall ask beyond the handshake.
void TlsProbe::remember_and_plan() {
  const MonitorId id = question_.plan->id;
  const TlsMemory::Entry* entry = id ? shared_.memory.find(id, question_.plan->revision) : nullptr;
  const TlsCertificate* leaf = report_.chain.empty() ? nullptr : &report_.chain.front();
  whole_ = shared_.memory.due(entry, leaf, now());
  if (entry == nullptr) return;
  if (leaf != nullptr) report_.changed = TlsMemory::changed(*entry, *leaf);
  if (whole_ || options().heartbleed != HeartbleedAsk::kDaily) return;
  HeartbleedReport& heartbleed = report_.heartbleed;
  heartbleed.verdict = entry->heartbleed;
  heartbleed.reason = entry->reason, heartbleed.detail = entry->detail, heartbleed.version = entry->version;
  heartbleed.remembered = entry->heartbleed != HeartbleedReport::Verdict::kNotAsked;
}

// ---- HTTP, resumption --------------------------------------------------------------------------------------

bool TlsProbe::https_likely() const {
  if (options().starttls != TlsPrelude::kNone) return false;
  return report_.alpn == "http/1.1" || target_.port == 443 || target_.port == 8443;
}

void TlsProbe::ask_head() {
  if (!https_likely()) return wait_for_ticket();
  stage_ = Stage::kHead;
  stage_at_ = now();
  std::string host = name_.find(':') == std::string::npos ? name_ : "[" + name_ + "]";
  if (target_.port != 443) host += ":" + std::to_string(target_.port);
  const std::string request = "HEAD / HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: " + shared_.user_agent +
                              "\r\nAccept: */*\r\nConnection: close\r\n\r\n";
  if (!opening_->stream().write(request)) return take_ticket();
  arm(stage_at_ + kHeadWait);
}

void TlsProbe::read_head() {
  const std::string_view said = opening_->stream().received();
  const auto end_at = said.find("\r\n\r\n");
  if (end_at == std::string_view::npos && said.size() < kHeadBytesMax) return;
  const std::string_view head = said.substr(0, std::min(end_at, kHeadBytesMax));
  report_.https = head.starts_with("HTTP/");
  for (const std::string_view value : header_values(head, "strict-transport-security")) {
    report_.hsts = strict_transport(value);
    break;  // RFC 6797, 8.1: only the first one counts
  }
  step("HTTP", stage_at_, printable(head.substr(0, head.find('\r')), 100));
  take_ticket();
}

// Tickets of TLS 1.3 come after the handshake, with nothing to wait for.
void TlsProbe::wait_for_ticket() {
  stage_ = Stage::kTicket;
  stage_at_ = now();
  ticket_ = opening_->stream().ticket();
  if (ticket_ || report_.version != "TLSv1.3") return take_ticket();
  arm(stage_at_ + kTicketWait);
}

void TlsProbe::take_ticket() {
  if (!ticket_) ticket_ = opening_->stream().ticket();
  opening_->stream().close();
  stage_at_ = now();
  if (!ticket_) return end_resume(false);
  stage_ = Stage::kResume;
  arm(stage_at_ + kHelloWait);
  opening_ = std::make_unique<TlsOpening>(place_, [this](TlsOpening::Event event) { on_event(event); });
}

void TlsProbe::end_resume(std::optional<bool> resumed) {
  report_.resumed = resumed;
  if (resumed) step("RESUMPTION", stage_at_, *resumed ? "resumed" : "not resumed");
  opening_->stream().close();
  ticket_.reset();
  plan_hellos();
}

// ---- versions, suites, Heartbleed --------------------------------------------------------------------------

void TlsProbe::plan_hellos() {
  stage_ = Stage::kHellos;
  arm(question_.deadline);
  const bool wanted = settings_->expect.min_version || settings_->warn.min_version;
  if ((options().versions && whole_) || wanted || !shaken_) {
    for (const TlsVersion version :
         {TlsVersion::k1_3, TlsVersion::k1_2, TlsVersion::k1_1, TlsVersion::k1_0, TlsVersion::kSsl3}) {
      if (report_.protocol(version).offer != TlsOffer::kUnknown) continue;
      HelloAsk ask;
      ask.version = version;
      ask.server_name = place_.server_name;
      hellos_.push_back(std::move(ask));
    }
    std::reverse(hellos_.begin(), hellos_.end());  // taken from the back
  }
  next_hello();
}

void TlsProbe::next_hello() {
  stage_at_ = now();
  if (hellos_.empty() && !ask_weak()) return ask_heartbleed();
  HelloAsk ask = std::move(hellos_.back());
  hellos_.pop_back();
  const Instant until = std::min(stage_at_ + kHelloWait, question_.deadline);
  hello_ = std::make_unique<TlsHelloProbe>(place_, ask, until,
                                           [this, ask](HelloAnswer&& answer) { on_hello(ask, std::move(answer)); });
}

void TlsProbe::on_hello(HelloAsk ask, HelloAnswer&& answer) {
  using End = HelloAnswer::End;
  const bool same = answer.end == End::kAnswered && answer.version == wire_version(ask.version);
  const std::string suite = same ? suite_name(answer.suite) : std::string();
  if (ask.weak_only) {
    report_.weak_asked = true;
    report_.weak_cipher = suite;
    step("WEAK SUITES", stage_at_, same ? suite + " is accepted" : "refused");
    return next_hello();
  }
  TlsProtocol& protocol = report_.protocol(ask.version);
  if (same) {
    protocol = {TlsOffer::kOffered, suite};
  } else if (answer.end == End::kAnswered || answer.end == End::kAlert || answer.end == End::kClosed) {
    protocol.offer = TlsOffer::kRefused;
  }
  if (same && !shaken_ && report_.chain.empty()) judge_chain(answer.chain);
  step(std::string(english(ask.version)), stage_at_, std::string(slug(protocol.offer)));
  next_hello();
}

// Once, after the versions: with the newest one that still knows such suites. True: a hello is planned.
bool TlsProbe::ask_weak() {
  if (report_.weak_asked || !options().versions || !(whole_ || !shaken_)) return false;
  for (const TlsVersion version : {TlsVersion::k1_2, TlsVersion::k1_1, TlsVersion::k1_0, TlsVersion::kSsl3}) {
    if (report_.protocol(version).offer != TlsOffer::kOffered) continue;
    HelloAsk ask;
    ask.version = version;
    ask.weak_only = true;
    ask.server_name = place_.server_name;
    report_.weak_asked = true;
    hellos_.push_back(std::move(ask));
    return true;
  }
  return false;
}

void TlsProbe::ask_heartbleed() {
  hello_.reset();
  const bool ask =
      options().heartbleed == HeartbleedAsk::kEvery || (options().heartbleed == HeartbleedAsk::kDaily && whole_);
  if (!ask) return finish_look();
  stage_ = Stage::kHeartbleed;
  stage_at_ = now();
  std::optional<bool> newest;
  const TlsOffer offer = report_.protocol(TlsVersion::k1_3).offer;
  if (offer != TlsOffer::kUnknown) newest = offer == TlsOffer::kOffered;
  // Slightly before the look's own end, so that what it knows by then is told.
  const Instant until = question_.deadline - std::chrono::milliseconds(20);
  heartbleed_ = std::make_unique<HeartbleedProbe>(place_, newest, until, [this](HeartbleedReport&& report) {
    report_.heartbleed = std::move(report);
    step("HEARTBLEED", stage_at_, std::string(slug(report_.heartbleed.verdict)) + ": " + report_.heartbleed.detail);
    finish_look();
  });
}

}  // namespace everup::checker
