// Is a report genuine? Computes every figure of its JSON again from its spans, checks signature, key and chain, and
// tells what is wrong in words. Needs no database and no network: what signs and hashes is handed in. The same rules as
// a stranger's own verifier follows (docs/VERIFY.md). Pure; any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/zone.h"
#include "reports/report_json.h"

namespace everup::reports {

struct VerifyTools {
  std::function<bool(std::string_view public_key, std::string_view bytes, std::string_view signature)> verifies;
  std::function<std::string(std::string_view bytes)> sha256_hex;
  std::function<std::optional<std::string>(std::string_view text)> from_base64;
  const Zones* zones = nullptr;  // null, or a zone that it does not know: a period's borders are taken as they stand
};
struct TrustedKeys {
  std::vector<std::string> roots;    // public keys, 32 bytes; none: any root is taken, and named
  std::vector<std::string> revoked;  // key ids
};
// everup-keys.json → the roots in it that are not revoked, and what is.
Result<TrustedKeys> trusted_keys(std::string_view keys_json, const VerifyTools& tools);

struct Verified {
  std::string title;  // "Shop (mon_…), 2026-11, Europe/Prague"; empty: the text is no report at all
  std::string monitor_id, period, root_key_id;
  std::string uptime;  // as displayed
  std::optional<ChainLink> link;
  std::string hash;                 // SHA-256 of what is signed, hex
  std::vector<std::string> faults;  // empty: genuine
};
Verified verify_report(std::string_view text, const TrustedKeys& trusted, const VerifyTools& tools);
// Closed months of one chain in the order given: what does not follow from the one before.
std::vector<std::string> chain_faults(const std::vector<Verified>& months);

}  // namespace everup::reports
