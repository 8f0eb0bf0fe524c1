// Asks what judge_mail() wants until it has judged: DNS by the loop's record resolver, the MTA-STS policy file by an
// HTTPS look of its own (no redirects: RFC 8461, 3.3; address policy and trust as in every look).
//
// Ownership and thread: see checker/probe.h. Questions that nobody answers end at the deadline as unknown findings, so
// the view comes at most a turn of the loop after it. Limits: those of DnsFacts; one HTTPS look.
#pragma once

#include <memory>
#include <vector>

#include "checker/deliverability.h"
#include "checker/http_probe.h"
#include "net/dns_records.h"

namespace everup::checker {

class DeliverabilityProbe final : public Probe {
 public:
  DeliverabilityProbe(const HttpShared& shared, net::RecordResolver& records, const MailQuestion& question,
                      Instant deadline, bool strict_policy, Viewed viewed);
  ~DeliverabilityProbe() override;

 private:
  void step();
  void step_soon();
  void ask(const DnsFacts::Wanted& wanted);
  void fetch_policy();
  void on_policy(Outcome&& outcome);

  const HttpShared& shared_;
  net::RecordResolver& records_;
  const MailQuestion question_;
  const Instant deadline_;
  const bool strict_policy_;
  Viewed viewed_;
  DnsFacts facts_;
  StsFile file_;
  std::vector<net::RecordResolver::RecordQuery> queries_;
  std::size_t open_ = 0;  // questions without an answer
  net::TimerId turn_{};
  CheckPlan policy_plan_;
  std::unique_ptr<HttpProbe> policy_look_;
};

}  // namespace everup::checker
