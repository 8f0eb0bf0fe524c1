// What the readers of mail records make of any bytes: SPF (record and macros), tags, DKIM, DMARC, MTA-STS, TLS-RPT. One
// text; aborts when a limit is passed, or when a record that was taken does not hold. Shared by the fuzzer and the
// replay of its corpus.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

#include "checker/mail_records.h"
#include "checker/spf.h"

namespace everup::fuzz {

template <class T>
std::string said(const char* what, const Result<T>& read) {
  return std::string(what) + (read.ok() ? " ok\n" : " " + read.error().what + "\n");
}

inline std::string mail_records_outcome(std::string_view bytes) {
  std::string out;
  const checker::SpfQuestion question{*net::Address::parse("2001:db8::25"), "jane.doe@mail.example.test",
                                      "mx.example.test"};
  const auto spf = checker::parse_spf(bytes);
  out += said("spf", spf);
  if (spf.ok()) {
    if (spf->terms.size() > 512) std::abort();
    for (const checker::SpfTerm& term : spf->terms) {
      if (term.prefix4 < 0 || term.prefix4 > 32 || term.prefix6 < 0 || term.prefix6 > 128) std::abort();
      if (!term.domain.empty() && !checker::expand_spf(term.domain, {question, "example.test"}).ok()) std::abort();
    }
  }
  const auto expanded = checker::expand_spf(bytes, {question, "example.test"});
  if (expanded.ok() && expanded->size() > 1024 + 4096) std::abort();
  out += said("macros", expanded);
  const auto tags = checker::parse_tags(bytes);
  if (tags.ok() && tags->size() > 64) std::abort();
  out += said("tags", tags);
  const auto key = checker::parse_dkim(bytes);
  if (key.ok() && key->bits < 0) std::abort();
  out += said("dkim", key);
  const auto dmarc = checker::parse_dmarc(bytes);
  if (dmarc.ok() && (dmarc->percent < 0 || dmarc->percent > 100)) std::abort();
  out += said("dmarc", dmarc);
  out += said("sts", checker::parse_sts_id(bytes));
  const auto policy = checker::parse_sts_policy(bytes);
  if (policy.ok() && policy->hosts.size() > 100) std::abort();
  if (policy.ok()) (void)policy->covers(bytes);
  out += said("policy", policy);
  out += said("tls-rpt", checker::parse_tls_rpt(bytes));
  return out;
}

}  // namespace everup::fuzz
