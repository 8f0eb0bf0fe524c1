// See api/drafts.h.
#include "api/drafts.h"

#include <algorithm>

#include "api/problem.h"
#include "db/monitor_json.h"

namespace everup::api {
namespace {
constexpr std::size_t kErrorsMax = 100;  // more help nobody
}

HttpResponse bad_body(const FieldErrors& errors, bool syntax) {
  return syntax ? problem(400, "bad_json", errors.front().detail, errors) : invalid_fields(errors);
}

FieldErrors judge_draft(const House& house, const MonitorDraft& draft, std::string_view prefix) {
  FieldErrors errors = validate(draft, house.options.regex_ok);
  if (house.options.zones->find(draft.timezone) == nullptr) {
    errors.push_back({"#/timezone", "unknown_timezone", "is an IANA name like Europe/Prague"});
  }
  if (draft.target.kind != Kind::kHttp && draft.target.kind != Kind::kHttps) {
    errors.push_back({"#/target", "unsupported_scheme", "http and https are watched by this version"});
  } else if (house.options.refuse_target) {
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

}  // namespace everup::api
