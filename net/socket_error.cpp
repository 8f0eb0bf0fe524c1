#include "net/socket_error.h"

#include <errno.h>

namespace everup::net {

Cause socket_cause(int error) {
  switch (error) {
    case ECONNREFUSED:
      return Cause::kConnectRefused;
    case ETIMEDOUT:
      return Cause::kConnectTimeout;
    case EHOSTUNREACH:
    case EHOSTDOWN:
      return Cause::kHostUnreachable;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case EPROTO:
    case ENOPROTOOPT:
      return Cause::kConnectReset;
    case ENETUNREACH:
      return Cause::kNetworkUnreachable;
    case EACCES:
    case EPERM:
    case EINVAL:
    case ENETDOWN:
    case EAFNOSUPPORT:
      return Cause::kOwnNetwork;
    default:  // EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL, EAGAIN, and nothing that the far side said
      return Cause::kOwnResources;
  }
}

}  // namespace everup::net
