// Mails through relays in order of preference: composes a message, hands it over, goes on to the next relay when one is
// at fault, and tells every try.
//
// RelayRoster is what all mailers of a process know about the relays (rests, quotas, the last fault); any thread. A
// Mailer owns one connection a relay; one thread. deliver() blocks at most MailSettings::turn_limit.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "alerts/relay.h"
#include "alerts/relay_choice.h"
#include "alerts/relay_url.h"
#include "alerts/turn.h"
#include "core/alert.h"
#include "core/clock.h"
#include "core/zone.h"

namespace everup::alerts {

struct MailSettings {
  std::vector<RelayUrl> relays;          // EVERUP_SMTP_RELAYS; empty: mails wait until there are some
  std::string from;                      // EVERUP_MAIL_FROM: an address, or a name with one in angles
  std::string ca_file;                   // EVERUP_CA_FILE
  milliseconds relay_limit{30'000};      // at one relay
  milliseconds turn_limit{90'000};       // at all of them
  milliseconds idle_connection{20'000};  // then it is closed
};

// Empty: `from` may be used. Else what is wrong, naming EVERUP_MAIL_FROM.
std::string mail_from_fault(const std::string& from);

struct RelayState {
  std::string relay;       // "smtp://relay.example:587"
  bool resting = false;    // after a fault
  std::string last_fault;  // its words; empty: none since the last good mail
};

class RelayRoster {
 public:
  explicit RelayRoster(const std::vector<RelayUrl>& relays);
  std::optional<std::size_t> next(const std::vector<bool>& tried, bool urgent, Instant now);
  void note(std::size_t relay, const RelayTry& one, Instant now);
  std::optional<milliseconds> rest(bool urgent, Instant now);
  std::vector<RelayState> states(Instant now) const;

 private:
  mutable std::mutex mutex_;
  RelayChoice choice_;              // guarded by mutex_
  std::vector<RelayState> states_;  // guarded by mutex_
};

class Mailer {
 public:
  // Everything outlives the mailer. `stop` ends a running hand-over within a second.
  Mailer(const MailSettings& settings, RelayRoster& roster, const Clock& clock, const Zones& zones,
         const std::atomic<bool>& stop);

  Turn deliver(const Message& message);
  // Closes connections that nobody used for a while; call it now and then.
  void tidy();

 private:
  struct Line {
    std::unique_ptr<Relay> relay;
    Instant used;
  };
  RelayTry hand_over(std::size_t relay, const Envelope& envelope, milliseconds limit);
  void try_relays(const Message& message, const Envelope& envelope, Turn& turn);
  Attempt attempt(const RelayTry& one) const;
  Attempt own_words(const std::string& words, AttemptResult result) const;

  const MailSettings& settings_;
  RelayRoster& roster_;
  const Clock& clock_;
  const Zones& zones_;
  const std::atomic<bool>& stop_;
  std::vector<Line> lines_;
};

// For `everup doctor mail`: one test mail through each relay, whatever the others do; blocks at most relay_limit each.
// Every try carries its dialogue. kInvalid: no relays, or an address is none.
Result<std::vector<RelayTry>> send_test(const MailSettings& settings, const std::string& to, const Clock& clock);

}  // namespace everup::alerts
