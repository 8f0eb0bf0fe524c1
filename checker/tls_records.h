// TLS up to 1.2 as bytes: a ClientHello of our own, the record layer read strictly, and a server's first flight
// (RFC 5246; RFC 8446 for the one hello that offers 1.3). For what no TLS library says any more: which old versions and
// broken suites a server still takes, and Heartbleed.
//
// Pure: no socket, no clock; random bytes come from the caller. Thread: one per object. Limits: kRecordBytesMax a
// record, kFlightBytesMax of handshake, kChainMax certificates of kChainBytesMax together are kept, a longer chain is
// skipped. Known weakness: flights are not authenticated; nothing read here proves who the server is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/kind_settings.h"

namespace everup::checker {

inline constexpr std::size_t kRecordHead = 5;
inline constexpr std::size_t kRecordBytesMax = 18'432;  // RFC 5246, 6.2.3: 2^14 and 2048 of expansion
inline constexpr std::size_t kFlightBytesMax = 1024 * 1024;

enum class RecordType : std::uint8_t {
  kChangeCipherSpec = 20,
  kAlert = 21,
  kHandshake = 22,
  kData = 23,
  kHeartbeat = 24
};

std::uint16_t wire_version(TlsVersion version);  // 0x0300 … 0x0304
std::optional<TlsVersion> version_from_wire(std::uint16_t number);

struct HelloAsk {
  TlsVersion version = TlsVersion::k1_2;  // the highest offered; nothing but 1.3 for k1_3
  bool heartbeat = false;                 // with the extension of RFC 6520
  bool weak_only = false;                 // only suites that nobody should accept
  std::string server_name;                // SNI when it is a name; empty: none
};
// 32 bytes of the client's random, 32 that serve as an X25519 share (any 32 are one).
using HelloRandom = std::array<std::uint8_t, 64>;
// One record. At most 700 bytes; never 256 … 511, where old load balancers hang (RFC 7685).
std::string client_hello(const HelloAsk& ask, const HelloRandom& random);

struct TlsRecord {
  RecordType type = RecordType::kAlert;
  std::uint16_t version = 0;
  std::string_view body;
  std::size_t bytes() const { return kRecordHead + body.size(); }
};
enum class RecordState : std::uint8_t { kWhole, kMore, kBad };
// The record at the front of `bytes`. kBad as early as a byte says so: another type than 20 … 24, another major version
// than 3, longer than kRecordBytesMax, empty where RFC 5246 6.2.1 forbids it.
RecordState front_record(std::string_view bytes, TlsRecord& record);

struct TlsAlert {
  int level = 0;  // 1 warning, 2 fatal
  int number = 0;
};
std::optional<TlsAlert> alert_of(const TlsRecord& record);
std::string_view alert_name(int number);  // "protocol_version"; "unknown" for others

// Name of a suite as IANA has it, for those this file offers; else "0x1234".
std::string suite_name(std::uint16_t suite);

struct ServerFlight {
  static constexpr std::size_t kChainMax = 10;
  static constexpr std::size_t kChainBytesMax = 256 * 1024;

  bool hello = false;         // ServerHello came
  std::uint16_t version = 0;  // what it chose
  std::uint16_t suite = 0;
  bool retry = false;      // a HelloRetryRequest of TLS 1.3
  bool heartbeat = false;  // it knows RFC 6520
  bool asks_certificate = false;
  bool done = false;               // ServerHelloDone
  std::vector<std::string> chain;  // DER, leaf first
};

// Handshake messages out of handshake records, however they are cut.
class FlightReader {
 public:
  // False: not a server's flight; nothing more may be fed. After a 1.3 ServerHello the rest is encrypted: stop feeding.
  bool feed(std::string_view handshake_bytes);
  const ServerFlight& flight() const { return flight_; }

 private:
  bool begin_message();
  bool end_message();
  bool read_hello();
  bool read_extensions(std::string_view bytes);
  void read_chain();

  ServerFlight flight_;
  std::string head_, body_;
  std::size_t left_ = 0;   // of the message's body
  std::size_t total_ = 0;  // of the flight
  bool keep_ = false;
};

}  // namespace everup::checker
