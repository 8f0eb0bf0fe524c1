// A mail domain: its MX are looked up, and every host of them is asked over every address family it has, each by a
// dialogue of its own (checker/smtp_probe), all at the same time.
//
// RFC 5321, 5.1: no MX records mean the domain's own addresses; RFC 7505: one MX "." means that no mail is taken. The
// look is up when all dialogues are, degraded when some are (kSmtpMxPartial: mail still comes, by another host), else
// it has the cause of the most preferred host. A dialogue that ends inconclusive (no IPv6 here) counts only when
// nothing else is known. The hosts and what each said are `hops` of the evidence; its transcript is that of the first
// host that failed, else of the first.
//
// Thread: the loop's. Limits: kHostsMax hosts, two dialogues each.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "checker/smtp_probe.h"
#include "net/dns_records.h"

namespace everup::checker {

class MxProbe final : public Probe {
 public:
  static constexpr std::size_t kHostsMax = 10;

  MxProbe(const SmtpShared& shared, net::RecordResolver& records, const Question& question, Done done);
  ~MxProbe() override;

 private:
  struct Leg;  // one host over one family
  void on_mx(net::Records&& found);
  void ask_hosts(std::vector<net::MxHost> hosts);
  void on_host(std::size_t host, net::Resolution&& found);
  void add_leg(const net::MxHost& host, IpVersion family);
  void check_end();
  Outcome whole() const;
  void end(Outcome&& outcome);

  const SmtpShared& shared_;
  const Question question_;
  Done done_;
  std::shared_ptr<const SmtpSettings> settings_;
  Target target_;
  Instant started_;
  net::RecordResolver::RecordQuery query_;
  net::TimerId timer_{};
  std::vector<net::MxHost> hosts_;
  std::vector<net::Query> lookups_;
  std::size_t unresolved_ = 0;
  std::vector<std::unique_ptr<Leg>> legs_;
  std::int32_t dns_us_ = -1;
};

}  // namespace everup::checker
