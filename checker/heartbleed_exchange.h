// One connection of the Heartbleed question: hello, the server's flight, heartbeats, and how it ended. A machine over
// bytes; the driver (checker/heartbleed_probe.h) owns socket and clock, the table of decisions is
// checker/heartbleed_decision.h.
//
// Ownership and thread: one per connection, one thread. It never copies a byte of what came in a heartbeat record, nor
// of what follows the first one: bytes stay with the driver, which overwrites them. Limits: as
// checker/tls_records.h; at most HeartbleedReport::kSeenMax records are noted, kRecordsMax are read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "checker/tls_records.h"
#include "core/tls_report.h"

namespace everup::checker {

enum class Beats : std::uint8_t {
  kPair,       // P and C, 8 KiB each
  kControl,    // C alone
  kLargePair,  // the largest ones, the first byte in a segment of its own
  kNone,       // no heartbeat: does it speak TLS 1.3?
};

struct HeartbleedAttempt {
  TlsVersion version = TlsVersion::k1_2;  // the highest offered; k1_3 with Beats::kNone
  bool server_name = true;
  Beats beats = Beats::kPair;
  bool operator==(const HeartbleedAttempt&) const = default;
};

enum class HeartbleedEnd : std::uint8_t {
  kOverRead,         // P was answered with our nonce and one byte more
  kControlAnswered,  // C was answered, P was not
  kBeatAlert,        // a fatal alert instead
  kBeatEnd,          // closed or reset
  kBeatSilence,
  kForeignReply,  // a heartbeat that is none of ours
  kNoExtension,
  kSpeaksTls13,
  kHelloAlert,  // before ServerHello
  kHelloEnd,
  kHelloSilence,
  kNotTls,
  kUnreachable,  // no connection
  kPrelude,      // STARTTLS did not come about
};

struct HeartbleedConnection {
  HeartbleedAttempt attempt;
  HeartbleedEnd end = HeartbleedEnd::kUnreachable;
  int alert = -1;
  std::uint16_t version = 0;  // negotiated
  bool extension = false;
  std::vector<HeartbleedReport::Seen> seen;
};

// Everything random about one connection, made by the driver.
struct HeartbleedRandom {
  HelloRandom hello{};
  std::string p, c, padding;  // of the attempt's sizes; p empty for Beats::kControl
  static HeartbleedRandom make(Beats beats);
};

class HeartbleedExchange {
 public:
  static constexpr int kRecordsMax = 10'000;

  HeartbleedExchange(const HeartbleedAttempt& attempt, const std::string& server_name, HeartbleedRandom random);

  // What to send as soon as the connection (and STARTTLS on it) stands.
  std::string hello() const;
  // Takes whole records off the front of `received`; returns the bytes taken. Afterwards look at ended() and to_send().
  std::size_t on_bytes(std::string_view received, int at_ms);
  void on_close();    // end of file, reset or a write that failed: after everything readable was given
  void on_silence();  // the wait is over; may have something to send once more (a flight without its end)
  // Segments to write, each after the one before went out; empty: nothing. Handing them over forgets them.
  std::vector<std::string> to_send();

  bool ended() const { return ended_; }
  bool beating() const { return beating_; }
  HeartbleedConnection take() { return std::move(result_); }

 private:
  void on_record(const TlsRecord& record);
  void on_handshake(const TlsRecord& record);
  void on_alert(const TlsAlert& alert);
  void on_heartbeat(std::string_view body);
  void beat();
  void end(HeartbleedEnd how) { result_.end = how, ended_ = true; }

  const std::string server_name_;
  const HeartbleedRandom random_;
  FlightReader flight_;
  HeartbleedConnection result_;
  std::vector<std::string> segments_;
  bool beating_ = false, ended_ = false;
  int records_ = 0, at_ms_ = 0;
};

}  // namespace everup::checker
