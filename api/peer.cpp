// See api/peer.h.
#include "api/peer.h"

#include <algorithm>

namespace everup::api {
namespace {

// IPv4 in IPv6 clothes (::ffff:0:0/96) is the IPv4 address.
net::Address plain(const net::Address& address) {
  if (address.v4()) return address;
  const auto& b = address.bytes;
  const bool mapped =
      std::all_of(b.begin(), b.begin() + 10, [](std::uint8_t x) { return x == 0; }) && b[10] == 0xff && b[11] == 0xff;
  if (!mapped) return address;
  const auto host = (std::uint32_t{b[12]} << 24U) | (std::uint32_t{b[13]} << 16U) | (std::uint32_t{b[14]} << 8U) |
                    std::uint32_t{b[15]};
  return net::Address::from_v4(host, address.port);
}

bool is_loopback(const net::Address& address) {
  const net::Address a = plain(address);
  if (a.v4()) return a.bytes[0] == 127;
  return std::all_of(a.bytes.begin(), a.bytes.begin() + 15, [](std::uint8_t x) { return x == 0; }) && a.bytes[15] == 1;
}

std::vector<std::string_view> forwarded_for(const HttpRequest& request) {
  std::vector<std::string_view> entries;
  for (const Field& field : request.fields) {
    if (field.name != "x-forwarded-for") continue;
    for_each_element(field.value, [&](std::string_view entry) { entries.push_back(entry); });
  }
  return entries;
}

}  // namespace

Result<TrustedProxies> TrustedProxies::parse(std::string_view text) {
  TrustedProxies out;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto end = std::min(text.find_first_of(" ,\n\t", at), text.size());
    const auto word = text.substr(at, end - at);
    at = end + 1;
    if (word.empty()) continue;
    if (word == "unix") {
      out.unix_ = true;
      continue;
    }
    auto network = net::Cidr::parse(word);
    if (!network.ok()) return network.error();
    out.networks_.push_back(*network);
    if (out.networks_.size() > 1000) return Error{ErrorCode::kInvalid, "at most 1000 networks"};
  }
  return out;
}

bool TrustedProxies::trusts(const net::Address& address) const {
  const net::Address a = plain(address);
  return std::any_of(networks_.begin(), networks_.end(), [&](const net::Cidr& network) { return network.contains(a); });
}

bool Peer::loopback() const { return !address || is_loopback(*address); }

Client client_of(const Peer& peer, const HttpRequest& request, const TrustedProxies& trusted) {
  Client client;
  if (peer.address) client.address = plain(*peer.address);
  const bool forwarded = request.find("x-forwarded-for") != nullptr || request.find("forwarded") != nullptr ||
                         request.find("via") != nullptr;
  client.direct_loopback = peer.loopback() && !forwarded;
  if (!(peer.address ? trusted.trusts(*peer.address) : trusted.trusts_unix())) return client;
  if (const std::string* scheme = request.find("x-forwarded-proto")) client.https = iequals(*scheme, "https");
  const auto entries = forwarded_for(request);
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    const auto address = net::Address::parse_endpoint(*entry, 1);
    if (!address) break;  // what a trusted proxy did not write properly is nobody's address
    client.address = plain(address->with_port(0));
    if (!trusted.trusts(*client.address)) break;
  }
  return client;
}

}  // namespace everup::api
