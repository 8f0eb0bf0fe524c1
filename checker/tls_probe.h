// One look at a TLS server: the handshake as a client of today makes it, the certificate judged, and — in a whole
// examination — everything else that is worth knowing about it.
//
//   names → addresses → [STARTTLS] → handshake            the look: its verdict, its time
//     → HEAD (HSTS) → a second handshake (resumption) → raw hellos (versions, broken suites) → Heartbleed
//
// The whole examination is made at the first look, once in 24 h and after a change of the certificate (checker/
// tls_memory.h), because it is a dozen connections; looks between are one handshake, and what `min_version` or
// heartbleed=every ask for besides. When the deadline comes after the handshake, what is not known yet stays unknown
// and the verdict stands. `latency` is names, connection, STARTTLS and handshake: whole examinations do not show in it.
//
// Certificates are judged after the handshake, trust and name apart, so that an expired or foreign one is described all
// the same. A server that speaks nothing newer than TLS 1.1 fails the handshake; its chain is read from a raw flight.
//
// Ownership and thread: see checker/probe.h. Limits: kAddressesMax addresses, kHeadBytesMax of an HTTP answer,
// kHelloWait a raw hello. Known weakness: addresses are tried one after the other, IPv4 first.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checker/heartbleed_probe.h"
#include "checker/live.h"
#include "checker/probe.h"
#include "checker/tls_hello_probe.h"
#include "checker/tls_memory.h"
#include "checker/tls_opening.h"
#include "core/target.h"
#include "net/address_policy.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/tls_store.h"

namespace everup::checker {

struct TlsShared {
  net::Loop& loop;
  net::Resolver& resolver;
  const net::AddressPolicy& policy;
  net::TrustStores& trust;
  std::string ehlo_name;   // empty: "localhost"
  std::string user_agent;  // of the HEAD request
  TlsMemory memory;
};

class TlsProbe final : public Probe {
 public:
  static constexpr std::size_t kAddressesMax = 8;
  static constexpr std::size_t kHeadBytesMax = 16 * 1024;
  static constexpr std::chrono::seconds kHelloWait{3}, kHeadWait{3};
  static constexpr std::chrono::milliseconds kTicketWait{50};

  TlsProbe(TlsShared& shared, const Question& question, Done done);
  ~TlsProbe() override;

 private:
  enum class Stage : std::uint8_t { kResolve, kConnect, kHandshake, kHead, kTicket, kResume, kHellos, kHeartbleed };

  void begin();
  void arm(Instant when);
  void on_timer();
  void on_resolved(net::Resolution&& resolution);
  void connect_next();
  void connect_failed(Cause cause, std::string detail);
  void on_event(TlsOpening::Event event);
  void on_ready();
  void secure(bool resume);
  void on_handshake_end();
  void on_handshake_failed(Cause cause, std::string detail);
  void take_facts();
  void judge_chain(const std::vector<std::string>& der);
  void remember_and_plan();
  void ask_head();
  void read_head();
  void wait_for_ticket();
  void take_ticket();
  void end_resume(std::optional<bool> resumed);
  void plan_hellos();
  void next_hello();
  void on_hello(HelloAsk ask, HelloAnswer&& answer);
  bool ask_weak();
  void ask_heartbleed();
  void finish_look();
  Outcome judged();
  std::optional<Outcome> broken(const TlsExpect& expect, bool warn) const;
  void end(Cause cause, std::string detail);
  void finish(Outcome&& outcome);
  std::unique_ptr<Evidence> evidence() const;
  void step(std::string name, Instant from, std::string text);
  void add_line(TranscriptLine&& line);
  bool https_likely() const;
  Instant now() const { return shared_.loop.clock().now().mono; }
  const TlsOptions& options() const { return settings_->options; }

  TlsShared& shared_;
  const Question question_;
  Done done_;
  std::shared_ptr<const TlsSettings> settings_;
  std::shared_ptr<const net::TrustStore> trust_;
  Target target_;
  TlsPlace place_;
  std::string name_;  // to verify
  TlsReport report_;
  Stage stage_ = Stage::kResolve;
  Instant started_, stage_at_;
  bool whole_ = false, with_alpn_ = false, shaken_ = false;
  net::Query query_;
  net::TimerId timer_{};
  std::vector<net::Address> addresses_;
  std::size_t next_ = 0;
  std::vector<std::string> tried_;
  std::optional<Outcome> connect_failure_, handshake_failure_;
  std::unique_ptr<TlsOpening> opening_;
  std::shared_ptr<const net::TlsTicket> ticket_;
  std::vector<HelloAsk> hellos_;
  std::unique_ptr<TlsHelloProbe> hello_;
  std::unique_ptr<HeartbleedProbe> heartbleed_;
  Timings timings_;
  Transcript transcript_;
};

}  // namespace everup::checker
