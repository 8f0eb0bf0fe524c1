// evidence_json() of monitor_json.h: what RULES B 13 keeps, in the shape of SHAPES 17. Empty parts are left out.
#include <nlohmann/json.hpp>

#include "db/monitor_json.h"
#include "db/tls_report_json.h"

namespace everup::db {
namespace {
using nlohmann::ordered_json;

ordered_json certificate_object(const CertificateFacts& facts) {
  ordered_json out{{"subject", facts.subject},
                   {"issuer", facts.issuer},
                   {"sha256", facts.sha256},
                   {"names", facts.names},
                   {"not_before", rfc3339(facts.not_before)},
                   {"not_after", rfc3339(facts.not_after)},
                   {"chain_not_after", rfc3339(facts.chain_not_after)}};
  if (!facts.verify_error.empty()) out["verify_error"] = facts.verify_error;
  return out;
}

const char* direction_name(Direction direction) {
  switch (direction) {
    case Direction::kIn:
      return "in";
    case Direction::kOut:
      return "out";
    case Direction::kNote:
      return "note";
  }
  return "note";
}
}  // namespace

std::string evidence_json(const Evidence& evidence) {
  ordered_json out = ordered_json::object();
  if (!evidence.address.empty()) out["address"] = evidence.address;
  if (!evidence.addresses_tried.empty()) out["addresses_tried"] = evidence.addresses_tried;
  if (!evidence.hops.empty()) out["hops"] = evidence.hops;
  if (!evidence.head.empty()) out["head"] = evidence.head;
  if (!evidence.body_excerpt.empty()) out["body_excerpt"] = evidence.body_excerpt;
  if (evidence.certificate) out["certificate"] = certificate_object(*evidence.certificate);
  if (evidence.tls) out["tls"] = ordered_json::parse(tls_report_json(*evidence.tls), nullptr, false);
  if (!evidence.transcript.lines().empty()) {
    ordered_json lines = ordered_json::array();
    for (const TranscriptLine& line : evidence.transcript.lines()) {
      lines.push_back(
          {{"at_ms", line.at_ms}, {"dir", direction_name(line.direction)}, {"tls", line.tls}, {"text", line.text}});
    }
    out["transcript"] = std::move(lines);
  }
  if (evidence.transcript.dropped() > 0) out["transcript_dropped"] = evidence.transcript.dropped();
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace everup::db
