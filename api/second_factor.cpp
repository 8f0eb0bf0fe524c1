// /me/totp: a second factor is offered, confirmed with its first code, and removed. Offering and removing want the
// password: a stolen cookie is not enough. The secret and the recovery codes are told once.
#include "api/drafts.h"
#include "api/house.h"
#include "api/json_text.h"
#include "api/problem.h"
#include "api/sign_in.h"
#include "api/text_body.h"
#include "api/totp.h"

namespace everup::api {
namespace {

HttpResponse told_once(std::string body, int status) {
  HttpResponse response = json_answer(std::move(body), status);
  response.set("Cache-Control", "no-store");
  return response;
}

// The body's password, when it is the caller's.
std::variant<db::Person, HttpResponse> with_password(Call& call) {
  std::optional<std::string> password;
  const auto body = read_texts(call.body, {{"password", &password}});
  if (!body.ok()) return bad_body(body.errors, body.syntax);
  return prove_password(call, *password, "#/password");
}

}  // namespace

Answer offer_totp(Call& call) {
  auto proof = with_password(call);
  if (auto* refusal = std::get_if<HttpResponse>(&proof)) return std::move(*refusal);
  const std::string secret = new_totp_secret();
  const auto offered = call.house->persons().offer_factor(call.caller->person, secret);
  if (!offered.ok()) return failed(call, offered.error());
  if (!*offered) return problem(409, "conflict", "there is a second factor already; remove it first");
  const std::string uri = totp_uri(secret, call.caller->person.email);
  JsonWriter out = JsonWriter::object();
  out.field("secret", totp_base32(secret)).field("uri", uri).field("qr_svg", qr_svg(uri));
  return told_once(std::move(out).take(), 201);
}

Answer confirm_totp(Call& call) {
  std::optional<std::string> code;
  const auto body = read_texts(call.body, {{"code", &code, true, 16}});
  if (!body.ok()) return bad_body(body.errors, body.syntax);
  const db::SignedIn& who = call.caller->person;
  if (call.house->door.gate.take_address(who.email, "totp", true, call.house->options.clock->now().mono))
    return problem(429, "too_many_attempts", "too many attempts; try again in some minutes");
  const auto person = call.house->persons().find_person(who.email, who.account, network_of(call.client));
  if (!person.ok()) return failed(call, person.error());
  const bool offered = person->has_value() && !(*person)->factor.empty() && !(*person)->factor_on;
  if (!offered) return problem(409, "conflict", "no second factor waits for its first code");
  const auto step = matching_step((*person)->factor, *code, call.now);
  if (!step) return invalid_fields({{"#/code", "wrong", "is not the authenticator's present code"}});
  const auto codes = new_recovery_codes();
  std::vector<std::string> plain;
  for (const auto& text : codes) plain.push_back(plain_recovery_code(text));
  const auto confirmed = call.house->persons().confirm_factor(who.session, *step, plain);
  if (!confirmed.ok()) return failed(call, confirmed.error());
  if (!*confirmed) return problem(409, "conflict", "no second factor waits for its first code");
  JsonWriter list = JsonWriter::array();
  for (const auto& text : codes) list.text(text);
  JsonWriter out = JsonWriter::object();
  out.field_raw("recovery_codes", std::move(list).take());
  return told_once(std::move(out).take(), 200);
}

Answer remove_totp(Call& call) {
  auto proof = with_password(call);
  if (auto* refusal = std::get_if<HttpResponse>(&proof)) return std::move(*refusal);
  const auto dropped = call.house->persons().drop_factor(call.caller->person.session);
  if (!dropped.ok()) return failed(call, dropped.error());
  if (!*dropped) return problem(409, "conflict", "there is no second factor");
  HttpResponse response;
  response.status = 204;
  return response;
}

}  // namespace everup::api
