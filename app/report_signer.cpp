// See report_signer.h.
#include "app/report_signer.h"

#include <nlohmann/json.hpp>

#include "reports/canonical_json.h"
#include "seal/signature.h"

namespace everup::app {
namespace {

using Json = nlohmann::json;

std::string context_of(const std::string& key_id) { return "report key " + key_id; }

WallTime year_start(int year) { return parse_time(std::to_string(year) + "-01-01T00:00:00Z").value_or(WallTime{0}); }

int year_of(WallTime as_of) { return std::stoi(rfc3339(as_of - milliseconds(1)).substr(0, 4)); }

// What a root signs of a year's key.
Json statement_of(const db::ReportKey& key) {
  return {{"key_id", key.key_id},
          {"public_key", seal::base64(key.public_key)},
          {"not_before", rfc3339(key.not_before)},
          {"not_after", key.not_after ? Json(rfc3339(*key.not_after)) : Json(nullptr)},
          {"signed_by", key.signed_by}};
}

Result<std::string> canonical(const Json& value) { return reports::canonical_json(value.dump()); }

}  // namespace

Status ReportSigner::reread(bool now) {
  const Instant at = clock_.now().mono;
  if (!now && read_at_ && at - *read_at_ < kReread) return ok();
  auto keys = store_.keys();
  if (!keys) return keys.error();
  keys_ = *std::move(keys);
  read_at_ = at;
  return ok();
}

Result<db::ReportKey> ReportSigner::make(int year, const std::optional<db::ReportKey>& root) {
  const seal::SigningPair pair = seal::make_signing_pair();
  db::ReportKey key;
  key.key_id = seal::hex(vault_.digest(pair.public_key)).substr(0, 16);
  key.year = year;
  key.public_key = pair.public_key;
  key.sealed_secret = vault_.seal(pair.secret_key, context_of(key.key_id));
  key.not_before = year == 0 ? WallTime{clock_.now().wall.ms / 1000 * 1000} : year_start(year);
  if (root) {
    key.not_after = year_start(year + 1);
    key.signed_by = root->key_id;
    const auto secret = vault_.open(root->sealed_secret, context_of(root->key_id));
    if (!secret) return secret.error();
    const auto statement = canonical(statement_of(key));
    if (!statement) return statement.error();
    key.signature = seal::sign(*secret, *statement);
  }
  const auto added = store_.add_key(key);  // false: another node was first, and its key is the one
  if (!added) return added.error();
  return key;
}

Result<db::ReportKey> ReportSigner::usable(int year) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    for (const db::ReportKey& key : keys_)
      if (key.year == year && !key.revoked_at) return key;
    std::optional<db::ReportKey> root;
    if (year != 0) {
      auto found = usable(0);
      if (!found) return found.error();
      root = *std::move(found);
    }
    if (const auto made = make(year, root); !made) return made.error();
    if (const auto read = reread(true); !read) return read.error();
  }
  return Error{ErrorCode::kConflict, "report keys: they change faster than they can be read"};
}

Result<ReportSigner::Pair> ReportSigner::pair_of(int year) {
  const std::lock_guard lock(mutex_);
  if (const auto read = reread(false); !read) return read.error();
  const auto key = usable(year);
  if (!key) return key.error();
  Pair out;
  out.key = *key;
  for (const db::ReportKey& one : keys_)
    if (one.key_id == key->signed_by) out.root = one;
  auto secret = vault_.open(out.key.sealed_secret, context_of(out.key.key_id));
  if (!secret) return secret.error();
  out.secret = *std::move(secret);
  return out;
}

Result<std::string> ReportSigner::sign(const std::string& document, WallTime as_of) {
  const auto pair = pair_of(year_of(as_of));
  if (!pair) return pair.error();
  Json key = statement_of(pair->key);
  key["signature"] = seal::base64(pair->key.signature);
  const Json signature{{"algorithm", "Ed25519"},
                       {"key_id", pair->key.key_id},
                       {"value", seal::base64(seal::sign(pair->secret, document))},
                       {"key", std::move(key)},
                       {"root", {{"key_id", pair->root.key_id}, {"public_key", seal::base64(pair->root.public_key)}}}};
  return reports::attached(document, "signature", signature.dump());
}

Result<std::string> ReportSigner::keys_json() {
  const std::lock_guard lock(mutex_);
  if (const auto read = reread(false); !read) return read.error();
  if (const auto root = usable(0); !root) return root.error();
  Json list = Json::array();
  for (const db::ReportKey& key : keys_) {
    Json one = statement_of(key);
    one["kind"] = key.year == 0 ? "root" : "year";
    one["revoked_at"] = key.revoked_at ? Json(rfc3339(*key.revoked_at)) : Json(nullptr);
    if (key.year == 0) one["signed_by"] = nullptr;
    one["signature"] = key.signature.empty() ? Json(nullptr) : Json(seal::base64(key.signature));
    list.push_back(std::move(one));
  }
  return canonical({{"keys", std::move(list)}});
}

}  // namespace everup::app
