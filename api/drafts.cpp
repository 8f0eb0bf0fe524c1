// See api/drafts.h.
#include "api/drafts.h"

#include <algorithm>

#include "api/problem.h"
#include "db/monitor_json.h"
#include "net/address.h"
#include "net/loop.h"

namespace everup::api {
namespace {
constexpr std::size_t kErrorsMax = 100;  // more help nobody

HttpResponse too_busy() { return problem(503, "overloaded", "no handler was free in time"); }
}  // namespace

std::optional<NameGate::Name> name_of(const MonitorDraft& draft) {
  return std::visit(
      [&draft](const auto& settings) -> std::optional<NameGate::Name> {
        if constexpr (requires { settings.options.ip_version; }) {
          if constexpr (requires { settings.options.mx; }) {
            if (settings.options.mx) return std::nullopt;
          }
          if (net::Address::parse(draft.target.host)) return std::nullopt;
          return NameGate::Name{draft.target.host, settings.options.ip_version};
        } else {
          return std::nullopt;
        }
      },
      draft.settings);
}

HttpResponse bad_body(const FieldErrors& errors, bool syntax) {
  return syntax ? problem(400, "bad_json", errors.front().detail, errors) : invalid_fields(errors);
}

FieldErrors judge_draft(const House& house, const MonitorDraft& draft, std::string_view prefix) {
  FieldErrors errors = validate(draft, house.options.regex_ok);
  if (house.options.zones->find(draft.timezone) == nullptr) {
    errors.push_back({"#/timezone", "unknown_timezone", "is an IANA name like Europe/Prague"});
  }
  if (const auto* heartbeat = std::get_if<HeartbeatSettings>(&draft.settings);
      heartbeat != nullptr && house.options.zones->find(heartbeat->options.timezone) == nullptr) {
    errors.push_back({"#/options/timezone", "unknown_timezone", "is an IANA name like Europe/Prague"});
  }
  const bool asked_itself = draft.target.kind != Kind::kDns && draft.target.kind != Kind::kHeartbeat;
  if (asked_itself && house.options.refuse_target) {
    if (auto refusal = house.options.refuse_target(draft.target))
      errors.push_back({"#/target", "address_refused", *std::move(refusal)});
  }
  if (prefix != "#") {
    for (FieldError& error : errors) error.pointer = std::string(prefix) + error.pointer.substr(1);
  }
  return errors;
}

std::variant<MonitorDraft, HttpResponse> read_draft(Call& call) {
  auto parsed = db::parse_draft(call.body);
  if (parsed.syntax) return bad_body(parsed.errors, true);
  // What could be read is judged as well, so that all is told at once; a field that is wrong in shape already is not
  // told twice.
  FieldErrors errors = std::move(parsed.errors);
  const bool has_target = !parsed.value.target.host.empty();
  if (errors.empty() || has_target) {
    for (FieldError& error : judge_draft(*call.house, parsed.value)) {
      const bool told =
          std::any_of(errors.begin(), errors.end(), [&](const FieldError& e) { return e.pointer == error.pointer; });
      if (!told) errors.push_back(std::move(error));
    }
  }
  if (!errors.empty()) return bad_body(errors, false);
  return std::move(parsed.value);
}

std::variant<std::vector<MonitorDraft>, HttpResponse> read_bulk(Call& call) {
  auto parsed = db::parse_bulk(call.body, db::MonitorStore::kBulkMax);
  if (!parsed.ok()) return bad_body(parsed.errors, parsed.syntax);
  FieldErrors errors;
  for (std::size_t i = 0; i < parsed.value.size() && errors.size() < kErrorsMax; ++i) {
    for (FieldError& error : judge_draft(*call.house, parsed.value[i], "#/monitors/" + std::to_string(i))) {
      if (errors.size() < kErrorsMax) errors.push_back(std::move(error));
    }
  }
  if (!errors.empty()) return bad_body(errors, false);
  return std::move(parsed.value);
}

void judge_names(House& house, const std::vector<MonitorDraft>& drafts, bool bulk,
                 std::function<void(FieldErrors&&)> done) {
  if (house.names == nullptr) return done({});
  std::vector<NameGate::Name> names;
  auto by_draft = std::make_shared<std::vector<std::optional<NameGate::Name>>>();
  for (const MonitorDraft& draft : drafts) {
    by_draft->push_back(name_of(draft));
    if (by_draft->back()) names.push_back(*by_draft->back());
  }
  house.names->judge(std::move(names), [by_draft, bulk, done = std::move(done)](NameGate::Refusals&& refusals) {
    FieldErrors errors;
    for (std::size_t i = 0; i < by_draft->size() && errors.size() < kErrorsMax && !refusals.empty(); ++i) {
      const auto& name = (*by_draft)[i];
      const auto refused = name ? refusals.find(*name) : refusals.end();
      if (refused == refusals.end()) continue;
      const std::string pointer = bulk ? "#/monitors/" + std::to_string(i) + "/target" : "#/target";
      errors.push_back({pointer, "address_refused", refused->second});
    }
    done(std::move(errors));
  });
}

Answer when_names_pass(Call& call, std::vector<MonitorDraft> drafts, bool bulk,
                       std::function<HttpResponse(Call&, const std::vector<MonitorDraft>&)> then) {
  const auto has_name = [](const MonitorDraft& draft) { return name_of(draft).has_value(); };
  if (call.house->names == nullptr || std::none_of(drafts.begin(), drafts.end(), has_name)) return then(call, drafts);
  struct Held {
    Call call;
    std::vector<MonitorDraft> drafts;
    std::function<HttpResponse(Call&, const std::vector<MonitorDraft>&)> then;
  };
  auto held = std::make_shared<Held>(Held{std::move(call), std::move(drafts), std::move(then)});
  return Later{[held, bulk](net::Loop&, std::function<void(HttpResponse &&)> reply) {
    judge_names(*held->call.house, held->drafts, bulk, [held, reply](FieldErrors&& errors) {
      if (!errors.empty()) return reply(invalid_fields(errors));
      const bool taken = held->call.house->on_pool([held, reply] { reply(held->then(held->call, held->drafts)); },
                                                   [reply] { reply(too_busy()); });
      if (!taken) reply(too_busy());
    });
  }};
}

}  // namespace everup::api
