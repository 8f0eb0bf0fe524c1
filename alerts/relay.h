// One SMTP relay by libcurl: submission with STARTTLS required and verified by default, AUTH PLAIN, LOGIN or XOAUTH2, a
// client certificate when the relay wants one. One connection serves several mails; it is kept while the object lives
// and made anew when the relay hung up meanwhile.
//
// hand_over() blocks its thread, at most for its limit, whatever the relay does; after a refusal up to as long again
// for the answer to QUIT. After any failure the connection is given up: an answer that came late would be taken for
// another mail's. Never a password without TLS but on loopback (relay_url.h). Replies are bounded (mail_dialogue.h).
// The system's resolver and no address policy: relays are the operator's choice.
//
// Thread: one at a time; `stop` may be set from any other and ends a running hand-over within a second.
// Known weaknesses: passwords and tokens are read from their file for each hand-over and stay in libcurl's memory; the
// name of a relay that goes away while a connection is kept is not looked up again before that connection ends.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alerts/relay_url.h"
#include "alerts/relay_verdict.h"
#include "core/time.h"

namespace everup::alerts {

struct Envelope {
  std::string from;             // addresses alone
  std::vector<std::string> to;  // at most 100
  std::string_view mail;        // lines end with CRLF
};

// One try at one relay: the proof.
struct RelayTry {
  std::string relay;  // "smtp://relay.example:587"
  WireEnd end = WireEnd::kLost;
  MailStage stage = MailStage::kConnect;  // the last
  RelayVerdict verdict;                   // of the whole: kSent when at least one recipient was taken
  std::vector<RelayVerdict> recipients;   // of each, in the envelope's order
  RelayReply reply;                       // the last words
  std::string error;                      // the client's, English; empty when it was fine
  std::string tls, queue_id;              // may be empty
  bool reused = false;                    // the connection had carried a mail before
  std::vector<std::string> lines;         // the dialogue, without secrets

  // "250 2.0.0 Ok: queued as 4bX" or "RCPT: 550 5.1.1 unknown" or "CONNECT: connection refused": at most 500 bytes.
  std::string words() const;
};

struct RelayOptions {
  std::string ca_file;  // trusted beside the system's authorities (EVERUP_CA_FILE); empty: none
  std::string ehlo;     // when the URL says none
  const std::atomic<bool>* stop = nullptr;
};

class Relay {
 public:
  Relay(RelayUrl url, RelayOptions options);
  ~Relay();  // closes politely, within 4 s
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  RelayTry hand_over(const Envelope& envelope, milliseconds limit);
  // Closes the connection politely, within 4 s. Nothing happens without one.
  void close();

 private:
  struct State;
  struct Callbacks;
  bool set_options(const Envelope& envelope, milliseconds limit, std::string& fault);
  bool set_login(std::string& fault);
  void abandon();
  RelayTry once(const Envelope& envelope, milliseconds limit);

  const RelayUrl url_;
  const RelayOptions options_;
  std::unique_ptr<State> state_;
};

}  // namespace everup::alerts
