// The two heartbeats that tell a server with CVE-2014-0160 from a mended one (RFC 6520; faults 3.2), and their replies.
//
//   P  claims one byte more than it carries and has no padding: a vulnerable server answers it with our nonce and one
//      byte of its own; a mended one drops it (RFC 6520, 4: "MUST be discarded silently").
//   C  is fully legal: a server that knows heartbeats answers it.
//
// P goes before C, because a blocking server closes after the first heartbeat it sees; they are so large because a
// reply of 4096 bytes or less stays in a vulnerable server's handshake buffer. One foreign byte is asked for, and it is
// never looked at: a reply is recognised by what we sent ourselves.
//
// Pure. Nothing here keeps a reply; whoever holds its bytes overwrites them after recognise_heartbeat().
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace everup::checker {

inline constexpr std::size_t kNonceBytes = 8'192;
// The most that a control may carry in one record, and the most that P may for its reply to fit in one.
inline constexpr std::size_t kLargeControlBytes = 16'365, kLargeNonceBytes = 16'364;
inline constexpr std::size_t kPaddingBytes = 16;

// P: claims nonce.size() + 1 bytes.
std::string over_read_request(std::uint16_t version, std::string_view nonce);
// C: `nonce`, and `padding` of at least kPaddingBytes.
std::string control_request(std::uint16_t version, std::string_view nonce, std::string_view padding);

enum class HeartbeatReply : std::uint8_t {
  kOverRead,  // our nonce of P with the length that P claimed, and as much padding as a reply must have: proof
  kControl,   // our nonce of C, legal in every way
  kForeign,   // anything else
};
// `p` or `c` may be empty: that one was not sent.
HeartbeatReply recognise_heartbeat(std::string_view body, std::string_view p, std::string_view c);

}  // namespace everup::checker
