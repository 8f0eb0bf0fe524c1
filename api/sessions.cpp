// /session, /sessions and /me/password: signing in and out, and what a person may do with his sessions. All but the
// signing in need a cookie: a key is not a person.
#include "api/drafts.h"
#include "api/house.h"
#include "api/json_text.h"
#include "api/problem.h"
#include "api/sign_in.h"
#include "api/text_body.h"
#include "api/views.h"

namespace everup::api {
namespace {

HttpResponse no_content() {
  HttpResponse response;
  response.status = 204;
  return response;
}

std::string token_of(const Call& call) { return session_cookie(*call.request, site_of(call)).value_or(""); }

HttpResponse signed_in(const Call& call, const db::SignedIn& who, std::string_view token) {
  HttpResponse response = json_answer(session_json(call, who, token));
  response.set("Cache-Control", "no-store");
  return response;
}

}  // namespace

Answer open_session(Call& call) {
  std::optional<std::string> email, password, code, account;
  const auto body = read_texts(
      call.body,
      {{"email", &email}, {"password", &password}, {"code", &code, false, 64}, {"account", &account, false, 64}});
  if (!body.ok()) return bad_body(body.errors, body.syntax);
  const auto wanted = account ? parse_id<AccountTag>(*account) : AccountId{};
  if (!wanted) return invalid_fields({{"#/account", "bad_id", "is an account's id, acc_…"}});
  const SignIn result = sign_in(call, {*email, *password, code.value_or(""), *wanted});
  if (result.status != 200) return refusal_of(result);
  HttpResponse response = signed_in(call, result.who, result.token);
  give_cookie(call, result.token, &response);
  return response;
}

Answer get_session(Call& call) { return signed_in(call, call.caller->person, token_of(call)); }

Answer close_session(Call& call) {
  const db::SignedIn& who = call.caller->person;
  const Status ended = call.house->persons().end_session(who.account, who.user, who.session);
  if (!ended.ok()) return failed(call, ended.error());
  HttpResponse response = no_content();
  response.set("Set-Cookie", drop_session_cookie(site_of(call)));
  return response;
}

Answer list_sessions(Call& call) {
  const db::SignedIn& who = call.caller->person;
  const auto list = call.house->persons().sessions(who.account, who.user);
  if (!list.ok()) return failed(call, list.error());
  JsonWriter data = JsonWriter::array();
  for (const auto& session : *list) {
    JsonWriter row = JsonWriter::object();
    row.field("id", to_string(session.id)).key("current").boolean(session.id == who.session);
    row.field_raw("created_at", time_json(session.created_at)).field_raw("seen_at", time_json(session.seen_at));
    row.field_raw("expires_at", time_json(session.expires_at));
    row.field("network", session.network).field("agent", session.agent);
    data.raw(std::move(row).take());
  }
  JsonWriter out = JsonWriter::object();
  out.field_raw("data", std::move(data).take()).key("next_cursor").null();
  return json_answer(std::move(out).take());
}

Answer end_session(Call& call) {
  const auto id = parse_id<db::SessionTag>(call.path[0]);
  if (!id) return problem(404, "not_found", "no such object");
  const db::SignedIn& who = call.caller->person;
  const Status ended = call.house->persons().end_session(who.account, who.user, *id);
  if (!ended.ok()) return failed(call, ended.error());
  return no_content();
}

Answer change_password(Call& call) {
  std::optional<std::string> current, fresh;
  const auto body = read_texts(call.body, {{"current_password", &current}, {"new_password", &fresh}});
  if (!body.ok()) return bad_body(body.errors, body.syntax);
  const PeopleOptions& people = call.house->options.people;
  auto proof = prove_password(call, *current, "#/current_password");
  if (auto* refusal = std::get_if<HttpResponse>(&proof)) return std::move(*refusal);
  const auto phc = people.hash_password(*fresh);
  if (!phc.ok()) return invalid_fields({{"#/new_password", "out_of_range", "has 8 to 256 bytes"}});
  const auto token = people.persons->change_password(call.caller->person.session, *phc);
  if (!token.ok()) return failed(call, token.error());
  HttpResponse response = signed_in(call, call.caller->person, *token);
  give_cookie(call, *token, &response);
  return response;
}

}  // namespace everup::api
