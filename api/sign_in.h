// Signing in, the same for the API and the pages: throttles, one password check whoever is asked for, a new session.
// Any handler thread; takes as long as a hash.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>

#include "api/browser.h"
#include "api/people.h"
#include "api/routes.h"
#include "api/sign_in_gate.h"
#include "db/person_store.h"

namespace everup::api {

// What signing in remembers between requests. Part of House.
struct Door {
  SignInGate gate;
  // The hash that a password is compared with when there is nobody to compare it with.
  const std::string& decoy(const PeopleOptions& people);

 private:
  std::once_flag made_;
  std::string decoy_;
};

struct Credentials {
  std::string email, password;
  std::string code;   // second factor; empty: none given
  AccountId account;  // 0: the one used last
};
// Either somebody is signed in (status 200), or why not: a problem's status, code and words.
struct SignIn {
  int status = 200;
  std::string_view code;
  std::string detail;
  std::int64_t retry_s = 0;
  db::SignedIn who;
  std::string token;
};
// A session that the browser had before ends (no fixation).
SignIn sign_in(Call& call, const Credentials& credentials);
// Opens a session for somebody who has proved himself otherwise (a set-up link, an invitation).
SignIn let_in(Call& call, db::SignedIn who);
// For what a cookie alone is not enough: the caller by cookie, when `password` is his; else 422 at `pointer`, or 429.
// The throttles of signing in hold here too: a stolen cookie is no licence to guess.
std::variant<db::Person, HttpResponse> prove_password(Call& call, const std::string& password,
                                                      std::string_view pointer);
HttpResponse refusal_of(const SignIn& result);

Site site_of(const Call& call);
db::Whereabouts whereabouts(const Call& call);
// {"user","account","role","csrf_token"}
std::string session_json(const Call& call, const db::SignedIn& who, std::string_view token);
// Puts the cookie on an answer.
void give_cookie(const Call& call, std::string_view token, HttpResponse* response);

}  // namespace everup::api
