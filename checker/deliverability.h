// Would mail of a domain, sent from an address, be believed? Its SPF, DKIM, DMARC, MTA-STS and TLS-RPT records, the
// address's name and its standing on block lists: what was found, what a receiver makes of it, and what to publish.
//
// A function without I/O: judge_mail() is called with what is known, says "not yet" and leaves in `facts` what it wants
// (checker/deliverability_probe asks), until everything is known.
//
// The organisational domain is found by DMARC's tree walk (draft-ietf-dmarc-dmarcbis, 4.10), not by a list of public
// suffixes: what the zones say of themselves, at most eight questions. Block lists are asked only where an operator
// named them; an answer in 127.255.255.0/24 says that the question was refused, not that the address is listed.
//
// Pure; any thread. Limits: kSelectorsMax selectors, kZonesMax lists, DnsFacts::kQuestionsMax questions. Known
// weaknesses: DKIM is judged by the key, no signature is seen; no DNSSEC, so no DANE; a policy file's first 2 KiB.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checker/dns_facts.h"
#include "checker/probe.h"
#include "checker/spf.h"
#include "core/outcome.h"
#include "core/result.h"
#include "net/address.h"

namespace everup::checker {

struct MailQuestion {
  static constexpr std::size_t kSelectorsMax = 5, kZonesMax = 10;
  std::string domain;                   // of the From: header; A-labels
  std::optional<net::Address> address;  // that sends; absent: SPF's verdict, PTR and lists are left out
  std::string mail_from;                // domain of the envelope's sender; empty: `domain`
  std::string helo;                     // empty: not judged
  std::vector<std::string> selectors;   // of DKIM keys, below `domain`
  std::vector<std::string> zones;       // block lists
};
// As typed → as asked. The pointers are those of POST /mail_tests.
FieldErrors check_mail_question(MailQuestion& question);

struct MailFinding {
  enum class Level : std::uint8_t { kGood, kAdvice, kWarning, kProblem, kUnknown };
  std::string check;  // "mx", "spf", "dkim", "dmarc", "alignment", "mta_sts", "tls_rpt", "ptr", "helo", "dnsbl"
  Level level = Level::kGood;
  std::string found, means;
  std::string publish;  // a record as a zone file has it, or what to do; empty: nothing
};
std::string_view word(MailFinding::Level level);

struct MailView {
  MailQuestion question;
  Verdict verdict = Verdict::kUp;  // a problem: down; a warning: degraded; unknown and nothing worse: inconclusive
  std::vector<MailFinding> findings;
  std::string spf_record, dmarc_record, organisation;
  std::optional<SpfVerdict> spf;  // of the sending address
  int spf_cost = 0;
  std::size_t questions = 0;
};

// The policy file of MTA-STS, as far as it is known.
struct StsFile {
  bool wanted = false;  // set by judge_mail()
  bool fetched = false;
  bool ours = false;    // it could not be asked for: our trouble
  std::string trouble;  // empty: `body` is what came with 200
  std::string body;
};

// Called once, on the loop's thread, never from inside view().
using Viewed = std::function<void(MailView&&)>;

// What a maker of probes is, beside that, when it looks at domains too (checker/deliverability_probe). On its loop's
// thread.
class MailViewer {
 public:
  virtual ~MailViewer() = default;
  // Destroying the probe cancels it; the view comes at the deadline at the latest, with what is known then.
  virtual std::unique_ptr<Probe> view(const MailQuestion& question, Instant deadline, bool strict_policy,
                                      Viewed viewed) = 0;
};

// nullopt: not yet; `facts` and `file` say what is wanted.
std::optional<MailView> judge_mail(const MailQuestion& question, DnsFacts& facts, StsFile& file);

}  // namespace everup::checker
