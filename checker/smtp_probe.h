// One mail dialogue: names → addresses → a connection (to the first address that takes one) → SmtpDialogue → one
// Outcome. Worker, `everup check`, `everup smtp` and the live page use this same probe.
//
// Addresses are tried one after the other, IPv4 first (a missing IPv6 route must not cost half the time), each within
// its share of what is left; the far side's word weighs more than our own trouble. All time limits of RFC 5321, 4.5.3.2
// are longer than the longest look, so the deadline is the limit; the answer to QUIT is waited for at most kQuitWait.
// The verdict and its time stand before the farewell.
//
// A certificate that verify_tls refuses ends a worker's look in the handshake; before a listener the dialogue goes on
// and the refusal becomes the verdict at its end (SHAPES 8). Transcript: capped by core/transcript.h, secrets masked by
// the dialogue; kept when the look fails or evidence is wanted.
//
// A look that is watched, or whose transcript will be kept in any case, says one command at a time; all others the
// whole envelope at once where PIPELINING is offered: two segments less each way, a third of a stored dialogue's CPU.
//
// The test message of `stop_after` DATA is fixed: it says what it is and who sent it; nothing of it can be chosen.
// Thread: the loop's. Limits: kAddressesMax addresses.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checker/live.h"
#include "checker/probe.h"
#include "checker/smtp_dialogue.h"
#include "core/target.h"
#include "net/address_policy.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/stream.h"
#include "net/tls_store.h"

namespace everup::checker {

struct SmtpShared {
  net::Loop& loop;
  net::Resolver& resolver;
  const net::AddressPolicy& policy;
  net::TrustStores& trust;
  std::string ehlo_name;  // EVERUP_EHLO_NAME; empty: the local address as a literal
};

struct SmtpReport {
  struct Step {
    std::string step;
    std::int32_t at_ms = 0, took_ms = 0;
    int code = 0;
  };
  Cause cause = Cause::kInternal;
  Verdict verdict = Verdict::kInconclusive;
  std::string detail, stopped_at, enhanced, address;
  int code = 0;
  std::int32_t total_us = 0;
  std::optional<net::TlsFacts> tls;
  std::vector<std::string> capabilities, findings;
  std::vector<Step> steps;
  std::vector<std::string> hosts;  // of a domain's MX: each with what became of it
  Transcript transcript;
};

class SmtpProbe final : public Probe {
 public:
  static constexpr std::size_t kAddressesMax = 8;
  static constexpr std::chrono::seconds kQuitWait{5};
  static constexpr std::chrono::seconds kTarpitAfter{20};  // a later banner is degraded

  SmtpProbe(const SmtpShared& shared, const Question& question, Done done);
  ~SmtpProbe() override;

 private:
  void begin();
  void arm(Instant when);
  void on_timer();
  void on_resolved(net::Resolution&& resolution);
  void connect_next();
  void connect_failed(Cause cause, std::string detail);
  void on_stream(net::StreamEvent event);
  void on_connected();
  void on_secured();
  void on_received();
  void on_ended(bool in_order);
  void start_dialogue();
  bool go_on();
  void secure();
  void hear_reply();
  void send(SmtpDialogue::Speech&& speech);
  void note_step(SmtpStep step, int code);
  void say_line(Direction direction, std::string_view text);
  void say_findings();
  Outcome judged();
  std::optional<Outcome> broken(const SmtpExpect& expect, bool warn);
  void end(Cause cause, std::string detail);
  void finish(Outcome&& outcome);
  void report(const Outcome& outcome);
  std::unique_ptr<Evidence> evidence() const;
  std::int32_t since_ms(Instant from) const;
  const SmtpOptions& options() const { return settings_->options; }

  const SmtpShared& shared_;
  const Question question_;
  Done done_;
  std::shared_ptr<const SmtpSettings> settings_;
  std::shared_ptr<const net::TrustStore> trust_;
  Target target_;
  bool implicit_tls_ = false, verify_ = false;
  Instant started_, step_started_, judged_at_;
  Instant ready_at_;  // connected, with implicit TLS secured: from here the banner is waited for
  net::Query query_;
  net::TimerId timer_{};
  bool resolving_ = false, farewell_ = false;
  std::vector<net::Address> addresses_;
  std::size_t next_ = 0;
  std::optional<Outcome> failed_;  // the most telling failure to connect so far
  std::unique_ptr<net::Stream> stream_;
  std::optional<SmtpDialogue> dialogue_;
  SmtpReplyReader reader_;
  Timings timings_;
  Transcript transcript_;
  std::vector<SmtpReport::Step> steps_;
};

// "Sun, 22 Nov 2026 07:00:00 +0000" (RFC 5322, 3.3).
std::string mail_date(WallTime t);
// The fixed test message; `id` makes its Message-ID unique.
std::string smtp_test_message(const SmtpPlan& plan, WallTime now, const std::string& id);

}  // namespace everup::checker
