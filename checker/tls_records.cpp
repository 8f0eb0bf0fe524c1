#include "checker/tls_records.h"

#include <algorithm>
#include <cstdio>

#include "core/result.h"

namespace everup::checker {

namespace {

struct Suite {
  std::uint16_t number;
  std::string_view name;
};

// What servers of the last twenty years speak, best first; RC4 and 3DES too: an old server may have nothing else.
constexpr std::array kSuites = {
    Suite{0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
    Suite{0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
    Suite{0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
    Suite{0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
    Suite{0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
    Suite{0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
    Suite{0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"},
    Suite{0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"},
    Suite{0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
    Suite{0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"},
    Suite{0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"},
    Suite{0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"},
    Suite{0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"},
    Suite{0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"},
    Suite{0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"},
    Suite{0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"},
    Suite{0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"},
    Suite{0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256"},
    Suite{0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"},
    Suite{0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256"},
    Suite{0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"},
    Suite{0x0032, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA"},
    Suite{0x0038, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA"},
    Suite{0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256"},
    Suite{0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384"},
    Suite{0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256"},
    Suite{0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256"},
    Suite{0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA"},
    Suite{0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA"},
    Suite{0xc012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"},
    Suite{0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"},
    Suite{0xc011, "TLS_ECDHE_RSA_WITH_RC4_128_SHA"},
    Suite{0x0005, "TLS_RSA_WITH_RC4_128_SHA"},
    Suite{0x0004, "TLS_RSA_WITH_RC4_128_MD5"},
};

// No encryption, nobody authenticated, export grade, DES, RC4, 3DES: what a server must refuse, worst first.
constexpr std::array kWeakSuites = {
    Suite{0x0002, "TLS_RSA_WITH_NULL_SHA"},
    Suite{0x0001, "TLS_RSA_WITH_NULL_MD5"},
    Suite{0x003b, "TLS_RSA_WITH_NULL_SHA256"},
    Suite{0xc010, "TLS_ECDHE_RSA_WITH_NULL_SHA"},
    Suite{0xc006, "TLS_ECDHE_ECDSA_WITH_NULL_SHA"},
    Suite{0x0018, "TLS_DH_anon_WITH_RC4_128_MD5"},
    Suite{0x001b, "TLS_DH_anon_WITH_3DES_EDE_CBC_SHA"},
    Suite{0x0034, "TLS_DH_anon_WITH_AES_128_CBC_SHA"},
    Suite{0x003a, "TLS_DH_anon_WITH_AES_256_CBC_SHA"},
    Suite{0xc016, "TLS_ECDH_anon_WITH_RC4_128_SHA"},
    Suite{0xc017, "TLS_ECDH_anon_WITH_3DES_EDE_CBC_SHA"},
    Suite{0xc018, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA"},
    Suite{0xc019, "TLS_ECDH_anon_WITH_AES_256_CBC_SHA"},
    Suite{0x0003, "TLS_RSA_EXPORT_WITH_RC4_40_MD5"},
    Suite{0x0006, "TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5"},
    Suite{0x0008, "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA"},
    Suite{0x0014, "TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA"},
    Suite{0x0009, "TLS_RSA_WITH_DES_CBC_SHA"},
    Suite{0x0015, "TLS_DHE_RSA_WITH_DES_CBC_SHA"},
    Suite{0x0004, "TLS_RSA_WITH_RC4_128_MD5"},
    Suite{0x0005, "TLS_RSA_WITH_RC4_128_SHA"},
    Suite{0xc007, "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA"},
    Suite{0xc011, "TLS_ECDHE_RSA_WITH_RC4_128_SHA"},
    Suite{0xc008, "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA"},
    Suite{0xc012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"},
    Suite{0x0016, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA"},
    Suite{0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"},
};

constexpr std::array kSuites13 = {Suite{0x1301, "TLS_AES_128_GCM_SHA256"}, Suite{0x1302, "TLS_AES_256_GCM_SHA384"},
                                  Suite{0x1303, "TLS_CHACHA20_POLY1305_SHA256"}};

constexpr std::array<std::uint16_t, 5> kGroups = {0x001d, 0x0017, 0x0018, 0x0019, 0x001e};
constexpr std::array<std::uint16_t, 14> kSignatures = {0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0807,
                                                       0x0603, 0x0806, 0x0601, 0x0203, 0x0201, 0x0402, 0x0202};
constexpr std::uint16_t kRenegotiationScsv = 0x00ff;  // RFC 5746
constexpr std::size_t kHelloMax = 16 * 1024;          // of a ServerHello

// SHA-256 of "HelloRetryRequest": a ServerHello with this random is one (RFC 8446, 4.1.3).
constexpr std::array<std::uint8_t, 32> kRetryRandom = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                                       0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                                       0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

void put8(std::string& out, std::size_t value) { out.push_back(static_cast<char>(value & 0xff)); }
void put16(std::string& out, std::size_t value) {
  put8(out, value >> 8);
  put8(out, value);
}
void put24(std::string& out, std::size_t value) {
  put8(out, value >> 16);
  put16(out, value);
}

std::size_t at8(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }
std::size_t at16(std::string_view bytes, std::size_t at) { return at8(bytes, at) << 8 | at8(bytes, at + 1); }
std::size_t at24(std::string_view bytes, std::size_t at) { return at8(bytes, at) << 16 | at16(bytes, at + 1); }

void put_extension(std::string& out, std::uint16_t type, std::string_view body) {
  put16(out, type);
  put16(out, body.size());
  out += body;
}

template <std::size_t N>
std::string list16(const std::array<std::uint16_t, N>& values) {
  std::string out;
  put16(out, N * 2);
  for (const std::uint16_t value : values) put16(out, value);
  return out;
}

std::string server_name_body(const std::string& name) {
  std::string out;
  put16(out, name.size() + 3);
  put8(out, 0);
  put16(out, name.size());
  return out + name;
}

std::string extensions_of(const HelloAsk& ask, const HelloRandom& random) {
  std::string out;
  if (!ask.server_name.empty() && ask.server_name.size() <= 255) {
    put_extension(out, 0x0000, server_name_body(ask.server_name));
  }
  put_extension(out, 0x000a, list16(kGroups));
  put_extension(out, 0x000b, std::string_view("\x01\x00", 2));
  if (ask.version >= TlsVersion::k1_2) put_extension(out, 0x000d, list16(kSignatures));
  if (ask.heartbeat) put_extension(out, 0x000f, "\x01");
  if (ask.version == TlsVersion::k1_3) {
    put_extension(out, 0x002b, std::string_view("\x02\x03\x04", 3));
    put_extension(out, 0x002d, std::string_view("\x01\x01", 2));
    std::string share;
    put16(share, 36), put16(share, 0x001d), put16(share, 32);
    share.append(reinterpret_cast<const char*>(random.data()) + 32, 32);
    put_extension(out, 0x0033, share);
  }
  return out;
}

template <std::size_t N>
void put_suites(std::string& out, const std::array<Suite, N>& suites) {
  for (const Suite& suite : suites) put16(out, suite.number);
}

std::string suites_of(const HelloAsk& ask) {
  std::string out;
  if (ask.version == TlsVersion::k1_3) {
    put_suites(out, kSuites13);
    return out;
  }
  if (ask.weak_only) {
    put_suites(out, kWeakSuites);
  } else {
    put_suites(out, kSuites);
  }
  put16(out, kRenegotiationScsv);
  return out;
}

}  // namespace

std::uint16_t wire_version(TlsVersion version) {
  return static_cast<std::uint16_t>(0x0300 + static_cast<int>(version));
}

std::optional<TlsVersion> version_from_wire(std::uint16_t number) {
  if (number < 0x0300 || number > 0x0304) return std::nullopt;
  return static_cast<TlsVersion>(number - 0x0300);
}

std::string client_hello(const HelloAsk& ask, const HelloRandom& random) {
  const bool newest = ask.version == TlsVersion::k1_3;
  std::string body;
  put16(body, wire_version(newest ? TlsVersion::k1_2 : ask.version));
  body.append(reinterpret_cast<const char*>(random.data()), 32);
  put8(body, 0);  // no session
  const std::string suites = suites_of(ask);
  put16(body, suites.size());
  body += suites;
  body += std::string_view("\x01\x00", 2);  // no compression
  if (ask.version != TlsVersion::kSsl3) {
    std::string extensions = extensions_of(ask, random);
    const std::size_t message = 4 + body.size() + 2 + extensions.size();
    if (message > 255 && message < 512) {
      const std::size_t missing = std::max<std::size_t>(512 - message, 4) - 4;
      put_extension(extensions, 0x0015, std::string(missing, '\0'));
    }
    put16(body, extensions.size());
    body += extensions;
  }
  std::string record;
  put8(record, static_cast<std::size_t>(RecordType::kHandshake));
  put16(record, ask.version == TlsVersion::kSsl3 ? 0x0300 : 0x0301);
  put16(record, 4 + body.size());
  put8(record, 1);  // ClientHello
  put24(record, body.size());
  return record + body;
}

RecordState front_record(std::string_view bytes, TlsRecord& record) {
  if (bytes.empty()) return RecordState::kMore;
  const std::size_t type = at8(bytes, 0);
  if (type < 20 || type > 24) return RecordState::kBad;
  if (bytes.size() > 1 && at8(bytes, 1) != 3) return RecordState::kBad;
  if (bytes.size() < kRecordHead) return RecordState::kMore;
  const std::size_t length = at16(bytes, 3);
  const bool empty_allowed = type == 23;
  if (length > kRecordBytesMax || (length == 0 && !empty_allowed)) return RecordState::kBad;
  if (bytes.size() < kRecordHead + length) return RecordState::kMore;
  record.type = static_cast<RecordType>(type);
  record.version = static_cast<std::uint16_t>(at16(bytes, 1));
  record.body = bytes.substr(kRecordHead, length);
  return RecordState::kWhole;
}

std::optional<TlsAlert> alert_of(const TlsRecord& record) {
  if (record.type != RecordType::kAlert || record.body.size() != 2) return std::nullopt;
  return TlsAlert{static_cast<int>(at8(record.body, 0)), static_cast<int>(at8(record.body, 1))};
}

std::string_view alert_name(int number) {
  struct Name {
    int number;
    std::string_view name;
  };
  static constexpr std::array kNames = {Name{0, "close_notify"},
                                        Name{10, "unexpected_message"},
                                        Name{20, "bad_record_mac"},
                                        Name{22, "record_overflow"},
                                        Name{40, "handshake_failure"},
                                        Name{42, "bad_certificate"},
                                        Name{43, "unsupported_certificate"},
                                        Name{44, "certificate_revoked"},
                                        Name{45, "certificate_expired"},
                                        Name{46, "certificate_unknown"},
                                        Name{47, "illegal_parameter"},
                                        Name{48, "unknown_ca"},
                                        Name{49, "access_denied"},
                                        Name{50, "decode_error"},
                                        Name{51, "decrypt_error"},
                                        Name{70, "protocol_version"},
                                        Name{71, "insufficient_security"},
                                        Name{80, "internal_error"},
                                        Name{86, "inappropriate_fallback"},
                                        Name{90, "user_canceled"},
                                        Name{100, "no_renegotiation"},
                                        Name{109, "missing_extension"},
                                        Name{110, "unsupported_extension"},
                                        Name{112, "unrecognized_name"},
                                        Name{116, "certificate_required"},
                                        Name{120, "no_application_protocol"}};
  const auto* found = std::find_if(kNames.begin(), kNames.end(), [&](const Name& n) { return n.number == number; });
  return found == kNames.end() ? "unknown" : found->name;
}

std::string suite_name(std::uint16_t suite) {
  const auto named = [&](const auto& suites) -> std::string_view {
    const auto found = std::find_if(suites.begin(), suites.end(), [&](const Suite& s) { return s.number == suite; });
    return found == suites.end() ? std::string_view() : found->name;
  };
  for (const std::string_view name : {named(kSuites), named(kWeakSuites), named(kSuites13)}) {
    if (!name.empty()) return std::string(name);
  }
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "0x%04x", suite);
  return text.data();
}

// ---- a server's flight ------------------------------------------------------------------------------------

bool FlightReader::feed(std::string_view bytes) {
  total_ += bytes.size();
  if (total_ > kFlightBytesMax) return false;
  while (!bytes.empty()) {
    if (head_.size() < 4) {
      const std::size_t taken = std::min(bytes.size(), 4 - head_.size());
      head_ += bytes.substr(0, taken);
      bytes.remove_prefix(taken);
      if (head_.size() == 4 && !begin_message()) return false;
    } else {
      const std::size_t taken = std::min(bytes.size(), left_);
      if (keep_) body_ += bytes.substr(0, taken);
      left_ -= taken;
      bytes.remove_prefix(taken);
    }
    if (head_.size() == 4 && left_ == 0 && !end_message()) return false;
  }
  return true;
}

bool FlightReader::begin_message() {
  const std::size_t type = at8(head_, 0);
  left_ = at24(head_, 1);
  body_.clear();
  if (flight_.done) return false;
  if (type == 0) return left_ == 0;  // HelloRequest: nothing to say
  if (!flight_.hello && type != 2) return false;
  if (type == 2 && (flight_.hello || left_ > kHelloMax)) return false;
  keep_ = type == 2 || (type == 11 && left_ <= ServerFlight::kChainBytesMax);
  return total_ <= kFlightBytesMax && left_ <= kFlightBytesMax;
}

bool FlightReader::end_message() {
  const std::size_t type = at8(head_, 0);
  head_.clear();
  if (type == 2) return read_hello();
  if (type == 11 && keep_ && flight_.chain.empty()) read_chain();
  if (type == 13) flight_.asks_certificate = true;
  if (type == 14) flight_.done = true;
  return true;
}

bool FlightReader::read_hello() {
  const std::string_view body = body_;
  if (body.size() < 38) return false;
  flight_.version = static_cast<std::uint16_t>(at16(body, 0));
  flight_.retry = std::equal(kRetryRandom.begin(), kRetryRandom.end(), body.begin() + 2,
                             [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); });
  const std::size_t session = at8(body, 34);
  const std::size_t suite_at = 35 + session;
  if (session > 32 || body.size() < suite_at + 3) return false;
  flight_.suite = static_cast<std::uint16_t>(at16(body, suite_at));
  if (at8(body, suite_at + 2) != 0) return false;  // compression nobody offered
  flight_.hello = true;
  const std::string_view rest = body.substr(suite_at + 3);
  if (rest.empty()) return version_from_wire(flight_.version).has_value();
  if (rest.size() < 2 || at16(rest, 0) != rest.size() - 2) return false;
  return read_extensions(rest.substr(2)) && version_from_wire(flight_.version).has_value();
}

bool FlightReader::read_extensions(std::string_view bytes) {
  while (!bytes.empty()) {
    if (bytes.size() < 4 || bytes.size() - 4 < at16(bytes, 2)) return false;
    const std::size_t type = at16(bytes, 0);
    const std::string_view value = bytes.substr(4, at16(bytes, 2));
    if (type == 0x000f) {
      if (value.size() != 1 || at8(value, 0) < 1 || at8(value, 0) > 2) return false;
      flight_.heartbeat = true;
    }
    if (type == 0x002b) {
      if (value.size() != 2) return false;
      flight_.version = static_cast<std::uint16_t>(at16(value, 0));
    }
    bytes.remove_prefix(4 + value.size());
  }
  return true;
}

// A chain that does not add up is no chain; the handshake's end does not depend on it.
void FlightReader::read_chain() {
  std::string_view rest = body_;
  if (rest.size() < 3 || at24(rest, 0) != rest.size() - 3) return;
  rest.remove_prefix(3);
  std::vector<std::string> chain;
  while (!rest.empty() && chain.size() < ServerFlight::kChainMax) {
    if (rest.size() < 3 || rest.size() - 3 < at24(rest, 0)) return;
    chain.emplace_back(rest.substr(3, at24(rest, 0)));
    rest.remove_prefix(3 + chain.back().size());
  }
  flight_.chain = std::move(chain);
}

}  // namespace everup::checker
