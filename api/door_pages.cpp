// /sign-in, /setup/{token} and /invite/{token}: forms that work without a script and lead to the dashboard.
#include "api/door_page.h"
#include "api/house.h"
#include "api/sign_in.h"
#include "db/email.h"
#include "db/member_store.h"

namespace everup::api {
namespace {

constexpr std::string_view kDashboard = "/app/";

DoorPage sign_in_form(const std::string& email, const std::string& error) {
  return {"Sign in",
          "",
          error,
          "/sign-in",
          {{"email", "E-mail address", "email", email, "username", true},
           {"password", "Password", "password", "", "current-password", true},
           {"code", "Code of your second factor, if you have one", "text", "", "one-time-code", false}},
          "Sign in"};
}

DoorPage setup_form(const std::string& token, const std::string& email, const std::string& error) {
  return {"Welcome to Everup",
          "Nobody has an account here yet. Yours will be the first; you own it.",
          error,
          "/setup/" + token,
          {{"email", "E-mail address", "email", email, "username", true},
           {"password", "Password, 8 characters or more", "password", "", "new-password", true}},
          "Make the account"};
}

HttpResponse dead_link(const Call& call) {
  return door_page(404,
                   {"This link leads nowhere",
                    "It is unknown, used, or too old, or there is an account already. On the "
                    "machine that Everup runs on, `everup setup-link` makes a new one.",
                    "",
                    "",
                    {},
                    ""},
                   site_of(call));
}

DoorPage invitation_form(const std::string& token, const db::Invited& invited, const std::string& error) {
  const std::string label =
      invited.has_password ? "Your password (you have one here already)" : "Choose a password, 8 characters or more";
  return {"Join " + invited.account_name,
          invited.email + " is invited as " + std::string(db::name(invited.role)) + ".",
          error,
          "/invite/" + token,
          {{"password", label, "password", "", invited.has_password ? "current-password" : "new-password", true}},
          "Join"};
}

HttpResponse dead_invitation(const Call& call) {
  return door_page(404,
                   {"This link leads nowhere",
                    "It is unknown, used, or too old. Whoever sent it can make a new one.",
                    "",
                    "",
                    {},
                    ""},
                   site_of(call));
}

// Proof that the password is the one of a person who has one, or the hash of a first one; else the page that says why
// not. The throttles of signing in hold here too.
std::variant<std::string, HttpResponse> prove(Call& call, const db::Invited& invited, const std::string& password) {
  const PeopleOptions& people = call.house->options.people;
  const auto again = [&](int status, const std::string& error) {
    return door_page(status, invitation_form(call.path[0], invited, error), site_of(call));
  };
  const SignInGate::Place place(call.house->door.gate);
  if (!place) return again(503, "Too busy; try again in a second.");
  if (invited.has_password) {
    const std::string network = network_of(call.client);
    const Instant now = call.house->options.clock->now().mono;
    if (call.house->door.gate.take_address(invited.email, network, false, now))
      return again(429, "Too many attempts; try again in some minutes.");
    if (!people.password_matches(invited.phc, password)) return again(401, "That is not your password.");
    call.house->door.gate.forgive(invited.email, network, false);
    return std::string();
  }
  if (invited.elsewhere)
    return again(409, "This address belongs to another account too and has no password; ask the operator to set one.");
  auto phc = people.hash_password(password);
  if (!phc.ok()) return again(422, "The password must have 8 to 256 bytes.");
  return *std::move(phc);
}

HttpResponse to_dashboard(const Call& call, const SignIn& result) {
  HttpResponse response = see_other(kDashboard);
  give_cookie(call, result.token, &response);
  return response;
}

HttpResponse busy_page(const Call& call, const DoorPage& page) {
  HttpResponse response = door_page(503, page, site_of(call));
  response.set("Retry-After", "2");
  return response;
}

}  // namespace

Answer front_door(Call& /*call*/) {
  HttpResponse response;
  response.status = 302;
  response.set("Location", std::string(kDashboard));
  return response;
}

Answer sign_in_page(Call& call) { return door_page(200, sign_in_form("", ""), site_of(call)); }

Answer post_sign_in(Call& call) {
  const std::string email = form_value(call.body, "email").value_or("");
  const SignIn result = sign_in(call, {email, form_value(call.body, "password").value_or(""),
                                       form_value(call.body, "code").value_or(""), AccountId{}});
  if (result.status == 200) return to_dashboard(call, result);
  HttpResponse response = door_page(result.status, sign_in_form(email, result.detail), site_of(call));
  if (result.status == 401) response.set("WWW-Authenticate", "Bearer realm=\"everup\"");
  if (result.retry_s > 0) response.set("Retry-After", std::to_string(result.retry_s));
  return response;
}

Answer setup_page(Call& call) {
  const auto* persons = call.house->options.people.persons;
  if (persons == nullptr) return dead_link(call);
  const auto open = call.house->options.people.persons->setup_open(call.path[0]);
  if (!open.ok()) return failed(call, open.error());
  return *open ? door_page(200, setup_form(call.path[0], "", ""), site_of(call)) : dead_link(call);
}

Answer post_setup(Call& call) {
  const PeopleOptions& people = call.house->options.people;
  if (people.persons == nullptr) return dead_link(call);
  const std::string& token = call.path[0];
  const auto open = people.persons->setup_open(token);
  if (!open.ok()) return failed(call, open.error());
  if (!*open) return dead_link(call);
  const std::string email = db::lowered_email(form_value(call.body, "email").value_or(""));
  if (!db::plausible_email(email))
    return door_page(422, setup_form(token, email, "That is not an e-mail address."), site_of(call));
  const SignInGate::Place place(call.house->door.gate);
  if (!place) return busy_page(call, setup_form(token, email, "Too busy; try again in a second."));
  const auto phc = people.hash_password(form_value(call.body, "password").value_or(""));
  if (!phc.ok())
    return door_page(422, setup_form(token, email, "The password must have 8 to 256 bytes."), site_of(call));
  auto owner = people.persons->use_setup(token, email, *phc);
  if (!owner.ok() && owner.error().code == ErrorCode::kNotFound) return dead_link(call);
  if (!owner.ok()) return failed(call, owner.error());
  const SignIn result = let_in(call, *std::move(owner));
  if (result.status != 200) return busy_page(call, sign_in_form(email, "The account is made. Sign in."));
  return to_dashboard(call, result);
}

Answer invitation_page(Call& call) {
  auto* members = call.house->options.people.members;
  if (members == nullptr) return dead_invitation(call);
  const auto invited = members->find_invitation(call.path[0]);
  if (!invited.ok()) return failed(call, invited.error());
  return invited->has_value() ? door_page(200, invitation_form(call.path[0], **invited, ""), site_of(call))
                              : dead_invitation(call);
}

Answer post_invitation(Call& call) {
  auto* members = call.house->options.people.members;
  if (members == nullptr) return dead_invitation(call);
  const auto invited = members->find_invitation(call.path[0]);
  if (!invited.ok()) return failed(call, invited.error());
  if (!invited->has_value()) return dead_invitation(call);
  auto proof = prove(call, **invited, form_value(call.body, "password").value_or(""));
  if (auto* refusal = std::get_if<HttpResponse>(&proof)) return std::move(*refusal);
  auto who = members->use_invitation(call.path[0], std::get<std::string>(proof));
  if (!who.ok() && who.error().code == ErrorCode::kNotFound) return dead_invitation(call);
  if (!who.ok()) return failed(call, who.error());
  db::AuditRow row;
  row.at = call.now;
  row.actor = to_string(who->user);
  row.actor_name = who->email;
  row.action = "POST /invite/{token}";
  row.object = row.actor;
  row.address = network_of(call.client);
  if (const Status noted = members->note(who->account, std::move(row)); !noted.ok())
    call.house->log(call.request_id, "audit log: " + noted.error().what);
  const SignIn result = let_in(call, *std::move(who));
  if (result.status != 200) return busy_page(call, sign_in_form((*invited)->email, "You have joined. Sign in."));
  return to_dashboard(call, result);
}

}  // namespace everup::api
