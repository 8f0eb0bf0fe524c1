// See verify_json.h. Shape first: a member of another type than it should have ends the examination with one sentence.
#include "reports/verify_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "reports/canonical_json.h"
#include "reports/cut.h"

namespace everup::reports {
namespace {

using Json = nlohmann::json;
using Faults = std::vector<std::string>;

constexpr std::size_t kFaultsMax = 20;

void complain(Faults& faults, std::string what) {
  if (faults.size() < kFaultsMax) faults.push_back(std::move(what));
}

WallTime time_at(const Json& object, const char* name) {
  const auto time = parse_time(object.at(name).get<std::string>());
  if (!time) throw Json::other_error::create(502, std::string(name) + " is no time", nullptr);
  return *time;
}

std::optional<State> state_named(const std::string& word) {
  for (const State state : {State::kUp, State::kDegraded, State::kDown, State::kUnknown, State::kMaintenance,
                            State::kPaused, State::kBeforeCreation})
    if (slug(state) == word) return state;
  return std::nullopt;
}

// The spans, which must lie end to end from `from` to `as_of`.
Timeline timeline_in(const Json& document, Faults& faults) {
  Timeline timeline;
  WallTime at = time_at(document, "from");
  for (const Json& one : document.at("spans")) {
    const Span span{time_at(one, "from"), time_at(one, "to")};
    const std::string word = one.at("state").get<std::string>();
    const auto state = state_named(word);
    if (!state) complain(faults, "spans: \"" + word + "\" is no state");
    if (span.empty()) complain(faults, "spans: one at " + rfc3339(span.from) + " ends before it begins");
    if (span.from != at) {
      complain(faults, std::string("spans: ") + (span.from > at ? "nothing" : "two things") + " told from " +
                           rfc3339(std::min(at, span.from)) + " to " + rfc3339(std::max(at, span.from)));
    }
    at = span.to;
    timeline.push_back({span, state.value_or(State::kUnknown), {}});
  }
  const WallTime as_of = time_at(document, "as_of");
  if (at != as_of) complain(faults, "spans: they end at " + rfc3339(at) + ", the report at " + rfc3339(as_of));
  return timeline;
}

void check_figures(const Json& told, const Timeline& timeline, const std::string& where, Faults& faults) {
  const Tally counted = tally(timeline);
  const Json computed = Json::parse(figures_json(counted, uptime_of(counted)));
  for (const auto& [name, value] : computed.items()) {
    const Json& said = told.at(name);
    if (said != value) complain(faults, where + "." + name + " is " + said.dump() + ", the spans say " + value.dump());
  }
  if (told.size() != computed.size()) complain(faults, where + ": it has figures that this formula does not know");
}

void check_parts(const Json& document, const Timeline& timeline, Faults& faults) {
  const bool calendar = !document.at("period").is_null();
  const Json& parts = document.at("parts");
  WallTime at = time_at(document, "from");
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Json& part = parts[i];
    const Span span{time_at(part, "from"), time_at(part, "to")};
    const std::string where = "parts[" + std::to_string(i) + "]";
    if (calendar && span.from != at) complain(faults, where + " does not begin where the one before ends");
    if (!calendar && span.to != time_at(document, "as_of")) complain(faults, where + " does not end with the report");
    at = span.to;
    check_figures(part.at("figures"), clipped(timeline, span), where + ".figures", faults);
  }
  if (calendar && !parts.empty() && at != time_at(document, "as_of"))
    complain(faults, "parts: they do not reach the report's end");
}

void check_borders(const Json& document, const Zones* zones, Faults& faults) {
  const Span whole{time_at(document, "from"), time_at(document, "to")};
  const WallTime as_of = time_at(document, "as_of");
  if (as_of < whole.from || as_of > whole.to) complain(faults, "as_of lies outside of the report");
  if (document.at("complete").get<bool>() != (as_of == whole.to))
    complain(faults, "complete does not fit as_of and to");
  if (document.at("period").is_null()) return;
  const std::string name = document.at("period").get<std::string>();
  const auto period = parse_period(name);
  if (!period) return complain(faults, "period: \"" + name + "\" is none");
  const Zone* zone = zones == nullptr ? nullptr : zones->find(document.at("timezone").get<std::string>());
  if (zone != nullptr && span_of(*period, *zone) != whole)
    complain(faults, "from and to are not those of " + name + " in " + std::string(zone->name()));
}

struct Certified {
  std::string public_key, root_key_id;
};

bool listed(const std::vector<std::string>& list, const std::string& one) {
  return std::find(list.begin(), list.end(), one) != list.end();
}

// The year's key, if its root vouches for it.
Certified check_key(const Json& signature, const TrustedKeys& trusted, const VerifyTools& tools, Faults& faults) {
  Certified out;
  Json key = signature.at("key");
  const Json& root = signature.at("root");
  out.root_key_id = root.at("key_id").get<std::string>();
  const auto bytes = [&tools](const Json& object, const char* name) {
    return tools.from_base64(object.at(name).get<std::string>()).value_or("");
  };
  const std::string root_key = bytes(root, "public_key");
  out.public_key = bytes(key, "public_key");
  const std::string by_root = bytes(key, "signature");
  key.erase("signature");
  const std::string key_id = key.at("key_id").get<std::string>();
  if (signature.at("key_id") != key.at("key_id")) complain(faults, "signature: it names another key than it carries");
  if (key_id != tools.sha256_hex(out.public_key).substr(0, 16))
    complain(faults, "signature.key: the id is not the key's");
  if (out.root_key_id != tools.sha256_hex(root_key).substr(0, 16) || key.at("signed_by") != root.at("key_id"))
    complain(faults, "signature.root: the id is not the root key's");
  const auto statement = canonical_json(key.dump());
  if (!statement || !tools.verifies(root_key, *statement, by_root))
    complain(faults, "signature.key: its root key has not signed it");
  if (!trusted.roots.empty() && !listed(trusted.roots, root_key))
    complain(faults, "signature.root: key " + out.root_key_id + " is not the one that you trust");
  for (const std::string& id : {key_id, out.root_key_id})
    if (listed(trusted.revoked, id)) complain(faults, "signature: key " + id + " was revoked");
  return out;
}

void check_signature(const Detached& parts, const TrustedKeys& trusted, const VerifyTools& tools, Verified& out) {
  const Json document = Json::parse(parts.rest);
  const Json signature = Json::parse(parts.member);
  if (signature.at("algorithm") != "Ed25519") return complain(out.faults, "signature: the algorithm is not Ed25519");
  const Certified key = check_key(signature, trusted, tools, out.faults);
  out.root_key_id = key.root_key_id;
  const auto value = tools.from_base64(signature.at("value").get<std::string>());
  if (!value || !tools.verifies(key.public_key, parts.rest, *value))
    complain(out.faults, "signature: it does not fit; the report was changed after it was signed");
  const Json& year = signature.at("key");
  const WallTime as_of = time_at(document, "as_of");
  if (as_of <= time_at(year, "not_before") || as_of > time_at(year, "not_after"))
    complain(out.faults, "signature: its key is not for the year of this report");
}

std::optional<ChainLink> link_in(const Json& document) {
  const auto chain = document.find("chain");
  if (chain == document.end()) return std::nullopt;
  const Json& previous = chain->at("previous");
  return ChainLink{chain->at("chain").get<std::int64_t>(), chain->at("number").get<std::int64_t>(),
                   previous.is_null() ? std::string() : previous.get<std::string>()};
}

void examine(const Json& document, const VerifyTools& tools, Verified& out) {
  if (document.at("format") != kReportFormat || document.at("formula") != kFormula)
    return complain(out.faults, "format: this verifier knows " + std::string(kReportFormat) + " with formula " +
                                    std::to_string(kFormula));
  const Json& monitor = document.at("monitor");
  out.monitor_id = monitor.at("id").get<std::string>();
  out.period = document.at("period").is_null() ? "rolling windows" : document.at("period").get<std::string>();
  out.title = monitor.at("name").get<std::string>() + " (" + out.monitor_id + "), " + out.period + ", " +
              document.at("timezone").get<std::string>();
  out.uptime = document.at("figures").at("display").get<std::string>();
  out.link = link_in(document);
  check_borders(document, tools.zones, out.faults);
  const Timeline timeline = timeline_in(document, out.faults);
  check_figures(document.at("figures"), timeline, "figures", out.faults);
  check_parts(document, timeline, out.faults);
}

}  // namespace

Result<TrustedKeys> trusted_keys(std::string_view keys_json, const VerifyTools& tools) {
  TrustedKeys out;
  try {
    const Json document = Json::parse(keys_json);
    for (const Json& key : document.at("keys")) {
      if (!key.at("revoked_at").is_null()) {
        out.revoked.push_back(key.at("key_id").get<std::string>());
      } else if (key.at("kind") == "root") {
        out.roots.push_back(tools.from_base64(key.at("public_key").get<std::string>()).value_or(""));
      }
    }
  } catch (const Json::exception&) {
    return Error{ErrorCode::kInvalid, "keys: this is not an everup-keys.json"};
  }
  if (out.roots.empty()) return Error{ErrorCode::kInvalid, "keys: there is no root key that holds"};
  return out;
}

Verified verify_report(std::string_view text, const TrustedKeys& trusted, const VerifyTools& tools) {
  Verified out;
  const auto whole = canonical_json(text);
  if (!whole) {
    complain(out.faults, whole.error().what);
    return out;
  }
  const auto parts = detached(*whole, "signature");
  const std::string& rest = parts ? parts->rest : *whole;
  out.hash = tools.sha256_hex(rest);
  try {
    examine(Json::parse(rest), tools, out);
    if (parts)
      check_signature(*parts, trusted, tools, out);
    else
      complain(out.faults, "signature: the report is not signed");
  } catch (const Json::exception& e) {
    complain(out.faults, std::string("shape: a member is missing, or is of another kind: ") + e.what());
  }
  return out;
}

std::vector<std::string> chain_faults(const std::vector<Verified>& months) {
  Faults faults;
  for (std::size_t i = 0; i < months.size(); ++i) {
    const Verified& month = months[i];
    if (!month.link) {
      complain(faults, month.period + ": it is not a closed month, it belongs to no chain");
      continue;
    }
    if (month.link->number == 1 && !month.link->previous.empty())
      complain(faults, month.period + ": the first of a chain follows something");
    if (i == 0 || !months[i - 1].link) continue;
    const Verified& before = months[i - 1];
    if (month.monitor_id != before.monitor_id)
      complain(faults, month.period + ": it is of another monitor than " + before.period);
    else if (month.link->chain != before.link->chain)
      complain(faults, month.period + ": it is of another chain than " + before.period);
    else if (month.link->number != before.link->number + 1)
      complain(faults, month.period + ": it is number " + std::to_string(month.link->number) + ", after number " +
                           std::to_string(before.link->number) + " (" + before.period + ")");
    else if (month.link->previous != before.hash)
      complain(faults, month.period + ": it does not follow this " + before.period + ", but one with the hash " +
                           month.link->previous);
  }
  return faults;
}

}  // namespace everup::reports
