// See api/sign_in.h. Unknown people, people without a password and wrong passwords cost the same query and the same
// hash, and are answered in the same words.
#include "api/sign_in.h"

#include "api/house.h"
#include "api/json_text.h"
#include "api/problem.h"
#include "api/totp.h"
#include "core/outcome.h"
#include "db/email.h"
#include "db/random_text.h"

namespace everup::api {
namespace {

constexpr std::int64_t kCookieLife_s = db::PersonStore::kSessionLife.count() / 1000;

SignIn refused(int status, std::string_view code, std::string detail, std::int64_t retry_s = 0) {
  SignIn out;
  out.status = status;
  out.code = code;
  out.detail = std::move(detail);
  out.retry_s = retry_s;
  return out;
}

SignIn wait(std::chrono::seconds time) {
  return refused(429, "too_many_attempts", "too many attempts; wait " + std::to_string(time.count()) + " s",
                 time.count());
}

SignIn broken(const Call& call, const Error& error) {
  call.house->log(call.request_id, error.what);
  return refused(503, "unavailable", "signing in is not possible now; try again", 2);
}

SignIn wrong() { return refused(401, "bad_credentials", "the e-mail address, the password or the code is wrong"); }

// A code counts once: the authenticator's of now, or one of the recovery codes.
Result<bool> code_fits(const Call& call, const db::Person& person, const std::string& code) {
  auto& persons = *call.house->options.people.persons;
  const std::string plain = plain_recovery_code(code);
  if (const auto step = matching_step(person.factor, plain, call.now)) return persons.use_step(person.user, *step);
  return persons.use_recovery_code(person.user, plain);
}

// The session that the browser came with gives way to the new one.
void end_former_session(const Call& call) {
  auto& persons = *call.house->options.people.persons;
  const auto cookie = session_cookie(*call.request, site_of(call));
  if (!cookie) return;
  const auto former = persons.find_session(*cookie);
  if (!former.ok() || !former->has_value()) return;
  const Status ended = persons.end_session((*former)->account, (*former)->user, (*former)->session);
  if (!ended.ok()) call.house->log(call.request_id, ended.error().what);
}

void rehash_if_needed(const Call& call, const db::Person& person, const std::string& password) {
  const PeopleOptions& people = call.house->options.people;
  if (!people.needs_rehash || !people.needs_rehash(person.phc)) return;
  const auto fresh = people.hash_password(password);
  if (!fresh.ok()) return;
  const Status stored = people.persons->rehash(person.user, person.phc, *fresh);
  if (!stored.ok()) call.house->log(call.request_id, stored.error().what);
}

}  // namespace

const std::string& Door::decoy(const PeopleOptions& people) {
  std::call_once(made_, [&] {
    if (auto phc = people.hash_password(db::random_base32(32)); phc.ok()) decoy_ = *std::move(phc);
  });
  return decoy_;
}

Site site_of(const Call& call) { return site_of(*call.request, call.client, call.house->options.base_url); }

db::Whereabouts whereabouts(const Call& call) {
  const std::string* agent = call.request->find("user-agent");
  return {network_of(call.client),
          agent == nullptr ? std::string() : printable(*agent, db::Whereabouts::kAgentBytesMax)};
}

std::variant<db::Person, HttpResponse> prove_password(Call& call, const std::string& password,
                                                      std::string_view pointer) {
  const PeopleOptions& people = call.house->options.people;
  const db::SignedIn& who = call.caller->person;
  const std::string network = network_of(call.client);
  const SignInGate::Place place(call.house->door.gate);
  if (!place) return problem(503, "overloaded", "others are signing in; try again in a second");
  if (const auto time =
          call.house->door.gate.take_address(who.email, network, true, call.house->options.clock->now().mono)) {
    HttpResponse response = problem(429, "too_many_attempts", "too many attempts");
    response.set("Retry-After", std::to_string(time->count()));
    return response;
  }
  auto person = people.persons->find_person(who.email, who.account, network);
  if (!person.ok()) return failed(call, person.error());
  if (!person->has_value() || !people.password_matches((*person)->phc, password))
    return invalid_fields({{std::string(pointer), "wrong", "is not your password"}});
  call.house->door.gate.forgive(who.email, network, true);
  return **std::move(person);
}

SignIn let_in(Call& call, db::SignedIn who) {
  auto& persons = *call.house->options.people.persons;
  end_former_session(call);
  auto session = persons.open_session(who.account, who.user, whereabouts(call));
  if (!session.ok()) return broken(call, session.error());
  SignIn out;
  out.who = std::move(who);
  out.who.session = session->id;
  out.token = session->token;
  return out;
}

SignIn sign_in(Call& call, const Credentials& credentials) {
  const PeopleOptions& people = call.house->options.people;
  if (people.persons == nullptr) return refused(503, "unavailable", "nobody can sign in here");
  Door& door = call.house->door;
  const Instant now = call.house->options.clock->now().mono;
  const std::string network = network_of(call.client), email = db::lowered_email(credentials.email);
  if (const auto time = door.gate.take_network(network, now)) return wait(*time);

  std::optional<db::Person> person;
  if (db::plausible_email(email)) {
    auto found = people.persons->find_person(email, credentials.account, network);
    if (!found.ok()) return broken(call, found.error());
    person = *std::move(found);
    if (const auto time = door.gate.take_address(email, network, person && person->known_network, now))
      return wait(*time);
  }
  const SignInGate::Place place(door.gate);
  if (!place) {  // nothing was looked at, nothing is counted
    door.gate.give_back(email, network, person && person->known_network);
    return refused(503, "overloaded", "others are signing in; try again in a second", 1);
  }
  const std::string& decoy = door.decoy(people);  // made by whoever comes first, known or not
  const bool has_password = person && !person->phc.empty();
  const bool right = people.password_matches(has_password ? person->phc : decoy, credentials.password);
  if (!right || !has_password) return wrong();
  if (person->factor_on) {
    if (credentials.code.empty()) return refused(401, "code_required", "a code of your second factor is wanted");
    const auto fits = code_fits(call, *person, credentials.code);
    if (!fits.ok()) return broken(call, fits.error());
    if (!*fits) return wrong();
  }
  door.gate.forgive(email, network, person->known_network);
  rehash_if_needed(call, *person, credentials.password);
  return let_in(call, {{}, person->account, person->user, person->role, email, person->account_name});
}

HttpResponse refusal_of(const SignIn& result) {
  HttpResponse response = problem(result.status, result.code, result.detail);
  if (result.status == 401) response.set("WWW-Authenticate", "Bearer realm=\"everup\"");
  if (result.retry_s > 0) response.set("Retry-After", std::to_string(result.retry_s));
  return response;
}

std::string session_json(const Call& call, const db::SignedIn& who, std::string_view token) {
  JsonWriter user = JsonWriter::object();
  user.field("id", to_string(who.user)).field("email", who.email);
  JsonWriter account = JsonWriter::object();
  account.field("id", to_string(who.account)).field("name", who.account_name);
  JsonWriter out = JsonWriter::object();
  out.field("id", to_string(who.session)).field_raw("user", std::move(user).take());
  out.field_raw("account", std::move(account).take()).field("role", db::name(who.role));
  out.field("csrf_token", csrf_token(token, *call.house->options.vault));
  return std::move(out).take();
}

void give_cookie(const Call& call, std::string_view token, HttpResponse* response) {
  response->set("Set-Cookie", set_session_cookie(site_of(call), token, kCookieLife_s));
  response->set("Cache-Control", "no-store");
}

}  // namespace everup::api
