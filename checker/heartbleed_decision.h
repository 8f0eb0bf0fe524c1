// Which connection comes next, and what they all mean: the table of faults 3.2, row by row. Pure.
//
// Silence, a reset and a timeout alone are never green, whatever came before; only what the server said itself is.
// Limit: kConnectionsMax connections.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "checker/heartbleed_exchange.h"
#include "core/tls_report.h"

namespace everup::checker {

class HeartbleedDecision {
 public:
  static constexpr int kConnectionsMax = 8;

  // `tls13`: does it speak TLS 1.3, when that is known; `server_name`: is there a name to send.
  HeartbleedDecision(std::optional<bool> tls13, bool server_name);

  const HeartbleedAttempt& attempt() const { return attempt_; }  // the one to make now
  // True: make attempt(). False: report() is whole.
  bool after(HeartbleedConnection&& connection);
  void out_of_time();
  // Connections that may still come in the usual course: what is left of the time is shared among them.
  int usual_left() const;
  HeartbleedReport& report() { return report_; }

 private:
  bool judge(const HeartbleedConnection& connection);
  bool hello_alert(int alert);
  bool unanswered(const HeartbleedConnection& connection);
  bool next_version(std::string reason, std::string detail);
  bool again(HeartbleedAttempt attempt);
  bool verdict(HeartbleedReport::Verdict verdict, std::string reason, std::string detail);
  bool inconclusive(std::string reason, std::string detail);

  HeartbleedAttempt attempt_;
  std::optional<bool> tls13_;
  int refused_alert_ = -1;       // of the hello up to TLS 1.2
  bool was_unanswered_ = false;  // the extension was offered and heartbeats met with silence
  HeartbleedReport report_;
};

}  // namespace everup::checker
