// JSON ⇄ MonitorDraft: strings in, strings out (nlohmann stays in the .cpp). Strict: unknown and duplicate fields,
// wrong types and nesting above 32 are errors with a JSON pointer (SHAPES 30). Ranges and grammar are core's
// validate(); this file judges shape only. Pure; any thread. Input is limited by the caller (64 KiB, bulk 16 MiB).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/ids.h"
#include "core/monitor.h"
#include "core/outcome.h"
#include "core/result.h"

namespace everup::db {

// Either a value or what is wrong with it. `syntax`: the text is no JSON at all (400), otherwise fields are wrong
// (422).
template <class T>
struct Parsed {
  T value{};
  FieldErrors errors;
  bool syntax = false;
  bool ok() const { return errors.empty(); }
};

// A POST body. Absent fields have their defaults; `name` becomes the host when absent; `slug` stays empty when absent
// (the store makes it). The target is parsed here (its error has the pointer "#/target"). validate() is not called.
Parsed<MonitorDraft> parse_draft(std::string_view json);
// {"monitors":[…]} with at most `max` entries; pointers begin with "#/monitors/17".
Parsed<std::vector<MonitorDraft>> parse_bulk(std::string_view json, std::size_t max = 10'000);
// RFC 7396 on the API's shape: null resets a field to its default, absent keeps it. Secrets that are absent, or null
// beside an unchanged type, are kept (SHAPES 19). Read-only fields of the API shape (id, kind, state …) are unknown
// fields here.
Parsed<MonitorDraft> apply_merge_patch(const MonitorDraft& draft, std::string_view json);

// The API's objects: "confirm", "options", "expect", "warn", "public" (secrets as null beside
// "password_set"/"token_set"/"value_set": true). `retry_s` is a number, or a list when there are several distances.
// Only what differs from the defaults is written in options.
std::string confirm_json(const Patience& confirm);
std::string options_json(const KindSettings& settings);
std::string expect_json(const KindSettings& settings);
std::string warn_json(const KindSettings& settings);
std::string links_json(const PublicLinks& links);

// Storage: the same objects without secrets, and the secrets apart, as one JSON object to be sealed ("" when there are
// none).
struct StoredSettings {
  std::string confirm, options, expect, warn, secrets;
};
StoredSettings to_storage(const MonitorDraft& draft);
bool any_secret(const KindSettings& settings);  // one that is not empty
// kCorrupt when a column is not what to_storage wrote. `secrets` as unsealed, or empty.
Result<KindSettings> settings_from_storage(Kind kind, std::string_view options, std::string_view expect,
                                           std::string_view warn, std::string_view secrets);
Result<Patience> confirm_from_storage(std::string_view confirm);
// The context with which a monitor's secrets are sealed: "account/monitor/secrets", both in decimal.
std::string secrets_context(AccountId account, MonitorId monitor);

// Evidence as stored in evidence.body and shown by ?include=evidence (SHAPES 17).
std::string evidence_json(const Evidence& evidence);

}  // namespace everup::db
