// /me and /api_keys: who the caller is, and the keys of his account. A key's text is answered once, at creation.
#include "api/body_json.h"
#include "api/cors.h"
#include "api/drafts.h"
#include "api/house.h"
#include "api/json_text.h"
#include "api/problem.h"
#include "api/views.h"

namespace everup::api {

Answer get_me(Call& call) {
  auto account = call.house->accounts().account(call.caller->account);
  if (!account.ok()) return failed(call, account.error());
  JsonWriter owner = JsonWriter::object();
  owner.field("id", to_string(account->id)).field("name", account->name).field("timezone", account->timezone);
  owner.field_raw("created_at", time_json(account->created_at));
  JsonWriter out = JsonWriter::object();
  out.field_raw("account", std::move(owner).take());
  if (call.caller->by_cookie()) {
    const db::SignedIn& person = call.caller->person;
    JsonWriter user = JsonWriter::object();
    user.field("id", to_string(person.user)).field("email", person.email).field("role", db::name(person.role));
    out.field_raw("user", std::move(user).take());
    return json_answer(std::move(out).take());
  }
  JsonWriter key = JsonWriter::object();
  key.field("id", to_string(call.caller->key)).field("scope", db::name(call.caller->scope));
  out.field_raw("key", std::move(key).take());
  return json_answer(std::move(out).take());
}

Answer list_keys(Call& call) {
  auto keys = call.house->accounts().keys(call.caller->account);
  if (!keys.ok()) return failed(call, keys.error());
  JsonWriter data = JsonWriter::array();
  for (const auto& key : *keys) data.raw(key_json(key));
  JsonWriter out = JsonWriter::object();
  out.field_raw("data", std::move(data).take()).key("next_cursor").null();
  return json_answer(std::move(out).take());
}

Answer create_key(Call& call) {
  const auto body = parse_key_body(call.body, call.now);
  if (!body.ok()) return bad_body(body.errors, body.syntax);
  auto key =
      call.house->accounts().create_key(call.caller->account, body.value.name, body.value.scope, body.value.expires_at);
  if (!key.ok()) return failed(call, key.error());
  HttpResponse response = json_answer(key_json(key->info, key->text), 201);
  response.set("Location", "/api/v1/api_keys/" + to_string(key->info.id));
  response.set("Cache-Control", "no-store");
  return response;
}

Answer revoke_key(Call& call) {
  const auto id = parse_id<KeyTag>(call.path[0]);
  if (!id) return problem(404, "not_found", "no such object");
  const Status revoked = call.house->accounts().revoke_key(call.caller->account, *id);
  if (!revoked.ok()) return failed(call, revoked.error());
  HttpResponse response;
  response.status = 204;
  return response;
}

}  // namespace everup::api
