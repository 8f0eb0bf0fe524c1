#include "checker/heartbleed_records.h"

#include "checker/tls_records.h"

namespace everup::checker {

namespace {

constexpr std::size_t kMessageHead = 3;  // type and payload length

std::string record(std::uint16_t version, std::size_t claimed, std::string_view nonce, std::string_view padding) {
  const std::size_t length = kMessageHead + nonce.size() + padding.size();
  const auto byte = [](std::size_t value) { return static_cast<char>(value & 0xff); };
  std::string out;
  out.reserve(kRecordHead + length);
  out += {static_cast<char>(RecordType::kHeartbeat), byte(static_cast<std::size_t>(version >> 8)), byte(version),
          byte(length >> 8), byte(length)};
  out += {'\x01', byte(claimed >> 8), byte(claimed)};
  out += nonce;
  out += padding;
  return out;
}

// A response that carries `nonce`, claims `claimed` bytes and has room for them and its padding.
bool answers(std::string_view body, std::string_view nonce, std::size_t claimed) {
  if (nonce.empty() || body.size() < kMessageHead + claimed + kPaddingBytes || body[0] != '\x02') return false;
  const std::size_t said = static_cast<std::size_t>(static_cast<std::uint8_t>(body[1])) << 8 |
                           static_cast<std::size_t>(static_cast<std::uint8_t>(body[2]));
  return said == claimed && body.substr(kMessageHead, nonce.size()) == nonce;
}

}  // namespace

std::string over_read_request(std::uint16_t version, std::string_view nonce) {
  return record(version, nonce.size() + 1, nonce, {});
}

std::string control_request(std::uint16_t version, std::string_view nonce, std::string_view padding) {
  return record(version, nonce.size(), nonce, padding);
}

HeartbeatReply recognise_heartbeat(std::string_view body, std::string_view p, std::string_view c) {
  if (answers(body, p, p.size() + 1)) return HeartbeatReply::kOverRead;
  return answers(body, c, c.size()) ? HeartbeatReply::kControl : HeartbeatReply::kForeign;
}

}  // namespace everup::checker
