// Parts of checker/deliverability: what all of its judges share, and those that look at who sends. Not for others.
#pragma once

#include <string>

#include "checker/deliverability.h"

namespace everup::checker {

struct MailSubject {
  const MailQuestion& question;
  DnsFacts& facts;
  StsFile& file;
  MailView& view;
  bool dkim_usable = false;

  void add(std::string check, MailFinding::Level level, std::string found, std::string means, std::string publish = {});
  bool unknown(std::string check, const net::Records& answer);  // always true
};

// Each returns false when something it needs is not known yet; then what it added is of no use.
bool judge_dmarc(MailSubject& subject);   // policy and alignment; after SPF and DKIM
bool judge_sender(MailSubject& subject);  // PTR, HELO name, block lists: needs question.address

}  // namespace everup::checker
