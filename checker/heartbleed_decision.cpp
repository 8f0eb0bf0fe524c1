#include "checker/heartbleed_decision.h"

#include <utility>

namespace everup::checker {

namespace {
using Verdict = HeartbleedReport::Verdict;

std::string alert_text(int alert) {
  return "alert " + std::to_string(alert) + " (" + std::string(alert_name(alert)) + ")";
}
}  // namespace

HeartbleedDecision::HeartbleedDecision(std::optional<bool> tls13, bool server_name) : tls13_(tls13) {
  attempt_.server_name = server_name;
}

bool HeartbleedDecision::after(HeartbleedConnection&& connection) {
  ++report_.connections;
  for (HeartbleedReport::Seen& seen : connection.seen) {
    seen.connection = report_.connections;
    if (report_.seen.size() < HeartbleedReport::kSeenMax) report_.seen.push_back(seen);
  }
  if (connection.version != 0) {
    if (const auto version = version_from_wire(connection.version)) report_.version = english(*version);
    report_.extension = report_.extension || connection.extension;
  }
  return judge(connection);
}

bool HeartbleedDecision::judge(const HeartbleedConnection& connection) {
  switch (connection.end) {
    case HeartbleedEnd::kOverRead:  // 1
      return verdict(Verdict::kVulnerable, "over_read_proved",
                     "the server answered a malformed heartbeat with our own bytes and one byte of its memory");
    case HeartbleedEnd::kControlAnswered:  // 2, 4
      return verdict(Verdict::kNotVulnerable, "within_bounds",
                     connection.attempt.beats == Beats::kControl
                         ? "a legal heartbeat is answered, a malformed one is not"
                         : "a legal heartbeat is answered, a malformed one is dropped");
    case HeartbleedEnd::kBeatAlert:
      if (connection.alert == 70)  // 6
        return next_version("version_confusion", "heartbeats of the negotiated version met " + alert_text(70));
      if (connection.attempt.beats == Beats::kControl || was_unanswered_) return unanswered(connection);
      return verdict(Verdict::kNotVulnerable, "heartbeats_rejected",  // 3
                     "the server rejects heartbeats in a handshake: " + alert_text(connection.alert));
    case HeartbleedEnd::kBeatEnd:
    case HeartbleedEnd::kBeatSilence:  // 4, 5
      return unanswered(connection);
    case HeartbleedEnd::kForeignReply:  // 11
      return inconclusive("foreign_reply", "the server sent what is no answer to any of our heartbeats");
    case HeartbleedEnd::kNoExtension:  // 7
      if (was_unanswered_)
        return inconclusive("heartbeats_unanswered", "the extension was offered once and not a second time");
      return verdict(Verdict::kNotVulnerable, "no_extension", "the server does not know heartbeats");
    case HeartbleedEnd::kSpeaksTls13:  // 9
      return verdict(Verdict::kNotVulnerable, "tls1_3_only",
                     "TLS 1.2 is refused and TLS 1.3 is spoken, which no affected OpenSSL did");
    case HeartbleedEnd::kHelloAlert:
      return hello_alert(connection.alert);
    case HeartbleedEnd::kHelloEnd:  // 8
    case HeartbleedEnd::kHelloSilence:
    case HeartbleedEnd::kNotTls:  // 10
    case HeartbleedEnd::kUnreachable:
    case HeartbleedEnd::kPrelude:
      break;
  }
  if (connection.attempt.beats == Beats::kNone) return hello_alert(refused_alert_);
  if (connection.end == HeartbleedEnd::kHelloEnd) {
    if (attempt_.server_name) {
      attempt_.server_name = false;
      return again(attempt_);
    }
    return inconclusive("closed_in_handshake", "the server closes the connection instead of a ServerHello");
  }
  if (connection.end == HeartbleedEnd::kHelloSilence)
    return inconclusive("no_server_hello", "no ServerHello came in time");
  if (connection.end == HeartbleedEnd::kNotTls)
    return inconclusive("not_tls", "what the server answers a ClientHello with is not TLS");
  if (connection.end == HeartbleedEnd::kPrelude)
    return inconclusive("starttls_failed", "the dialogue before TLS did not succeed");
  return inconclusive("connection_failed", "no connection came about");
}

// Rows 6, 8 and 9. Called again when the question for TLS 1.3 is answered with no.
bool HeartbleedDecision::hello_alert(int alert) {
  if (attempt_.beats == Beats::kNone) {
    tls13_ = false;
    attempt_.beats = Beats::kPair;
    attempt_.version = TlsVersion::k1_2;
    alert = refused_alert_;
  }
  if (alert == 112 && attempt_.server_name) {
    attempt_.server_name = false;
    return again(attempt_);
  }
  const std::string words = "the ClientHello up to TLS 1.2 met " + alert_text(alert);
  if (alert != 70 && alert != 40 && alert != 80) return inconclusive("handshake_alert", words);
  if (tls13_ == true) {
    return verdict(Verdict::kNotVulnerable, "tls1_3_only",
                   "TLS 1.2 is refused and TLS 1.3 is spoken, which no affected OpenSSL did");
  }
  if (!tls13_) {
    refused_alert_ = alert;
    attempt_.beats = Beats::kNone;
    attempt_.version = TlsVersion::k1_3;
    return again(attempt_);
  }
  if (alert == 70) return next_version("handshake_alert", words);
  return inconclusive("handshake_alert", words);
}

// From 1.2 to 1.0 only, then 1.1 only.
bool HeartbleedDecision::next_version(std::string reason, std::string detail) {
  if (attempt_.version == TlsVersion::k1_2) {
    attempt_.version = TlsVersion::k1_0;
  } else if (attempt_.version == TlsVersion::k1_0) {
    attempt_.version = TlsVersion::k1_1;
  } else {
    return inconclusive(std::move(reason), std::move(detail));
  }
  return again(attempt_);
}

bool HeartbleedDecision::unanswered(const HeartbleedConnection& connection) {
  was_unanswered_ = true;
  if (connection.attempt.beats == Beats::kPair) {
    attempt_.beats = Beats::kControl;
    return again(attempt_);
  }
  if (connection.attempt.beats == Beats::kControl) {
    attempt_.beats = Beats::kLargePair;
    return again(attempt_);
  }
  return inconclusive(
      "heartbeats_unanswered",
      "the extension is offered, but no heartbeat is answered (a filter, or a stack that holds it back)");
}

void HeartbleedDecision::out_of_time() {
  inconclusive("deadline", "the time was over before the server had said enough");
}

int HeartbleedDecision::usual_left() const {
  switch (attempt_.beats) {
    case Beats::kPair:
      return 3;
    case Beats::kControl:
      return 2;
    case Beats::kLargePair:
      return 1;
    case Beats::kNone:
      return 4;
  }
  return 1;
}

bool HeartbleedDecision::again(HeartbleedAttempt attempt) {
  attempt_ = attempt;
  if (report_.connections < kConnectionsMax) return true;
  return inconclusive("too_many_attempts", "the server answers differently each time");
}

bool HeartbleedDecision::verdict(Verdict said, std::string reason, std::string detail) {
  report_.verdict = said;
  report_.reason = std::move(reason);
  report_.detail = std::move(detail);
  return false;
}

bool HeartbleedDecision::inconclusive(std::string reason, std::string detail) {
  return verdict(Verdict::kInconclusive, std::move(reason), std::move(detail));
}

}  // namespace everup::checker
