// A chain of certificates as a server sent it, described and judged outside a handshake: what each one says, and two
// opinions that a handshake mixes into one — is it trusted, and is it for this name. So a wrong host is told of an
// expired certificate too, and a chain read from a raw flight can be judged at all.
//
// Thread: any, one at a time per trust store. Limits: TlsReport::kChainMax certificates; texts as net/certificate.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "core/tls_report.h"
#include "net/tls_store.h"

namespace everup::net {

// `der`: leaf first. What cannot be read is left out.
std::vector<TlsCertificate> describe_chain(const std::vector<std::string>& der);

struct ChainOpinions {
  TlsOpinion trust, hostname;
};
// `host`: a name or an address literal, without a trailing dot. An unreadable leaf is kTlsInvalidCertificate to both.
ChainOpinions judge_chain(const std::vector<std::string>& der, const TrustStore& trust, std::string_view host,
                          WallTime now);

}  // namespace everup::net
