// The probes of one loop thread: from a monitor's plan to a running probe, with everything that probes of that loop
// share (the CURLM with its pool of handles, the trust store, compiled patterns).
//
// Owned by whoever owns the loop; used on the loop's thread only; must outlive every probe it started. Loop, resolver
// and policy must outlive it. Limits: kPoolMax idle handles, kPatternsMax compiled patterns, kStoresMax trust stores of
// single monitors.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "checker/deliverability.h"
#include "checker/probe.h"
#include "core/heartbeat.h"
#include "core/result.h"
#include "core/zone.h"

namespace everup::net {
class AddressPolicy;
class Loop;
class Resolver;
}  // namespace everup::net

namespace everup::checker {

struct ProbeSettings {
  std::string user_agent = "Everup/1.0";      // EVERUP_USER_AGENT; by default "Everup/1.0 (+BASE_URL/about)"
  std::string ca_file;                        // EVERUP_CA_FILE: extra roots beside the system's; empty: none
  std::string ehlo_name = {};                 // EVERUP_EHLO_NAME; empty: SMTP probes give their address as a literal
  HeartbeatSource* heartbeats = nullptr;      // outlives the probes; null: looks at heartbeats are inconclusive
  const Zones* zones = nullptr;               // of their cron expressions
  std::vector<std::string> dnsbl_zones = {};  // EVERUP_DNSBL_ZONES: block lists of views that name none
};

class Probes : public ProbeMaker, public MailViewer {
 public:
  // kInvalid when ca_file cannot be read or holds no certificate; kExhausted when libcurl cannot be set up.
  static Result<std::unique_ptr<Probes>> make(net::Loop& loop, net::Resolver& resolver,
                                              const net::AddressPolicy& policy, ProbeSettings settings);
  ~Probes() override;
  Probes(const Probes&) = delete;
  Probes& operator=(const Probes&) = delete;

  std::unique_ptr<Probe> start(const Question& question, Done done) override;
  std::unique_ptr<Probe> view(const MailQuestion& question, Instant deadline, bool strict_policy,
                              Viewed viewed) override;

 private:
  struct Shared;
  explicit Probes(std::unique_ptr<Shared> shared);
  std::unique_ptr<Shared> shared_;
};

}  // namespace everup::checker
