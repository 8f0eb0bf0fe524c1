// /members, /me and /audit_log: who works in an account, what it is called, and who changed what. Open invitations are
// members to be: they stand in the same list, under ids of their own.
#include "api/drafts.h"
#include "api/house.h"
#include "api/json_text.h"
#include "api/parameters.h"
#include "api/problem.h"
#include "api/text_body.h"
#include "api/views.h"
#include "core/outcome.h"
#include "core/zone.h"
#include "db/member_store.h"

namespace everup::api {
namespace {

db::MemberStore& members(const Call& call) { return *call.house->options.people.members; }

// A key administers, but is nobody's: what only owners may do it may not.
bool by_owner(const Call& call) {
  return call.caller->by_cookie() && call.caller->person.role == db::MemberRole::kOwner;
}

std::string member_json(const db::Member& member) {
  JsonWriter row = JsonWriter::object();
  row.field("id", to_string(member.user)).field("email", member.email).field("role", db::name(member.role));
  row.field("status", "active").key("two_factor").boolean(member.has_factor);
  return std::move(row).take();
}

std::string invitation_json(const db::Invitation& invitation, std::string_view link = {}) {
  JsonWriter row = JsonWriter::object();
  row.field("id", to_string(invitation.id)).field("email", invitation.email);
  row.field("role", db::name(invitation.role)).field("status", "invited").key("two_factor").boolean(false);
  row.field_raw("created_at", time_json(invitation.created_at));
  row.field_raw("expires_at", time_json(invitation.expires_at));
  if (!link.empty()) row.field("link", link);
  return std::move(row).take();
}

std::string page_of(JsonWriter&& data, const std::string& next) {
  JsonWriter out = JsonWriter::object();
  out.field_raw("data", std::move(data).take()).key("next_cursor");
  if (next.empty())
    out.null();
  else
    out.text(next);
  return std::move(out).take();
}

// A store's error about members, with its words.
HttpResponse refused(const Call& call, const Error& error) {
  return error.code == ErrorCode::kRefused ? problem(403, "forbidden", error.what) : failed(call, error);
}

HttpResponse wrong_role() { return invalid_fields({{"#/role", "not_allowed", "is viewer, editor, admin or owner"}}); }

std::string audit_json(const db::AuditRow& row) {
  JsonWriter out = JsonWriter::object();
  out.field("id", to_string(row.id)).field_raw("at", time_json(row.at)).field("actor", row.actor);
  out.field("actor_name", row.actor_name).field("action", row.action).field("object", row.object);
  out.field("network", row.address);
  out.field_raw("before", row.before.empty() ? "null" : row.before);
  out.field_raw("after", row.after.empty() ? "null" : row.after);
  return std::move(out).take();
}

}  // namespace

Answer list_members(Call& call) {
  const auto list = members(call).members(call.caller->account);
  if (!list.ok()) return failed(call, list.error());
  const auto invited = members(call).invitations(call.caller->account);
  if (!invited.ok()) return failed(call, invited.error());
  JsonWriter data = JsonWriter::array();
  for (const auto& member : *list) data.raw(member_json(member));
  for (const auto& invitation : *invited) data.raw(invitation_json(invitation));
  return json_answer(page_of(std::move(data), ""));
}

Answer invite_member(Call& call) {
  std::optional<std::string> email, role_text;
  const auto body = read_texts(call.body, {{"email", &email}, {"role", &role_text}});
  if (!body.ok()) return bad_body(body.errors, body.syntax);
  const auto role = db::parse_member_role(*role_text);
  if (!role) return wrong_role();
  if (*role == db::MemberRole::kOwner && !by_owner(call))
    return problem(403, "forbidden", "only an owner may make an owner");
  const auto made = members(call).invite(call.caller->account, *email, *role);
  if (!made.ok() && made.error().code == ErrorCode::kInvalid)
    return invalid_fields({{"#/email", "bad_email", "is an address like you@example.com"}});
  if (!made.ok()) return failed(call, made.error());
  const std::string& base = call.house->options.base_url;
  const std::string link = (base.empty() ? site_of(call).origin : base) + "/invite/" + made->token;
  HttpResponse response = json_answer(invitation_json(made->info, link), 201);
  response.set("Location", "/api/v1/members/" + to_string(made->info.id));
  response.set("Cache-Control", "no-store");
  return response;
}

Answer patch_member(Call& call) {
  const auto user = parse_id<UserTag>(call.path[0]);
  if (!user) return problem(404, "not_found", "no such object");
  std::optional<std::string> role_text;
  const auto body = read_texts(call.body, {{"role", &role_text}});
  if (!body.ok()) return bad_body(body.errors, body.syntax);
  const auto role = db::parse_member_role(*role_text);
  if (!role) return wrong_role();
  auto member = members(call).set_role(call.caller->account, *user, *role, by_owner(call));
  if (!member.ok()) return refused(call, member.error());
  call.audit_before = member_json(*member);
  member->role = *role;
  return json_answer(member_json(*member));
}

Answer delete_member(Call& call) {
  HttpResponse gone;
  gone.status = 204;
  if (const auto invitation = parse_id<db::InvitationTag>(call.path[0])) {
    const Status revoked = members(call).revoke_invitation(call.caller->account, *invitation);
    if (!revoked.ok()) return failed(call, revoked.error());
    return gone;
  }
  const auto user = parse_id<UserTag>(call.path[0]);
  if (!user) return problem(404, "not_found", "no such object");
  const auto member = members(call).remove(call.caller->account, *user, by_owner(call));
  if (!member.ok()) return refused(call, member.error());
  call.audit_before = member_json(*member);
  return gone;
}

Answer patch_me(Call& call) {
  std::optional<std::string> name, timezone;
  const auto body = read_texts(call.body, {{"name", &name, false, 200}, {"timezone", &timezone, false, 64}});
  if (!body.ok()) return bad_body(body.errors, body.syntax);
  FieldErrors errors;
  if (name && printable(*name, 200) != *name) errors.push_back({"#/name", "invalid_text", "has no control characters"});
  if (timezone && call.house->options.zones->find(*timezone) == nullptr)
    errors.push_back({"#/timezone", "bad_timezone", "is a name like Europe/Prague, or UTC"});
  if (!errors.empty()) return invalid_fields(errors);
  const Status done = members(call).rename_account(call.caller->account, name, timezone);
  if (!done.ok()) return failed(call, done.error());
  return get_me(call);
}

Answer list_audit(Call& call) {
  Parameters parameters(call);
  const auto limit = parameters.integer("limit", 50, 1, 200);
  const std::string cursor = parameters.text("cursor", 64);
  const auto before = cursor.empty() ? db::AuditId{} : parse_id<db::AuditTag>(cursor);
  if (!before) parameters.wrong("cursor", "bad_cursor", "is a next_cursor of this list");
  if (!parameters.ok()) return invalid_fields(parameters.errors());
  const auto rows = members(call).audit_log(call.caller->account, *before, static_cast<int>(limit) + 1);
  if (!rows.ok()) return failed(call, rows.error());
  const bool more = rows->size() > static_cast<std::size_t>(limit);
  JsonWriter data = JsonWriter::array();
  for (std::size_t i = 0; i < rows->size() && i < static_cast<std::size_t>(limit); ++i)
    data.raw(audit_json((*rows)[i]));
  return json_answer(
      page_of(std::move(data), more ? to_string((*rows)[static_cast<std::size_t>(limit) - 1].id) : std::string()));
}

}  // namespace everup::api
