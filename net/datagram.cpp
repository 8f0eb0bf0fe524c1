#include "net/datagram.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "net/socket_error.h"

namespace everup::net {

namespace {

OpenedDatagram failed(Cause cause, std::string detail) { return {{}, cause, std::move(detail)}; }

int protocol_of(Datagram kind, bool v4) {
  switch (kind) {
    case Datagram::kUdp:
      return IPPROTO_UDP;
    case Datagram::kIcmpEcho:
      return v4 ? static_cast<int>(IPPROTO_ICMP) : static_cast<int>(IPPROTO_ICMPV6);
  }
  assertion_failed("a kind of the table", __FILE__, __LINE__);
}

}  // namespace

Cause datagram_cause(int error) { return socket_cause(error); }

OpenedDatagram open_datagram(Datagram kind, const Address& peer, const AddressPolicy* policy) {
  if (policy != nullptr) {
    const Ruling ruling = policy->judge(peer);
    if (!ruling.allowed) return failed(Cause::kAddressRefused, policy->refusal(peer.host(), peer, ruling));
  }
  OpenedDatagram out;
  out.fd = Fd(::socket(peer.v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                       protocol_of(kind, peer.v4())));
  if (!out.fd) {
    const int error = errno;
    if (kind == Datagram::kIcmpEcho && (error == EACCES || error == EPERM)) {
      return failed(Cause::kPingForbidden,
                    "the system lets us send no pings: set net.ipv4.ping_group_range to include our group "
                    "(sysctl -w net.ipv4.ping_group_range=\"0 2147483647\")");
    }
    return failed(socket_cause(error), std::string("socket: ") + std::strerror(error));
  }
  sockaddr_storage storage{};
  const socklen_t length = (kind == Datagram::kIcmpEcho ? peer.with_port(0) : peer).to_sockaddr(storage);
  if (::connect(out.fd.value(), reinterpret_cast<const sockaddr*>(&storage), length) != 0) {
    const int error = errno;
    return failed(socket_cause(error), std::string("connect: ") + std::strerror(error));
  }
  return out;
}

}  // namespace everup::net
