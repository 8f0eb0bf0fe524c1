// The second half of checker/tls_probe.h: from what was seen to an Outcome.
#include <algorithm>
#include <utility>

#include "checker/tls_findings.h"
#include "checker/tls_probe.h"

namespace everup::checker {

// Everything that will be known is known.
void TlsProbe::finish_look() {
  const Now time = shared_.loop.clock().now();
  judge_tls_report(report_, time.wall);
  if (const MonitorId id = question_.plan->id) {
    shared_.memory.note(id, question_.plan->revision, report_, whole_, time.mono);
  }
  finish(judged());
}

Outcome TlsProbe::judged() {
  if (handshake_failure_) {
    Outcome outcome = std::move(*handshake_failure_);
    const auto offered = [&](TlsVersion version) { return report_.protocol(version).offer == TlsOffer::kOffered; };
    for (const TlsVersion version : {TlsVersion::k1_1, TlsVersion::k1_0, TlsVersion::kSsl3}) {
      if (!offered(version) || offered(TlsVersion::k1_2) || offered(TlsVersion::k1_3)) continue;
      outcome.detail = "nothing newer than " + std::string(english(version)) + " is offered";
      break;
    }
    return outcome;
  }
  if (options().verify_tls) {
    for (const auto& opinion : {report_.trust, report_.hostname}) {
      if (opinion && opinion->cause != Cause::kOk) return outcome_of(opinion->cause, opinion->detail);
    }
  }
  if (auto outcome = broken(settings_->expect, false)) return std::move(*outcome);
  if (report_.heartbleed.verdict == HeartbleedReport::Verdict::kVulnerable) {
    Outcome outcome = outcome_of(Cause::kTlsHeartbleed, report_.heartbleed.detail);
    if (settings_->expect.not_vulnerable) outcome.verdict = Verdict::kDown;
    return outcome;
  }
  if (auto outcome = broken(settings_->warn, true)) return std::move(*outcome);
  return outcome_of(Cause::kOk);
}

std::optional<Outcome> TlsProbe::broken(const TlsExpect& expect, bool warn) const {
  const auto outcome = [&](Cause cause, std::string detail) {
    Outcome said = outcome_of(cause, std::move(detail));
    said.verdict = warn ? Verdict::kDegraded : Verdict::kDown;
    return said;
  };
  if (expect.certificate_days_min && report_.leaf_not_after) {
    const auto left = *report_.leaf_not_after - shared_.loop.clock().now().wall;
    if (left < std::chrono::hours(24) * *expect.certificate_days_min) {
      return outcome(Cause::kCertificateExpiring, "the certificate ends on " + rfc3339(*report_.leaf_not_after) +
                                                      ", wanted at least " +
                                                      std::to_string(*expect.certificate_days_min) + " days");
    }
  }
  if (expect.min_version) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(*expect.min_version); ++i) {
      const auto version = static_cast<TlsVersion>(i);
      if (report_.protocol(version).offer == TlsOffer::kOffered) {
        return outcome(Cause::kTlsVersion, std::string(english(version)) + " is offered, wanted nothing older than " +
                                               std::string(english(*expect.min_version)));
      }
    }
  }
  const std::int32_t latency_ms = (timings_.total_us + 999) / 1000;
  if (expect.latency_ms_max && latency_ms > *expect.latency_ms_max) {
    return outcome(Cause::kTooSlow, std::to_string(latency_ms) + " ms, wanted at most " +
                                        std::to_string(*expect.latency_ms_max) + " ms");
  }
  return std::nullopt;
}

void TlsProbe::end(Cause cause, std::string detail) {
  timings_.total_us =
      static_cast<std::int32_t>(std::clamp<std::int64_t>((now() - started_).count() / 1000, 0, 70'000'000));
  finish(outcome_of(cause, detail.empty() ? std::string(facts(cause).english) : printable(detail, 200)));
}

// `done_` may destroy this probe: it is the last thing that happens.
void TlsProbe::finish(Outcome&& outcome) {
  shared_.loop.cancel(std::exchange(timer_, {}));
  query_.cancel();
  hello_.reset();
  heartbleed_.reset();
  outcome.timings = timings_;
  outcome.certificate_not_after = report_.leaf_not_after;
  const bool worth = question_.want_evidence || outcome.verdict != Verdict::kUp || !report_.changed.empty();
  if (worth) outcome.evidence = evidence();
  if (question_.live != nullptr) question_.live->on_tls(report_);
  opening_.reset();
  const Done done = std::move(done_);
  done(std::move(outcome));
}

std::unique_ptr<Evidence> TlsProbe::evidence() const {
  auto result = std::make_unique<Evidence>();
  result->address = report_.address;
  result->addresses_tried = tried_;
  result->transcript = transcript_;
  if (!report_.chain.empty()) {
    const TlsCertificate& leaf = report_.chain.front();
    CertificateFacts& facts = result->certificate.emplace();
    facts.subject = leaf.subject, facts.issuer = leaf.issuer, facts.sha256 = leaf.sha256, facts.names = leaf.names;
    facts.not_before = leaf.not_before, facts.not_after = leaf.not_after;
    facts.chain_not_after = report_.chain_not_after.value_or(leaf.not_after);
    for (const auto& opinion : {report_.trust, report_.hostname}) {
      if (opinion && opinion->cause != Cause::kOk && facts.verify_error.empty()) facts.verify_error = opinion->detail;
    }
  }
  result->tls = std::make_shared<const TlsReport>(report_);
  return result;
}

void TlsProbe::step(std::string name, Instant from, std::string text) {
  const Instant time = now();
  const std::int32_t took_ms = static_cast<std::int32_t>((time - from).count() / 1'000'000);
  const std::int32_t at_ms = place_.ms_since_start(time);
  add_line({at_ms, Direction::kNote, shaken_, name + ": " + printable(text, 300)});
  if (question_.live != nullptr) question_.live->on_step(name, at_ms, took_ms, 0);
  if (report_.steps.size() < TlsReport::kStepsMax)
    report_.steps.push_back({std::move(name), took_ms, printable(text, 300)});
}

void TlsProbe::add_line(TranscriptLine&& line) {
  transcript_.add(line.at_ms, line.direction, line.tls, line.text);
  if (question_.live != nullptr) question_.live->on_line(line);
}

}  // namespace everup::checker
