// /api/v1/status_pages: list, create, read, patch, delete. What people read of them is status_public.cpp.
#include "api/alert_views.h"
#include "api/drafts.h"
#include "api/house.h"
#include "api/json_text.h"
#include "api/problem.h"
#include "api/status_address.h"
#include "api/views.h"
#include "db/status_page_json.h"
#include "db/status_page_store.h"

namespace everup::api {
namespace {

std::string object_of(const Call& call, const StatusPage& page) {
  return db::status_page_json(page, status_page_url(call.house->options.base_url, page));
}

HttpResponse page_answer(const Call& call, const StatusPage& page, int status = 200) {
  HttpResponse response = json_answer(object_of(call, page), status);
  response.etag = revision_etag(page.revision, response.body);
  return response;
}

HttpResponse changed_meanwhile() {
  return problem(412, "precondition_failed", "If-Match names another revision than the stored one");
}

// "#/groups/0/monitors/2: …" of the store becomes a field error.
HttpResponse refused(const Call& call, const Error& error) {
  const auto colon = error.what.find(": ");
  if (error.code == ErrorCode::kInvalid && error.what.starts_with("#/") && colon != std::string::npos) {
    const bool taken = error.what.starts_with("#/slug") || error.what.starts_with("#/domain");
    return invalid_fields(
        {{error.what.substr(0, colon), taken ? "taken" : "unknown_monitor", error.what.substr(colon + 2)}});
  }
  if (error.code == ErrorCode::kExhausted) return problem(409, "conflict", error.what);
  if (error.code == ErrorCode::kConflict && call.request->find("if-match") != nullptr) return changed_meanwhile();
  return failed(call, error);
}

// What is wrong with a body; its password as a hash in `hash`: nullopt keeps what is there, empty takes it away.
FieldErrors judge(const Call& call, const db::StatusPageBody& body, std::optional<std::string>& hash) {
  const ApiOptions& options = call.house->options;
  FieldErrors errors = validate(body.draft, *options.zones, host_of_url(options.base_url));
  if (!body.password || !errors.empty()) return errors;
  hash.emplace();
  if (body.password->empty()) return errors;
  if (!options.people.hash_password) {
    errors.push_back({"#/password", "not_allowed", "passwords are not possible here"});
    return errors;
  }
  auto made = options.people.hash_password(*body.password);
  if (made.ok())
    hash = *std::move(made);
  else
    errors.push_back({"#/password", "out_of_range", "must be 8 to 256 bytes long"});
  return errors;
}

}  // namespace

Answer list_status_pages(Call& call) {
  const auto pages = call.house->status_pages().list(account(call));
  if (!pages.ok()) return failed(call, pages.error());
  JsonWriter data = JsonWriter::array();
  for (const StatusPage& page : *pages) data.raw(object_of(call, page));
  JsonWriter out = JsonWriter::object();
  out.field_raw("data", std::move(data).take()).key("next_cursor").null();
  return json_answer(std::move(out).take());
}

Answer create_status_page(Call& call) {
  const auto parsed = db::parse_status_page(call.body);
  if (!parsed.ok()) return bad_body(parsed.errors, parsed.syntax);
  std::optional<std::string> hash;
  if (const FieldErrors errors = judge(call, parsed.value, hash); !errors.empty()) return invalid_fields(errors);
  const auto page = call.house->status_pages().create(account(call), parsed.value.draft, hash.value_or(std::string()));
  if (!page.ok()) return refused(call, page.error());
  HttpResponse response = page_answer(call, *page, 201);
  response.set("Location", "/api/v1/status_pages/" + to_string(page->id));
  return response;
}

Answer get_status_page(Call& call) {
  const auto page = call.house->status_pages().find(account(call), call.path[0]);
  return page.ok() ? page_answer(call, *page) : failed(call, page.error());
}

Answer patch_status_page(Call& call) {
  const auto page = call.house->status_pages().find(account(call), call.path[0]);
  if (!page.ok()) return failed(call, page.error());
  const std::string* if_match = call.request->find("if-match");
  if (if_match != nullptr && !if_match_fits(*if_match, page->revision)) return changed_meanwhile();
  const auto patched = db::patch_status_page(*page, call.body);
  if (!patched.ok()) return bad_body(patched.errors, patched.syntax);
  std::optional<std::string> hash;
  if (const FieldErrors errors = judge(call, patched.value, hash); !errors.empty()) return invalid_fields(errors);
  const auto updated =
      call.house->status_pages().update(account(call), call.path[0], patched.value.draft, hash, page->revision);
  return updated.ok() ? page_answer(call, *updated) : refused(call, updated.error());
}

Answer delete_status_page(Call& call) {
  std::optional<std::int32_t> expected;
  if (const std::string* if_match = call.request->find("if-match")) {
    const auto page = call.house->status_pages().find(account(call), call.path[0]);
    if (!page.ok()) return failed(call, page.error());
    if (!if_match_fits(*if_match, page->revision)) return changed_meanwhile();
    expected = page->revision;
  }
  const Status removed = call.house->status_pages().remove(account(call), call.path[0], expected);
  if (!removed.ok()) return refused(call, removed.error());
  HttpResponse response;
  response.status = 204;
  return response;
}

}  // namespace everup::api
